"""One open visit: frames are taken one at a time, kept before they count, and told of.

While one is read the newest waits, and older ones are dropped. What lasts is written before what is in memory changes:
were it the other way round, a failing database would leave a visit that saw more than a restart would find.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from recognizer.domain.look import Seen, look
from recognizer.domain.observation import Observation
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Finding, Reading, Report
from recognizer.domain.visit import Visit
from service.visit_photos import KeptPhotos
from service.visit_rows import FrameRow, State, VisitRow, VisitRows
from service.visit_told import Last, last_of, shown_of, state_of, told_of

Observe = Callable[[bytes, Sequence[str], bool | None], Observation]
"""A photo's bytes, the serials to look for, whether the plate is read (as ``MeterReader.observe``)."""
Clock = Callable[[], datetime]

PLATES = 3
"""Frames whose print is read for an expected serial that no code shows: it takes several times as long as the rest."""


class VisitEndedError(Exception):
    """The visit is finished, expired or full: no further frames."""


@dataclass(frozen=True, slots=True)
class VisitLimits:
    """What bounds visits. Times are in seconds."""

    idle: float = 600
    longest: float = 3600
    forgotten: float = 86400
    """How long an ended visit can still be asked for."""
    visits: int = 64
    of_one_key: int = 8
    frames: int = 1200
    """Read in one visit: ten minutes of two a second. Taking it up again replays them all, some 15 ms each."""
    bytes: int = 1 << 30
    at_once: int = 8
    """Photos in one request."""
    ahead: float = 5.0
    """How far a frame's time may lie ahead of our clock: the camera may have run before the visit was opened here."""
    turn: float = 15.0
    """How long a frame waits while an earlier one is read."""

    def expires(self, row: VisitRow) -> datetime:
        """When the visit ends where nothing more is heard of it."""
        return min(row.touched_at + timedelta(seconds=self.idle), row.opened_at + timedelta(seconds=self.longest))


@dataclass(frozen=True, slots=True)
class Evidence:
    """A frame that a concluded visit stands on: the photo, when it was taken, and the readings that it shows best."""

    photo: bytes
    observation: Observation
    taken_at: datetime
    report: Report


@dataclass(frozen=True, slots=True)
class Means:
    """What every visit of a process works with."""

    rows: VisitRows
    observe: Observe
    policy: Policy
    limits: VisitLimits
    clock: Clock


class LiveVisit:
    """An open visit in memory. ``lock`` is held by the caller where a method says so."""

    def __init__(
        self, means: Means, row: VisitRow, visit: Visit, photos: KeptPhotos, serials: Sequence[str] = ()
    ) -> None:
        self._means, self._visit, self._photos, self._serials = means, visit, photos, serials
        self.row, self.ended = row, False
        self._known: set[str] = set()
        self._last: Last | None = None
        self._interrupted = False
        self._plates = 0
        self.lock = threading.Lock()  # whatever is above
        self._turn = threading.Condition()  # whose turn it is
        self.busy = False
        self.waiting: object | None = None

    def replay(self, frames: Iterable[FrameRow]) -> None:
        """Take up what was read before a restart."""
        self._interrupted = True
        for frame in frames:
            seen = look(frame.observation, self._means.policy)
            self._visit.offer(frame.observation, frame.at)
            self._known.add(frame.sha256)
            self._photos.offer(None, frame.sha256, frame.at, _texts(seen))
            self._plates += bool(frame.observation.plate)

    @contextmanager
    def turn(self, *, drops: bool = True) -> Iterator[bool]:
        """Wait until nobody else reads for this visit; False where a newer frame came meanwhile, or it took too long.

        One that ``drops`` takes the place of whoever waits; finishing a visit waits beside them.
        """
        me, longest = object(), self._means.limits.turn
        with self._turn:
            if self.busy and drops:
                self.waiting = me
                self._turn.notify_all()
                self._turn.wait_for(lambda: not self.busy or self.waiting is not me, longest)
                mine = self.waiting is me and not self.busy
                if self.waiting is me:
                    self.waiting = None
            else:
                mine = self._turn.wait_for(lambda: not self.busy, longest)
            self.busy = self.busy or mine
        try:
            yield mine
        finally:
            if mine:
                with self._turn:
                    self.busy = False
                    self._turn.notify_all()

    def take(self, photo: bytes, at: float) -> None:
        """Read one frame, and keep it. Vision runs without the lock, so that the visit can be looked at meanwhile."""
        digest, limits, means = sha256(photo).hexdigest(), self._means.limits, self._means
        with self.lock:
            self._check_open()
            if digest in self._known:
                self.count(repeated=1)
                return
            counts = self.row.counts
            if counts.read >= limits.frames or counts.bytes + len(photo) > limits.bytes:
                raise VisitEndedError(f"the visit has all the {counts.read} frames that it may have: finish it")
            looks = bool(self._serials) and self._visit.report.agreement != "match" and self._plates < PLATES
        observation = means.observe(photo, self._serials, None if looks else False)
        seen = look(observation, means.policy)
        with self.lock:
            self._check_open()
            self._plates += looks
            self._photos.offer(photo, digest, at, _texts(seen))
            counts = replace(self.row.counts, read=self.row.counts.read + 1, bytes=self.row.counts.bytes + len(photo))
            row = replace(self.row, counts=counts, touched_at=means.clock())
            means.rows.save(row, FrameRow(digest, at, observation))
            self.row = row
            self._known.add(digest)
            self._last = observation, seen
            self._visit.offer(observation, at)
            self._keep_shown()

    def count(self, *, dropped: int = 0, repeated: int = 0, unreadable: int = 0) -> None:
        """Into memory only: the next frame that is read writes it down. Under the lock."""
        c = self.row.counts
        counts = replace(
            c, dropped=c.dropped + dropped, repeated=c.repeated + repeated, unreadable=c.unreadable + unreadable
        )
        self.row = replace(self.row, counts=counts, touched_at=self._means.clock())

    def end(self, state: State, answer: dict[str, Any] | None) -> None:
        """No further frames; what was told of it last can still be asked for. Under the lock."""
        shown = self.row.shown if self.ended else self.shown()
        row = replace(self.row, state=state, answer=answer, shown=shown, touched_at=self._means.clock())
        self._means.rows.save(row)
        self.row, self.ended = row, True
        self._photos.clear()

    def shown(self) -> dict[str, Any]:
        """What is told of the visit, and kept of it."""
        return shown_of(self._visit, interrupted=self._interrupted)

    def view(self) -> dict[str, Any]:
        """What a request is answered. Under the lock."""
        told = told_of(replace(self.row, shown=self.shown()))
        return told | {"expires_at": self._means.limits.expires(self.row).isoformat(), "last": last_of(self._last)}

    def evidence(self) -> tuple[Report, list[Evidence]]:
        """The report, and the frames that show its readings most surely, each with those it shows. Under the lock."""
        report, at_best = self._visit.report, self._visit.evidence
        by_frame: dict[tuple[float, str], list[Reading]] = {}
        without = []
        for reading in report.readings:
            shown = self._photos.best(reading.text)
            if shown is None or self._photos.read(shown.sha256) is None:
                # Nobody could check such a reading, so it is not handed on as one that was accepted.
                finding = Finding("no_photo", "The frame that showed this was not kept, so nobody can check it.")
                without.append(replace(reading, findings=(*reading.findings, finding), status="review"))
                continue
            by_frame.setdefault((shown.at, shown.sha256), []).append(reading)
        evidence, placed = [], dict[str, Reading]()
        for (at, digest), readings in sorted(by_frame.items()):
            photo, observation = self._photos.read(digest), self._means.rows.observation(self.row.id, digest)
            assert photo is not None
            assert observation is not None
            seen = look(observation, self._means.policy)
            in_frame = tuple(r if at_best[r.register] == at else _boxed(r, seen) for r in readings)
            placed |= {r.register: r for r in in_frame}
            taken_at = min(self.row.opened_at + timedelta(seconds=at), self._means.clock())
            part = replace(report, status=in_frame[0].status, readings=in_frame, missing=None)
            evidence.append(Evidence(photo, observation, taken_at, part))
        placed |= {r.register: r for r in without}
        readings_now = tuple(placed[r.register] for r in report.readings)
        if without:
            report = replace(report, status="review")
        return replace(report, readings=readings_now), evidence

    def _check_open(self) -> None:
        if self.ended:
            raise VisitEndedError("the visit has ended; open a new one")

    def _keep_shown(self) -> None:
        shown, before = self.shown(), self.row.shown
        # A confidence that moves a little is no change of state worth a transaction.
        if before is None or state_of(shown) != state_of(before):
            self.row = replace(self.row, shown=shown)
            self._means.rows.save(self.row)


def _texts(seen: Sequence[Seen]) -> dict[str, float]:
    """What the displays of a frame read as, and how surely."""
    texts: dict[str, float] = {}
    for one in seen:
        reading = one.reading
        if reading.status != "refused":
            texts[reading.text] = max(texts.get(reading.text, 0.0), reading.confidence)
    return texts


def _boxed(reading: Reading, seen: Sequence[Seen]) -> Reading:
    """The reading with the place of its digits in another frame."""
    boxes = [one.reading.box for one in seen if one.reading.text == reading.text]
    return replace(reading, box=boxes[0]) if boxes else reading
