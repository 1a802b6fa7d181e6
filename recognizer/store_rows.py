"""Between what is kept as plain data and its columns: values as text, findings and observations as JSON."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from recognizer.domain.photo_print import PhotoPrint
from recognizer.domain.reading import Finding, Reading
from recognizer.domain.record import GONE, Decision, Entry, StoredReading

BANDS = 4
"""Parts of 16 bits of a perceptual hash: two hashes within 3 bits share one at least, and a part has an index."""

Row = Mapping[Any, Any]


def photo_row(entry: Entry) -> dict[str, Any]:
    photo = entry.observation.photo or PhotoPrint()
    return {
        "meter_id": entry.meter,
        "owner": entry.owner,
        "taken_at": entry.taken_at,
        "received_at": entry.received_at,
        "sha256": photo.sha256,
        "phash": photo.phash,
        **(bands(photo.phash) if photo.phash else {}),
        "camera_time": photo.camera_time.isoformat() if photo.camera_time else None,
        "evidence": None if entry.evidence is None else clean(entry.evidence),
        "models": json.dumps(dict(entry.observation.models)),
        "status": entry.report.status,
        "findings": findings_json(entry.report.findings),
        "observation": json.dumps(entry.observation.to_dict()),
    }


def reading_row(reading: Reading | None) -> dict[str, Any]:
    """What holds of a reading; None is a display that no longer is one, whose register stays as it was."""
    if reading is None:
        gone = {"text": "", "value": None, "status": "refused", "confidence": 0.0}
        return gone | {"findings": findings_json(GONE), "by_person": False}
    value = reading.value
    return {
        "register": clean(reading.register),
        "unit": None if reading.unit is None else clean(reading.unit),
        "text": reading.text,
        "value": None if value is None else format(value, "f"),
        "status": reading.status,
        "confidence": reading.confidence,
        "findings": findings_json(reading.findings),
        "by_person": False,
    }


def decision_row(reading_id: int, when: datetime, who: str, why: str, rules: str) -> dict[str, Any]:
    return {"reading_id": reading_id, "at": when, "who": clean(who), "why": clean(why), "rules": clean(rules)}


def stored_reading(row: Row) -> StoredReading:
    a, b, c, d = ((float(x), float(y)) for x, y in json.loads(row["box"]))
    parts = ("id", "place", "original_text", "original_status", "register", "unit", "text", "status", "confidence")
    return StoredReading(
        photo=row["photo_id"],
        box=(a, b, c, d),
        original_value=decimal_of(row["original_value"]),
        value=decimal_of(row["value"]),
        findings=tuple(Finding(f["code"], f["message"], f["note"]) for f in json.loads(row["findings"])),
        by_person=row["by_person"],
        **{part: row[part] for part in parts},
    )


def stored_decision(row: Row) -> Decision:
    parts = ("at", "who", "why", "status", "text", "by_person", "rules")
    return Decision(reading=row["reading_id"], value=decimal_of(row["value"]), **{part: row[part] for part in parts})


def print_of(row: Row) -> PhotoPrint:
    time = row["camera_time"]
    return PhotoPrint(row["sha256"], row["phash"], datetime.fromisoformat(time) if time else None)


def bands(phash: str) -> dict[str, int]:
    """The parts of a perceptual hash under the names of their columns."""
    width = len(phash) // BANDS
    return {f"band{i}": int(phash[i * width : (i + 1) * width], 16) for i in range(BANDS)}


def findings_json(findings: Sequence[Finding]) -> str:
    return json.dumps([finding.to_dict() | {"note": finding.note} for finding in findings])


def decimal_of(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def clean(text: str) -> str:
    """File names need not be text, and PostgreSQL takes no NUL."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "")
