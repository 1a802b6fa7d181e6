"""Where a code may be: a look at a reduced picture that costs a few milliseconds and decodes nothing.

Differences to the next pixel in four directions are summed over blocks. Bars are many edges in one direction over
some length, a matrix code is edges in all directions over a whole area. Print has gaps between its lines, the rim
of a meter is one edge alone: both are worn away by erosion.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Grey = NDArray[np.uint8]

BLOCK = 4
"""Side in pixels of the blocks that differences are summed over."""
STEPS = 2
"""Steps to a grey level: faint codes differ by one or two levels, and 127 are enough for strong ones."""
SPREAD = 5
"""Sums are smoothed over this many blocks: 20 pixels, more than the widest bars of a code that can be read."""
SHADE = 15
"""Differences count relative to the light around, over so many blocks: a code goes on in a shadow."""
REACH = 7
"""Bars have to go on for as many blocks: 28 pixels, which a single edge smoothed over 20 never does."""
ALIKE = 0.45
"""Of the edges where bars are, at least this share goes in one direction: 0.58 to 1, by their angle to the pixels."""
LEAST_BARS, LEAST_MATRIX = 0.8, 0.6
"""Grey levels from pixel to pixel, above the photo's noise, in light of medium brightness."""
LEAST_AREA, LEAST_SIDE = 9, 3
"""Blocks of a region, and of a matrix code's side: ten modules of two pixels are the least that can be read."""

_ALONG: tuple[Any, ...] = (
    np.ones((1, REACH), np.uint8),
    np.eye(REACH, dtype=np.uint8),
    np.ones((REACH, 1), np.uint8),
    np.ascontiguousarray(np.eye(REACH, dtype=np.uint8)[::-1]),
)


@dataclass(frozen=True, eq=False)
class Region:
    """Something like a code; ``points`` are centres of its blocks (n x 2), in pixels of the picture looked at."""

    bars: bool
    score: float
    points: NDArray[np.float32]
    located: bool = False
    """Whether a reader of codes saw one here; the other regions are guesses."""


def code_regions(picture: Grey, most: int) -> list[Region]:
    """Up to ``most`` regions with bars and as many with a matrix, the best first."""
    height, width = (side // (2 * BLOCK) * 2 * BLOCK for side in picture.shape)
    if min(height, width) < 2 * BLOCK:
        return []
    picture = picture[:height, :width]
    edges = [_blocks(difference) for difference in _differences(picture)]
    # What is everywhere is noise or texture; the noise of the sensor adds to all directions alike.
    floors = [_median(plane) / STEPS for plane in edges[:2]] * 2
    smooth = [cv2.blur(plane.astype(np.float32), (SPREAD, SPREAD)) / STEPS for plane in edges]
    relative = np.asarray(128 / (cv2.blur(_blocks(picture).astype(np.float32), (SHADE, SHADE)) + 16), np.float32)
    clear = [np.asarray((plane - floor) * relative, np.float32) for plane, floor in zip(smooth, floors, strict=True)]
    smooth = [plane * relative for plane in smooth]
    return _best(_bars(smooth, clear), True, most) + _best(_matrix(clear), False, most)


def _differences(picture: Grey) -> list[Any]:
    """To the pixel on the right, below right, below, and from the right to below."""
    here = cv2.copyMakeBorder(picture, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    a, b, c, d = here[:-1, :-1], here[:-1, 1:], here[1:, :-1], here[1:, 1:]
    steps = [cv2.absdiff(first, second) for first, second in ((a, b), (a, d), (a, c), (b, c))]
    return [cv2.add(step, step) for step in steps]


def _blocks(difference: Any) -> Grey:
    """Means of blocks: halved twice, for which OpenCV has a fast path that a quarter has not."""
    for _ in range(2):
        size = (difference.shape[1] // 2, difference.shape[0] // 2)
        difference = cv2.resize(difference, size, interpolation=cv2.INTER_AREA)
    return np.asarray(difference, np.uint8)


def _median(plane: Grey) -> int:
    counts = cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel().cumsum()
    return int(np.searchsorted(counts, counts[-1] / 2))


def _bars(smooth: list[Any], clear: list[Plane]) -> Plane:
    """How much one direction outweighs the one across it, where it does so over the length of some bars."""
    upright, slanting = smooth[0] - smooth[2], 0.707 * (smooth[1] - smooth[3])  # a diagonal step is longer
    excess = cv2.magnitude(upright, slanting)
    excess *= excess >= ALIKE * np.maximum(clear[0] + clear[2], 0.5)
    out = np.zeros_like(excess)
    for line, towards in zip(_ALONG, (upright, slanting, -upright, -slanting), strict=True):
        np.maximum(out, cv2.morphologyEx(excess * (towards >= 0.5 * excess), cv2.MORPH_OPEN, line), out=out)
    return np.asarray(out, np.float32)


def _matrix(clear: list[Plane]) -> Plane:
    """Edges in the weakest direction, where it is strong over an area; diagonal steps are longer."""
    straight, diagonal = np.minimum(clear[0], clear[2]), np.minimum(clear[1], clear[3])
    return np.asarray(cv2.erode(np.minimum(straight, 0.75 * diagonal), np.ones((3, 3), np.uint8)), np.float32)


def _best(plane: Plane, bars: bool, most: int) -> list[Region]:
    """Connected parts well above the rest of the plane, by strength and size; matrix codes are compact."""
    share, least = (0.2, LEAST_BARS) if bars else (0.4, LEAST_MATRIX)
    mask = (plane > max(least, share * float(plane.max()))).astype(np.uint8)
    # By name, because this way of labelling takes half the time of the usual one.
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_GRANA)
    scored = []
    for label, (x, y, w, h, area) in enumerate(stats.tolist()):
        if label == 0 or area < LEAST_AREA or (not bars and min(w, h) < LEAST_SIDE):
            continue
        fill, square = area / (w * h), min(w, h) / max(w, h)
        if not bars and (fill < 0.5 or square < 0.5):
            continue
        part = plane[y : y + h, x : x + w]
        score = float(part[labels[y : y + h, x : x + w] == label].mean()) * area**0.5 * fill
        scored.append((score if bars else score * square, label, (x, y, w, h)))
    scored.sort(reverse=True)
    found = []
    for score, label, (x, y, w, h) in scored[:most]:
        ys, xs = np.nonzero(labels[y : y + h, x : x + w] == label)
        points = (np.stack([xs + x, ys + y], 1) + 0.5) * BLOCK
        found.append(Region(bars, score, points.astype(np.float32)))
    return found
