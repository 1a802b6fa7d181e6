"""``python -m service import``: the review queue of an archive (``meter report --review``), for people to settle."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import cv2

from recognizer.archive.places import is_clip, place_of
from recognizer.archive.visit import picture_at
from recognizer.domain.conclude import conclude
from recognizer.domain.reading import Finding, Report
from recognizer.errors import InputError
from service import fields
from service.intake import Asked, Intake
from service.meter_ids import kept
from service.problems import Problem

NEEDED = ("source", "path")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows: ``kept`` with a reading, ``there`` before, ``blank`` without any reading."""

    kept: int = 0
    there: int = 0
    blank: int = 0
    failed: int = 0


def import_queue(intake: Intake, table: Path, owner: str, tell: Callable[[str], None]) -> Imported:
    """Read the photos of the rows once more, keep each as the owner's, and have a person look at it.

    The reader and the history are the service's; what the archive had against a reading is added, so that a reading
    which is accepted here does not leave the queue unseen. Run again it goes on: photos that are there stay as they
    are. ``tell`` is called with what is wrong with a row. Raises InputError where the table is none.
    """
    counts: Counter[str] = Counter()
    for number, row in enumerate(_rows(table), 2):
        try:
            counts[_take(intake, row, owner)] += 1
        except InputError as error:
            counts["failed"] += 1
            tell(f"row {number}: {error}")
        except Problem as error:
            counts["failed"] += 1
            tell(f"row {number}: {error.detail}")
    return Imported(**counts)


def _rows(table: Path) -> Iterator[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [name for name in NEEDED if name not in (rows.fieldnames or ())]:
                raise InputError(f"{table}: has no column {missing[0]}; wanted is what meter report --review writes")
            for row in rows:
                yield {name: text or "" for name, text in row.items() if name is not None}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: cannot be read ({error})") from error


def _take(intake: Intake, row: dict[str, str], owner: str) -> str:
    meter = kept(owner, fields.name(row["meter_id"], "meter_id")) if row.get("meter_id") else None
    asked = Asked(owner, meter, taken_at=fields.moment(row.get("taken_at"), "taken_at"))
    data = _photo(row)
    if intake.records.same(meter, owner if meter is None else None, sha256(data).hexdigest()) is not None:
        return "there"
    intake.ensure_meter(meter, owner)
    known = intake.known(asked)
    observation = intake.observe(data, known.meter.serials if known.meter else (), None)
    report = conclude(observation, source=row["source"], policy=intake.reader.policy, known=known)
    report = _for_a_person(report, row.get("reasons", ""))
    intake.keep(data, observation, report, asked, known.taken_at or datetime.now(UTC))
    return "kept" if report.readings else "blank"


def _photo(row: dict[str, str]) -> bytes:
    place = place_of(row["path"])
    if is_clip(place.name):
        try:
            seconds = float(row.get("seconds") or 0.0)
        except ValueError as error:
            raise InputError(f"seconds: {row['seconds']!r} is no number") from error
        frame = picture_at(row["source"], place, seconds)
        return cv2.imencode(".jpg", frame, (cv2.IMWRITE_JPEG_QUALITY, 95))[1].tobytes()
    photo = place.content().photo
    if isinstance(photo, bytes):
        return photo
    try:
        return photo.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"{row['path']}: cannot be read ({error})") from error


def _for_a_person(report: Report, reasons: str) -> Report:
    finding = Finding("archive_review", f"An archive sends it to review: {reasons}.")
    readings = tuple(
        replace(r, status="review", findings=(*r.findings, finding)) if r.status == "accepted" else r
        for r in report.readings
    )
    return replace(report, readings=readings, status="review" if readings else report.status)
