"""Real LCDs emptied and filled anew: exact truth under real glass, light and lens.

The digits of a photo are strokes much thinner than the light behind them varies: a morphological closing takes
them away (Serra 1982), and new segments are laid on what is left in the strength and colour of the old ones.
Displays that are switched off need no emptying.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from recognizer.synth.lcd import digit_row, sample_text
from recognizer.synth.lcd_style import LcdStyle
from recognizer.train.counter import Cutout
from recognizer.train.data import Image
from recognizer.train.flat import HEIGHT, LENGTH, PAD_ACROSS, PAD_ALONG, corners, straighten

STROKE = 27
"""Size of the closing in pixels of the flat picture: above the width of a stroke, which is 5 to 12."""
_KERNEL = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (STROKE, STROKE))
LEAST_INK = 14.0
"""Grey levels between digits and panel below which a display shows too little to be emptied."""


@dataclass(frozen=True)
class Panel:
    """An emptied display in flat form, and the ratio of its ink to it for each channel (None: it was off)."""

    image: Image
    ink: tuple[float, float, float] | None
    noise: float


def refilled(cutouts: Sequence[Cutout]) -> Callable[[np.random.Generator], Cutout] | None:
    """A maker of cutouts from LCDs that are filled anew; None where no display can be emptied."""
    panels = [panel for cutout in cutouts if cutout.kind == "lcd" and (panel := emptied(cutout)) is not None]
    if not panels:
        return None

    def make(rng: np.random.Generator) -> Cutout:
        panel = panels[int(rng.integers(len(panels)))]
        text = sample_text(rng)
        return Cutout(_filled(rng, panel, text), corners(panel.image.shape[1]), (text,), "refilled", "lcd")

    return make


def emptied(cutout: Cutout) -> Panel | None:
    """The display without its digits; None where they are too faint or lighter than the panel."""
    flat = straighten(cutout)
    panel = light_behind(flat)
    inside = np.s_[PAD_ACROSS : PAD_ACROSS + HEIGHT, PAD_ALONG : PAD_ALONG + LENGTH]
    noise = float(np.median(np.abs(flat[inside].astype(np.float32) - cv2.blur(flat, (3, 3))[inside])))
    if cutout.texts == ("",):
        return Panel(flat, None, 0.0)
    depth = (panel[inside].astype(np.float32) - flat[inside]).mean(2)
    light = (flat[inside].astype(np.float32) - cv2.morphologyEx(flat, cv2.MORPH_OPEN, _KERNEL)[inside]).mean(2)
    dark = np.percentile(depth, 90)
    if dark < LEAST_INK or np.percentile(light, 90) > 1.4 * dark:
        return None
    ink = depth >= np.percentile(depth, 88)
    ratio = (flat[inside][ink].mean(0) + 1) / (panel[inside][ink].mean(0) + 1)
    return Panel(panel, (float(ratio[0]), float(ratio[1]), float(ratio[2])), noise)


def light_behind(flat: Image) -> Image:
    """A flat picture without its strokes: the panel as it would be with nothing lit."""
    closed = cv2.morphologyEx(cv2.medianBlur(flat, 3), cv2.MORPH_CLOSE, _KERNEL)
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), 4), np.uint8)


def _filled(rng: np.random.Generator, panel: Panel, text: str) -> Image:
    style = replace(LcdStyle.sample(rng), contrast=1.0)
    mask, ghost, x0, x1 = digit_row(rng, style, text, HEIGHT)
    # The row is fitted to the display's corners, as any row of digits is.
    fit = np.array([[LENGTH / max(1, x1 - x0), 0, PAD_ALONG - x0 * LENGTH / max(1, x1 - x0)], [0, 1, PAD_ACROSS]])
    size = (panel.image.shape[1], panel.image.shape[0])
    lit, unlit = (cv2.warpAffine(m, fit, size, flags=cv2.INTER_AREA) for m in (mask, ghost))
    blur = float(rng.uniform(0.5, 2.2))
    lit = cv2.GaussianBlur(lit, (0, 0), blur).astype(np.float32) / 255
    unlit = cv2.GaussianBlur(unlit, (0, 0), blur).astype(np.float32) / 255
    ink = np.array(panel.ink or [rng.uniform(0.2, 0.8)] * 3, np.float32)
    strength = float(rng.uniform(0.7, 1.1))
    cover = np.maximum(lit, unlit * style.ghost)[:, :, None] * strength * (1 - ink)
    image = panel.image * (1 - cover.clip(0, 0.97))
    if panel.noise:
        image += rng.standard_normal(image.shape, np.float32) * 1.5 * panel.noise
    return np.asarray(image.clip(0, 255), np.uint8)
