"""MeterReader with the shipped models: every way to hand in a photo gives the same report, from any thread."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer import InputError, MeterReader, ModelError, load_frame
from recognizer.domain.decode import decode
from recognizer.domain.fusion import raised
from recognizer.domain.observation import Display, DisplayKind, Glyph, Mark
from recognizer.domain.visit_rules import FusionRules
from recognizer.synth.clip import render_clip
from recognizer.vision.locate import Found
from recognizer.vision.models import Model
from recognizer.vision.rectify import stretched
from recognizer.vision.screen import Beside

SAMPLE = Path(__file__).parents[1] / "samples" / "01-lcd-point.jpg"


@pytest.fixture(scope="module")
def reader() -> MeterReader:
    return MeterReader()


def test_path_bytes_and_arrays_give_the_same_answer(reader: MeterReader) -> None:
    whole = reader.read(SAMPLE).to_dict()
    from_bytes = reader.read(SAMPLE.read_bytes(), source=str(SAMPLE)).to_dict()
    assert from_bytes == whole
    # A decoded array has no cheap preview, so its first look differs by a rounding; the text must not.
    pixels = load_frame(SAMPLE).pixels
    bgr = reader.read(pixels).to_dict()
    rgb = reader.read(np.ascontiguousarray(pixels[:, :, ::-1]), color="rgb").to_dict()
    assert rgb == bgr
    assert bgr["readings"][0]["candidates"][0]["text"] == whole["readings"][0]["candidates"][0]["text"]


def test_threads_share_one_reader(reader: MeterReader) -> None:
    photos = sorted(SAMPLE.parent.glob("0[1-4]*.jpg"))
    alone = [reader.read(p).to_dict() for p in photos]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda p: reader.read(p).to_dict(), photos * 4))
    assert together == alone * 4


def test_a_report_names_its_models(reader: MeterReader) -> None:
    models = reader.read(SAMPLE).to_dict()["models"]
    assert set(models) == {"locator", "counter", "textline", "screen"}
    assert all(len(digest) == 12 for digest in models.values())


def test_no_number_of_frames_makes_a_doubtful_reading_an_accepted_one(reader: MeterReader) -> None:
    """A threshold and a gain that are each set alone: 0.75 in every frame is wrong one time in four."""
    assert raised(0.75, FusionRules().most_gain) < reader.policy.accept_above
    assert reader.policy.accept_above >= 0.95


def test_half_a_unit_of_a_display_that_was_cut_out_is_no_power() -> None:
    """Of kWh a cut leaves kW, and the reading would be refused; taken for kWh, a power might be accepted."""
    reader, photo = MeterReader(), load_frame(SAMPLE).pixels
    seen = reader.observe(load_frame(photo)).displays[0].quad
    read = Beside(unit=Mark("kW", 0.99))
    reader._screens = SimpleNamespace(read=lambda *_, **__: read, digest="0" * 12)  # type: ignore[assignment]
    whole = reader.read(photo).readings[0]
    assert (whole.status, whole.findings[0].code) == ("refused", "power")
    low, high = np.min(seen, 0).astype(int), np.max(seen, 0).astype(int)
    strip = photo[low[1] : high[1], low[0] : high[0]]
    assert strip.shape[1] > 2.8 * strip.shape[0]
    cut_out = reader.read(strip).readings[0]
    assert (cut_out.status, cut_out.register) == ("review", "unknown")
    assert cut_out.text
    read = Beside(unit=Mark("V", 0.9))  # half the W of kWh
    assert reader.read(strip).readings[0].status == "review"
    read = Beside(unit=Mark("kWh", 0.99))
    assert reader.observe(load_frame(strip)).displays[0].unit == Mark("kWh", 0.99)


@pytest.mark.parametrize(("upright", "text"), [(0.95, "10899"), (0.6, "66801")])
def test_a_display_that_was_cut_out_hardly_stands_on_its_head(
    reader: MeterReader, monkeypatch: pytest.MonkeyPatch, upright: float, text: str
) -> None:
    """A photo of 10899 was read as 668 of 66801; what reads far better on its head does stand so."""

    def read(_: object, quad: NDArray[np.float32]) -> tuple[Glyph, ...]:
        on_its_head = quad[1, 0] < quad[0, 0]
        read, chance = ("66801", 0.96) if on_its_head else ("10899", upright)
        return tuple(Glyph(((digit, chance),), 0.0, 0.0) for digit in read)

    monkeypatch.setattr("recognizer.vision.cuts.rectify", lambda _, quad: quad)
    monkeypatch.setattr("recognizer.vision.cuts.read_strip", read)
    monkeypatch.setattr(reader, "_wheels", SimpleNamespace(turned=lambda _, glyphs: glyphs))
    quad = np.array([[280, 50], [20, 50], [20, 10], [280, 10]], np.float32)
    strip = load_frame(np.zeros((60, 300, 3), np.uint8))
    assert _text(reader._display(strip, Found("drum", quad, 0.9, 0.99)).glyphs) == text


@pytest.mark.parametrize("sample", ["01-lcd-point.jpg", "09-drum-close.jpg"])
def test_the_last_digit_is_read_where_the_locator_left_it_out(reader: MeterReader, sample: str) -> None:
    """The rest reads surely, so nothing else would tell: 94 100 kWh instead of 9410.01 was a real photo's reading."""
    frame = load_frame(SAMPLE.with_name(sample))
    display = reader.observe(frame).displays[0]
    tall = np.linalg.norm(np.subtract(display.quad[3], display.quad[0]))
    long = np.linalg.norm(np.subtract(display.quad[1], display.quad[0]))
    last = display.glyphs[-1]
    short = stretched(np.array(display.quad, np.float32), 0.0, -float((1 - last.start) * long / tall), 0.0)
    again = reader._display(frame, Found(display.kind, short, display.score, display.legible))
    assert _text(again.glyphs) == _text(display.glyphs)


@pytest.mark.parametrize(
    ("kind", "before", "beside", "chance", "step", "text", "sure"),
    [
        ("lcd", "6", Beside(Mark("T1", 0.9), label_end=(-2.0, 0.0)), 0.99, 1.0, "86327", False),
        ("lcd", "6", Beside(Mark("T1", 0.9), label_end=(-2.0, 0.0)), 0.5, 1.0, "86327", True),
        ("drum", "6", Beside(), 0.99, 1.0, "86327", True),
        ("lcd", "6", Beside(), 0.99, 1.3, "86327", False),  # as far away as a label
        ("lcd", "6", Beside(), 0.99, 1.0, "686327", True),
        ("lcd", "26", Beside(), 0.99, 1.0, "2686327", True),
        ("lcd", "6", Beside(Mark("1.8.6", 0.9), label_end=(1.4, 0.0)), 0.99, 1.0, "86327", True),  # the end of it
        ("lcd", "6", Beside(Mark("1.8.6", 0.9), label_end=(0.9, 0.0)), 0.99, 1.0, "86327", False),  # perhaps
        ("lcd", "6", Beside(Mark("P.06", 0.9), label_end=(1.4, -1.1)), 0.99, 1.0, "686327", True),  # above the value
        ("lcd", "6", Beside(Mark("P.06", 0.9), label_end=(3.0, 0.1)), 0.99, 1.0, "686327", True),  # right of it
        ("lcd", "", Beside(Mark("1.8.8", 0.9), label_end=(2.5, 0.1)), 0.99, 1.0, "86327", False),
        ("lcd", "", Beside(Mark("1.8.8", 0.9), label_end=(2.5, 1.1)), 0.99, 1.0, "86327", True),
    ],
)
def test_a_digit_before_the_cut_of_an_lcd_is_the_values_or_leaves_it_in_doubt(
    reader: MeterReader, monkeypatch: pytest.MonkeyPatch,
    kind: DisplayKind, before: str, beside: Beside, chance: float, step: float, text: str, sure: bool,
) -> None:  # fmt: skip
    """86327.43 of 686327.43 was read surely in half the frames of a clip, and accepted."""
    quad = np.array([[160, 10], [360, 10], [360, 50], [160, 50]], np.float32)

    def read(_: object, cut: NDArray[np.float32]) -> tuple[Glyph, ...]:
        seen = min(len(before), round(float(quad[0, 0] - cut[0, 0])) // 28)
        places = [*range(6, 1, -1), *(1 + step - 1.0 - k * step for k in range(seen))][::-1]
        odds = [*((digit, chance) for digit in before[len(before) - seen :]), *((digit, 0.999) for digit in "86327")]
        return tuple(Glyph((one,), 0.1 * at + 0.3, 0.1 * at + 0.35) for one, at in zip(odds, places, strict=True))

    monkeypatch.setattr("recognizer.vision.cuts.rectify", lambda _, cut: cut)
    monkeypatch.setattr("recognizer.vision.cuts.read_strip", read)
    monkeypatch.setattr("recognizer.vision.cuts.without_unlit", lambda _, glyphs, **__: glyphs)
    monkeypatch.setattr(reader, "_screens", SimpleNamespace(read=lambda *_, **__: beside))
    monkeypatch.setattr(reader, "_wheels", SimpleNamespace(turned=lambda _, glyphs: glyphs))
    photo = load_frame(np.zeros((300, 400, 3), np.uint8))
    glyphs = reader._display(photo, Found(kind, quad, 0.9, 0.99)).glyphs
    first, *_ = decode(glyphs, kind, k=2)
    assert _text(glyphs) == text
    assert (first.probability > 0.95) == sure


@pytest.mark.parametrize(("first", "text"), [(0.95, "01084"), (0.99, "1084")])
def test_left_of_a_drum_a_digit_is_looked_for_where_the_first_cut_is_not_sure(
    reader: MeterReader, monkeypatch: pytest.MonkeyPatch, first: float, text: str
) -> None:
    """However sure another cut is: 1084.8 of 01084.8 would have been accepted."""
    quad = np.array([[60, 10], [260, 10], [260, 50], [60, 50]], np.float32)

    def read(_: object, cut: NDArray[np.float32]) -> tuple[Glyph, ...]:
        digits = "01084" if cut[0, 0] < quad[0, 0] - 20 else "1084"
        chance = first ** (1 / 4) if np.array_equal(cut, quad) else 0.9999
        return tuple(Glyph(((digit, chance),), 0.0, 0.0) for digit in digits)

    monkeypatch.setattr("recognizer.vision.cuts.rectify", lambda _, cut: cut)
    monkeypatch.setattr("recognizer.vision.cuts.read_strip", read)
    monkeypatch.setattr(reader, "_wheels", SimpleNamespace(turned=lambda _, glyphs: glyphs))
    photo = load_frame(np.zeros((300, 400, 3), np.uint8))
    assert _text(reader._display(photo, Found("drum", quad, 0.9, 0.99)).glyphs) == text


@pytest.mark.parametrize(("heard", "text"), [(0.9, "462241"), (0.5, "162241")])
def test_a_brief_look_is_a_long_one_where_cuts_disagree(
    reader: MeterReader, monkeypatch: pytest.MonkeyPatch, heard: float, text: str
) -> None:
    """A 4 that was cut in half was surely a 1, in one frame of eight."""
    quad = np.array([[60, 10], [260, 10], [260, 50], [60, 50]], np.float32)

    def read(models: tuple[Model, ...], cut: NDArray[np.float32]) -> tuple[Glyph, ...]:
        whole = cut[0, 0] < quad[0, 0]
        chance = 0.99 if not whole else 0.999 if len(models) > 1 else heard
        return tuple(Glyph(((digit, chance),), 0.0, 0.0) for digit in ("462241" if whole else "162241"))

    monkeypatch.setattr("recognizer.vision.cuts.rectify", lambda _, cut: cut)
    monkeypatch.setattr("recognizer.vision.cuts.read_strip", read)
    monkeypatch.setattr(reader, "_wheels", SimpleNamespace(turned=lambda _, glyphs: glyphs))
    photo = load_frame(np.zeros((300, 400, 3), np.uint8))
    assert _text(reader._display(photo, Found("drum", quad, 0.9, 0.99), True).glyphs) == text


def test_a_title_is_read_where_a_value_stood_and_no_digits_stand(
    reader: MeterReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = load_frame(SAMPLE)
    value = next(d for d in reader.observe(photo).displays if d.kind == "lcd")
    named = Beside(Mark("IMPORT KWH", 0.4))
    monkeypatch.setattr(reader, "_screens", SimpleNamespace(read=lambda *_, **__: named, digest="0" * 12))
    assert [d.quad for d in reader.observe(photo, place=value.quad).displays if d.label] == [value.quad]
    blank = load_frame(np.full((480, 640, 3), 90, np.uint8))
    (title,) = reader.observe(blank, place=value.quad).displays
    assert (title.quad, title.glyphs, title.label) == (value.quad, (), Mark("IMPORT KWH", 0.4))
    named = Beside()
    assert reader.observe(blank, place=value.quad).displays == ()


@pytest.mark.parametrize(("chance", "named"), [(0.4, True), (0.99, False)])
def test_unlit_segments_read_as_digits_hide_no_title(
    reader: MeterReader, monkeypatch: pytest.MonkeyPatch, chance: float, named: bool
) -> None:
    """Titles of half a second were overlooked while 8s of the row below them were read doubtfully."""
    monkeypatch.setattr(reader, "_screens", SimpleNamespace(read=lambda *_, **__: Beside(Mark("EXPORT KWH", 0.9))))
    place = ((100.0, 100.0), (300.0, 100.0), (300.0, 140.0), (100.0, 140.0))
    read = Display("lcd", place, 0.6, 0.9, tuple(Glyph((("8", chance),), i / 4, (i + 1) / 4) for i in range(4)))
    frame = load_frame(np.zeros((240, 400, 3), np.uint8))
    assert (reader._title(frame, place, [read]) is not None) == named


def test_the_last_digit_of_a_label_is_no_digit_of_its_value(reader: MeterReader) -> None:
    """1.8.2 before 026190.20 was read as 2026190.20, surely."""
    clip = render_clip(np.random.default_rng((4242, 12)), "all-rows", (640, 480))
    frame = next(f for f in clip if f.time >= 1.75)
    values = [row.value for row in clip.showings[frame.showing].screen.rows]
    read = [_text(display.glyphs) for display in reader.observe(load_frame(frame.image)).displays]
    assert not [text for text in read for value in values if value and text != value and text.endswith(value)]
    assert set(read) & set(values)


def _text(glyphs: tuple[Glyph, ...]) -> str:
    return "".join(g.odds[0][0] for g in glyphs if g.odds and g.odds[0][1] > g.absent)


def test_a_brief_look_reads_what_a_long_one_does_in_fewer_passes(
    reader: MeterReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[str] = []
    run = Model.run

    def counted(self: Model, array: NDArray[Any]) -> list[NDArray[Any]]:
        passes.append(self.card.role)
        return run(self, array)

    monkeypatch.setattr(Model, "run", counted)
    small = load_frame(SAMPLE).pixels[::5, ::5].copy()
    blurred = load_frame(np.asarray(cv2.GaussianBlur(small, (0, 0), 1.8), np.uint8))
    asked = {}
    for brief in (False, True):
        passes.clear()
        displays = reader.observe(blurred, brief=brief).displays
        asked[brief] = [_text(d.glyphs) for d in displays], passes.count("textline")
    assert asked[True][0] == asked[False][0]
    assert asked[True][1] < asked[False][1]
    passes.clear()
    blank = load_frame(np.full((480, 640, 3), 90, np.uint8))
    assert reader.observe(blank, brief=True).displays == ()
    assert passes == ["locator"]  # and not turned by quarters


def test_in_a_brief_look_what_is_found_on_its_head_stands_upright(reader: MeterReader) -> None:
    """The locator takes a plain row of digits for its upside-down self in some frames; the camera has not turned."""
    frame = load_frame(SAMPLE)
    upright = reader.observe(frame).displays[0]
    found = Found("lcd", np.roll(np.array(upright.quad, np.float32), 2, axis=0), 0.9, 0.99)
    assert _text(reader._display(frame, found, True).glyphs) == _text(upright.glyphs)


@pytest.mark.parametrize("colour", [0, 90, 255])
def test_a_plain_picture_has_no_meter(reader: MeterReader, colour: int) -> None:
    report = reader.read(np.full((300, 400, 3), colour, np.uint8))
    assert report.status == "refused"
    assert all(r.value is None for r in report.readings)


def test_missing_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"locator.*card\.toml"):
        MeterReader(tmp_path)


def test_a_missing_photo_is_an_input_error(reader: MeterReader, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        reader.read(tmp_path / "none.jpg")
