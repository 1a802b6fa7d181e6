"""What requests are made of, checked once: ids, times, values, cursors."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Path

from recognizer.domain.meter import PastReading
from service.problems import Problem

MOST_ID = 2**31 - 1
LONGEST_NAME = 100
ReadingId = Annotated[int, Path(ge=1, le=MOST_ID, description="The id of a reading")]
PhotoId = Annotated[int, Path(ge=1, le=MOST_ID, description="The id of a photo")]


def invalid(detail: str) -> Problem:
    return Problem(422, "validation", detail)


def name(text: str, what: str) -> str:
    """A meter's id, a register, a serial: printable, and no longer than 100 characters."""
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_NAME or not text.isprintable() or "/" in text:
        raise invalid(f"{what}: 1 to {LONGEST_NAME} printable characters without a slash")
    return text


def names(texts: Sequence[str], what: str) -> tuple[str, ...]:
    """Empty ones are left out: a form that was not filled in sends them."""
    if len(texts) > 16:
        raise invalid(f"{what}: at most 16")
    return tuple(dict.fromkeys(name(text, what) for text in texts if text.strip()))


def register(text: str) -> str:
    """T1 is the first tariff of the imported energy, 1.8.1 (IEC 62056-61)."""
    text = name(text, "want")
    return f"1.8.{text[1]}" if len(text) == 2 and text[0] in "TtТт" and text[1] in "123456789" else text


def moment(text: str | None, what: str) -> datetime | None:
    """A time in ISO 8601, in UTC where it names no zone."""
    if text is None or not text.strip():
        return None
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(f"{what}: a time as 2026-10-01T09:30+02:00") from None


def displayed(text: str) -> str:
    """A reading as a person writes it, with a point or a comma; its leading zeros stay."""
    text = text.strip().replace(",", ".")
    whole, point, part = text.partition(".")
    digits = whole + part
    if not (digits.isascii() and digits.isdigit() and whole and len(whole) <= 12 and len(part) <= 6):
        raise invalid("value: digits, with at most 12 before the point and 6 behind it")
    if point and not part:
        raise invalid("value: digits are missing behind the point")
    return text


def past(text: str) -> PastReading:
    """``[REGISTER=]VALUE@TIME``: an earlier reading that the service need not know."""
    what, at, when = text.rpartition("@")
    code, named, number = what.rpartition("=")
    taken_at = moment(when, "previous")
    if not at or taken_at is None:
        raise invalid("previous: [REGISTER=]VALUE@TIME, such as 1234.5@2026-10-01")
    return PastReading(register(code) if named else "total", Decimal(displayed(number)), taken_at)


def cursor_of(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def parts_of(cursor: str | None, kinds: Sequence[type]) -> list[Any] | None:
    """What a cursor was made of. Problem 422 for one that this service never gave."""
    if not cursor:
        return None
    try:
        data = json.loads(base64.urlsafe_b64decode(cursor[:400].encode() + b"=" * (-len(cursor[:400]) % 4)))
        if not isinstance(data, list) or [type(part) for part in data] != list(kinds):
            raise ValueError("not its parts")
    except (ValueError, RecursionError):
        raise invalid("cursor: give the `next` of the page before") from None
    return data
