"""Decimal points of LCDs: one small network looks at two digits and the gap between them at a time.

A point is two of the pixels that the counter sees of a display, in a strip of a fixed length; here a pair is cut from
the photo itself, twice as fine. Where no point is shown, smaller digits behind the gap tell of one.
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
from recognizer.vision.rectify import evened, rectify

Image = NDArray[np.uint8]
PAIR_HEIGHT, PAIR_WIDTH = 48, 64
FINER = 2
"""How much finer than a strip a pair is cut."""
OF_GAP, MOST = 0.4, 8.0
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
        ends = [(glyphs[i].start, glyphs[j].end) for i, j in pairwise(digits)]
        cuts = np.concatenate([normalise(cut_pair(strip, *end)) for end in ends])
        seen = np.asarray(self._model.load().run(cuts)[0], np.float64)[:, 0].clip(-MOST, MOST)
        out = list(glyphs[: digits[0] + 1])
        for (i, j), z in zip(pairwise(digits), seen, strict=True):
            between = list(glyphs[i + 1 : j])
            at = next((k for k, g in enumerate(between) if is_point(g)), None)
            before = dict(between[at].odds).get(".", 0.0) if at is not None else NOT_SEEN
            chance = _moved(before, OF_GAP * float(z))
            if at is not None:
                between[at] = Glyph(((".", chance),), between[at].start, between[at].end)
            elif chance >= LEAST_TOLD:
                x = (glyphs[i].end + glyphs[j].start) / 2
                between.append(Glyph(((".", chance),), x, x))
            out += [*between, glyphs[j]]
        return (*out, *glyphs[digits[-1] + 1 :])


def is_point(glyph: Glyph) -> bool:
    return bool(glyph.odds) and glyph.odds[0][0] == "."


def cut_pair(strip: Image, left: float, right: float) -> Image:
    """From where one digit begins to where the next one ends, in shares of a strip FINER times as fine."""
    width = strip.shape[1]
    x0, x1 = min(width - 2, int(max(0.0, left) * width)), int(np.ceil(min(1.0, right) * width))
    part = strip[:, x0 : max(x0 + 2, x1)]
    return evened(np.asarray(cv2.resize(part, (PAIR_WIDTH, PAIR_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8))


def _moved(chance: float, by: float) -> float:
    """A chance whose log-odds are moved."""
    chance = min(1 - 1e-4, max(1e-4, chance))
    return 1 / (1 + exp(-(log(chance / (1 - chance)) + by)))
