"""Where the last wheel of a drum stands between two digits: what people write down then, and how surely.

All other wheels stand still until their right neighbour passes its 9 (the carry rule, ``decode``); the last one turns
with the flow. Who reads it writes the nearer digit, and near the middle either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp
from statistics import median

from recognizer.domain.observation import Glyph


@dataclass(frozen=True, slots=True)
class TurnRules:
    """How sharply people round, and where it matters."""

    steep: float = 12.0
    """Of the logistic curve over the turn: 0.1 past the middle the upper digit is written 0.77 of the times.
    Fitted to 799 training and validation photos of bdci-water (``benchmarks wheels``)."""
    most_decimals: int = 1
    """Up to so many decimals the last wheel is worth something: nobody is billed by hundredths."""
    noted_below: float = 0.9
    """Chance of the digit that was read from which downwards the report says that the wheel stands between two."""
    most_off: float = 0.45
    """A wheel that should stand still and seems to be further off than this shows another digit than was read."""

    def __post_init__(self) -> None:
        if self.steep <= 0 or self.most_decimals < 0 or not 0 < self.most_off < 0.5:
            raise ValueError(f"wanted steep > 0, most_decimals >= 0 and 0 < most_off < 0.5, got {self!r}")


def last_turn(glyphs: Sequence[Glyph], rules: TurnRules) -> float | None:
    """The turn of the last wheel, 0 to below 10; None where it was not seen clearly.

    A cut that is a little too high or too low moves all wheels alike, so what those that stand still are off by is
    taken from it.
    """
    wheels = [g for g in glyphs if g.odds and g.odds[0][0] != "." and g.absent < 0.5]
    if not wheels or (last := wheels[-1].turn) is None:
        return None
    off = []
    for wheel, right in pairwise(wheels):
        if wheel.turn is not None and right.odds[0][0] not in "90":
            by = _off(wheel.turn, int(wheel.odds[0][0]))
            if abs(by) < rules.most_off:
                off.append(by)
    return (last - (median(off) if off else 0.0)) % 10


def written_so(text: str, glyphs: Sequence[Glyph], rules: TurnRules) -> float:
    """The chance from 0 to 1 that who reads the last wheel writes the last digit of ``text``.

    1 where the wheel is worth too little, was not seen clearly, or shows quite another digit: of that the odds tell.
    """
    turn = last_turn(glyphs, rules)
    if turn is None or not text[-1:].isdigit() or len(text.partition(".")[2]) > rules.most_decimals:
        return 1.0
    off = _off(turn, int(text[-1]))
    if abs(off) >= 1:
        return 1.0
    # As the lower digit it is written as long as it is before the middle, as the upper one from there on.
    return 1 / (1 + exp(-rules.steep * (0.5 - abs(off))))


def _off(turn: float, digit: int) -> float:
    """How far a turn is past a digit, -5 to below 5."""
    return (turn - digit + 5) % 10 - 5
