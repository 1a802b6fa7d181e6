"""How far the wheels of a drum have turned: one small network looks at one wheel at a time.

The counter says which digits may stand there, and is sure of one of two as often as the truths it learned from were
written down that way. How a wheel stands between the two is a question of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import Glyph
from recognizer.vision.locate import normalise
from recognizer.vision.models import LazyModel, Model
from recognizer.vision.rectify import MARGIN_ACROSS, evened

Image = NDArray[np.uint8]
WHEEL_HEIGHT, WHEEL_WIDTH = 48, 32
BINS = 100
"""Hundredths of a turn from 0 round to 0 again: 38 is 80 % of the way from 3 to 4."""
FRAME_ACROSS, FRAME_ALONG = 0.06, 0.04
"""What of its surroundings a cut has, as shares of a strip's height and of a wheel's width: as digit crops have."""
CLEARLY = 0.6
"""Chance of a turn from which it counts as seen."""
NEARBY = 3
"""Bins to each side whose chances are taken together with the best one's: labels are good to a tenth of a turn."""


class WheelReader:
    """Loads its model when it first reads one; without a model it says nothing of any wheel."""

    def __init__(self, models_dir: Path | None = None) -> None:
        self._model = LazyModel("wheel", models_dir)

    @property
    def digest(self) -> str | None:
        """First digits of the model's checksum; None without one."""
        return self._model.load().digest if self._model.present else None

    def turned(self, strip: Image, glyphs: Sequence[Glyph]) -> tuple[Glyph, ...]:
        """The glyphs of an upright strip of ``rectify``, digits with the turn that their wheel clearly shows."""
        wheels = [i for i, g in enumerate(glyphs) if g.odds and g.odds[0][0] != "." and g.absent < 0.5]
        if not self._model.present or not wheels:
            return tuple(glyphs)
        cuts = np.concatenate([normalise(cut_wheel(strip, glyphs[i].start, glyphs[i].end)) for i in wheels])
        seen = list(glyphs)
        for i, row in zip(wheels, odds_of(self._model.load(), cuts), strict=True):
            turn, chance = turn_of(row)
            if chance >= CLEARLY:
                seen[i] = replace(glyphs[i], turn=round(turn, 2) % 10)
        return tuple(seen)


def odds_of(model: Model, cuts: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, BINS) odds of the turns of N cuts, normalised."""
    logits = np.asarray(model.run(cuts)[0], np.float64)
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(odds / odds.sum(1, keepdims=True))


def turn_of(odds: NDArray[np.float64]) -> tuple[float, float]:
    """The mean turn around the likeliest of BINS odds, and how much of them is there."""
    around = int(odds.argmax()) + np.arange(-NEARBY, NEARBY + 1)
    near = odds[around % BINS]
    total = float(near.sum())
    return float((near @ around) / total * 10 / BINS) % 10, total


def cut_wheel(strip: Image, start: float, end: float) -> Image:
    """The wheel from ``start`` to ``end`` of a strip, as (WHEEL_HEIGHT, WHEEL_WIDTH, 3)."""
    height, width = strip.shape[:2]
    over = FRAME_ALONG * (end - start)
    x0, x1 = min(width - 2, int(max(0.0, start - over) * width)), int(np.ceil(min(1.0, end + over) * width))
    y = round((MARGIN_ACROSS - FRAME_ACROSS) * height)
    return framed(strip[y : height - y, x0 : max(x0 + 2, x1)])


def framed(cell: Image) -> Image:
    """A picture of one wheel in the size and the contrast that the network takes."""
    shrinks = cell.shape[0] > WHEEL_HEIGHT
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return evened(np.asarray(cv2.resize(cell, (WHEEL_WIDTH, WHEEL_HEIGHT), interpolation=how), np.uint8))
