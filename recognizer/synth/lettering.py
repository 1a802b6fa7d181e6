"""How a panel's prints are lettered: a typeface, or single strokes as makers of LCDs draw them; upright or slanted."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from recognizer.synth import ink, typefaces
from recognizer.synth.ink import Mask, chance, pick

BASE = 40
"""Pixels of a capital in the stamps that prints are scaled from."""
_SPACE = 0.22

# Letter: width over the height of a capital, and lines through points of its box, (0, 0) at its top left.
_STROKES: dict[str, tuple[float, str]] = {
    "k": (0.5, "0 0 0 1,.95 .38 0 .72,.3 .6 1 1"), "W": (0.9, "0 0 .25 1 .5 .25 .75 1 1 0"),
    "h": (0.5, "0 0 0 1,0 .5 .2 .38 .75 .38 1 .55 1 1"), "v": (0.5, "0 .4 .5 1 1 .4"),
    "a": (0.5, "1 .4 1 1,1 .5 .7 .4 .2 .4 0 .55 0 .85 .2 1 .7 1 1 .88"), "r": (0.35, "0 .4 0 1,0 .55 .4 .4 1 .42"),
    "V": (0.7, "0 0 .5 1 1 0"), "A": (0.7, "0 1 .5 0 1 1,.2 .64 .8 .64"), "M": (0.8, "0 1 0 0 .5 .6 1 0 1 1"),
    "K": (0.6, "0 0 0 1,1 0 0 .6,.3 .42 1 1"), "H": (0.6, "0 0 0 1,1 0 1 1,0 .5 1 .5"), "I": (0.02, "0 0 0 1"),
    "z": (0.45, "0 .4 1 .4 0 1 1 1"), "m": (0.75, "0 .4 0 1,0 .5 .25 .4 .5 .5 .5 1,.5 .5 .75 .4 1 .5 1 1"),
    "T": (0.65, "0 0 1 0,.5 0 .5 1"), "C": (0.6, "1 .2 .75 0 .25 0 0 .2 0 .8 .25 1 .75 1 1 .8"),
    "U": (0.6, "0 0 0 .8 .25 1 .75 1 1 .8 1 0"), "X": (0.65, "0 0 1 1,1 0 0 1"), "L": (0.5, "0 0 0 1 1 1"),
    "D": (0.6, "0 0 0 1 .6 1 1 .75 1 .25 .6 0 0 0"), "E": (0.5, "1 0 0 0 0 1 1 1,0 .5 .8 .5"),
    "O": (0.6, "1 .2 .75 0 .25 0 0 .2 0 .8 .25 1 .75 1 1 .8 1 .2"), "n": (0.5, "0 .4 0 1,0 .5 .2 .4 .75 .4 1 .55 1 1"),
    "P": (0.55, "0 1 0 0 .7 0 1 .15 1 .4 .7 .55 0 .55"), "F": (0.5, "1 0 0 0 0 1,0 .5 .8 .5"), "·": (0.1, "0 .5 1 .5"),
    "1": (0.3, "0 .2 1 0 1 1"), "2": (0.55, "0 .2 .2 0 .8 0 1 .2 1 .4 0 1 1 1"), "4": (0.55, ".75 1 .75 0 0 .7 1 .7"),
    "3": (0.55, "0 .1 .2 0 .8 0 1 .2 1 .38 .75 .48 .4 .48,.75 .48 1 .6 1 .82 .8 1 .2 1 0 .88"), " ": (0.3, ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lettering:
    """What all prints of one kind have in common on one model of panel."""

    weight: int = 500
    strokes: int = 0
    """Thickness of single strokes in ``BASE`` pixels a capital; 0: the typeface."""
    slant: float = 0.0
    """How far a capital leans to the right, in its heights."""
    stretch: float = 1.0
    """Of the width."""
    strength: float = 1.0
    """How dark beside the digits."""
    typeface: str = typefaces.OWN

    @staticmethod
    def sample(rng: np.random.Generator) -> "Lettering":
        letters = Lettering(
            pick(rng, (400, 500, 600, 700)),
            int(rng.integers(2, 8)) if chance(rng, 0.45) else 0,
            pick(rng, (0.0, 0.0, 0.0, 0.1, 0.2)),
            float(rng.uniform(0.65, 1.3)),
            float(rng.uniform(0.45, 0.9)) if chance(rng, 0.3) else 1.0,
        )
        return replace(letters, typeface=typefaces.by_lot(letters))


def text_mask(text: str, weight: int, strokes: int, slant: float, typeface: str = typefaces.OWN) -> Mask:
    """Coverage of a text with ``BASE`` pixels a capital, cropped to its ink; what has no strokes is in the typeface."""
    if strokes and all(char in _STROKES for char in text):
        return _cropped(_stroked(text, strokes, slant))
    mask = ink.text_stamp(text, BASE, weight, typeface)
    if not slant:
        return mask
    h, w = mask.shape
    move = np.array([[1, -slant, slant * h], [0, 1, 0]], np.float32)
    return _cropped(np.asarray(cv2.warpAffine(mask, move, (w + int(slant * h) + 2, h)), np.uint8))


def _stroked(text: str, strokes: int, slant: float) -> Mask:
    wide = sum(_STROKES[char][0] + _SPACE + strokes / BASE for char in text) + slant
    mask: Mask = np.zeros((BASE + 2 * strokes, round(wide * BASE) + 2 * strokes), np.uint8)
    x = float(strokes)
    for char in text:
        width, lines = _STROKES[char]
        for line in filter(None, lines.split(",")):
            points = np.array(line.split(), np.float32).reshape(-1, 2) * (width * BASE, BASE - strokes)
            points[:, 0] += slant * (BASE - points[:, 1])
            cv2.polylines(mask, [ink.fixed(points + (x, 1.5 * strokes))], False, 255, strokes, cv2.LINE_AA, 4)
        x += (width + _SPACE) * BASE + strokes
    return mask


def _cropped(mask: Mask) -> Mask:
    x, y, w, h = cv2.boundingRect(mask)
    return mask[y : y + h, x : x + w].copy()
