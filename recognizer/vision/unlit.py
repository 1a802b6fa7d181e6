"""Digits before a value that are unlit segments: seen from below or against the light they are read as eights."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import Glyph

FAINT_INK, BELIEVED = 0.42, 0.95
"""Contrast of a first digit, as a share of that of the others, below which it is not lit, and its chance from which on
its look does not count. Of 81 unlit ones in clips 75 had 0.16 to 0.39 and none a chance of 0.95; of 3,290 lit ones 6
had less than 0.39, all of them read with 0.99 and more, and of 247 real displays one."""
UNLIKELY = 0.01
"""Odds of a digit that is so faint, as a share of those it was read with."""
MIDDLE = slice(15, -15)
"""Rows of a strip in which digits stand."""
FEWEST = 3


def without_unlit(strip: NDArray[np.uint8], glyphs: tuple[Glyph, ...], believed: float = BELIEVED) -> tuple[Glyph, ...]:
    """The glyphs of an LCD's BGR strip, first digits that are hardly there told as likely nothing.

    Those with a chance of ``believed`` or more stay, and what follows them.
    """
    digits = [i for i, g in enumerate(glyphs) if g.odds and g.odds[0][1] > g.absent and g.odds[0][0] != "."]
    unlit = list(glyphs)
    if len(digits) < FEWEST or glyphs[digits[0]].odds[0][1] >= believed:
        return glyphs
    inks = _inks(strip, [(glyphs[i].start + glyphs[i].end) / 2 for i in digits])
    for place, i in enumerate(digits[: -FEWEST + 1]):
        first = glyphs[i]
        if first.odds[0][1] >= believed or inks[place] >= FAINT_INK * float(np.median(inks[place + 1 :])):
            break
        unlit[i] = hardly_there(first)
    return tuple(unlit)


def _inks(strip: NDArray[np.uint8], middles: Sequence[float]) -> list[float]:
    """How far the digits with these middles (0 left to 1 right) stand out from what is around their strokes."""
    grey = cv2.GaussianBlur(cv2.cvtColor(strip, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), 1.2)
    at = np.array(middles) * grey.shape[1]
    half = max(6.0, float(np.median(np.diff(at))) / 2)
    around = cv2.getStructuringElement(cv2.MORPH_RECT, (int(2 * half) | 1, 41))
    dark, bright = (cv2.morphologyEx(grey, hat, around)[MIDDLE] for hat in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    cells = [slice(int(max(0.0, x - half)), int(x + half) + 1) for x in at]
    inks = [[float(np.percentile(hat[:, cell], 90)) for cell in cells] for hat in (dark, bright)]
    return max(inks, key=lambda ink: sum(ink[len(ink) // 2 :]))


def hardly_there(glyph: Glyph) -> Glyph:
    """The glyph of what is no digit of the value, though it was read as one."""
    there = sum(chance for _, chance in glyph.odds)
    share = UNLIKELY / (UNLIKELY * there + 1 - there)
    return replace(glyph, odds=tuple((character, chance * share) for character, chance in glyph.odds))
