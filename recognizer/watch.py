"""Watching a clip until the registers that are wanted have been read: frames in, a report out, in constant memory.

A frame that shows what the last one read showed is not read: the observation is offered to the visit again at the new
time. That is sound because it counts as time and hardly as evidence: votes are one a window, at most four a text, and
all of them together raise the odds of the surest by a factor of nine at most (``FusionRules``), as near-copies that
were really read would. That the screen still stands was looked at, and what tells a screen from a ghost is how long it
stands. So that one bad look does not stand for long, a screen that stays is read again after a while.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf, prod
from typing import Literal, NamedTuple, Protocol

from recognizer.domain.observation import Display, Observation, Quad
from recognizer.domain.quads import in_place_of
from recognizer.domain.reading import Finding, Report
from recognizer.domain.visit import Visit
from recognizer.errors import UsageError
from recognizer.vision.clip import Clip, ClipFrame
from recognizer.vision.frame import Frame, load_frame
from recognizer.vision.pixels import Pixels
from recognizer.vision.still import Still
from recognizer.watch_evidence import Evidence, encoded

FRAMES_A_SECOND = 8.0
"""Frames looked at in a second. A text must stand for 0.4 s to count and ghosts of a changing LCD last up to 0.3 s:
three or four frames lie within either, and more of them show nothing more."""
SOON, AGAIN = 0.2, 0.8
"""Seconds after which a screen that stays is read again: the first time since it may have been read while it changed
or shook, and then every two windows of the visit."""
CODES_EVERY = 3.0
"""Seconds between two searches for codes: they stand on the plate all the time."""
CLEAR, SURE, FEWEST_DIGITS = 0.5, 0.97, 4
"""How clear a value must be, and how long, for a title to be looked for in its place; below which chance of all its
digits a value that stands is worth a long look."""
LOOKED_BACK, APART, PLACES = 6, 0.3, 3
"""Frames kept for when a clear value shows where titles stand, and how many seconds apart: in those that show the title
before it no display may have been found. And how many such places there are at most: the first may be print."""
UPRIGHT, UPRIGHT_FOR = 1.7, 5.0
"""How much further right than down an upright display's digits go, and for how many seconds after a clear one who films
is taken not to have turned the camera."""
LEAST_SCORE = 0.2
"""Score of a display whose place is watched; weaker finds are background."""

Ended = Literal["done", "timeout", "end", "interrupted"]


class Observes(Protocol):
    """What is needed of a reader; with ``threads`` it is called from several at once."""

    def observe(
        self,
        frame: Frame,
        *,
        expected: Sequence[str] = (),
        plate: bool | None = None,
        codes: bool = True,
        dials: bool = True,
        place: Quad | None = None,
        brief: bool = False,
    ) -> Observation: ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, after every frame."""

    seconds: float
    """Into the clip."""
    report: Report
    frames: int
    read: int
    """Frames that were read; the others showed what one before them showed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of a clip."""

    report: Report
    """With ``missing``; what the clip lacks, and that the time was over, stand in its findings."""
    ended: Ended
    seconds: float
    frames: int
    read: int
    dropped: int
    """Frames of a live source that came while others were read."""
    evidence: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    """For every register the time of its most certain frame, and the frame as JPEG; what was let go is not there."""


class _Read(NamedTuple):
    """A frame that was read."""

    at: float
    observation: Observation
    still: Still
    jpeg: bytes
    again: float
    """Seconds for which its observation stands for frames that show the same."""
    brief: bool


@dataclass(slots=True)
class _BeingRead:
    """A frame that a thread is reading."""

    at: float
    again: float
    pixels: Pixels
    still: Still | None = None
    """What it shows where the last one that was read shows its displays; None where that is not known."""
    stands: list[float] = field(default_factory=list)
    """Times of frames that show the same."""


def watch(
    clip: Clip,
    reader: Observes,
    visit: Visit,
    *,
    timeout: float | None = None,
    frames_a_second: float = FRAMES_A_SECOND,
    threads: int = 1,
    stop: bool = True,
    serials: Sequence[str] = (),
    tell: Callable[[Progress], None] = lambda _: None,
) -> Watched:
    """Offer the frames of a clip to the visit until it is done, the clip ends, or ``timeout`` of its seconds are over.

    ``stop=False`` goes on to the end. With ``threads`` so many frames are read at once, which a visit allows, since it
    does not depend on their order. ``serials`` are looked for in codes and, in the first frame, in the print.
    Ctrl-C ends the watch with what is known. Raises InputError where the clip holds no frame at all.
    """
    if threads < 1 or frames_a_second <= 0 or (timeout is not None and timeout <= 0):
        raise UsageError("wanted threads >= 1, and frames a second and a timeout above 0")
    watching = _Watching(reader, visit, threads, tuple(serials))
    ended: Ended = "end"
    seconds = 0.0
    frames = 0
    try:
        for frame in clip.frames(1 / frames_a_second, inf if timeout is None else timeout):
            frames, seconds = frames + 1, frame.seconds
            watching.take(frame)
            tell(Progress(seconds, visit.report, frames, watching.read))
            if stop and visit.done:
                ended = "done"
                break
        if ended != "done":
            watching.finish()
            ended = "done" if stop and visit.done else "timeout" if clip.late else "end"
    except KeyboardInterrupt:
        ended = "interrupted"
    finally:
        watching.close()
    return Watched(
        _with_troubles(visit.report, clip, ended, timeout),
        ended, seconds, frames, watching.read, clip.dropped, watching.evidence(),
    )  # fmt: skip


class _Watching:
    """What is being read, and what was read last."""

    def __init__(self, reader: Observes, visit: Visit, threads: int, serials: tuple[str, ...]) -> None:
        self._reader, self._visit, self._threads, self._serials = reader, visit, threads, serials
        self._pool = ThreadPoolExecutor(threads, "watch") if threads > 1 else None
        self._reading: dict[Future[_Read], _BeingRead] = {}
        self._last: _Read | None = None
        self._newest: _BeingRead | None = None
        """The last frame of all, if it is still being read."""
        self._kept = Evidence()
        self._codes_at = 0.0
        self._place: Quad | None = None
        """Where the clearest value stood that was seen last."""
        self._before: deque[ClipFrame] = deque(maxlen=LOOKED_BACK)
        self._places: list[Quad] = []
        """Of a display that speaks in titles the last frames that were read, and where these were looked for."""
        self._upright_at = -inf
        """When a value was last seen clearly and upright."""
        self._same = False
        """Whether the present frame shows what the last one shows that is or was read."""
        self._doubtful = False
        """Whether a brief look at the last frame read a value doubtfully: if it stands, a long one may be surer."""
        self.read = 0

    def take(self, frame: ClipFrame) -> None:
        """Offer the frame to the visit, now or once it has been read."""
        self._collect(most=self._threads, waiting=False)
        if self._unchanged(frame):
            return
        if len(self._reading) == self._threads:
            self._collect(most=self._threads - 1)
            if self._unchanged(frame):  # one of those showed just this
                return
        again = AGAIN if self._same else SOON
        look = partial(self._look, frame, again=again)
        if self.read == 0:
            look = partial(look, plate=None)
        if frame.seconds < self._codes_at:
            look = partial(look, codes=False)
        else:
            self._codes_at = frame.seconds + CODES_EVERY
        if self._last is not None and all(d.kind == "lcd" for d in self._last.observation.displays):
            look = partial(look, dials=False)
        if self._visit.speaks_in_titles:
            look = partial(look, place=self._place)
            if not self._before or frame.seconds - self._before[-1].seconds >= APART:
                self._before.append(frame)
        if frame.seconds - self._upright_at < UPRIGHT_FOR and not (self._same and self._doubtful):
            look = partial(look, brief=True)
        self.read += 1
        if self._pool is None:
            self._offer(look())
        else:
            self._newest = _BeingRead(frame.seconds, again, frame.pixels)
            self._reading[self._pool.submit(look)] = self._newest

    def finish(self) -> None:
        """Wait for all that is being read."""
        self._collect(most=0)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def evidence(self) -> dict[str, tuple[float, bytes]]:
        """The frames that show each register of the visit best."""
        frames = ((register, at, self._kept.frame_of(at)) for register, at in self._visit.evidence.items())
        return {register: (at, jpeg) for register, at, jpeg in frames if jpeg is not None}

    def _unchanged(self, frame: ClipFrame) -> bool:
        """Whether it shows what the last one showed that is or was read; the visit is told that this still stands."""
        newest, last = self._newest, self._last
        if newest is not None and newest.still is None and last is not None:
            newest.still = last.still.elsewhen(newest.pixels)
        shown = newest if newest is not None and newest.still is not None else last
        self._same = shown is not None and shown.still is not None and shown.still.shows(frame.pixels)
        if shown is None or not self._same or not 0 <= frame.seconds - shown.at < shown.again:
            return False
        if isinstance(shown, _BeingRead):
            shown.stands.append(frame.seconds)
        else:
            self._stands(shown, frame.seconds)
        return True

    def _stands(self, read: _Read, seconds: float) -> None:
        self._visit.offer(read.observation, seconds)
        self._kept.stands(read.at, seconds)

    def _look(
        self,
        frame: ClipFrame,
        *,
        again: float,
        plate: bool | None = False,
        codes: bool = True,
        dials: bool = True,
        place: Quad | None = None,
        brief: bool = False,
    ) -> _Read:
        picture = load_frame(frame.pixels)
        seen = self._reader.observe(
            picture, expected=self._serials, plate=plate, codes=codes, dials=dials, place=place, brief=brief
        )
        places = [d.quad for d in seen.displays if d.kind != "dial" and d.score >= LEAST_SCORE]
        return _Read(frame.seconds, seen, Still(frame.pixels, places), encoded(frame.pixels), again, brief)

    def _collect(self, most: int, *, waiting: bool = True) -> None:
        """Offer what has been read; with ``waiting`` until at most so many are still being read."""
        while self._reading:
            done = {one for one in self._reading if one.done()}
            if not done and (not waiting or len(self._reading) <= most):
                return
            if not done:
                done = wait(self._reading, return_when=FIRST_COMPLETED).done
            for one in done:
                begun = self._reading.pop(one)
                self._offer(one.result())
                for seconds in begun.stands:
                    self._stands(one.result(), seconds)
                if begun is self._newest:
                    self._newest = None

    def _offer(self, read: _Read) -> None:
        self._visit.offer(read.observation, read.at)
        self._kept.keep(read.at, read.jpeg, self._visit.evidence.values())
        if self._last is None or read.at > self._last.at:
            self._last = read
            values = [d for d in read.observation.displays if _clear(d) >= CLEAR]
            if any(_is_upright(d.quad) for d in values):
                self._upright_at = read.at
            self._doubtful = read.brief and any(_clear(d) < SURE for d in values)
            shown = [d for d in values if d.kind == "lcd"]
            self._place = max(shown, key=_clear).quad if shown else self._place
            if self._place is not None and len(self._places) < PLACES:
                self._look_back(self._place)

    def _look_back(self, place: Quad) -> None:
        """Offer the titles that stood there in the frames before, once for every place."""
        if any(in_place_of(place, known) for known in self._places):
            return
        self._places.append(place)
        for frame in self._before:
            seen = self._look(frame, again=SOON, codes=False, dials=False, place=place, brief=True).observation
            if titles := tuple(d for d in seen.displays if d.quad == place and not d.glyphs):
                self._visit.offer(replace(seen, displays=titles), frame.seconds)


def _clear(display: Display) -> float:
    """The chance that all digits of a value are the likeliest ones; 0 for what is too short for one."""
    chances = [g.odds[0][1] for g in display.glyphs if g.odds and g.absent < 0.5]
    return prod(chances) if len(chances) >= FEWEST_DIGITS else 0.0


def _is_upright(quad: Quad) -> bool:
    """Whether a display stands in the frame as a person sees it, within 30 degrees."""
    along, down = quad[1][0] - quad[0][0], quad[1][1] - quad[0][1]
    return along > UPRIGHT * abs(down)


def _with_troubles(report: Report, clip: Clip, ended: Ended, timeout: float | None) -> Report:
    told = [Finding("clip_trouble", trouble, note=True) for trouble in clip.troubles]
    if ended == "timeout":
        told.append(Finding("timeout", f"Not all was read within {timeout:g} s.", note=True))
    return replace(report, findings=(*report.findings, *told))
