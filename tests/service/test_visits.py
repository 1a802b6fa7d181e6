"""Would catch: a power or clock screen filed as a register, a repeated or backdated frame taken for a second look, a
queue that grows, another key's visit, a restart that loses what was captured, and evidence that shows something else.

The stand-in reader gives labelled observations: the network that reads labels is not in the reader yet.
"""

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recognizer.domain.meter import NOTHING_KNOWN
from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.reading import Report
from recognizer.errors import InputError
from recognizer.store_schema import open_database
from service.schema import prepare
from service.visit_live import Evidence, VisitEndedError, VisitLimits
from service.visit_photos import KeptPhotos
from service.visit_rows import VisitRow, VisitRows
from service.visits import VisitBusyError, Visits, VisitUnknownError

BOX: Quad = ((200, 200), (440, 200), (440, 280), (200, 280))
WANTED = ("1.8.1", "1.8.2", "1.8.3")
TARIFFS = [("001234.5", "kWh", "T1"), ("000777.1", "kWh", "T2"), ("000042.9", "kWh", "T3")]
OTHERS = [("001.25", "kW", "T1"), ("12.45.10", None, "T2")]


def photo(text: str, unit: str | None, mark: str | None, n: int = 0) -> bytes:
    return json.dumps([text, unit, mark, n]).encode()


def observe(data: bytes, expected: Sequence[str], plate: bool | None) -> Observation:
    try:
        text, unit, mark, _ = json.loads(data)
    except ValueError as error:
        raise InputError("not a picture") from error
    digits = text.replace(".", "", text.count(".") - 1)
    glyphs = tuple(Glyph(((c, 0.9999),), i / len(digits), (i + 1) / len(digits)) for i, c in enumerate(digits))
    marks = (Mark(mark, 0.9999),) if mark else ()
    shown = Display("lcd", BOX, 0.99, 0.98, glyphs, None, Mark(unit, 0.9999) if unit else None, marks)
    return Observation(640, 480, 10.0, (shown,))


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def service(tmp_path: Path, clock: Clock, reader: Any = observe, **limits: Any) -> Visits:
    """As after a start of the program: everything known is what is on disk."""
    engine = open_database(tmp_path / "store.db", create=True)
    prepare(engine)
    rows = VisitRows(engine)
    known = lambda row: NOTHING_KNOWN  # noqa: E731
    return Visits(rows, tmp_path / "visits", reader, known, limits=VisitLimits(**limits), clock=clock)


def watch(visits: Visits, visit: str, clock: Clock, screens: Sequence[tuple[str, str | None, str | None]]) -> Any:
    """Each screen for two seconds, two frames a second."""
    view = None
    for screen in screens:
        for n in range(4):
            clock.on(0.5)
            view = visits.offer("anna", visit, [photo(*screen, n)])
    return view


def kept(row: VisitRow, report: Report, evidence: Sequence[Evidence]) -> dict[str, Any]:
    frames = [[json.loads(e.photo)[0], [r.text for r in e.report.readings]] for e in evidence]
    return {"status": report.status, "frames": frames}


def test_tariffs_fill_in_and_power_and_clock_do_not(tmp_path: Path, clock: Clock) -> None:
    visits = service(tmp_path, clock)
    opened = visits.open("anna", wanted=WANTED)
    assert (opened["missing"], opened["captured"], opened["done"]) == (list(WANTED), [], False)
    view = watch(visits, opened["id"], clock, [OTHERS[0], TARIFFS[0], OTHERS[1], TARIFFS[1]])
    assert {c["register"]: c["text"] for c in view["captured"]} == {"1.8.1": "001234.5", "1.8.2": "000777.1"}
    assert (view["missing"], view["done"]) == (["1.8.3"], False)
    view = watch(visits, opened["id"], clock, [TARIFFS[2]])
    assert (view["missing"], view["done"], view["report"]["status"]) == ([], True, "accepted")
    assert view["last"]["readings"][0]["text"] == "000042.9"
    answer = visits.finish("anna", opened["id"], kept)
    # Every piece of evidence shows the very number that it stands for.
    assert sorted(answer["frames"]) == sorted([text, [text]] for text, _, _ in TARIFFS)
    assert not list((tmp_path / "visits").glob("*/*"))
    assert visits.finish("anna", opened["id"], kept) == answer
    assert visits.view("anna", opened["id"])["state"] == "finished"
    with pytest.raises(VisitEndedError):
        visits.offer("anna", opened["id"], [photo(*TARIFFS[0], 99)])


def test_a_screen_without_a_label_is_the_total(tmp_path: Path, clock: Clock) -> None:
    visits = service(tmp_path, clock)
    visit = visits.open("anna")["id"]
    assert [c["register"] for c in watch(visits, visit, clock, [("001234.5", "kWh", None)])["captured"]] == ["total"]


def test_a_restart_keeps_what_was_captured_and_goes_on(tmp_path: Path, clock: Clock) -> None:
    before = service(tmp_path, clock)
    visit = before.open("anna", wanted=WANTED)["id"]
    old = watch(before, visit, clock, [TARIFFS[0], OTHERS[0], TARIFFS[1]])
    after = service(tmp_path, clock)
    new = after.view("anna", visit)
    assert new["interrupted"]
    assert not old["interrupted"]
    same = ("captured", "missing", "report", "want")
    assert {k: new[k] for k in same} == {k: old[k] for k in same}
    assert new["frames"]["read"] == old["frames"]["read"]
    assert watch(after, visit, clock, [TARIFFS[2]])["done"]
    frames = after.finish("anna", visit, kept)["frames"]
    assert sorted(frames) == sorted([text, [text]] for text, _, _ in TARIFFS)


def test_the_same_bytes_are_no_second_look(tmp_path: Path, clock: Clock) -> None:
    visits = service(tmp_path, clock)
    visit = visits.open("anna")["id"]
    clock.on(60)
    first = visits.offer("anna", visit, [photo(*TARIFFS[0])], [1.0])
    again = visits.offer("anna", visit, [photo(*TARIFFS[0])], [40.0])
    assert again["report"] == first["report"]
    assert again["frames"] == first["frames"] | {"repeated": 1}


@pytest.mark.parametrize("at", [[-0.1], [float("nan")], [float("inf")], [17.0], [1.0, 2.0]])
def test_times_that_cannot_be_are_refused(tmp_path: Path, clock: Clock, at: list[float]) -> None:
    visits = service(tmp_path, clock)
    visit = visits.open("anna")["id"]
    clock.on(10)
    with pytest.raises(InputError, match="time"):
        visits.offer("anna", visit, [photo(*TARIFFS[0])], at)
    assert visits.view("anna", visit)["frames"]["read"] == 0


def test_another_key_sees_nothing(tmp_path: Path, clock: Clock) -> None:
    visits = service(tmp_path, clock)
    visit = visits.open("anna")["id"]
    with pytest.raises(VisitUnknownError):
        visits.view("ben", visit)
    with pytest.raises(VisitUnknownError):
        visits.offer("ben", visit, [photo(*TARIFFS[0])])
    with pytest.raises(VisitUnknownError):
        visits.finish("ben", visit, kept)


def test_visits_are_bounded_and_expire(tmp_path: Path, clock: Clock) -> None:
    visits = service(tmp_path, clock, visits=3, of_one_key=2)
    first = visits.open("anna")["id"]
    watch(visits, first, clock, [TARIFFS[0]])
    visits.open("anna")
    with pytest.raises(VisitBusyError):
        visits.open("anna")
    visits.open("ben")
    with pytest.raises(VisitBusyError):
        visits.open("carl")
    clock.on(601)
    ended = visits.view("anna", first)
    assert (ended["state"], ended["captured"][0]["text"]) == ("expired", "001234.5")
    assert not list((tmp_path / "visits").glob("*/*"))
    with pytest.raises(VisitEndedError):
        visits.offer("anna", first, [photo(*TARIFFS[1])])
    visits.open("carl")
    clock.on(90000)
    visits.sweep()
    with pytest.raises(VisitUnknownError):
        visits.view("anna", first)


def test_frames_and_bytes_are_bounded(tmp_path: Path, clock: Clock) -> None:
    visits = service(tmp_path, clock, frames=2, at_once=2)
    visit = visits.open("anna")["id"]
    visits.offer("anna", visit, [photo(*TARIFFS[0], n) for n in range(2)])
    with pytest.raises(VisitEndedError, match="finish"):
        visits.offer("anna", visit, [photo(*TARIFFS[0], 3)])
    for wrong in ([], [photo(*TARIFFS[0], n) for n in range(3)]):
        with pytest.raises(InputError, match="photos"):
            visits.offer("anna", visit, wrong)
    small = service(tmp_path, clock, bytes=5)
    with pytest.raises(VisitEndedError):
        small.offer("anna", small.open("anna")["id"], [photo(*TARIFFS[0])])


def test_a_spoilt_frame_of_a_burst_costs_no_other(tmp_path: Path, clock: Clock) -> None:
    visits = service(tmp_path, clock)
    visit = visits.open("anna")["id"]
    view = visits.offer("anna", visit, [photo(*TARIFFS[0]), b"spoilt"])
    assert (view["frames"]["read"], view["frames"]["unreadable"]) == (1, 1)
    with pytest.raises(InputError):
        visits.offer("anna", visit, [b"spoilt"])


def test_the_newest_frame_waits_and_older_ones_are_dropped(tmp_path: Path, clock: Clock) -> None:
    started, go, read = threading.Event(), threading.Event(), list[int]()

    def slow(data: bytes, expected: Sequence[str], plate: bool | None) -> Observation:
        read.append(json.loads(data)[3])
        started.set()
        assert go.wait(10)
        return observe(data, expected, plate)

    visits = service(tmp_path, clock, slow)
    visit = visits.open("anna")["id"]
    answered = [threading.Event() for _ in range(5)]

    def send(n: int) -> None:
        visits.offer("anna", visit, [photo(*TARIFFS[0], n)])
        answered[n].set()

    threads = [threading.Thread(target=send, args=(n,)) for n in range(5)]
    threads[0].start()
    assert started.wait(10)
    live = visits._live[visit]
    for n in range(1, 5):
        before = live.waiting
        threads[n].start()
        for _ in range(1000):
            if live.waiting not in (None, before):
                break
            threading.Event().wait(0.005)
        if n > 1:  # whoever waited is answered at once, and holds nothing
            assert answered[n - 1].wait(10)
    assert visits.view("anna", visit)["state"] == "open"  # while a frame is being read
    go.set()
    for thread in threads:
        thread.join(10)
    assert read == [0, 4]
    assert visits.view("anna", visit)["frames"] == {"read": 2, "dropped": 3, "repeated": 0, "unreadable": 0}


def test_a_database_that_fails_leaves_the_visit_as_it_was(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = service(tmp_path, clock)
    visit = visits.open("anna")["id"]

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(VisitRows, "save", fail)
        with pytest.raises(OSError, match="full"):
            visits.offer("anna", visit, [photo(*TARIFFS[0])])
    assert visits.view("anna", visit)["captured"] == []
    assert visits.offer("anna", visit, [photo(*TARIFFS[0])])["frames"]["read"] == 1


def test_kept_photos_are_the_surest_and_few(tmp_path: Path) -> None:
    photos = KeptPhotos(tmp_path / "v", most=2)
    photos.offer(b"a", "a", 1.0, {"100": 0.7})
    photos.offer(b"b", "b", 2.0, {"100": 0.9})
    photos.offer(b"c", "c", 3.0, {"100": 0.8})
    assert [p.name for p in (tmp_path / "v").iterdir()] == ["b"]
    photos.offer(b"d", "d", 4.0, {"200": 0.95})
    photos.offer(b"e", "e", 5.0, {"300": 0.5})
    assert sorted(p.name for p in (tmp_path / "v").iterdir()) == ["b", "d"]
    best = photos.best("100")
    assert best is not None
    assert photos.read(best.sha256) == b"b"
