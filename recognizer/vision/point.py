"""Decimal points of LCDs: one small network looks at one gap between two digits at a time.

A point is two of the pixels that the counter sees of a display, in a strip of a fixed length; here a gap is cut from
the photo itself, twice as fine.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import Glyph
from recognizer.vision.locate import normalise
from recognizer.vision.models import LazyModel
from recognizer.vision.rectify import STRIP_HEIGHT, evened, rectify

Image = NDArray[np.uint8]
GAP_SIDE = 48
FINER = 2
"""How much finer than a strip a gap is cut."""
FROM_ROW = 0.4
"""Share of the strip's height from which downwards a gap is looked at: points stand at the feet of the digits."""
OF_GAP, MOST = 0.7, 5.0
"""Weight of the network's log-odds beside the counter's, since both saw the same pixels, and the most it says."""
NOT_SEEN = 0.01
"""Chance of a point where the counter mentions none."""
LEAST_TOLD = 0.02


class PointReader:
    """Loads its model when it first needs it; without a model the counter's points stand."""

    def __init__(self, models_dir: Path | None = None) -> None:
        self._model = LazyModel("point", models_dir)

    @property
    def digest(self) -> str | None:
        """First digits of the model's checksum; None without one."""
        return self._model.load().digest if self._model.present else None

    def pointed(self, image: Image, quad: NDArray[np.float32], glyphs: Sequence[Glyph]) -> tuple[Glyph, ...]:
        """The glyphs of the display with these corners, with the chances of points as both networks see them."""
        digits = [i for i, g in enumerate(glyphs) if not is_point(g) and g.absent < 0.5]
        if not self._model.present or len(digits) < 2:
            return tuple(glyphs)
        strip = rectify(image, quad, FINER)
        ends = [(middle(glyphs[i]), middle(glyphs[j])) for i, j in pairwise(digits)]
        cuts = np.concatenate([normalise(cut_gap(strip, *end)) for end in ends])
        seen = np.asarray(self._model.load().run(cuts)[0], np.float64)[:, 0].clip(-MOST, MOST)
        out = list(glyphs[: digits[0] + 1])
        for (i, j), (left, right), z in zip(pairwise(digits), ends, seen, strict=True):
            between = list(glyphs[i + 1 : j])
            at = next((k for k, g in enumerate(between) if is_point(g)), None)
            before = dict(between[at].odds).get(".", 0.0) if at is not None else NOT_SEEN
            chance = _moved(before, OF_GAP * float(z))
            if at is not None:
                between[at] = Glyph(((".", chance),), between[at].start, between[at].end)
            elif chance >= LEAST_TOLD:
                x = (left + right) / 2
                between.append(Glyph(((".", chance),), x, x))
            out += [*between, glyphs[j]]
        return (*out, *glyphs[digits[-1] + 1 :])


def is_point(glyph: Glyph) -> bool:
    return bool(glyph.odds) and glyph.odds[0][0] == "."


def middle(glyph: Glyph) -> float:
    return (glyph.start + glyph.end) / 2


def cut_gap(strip: Image, left: float, right: float) -> Image:
    """From the middle of one digit to that of the next (shares of the length of a strip FINER times as fine)."""
    height, width = strip.shape[:2]
    x0, x1 = min(width - 2, int(max(0.0, left) * width)), int(np.ceil(min(1.0, right) * width))
    part = strip[int(FROM_ROW * FINER * STRIP_HEIGHT) : height, x0 : max(x0 + 2, x1)]
    return evened(np.asarray(cv2.resize(part, (GAP_SIDE, GAP_SIDE), interpolation=cv2.INTER_LINEAR), np.uint8))


def _moved(chance: float, by: float) -> float:
    """A chance whose log-odds are moved."""
    chance = min(1 - 1e-4, max(1e-4, chance))
    return 1 / (1 + exp(-(log(chance / (1 - chance)) + by)))
