"""What panels print as a whole: words, units, tariff marks, arrows, icons, plain or framed."""

from functools import lru_cache

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Mask
from recognizer.synth.lettering import BASE, text_mask


@lru_cache(maxsize=2048)
def print_stamp(
    text: str, weight: int, frame: str = "", strokes: int = 0, slant: float = 0.0, typeface: str = ""
) -> Mask:
    """Coverage of a print with ``BASE`` pixels a capital, in a frame: box, cut (out of a filled box), disc (of ①)."""
    mark = _sign(text)
    if mark is None:
        plain = str("①②③④".index(text) + 1) if frame == "disc" else text
        mark = text_mask(plain, weight, strokes, slant, typeface)
    if frame:
        pad = (8, 8) if frame != "disc" else (14, (BASE - mark.shape[1]) // 2 + 14)
        mark = np.asarray(
            cv2.copyMakeBorder(mark, pad[0], pad[0], pad[1], pad[1], cv2.BORDER_CONSTANT, value=0), np.uint8
        )
        h, w = mark.shape
        if frame == "box":
            cv2.rectangle(mark, (1, 1), (w - 2, h - 2), 255, 3)
        elif frame == "cut":
            mark = np.asarray(255 - mark, np.uint8)
        else:
            disc = np.zeros_like(mark)
            cv2.ellipse(disc, (w // 2, h // 2), (w // 2 - 1, h // 2 - 1), 0, 0, 360, 255, -1, cv2.LINE_AA)
            mark = np.asarray(cv2.subtract(disc, mark), np.uint8)
    mark.setflags(write=False)
    return mark


_ARROWS = {
    "▼": ((0.0, 0.0), (1.0, 0.0), (0.5, 0.8)), "▲": ((0.0, 0.8), (1.0, 0.8), (0.5, 0.0)),
    "►": ((0.0, 0.0), (0.8, 0.5), (0.0, 1.0)), "◄": ((0.8, 0.0), (0.8, 1.0), (0.0, 0.5)),
}  # fmt: skip


def _sign(text: str) -> Mask | None:
    """Signs that no font gives as panels show them: arrows beside a printed legend, battery, signal, lock."""
    s = BASE
    mask: Mask = np.zeros((s, s), np.uint8)
    if text[0] in _ARROWS:
        ink.polygon(mask, ink.fixed(np.array(_ARROWS[text[0]]) * (s - 1)))
    elif text == "BATTERY":
        cv2.rectangle(mask, (1, 11), (s - 7, s - 12), 255, 3)
        cv2.rectangle(mask, (s - 6, 16), (s - 2, s - 17), 255, -1)
        cv2.rectangle(mask, (5, 15), (20, s - 16), 255, -1)
    elif text == "SIGNAL":
        for i in range(4):
            cv2.rectangle(mask, (i * 10, s - 1 - (i + 1) * 9), (i * 10 + 6, s - 1), 255, -1)
    elif text == "LOCK":
        cv2.rectangle(mask, (6, 18), (s - 7, s - 1), 255, -1)
        cv2.ellipse(mask, (s // 2, 19), (9, 14), 0, 180, 360, 255, 4, cv2.LINE_AA)
    else:
        return None
    x, y, w, h = cv2.boundingRect(mask)
    return mask[y : y + h, x : x + w].copy()
