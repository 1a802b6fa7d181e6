"""LCD characters as polygons: seven segments in several cuts, fourteen segments, dot matrix.

A character is drawn into a coverage mask; its unlit segments go into a second one, because a real panel
shows them faintly. Shapes follow what meters show: mitred bars with a hexagonal middle, pointed bars,
plain bars; some makes leave the tail off 6, 9 or 7.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognizer.synth.ink import Mask, chance, fixed, pick, polygon

Points = NDArray[np.float64]

SEVEN = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "afgedc",
    "7": "abc", "8": "abcdefg", "9": "abcdfg", " ": "", "-": "g", "E": "afged", "n": "egc", "T": "feg",
    "r": "eg", "P": "abfge", "L": "fed", "C": "afed", "H": "bcefg", "d": "bcdeg", "t": "fegd", "o": "egcd",
    "A": "abcefg", "b": "cdefg", "F": "aefg", "h": "cefg", "U": "bcdef", "u": "cde", "y": "bcdfg", "S": "acdfg",
    "J": "bcde", "I": "ef", "c": "deg", "i": "c", "O": "abcdef", "_": "d", "=": "dg",
}  # fmt: skip
ROWS = {  # 5 x 7 dots, one number a row
    "0": (14, 17, 17, 17, 17, 17, 14), "1": (4, 12, 4, 4, 4, 4, 14), "2": (14, 17, 1, 2, 4, 8, 31),
    "3": (31, 2, 4, 2, 1, 17, 14), "4": (2, 6, 10, 18, 31, 2, 2), "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14), "7": (31, 1, 2, 4, 8, 8, 8), "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12), " ": (0, 0, 0, 0, 0, 0, 0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cut:
    """How the characters of one panel are cut; lengths are shares of the character's height."""

    family: str  # mitred, hex, bar, fourteen, dots
    aspect: float
    stroke: float
    gap: float
    slant: float
    tip: float
    corner: float
    six_tail: bool
    nine_tail: bool
    seven_hook: bool

    @staticmethod
    def sample(rng: np.random.Generator) -> "Cut":
        roll = rng.random()
        family = "mitred" if roll < 0.62 else "hex" if roll < 0.82 else "bar" if roll < 0.9 else "dots"
        if roll > 0.96:
            family = "fourteen"
        return Cut(
            family=family,
            aspect=float(rng.uniform(0.42, 0.74)),
            stroke=float(rng.uniform(0.045, 0.15)),
            gap=float(rng.uniform(0.002, 0.022)),
            slant=0.0 if family == "dots" else pick(rng, (0.0, 0.05, float(rng.uniform(0.0, 0.2)), 0.1)),
            tip=float(rng.uniform(0.5, 1.0)),
            corner=float(rng.uniform(0.0, 0.6)),
            six_tail=chance(rng, 0.92),
            nine_tail=chance(rng, 0.92),
            seven_hook=chance(rng, 0.12),
        )

    def lit(self, char: str) -> str:
        segments = SEVEN.get(char, "")
        if char == "6" and not self.six_tail:
            segments = segments.replace("a", "")
        if char == "9" and not self.nine_tail:
            segments = segments.replace("d", "")
        if char == "7" and self.seven_hook:
            segments += "f"
        return segments


def segment_polygons(cut: Cut, height: float) -> dict[str, Points]:
    """The seven bars for a character of that height, top-left at 0, 0, not yet slanted."""
    h, w, t, g = height, height * cut.aspect, height * cut.stroke, height * cut.gap
    m, k = h / 2, t * cut.corner
    if cut.family in ("mitred", "fourteen"):
        a = np.array(
            [(g + k, 0), (w - g - k, 0), (w - g - k * 0.5, k * 0.5), (w - t - g, t), (t + g, t), (g + k / 2, k / 2)]
        )
        b = np.array(
            [
                (w, g + k),
                (w, m - g),
                (w - t / 2, m - t / 2 - g),
                (w - t, m - t / 2 - g),
                (w - t, t + g),
                (w - k / 2, g + k / 2),
            ]
        )
        mid = np.array(
            [
                (g, m),
                (t / 2 + g, m - t / 2),
                (w - t / 2 - g, m - t / 2),
                (w - g, m),
                (w - t / 2 - g, m + t / 2),
                (t / 2 + g, m + t / 2),
            ]
        )
        flip_x, flip_y = np.array([w, 0.0]), np.array([0.0, h])
        sx, sy = np.array([-1.0, 1.0]), np.array([1.0, -1.0])
        return {
            "a": a, "b": b, "g": mid, "f": flip_x + b * sx, "c": flip_y + b * sy, "d": flip_y + a * sy,
            "e": flip_x + (flip_y + b * sy) * sx,
        }  # fmt: skip
    tip = t / 2 * cut.tip if cut.family == "hex" else 0.0
    inset = g + (t / 2 * (1 - cut.tip * 0.8) if cut.family == "hex" else t / 2)
    x0, x1, y0, y2 = t / 2, w - t / 2, t / 2, h - t / 2
    ends = {"a": (x0, y0, x1, y0), "g": (x0, m, x1, m), "d": (x0, y2, x1, y2), "f": (x0, y0, x0, m),
            "e": (x0, m, x0, y2), "b": (x1, y0, x1, m), "c": (x1, m, x1, y2)}  # fmt: skip
    return {name: _bar(*e, t, inset, tip) for name, e in ends.items()}


def _bar(xa: float, ya: float, xb: float, yb: float, t: float, inset: float, tip: float) -> Points:
    a, b = np.array([xa, ya]), np.array([xb, yb])
    along = (b - a) / max(1e-6, float(np.hypot(*(b - a))))
    side = np.array([-along[1], along[0]]) * (t / 2)
    a, b = a + along * inset, b - along * inset
    return np.array(
        [a, a + along * tip + side, b - along * tip + side, b, b - along * tip - side, a + along * tip - side]
    )


class Pen:
    """Draws the characters of one panel at one height into masks."""

    def __init__(self, cut: Cut, height: float) -> None:
        self.cut = cut
        self.height = height
        self.width = height * cut.aspect
        shear = np.array([[1.0, 0.0], [-cut.slant, 1.0]])
        lean = np.array([cut.slant * height, 0.0])  # the top leans to the right
        bars = {name: bar @ shear + lean for name, bar in segment_polygons(cut, height).items()}
        self._bars = {name: (fixed(bar), float(bar[:, 0].min()), float(bar[:, 0].max())) for name, bar in bars.items()}
        w, t = self.width, height * cut.stroke
        self._slash = fixed(_bar(w * 0.27, height * 0.78, w * 0.73, height * 0.22, t * 0.7, 0, t * 0.2) @ shear + lean)

    def draw(
        self, mask: Mask, ghost: Mask | None, char: str, x: float, y: float, level: int = 255
    ) -> tuple[float, float]:
        """Draw one character with its cell's top-left at x, y; gives the left and right edge of its ink."""
        if self.cut.family == "dots" and char in ROWS:
            return self._dots(mask, ghost, char, x, y, level)
        lit = self.cut.lit(char)
        at = np.array([round(x * 16), round(y * 16)], np.int32)
        left, right = self.width, 0.0
        for name, (bar, low, high) in self._bars.items():
            if name in lit:
                polygon(mask, bar + at, level)
                left, right = min(left, low), max(right, high)
            elif ghost is not None:
                polygon(ghost, bar + at)
        if self.cut.family == "fourteen" and char == "0":
            polygon(mask, self._slash + at, level)
        return x + left, x + right

    def _dots(self, mask: Mask, ghost: Mask | None, char: str, x: float, y: float, level: int) -> tuple[float, float]:
        dx, dy = self.width / 5, self.height / 7
        size = 0.97 - 2 * self.cut.gap
        dot = fixed(np.array([(0, 0), (dx * size, 0), (dx * size, dy * size), (0, dy * size)]))
        columns = [c for c in range(5) if any(bits >> (4 - c) & 1 for bits in ROWS[char])]
        for r, bits in enumerate(ROWS[char]):
            for c in range(5):
                target = mask if bits >> (4 - c) & 1 else ghost
                if target is not None:
                    at = np.array([round((x + c * dx) * 16), round((y + r * dy) * 16)], np.int32)
                    polygon(target, dot + at, level if target is mask else 255)
        return x + min(columns, default=0) * dx, x + (max(columns, default=4) + size) * dx
