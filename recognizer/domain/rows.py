"""Rows of one LCD: what one of them shows speaks for the others."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from recognizer.domain.observation import Display
from recognizer.domain.policy import Policy
from recognizer.domain.quads import in_one_stack
from recognizer.domain.reading import Candidate

OTHER_DECIMALS = 0.1
"""How often a row has another number of decimals than the others, at most: the cells of a panel are fixed, and
what counts in one unit is shown alike."""


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
