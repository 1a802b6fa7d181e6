"""Live capture: visits that requests feed frame by frame while a display scrolls.

A visit belongs to the key that opened it, expires when nothing is heard of it, and is bounded in frames and bytes.
Frames of one visit are read one at a time: while one is read the newest waits, and older ones are dropped and counted.
Every frame that was read is in the database before it is answered for, so a restart loses only what was being read
then: the next request replays the visit from its observations and goes on, marked ``interrupted``.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

from recognizer.domain.look import Seen, look
from recognizer.domain.meter import Known
from recognizer.domain.observation import Observation
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Finding, Reading, Report
from recognizer.domain.visit import Visit
from recognizer.errors import InputError
from service.visit_photos import KeptPhotos
from service.visit_rows import FrameRow, VisitRow, VisitRows

Observe = Callable[[bytes, Sequence[str], bool | None], Observation]
"""A photo's bytes, the serials to look for, whether the plate is read (as ``MeterReader.observe``)."""
KnownOf = Callable[[VisitRow], Known]
"""What is known of the meter of a visit; asked when it is opened, and again when it is taken up after a restart."""

PLATES = 3
"""Frames whose print is read for an expected serial that no code shows: it takes several times as long as the rest."""


class VisitBusyError(Exception):
    """Too many visits are open: come back later."""


class VisitEndedError(Exception):
    """The visit is finished, expired or full: no further frames."""


class VisitUnknownError(Exception):
    """There is no such visit for this key."""


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """A frame that a concluded visit stands on: the photo, when it was taken, and the readings that it shows best."""

    photo: bytes
    observation: Observation
    taken_at: datetime
    report: Report


Store = Callable[[VisitRow, Report, Sequence[Evidence]], dict[str, Any]]
"""Keeps what a visit concluded and answers as an upload of photos is answered. Called again with the same photos where
the program was killed in between, so it must know a photo that it has."""


class _Live:
    """An open visit in memory."""

    def __init__(self, row: VisitRow, visit: Visit, photos: KeptPhotos, serials: Sequence[str] = ()) -> None:
        self.row, self.visit, self.photos, self.serials = row, visit, photos, serials
        self.known: set[str] = set()
        self.last: tuple[Observation, list[Seen]] | None = None
        self.interrupted = False
        self.plates = 0
        self.lock = threading.Lock()  # whatever is above
        self.turn = threading.Condition()  # whose turn it is
        self.busy = False
        self.waiting: object | None = None
        self.ended = False


class Visits:
    """All visits of this process; for any number of threads. One process at a time serves a database's visits."""

    def __init__(
        self,
        rows: VisitRows,
        folder: Path,
        observe: Observe,
        known_of: KnownOf,
        *,
        policy: Policy | None = None,
        limits: VisitLimits | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.limits = limits or VisitLimits()
        self._rows, self._folder, self._observe, self._known_of = rows, folder, observe, known_of
        self._policy, self._clock = policy or Policy(), clock
        self._live: dict[str, _Live] = {}
        self._lock, self._replaying = threading.Lock(), threading.Lock()
        self._heard: list[Callable[[str], None]] = []

    def open(
        self,
        owner: str,
        *,
        meter: str | None = None,
        wanted: Sequence[str] | None = None,
        expected: Sequence[str] = (),
    ) -> dict[str, Any]:
        """A new visit. Raises VisitBusyError where so many are open already."""
        self.sweep()
        now, visit_id = self._clock(), secrets.token_urlsafe(16)
        row = VisitRow(visit_id, owner, meter, None if wanted is None else tuple(wanted), tuple(expected), now, now)
        live = self._start(row)
        live.row = replace(row, shown=self._shown(live))
        if not self._rows.open(live.row, most=self.limits.visits, most_of_owner=self.limits.of_one_key):
            raise VisitBusyError("so many visits are open already that no other one can be opened; finish one, or wait")
        with self._lock:
            self._live[visit_id] = live
        return self._view(live)

    def view(self, owner: str, visit_id: str) -> dict[str, Any]:
        """The visit as it stands; what was last told of it once it has ended. Raises VisitUnknownError."""
        row = self._row(owner, visit_id)
        if row.state != "open":
            return _told(row)
        try:
            live = self._taken_up(row)
        except VisitEndedError:  # it ended meanwhile
            return _told(self._row(owner, visit_id))
        with live.lock:
            return self._view(live)

    def offer(
        self, owner: str, visit_id: str, photos: Sequence[bytes], at: Sequence[float] | None = None
    ) -> dict[str, Any]:
        """Read the frames of one request and tell how the visit stands then.

        ``at`` are their times in seconds into the visit, or one for all; our own clock's where None. A frame whose
        bytes came before is no second look and is not read again, so a request may be repeated. Raises InputError for
        a time that cannot be and where no photo can be read, VisitEndedError and VisitUnknownError.
        """
        live = self._taken_up(self._row(owner, visit_id))
        times = self._times(live.row, len(photos), at)
        with self._turn(live) as mine:
            if not mine:
                with live.lock:
                    self._count(live, dropped=len(photos))
                    return self._view(live)
            spoilt = 0
            for photo, time in zip(photos, times, strict=True):
                try:
                    self._take(live, photo, time)
                except InputError:
                    spoilt += 1
                    with live.lock:
                        self._count(live, unreadable=1)
                    # One spoilt frame of a burst is not worth the others.
                    if spoilt == len(photos):
                        raise
        self._tell(visit_id)
        with live.lock:
            return self._view(live)

    def finish(self, owner: str, visit_id: str, store: Store) -> dict[str, Any]:
        """Store what was concluded; the answer is kept, and given again to whoever finishes the visit again."""
        row = self._row(owner, visit_id)
        if row.state == "finished" and row.answer is not None:
            return row.answer
        live = self._taken_up(row)
        with self._turn(live, drops=False) as mine:
            if not mine:
                raise VisitBusyError("a frame of this visit is still being read; finish it again in some seconds")
            with live.lock:
                if live.ended:  # somebody else finished it while we waited
                    answer = self._row(owner, visit_id).answer
                    if answer is None:
                        raise VisitEndedError("the visit has ended; open a new one")
                    return answer
                report, evidence = self._evidence(live)
                answer = store(live.row, report, evidence)
                self._end(live, "finished", answer)
        self._tell(visit_id)
        return answer

    def sweep(self) -> None:
        """End the visits of which nothing was heard for long, and forget those that ended long ago."""
        now, limits = self._clock(), self.limits
        idle, longest = timedelta(seconds=limits.idle), timedelta(seconds=limits.longest)
        for visit_id in self._rows.idle(now - idle, now - longest):
            row = self._rows.get(visit_id)
            if row is None or row.state != "open":
                continue
            with self._lock:
                live = self._live.get(visit_id)
            live = live or _Live(row, Visit(), self._photos(visit_id))
            # One that is being read is not idle.
            if live.lock.acquire(blocking=False):
                try:
                    if not live.busy and not live.ended:
                        self._end(live, "expired", None)
                finally:
                    live.lock.release()
                self._tell(visit_id)
        self._rows.forget(now - timedelta(seconds=limits.forgotten))

    def on_change(self, heard: Callable[[str], None]) -> Callable[[], None]:
        """Have ``heard`` called with the id of every visit that changes, from any thread; returns how to stop that."""
        with self._lock:
            self._heard = [*self._heard, heard]

        def stop() -> None:
            with self._lock:
                self._heard = [h for h in self._heard if h is not heard]

        return stop

    def forget_meter(self, meter: str) -> None:
        """Remove all visits to a meter whose data is to go, running ones too."""
        with self._lock:
            gone = [live for live in self._live.values() if live.row.meter == meter]
        for live in gone:
            with live.lock:
                self._end(live, "expired", None)
        self._rows.forget_meter(meter)

    def _tell(self, visit_id: str) -> None:
        for heard in self._heard:
            heard(visit_id)

    def _row(self, owner: str, visit_id: str) -> VisitRow:
        row = self._rows.get(visit_id)
        if row is None or row.owner != owner:
            raise VisitUnknownError(f"there is no visit {visit_id}")
        if row.state == "open" and self._clock() > self._expires(row):
            self.sweep()
            row = self._rows.get(visit_id) or row
        return row

    def _taken_up(self, row: VisitRow) -> _Live:
        """The visit in memory; replayed from its frames where this process does not know it."""
        if row.state != "open":
            raise VisitEndedError(f"the visit is {row.state}; open a new one")
        with self._lock:
            live = self._live.get(row.id)
        if live is not None:
            return live
        # A replay may take seconds: one at a time, and visits that are in memory go on meanwhile.
        with self._replaying:
            with self._lock:
                live = self._live.get(row.id)
            if live is not None:
                return live
            live = self._start(row)
            live.interrupted = True
            for frame in self._rows.frames(row.id):
                seen = look(frame.observation, self._policy)
                live.visit.offer(frame.observation, frame.at)
                live.known.add(frame.sha256)
                live.photos.offer(None, frame.sha256, frame.at, _texts(seen))
                live.plates += bool(frame.observation.plate)
            with self._lock:
                # Read again: it may have ended meanwhile, and must not come to life once more.
                now = self._rows.get(row.id)
                if now is None or now.state != "open":
                    raise VisitEndedError("the visit has ended; open a new one")
                live.row = now
                self._live[row.id] = live
            return live

    def _start(self, row: VisitRow) -> _Live:
        known = self._known_of(row)
        visit = Visit(source=row.id, wanted=row.wanted, policy=self._policy, known=known)
        serials = row.expected or (known.meter.serials if known.meter else ())
        return _Live(row, visit, self._photos(row.id), serials)

    def _photos(self, visit_id: str) -> KeptPhotos:
        return KeptPhotos(self._folder / visit_id)

    def _times(self, row: VisitRow, photos: int, at: Sequence[float] | None) -> list[float]:
        limits = self.limits
        if not 1 <= photos <= limits.at_once:
            raise InputError(f"a request holds 1 to {limits.at_once} photos, not {photos}")
        elapsed = max(0.0, (self._clock() - row.opened_at).total_seconds())
        times = [elapsed] if at is None or not at else list(at)
        if len(times) not in (1, photos):
            raise InputError(f"give one time for each photo or one for all: {photos} photos have {len(times)} times")
        for time in times:
            if not isfinite(time) or not 0 <= time <= elapsed + limits.ahead:
                raise InputError(
                    f"a frame's time is in seconds into the visit, from 0 to now ({elapsed:.1f}), not {time}"
                )
        return times if len(times) == photos else times * photos

    @contextmanager
    def _turn(self, live: _Live, *, drops: bool = True) -> Iterator[bool]:
        """Wait until nobody else reads for this visit; False where a newer frame came meanwhile, or it took too long.

        One that ``drops`` takes the place of whoever waits; finishing a visit waits beside them.
        """
        me = object()
        with live.turn:
            if live.busy and drops:
                live.waiting = me
                live.turn.notify_all()
                live.turn.wait_for(lambda: not live.busy or live.waiting is not me, self.limits.turn)
                mine = live.waiting is me and not live.busy
                if live.waiting is me:
                    live.waiting = None
            else:
                mine = live.turn.wait_for(lambda: not live.busy, self.limits.turn)
            live.busy = live.busy or mine
        try:
            yield mine
        finally:
            if mine:
                with live.turn:
                    live.busy = False
                    live.turn.notify_all()

    def _take(self, live: _Live, photo: bytes, at: float) -> None:
        """Read one frame, and keep it. Vision runs without the lock, so that the visit can be looked at meanwhile."""
        digest = sha256(photo).hexdigest()
        with live.lock:
            if live.ended:
                raise VisitEndedError("the visit has ended; open a new one")
            if digest in live.known:
                self._count(live, repeated=1)
                return
            counts = live.row.counts
            if counts.read >= self.limits.frames or counts.bytes + len(photo) > self.limits.bytes:
                raise VisitEndedError(f"the visit has all the {counts.read} frames that it may have: finish it")
            agreement, expected = live.visit.report.agreement, live.serials
        looks = bool(expected) and agreement != "match" and live.plates < PLATES
        observation = self._observe(photo, expected, None if looks else False)
        seen = look(observation, self._policy)
        with live.lock:
            if live.ended:
                raise VisitEndedError("the visit has ended; open a new one")
            live.plates += looks
            live.photos.offer(photo, digest, at, _texts(seen))
            # First what lasts: were it the other way round, a failing database would leave a visit that saw more.
            counts = replace(live.row.counts, read=live.row.counts.read + 1, bytes=live.row.counts.bytes + len(photo))
            row = replace(live.row, counts=counts, touched_at=self._clock())
            self._rows.save(row, FrameRow(digest, at, observation))
            live.row = row
            live.known.add(digest)
            live.last = observation, seen
            live.visit.offer(observation, at)
            self._keep_shown(live)

    def _count(self, live: _Live, *, dropped: int = 0, repeated: int = 0, unreadable: int = 0) -> None:
        """Into memory only: the next frame that is read writes it down."""
        c = live.row.counts
        counts = replace(
            c, dropped=c.dropped + dropped, repeated=c.repeated + repeated, unreadable=c.unreadable + unreadable
        )
        live.row = replace(live.row, counts=counts, touched_at=self._clock())

    def _keep_shown(self, live: _Live) -> None:
        shown, before = self._shown(live), live.row.shown
        # A confidence that moves a little is no change of state worth a transaction.
        if before is None or _state_of(shown) != _state_of(before):
            live.row = replace(live.row, shown=shown)
            self._rows.save(live.row)

    def _end(self, live: _Live, state: Any, answer: dict[str, Any] | None) -> None:
        # Of a visit that this process never took up, what was told of it last.
        shown = self._shown(live) if live.row.id in self._live else live.row.shown
        row = replace(live.row, state=state, answer=answer, shown=shown, touched_at=self._clock())
        self._rows.save(row)
        live.row, live.ended = row, True
        with self._lock:
            self._live.pop(row.id, None)
        live.photos.clear()

    def _expires(self, row: VisitRow) -> datetime:
        return min(
            row.touched_at + timedelta(seconds=self.limits.idle),
            row.opened_at + timedelta(seconds=self.limits.longest),
        )

    def _shown(self, live: _Live) -> dict[str, Any]:
        report = live.visit.report
        captured = [
            {
                "register": reading.register,
                "text": reading.text,
                "unit": reading.unit,
                "confidence": round(reading.confidence, 4),
                "status": reading.status,
            }
            for reading in report.readings
        ]
        return {
            "want": list(live.visit.wanted),
            "captured": captured,
            "missing": list(live.visit.missing),
            "done": live.visit.done,
            "report": report.to_dict(),
            "interrupted": live.interrupted,
        }

    def _view(self, live: _Live) -> dict[str, Any]:
        view = _told(replace(live.row, shown=self._shown(live)))
        return view | {"expires_at": self._expires(live.row).isoformat(), "last": _last(live.last)}

    def _evidence(self, live: _Live) -> tuple[Report, list[Evidence]]:
        """The report, and the frames that show its readings most surely, each with those that it shows."""
        report, at_best = live.visit.report, live.visit.evidence
        by_frame: dict[tuple[float, str], list[Reading]] = {}
        without = []
        for reading in report.readings:
            shown = live.photos.best(reading.text)
            if shown is None or live.photos.read(shown.sha256) is None:
                # Nobody could check such a reading, so it is not handed on as one that was accepted.
                finding = Finding("no_photo", "The frame that showed this was not kept, so nobody can check it.")
                without.append(replace(reading, findings=(*reading.findings, finding), status="review"))
                continue
            by_frame.setdefault((shown.at, shown.sha256), []).append(reading)
        evidence, placed = [], dict[str, Reading]()
        for (at, digest), readings in sorted(by_frame.items()):
            photo, observation = live.photos.read(digest), self._rows.observation(live.row.id, digest)
            assert photo is not None
            assert observation is not None
            seen = look(observation, self._policy)
            in_frame = tuple(r if at_best[r.register] == at else _boxed(r, seen) for r in readings)
            placed |= {r.register: r for r in in_frame}
            taken_at = min(live.row.opened_at + timedelta(seconds=at), self._clock())
            part = replace(report, status=in_frame[0].status, readings=in_frame, missing=None)
            evidence.append(Evidence(photo, observation, taken_at, part))
        placed |= {r.register: r for r in without}
        readings_now = tuple(placed[r.register] for r in report.readings)
        if without:
            report = replace(report, status="review")
        return replace(report, readings=readings_now), evidence


def _state_of(shown: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(c["register"], c["text"], c["status"]) for c in shown["captured"]]


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


def _last(last: tuple[Observation, list[Seen]] | None) -> dict[str, Any] | None:
    """What stands where in the frame that was read last, for drawing over the picture."""
    if last is None:
        return None
    observation, seen = last
    readings = [
        {"box": one.reading.to_dict()["box"], "text": one.reading.text, "register": one.screen.register}
        for one in seen
        if one.reading.status != "refused"
    ]
    return {"width": observation.width, "height": observation.height, "readings": readings}


def _told(row: VisitRow) -> dict[str, Any]:
    counts = {name: getattr(row.counts, name) for name in ("read", "dropped", "repeated", "unreadable")}
    return {"id": row.id, "state": row.state, "meter": row.meter} | (row.shown or {}) | {"frames": counts}
