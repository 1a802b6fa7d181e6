"""Rows of one LCD: what one of them shows speaks for the others."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from recognizer.domain.labels import meaning
from recognizer.domain.observation import Display, Mark
from recognizer.domain.policy import Policy
from recognizer.domain.quads import in_one_stack
from recognizer.domain.reading import Candidate
from recognizer.domain.register import SURE_UNIT, says_register

OTHER_DECIMALS = 0.1
"""How often a row has another number of decimals than the others, at most: the cells of a panel are fixed, and
what counts in one unit is shown alike."""

READ = 0.5
"""Chance from which a label of another row is one."""


def rows_beside(display: Display, displays: Sequence[Display], policy: Policy) -> list[Display]:
    """The other rows of digits of an LCD that shows several."""
    if display.kind != "lcd":
        return []
    rows = [d for d in displays if d is not display and d.kind == "lcd"]
    return [
        d
        for d in rows
        if len(best_text(d).replace(".", "")) >= policy.min_digits and in_one_stack(display.quad, d.quad)
    ]


def as_row(display: Display, rows: Sequence[Display]) -> Display:
    """The display as one of these rows, where one of them has a label of its own that names a register.

    Then tariff marks beside it are the labels of rows above and below, which stand on its panel too. A unit that it
    lacks is the one that all others have: on some panels it stands beside the last row alone.
    """
    labelled = [row for row in rows if row.label is not None and row.label.probability >= READ and _names(row.label)]
    if not labelled:
        return display
    units = {row.unit.text: row.unit for row in labelled if row.unit is not None and row.unit.probability >= SURE_UNIT}
    unit = next(iter(units.values())) if display.unit is None and len(units) == 1 else display.unit
    return replace(display, unit=unit, marks=tuple(m for m in display.marks if not says_register(m.text)))


def _names(label: Mark) -> bool:
    said = meaning(label.text)
    return said.tariff is not None or said.code is not None


def best_text(display: Display) -> str:
    """The likeliest of every position."""
    return "".join(g.odds[0][0] for g in display.glyphs if g.odds and g.absent < 0.5)


def as_many_decimals(candidates: Sequence[Candidate], others: Sequence[Sequence[Candidate]]) -> tuple[Candidate, ...]:
    """A row's candidates weighed by how many decimals the other rows have; small points are missed one by one."""

    def weight(candidate: Candidate) -> float:
        weight = 1.0
        for chances in map(_decimals, others):
            weight *= OTHER_DECIMALS + (1 - OTHER_DECIMALS) * chances[_places(candidate.text)]
        return weight

    weights = [weight(c) for c in candidates]
    # What is not among the candidates may have any decimals.
    rest = max(0.0, 1 - sum(c.probability for c in candidates)) * max(weights, default=1.0)
    total = rest + sum(c.probability * w for c, w in zip(candidates, weights, strict=True))
    weighed = [replace(c, probability=c.probability * w / total) for c, w in zip(candidates, weights, strict=True)]
    return tuple(sorted(weighed, key=lambda c: c.probability, reverse=True))


def _decimals(row: Sequence[Candidate]) -> dict[int, float]:
    """The chance of every number of decimals."""
    chances: dict[int, float] = defaultdict(float)
    for candidate in row:
        chances[_places(candidate.text)] += candidate.probability
    return chances


def _places(text: str) -> int:
    return len(text.partition(".")[2])
