"""Would catch: a screen that is missed or filed wrongly because a frame was not read, reading what stands still, copies
that make a doubtful reading certain, memory that grows with the clip, and an end that is not told."""

import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf
from time import sleep
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scroll_meters import PerfectReader, RenderedClip, profile_of, rendering
from recognizer.domain.fusion import raised
from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Policy
from recognizer.domain.profile import load_profiles
from recognizer.domain.visit import Visit
from recognizer.domain.visit_rules import FusionRules
from recognizer.errors import InputError, UsageError
from recognizer.vision.clip import Clip, ClipFrame
from recognizer.vision.frame import Frame
from recognizer.vision.pixels import Pixels
from recognizer.vision.still import Still
from recognizer.watch import UPRIGHT_FOR, Progress, watch
from recognizer.watch_evidence import NEWEST, Evidence

SIZE = (320, 240)
BOX: Quad = ((40, 30), (120, 30), (120, 50), (40, 50))


def screen(number: int, shift: tuple[int, int] = (0, 0), light: float = 1.0) -> Pixels:
    """A grey panel with bars as digits: another row of them for each number."""
    rng = np.random.default_rng(number)
    canvas = np.full((100, 160, 3), 170, np.uint8)
    for n in range(8):
        for x, y, w, h in ((0, 0, 7, 2), (0, 9, 7, 2), (0, 18, 7, 2), (0, 0, 2, 10), (5, 0, 2, 10), (0, 10, 2, 10)):
            if rng.random() < 0.6:
                canvas[30 + y : 30 + y + h, 40 + 10 * n + x : 40 + 10 * n + x + w] = 40
    canvas = np.roll(canvas, shift, (1, 0))
    return np.asarray(np.clip(canvas * light, 0, 255), np.uint8)


def seen(text: str, label: str | None = "1.8.1", sure: float = 0.999) -> Observation:
    glyphs = tuple(Glyph(((char, sure),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    mark = None if label is None else Mark(label, 0.999)
    return Observation(160, 100, 10.0, (Display("lcd", BOX, 0.99, 0.98, glyphs, mark, Mark("kWh", 0.999)),))


class Screens(Clip):
    """So many numbers one after the other, each for ``stay`` seconds, by a hand that shakes a little."""

    def __init__(
        self, numbers: Sequence[int], stay: float = 2.0, fps: float = 8.0, troubles: tuple[str, ...] = ()
    ) -> None:
        self.name, self._numbers, self._stay, self._fps, self._troubles = "screens", numbers, stay, fps, troubles

    @property
    def troubles(self) -> tuple[str, ...]:
        return self._troubles

    def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
        for n in range(int(len(self._numbers) * self._stay * self._fps)):
            if n / self._fps > longest:
                self.late = True
                return
            number = self._numbers[int(n / self._fps / self._stay)]
            yield ClipFrame(screen(number, (n % 3, n % 2), 1 + 0.02 * (n % 4)), n / self._fps)


class Reader:
    """Reads a screen of ``Screens`` by looking which one it is."""

    policy = Policy()

    def __init__(self, sure: float = 0.999, numbers: int = 4) -> None:
        self._sure, self._stills = sure, [Still(screen(n), [BOX]) for n in range(numbers)]
        self.asked: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def observe(self, frame: Frame, **options: Any) -> Observation:
        with self._lock:
            self.asked.append(options)
            number = min(range(len(self._stills)), key=lambda n: self._stills[n].difference(frame.pixels))
        return seen(f"00{1000 + number}.5", f"1.8.{number % 8 + 1}", self._sure)


def test_a_display_that_shakes_is_the_same_and_one_segment_is_not() -> None:
    still = Still(screen(1), [BOX])
    assert all(still.shows(screen(1, (x, y), light)) for x in (-3, 0, 4) for y in (-2, 0, 3) for light in (0.8, 1, 1.2))
    changed = screen(1).copy()
    part = changed[30:40, 45:47]
    part[:] = 210 - part
    assert not still.shows(changed)
    assert not still.shows(screen(2))
    assert not still.shows(screen(1)[:80])
    whole = Still(screen(1), [])
    assert whole.shows(screen(1, (1, 1)))
    assert not whole.shows(screen(2))


def test_noise_all_over_is_no_change_and_one_segment_in_it_is() -> None:
    rng = np.random.default_rng(1)

    def grainy(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return (pixels + rng.normal(0, 13, pixels.shape)).clip(0, 255).astype(np.uint8)

    still = Still(grainy(screen(1)), [BOX])
    assert sum(still.shows(grainy(screen(1))) for _ in range(10)) >= 9
    changed = screen(1).copy()
    part = changed[30:40, 45:47]
    part[:] = 210 - part
    assert not still.shows(grainy(changed))


@pytest.mark.parametrize("turned", [False, True])
def test_frames_are_looked_at_briefly_once_a_value_was_clear_and_upright(turned: bool) -> None:
    class Turned(Reader):
        def observe(self, frame: Frame, **options: Any) -> Observation:
            observation = super().observe(frame, **options)
            (shown,) = observation.displays
            a, b, c, d = shown.quad
            return replace(observation, displays=(replace(shown, quad=(b, c, d, a) if turned else shown.quad),))

    for sure, expected in ((0.999, not turned), (0.8, False)):
        reader = Turned(sure)
        watch(Screens([0, 1]), reader, Visit(), stop=False)
        assert [asked["brief"] for asked in reader.asked] == [False, *[expected] * (len(reader.asked) - 1)]


def test_a_camera_may_be_turned_meanwhile() -> None:
    class Lost(Reader):
        def observe(self, frame: Frame, **options: Any) -> Observation:
            observation = super().observe(frame, **options)
            return observation if len(self.asked) < 3 else replace(observation, displays=())

    reader = Lost()
    watched = watch(Screens([0, 1, 2, 3], stay=3.0), reader, Visit(), stop=False)
    assert watched.seconds > 2 * UPRIGHT_FOR
    brief = [asked["brief"] for asked in reader.asked]
    assert brief[1]
    assert not any(brief[-3:])


def test_what_stands_still_is_hardly_read_and_nothing_is_missed() -> None:
    reader, visit = Reader(), Visit(wanted=["1.8.1", "1.8.2", "1.8.3"])
    watched = watch(Screens([0, 1, 2]), reader, visit, stop=False)
    assert {r.register: r.text for r in watched.report.readings} == {
        f"1.8.{n + 1}": f"00{1000 + n}.5" for n in range(3)
    }
    assert (watched.report.status, watched.ended, watched.report.missing) == ("accepted", "end", ())
    assert watched.frames == 48
    assert len(reader.asked) == watched.read <= 15


def test_codes_are_not_looked_for_in_every_frame() -> None:
    reader = Reader()
    watch(Screens([0, 1, 2, 3]), reader, Visit(), stop=False, serials=("123",))
    everything = {"plate": None, "codes": True, "dials": True, "place": None, "brief": False}
    assert reader.asked[0] == {"expected": ("123",), **everything}
    assert all(asked["plate"] is False and asked["dials"] is False for asked in reader.asked[1:])
    assert 2 <= sum(asked["codes"] for asked in reader.asked) <= 4


def test_it_stops_as_soon_as_all_is_read() -> None:
    told: list[Progress] = []
    visit = Visit(wanted=["1.8.1", "1.8.2"])
    watched = watch(Screens([0, 1, 2, 3]), Reader(), visit, tell=told.append)
    assert watched.ended == "done"
    assert 2.0 < watched.seconds <= 3.0
    assert [p.seconds for p in told] == sorted(p.seconds for p in told)
    assert told[0].report.missing == ("1.8.2",)


def test_partial_results_name_what_is_missing_and_why() -> None:
    clip = Screens([0, 1], troubles=("The video ends early.",))
    watched = watch(clip, Reader(), Visit(wanted=["1.8.1", "1.8.2", "1.8.7"]), timeout=3.1)
    assert (watched.ended, watched.report.missing, watched.report.status) == ("timeout", ("1.8.7",), "review")
    findings = {f.code: f.message for f in watched.report.findings}
    assert findings["clip_trouble"] == "The video ends early."
    assert "3.1 s" in findings["timeout"]
    assert "1.8.7" in findings["registers_missing"]


def test_titles_are_looked_for_where_a_value_stood() -> None:
    plain, split = Reader(), Reader()
    watch(Screens([0, 1]), plain, Visit(wanted=["1.8.1"]), stop=False)
    watch(Screens([0, 1]), split, Visit(wanted=["1.8.1"], profile=load_profiles()["secure-liberty-100"]), stop=False)
    assert {asked["place"] for asked in plain.asked} == {None}
    assert split.asked[0]["place"] is None
    assert {asked["place"] for asked in split.asked[1:]} == {BOX}
    doubtful = Reader(sure=0.5)
    watch(Screens([0]), doubtful, Visit(profile=load_profiles()["secure-liberty-100"]), stop=False)
    assert {asked["place"] for asked in doubtful.asked} == {None}


class Split(Reader):
    """Finds no display in the first screen, but reads its title where it is told to look; the second shows a value, and
    print has been found before it."""

    def observe(self, frame: Frame, **options: Any) -> Observation:
        observation, place = super().observe(frame, **options), options.get("place")
        number = int(observation.displays[0].label.text[-1]) if observation.displays[0].label else 0
        (shown,) = seen("560623.8", None).displays
        title = Display("lcd", place or BOX, 0.5, 0.5, (), Mark("IMPORT kWh", 0.999))
        below: Quad = ((40, 80), (120, 80), (120, 90), (40, 90))
        if number == 1:
            return replace(observation, displays=(replace(shown, quad=below),))
        displays = () if number == 2 and place != BOX else (title,) if number == 2 else (shown,)
        return replace(observation, displays=displays)


@pytest.mark.parametrize("printed", [False, True])
def test_a_title_is_looked_for_in_the_frames_before_the_first_value(printed: bool) -> None:
    """No display was found in the blurred first frames, and the value after them belonged to no register."""
    visit = Visit(wanted=["1.8.0"], profile=load_profiles()["secure-liberty-100"])
    watched = watch(Screens([0, 1, 2] if printed else [1, 2], stay=1.6), Split(), visit, stop=False)
    assert {r.register: r.text for r in watched.report.readings} == {"1.8.0": "560623.8"}


def test_a_still_picture_does_not_become_a_certainty() -> None:
    """Frames offered again count as time: they raise the confidence by no more than the cap of a visit's votes."""
    reader = Reader(sure=0.95)
    once = Visit()
    once.offer(reader.observe(Frame(160, 100, "", {1: screen(0)})), 0.0)
    visit = Visit(policy=Policy(accept_above=0.96))  # as in the shipped card
    watch(Screens([0], stay=6), reader, visit)
    before, after = (v.report.readings[0].confidence for v in (once, visit))
    assert before <= after <= raised(before, FusionRules().most_gain) + 1e-9
    assert visit.report.status == "review"


@pytest.mark.parametrize("threads", [2])
def test_several_threads_answer_as_one_does(threads: int) -> None:
    one, many = (Visit(wanted=["1.8.1", "1.8.2", "1.8.3"]) for _ in range(2))
    watch(Screens([0, 1, 2]), Reader(), one, stop=False)
    watched = watch(Screens([0, 1, 2]), Reader(), many, stop=False, threads=threads)
    assert [(r.register, r.text, r.status) for r in many.report.readings] == [
        (r.register, r.text, r.status) for r in one.report.readings
    ]
    assert sorted(watched.evidence) == ["1.8.1", "1.8.2", "1.8.3"]


def test_several_threads_read_no_frame_that_shows_what_is_being_read() -> None:
    class Slow(Reader):
        def observe(self, frame: Frame, **options: Any) -> Observation:
            sleep(0.03)
            return super().observe(frame, **options)

    one, two = (watch(Screens([0, 1, 2, 3]), Slow(), Visit(), stop=False, threads=threads) for threads in (1, 2))
    assert two.read <= one.read + 2
    assert two.report.to_dict()["readings"] == one.report.to_dict()["readings"]


@pytest.mark.parametrize("number", [3])
def test_rendered_meters_are_read_register_by_register(number: int) -> None:
    clip = RenderedClip(rendering(9, number, SIZE, fps=8.0))
    reader = PerfectReader(clip)
    truth = {r.register: r.value for r in clip.drawn.registers if r.clear_seconds >= 1.5}
    assert truth
    wanted = {row.register: 0 for shown, _ in clip.drawn.meter.cycle for row in shown.rows if row.register}
    watched = watch(clip, reader, Visit(wanted=list(wanted), profile=profile_of(clip.drawn.meter)), stop=False)
    accepted = {r.register: r.text for r in watched.report.readings if r.status == "accepted"}
    assert accepted.items() >= truth.items()
    assert watched.read < watched.frames


def test_ten_minutes_keep_no_more_frames_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[int] = []
    taken: list[int] = []

    class Long(Screens):
        """Ten minutes of two screens that are not drawn anew."""

        def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
            drawn = [screen(n) for n in range(2)]
            there: list[weakref.ref[Pixels]] = []
            for n in range(600):
                pixels = drawn[n // 5 % 2].copy()
                there = [one for one in there if one() is not None] + [weakref.ref(pixels)]
                alive.append(len(there))
                yield ClipFrame(pixels, float(n))

    class Quick:
        def observe(self, frame: Frame, **_: Any) -> Observation:
            taken.append(1)
            return seen(*(("001234.5", "1.8.1") if np.array_equal(frame.pixels, screen(0)) else ("005678.5", "1.8.2")))

    monkeypatch.setattr(Still, "shows", lambda still, pixels: len(taken) % 3 == 0)
    visit = Visit(wanted=["1.8.1", "1.8.2"])
    watched = watch(Long([]), Quick(), visit, stop=False)
    assert (watched.frames, watched.report.status) == (600, "accepted")
    assert watched.seconds == 599
    assert max(alive) <= 4
    assert sorted(watched.evidence) == ["1.8.1", "1.8.2"]


def test_evidence_is_the_frame_that_was_read_and_bounded() -> None:
    kept = Evidence()
    for n in range(200):
        kept.keep(n / 4, b"%d" % n, [2.5])
        if n == 10:
            kept.stands(2.5, 2.6)
    assert len(kept) == NEWEST + 1
    assert (kept.frame_of(2.5), kept.frame_of(2.6), kept.frame_of(3.0)) == (b"10", b"10", None)
    watched = watch(Screens([0, 1]), Reader(), Visit(wanted=["1.8.1", "1.8.2"]))
    assert {register: at for register, (at, _) in watched.evidence.items()} == {"1.8.1": 0.0, "1.8.2": 2.0}
    assert all(jpeg.startswith(b"\xff\xd8") for _, jpeg in watched.evidence.values())


def test_interrupted_it_tells_what_is_known() -> None:
    def told(now: Progress) -> None:
        if now.seconds > 2.9:
            raise KeyboardInterrupt

    watched = watch(Screens([0, 1, 2]), Reader(), Visit(wanted=["1.8.1", "1.8.3"]), tell=told)
    assert (watched.ended, watched.report.missing) == ("interrupted", ("1.8.3",))


def test_wrong_use_and_faults_are_not_hidden() -> None:
    for options in ({"threads": 0}, {"timeout": 0.0}, {"frames_a_second": 0.0}):
        with pytest.raises(UsageError):
            watch(Screens([0]), Reader(), Visit(), **options)  # type: ignore[arg-type]

    class Faulty:
        def observe(self, frame: Frame, **_: Any) -> Observation:
            raise ZeroDivisionError

    class Empty(Screens):
        def frames(self, every: float = 0.0, longest: float = inf) -> Iterator[ClipFrame]:
            raise InputError("none of its frames can be decoded")

    for threads in (1, 2):
        with pytest.raises(ZeroDivisionError):
            watch(Screens([0]), Faulty(), Visit(), threads=threads)
        with pytest.raises(InputError):
            watch(Empty([]), Reader(), Visit(), threads=threads)
