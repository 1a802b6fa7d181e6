"""What the command line is told of a meter: its record, its earlier readings, the time of the photo."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from recognizer.domain.meter import Known, Meter, PastReading
from recognizer.domain.reading import Report
from recognizer.errors import InputError, UsageError


@dataclass(frozen=True, slots=True)
class Informed:
    """A reader that checks every reading against what is known, and reads the plate where it is told to."""

    reader: Any
    known: Known
    plate: bool | None = None

    def read(self, photo: Path, *, source: str) -> Report:
        report: Report = self.reader.read(photo, source=source, known=self.known, plate=self.plate)
        return report


def read_known(record: Path | None, previous: Sequence[str], taken_at: str | None) -> Known | None:
    """None where nothing was told. Raises UsageError for what cannot be understood."""
    if record is None and not previous and taken_at is None:
        return None
    meter = None if record is None else _meter(record)
    now = datetime.now(UTC)
    only = meter.registers[0].code if meter and len(meter.registers) == 1 else "total"
    return Known(
        meter=meter,
        history=tuple(_past(text, only) for text in previous),
        taken_at=_time(taken_at) if taken_at else now,
        now=now,
    )


def _meter(path: Path) -> Meter:
    try:
        return Meter.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UsageError(f"{path}: not a TOML file ({error})") from error


def _past(text: str, register: str) -> PastReading:
    what, at, when = text.rpartition("@")
    code, named, value = what.rpartition("=")
    try:
        if not at:
            raise ValueError("no @")
        return PastReading(code if named else register, Decimal(value.replace(",", ".")), _time(when))
    except (InvalidOperation, ValueError) as error:
        raise UsageError(f"--previous takes [REGISTER=]VALUE@TIME, such as 1234.5@2026-10-01, not {text!r}") from error


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time: give it as 2026-10-01 or 2026-10-01T09:30+02:00") from error
    return time if time.tzinfo else time.astimezone()
