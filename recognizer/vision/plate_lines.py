"""Find the lines of print on a plate that stands upright: rows of marks that look like characters.

Tesseract's own search for text is made for pages; on photos of plates it misses most serials and takes several times
as long as reading the lines that are found here (see benchmarks/SERIALS.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.vision.code_cuts import Grey

Boxes = NDArray[np.int32]
"""Marks, one a row: left, top, width, height."""

PYRAMID = (1.0, 0.5, 0.25)
BLOCK, CONTRAST = 41, 8
"""Marks are darker (or lighter) than the mean of a square of so many pixels around them by so many grey levels."""
LEAST_HEIGHT, MOST_HEIGHT = 9, 50
"""Pixels of a character, in that picture of the pyramid in which it is looked for."""
LEAST_CHARACTERS = 4
MOST_MARKS = 2000
BAR = 0.25
"""A mark narrower than this share of its height may be a 1 or a bar; several beside each other are bars."""
BARS_IN_A_ROW = 4
STEEPEST = 0.12
"""Slope of a line against the upright plate; more than that is chance."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of characters: its middle runs from (left, y at left) with a slope; ``height`` is that of a character."""

    left: float
    right: float
    middle: float
    """y of the line's middle at ``left``."""
    slope: float
    height: float
    light: bool
    """Light print on a dark ground."""
    characters: int

    def scaled(self, factor: float) -> "Line":
        """The same line in a picture that is larger by a factor."""
        left, right, middle, height = (factor * n for n in (self.left, self.right, self.middle, self.height))
        return Line(left, right, middle, self.slope, height, self.light, self.characters)

    def y(self, x: float) -> float:
        return self.middle + self.slope * (x - self.left)


def find_lines(picture: Grey, most: int) -> list[Line]:
    """Rows of at least four characters in an upright grey picture, at most ``most``, those of large print first."""
    found = []
    for scale in PYRAMID:
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        if min(size) < 2 * LEAST_HEIGHT:
            break
        reduced = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        for light in (False, True):
            marks = _marks(np.asarray(255 - reduced, np.uint8) if light else reduced)
            single = marks[marks[:, 2] <= 1.25 * marks[:, 3]]
            for row in _rows(single):
                line = _line(_grown(row, marks), light)
                if line is not None:
                    found.append(line.scaled(1 / scale))
    return sorted(_distinct(found), key=lambda line: -line.height)[:most]


def _marks(picture: Grey) -> Boxes:
    """Dark marks of a character's height, left to right; wide ones are characters that run together."""
    dark = cv2.adaptiveThreshold(picture, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, BLOCK, CONTRAST)
    boxes = cv2.connectedComponentsWithStats(dark, connectivity=8)[2][1:]
    width, height, area = boxes[:, 2], boxes[:, 3], boxes[:, 4]
    fits = (height >= LEAST_HEIGHT) & (height <= MOST_HEIGHT) & (width >= 2) & (width >= 0.12 * height)
    boxes = boxes[fits & (width <= 5 * height) & (area >= 0.15 * width * height)]
    boxes = boxes[np.argsort(-boxes[:, 3], kind="stable")[:MOST_MARKS], :4]
    return np.asarray(boxes[np.argsort(boxes[:, 0], kind="stable")], np.int32)


def _rows(marks: Boxes) -> list[Boxes]:
    """Marks of one height that follow one another, each from its nearest neighbour; without the bars of codes."""
    x, y, w, h = marks.T.astype(np.float32)
    middle, right = y + h / 2, x + w
    before: dict[int, tuple[float, int]] = {}
    for i in range(len(marks)):
        last = int(np.searchsorted(x, right[i] + 1.1 * h[i]))
        near = slice(i + 1, last)
        gap, off, ratio = x[near] - right[i], np.abs(middle[near] - middle[i]), h[near] / h[i]
        fits = (gap > -0.3 * h[i]) & (off < 0.3 * h[i]) & (ratio > 0.75) & (ratio < 1.33)
        if fits.any():
            cost = np.where(fits, gap + 2 * off, np.inf)
            j = i + 1 + int(cost.argmin())
            before[j] = min(before.get(j, (np.inf, i)), (float(cost.min()), i))
    after = {i: j for j, (_, i) in before.items()}
    rows = []
    for start in range(len(marks)):
        if start in before:
            continue
        row = [start]
        while row[-1] in after:
            row.append(after[row[-1]])
        rows += [marks[part] for part in _between_bars(row, w < BAR * h) if len(part) >= LEAST_CHARACTERS]
    return rows


def _between_bars(row: Sequence[int], narrow: NDArray[np.bool_]) -> list[list[int]]:
    """A row cut where bars are: the number printed beside a barcode follows on from it."""
    parts: list[list[int]] = [[]]
    bars: list[int] = []
    for i in [*row, -1]:
        if i >= 0 and narrow[i]:
            bars.append(i)
            continue
        if len(bars) >= BARS_IN_A_ROW:
            parts.append([])
        else:
            parts[-1] += bars
        bars = []
        if i >= 0:
            parts[-1].append(i)
    return parts


def _grown(row: Boxes, marks: Boxes) -> Boxes:
    """The row with what follows at its ends, characters that run together included."""
    while True:
        line = _line(row, False)
        if line is None:
            return row
        x, y, w, h = marks.T.astype(np.float32)
        level = np.abs(y + h / 2 - (line.middle + line.slope * (x + w / 2 - line.left))) < 0.3 * line.height
        level &= (h > 0.7 * line.height) & (h < 1.4 * line.height) & (w > BAR * h)
        right = level & (x + w > line.right + 1) & (x > line.right - 0.3 * line.height)
        right &= x < line.right + 1.5 * line.height
        left = level & (x < line.left - 1) & (x + w < line.left + 0.3 * line.height)
        left &= x + w > line.left - 1.5 * line.height
        more = marks[right | left]
        if not len(more):
            return row
        row = np.concatenate([row, more])


def _line(row: Boxes, light: bool) -> Line | None:
    x, y, w, h = row.T.astype(np.float64)
    left, right, height = float(x.min()), float((x + w).max()), float(np.median(h))
    slope, at_zero = 0.0, float(np.mean(y + h / 2))
    if right - left > 3 * height:
        slope, at_zero = (float(n) for n in np.polyfit(x + w / 2, y + h / 2, 1))
    if abs(slope) > STEEPEST:
        return None
    return Line(left, right, at_zero + slope * left, slope, height, light, len(row))


def _distinct(lines: Sequence[Line]) -> list[Line]:
    """Of lines that lie on one another the one with the most characters."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.characters):
        x = (line.left + line.right) / 2
        if not any(
            k.left - k.height < x < k.right + k.height
            and abs(k.y(x) - line.y(x)) < 0.5 * max(k.height, line.height)
            and line.height < 1.6 * k.height
            for k in kept
        ):
            kept.append(line)
    return kept
