"""Printed serials: how many are read, what the record's serial makes of them, and what the reading of print costs."""

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy import commit, processor, table
from recognizer.domain.identity import agree
from recognizer.domain.observation import Observation, PlateText
from recognizer.domain.payload import Identity, canonical, read_code
from recognizer.domain.plate import identities
from recognizer.errors import UsageError
from recognizer.evaluate import wilson
from recognizer.vision.frame import Frame, load_frame

Observe = Callable[[Frame], Observation]
ReadPlate = Callable[[Frame, Observation], tuple[PlateText, ...]]
Witnesses = Callable[["Case"], Sequence[Identity]]


@dataclass(frozen=True)
class Case:
    """One photo: the serial printed in it, and what was seen."""

    file: str
    source: str
    serial: str
    """In canonical form."""
    observation: Observation
    texts: tuple[PlateText, ...]
    seconds: tuple[float, float]
    """Of the reading without the plate, and of the plate."""

    @property
    def printed(self) -> tuple[Identity, ...]:
        return identities(self.texts, self.observation.displays, self.observation.codes)

    @property
    def coded(self) -> tuple[Identity, ...]:
        return tuple(i for c in self.observation.codes for i in read_code(c.kind, c.text, c.raw))

    @property
    def best(self) -> str | None:
        """The serial that the print alone gives."""
        return agree(identities(self.texts, self.observation.displays)).serial


WITNESSES: dict[str, Witnesses] = {
    "print alone": lambda case: identities(case.texts, case.observation.displays),
    "codes alone": lambda case: case.coded,
    "print and codes": lambda case: (*case.coded, *case.printed),
}


def photos(data: Path, split: str) -> list[tuple[str, str, str]]:
    """File, source and serial of the photos of a split whose serial is known."""
    with open(data / "photos.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["serial"] and row["split"] == split]
    return [(row["file"], row["source"], canonical(row["serial"])) for row in rows]


def look(data: Path, file: str, source: str, serial: str, observe: Observe, read_plate: ReadPlate) -> Case:
    """One photo, read without its plate and then the plate: both times belong to the same minute of one machine."""
    begin = time.perf_counter()
    frame = load_frame(data / file)
    observation = observe(frame)
    middle = time.perf_counter()
    texts = read_plate(frame, observation)
    return Case(file, source, serial, observation, texts, (middle - begin, time.perf_counter() - middle))


def siblings(serial: str) -> list[str]:
    """Serials of meters beside it in the same batch: one digit is another."""
    return [
        serial[:i] + str((int(c) + step) % 10) + serial[i + 1 :]
        for i, c in enumerate(serial)
        if c.isdigit()
        for step in range(1, 10)
    ]


def verdicts(cases: Iterable[Case], witnesses: Witnesses, expected: Callable[[Case], Iterable[str]]) -> Counter[str]:
    """How often each agreement comes out, over all serials expected of every photo."""
    counts: Counter[str] = Counter()
    for case in cases:
        seen = witnesses(case)
        counts.update(agree(seen, [serial]).agreement for serial in expected(case))
    return counts


def run(data: Path, split: str) -> tuple[str, bool]:
    """The report as Markdown, and whether every promise is kept."""
    from recognizer.reader import MeterReader
    from recognizer.vision.plate import missing_reader, read_plate

    if (missing := missing_reader()) is not None:
        raise UsageError(missing)
    rows = photos(data, split)
    if not rows:
        raise UsageError(f"no photos with a serial in split {split} of {data}")

    def plate(frame: Frame, observation: Observation) -> tuple[PlateText, ...]:
        return read_plate(frame, observation.displays, observation.codes)[0]

    observe = MeterReader().observe
    look(data, *rows[0], observe, plate)  # the first run loads what the others find loaded
    return report([look(data, *row, observe, plate) for row in rows], split)


def report(cases: Sequence[Case], split: str) -> tuple[str, bool]:
    """The Markdown of these cases, and whether every promise is kept."""
    serials = sorted({case.serial for case in cases})
    true, others, beside = {}, {}, {}
    for name, seen in WITNESSES.items():
        true[name] = verdicts(cases, seen, lambda case: [case.serial])
        others[name] = verdicts(cases, seen, lambda case: [s for s in serials if s != case.serial])
        beside[name] = verdicts(cases, seen, lambda case: siblings(case.serial))
    promises = _promises(true, others)
    without, plate = (sum(case.seconds[i] for case in cases) for i in (0, 1))
    by_source: dict[str, list[Case]] = {}
    for case in cases:
        by_source.setdefault(case.source, []).append(case)
    sections = (
        "# Printed serials",
        f"Written by `python -m benchmarks serials` (split {split}); do not edit. Hardware: {processor()}; "
        f"commit {commit()}.",
        f"{len(cases)} photos of {len(serials)} meters whose serial a person could read, displays that are off and "
        "blurred photos included. Print alone: codes are not looked at. Best is what a report would name; among "
        "candidates counts every number found, unclear ones too. Intervals take photos for independent, which those "
        "of one meter are not.",
        table(
            ("source", "photos", "best right", "95 % interval", "best wrong", "nothing named", "among candidates"),
            [_row(source, group) for source, group in (*sorted(by_source.items()), ("all", cases))],
        ),
        "## Against the record",
        "The true serial expected:",
        _verdict_table(true),
        "The serial of every other meter expected, in every photo:",
        _verdict_table(others),
        "The true serial with one digit replaced by another, every digit by all others in turn, as of a meter of the "
        "same batch:",
        _verdict_table(beside),
        _siblings_sentence(cases),
        "## Time",
        f"Reading with the plate takes {(without + plate) / without:.1f} times as long as without, both measured in "
        f"this run ({1000 * without / len(cases):.0f} ms and {1000 * (without + plate) / len(cases):.0f} ms a photo).",
        "## Promises",
        table(("figure", "measured", "target", ""), promises),
    )
    return "\n\n".join(sections) + "\n", all(row[-1] == "met" for row in promises)


def _row(source: str, group: Sequence[Case]) -> tuple[str, ...]:
    n = len(group)
    best = [case.best for case in group]
    right = sum(b == case.serial for b, case in zip(best, group, strict=True))
    silent = best.count(None)
    among = sum(any(i.serial == case.serial for i in identities(case.texts)) for case in group)
    low, high = wilson(right, n)
    share = f"{right} ({right / n:.1%})"
    return (source, str(n), share, f"{low:.1%} to {high:.1%}", str(n - right - silent), str(silent), str(among))


def _verdict_table(counts: Mapping[str, Counter[str]]) -> str:
    kinds = ("match", "unknown", "mismatch")
    return table(("witnesses", *kinds), [(name, *(str(c[kind]) for kind in kinds)) for name, c in counts.items()])


def _siblings_sentence(cases: Sequence[Case]) -> str:
    """Not a promise, for print cannot keep it: a digit may be misread alike in all readings."""
    seen = WITNESSES["print alone"]
    fooled = sum(verdicts([case], seen, lambda c: siblings(c.serial))["match"] > 0 for case in cases)
    low, high = wilson(fooled, len(cases))
    return (
        f"In {fooled} of {len(cases)} photos ({low:.1%} to {high:.1%}) the print alone matches one of these siblings, "
        "a digit being misread alike in all readings; such a match carries the note `serial_from_print`. A code beside "
        "the print is a witness of its own: of a sibling it says, rightly, mismatch."
    )


def _promises(true: Mapping[str, Counter[str]], others: Mapping[str, Counter[str]]) -> list[tuple[str, str, str, str]]:
    """The serial of another meter is never a match, and print never blocks the right meter."""
    rows = [
        ("another meter's serial matches", sum(c["match"] for c in others.values())),
        ("the right meter is called wrong by its print", true["print alone"]["mismatch"]),
        ("… or by print and codes", true["print and codes"]["mismatch"]),
    ]
    return [(name, str(count), "0", "met" if count == 0 else "missed") for name, count in rows]
