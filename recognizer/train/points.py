"""Real LCDs with their decimal points moved, taken away and put in: the point alone changes, and the truth with it.

A display of six digits has its point before the last more often than not, and a network that sees a few hundred of
them learns where points use to be, not where one stands.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.synth.ink import Mask, pick
from recognizer.synth.lcd import draw_point
from recognizer.train.counter import Cutout
from recognizer.train.data import Image
from recognizer.train.flat import HEIGHT, LENGTH, PAD_ACROSS, PAD_ALONG, corners, placed, straighten
from recognizer.train.refill import LEAST_INK, light_behind
from recognizer.vision.models import Model

FOOT = 0.3
"""Share of a digit's height in which points stand."""
WIDEST = 0.3
"""Width and height of the largest point, as shares of a digit's height."""
REACH = 0.3
"""How far a slanted gap's foot lies from where it is at half height, as a share of a digit's pitch."""
INKED = 0.35
"""Share of the depth of the ink from which a spot is inked."""
LEAST_SPOT, NARROWEST = 9, 3
"""Pixels of the smallest point, columns of the narrowest gap."""
ALIKE = 0.82
"""Height of a last digit, as a share of the tallest', from which it is no small decimal."""
MOST_PARTED = 2
"""Rows without ink above which what stands over it is no part of the digit."""
WITHOUT = 0.4
"""Share of the displays that are shown without any point."""

Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class Gapped:
    """A display without its point: picture, digits, gaps between them, ink (ratio to the panel, BGR)."""

    image: Image
    digits: str
    gaps: tuple["Gap", ...]
    ink: NDArray[np.float32]


@dataclass(frozen=True)
class Gap:
    """Where a point may stand: digits on its left, middle and width of the room, row below the digits' feet."""

    left: int
    x: float
    width: float
    foot: float


def repointed(counter: Model, cutouts: Sequence[Cutout]) -> Callable[[np.random.Generator], Cutout] | None:
    """A maker of cutouts from LCDs, their points anywhere or nowhere; None where no display serves."""
    displays = [display for c in cutouts if (display := without_point(counter, c)) is not None]
    if not displays:
        return None

    def make(rng: np.random.Generator) -> Cutout:
        display = displays[int(rng.integers(len(displays)))]
        text, image = display.digits, display.image
        if rng.random() > WITHOUT:
            gap = display.gaps[int(rng.integers(len(display.gaps)))]
            text, image = f"{text[: gap.left]}.{text[gap.left :]}", _pointed(rng, display, gap)
        return Cutout(image, corners(image.shape[1]), (text,), "repointed", "lcd")

    return make


def without_point(counter: Model, cutout: Cutout) -> Gapped | None:
    """The display with its point taken away; None where it is not read safely, or its point cannot be told."""
    if (told := placed(counter, cutout)) is None:
        return None
    text, spans = told
    flat = straighten(cutout)
    panel, depth, dark = _light_and_depth(flat)
    if dark < LEAST_INK:
        return None
    inked = depth > INKED * dark
    if "." in text:
        spot = _point(inked, sum(spans[text.index(".")]) / 2)
        if spot is None:
            return None
        flat = _cleared(flat, panel, spot)
        inked = inked & ~spot
    ratio = (flat[inked].mean(0) + 1) / (panel[inked].mean(0) + 1)
    places = [_extent(inked, *span) for span, c in zip(spans, text, strict=True) if c != "."]
    tall = [low - high for _, _, high, low in places]
    if tall[-1] < ALIKE * max(tall):
        return None  # small decimals tell by their size where the point would be
    gaps = tuple(_gaps(inked, places))
    return Gapped(flat, text.replace(".", ""), gaps, np.asarray(ratio, np.float32)) if gaps else None


def _light_and_depth(flat: Image) -> tuple[Image, NDArray[np.float32], float]:
    """The panel without its strokes, how much darker each spot is than it, and how dark ink is."""
    panel = light_behind(flat)
    depth = (panel.astype(np.float32) - flat).mean(2)
    inside = depth[PAD_ACROSS : PAD_ACROSS + HEIGHT, PAD_ALONG : PAD_ALONG + LENGTH]
    return panel, np.asarray(depth, np.float32), float(np.percentile(inside, 90))


def _extent(inked: NDArray[np.bool_], start: float, end: float) -> Place:
    """(first and last column, first and last row) of a digit's ink; a faint one stands as the display does."""
    above, below = PAD_ACROSS - 12, PAD_ACROSS + HEIGHT + 12
    rows = np.nonzero(inked[above:below, round(start) : round(end)].sum(1) >= 2)[0]
    parted = np.flatnonzero(np.diff(rows) > MOST_PARTED)
    if len(parted):  # a unit stands above small decimals
        rows = rows[parted[-1] + 1 :]
    if len(rows) < HEIGHT // 4:
        return start, end, PAD_ACROSS, PAD_ACROSS + HEIGHT
    return start, end, above + float(rows[0]), above + float(rows[-1])


def _point(inked: NDArray[np.bool_], x: float) -> NDArray[np.bool_] | None:
    """The inked spot that is the point; None where no single small one stands low near its column."""
    _, names, boxes, centres = cv2.connectedComponentsWithStats(inked.astype(np.uint8), connectivity=8)
    low, lowest = PAD_ACROSS + (1 - FOOT) * HEIGHT, PAD_ACROSS + 1.25 * HEIGHT
    found = [
        name for name, ((_, _, width, height, area), (cx, cy)) in enumerate(zip(boxes, centres, strict=True))
        if name and max(width, height) <= WIDEST * HEIGHT and area >= LEAST_SPOT
        and low < cy < lowest and abs(cx - x) < WIDEST * HEIGHT
    ]  # fmt: skip
    return np.asarray(names == found[0]) if len(found) == 1 else None


def _cleared(flat: Image, panel: Image, spot: NDArray[np.bool_]) -> Image:
    """The panel where the spot was, with the grain of the picture."""
    around = cv2.GaussianBlur(cv2.dilate(spot.astype(np.float32), np.ones((9, 9), np.uint8)), (0, 0), 1.5)[:, :, None]
    grain = flat.astype(np.float32) - cv2.GaussianBlur(flat, (0, 0), 2)
    light = panel.astype(np.float32) + np.roll(grain, HEIGHT // 2, axis=0) * 0.5
    return np.asarray((flat * (1 - around) + light * around).clip(0, 255), np.uint8)


def _gaps(inked: NDArray[np.bool_], places: Sequence[Place]) -> Iterator[Gap]:
    """The emptiest columns at the feet of every two digits: a slant moves them off the middle."""
    for i, (one, two) in enumerate(pairwise(places), 1):
        foot = max(one[3], two[3]) + 1
        pitch, middle = (two[0] + two[1] - one[0] - one[1]) / 2, (one[1] + two[0]) / 2
        low, high = (max(0, round(middle + side * REACH * pitch)) for side in (-1, 1))
        columns = inked[round(foot - FOOT * HEIGHT) : round(foot), low:high].mean(0)
        if not len(columns):
            continue
        edges = np.flatnonzero(np.diff([0, *(columns <= columns.min() + 0.1), 0]))
        begin, end = max(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[1] - run[0])
        if end - begin >= NARROWEST:
            yield Gap(i, low + (begin + end) / 2, float(end - begin), foot)


def _pointed(rng: np.random.Generator, display: Gapped, gap: Gap) -> Image:
    side = float(min(rng.uniform(0.06, 0.16) * HEIGHT, max(4.0, 0.9 * gap.width)))
    mask: Mask = np.zeros(display.image.shape[:2], np.uint8)
    x = gap.x + float(rng.uniform(-0.5, 0.5)) * max(0.0, gap.width - side)
    y = gap.foot - side / 2 + float(rng.uniform(-0.03, 0.05)) * HEIGHT
    draw_point(mask, pick(rng, ("square", "square", "round", "round", "bar", "comma")), x, y, side)
    soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.6, 2.0))).astype(np.float32)[:, :, None] / 255
    cover = soft * (1 - display.ink) * float(rng.uniform(0.6, 1.15))
    return np.asarray((display.image * (1 - cover.clip(0, 0.97))).clip(0, 255), np.uint8)
