"""Real screens: photos whose truth states a register or a unit, pages that are no reading, a clip of a power page."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scroll_clips import same_register
from recognizer.domain.labels import unit_of
from recognizer.domain.reading import Reading, Report
from recognizer.domain.visit import Visit
from recognizer.errors import InputError
from recognizer.vision.clips import open_clip
from recognizer.watch import watch

SOURCES = ("lesco-lcd", "zpa-lcd", "multi-unit-lcd", "cesc-electricity", "vn-lcd", "nordic-lcd", "docs-lcd")
CLIP = "handheld-lcd.mp4"
NO_READING = ("power", "clock", "date", "other", "current")

REGISTERS = {
    "1.8.0": "1.8.0",
    "1.8.1": "1.8.1",
    "4.8.0": "4.8.0",
    # The first is the mark of the tariff in force, the second the code beside the value.
    "T2 / 1.8.2": "1.8.2",
    # Tt is the mark of the total.
    "1.8.0 Tt": "1.8.0",
    # Eastron: Σ, the sum of the phases.
    "S (total)": "total",
    # Aidon: active energy, tariff 1.
    "A t1": "1.8.1",
    # Kamstrup: E1 is the heat that was counted, which the display calls by its unit only.
    "E1": "total",
}
"""How the truth's words for a register are understood."""
UNDECIDED = ("", "T2", "P", "1 UIT1", "ErC", "code 5")
"""Words that leave open which register it is, on photos that are readings: the tariff in force or a page (T2 on Genus),
a menu's own name, a page code of which no list is at hand. Of these the unit alone is compared."""
HISTORY = ("BP 01",)
"""An earlier billing period: not a reading, though the table calls the screen one of energy."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One photo's truth."""

    file: str
    source: str
    register: str | None
    unit: str | None
    reading: bool
    """Whether it shows a reading; False: a page of which nothing may be accepted."""
    legible: bool

    @property
    def states(self) -> bool:
        """Whether a register or a unit is there to be compared."""
        return self.reading and self.legible and (self.register is not None or self.unit is not None)


def screen_of(row: dict[str, str]) -> Screen:
    """A row of the table of photos; InputError for words of a register that stand in none of the lists above."""
    words, unit = row["register"], unit_of(row["unit"]) if row["unit"] else None
    counted = unit is None or unit[1] in ("active", "reactive", "apparent", "volume", "heat")
    # What is measured in kVA is power, whatever the table calls the screen.
    reading = row["screen"] not in (*NO_READING, "off") and counted and words not in HISTORY
    if reading and words not in REGISTERS and words not in UNDECIDED:
        raise InputError(f"{row['file']}: it is not written down how {words!r} is understood; see {__name__}")
    register = REGISTERS.get(words) if reading else None
    return Screen(row["file"], row["source"], register, unit[0] if unit else None, reading, row["legible"] == "1")


def screens(data: Path) -> list[Screen]:
    """All LCDs of the test split of these sources."""
    with (data / "photos.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test" and row["source"] in SOURCES]
    return [screen_of(row) for row in rows if row["display"] == "lcd"]


def agrees(screen: Screen, reading: Reading | None) -> bool:
    """Whether register and unit are what the truth states; where it states one of them only, that one."""
    if reading is None:
        return False
    unit = unit_of(reading.unit) if reading.unit is not None else None
    right_unit = screen.unit is None or (unit is not None and unit[0] == screen.unit)
    return right_unit and (screen.register is None or same_register(reading.register, screen.register))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made of the photos."""

    asked: int
    agreed: int
    given: int
    """Of those that agree, readings that are given and not refused."""
    pages: int
    taken: tuple[str, ...]
    """Pages that are no reading of which one was accepted, and why that is wrong."""
    wrong: tuple[str, ...]


def judge(shown: Sequence[tuple[Screen, Report]]) -> Outcome:
    """Compare the billed reading of each photo, whatever its status, with its truth."""
    asked = [(screen, report) for screen, report in shown if screen.states]
    pages = [(screen, report) for screen, report in shown if not screen.reading]
    right, given, wrong = 0, 0, []
    for screen, report in asked:
        first = report.readings[0] if report.readings else None
        if agrees(screen, first):
            right += 1
            given += first is not None and first.status != "refused"
        else:
            seen = f"{first.register} {first.unit or 'no unit'}" if first else "nothing"
            wrong.append(f"{screen.file}: {screen.register or 'any'} {screen.unit or 'any unit'} read as {seen}")
    taken = tuple(
        f"{screen.file}: {reading.register} {reading.text} {reading.unit or ''}".rstrip()
        for screen, report in pages
        for reading in report.readings
        if reading.status == "accepted"
    )
    return Outcome(len(asked), right, given, len(pages), taken, tuple(wrong))


def read_photos(data: Path, read: Callable[[Path], Report]) -> Outcome:
    """The outcome of all photos."""
    return judge([(screen, read(data / screen.file)) for screen in screens(data)])


def watch_power(data: Path, reader: Any) -> tuple[str, ...]:
    """What is accepted of the clip of a power page, which must be nothing; at any time."""
    seen: dict[str, None] = {}
    with open_clip(data / CLIP) as clip:
        visit = Visit(source=CLIP, policy=reader.policy)

        def told(report: Report) -> None:
            for r in report.readings:
                if r.status == "accepted":
                    seen[f"{r.register} {r.text} {r.unit or ''}".rstrip()] = None

        watch(clip, reader, visit, stop=False, frames_a_second=30, tell=lambda now: told(now.report))
    return tuple(seen)
