"""A stock of drawn pictures for training, since drawing one takes longer than what the network needs for it."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

RENEWED = 0.05
"""Share of the times a picture is taken at which another is drawn in its place."""

_T = TypeVar("_T")


def renewed(
    rng: np.random.Generator, draw: Callable[[np.random.Generator], _T], many: int
) -> Callable[[np.random.Generator], _T]:
    """Any of ``many`` that are drawn now; now and then one is drawn anew."""
    stock = [draw(rng) for _ in range(many)]

    def take(rng: np.random.Generator) -> _T:
        i = int(rng.integers(many))
        if rng.random() < RENEWED:
            stock[i] = draw(rng)
        return stock[i]

    return take
