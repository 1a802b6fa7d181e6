"""One photo to one line of the ledger: the same code in process, in a pool and on a cluster."""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from recognizer.archive.places import Place
from recognizer.domain.meter import Known, Meter, PastReading
from recognizer.domain.policy import rules_id
from recognizer.domain.reading import Finding, Report, Status
from recognizer.errors import InputError, RecognizerError

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What an archive needs of a reader; ``MeterReader`` is one. Photos out of archives come as bytes."""

    def read(self, photo: Path, *, source: str) -> Report: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What a manifest says of a photo."""

    meter: str | None = None
    serial: str | None = None
    """The serial that the meter should have."""
    taken_at: datetime | None = None
    previous: tuple[PastReading, ...] = ()

    def known(self) -> Known | None:
        """What the reading is checked against; None where nothing bears on it."""
        if self.meter is None and self.serial is None and self.taken_at is None:
            return None
        serials = () if self.serial is None else (self.serial,)
        meter = None if self.meter is None and not serials else Meter(self.meter or self.serial or "", serials)
        return Known(meter, self.previous, self.taken_at, datetime.now(UTC) if self.taken_at else None)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of an archive. ``source`` names it there, and is the same wherever the archive lies."""

    source: str
    place: Place
    told: Told | None = None
    visit: str | None = None
    """Photos of one visit show the same meter at the same moment."""

    def stamp(self) -> str:
        """Changes whenever the photo may have become another, or is told something else; costs no reading."""
        what = f"{self.told!r} {self.visit!r}".encode("utf-8", "surrogatepass")
        told = None if self.told is None and self.visit is None else hashlib.blake2b(what, digest_size=6)
        place = (self.place.stamp() or "-").replace(" ", "_")
        return f"{place} {told.hexdigest()}" if told else place


@dataclass(frozen=True, slots=True)
class Job:
    """A photo to read. Where its bytes still have this SHA-256, and it is told the same, its line stands."""

    photo: Photo
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome of a job; ``line`` is JSON without a newline, None where the line in the ledger stands."""

    source: str
    path: str
    stamp: str
    line: str | None
    status: Status = "refused"
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A report, and what went wrong when the photo could not even be looked at."""

    report: Report
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The contract's JSON object of one photo, with a field ``error`` where there was one."""
        line = self.report.to_dict()
        return line if self.error is None else line | {"error": self.error}


def examine(reader: Reader, photo: Path | bytes, source: str, known: Known | None = None) -> Outcome:
    """Read one photo; a photo that cannot be used, or a fault of ours, becomes a refused report.

    A model that does not work still raises: it would fail for every photo alike.
    """
    asked: dict[str, Any] = {} if known is None else {"known": known}
    try:
        return Outcome(reader.read(photo, source=source, **asked))  # type: ignore[arg-type]
    except InputError as error:
        message = str(error)
        if isinstance(photo, bytes):
            message = f"{source}: {message.removeprefix('the photo: ')}"
        return failure(source, "bad_input", message)
    except RecognizerError:
        raise
    except Exception as error:
        logger.exception("reading %s failed", source)
        return failure(source, "internal_error", f"{type(error).__name__}: {error}")


def failure(source: str, code: str, message: str) -> Outcome:
    """The outcome of a photo that could not be looked at, and why."""
    return Outcome(Report(source, "refused", findings=(Finding(code, message),)), message)


def work(reader: Reader, job: Job, rules: str | None = None) -> Done:
    """Do one job. Raises ModelError when the reader does not work."""
    photo = job.photo
    # Taken before the bytes: a file that changes while it is read is read again by the next run.
    stamp = photo.stamp()
    try:
        content = photo.place.content()
    except InputError as error:
        return finished(photo, stamp, failure(photo.source, "bad_input", str(error)), rules)
    if job.sha256 is not None and content.sha256 == job.sha256:
        return Done(photo.source, photo.place.name, stamp, None)
    known = photo.told.known() if photo.told else None
    outcome = examine(reader, content.photo, photo.source, known)
    return finished(photo, stamp, outcome, rules, content.sha256, content.size)


def finished(
    photo: Photo,
    stamp: str,
    outcome: Outcome,
    rules: str | None,
    sha256: str | None = None,
    size: int | None = None,
) -> Done:
    """The line of a photo: the contract's object with where the photo lies, what it is known by, and what was told."""
    line = outcome.to_dict()
    line["file"] = {"path": photo.place.name, "sha256": sha256, "bytes": size, "stamp": stamp}
    if rules is not None:
        line["rules"] = rules
    if photo.told is not None:
        line["meter"]["id"] = photo.told.meter
        line["taken_at"] = photo.told.taken_at.isoformat() if photo.told.taken_at else None
    if photo.visit is not None:
        line["visit"] = photo.visit
    failed = outcome.error is not None
    return Done(photo.source, photo.place.name, stamp, json.dumps(line), outcome.report.status, failed)


def rules_of(reader: Reader) -> str | None:
    """Which rules a reader concludes by; None for one that does not say (a fake)."""
    policy = getattr(reader, "policy", None)
    return None if policy is None else rules_id(policy)
