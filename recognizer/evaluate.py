"""Truth and answer to scores: what a benchmark counts, and how.

How a text is compared depends on what the truth of its source records, so each source names the form in
which truth and text must be equal (``FIGURES``). Intervals are Wilson's, risk and coverage follow
Laroca 2021: sort by confidence, refuse the least certain, count the errors among the rest.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Literal

from recognizer.domain.reading import Report, Status
from recognizer.errors import InputError

Demand = Literal["reading", "refusal", "other page"]
"""What is right for a photo: its reading; nothing, because nobody could read it; or nothing, because the
screen shows a clock or a power, and no register."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a person, or the source of the photo, says that it shows."""

    file: str
    source: str
    split: str
    kind: str
    screen: str
    text: str
    """As displayed, with a decimal point."""
    legible: bool
    corners: tuple[tuple[float, float], ...] = ()
    """Outline of the display, if known: four corners in reading order, or those of an upright box."""

    @property
    def demand(self) -> Demand:
        if not self.legible or not self.text:
            return "refusal"
        return "reading" if self.screen in ("", "energy") else "other page"


@dataclass(frozen=True, slots=True)
class Answer:
    """What scoring needs of a report: its first, billed reading."""

    status: Status
    text: str
    """Empty when refused."""
    guess: str
    """The most probable text, also of a refused reading: what an error at full coverage is counted on."""
    confidence: float
    corners: tuple[tuple[float, float], ...] = ()
    findings: tuple[str, ...] = ()
    models: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, report: Report) -> "Answer":
        findings = tuple(f.code for f in report.findings)
        if not report.readings:
            return cls(report.status, "", "", 0.0, findings=findings, models=report.models)
        first = report.readings[0]
        findings += tuple(f.code for f in first.findings)
        guess = first.candidates[0].text if first.candidates else first.text
        return cls(first.status, first.text, guess, first.confidence, first.box, findings, report.models)


Form = Callable[[str, Truth], str]
"""Brings a text to the form in which it must equal the truth brought to the same form."""


def as_displayed(text: str, truth: Truth) -> str:
    return text


def integer_part(text: str, truth: Truth) -> str:
    """The digits before the point, leading zeros kept."""
    return text.partition(".")[0]


def integer_number(text: str, truth: Truth) -> str:
    """The digits before the point as a number, for truths that lost their leading zeros."""
    whole = integer_part(text, truth)
    return whole.lstrip("0") or whole[:1]


def number(text: str, truth: Truth) -> str:
    """As a number, for truths that also lost their trailing zeros."""
    return integer_number(text, truth) + "." + text.partition(".")[2].rstrip("0")


def without_leading_zeros(text: str, truth: Truth) -> str:
    """As displayed but for leading zeros, for truths that lost only these."""
    return integer_number(text, truth) + text.removeprefix(integer_part(text, truth))


def digits(text: str, truth: Truth) -> str:
    """All digits, the point aside."""
    return text.replace(".", "")


def printed_decimals(text: str, truth: Truth) -> str:
    """As displayed, but a drum whose tenths wheel the truth leaves out counts by its integer part."""
    return integer_part(text, truth) if truth.kind == "drum" and "." not in truth.text else text


@dataclass(frozen=True, slots=True)
class Figure:
    """One published score: which photos of a source it counts, and when one of them is right."""

    source: str
    name: str
    demand: Demand
    form: Form = as_displayed
    target: float | None = None


FIGURES = (
    Figure("bdci-water", "5 digits exact", "reading", integer_part, 0.85),
    Figure("toloka-water", "integer part exact", "reading", integer_number, 0.80),
    Figure("toloka-water", "all digits of the truth exact", "reading", number),
    Figure("dss188-electricity", "integer part exact", "reading", integer_part, 0.90),
    Figure("thai-electricity", "digits exact, the point aside", "reading", digits, 0.75),
    Figure("lcd-strips", "all digits and the point exact", "reading", as_displayed, 0.85),
    Figure("vn-lcd", "legible energy pages exact to the printed decimals", "reading", as_displayed, 0.40),
    Figure("cesc-electricity", "legible ones exact to the printed decimals", "reading", printed_decimals, 0.55),
    Figure("cesc-electricity", "off or unreadable: no reading accepted", "refusal", as_displayed, 0.90),
    Figure("rolling-strips", "5 digits exact", "reading", integer_part),
    # The data states the integer part only; a tenths wheel follows on every photo.
    Figure("pln-drum", "integer part exact", "reading", integer_part),
    # The truths of these two leave out the zero that stands on the first wheel of every photo (looked at by eye).
    Figure("itron-water", "as displayed, leading zeros aside", "reading", without_leading_zeros),
    Figure("elster-gas", "as displayed, leading zeros aside", "reading", without_leading_zeros),
)


def figures(source: str, demands: Iterable[Demand]) -> tuple[Figure, ...]:
    """The figures of a source, its main one first: those of ``FIGURES``, and the usual ones for the rest."""
    named = tuple(f for f in FIGURES if f.source == source)
    wanted = sorted(set(demands), key=("reading", "refusal", "other page").index)
    usual: dict[Demand, str] = {
        "reading": "exact as displayed",
        "refusal": "unreadable: no reading accepted",
        "other page": "not a register: no reading accepted",
    }
    missing = [d for d in wanted if d not in {f.demand for f in named}]
    return named + tuple(Figure(source, usual[d], d) for d in missing)


def right(figure: Figure, truth: Truth, answer: Answer, *, guess: bool = False) -> bool:
    """Whether an answer is right by a figure.

    A refused reading is not right where a reading is wanted, unless ``guess`` takes its best candidate for
    one; where none is wanted, only an accepted reading is wrong.
    """
    if figure.demand != "reading":
        return answer.status != "accepted"
    text = answer.guess if guess else answer.text
    return bool(text) and figure.form(text, truth) == figure.form(truth.text, truth)


def main_form(source: str) -> Form:
    """The form by which readings of a source are compared in scores over all sources."""
    return figures(source, ("reading",))[0].form


def digit_errors(truth: Truth, text: str) -> tuple[int, int]:
    """Edit distance between the digits of truth and text in their source's form, and the digits there were."""
    form = main_form(truth.source)
    wanted, got = (digits(form(t, truth), truth) for t in (truth.text, text))
    row = list(range(len(got) + 1))
    for i, a in enumerate(wanted, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(got, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return min(row[-1], len(wanted)), len(wanted)


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval for a share, 95 % by default; (0, 1) when nothing was counted."""
    if n == 0:
        return 0.0, 1.0
    share, slack = hits / n, z * z / n
    middle = (share + slack / 2) / (1 + slack)
    half = z / (1 + slack) * sqrt(share * (1 - share) / n + slack / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def risk_at(scored: Sequence[tuple[float, bool]], coverage: float) -> float:
    """Share of errors among the most certain ``coverage`` of (confidence, right) pairs; 0 for none.

    Ties go against us: of equal confidences the wrong answer is kept first.
    """
    kept = sorted(scored, key=lambda pair: (-pair[0], pair[1]))[: round(coverage * len(scored))]
    return sum(not ok for _, ok in kept) / len(kept) if kept else 0.0


def calibration_error(scored: Sequence[tuple[float, bool]], bins: int = 15) -> float:
    """Expected calibration error of (confidence, right) pairs over bins of equal width (Guo 2017)."""
    members: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, ok in scored:
        members[min(bins - 1, int(confidence * bins))].append((confidence, ok))
    gaps = (abs(sum(c for c, _ in m) - sum(ok for _, ok in m)) for m in members)
    return sum(gaps) / len(scored) if scored else 0.0


def read_truths(table: Path, split: str | None = None, sources: Iterable[str] | None = None) -> list[Truth]:
    """The rows of a truth table (CSV with a header), of one split and some sources if asked for.

    Raises InputError when the table is missing or lacks a column.
    """
    try:
        with table.open(encoding="utf-8", newline="") as file:
            truths = [_truth(row) for row in csv.DictReader(file)]
    except OSError as error:
        raise InputError(f"the table of truths {table} cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise InputError(f"the table of truths {table} has no column {error}") from error
    wanted = None if sources is None else set(sources)
    return [t for t in truths if split in (None, t.split) and (wanted is None or t.source in wanted)]


def _truth(row: dict[str, str]) -> Truth:
    return Truth(
        file=row["file"],
        source=row["source"],
        split=row["split"],
        kind=row["display"],
        screen=row["screen"],
        text=row["reading"].replace(",", ".").replace(" ", ""),
        legible=row["legible"] == "1",
        corners=_corners(row["reading_quad"], row["reading_box"]),
    )


def _corners(quad: str, box: str) -> tuple[tuple[float, float], ...]:
    numbers = [float(n) for n in (quad or box).split()]
    if len(numbers) == 4:
        x0, y0, x1, y1 = numbers
        return (x0, y0), (x1, y0), (x1, y1), (x0, y1)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
