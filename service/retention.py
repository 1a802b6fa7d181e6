"""Photos go when they are old, readings stay: on demand by a command, and once a day in a running service."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from service.photos import Photos
from service.records import Records

DAY = timedelta(days=1)
PART = 200
"""Photos taken away in one step: meanwhile nothing that comes in is kept."""
MOST_PARTS = 50
"""Of one run of a service, which goes on with the rest a minute later."""
log = logging.getLogger("service.retention")
Quiet = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went. ``more`` says that something may be left to do."""

    photos: int = 0
    files: int = 0
    """Left behind by a program that was killed: no reading knew of them."""
    more: bool = False


def prune(
    records: Records, photos: Photos, received_before: datetime, *, quiet: Quiet = nullcontext, parts: int | None = None
) -> Pruned:
    """Delete the photos received before then, and left-over files, in at most so many ``parts`` of each.

    ``quiet`` holds back whoever would keep the very photo that is being deleted. StoreError where it cannot be done.
    """
    gone = files = done = 0
    while parts is None or done < parts:
        with quiet():
            rows, names = records.forget_photos(received_before, most=PART)
            for name in names:
                photos.remove(name)
        gone, done = gone + len(names), done + 1
        if rows < PART:
            break
    else:
        return Pruned(gone, 0, more=True)
    there = photos.old_names()
    while names := list(islice(there, PART)):
        with quiet():
            left = records.unnamed(names)
            for name in left:
                photos.remove(name)
        files += len(left)
    return Pruned(gone, files)


class Retention:
    """Prunes once a day when it is asked often enough: photos that were received more than so many days ago."""

    def __init__(
        self,
        records: Records,
        photos: Photos,
        days: int,
        quiet: Quiet,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._records, self._photos, self._quiet, self._clock = records, photos, quiet, clock
        self._keep, self._due = timedelta(days=days), clock()

    def look(self) -> None:
        """Prune where a day has gone by since the last time; the first time is at once. StoreError as ``prune``."""
        now = self._clock()
        if now < self._due:
            return
        pruned = prune(self._records, self._photos, now - self._keep, quiet=self._quiet, parts=MOST_PARTS)
        if not pruned.more:
            self._due = now + DAY
        log.info("pruned", extra={"photos": pruned.photos, "files": pruned.files, "more": pruned.more})
