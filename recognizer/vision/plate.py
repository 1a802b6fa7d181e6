"""Read the print on a meter's plate: the serial, and what else stands around the display.

The plate is turned upright by its display, the lines of print are found (``plate_lines``), cut from the full-size
photo, and read four times in one run of Tesseract: as they are, without shadows, smaller, and in black and white.
What all of them agree on counts.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.code import Code
from recognizer.domain.observation import Display, PlateText, Quad
from recognizer.domain.payload import latin
from recognizer.vision.code_cuts import Grey
from recognizer.vision.frame import Frame
from recognizer.vision.plate_lines import Line, find_lines
from recognizer.vision.tesseract import NotReadError, missing_reader, read_lines

__all__ = ["missing_reader", "read_plate"]

Matrix = NDArray[np.float64]
"""3x3, from pixels of the photo."""

DISPLAY_LENGTH = 400
"""The plate is searched at the size at which its display is so many pixels long, …"""
MOST_PIXELS = 2.6e6
"""… or smaller, so that it has no more pixels than these."""
AROUND = 4.0
"""How far from the display print is looked for, in lengths of the display."""
MOST_ENLARGED = 2.0
LEAST_SCORE = 0.3
"""A display that the locator is less sure of does not say how the plate is turned."""
MOST_LINES = 24
LINE_HEIGHT = 36
"""Height of a character in the pictures of lines: with 28 or 64 fewer serials were read."""
MARGIN_ACROSS, MARGIN_ALONG = 0.45, 0.3
"""Kept around a line, in heights of a character. With 0.6 along it, edges of stickers were read as a 1 or a bracket: of
37 training photos 22 matched instead of 27."""
LONGEST = 60
"""Longest line in heights of a character; what is longer is an edge."""
AGREED = (0.3, 0.4, 0.5, 0.97)
"""Confidence in a number by how many of the four readings have it: of 47 training photos, what all had was the serial
35 times and one misread once (a letter lost before it), what fewer had 6 and 8 times. Tesseract's own confidence tells
nothing here, several right numbers have a 0."""
_LABEL = re.compile("(?:[NM][OR0]|M?№O?|SN)(?=[0-9])")
"""Words for a serial that are printed, or read, without a space behind them."""


@dataclass(frozen=True, slots=True)
class _Upright:
    picture: Grey
    matrix: Matrix


def read_plate(
    frame: Frame, displays: Sequence[Display] = (), codes: Sequence[Code] = ()
) -> tuple[tuple[PlateText, ...], str | None]:
    """The lines of print, large print first, and why nothing could be read: a sentence for people, else None.

    Displays and codes say which way is up and where to look. A line that the readings differ on is given in each
    way, with its confidence. Takes a third of a second to a second of one core, most of it Tesseract's, which is ended
    after twenty. Raises nothing but what the decoding of a Frame does (InputError).
    """
    if (missing := missing_reader()) is not None:
        return (), missing
    grey = np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    upright = _upright(grey, displays, codes)
    lines = [line for line in find_lines(upright.picture, MOST_LINES) if line.right - line.left < LONGEST * line.height]
    strips = [_strip(grey, upright.matrix, line) for line in lines]
    try:
        words = read_lines([look(strip) for look in LOOKS for strip in strips])
    except NotReadError as error:
        return (), str(error)
    texts = []
    for number, line in enumerate(lines):
        box = _box(line, upright.matrix)
        beside = any(_beside(box, code) for code in codes)
        texts += [PlateText(text, sure, box, beside) for text, sure in _agreed(words[number :: len(lines)])]
    return tuple(texts), None


def _upright(grey: Grey, displays: Sequence[Display], codes: Sequence[Code]) -> _Upright:
    """The photo turned so that its display stands upright, cut around it, at the size to be searched at."""
    height, width = grey.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    sure = [display for display in displays if display.score >= LEAST_SCORE]
    along, centre, length = np.array([1.0, 0.0]), corners.mean(0), max(height, width) / 3
    reach = math.inf
    if sure:
        quad = np.array(max(sure, key=lambda display: display.score).quad, np.float64)
        side = (quad[1] - quad[0] + quad[2] - quad[3]) / 2
        size = float(np.linalg.norm(side))
        if size >= 8:
            centre = quad.mean(0).clip(0, (width, height))  # a quad may lie half outside the photo
            along, length, reach = side / size, size, AROUND * size
    elif codes:
        box = np.array(codes[0].box, np.float64)
        angle = math.atan2(*(box[1] - box[0])[::-1])
        # A barcode may be read backwards or stand on end: the photo is taken for upright, give or take a tilt.
        angle = (angle + math.pi / 4) % (math.pi / 2) - math.pi / 4
        along = np.array([math.cos(angle), math.sin(angle)])
    turn = np.array([along, [-along[1], along[0]]])
    seen = (corners - centre) @ turn.T
    low, high = np.maximum(seen.min(0), -reach), np.minimum(seen.max(0), reach)
    scale = min(MOST_ENLARGED, DISPLAY_LENGTH / length, math.sqrt(MOST_PIXELS / max(1.0, float(np.prod(high - low)))))
    matrix = np.eye(3)
    matrix[:2, :2] = turn * scale
    matrix[:2, 2] = -(turn @ centre + low) * scale
    out = (max(1, int((high - low)[0] * scale)), max(1, int((high - low)[1] * scale)))
    return _Upright(_warped(grey, matrix, out, scale), matrix)


def _strip(grey: Grey, upright: Matrix, line: Line) -> Grey:
    """The picture of one line, dark print on light, ``LINE_HEIGHT`` for a character; cut from the full-size photo."""
    scale = LINE_HEIGHT / line.height
    angle = math.atan(line.slope)
    cos, sin = math.cos(angle), math.sin(angle)
    left = line.left - MARGIN_ALONG * line.height
    width = int((line.right - line.left + 2 * MARGIN_ALONG * line.height) * scale / cos) + 1
    height = int((1 + 2 * MARGIN_ACROSS) * LINE_HEIGHT)
    matrix = np.eye(3)
    matrix[:2, :2] = scale * np.array([[cos, sin], [-sin, cos]])
    matrix[:2, 2] = -matrix[:2, :2] @ (left, line.y(left)) + (0, height / 2)
    enlarged = scale * float(np.linalg.norm(upright[:2, 0]))
    picture = _warped(grey, matrix @ upright, (width, height), enlarged).astype(np.float32)
    if line.light:
        picture = 255 - picture
    dark, bright = np.percentile(picture, (2, 95))
    return np.asarray(np.clip((picture - dark) * 255 / max(float(bright - dark), 20.0), 0, 255), np.uint8)


def _warped(grey: Grey, matrix: Matrix, size: tuple[int, int], scale: float) -> Grey:
    """The photo through a matrix that enlarges by ``scale``; what is made much smaller is averaged, not sampled."""
    fine = min(4, math.ceil(0.75 / scale)) if scale < 0.75 else 1
    big = np.diag([fine, fine, 1.0]) @ matrix
    picture = cv2.warpPerspective(
        grey, big, (size[0] * fine, size[1] * fine), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    if fine > 1:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(picture, np.uint8)


def _flattened(strip: Grey) -> Grey:
    """The strip without shadows: how much darker each pixel is than what lies around it."""
    light = cv2.GaussianBlur(strip, (0, 0), 0.8 * LINE_HEIGHT).astype(np.float32)
    return np.asarray(np.clip(255 - 1.2 * (light - strip), 0, 255), np.uint8)


def _reduced(strip: Grey) -> Grey:
    return np.asarray(cv2.resize(strip, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA), np.uint8)


def _in_two_tones(strip: Grey) -> Grey:
    return np.asarray(cv2.threshold(strip, 0, 255, cv2.THRESH_OTSU)[1], np.uint8)


LOOKS: tuple[Callable[[Grey], Grey], ...] = (lambda strip: strip, _flattened, _reduced, _in_two_tones)
"""A line as it is read: what Tesseract misreads in one of these it seldom misreads alike in another."""


def _agreed(readings: Sequence[Sequence[str]]) -> list[tuple[str, float]]:
    """Texts of a line that was read several times, one for each longest number that was read, and their confidence.

    Where no reading has a number, all of what was read counts instead.
    """
    keys = [_key(words) for words in readings]
    said = [{_number(word) for word in words} | {key} for words, key in zip(readings, keys, strict=True)]
    texts: dict[str, tuple[str, float]] = {}
    for words, key in zip(readings, keys, strict=True):
        if key and key not in texts:
            count = sum(key in others for others in said)
            texts[key] = " ".join(words), AGREED[count - 1]
    return list(texts.values())


def _key(words: Sequence[str]) -> str:
    """What a line is read for: its longest number, or all letters of a line without one."""
    numbers = [_number(word) for word in words if any(c.isdigit() for c in word)]
    return max(numbers, key=lambda n: sum(c.isdigit() for c in n), default=_letters("".join(words)))


def _number(word: str) -> str:
    letters = _letters(word)
    label = _LABEL.match(letters)
    return letters[label.end() :] if label else letters


def _letters(text: str) -> str:
    return "".join(c for c in latin(text) if c.isalnum())


def _box(line: Line, upright: Matrix) -> Quad:
    """Corners of the line in reading order, in pixels of the photo."""
    up = line.height / 2
    ends = ((line.left, -up), (line.right, -up), (line.right, up), (line.left, up))
    points = np.array([[(x, line.y(x) + dy) for x, dy in ends]], np.float64)
    a, b, c, d = ((float(x), float(y)) for x, y in cv2.perspectiveTransform(points, np.linalg.inv(upright))[0])
    return (a, b, c, d)


def _beside(box: Quad, code: Code) -> bool:
    """Whether a line stands under, over or beside a code: nearer than one and a half of its characters are high."""
    outline = np.array(code.box, np.float32).reshape(-1, 1, 2)
    height = math.dist(box[0], box[3])
    corners = np.array(box)
    points = [*corners, *(corners + np.roll(corners, -1, 0)) / 2]
    nearest = max(cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in points)
    return bool(nearest >= -1.5 * height)
