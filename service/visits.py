"""Live capture: visits that requests feed frame by frame while a display scrolls.

A visit belongs to the key that opened it, expires when nothing is heard of it, and is bounded in frames and bytes.
Every frame that was read is in the database before it is answered for, so a restart loses only what was being read
then: the next request replays the visit from its observations and goes on, marked ``interrupted``.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from recognizer.domain.meter import Known
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Report
from recognizer.domain.visit import Visit
from recognizer.errors import InputError
from service.visit_live import Clock, Evidence, LiveVisit, Means, Observe, VisitEndedError, VisitLimits
from service.visit_photos import KeptPhotos
from service.visit_rows import State, VisitRow, VisitRows
from service.visit_told import told_of

KnownOf = Callable[[VisitRow], Known]
"""What is known of the meter of a visit; asked when it is opened, and again when it is taken up after a restart."""
Store = Callable[[VisitRow, Report, Sequence[Evidence]], dict[str, Any]]
"""Keeps what a visit concluded and answers as an upload of photos is answered. Called again with the same photos where
the program was killed in between, so it must know a photo that it has."""


class VisitBusyError(Exception):
    """Too many visits are open: come back later."""


class VisitUnknownError(Exception):
    """There is no such visit for this key."""


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
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.limits = limits or VisitLimits()
        self._rows, self._folder, self._known_of, self._clock = rows, folder, known_of, clock
        self._means = Means(rows, observe, policy or Policy(), self.limits, clock)
        self._live: dict[str, LiveVisit] = {}
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
        live.row = replace(row, shown=live.shown())
        if not self._rows.open(live.row, most=self.limits.visits, most_of_owner=self.limits.of_one_key):
            raise VisitBusyError("so many visits are open already that no other one can be opened; finish one, or wait")
        with self._lock:
            self._live[visit_id] = live
        return live.view()

    def view(self, owner: str, visit_id: str) -> dict[str, Any]:
        """The visit as it stands; what was last told of it once it has ended. Raises VisitUnknownError."""
        row = self._row(owner, visit_id)
        if row.state != "open":
            return told_of(row)
        try:
            live = self._taken_up(row)
        except VisitEndedError:  # it ended meanwhile
            return told_of(self._row(owner, visit_id))
        with live.lock:
            return live.view()

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
        with live.turn() as mine:
            if not mine:
                with live.lock:
                    live.count(dropped=len(photos))
                    return live.view()
            spoilt = 0
            for photo, time in zip(photos, times, strict=True):
                try:
                    live.take(photo, time)
                except InputError:
                    spoilt += 1
                    with live.lock:
                        live.count(unreadable=1)
                    # One spoilt frame of a burst is not worth the others.
                    if spoilt == len(photos):
                        raise
        self._tell(visit_id)
        with live.lock:
            return live.view()

    def finish(self, owner: str, visit_id: str, store: Store) -> dict[str, Any]:
        """Store what was concluded; the answer is kept, and given again to whoever finishes the visit again."""
        row = self._row(owner, visit_id)
        if row.state == "finished" and row.answer is not None:
            return row.answer
        live = self._taken_up(row)
        with live.turn(drops=False) as mine:
            if not mine:
                raise VisitBusyError("a frame of this visit is still being read; finish it again in some seconds")
            with live.lock:
                if live.ended:  # somebody else finished it while we waited
                    answer = self._row(owner, visit_id).answer
                    if answer is None:
                        raise VisitEndedError("the visit has ended; open a new one")
                    return answer
                report, evidence = live.evidence()
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
            if live is None:
                # This process never took it up: what was told of it last stays.
                self._rows.save(replace(row, state="expired", touched_at=now))
                self._photos(visit_id).clear()
                self._tell(visit_id)
            elif live.lock.acquire(blocking=False):  # one that is being read is not idle
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

    def _end(self, live: LiveVisit, state: State, answer: dict[str, Any] | None) -> None:
        live.end(state, answer)
        with self._lock:
            self._live.pop(live.row.id, None)

    def _tell(self, visit_id: str) -> None:
        for heard in self._heard:
            heard(visit_id)

    def _row(self, owner: str, visit_id: str) -> VisitRow:
        row = self._rows.get(visit_id)
        if row is None or row.owner != owner:
            raise VisitUnknownError(f"there is no visit {visit_id}")
        if row.state == "open" and self._clock() > self.limits.expires(row):
            self.sweep()
            row = self._rows.get(visit_id) or row
        return row

    def _taken_up(self, row: VisitRow) -> LiveVisit:
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
            live.replay(self._rows.frames(row.id))
            with self._lock:
                # Read again: it may have ended meanwhile, and must not come to life once more.
                now = self._rows.get(row.id)
                if now is None or now.state != "open":
                    raise VisitEndedError("the visit has ended; open a new one")
                live.row = now
                self._live[row.id] = live
            return live

    def _start(self, row: VisitRow) -> LiveVisit:
        known = self._known_of(row)
        visit = Visit(source=row.id, wanted=row.wanted, policy=self._means.policy, known=known)
        serials = row.expected or (known.meter.serials if known.meter else ())
        return LiveVisit(self._means, row, visit, self._photos(row.id), serials)

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
