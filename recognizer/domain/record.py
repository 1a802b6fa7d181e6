"""What is kept of a photo that was read, as plain data: the entry, its readings, and every decision about them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Literal

from recognizer.domain.meter import PastReading, PastStatus
from recognizer.domain.observation import Observation, Quad
from recognizer.domain.reading import Finding, Reading, Report
from recognizer.errors import UsageError

RecordStatus = Literal["accepted", "confirmed", "review", "rejected", "refused"]
"""What a reading has by rule or by a person; a ``refused`` one has no value, so it is no PastReading."""
GONE = (Finding("no_meter", "By the present rules there is no display here."),)
"""Why a stored reading is refused whose display is not one any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A photo that was read, as it is handed to the store."""

    observation: Observation
    report: Report
    taken_at: datetime
    received_at: datetime
    meter: str | None = None
    evidence: str | None = None
    """Where the photo lies: a path or URL of the caller's."""
    who: str = "recognizer"
    rules: str = ""
    """Which rules concluded it: ``rules_id``."""
    owner: str | None = None
    """Whose the photo is where it is of no meter: the same file of two people is two photos."""

    def __post_init__(self) -> None:
        if self.taken_at.tzinfo is None or self.received_at.tzinfo is None:
            raise UsageError("taken_at and received_at need a time zone")


@dataclass(frozen=True, slots=True)
class Added:
    """Where an entry went. A ``duplicate`` was there before: nothing was stored, and the ids are the earlier ones."""

    photo: int
    readings: tuple[int, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One reading: what was first concluded, which never changes, and what holds now."""

    id: int
    photo: int
    place: int
    """0 is the billed register's reading of its photo."""
    box: Quad
    original_text: str
    original_value: Decimal | None
    original_status: RecordStatus
    register: str
    unit: str | None
    text: str
    value: Decimal | None
    """The original value, or the corrected one."""
    status: RecordStatus
    confidence: float
    findings: tuple[Finding, ...] = ()
    by_person: bool = False
    """Whether a person had the last word; rules do not overrule it."""


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """One photo with what was seen in it and its readings, the billed register's first."""

    id: int
    meter: str | None
    taken_at: datetime
    received_at: datetime
    evidence: str | None
    observation: Observation
    readings: tuple[StoredReading, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the audit: what a reading was decided to be, by whom, when and why."""

    reading: int
    at: datetime
    who: str
    why: str
    status: RecordStatus
    text: str
    value: Decimal | None
    by_person: bool
    rules: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A stored reading that is concluded otherwise now.

    ``old`` is None for a display that was not one before, ``new`` for one that no longer is.
    """

    old: StoredReading | None
    new: Reading | None
    place: int


def past_readings(photo: StoredPhoto) -> tuple[PastReading, ...]:
    """What a photo adds to its meter's history: of each register one reading, confirmed by a person or billed first.

    Where the display in front was refused, the one beside it is not taken in its place.
    """
    past = []
    for _, group in groupby(sorted(photo.readings, key=_by_register), lambda r: r.register):
        best = next(group)
        if best.value is not None and best.status != "refused":
            status: PastStatus = best.status
            past.append(PastReading(best.register, best.value, photo.taken_at, status, best.confidence))
    return tuple(past)


def compare(stored: Sequence[StoredReading], report: Report) -> tuple[Change, ...]:
    """Which readings a new report on the same observation changes; those that a person decided are left out.

    The same display is known by its box.
    """
    by_box = {reading.box: reading for reading in stored}
    now_by_box = {reading.box: (place, reading) for place, reading in enumerate(report.readings)}
    changes = [
        Change(by_box.get(box), new, place)
        for box, (place, new) in now_by_box.items()
        if box not in by_box or _differs(by_box[box], new, place)
    ]
    gone = (old for box, old in by_box.items() if box not in now_by_box and old.status != "refused")
    changes += [Change(old, None, old.place) for old in gone]
    return tuple(change for change in changes if change.old is None or not change.old.by_person)


def reasons(findings: Iterable[Finding]) -> str:
    """The codes of findings in one line, as an audit keeps them."""
    return ", ".join(dict.fromkeys(finding.code for finding in findings))


def _by_register(reading: StoredReading) -> tuple[str, bool, int]:
    return reading.register, reading.status != "confirmed", reading.place


def _differs(old: StoredReading, new: Reading, place: int) -> bool:
    was = (old.register, old.unit, old.text, old.status, old.place == 0)
    return was != (new.register, new.unit, new.text, new.status, place == 0)
