"""What goes to an engine and comes back: a photo of an archive, what is told of it, and what became of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from recognizer.archive.places import Place
from recognizer.domain.meter import Known, Meter, PastReading
from recognizer.domain.reading import Finding, Report, Status


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
    """One photo of an archive, one clip, or the files of one visit.

    ``source`` names it there, and is the same wherever the archive lies.
    """

    source: str
    place: Place
    told: Told | None = None
    visit: str | None = None
    """The files of one visit show the same meter at about the same time, and are read together."""

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
class Evidence:
    """The file of a visit that shows a reading best."""

    source: str
    path: str
    sha256: str | None
    seconds: float | None = None
    """Into a clip; None for a photo."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A report, and what went wrong when the photo could not even be looked at."""

    report: Report
    error: str | None = None
    files: tuple[str, ...] = ()
    """Of a visit or a clip: the sources of what was looked at."""
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """Of a visit or a clip, by register."""

    def to_dict(self) -> dict[str, Any]:
        """The contract's JSON object of one photo, with what else there is."""
        line = self.report.to_dict()
        if self.files:
            line["files"] = list(self.files)
            line["evidence"] = {register: asdict(shown) for register, shown in self.evidence.items()}
        return line if self.error is None else line | {"error": self.error}


def failure(source: str, code: str, message: str) -> Outcome:
    """The outcome of a photo that could not be looked at, and why."""
    return Outcome(Report(source, "refused", findings=(Finding(code, message),)), message)


def named(message: str, source: str) -> str:
    """What is wrong with a photo, by the name that it has in its archive: given as bytes it had none."""
    return f"{source}: {rest}" if (rest := message.removeprefix("the photo: ")) != message else message
