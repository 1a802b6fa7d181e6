"""The small print on an LCD: units, tariff marks, phase letters, OBIS codes, icons. None of it is the value."""

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Mask, Rect, chance, pick
from recognizer.synth.segments import Cut, Pen

UNITS = (
    "kWh",
    "kWh",
    "kWh",
    "kW h",
    "CkWh",
    "CkW h",
    "kvarh",
    "kVAh",
    "m3",
    "kW",
    "MWh",
    "kVArh",
    "LITRES",
    "Wh",
    "GJ",
)
MARKS = (
    "CUM", "MAX", "T1", "T2", "T3", "MD", "TOTAL", "IMP", "EXP", "L1", "L2", "L3", "R Y B", "RYB", "V", "A", "Hz",
    "kWh", "PF", "BILL", "DATE", "TIME", "REV", "EL", "+A", "T", "RATE", "kW",
)  # fmt: skip
OBIS = (
    "180",
    "1.8.0",
    "1.8.1",
    "1.8.2",
    "280",
    "2.8.0",
    "3.8.0",
    "15.8.0",
    "T1",
    "T2",
    "En",
    "01",
    "02",
    "14",
    "P",
    "0.9.1",
)


def draw_marks(rng: np.random.Generator, mask: Mask, row: Rect, cut: Cut, ghost: Mask | None) -> None:
    """Scatter marks where the panel has room around the row of digits."""
    h, w = mask.shape
    x0, y0, x1, y1 = row
    height = y1 - y0
    room_right, room_top, room_bottom, room_left = w - x1, y0, h - y1, x0
    if room_right > height * 0.55 and chance(rng, 0.75):
        weight = pick(rng, (400, 500, 700))
        unit = _fit(pick(rng, UNITS), room_right - height * 0.25, height * rng.uniform(0.22, 0.5), weight)
        low = chance(rng, 0.7)
        y = y1 - unit.shape[0] - height * rng.uniform(0.0, 0.06) if low else y0 + height * rng.uniform(0, 0.3)
        ink.stamp(mask, unit, x1 + height * rng.uniform(0.08, 0.2), y)
        if chance(rng, 0.3):
            tag = ink.text_stamp(pick(rng, MARKS), max(5, round(height * rng.uniform(0.15, 0.25))), 600)
            ink.stamp(mask, tag, x1 + height * 0.15, y0 + height * rng.uniform(-0.1, 0.1))
    if room_top > height * 0.36 and chance(rng, 0.75):
        _line(rng, mask, x0, round(y0 - room_top * 0.8), x1, round(y0 - height * 0.1), cut, ghost)
    if room_bottom > height * 0.36 and chance(rng, 0.65):
        if chance(rng, 0.55):
            weight = pick(rng, (400, 600, 800))
            unit = _fit(pick(rng, UNITS), (x1 - x0) * 0.6, room_bottom * rng.uniform(0.4, 0.65), weight)
            ink.stamp(mask, unit, x1 - unit.shape[1] * rng.uniform(0.4, 1.0), y1 + height * rng.uniform(0.08, 0.15))
        else:
            _line(rng, mask, x0, round(y1 + height * 0.1), x1, round(h - room_bottom * 0.15), cut, ghost)
    if room_left > height * 0.8 and chance(rng, 0.35):  # "En" over "T2" in small segments, or a phase mark
        small = Pen(cut, height * rng.uniform(0.3, 0.45))
        for k, tag_text in enumerate(
            (pick(rng, ("En", "EL", "P", "L1", "T")), pick(rng, ("T1", "T2", "T3", "1", "2")))
        ):
            for i, char in enumerate(tag_text):
                small.draw(mask, None, char, x0 - height * 0.75 + i * small.height * 0.75, y0 + k * height * 0.5)


def draw_unit(rng: np.random.Generator, mask: Mask, x: float, y: float, height: float) -> None:
    """A unit alone, its top-left corner at x, y."""
    ink.stamp(mask, ink.text_stamp(pick(rng, UNITS), max(5, round(height)), pick(rng, (400, 600))), x, y)


def _fit(text: str, width: float, height: float, weight: int) -> Mask:
    """The text at that height, or lower where it would be wider than ``width``."""
    unit = ink.text_stamp(text, max(5, round(height)), weight)
    if unit.shape[1] > width:
        unit = ink.text_stamp(text, max(5, int(height * width / unit.shape[1])), weight)
    return unit


def _line(
    rng: np.random.Generator, mask: Mask, x0: int, y0: int, x1: int, y1: int, cut: Cut, ghost: Mask | None
) -> None:
    """A row of small things above or below the digits, from left to right, with gaps."""
    height = max(5, min(y1 - y0, round((x1 - x0) * 0.12)))
    y = y0 + rng.uniform(0, max(1, y1 - y0 - height))
    x = x0 + rng.uniform(-0.1, 0.3) * (x1 - x0)
    for _ in range(int(rng.integers(1, 6))):
        if x > x1:
            return
        roll = rng.random()
        if roll < 0.2 and height > 8:
            pen = Pen(cut, height)
            for char in pick(rng, OBIS):
                if char == ".":
                    cv2.circle(
                        mask, (round(x - height * 0.05), round(y + height * 0.93)), max(1, height // 14), 255, -1
                    )
                else:
                    pen.draw(mask, ghost, char, x, y)
                    x += height * (cut.aspect + 0.22)
        elif roll < 0.75:
            mark = ink.text_stamp(
                pick(rng, MARKS), max(5, round(height * rng.uniform(0.45, 0.8))), pick(rng, (400, 600))
            )
            if chance(rng, 0.25):  # in a box, or cut out of one
                box = np.asarray(cv2.copyMakeBorder(mark, 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=0), np.uint8)
                cv2.rectangle(box, (0, 0), (box.shape[1] - 1, box.shape[0] - 1), 255, 1)
                mark = box if chance(rng, 0.6) else np.asarray(255 - box, np.uint8)
            ink.stamp(mask, mark, x, y)
            x += mark.shape[1]
        else:
            _icon(rng, mask, x, y, height * 0.7)
            x += height
        x += height * rng.uniform(0.3, 2.5)


def _icon(rng: np.random.Generator, mask: Mask, x: float, y: float, s: float) -> None:
    """An arrow, a battery, a signal bar, a lock or a phase mark."""
    kind = int(rng.integers(5))
    if kind == 0:
        tip = np.array([(0, 0), (s, 0), (s / 2, s)]) if chance(rng, 0.5) else np.array([(0, 0), (s, s / 2), (0, s)])
        ink.polygon(mask, ink.fixed(tip + (x, y)))
    elif kind == 1:
        a, b = (round(x), round(y + s * 0.2)), (round(x + s), round(y + s * 0.8))
        cv2.rectangle(mask, a, b, 255, max(1, round(s / 12)))
        cv2.rectangle(mask, (a[0] + 2, a[1] + 2), (round(x + s * rng.uniform(0.3, 0.9)), b[1] - 2), 255, -1)
    elif kind == 2:
        for i in range(4):
            cv2.rectangle(
                mask,
                (round(x + i * s / 4), round(y + s - (i + 1) * s / 4)),
                (round(x + i * s / 4 + s / 7), round(y + s)),
                255,
                -1,
            )
    elif kind == 3:
        cv2.rectangle(mask, (round(x), round(y + s * 0.45)), (round(x + s * 0.7), round(y + s)), 255, -1)
        cv2.circle(
            mask,
            (round(x + s * 0.35), round(y + s * 0.4)),
            max(1, round(s * 0.25)),
            255,
            max(1, round(s / 9)),
            cv2.LINE_AA,
        )
    else:
        cv2.circle(
            mask, (round(x + s / 2), round(y + s / 2)), max(2, round(s * 0.45)), 255, max(1, round(s / 10)), cv2.LINE_AA
        )
