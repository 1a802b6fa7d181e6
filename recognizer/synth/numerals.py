"""The numerals printed on counter wheels: drawn as strokes in many hands, or set in the fonts at hand.

Counter wheels use narrow, even-stroked numerals that no desktop font has quite. A hand is drawn once per
meter: how square the bowls are, how wide the body, which of the common forms 1, 3, 4, 6, 7 and 9 take.
Fonts that come inside OpenCV and Pillow are used besides, so a seed gives the same picture anywhere, and those of the
machine where ``typefaces`` was told to.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from recognizer.synth import ink, typefaces
from recognizer.synth.ink import Mask, chance, pick

Points = NDArray[np.float64]
FONT_SIZE = 72


@dataclass(frozen=True, slots=True)
class Hand:
    """How one maker prints numerals. Lengths are shares of the numeral's height."""

    source: str  # strokes, opencv, pillow
    aspect: float
    stroke: float
    square: float  # exponent of the bowls: 2 round, 5 nearly a rectangle
    one: int
    three: int
    four: int
    six: int
    seven: int
    top: float  # height of the upper bowl of 3, 5, 8
    weight: int

    @staticmethod
    def sample(rng: np.random.Generator) -> "Hand":
        roll = rng.random()
        return Hand(
            source="strokes" if roll < 0.72 else "opencv" if roll < 0.9 else "pillow",
            aspect=float(rng.uniform(0.44, 0.74)),
            stroke=float(rng.uniform(0.085, 0.19)) if chance(rng, 0.7) else float(rng.uniform(0.1, 0.15)),
            square=float(rng.uniform(2.0, 2.6)) if chance(rng, 0.5) else float(rng.uniform(2.4, 5.0)),
            one=int(rng.integers(4)),
            three=int(rng.integers(5)),
            four=int(rng.integers(3)),
            six=int(rng.integers(3)),
            seven=int(rng.integers(3)),
            top=float(rng.uniform(0.44, 0.5)),
            weight=pick(rng, (300, 400, 500, 600, 700, 800)),
        )


class Type:
    """Stamps the ten numerals of one hand at one height; each is rendered when first asked for."""

    def __init__(self, hand: Hand, height: int) -> None:
        self.hand = hand
        self.height = height
        self._stamps: dict[int, Mask] = {}

    def numeral(self, digit: int) -> Mask:
        """Coverage of a numeral in a box as wide as the widest, the ink centred as the maker prints it."""
        if digit not in self._stamps:
            self._stamps[digit] = self._strokes(digit) if self.hand.source == "strokes" else self._font(digit)
        return self._stamps[digit]

    def _strokes(self, digit: int) -> Mask:
        h, t = self.height, max(1.0, self.hand.stroke * self.height)
        w = self.hand.aspect * h
        pad = int(t / 2 + 2)
        mask: Mask = np.zeros((h + 2, int(w) + 2 * pad), np.uint8)
        # drawn at twice the size: OpenCV's line widths are whole pixels, which would make few weights
        big: Mask = np.zeros((mask.shape[0] * 2, mask.shape[1] * 2), np.uint8)
        scale = np.array([w - t, h - t]) * 2
        at = np.array([mask.shape[1] - (w - t), mask.shape[0] - (h - t)])
        for line in _skeleton(self.hand, digit):
            ink.stroke(big, line * scale + at, t * 2)
        return np.asarray(cv2.resize(big, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)

    def _font(self, digit: int) -> Mask:
        glyph, zero = self._set(digit), self._set(0)
        w = max(3, round(self.hand.aspect * self.height))
        fit = w / zero.shape[1]
        gw = max(2, min(round(glyph.shape[1] * fit), w + 4))
        part = cv2.resize(glyph, (gw, self.height), interpolation=cv2.INTER_AREA)
        mask: Mask = np.zeros((self.height, w + 6), np.uint8)
        ink.stamp(mask, np.asarray(part, np.uint8), (w + 6 - gw) / 2, 0)
        return mask

    def _set(self, digit: int) -> Mask:
        if self.hand.source == "pillow":
            return _pillow(digit)
        return ink.text_stamp(str(digit), FONT_SIZE, self.hand.weight, typefaces.by_lot(self.hand))


@lru_cache(maxsize=10)
def _pillow(digit: int) -> Mask:
    """The numeral in the sans that Pillow carries inside."""
    font = ImageFont.load_default(FONT_SIZE)
    picture = PilImage.new("L", (FONT_SIZE * 2, FONT_SIZE * 2))
    ImageDraw.Draw(picture).text((FONT_SIZE // 2, FONT_SIZE // 4), str(digit), fill=255, font=font)
    full = np.asarray(picture)
    ys, xs = np.flatnonzero(full.max(1)), np.flatnonzero(full.max(0))
    out = full[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1].copy()
    out.setflags(write=False)
    return out


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float, square: float, n: int = 22) -> Points:
    """Part of a superellipse; degrees run clockwise on the screen from the right (0), down (90), left (180)."""
    a = np.radians(np.linspace(start, end, n))
    c, s = np.cos(a), np.sin(a)
    k = 2 / square
    return np.stack([cx + rx * np.sign(c) * np.abs(c) ** k, cy + ry * np.sign(s) * np.abs(s) ** k], 1)


def _line(*points: tuple[float, float]) -> Points:
    return np.array(points, np.float64)


@lru_cache(maxsize=512)
def _skeleton(hand: Hand, digit: int) -> tuple[Points, ...]:
    """Centre lines of a numeral in the unit square, x to the right and y down."""
    q, top = hand.square, hand.top
    if digit == 0:
        return (_arc(0.5, 0.5, 0.5, 0.5, 0, 360, q, 40),)
    if digit == 1:
        stem = 0.56 if hand.one != 3 else 0.5
        flag = {0: _line((stem - 0.36, 0.2), (stem, 0.0)), 1: _line((stem - 0.28, 0.12), (stem, 0.0))}
        lines = [_line((stem, 0), (stem, 1))]
        if hand.one in flag:
            lines.append(flag[hand.one])
        elif hand.one == 2:  # with a foot
            lines += [_line((stem - 0.3, 0.18), (stem, 0)), _line((0.15, 1), (0.95, 1))]
        return tuple(lines)
    if digit == 2:
        bowl = _arc(0.5, 0.3, 0.48, 0.3, 186, 395, q)
        return (np.vstack([bowl, _line((0.02, 1.0), (1.0, 1.0))]),)
    if digit == 3:
        low = _arc(0.45, top + (1 - top) / 2, 0.53, (1 - top) / 2, 270, 525, q)
        if hand.three == 0:  # flat top
            return (_line((0.02, 0), (0.94, 0), (0.42, top)), low)
        return (_arc(0.45, top / 2, 0.5, top / 2, 195, 450, q), low)
    if digit == 4:
        stem = 0.74
        if hand.four == 0:
            return (_line((0.36, 0), (0.0, 0.66), (1, 0.66)), _line((stem, 0.36), (stem, 1)))
        arm = 0.7 if hand.four == 1 else 0.64
        return (_line((stem, 1), (stem, 0), (0.0, arm), (1, arm)),)
    if digit == 5:
        y = 0.38
        bowl = _arc(0.46, y + (1 - y) / 2, 0.53, (1 - y) / 2, 218, 520, q)
        return (_line((0.92, 0), (0.14, 0), (0.08, 0.46)), np.vstack([_line((0.08, 0.46)), bowl]))
    if digit in (6, 9):
        bowl_y = 0.38
        bowl = _arc(0.5, (1 + bowl_y) / 2, 0.5, (1 - bowl_y) / 2, 0, 360, q, 30)
        if hand.six == 0:  # a straight stem into a round bowl
            stem_line = np.vstack([_line((0.72, 0.0)), _line((0.3, 0.3), (0.06, 0.55))])
        elif hand.six == 1:
            stem_line = np.vstack([_arc(0.5, 0.5, 0.5, 0.5, 325, 180, q)])
        else:
            stem_line = np.vstack([_arc(0.5, 0.34, 0.5, 0.34, 345, 180, q), _line((0.0, 0.7))])
        lines6 = (bowl, stem_line)
        return lines6 if digit == 6 else tuple(1.0 - line for line in lines6)
    if digit == 7:
        if hand.seven == 0:
            return (_line((0, 0), (0.98, 0), (0.36, 1)),)
        if hand.seven == 1:
            return (np.vstack([_line((0, 0.0), (0.98, 0)), _arc(1.02, 1.0, 0.62, 0.86, 265, 180, 2.0, 10)]),)
        return (_line((0.02, 0.14), (0.02, 0.0), (0.98, 0), (0.5, 0.5), (0.42, 1)),)
    low = _arc(0.5, top + (1 - top) / 2, 0.5, (1 - top) / 2, 0, 360, q, 30)
    return (_arc(0.5, top / 2, 0.44, top / 2, 0, 360, q, 30), low)
