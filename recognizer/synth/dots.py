"""Characters of 5 x 7 dots, as character displays show titles, codes and units."""

import cv2
import numpy as np

from recognizer.synth.ink import Mask
from recognizer.synth.segments import ROWS as DIGITS

ROWS = DIGITS | {
    "A": (14, 17, 17, 31, 17, 17, 17), "B": (30, 17, 17, 30, 17, 17, 30), "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (28, 18, 17, 17, 17, 18, 28), "E": (31, 16, 16, 30, 16, 16, 31), "F": (31, 16, 16, 30, 16, 16, 16),
    "G": (14, 17, 16, 23, 17, 17, 15), "H": (17, 17, 17, 31, 17, 17, 17), "I": (14, 4, 4, 4, 4, 4, 14),
    "J": (7, 2, 2, 2, 2, 18, 12), "K": (17, 18, 20, 24, 20, 18, 17), "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17), "N": (17, 17, 25, 21, 19, 17, 17), "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16), "Q": (14, 17, 17, 17, 21, 18, 13), "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30), "T": (31, 4, 4, 4, 4, 4, 4), "U": (17, 17, 17, 17, 17, 17, 14),
    "V": (17, 17, 17, 17, 17, 10, 4), "W": (17, 17, 17, 21, 21, 21, 10), "X": (17, 17, 10, 4, 10, 17, 17),
    "Y": (17, 17, 17, 10, 4, 4, 4), "Z": (31, 1, 2, 4, 8, 16, 31),
    "a": (0, 0, 14, 1, 15, 17, 15), "c": (0, 0, 14, 16, 16, 17, 14), "d": (1, 1, 13, 19, 17, 17, 15),
    "e": (0, 0, 14, 17, 31, 16, 14), "h": (16, 16, 22, 25, 17, 17, 17), "i": (4, 0, 12, 4, 4, 4, 14),
    "k": (16, 16, 18, 20, 24, 20, 18), "l": (12, 4, 4, 4, 4, 4, 14), "m": (0, 0, 26, 21, 21, 17, 17),
    "n": (0, 0, 22, 25, 17, 17, 17), "o": (0, 0, 14, 17, 17, 17, 14), "p": (0, 0, 30, 17, 30, 16, 16),
    "r": (0, 0, 22, 25, 16, 16, 16), "s": (0, 0, 14, 16, 14, 1, 30), "t": (8, 8, 28, 8, 8, 9, 6),
    "u": (0, 0, 17, 17, 17, 19, 13), "v": (0, 0, 17, 17, 17, 10, 4), "x": (0, 0, 17, 10, 4, 10, 17),
    "b": (16, 16, 22, 25, 17, 17, 30), "f": (6, 9, 8, 28, 8, 8, 8), "g": (0, 0, 15, 17, 15, 1, 14),
    "w": (0, 0, 17, 17, 21, 21, 10), "y": (0, 0, 17, 17, 15, 1, 14),
    "z": (0, 0, 31, 2, 4, 8, 31), "\u0412": (30, 17, 17, 30, 17, 17, 30), "\u043a": (0, 0, 18, 20, 24, 20, 18),
    "\u0441": (0, 0, 14, 16, 16, 17, 14),
    "\u0442": (0, 0, 31, 4, 4, 4, 4), "\u0447": (0, 0, 17, 17, 15, 1, 1), "\u0422": (31, 4, 4, 4, 4, 4, 4),
    "\u00b7": (0, 0, 0, 12, 12, 0, 0), "\u00b3": (28, 4, 12, 4, 28, 0, 0), ".": (0, 0, 0, 0, 0, 12, 12),
    ":": (0, 12, 12, 0, 12, 12, 0), "-": (0, 0, 0, 31, 0, 0, 0), "*": (0, 4, 21, 14, 21, 4, 0),
    "+": (0, 4, 4, 31, 4, 4, 0), "/": (0, 1, 2, 4, 8, 16, 0), "%": (24, 25, 2, 4, 8, 19, 3),
}  # fmt: skip
FULL = (31,) * 7
GRID = 8
"""Pixels of a dot in the picture that is scaled to the size wanted."""


def dot_character(char: str, width: float, height: float, gap: float) -> Mask:
    """Coverage of one character, ``width`` x ``height`` pixels; ``gap`` is the dark part of a dot's pitch.

    U+2588 lights every dot. Raises ``ValueError`` for a character that such displays do not have.
    """
    if char != "\u2588" and char not in ROWS:
        raise ValueError(f"no dots are known for {char!r}")
    bits = np.array([[row >> (4 - c) & 1 for c in range(5)] for row in (FULL if char == "\u2588" else ROWS[char])])
    dot = np.zeros((GRID, GRID), np.uint8)
    edge = max(1, round(GRID * (1 - gap)))
    dot[:edge, :edge] = 255
    size = (max(5, round(width)), max(7, round(height)))
    way = cv2.INTER_AREA if size[1] < 7 * GRID else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.kron(bits.astype(np.uint8), dot), size, interpolation=way), np.uint8)
