"""The photos of a meter in the order of time, against the history rules: a second pass over a ledger, without vision.

Lines take part that say when the photo was taken, and of which meter: by the manifest, or by a code in the photo.
"""

import json
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from statistics import median

from recognizer.archive.ledger import Line
from recognizer.archive.table import plain
from recognizer.domain.meter import PastReading, PastStatus, Register
from recognizer.domain.plausibility import Case, Rules, check
from recognizer.domain.reading import Finding

MOST_HISTORY = 200
"""Earlier readings that one is measured against: more never matter, and a camera takes thousands."""
UNUSUAL = 3
"""Times the meter's usual use a day, or a part of it, from which a use is told as unusual."""
LEAST_INTERVALS = 3
_DAY = Decimal(86400)


@dataclass(frozen=True, slots=True)
class Dated:
    """A reading with its meter and time."""

    source: str
    meter: str
    register: str
    unit: str | None
    taken_at: datetime
    text: str
    confidence: float
    status: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """A reading that cannot be true beside the others of its meter, or makes another one untrue."""

    reading: Dated
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Unusual:
    """Use between two readings that is far from what the meter uses otherwise."""

    reading: Dated
    since: datetime
    used: Decimal
    times: float
    """The meter's usual use a day."""


def second_pass(lines: Iterable[Line], rules: Rules | None = None) -> Iterator[Impossible | Unusual]:
    """What the order of time shows of all meters; sorted on disk, so that millions of lines fit."""
    rules = rules or Rules()
    with _sorted(lines) as found:
        for _, readings in groupby(found, key=lambda r: (r.meter, r.register)):
            yield from _meter(readings, rules)


def _meter(readings: Iterable[Dated], rules: Rules) -> Iterator[Impossible | Unusual]:
    history: deque[PastReading] = deque(maxlen=MOST_HISTORY)
    counted: list[tuple[Dated, PastReading]] = []
    for reading in readings:
        register = Register(reading.register, reading.unit)
        case = Case(reading.text, reading.taken_at, register, tuple(history), reading.confidence)
        findings = tuple(f for f in check(case, None, rules) if not f.note)
        status: PastStatus = "accepted" if reading.status == "accepted" and not findings else "review"
        past = PastReading(reading.register, Decimal(reading.text), reading.taken_at, status, reading.confidence)
        history.append(past)
        if findings:
            yield Impossible(reading, findings)
        elif past.counts:
            counted.append((reading, past))
            del counted[:-MOST_HISTORY]
    yield from _unusual(counted)


def _unusual(counted: Sequence[tuple[Dated, PastReading]]) -> Iterator[Unusual]:
    steps = [(reading, a.taken_at, b.value - a.value, _days(a, b)) for (_, a), (reading, b) in pairwise(counted)]
    steps = [step for step in steps if step[3] > 0]
    if len(steps) < LEAST_INTERVALS:
        return
    usual = median(used / days for _, _, used, days in steps)
    for reading, since, used, days in steps:
        if usual > 0 and not 1 / UNUSUAL <= (times := float(used / days / usual)) <= UNUSUAL:
            yield Unusual(reading, since, used, times)


def _days(a: PastReading, b: PastReading) -> Decimal:
    return Decimal((b.taken_at - a.taken_at).total_seconds()) / _DAY


class _sorted:  # noqa: N801 - reads as a function
    """All dated readings by meter, register and time, through a database in a temporary file."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = lines

    def __enter__(self) -> Iterator[Dated]:
        self._base = base = sqlite3.connect("")
        base.execute("CREATE TABLE r (meter TEXT, register TEXT, at REAL, place INTEGER, reading TEXT)")
        rows = (
            (r.meter, r.register, r.taken_at.timestamp(), place, _packed(r))
            for place, r in enumerate(r for line in self._lines for r in dated(line))
        )
        base.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?)", rows)
        found = base.execute("SELECT reading FROM r ORDER BY meter, register, at, place")
        return (_unpacked(text) for (text,) in found)

    def __exit__(self, *_: object) -> None:
        self._base.close()


def dated(line: Line) -> Iterator[Dated]:
    """The readings of a line that take part."""
    told = line.get("meter", {})
    meter, time = told.get("id") or told.get("serial"), line.get("taken_at")
    if not meter or not time:
        return
    at = datetime.fromisoformat(time)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    for reading in line["readings"]:
        if reading["text"] and reading["status"] != "refused":
            yield Dated(
                plain(line["source"]), plain(meter), reading["register"], reading["unit"], at,
                reading["text"], reading["confidence"], reading["status"],
            )  # fmt: skip


def _packed(r: Dated) -> str:
    time = r.taken_at.isoformat()
    return json.dumps([r.source, r.meter, r.register, r.unit, time, r.text, r.confidence, r.status])


def _unpacked(text: str) -> Dated:
    found = Dated(*json.loads(text))
    return replace(found, taken_at=datetime.fromisoformat(str(found.taken_at)))
