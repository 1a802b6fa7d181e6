"""How the last wheel of a drum stands, and how surely people write down one between two digits.

All wheels but the last stand still until their right neighbour passes its 9 (the carry rule, ``decode``); the last one
turns with the flow. Who reads it writes the nearer digit, and near the middle either.
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
    counts: float = 0.5
    """How far that counts in a confidence, as an exponent: the networks were taught by the same people's writing, and
    what they read is doubtful already where the wheel is. Of 103 held-back photos and worse copies whose last wheel is
    off its digit 93 were read right; with 1 it would be 79, with 0.5 it is 88."""
    most_decimals: int = 1
    """Up to so many decimals the last wheel is worth something: nobody is billed by hundredths."""
    noted_below: float = 0.9
    """Chance of the digit that was read from which downwards the report says that the wheel stands between two."""
    most_off: float = 0.45
    """A wheel that should stand still and seems to be further off than this shows another digit than was read."""
    either: float = 0.5
    """Chance of a text that is read although its last wheel stands elsewhere: 5 of 10 were right, photos held back and
    worse copies of them."""

    def __post_init__(self) -> None:
        if self.steep <= 0 or self.counts < 0 or self.most_decimals < 0 or not 0 < self.most_off < 0.5:
            raise ValueError(f"wanted steep > 0, counts and most_decimals >= 0, 0 < most_off < 0.5, got {self!r}")
        if not 0 < self.either <= 1:
            raise ValueError(f"wanted 0 < either <= 1, got {self!r}")


def last_turn(glyphs: Sequence[Glyph], rules: TurnRules) -> float | None:
    """The turn of the last wheel, 0 to below 10; None where it was not seen clearly."""
    turns = _turns(glyphs, rules)
    return turns[-1] if turns else None


def written_so(text: str, glyphs: Sequence[Glyph], rules: TurnRules) -> float:
    """The chance from 0 to 1 that who reads the last wheel writes the last digit of ``text``.

    1 where the wheel is worth too little or was not seen clearly.
    """
    off = _last_off(text, glyphs, rules)
    return 1.0 if off is None else _written(off, rules) if off < 1 else rules.either


def shows_another(text: str, glyphs: Sequence[Glyph], rules: TurnRules) -> bool:
    """Whether the last wheel shows neither the last digit of ``text`` nor one on its way to it."""
    return (_last_off(text, glyphs, rules) or 0.0) >= 1


def _last_off(text: str, glyphs: Sequence[Glyph], rules: TurnRules) -> float | None:
    """How far the last wheel is off the last digit, 0 to 5; None where it is worth too little or not seen clearly."""
    turn = last_turn(glyphs, rules)
    if turn is None or not text[-1:].isdigit() or len(text.partition(".")[2]) > rules.most_decimals:
        return None
    return abs(_off(turn, int(text[-1])))


def _written(off: float, rules: TurnRules) -> float:
    """As the lower digit a wheel is written as long as it is before the middle, as the upper one from there on."""
    return 1 / (1 + exp(-rules.steep * (0.5 - off)))


def _turns(glyphs: Sequence[Glyph], rules: TurnRules) -> list[float | None]:
    """The turns of the wheels, None for one that was not seen clearly.

    A cut that is a little too high or too low moves all wheels alike, so what those that stand still are off by is
    taken from each.
    """
    wheels = [g for g in glyphs if g.odds and g.odds[0][0] != "." and g.absent < 0.5]
    off = []
    for wheel, right in pairwise(wheels):
        if wheel.turn is not None and right.odds[0][0] not in "90":
            by = _off(wheel.turn, int(wheel.odds[0][0]))
            if abs(by) < rules.most_off:
                off.append(by)
    all_off = median(off) if off else 0.0
    return [None if wheel.turn is None else (wheel.turn - all_off) % 10 for wheel in wheels]


def _off(turn: float, digit: int) -> float:
    """How far a turn is past a digit, -5 to below 5."""
    return (turn - digit + 5) % 10 - 5
