"""Unlit segments before a value are no digits of it."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.domain.observation import Glyph
from recognizer.vision.rectify import STRIP_HEIGHT, STRIP_WIDTH
from recognizer.vision.unlit import without_unlit

GLASS = 190


def strip_of(inks: list[int]) -> NDArray[np.uint8]:
    """Eights side by side, each of its own grey level."""
    strip = np.full((STRIP_HEIGHT, STRIP_WIDTH, 3), GLASS, np.uint8)
    width = STRIP_WIDTH / len(inks)
    for i, ink in enumerate(inks):
        x0, x1 = round((i + 0.25) * width), round((i + 0.75) * width)
        for y0, y1 in ((20, 48), (48, 76)):
            cv2.rectangle(strip, (x0, y0), (x1, y1), (ink, ink, ink), 6)
    return strip


def glyphs_of(chances: list[float]) -> tuple[Glyph, ...]:
    n = len(chances)
    return tuple(Glyph((("8", chance),), (i + 0.4) / n, (i + 0.6) / n) for i, chance in enumerate(chances))


def read(glyphs: tuple[Glyph, ...]) -> int:
    return sum(g.odds[0][1] > g.absent for g in glyphs)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    ("inks", "first", "digits"),
    [
        ([170, 40, 40, 40, 40], 0.8, 4),
        ([170, 170, 40, 40, 40], 0.8, 3),
        ([170, 40, 40, 40, 40], 0.99, 5),  # a digit that is read surely is there however faint
        ([90, 40, 40, 40, 40], 0.8, 5),
        ([40, 170, 40, 40, 40], 0.8, 5),  # only what stands before the value
        ([170, 170, 170, 170, 170], 0.8, 5),  # a faint display
    ],
)
def test_first_digits_that_are_hardly_there_are_none(inks: list[int], first: float, digits: int, invert: bool) -> None:
    """811455 and 818154 were read of 11455 and 18154, on a display that shows its unlit segments."""
    strip = strip_of(inks)
    glyphs = glyphs_of([first] * 2 + [0.99] * 3)
    assert read(without_unlit(255 - strip if invert else strip, glyphs)) == digits


def test_what_is_too_short_for_a_counter_is_left_alone() -> None:
    glyphs = glyphs_of([0.8, 0.9])
    assert without_unlit(strip_of([170, 40]), glyphs) == glyphs
