"""Counter physics: how far each wheel has turned when the counter stands at a value.

The last wheel turns with the flow. Every other wheel stands still until its right neighbour enters its arc
from 9 to 0 and is then dragged along; so a wheel rolls only while all wheels to its right pass 9. Where the
arc starts differs between meters [Laroca 2019; SCUT-WMN].
"""

from decimal import Decimal

import numpy as np

from recognizer.synth.ink import chance


def wheel_turns(value: float, wheels: int, start: float = 9.0) -> list[float]:
    """Turn of each wheel, left to right, in digits: 3.8 is 80 % of the way from 3 to 4.

    ``value`` is in units of the last wheel and may have a fraction; ``start`` is the turn of a wheel (in digits,
    up to 10) at which it begins to drag its left neighbour.
    """
    if not 0 <= value < 10**wheels:
        raise ValueError(f"a counter of {wheels} wheels shows 0 to {10**wheels - 1}, got {value}")
    exact = Decimal(str(value))
    whole = int(exact)
    turns = [whole % 10 + float(exact - whole)]
    for position in range(1, wheels):
        right = turns[-1]
        roll = min(max(0.0, (right - start) / (10.0 - start)), 0.999)
        turns.append(whole // 10**position % 10 + roll)
    return turns[::-1]


def read_turns(turns: list[float]) -> str:
    """What the wheels say: a rolling wheel counts as its lower digit, and 9 to 0 is 9 until the wrap is done."""
    return "".join(str(int(t) % 10) for t in turns)


def sample_value(rng: np.random.Generator, wheels: int) -> float:
    """A value in units of the last wheel: often a young meter with leading zeros, often about to carry."""
    top = 10**wheels
    value = int(rng.integers(top)) if chance(rng, 0.35) else int(10 ** rng.uniform(0, wheels)) % top
    roll = rng.random()
    if roll < 0.2:
        value = value // 10 * 10 + 9
    elif roll < 0.27:
        value = value // 100 * 100 + 99
    # a wheel all but home is not told from one that is: keep off the last few percent of the turn
    fraction = rng.uniform(0, 0.9) if chance(rng, 0.65) else abs(rng.normal(0, 0.04))
    return float(min(value, top - 1)) + round(float(min(fraction, 0.9)), 3)
