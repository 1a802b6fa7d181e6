"""The page in a real browser, on the real service and reader: would catch a box that is not drawn, a corrected digit
that is not stored, a photo lost with the connection, a queue that no key moves, a page wider than a phone."""

import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.domain.observation import Display, Glyph, Mark, Observation
from recognizer.domain.policy import Policy
from recognizer.reader import MeterReader
from recognizer.synth.clip import Clip, render_clip
from recognizer.vision.frame import Frame
from service.meter_ids import kept

api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
service = pytest.importorskip("service.app", reason="the service's extra is not installed, or has no app yet")
intake = pytest.importorskip("service.intake", reason="the service's extra is not installed")
settings = pytest.importorskip("service.settings", reason="the service's extra is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="the service's extra is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")

SAMPLES = Path(__file__).parents[2] / "samples"
CLIPS = SAMPLES / "clips"
PHONE = {"width": 390, "height": 844}
THREE_TARIFFS = {"1.8.1", "1.8.2", "1.8.3", "1.8.0"}
PATIENCE = 15_000  # milliseconds for a step
expect: Any = api.expect
expect.set_options(timeout=PATIENCE)


@contextmanager
def serving(data_dir: Path, reader: Any = None) -> Iterator[str]:
    """The service on a free port, in demo mode, with the real reader unless one is given; gives its address."""
    app = service.create_app(settings.Settings(data_dir=data_dir, demo=True), reader)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        assert time.monotonic() < until, "the service did not start in time"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive(), "the service did not stop"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("service")) as url:
        yield url


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    with api.sync_playwright() as started:
        yield started


@contextmanager
def browsing(playwright: Any, *arguments: str) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    with browsing(playwright) as opened:
        yield opened


Opened = Callable[..., Any]


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    """``opened(url, **context)`` gives a page of a fresh person; anything that the page complains of fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def open_page(url: str, **context: Any) -> Any:
        contexts.append(browser.new_context(**({"viewport": PHONE, "locale": "en-GB", "has_touch": True} | context)))
        return attended(contexts[-1], url, complaints)

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def attended(context: Any, url: str, complaints: list[str]) -> Any:
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # Of the console only what the policy against foreign scripts and styles refuses: lost lines are part of a test.
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(url)
    return page


def upload(page: Any, name: str, meter: str = "") -> None:
    page.get_by_label("Meter", exact=True).first.fill(meter)
    page.locator("#choose").set_input_files(SAMPLES / name)


def digits(page: Any) -> str:
    return "".join(page.locator(".digits").first.locator(".digit, .point").all_inner_texts())


def test_a_photo_is_read_corrected_sent_and_found_in_the_history(opened: Opened, address: str) -> None:
    page = opened(address)
    assert "demo" in page.locator("#notice").inner_text().lower()
    upload(page, "01-lcd-point.jpg", "hall")
    expect(page.locator(".verdict")).to_be_visible()
    assert digits(page) == "013414.9"
    corners = page.locator(".picture .boxes polygon").first.get_attribute("points").split()
    xs = [float(corner.split(",")[0]) for corner in corners]
    assert 380 < min(xs) < 460
    assert 740 < max(xs) < 820
    page.get_by_role("button", name="Digit 7 of 7: 9").click()
    page.locator(".pad").get_by_role("button", name="8", exact=True).click()
    assert digits(page) == "013414.8"
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".sent")).to_contain_text("013414.8")
    expect(page.locator("textarea")).to_have_value("13414")
    page.get_by_label("Form").select_option("sms")
    page.get_by_label("Your account number").fill("77")
    page.keyboard.press("Enter")
    expect(page.locator("textarea")).to_have_value("77#hall#013414")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the confirmation").click()
    kept = cv2.imread(str(download.value.path()))
    assert kept is not None
    assert kept.shape[1] == 1080
    page.get_by_role("link", name="See the history").click()
    expect(page.locator(".latest")).to_contain_text("13414.8")
    page.locator(".chart .dot").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#point .photo")).to_be_visible()
    expect(page.locator("#point")).to_contain_text("013414.8")
    expect(page.locator("#point .boxes text")).to_have_text("013414.8")


def test_a_broken_line_loses_no_photo_and_stores_it_once(opened: Opened, address: str) -> None:
    page = opened(address)
    keys: list[str] = []

    def lose_the_answer(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()  # the service has it, and the person never hears of it
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/readings", lose_the_answer)
    upload(page, "05-drum-tilted.jpg", "lost line")
    expect(page.locator(".trouble")).to_contain_text("Your photo is still here")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".verdict")).to_be_visible()
    assert len(keys) == 2
    assert len(set(keys)) == 1
    stored = page.request.get(f"{address}/v1/meters/lost%20line/readings").json()["items"]
    assert len({one["photo_id"] for one in stored}) == 1


def test_what_is_no_photo_is_refused_in_words(opened: Opened, address: str) -> None:
    page = opened(address, locale="ru-RU")
    page.locator("#choose").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
    expect(page.locator(".trouble")).to_contain_text("Этот снимок не подходит")


@pytest.fixture
def doubting(tmp_path: Path) -> Iterator[str]:
    """The service with a reader that is certain of nothing, so that everything waits for a person."""
    policy = replace(MeterReader().policy, accept_above=1.0)
    with serving(tmp_path, MeterReader(policy=policy)) as url:
        yield url


def test_the_queue_is_worked_by_keyboard(opened: Opened, doubting: str) -> None:
    address = doubting
    page = opened(address, viewport={"width": 1200, "height": 850})
    for name in ("01-lcd-point.jpg", "08-lcd-amber.jpg", "10-led-panel.jpg"):
        photo = {"name": name, "mimeType": "image/jpeg", "buffer": (SAMPLES / name).read_bytes()}
        answer = page.request.post(f"{address}/v1/readings", multipart={"photo": photo})
        assert answer.ok, answer.text()
    waiting = page.request.get(f"{address}/v1/review").json()["items"]
    assert len(waiting) >= 3
    page.get_by_role("link", name="Review").click()
    expect(page.locator(".review-card")).to_be_visible()
    expect(page.locator(".crop .photo")).to_be_visible()
    first = waiting[0]
    page.keyboard.press("e")
    place = page.evaluate("document.activeElement.dataset.place")
    assert place == "0"
    other = "7" if first["text"][0] != "7" else "3"
    page.keyboard.press(other)
    page.keyboard.press("Enter")
    expect(page.locator("#queue .hint").first).to_contain_text(f"Confirmed: {other}")
    stored = page.request.get(f"{address}/v1/readings/{first['id']}").json()
    assert stored["text"] == other + first["text"][1:]
    assert stored["original"]["text"] == first["text"]
    page.keyboard.press("1")
    expect(page.locator(".choice").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("n")
    page.keyboard.press("r")
    expect(page.locator("#queue")).to_contain_text("Rejected.")
    states = [page.request.get(f"{address}/v1/readings/{one['id']}").json()["status"] for one in waiting[1:3]]
    assert states == ["review", "rejected"]


@pytest.mark.parametrize("locale", ["en-GB", "ru-RU"])
def test_a_phone_shows_it_all_and_says_it_in_its_language(opened: Opened, address: str, locale: str) -> None:
    page = opened(address, locale=locale)
    said = page.locator("html").get_attribute("lang")
    assert said == locale[:2]
    cyrillic = re.compile("[А-Яа-я]")
    for tab in ("submit", "meter", "review"):
        page.locator(f'nav a[href="#{tab}"]').click()
        expect(page.locator(f"#{tab}")).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"]
        assert bool(cyrillic.search(page.locator(f"#{tab} h1").inner_text())) is (locale == "ru-RU")
        small = page.evaluate(
            "[...document.querySelectorAll('button, .button, nav a, select, input:not([type=file])')].filter(e => "
            "e.checkVisibility() && e.type !== 'checkbox' && e.getBoundingClientRect().height < 44)"
            ".map(e => e.outerHTML)"
        )
        assert not small
    page.get_by_role("button", name="Русский").click()
    assert cyrillic.search(page.locator("#review h1").inner_text())
    page.reload()
    assert page.locator("html").get_attribute("lang") == "ru", "the choice is kept"


def test_two_peoples_meters_of_one_name_are_told_apart(opened: Opened, tmp_path: Path) -> None:
    """Whoever sees everybody's meters picks one as OWNER/NAME, and gets that one's history and no other."""
    app = service.create_app(settings.Settings(data_dir=tmp_path, demo=True))
    for owner, name in (("anna", "01-lcd-point.jpg"), ("ben", "07-drum-rolling.jpg")):
        asked = intake.Asked(owner, kept(owner, "cellar"))
        assert app.state.parts.intake.take([(name, (SAMPLES / name).read_bytes())], asked)["readings"]
    app.state.parts.close()
    with serving(tmp_path) as url:
        page = opened(f"{url}/#meter")
        options = page.locator("#meters option")
        expect(options).to_have_count(2)
        names = [options.nth(n).get_attribute("value") for n in range(2)]
        assert sorted(names) == ["anna/cellar", "ben/cellar"]
        page.locator("#meter-id").fill("anna/cellar")
        page.keyboard.press("Enter")
        page.locator("#history summary").first.click()
        expect(page.locator("#history tbody")).to_contain_text("013414.9")
        expect(page.locator("#history tbody tr")).to_have_count(1)
        page.locator("#meter-id").fill("ben/cellar")
        page.keyboard.press("Enter")
        page.locator("#history summary").first.click()
        expect(page.locator("#history tbody")).not_to_contain_text("013414.9")
        expect(page.locator("#history tbody tr")).to_have_count(1)


@dataclass(frozen=True)
class ClipReader:
    """Stands in for the reader in live capture, where what is tried is the page and not how well it is read: it
    finds which frame of the clip the camera showed, and gives the truth of that frame as an observation."""

    clip: Clip
    thumbnails: NDArray[np.float32]
    frames: list[Any]
    policy: Policy = Policy()  # noqa: RUF009

    def observe(self, frame: Frame, **_: Any) -> Observation:
        distance = np.abs(self.thumbnails - _thumbnail(frame.pixels)).mean((1, 2))
        index, transition, rows = self.frames[int(distance.argmin())]
        screen = self.clip.showings[index].screen
        scale = np.array([frame.width / self.clip.size[0], frame.height / self.clip.size[1]])
        displays = [] if transition else [
            _display(row, screen.marks, quad * scale) for row, quad in zip(screen.rows, rows, strict=False) if row.value
        ]  # fmt: skip
        return Observation(frame.width, frame.height, frame.sharpness, tuple(displays), photo=frame.photo)


def _thumbnail(image: Any) -> NDArray[np.float32]:
    grey = cv2.cvtColor(np.asarray(image), cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (160, 120), interpolation=cv2.INTER_AREA), np.float32)


def _display(row: Any, marks: tuple[str, ...], quad: Any) -> Display:
    shown = [char for char in row.value if char in "0123456789."]
    glyphs = tuple(Glyph(((char, 0.9999),), i / len(shown), (i + 1) / len(shown)) for i, char in enumerate(shown))
    label, unit = (Mark(text, 0.9999) if text else None for text in (row.label, row.unit))
    corners: Any = tuple((float(x), float(y)) for x, y in quad)
    return Display("lcd", corners, 0.99, 0.99, glyphs, label, unit, tuple(Mark(mark, 0.9999) for mark in marks))


def _filmed(path: Path) -> ClipReader:
    """A short clip of a meter with several tariffs as Motion JPEG at ``path``, which Chromium plays at 30 a second."""
    clips = (render_clip(np.random.default_rng(seed), "mercury-200", (640, 480), fps=15) for seed in range(60))
    clip = next(c for c in clips if {r.register for r in c.registers} == THREE_TARIFFS and c.seconds < 25)
    frames, thumbnails = [], []
    with path.open("wb") as file:
        for frame in clip:
            file.write(cv2.imencode(".jpg", frame.image)[1].tobytes())
            frames.append((frame.showing, frame.transition, frame.rows))
            thumbnails.append(_thumbnail(frame.image))
    return ClipReader(clip, np.array(thumbnails), frames)


def test_the_real_reader_fills_the_tariffs_of_a_scrolling_display(tmp_path: Path, playwright: Any) -> None:
    """Nothing stands in: a clip of ``samples/`` as a camera films it again and again, page, service, models."""
    truth = json.loads((CLIPS / "landis-gyr-obis-2.json").read_text(encoding="utf-8"))
    values = {r["register"]: r["value"] for r in truth["registers"]}
    film = cv2.VideoCapture(str(CLIPS / "landis-gyr-obis-2.mp4"))
    with (tmp_path / "clip.mjpeg").open("wb") as file:
        while (frame := film.read())[0]:  # Chromium plays 30 of them a second
            file.write(cv2.imencode(".jpg", frame[1])[1].tobytes() * round(30 / truth["fps"]))
    camera = (
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'clip.mjpeg'}",
    )  # fmt: skip
    complaints: list[str] = []
    with serving(tmp_path / "data") as url, browsing(playwright, *camera) as browser:
        page = attended(browser.new_context(viewport=PHONE, locale="en-GB"), url, complaints)
        page.get_by_role("button", name="Film a scrolling display").click()
        for tariff in ("T1", "T2"):
            page.get_by_label(tariff, exact=True).check()
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator(".verdict")).to_be_visible(timeout=120_000)
        read = {}
        for card in page.locator(".reading").all():
            name = card.locator("h3").inner_text().split(",")[0]
            read[name] = "".join(card.locator(".digit, .point").all_inner_texts())
    assert read["T1"] == values["1.8.1"]
    assert read["T2"] == values["1.8.2"]
    assert not complaints


def test_a_scrolling_display_is_filmed_until_all_tariffs_are_there(tmp_path: Path, playwright: Any) -> None:
    reader = _filmed(tmp_path / "clip.mjpeg")
    truth = {r.register: r.value for r in reader.clip.registers}
    tariffs = sorted(code for code in truth if code != "1.8.0")
    camera = (
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'clip.mjpeg'}",
    )  # fmt: skip
    complaints: list[str] = []
    with serving(tmp_path / "data", reader) as url, browsing(playwright, *camera) as browser:
        page = attended(browser.new_context(viewport=PHONE, locale="en-GB"), url, complaints)
        sent: list[float] = []
        page.on("request", lambda asked: sent.append(time.monotonic()) if asked.url.endswith("/frames") else None)
        page.get_by_role("button", name="Film a scrolling display").click()
        for code in tariffs:
            page.get_by_label(f"T{code[-1]}", exact=True).check()
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator(".captured .got").first).to_be_visible(timeout=25_000)
        expect(page.locator("[aria-live=polite]")).to_contain_text("is read")
        expect(page.locator(".verdict")).to_be_visible(timeout=40_000)
        cards = page.locator(".reading")
        read = {}
        for card in cards.all():
            name = card.locator("h3").inner_text().split(",")[0]
            read[name] = "".join(card.locator(".digit, .point").all_inner_texts())
        assert {f"T{code[-1]}": truth[code] for code in tariffs}.items() <= read.items()
        assert not page.evaluate("document.querySelector('video')?.srcObject?.active ?? false"), "the camera runs on"
    assert not complaints
    assert len(sent) - 1 <= 1.1 * (sent[-1] - sent[0]) / 0.35, "frames are sent faster than one in 350 ms"
