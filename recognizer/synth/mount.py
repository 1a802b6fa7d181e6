"""The plate around a drum counter: frame, decimal marks, place values, unit, holes for single wheels."""

from itertools import pairwise
from typing import Protocol

import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Canvas, Colour, Image, Mask, chance, pick
from recognizer.synth.labels import Setting
from recognizer.synth.surface import cover_glass, plate_surface

PLATES: tuple[Colour, ...] = (
    (222, 224, 222), (205, 208, 205), (185, 186, 184), (160, 164, 165), (190, 205, 215), (215, 205, 190),
    (120, 122, 120),
    (50, 50, 50), (26, 26, 28), (235, 236, 236), (150, 190, 210), (200, 190, 175),
)  # fmt: skip
WATER_UNITS = ("m3", "m3", "m\u00b3", "M3", "m")
UNITS = (*WATER_UNITS, "kWh", "kWh", "kWh", "kWh")


class Mounted(Protocol):
    """What of a counter's looks concerns its plate; ``recognizer.synth.drum.DrumStyle`` has it."""

    @property
    def decimals(self) -> int: ...
    @property
    def mark(self) -> str: ...
    @property
    def holes(self) -> bool: ...
    @property
    def band(self) -> bool: ...


def mount_counter(
    rng: np.random.Generator,
    window: Canvas,
    cells: list[tuple[int, int]],
    style: Mounted,
    setting: Setting,
) -> tuple[Image, tuple[int, int]]:
    """The finished picture and where in it the window's top-left corner is."""
    h, w = window.shape[:2]
    decimals, mark, holes = style.decimals, style.mark, style.holes
    side, above, below = (round(h * rng.uniform(0.35, 1.1)) for _ in range(3))
    band = style.band or (not holes and float(window.mean()) < 90 and chance(rng, 0.35))
    right = round(h * rng.uniform(1.5, 2.6)) if band else side
    if style.band:
        side = round(h * rng.uniform(0.35, 2.0))
    colour = setting.plate or ink.jitter(rng, pick(rng, PLATES), 10)
    canvas = plate_surface(rng, h + above + below, side + w + right, colour, flat=setting.in_face)
    dark_plate = sum(colour) < 330
    print_colour: Colour = (225, 228, 228) if dark_plate else pick(rng, ((30, 30, 32), (60, 60, 62), (20, 20, 20)))
    _frame(rng, canvas, (side, above, side + w, above + h), colour, print_colour)
    if band:
        units, most = (WATER_UNITS, 2.0) if style.band else (_units(setting), 0.4)
        tone = float(np.median(window)) if style.band and chance(rng, 0.6) else None
        _band(rng, canvas, (side, above, side + w, above + h), units, tone, most)
    canvas[above : above + h, side : side + w] = window
    first = len(cells) - decimals
    if holes:
        _cover_gaps(rng, canvas, cells, side, above, h, colour)
    red: Colour = ink.jitter(rng, pick(rng, ((40, 40, 200), (50, 90, 235), (60, 50, 170))), 8)
    mask: Mask = np.zeros(canvas.shape[:2], np.uint8)
    if decimals:
        x = side + (cells[first - 1][1] + cells[first][0]) / 2
        if "comma" in mark:
            _comma(rng, canvas, x, above, h, print_colour, holes)
        elif mark == "notch":
            _notch(canvas, side + cells[first - 1][1], side + cells[first][0], above, h, colour)
        if "box" in mark or (mark in ("colour", "none") and chance(rng, 0.12)):
            _box(rng, canvas, (side + cells[first][0], above, side + w, above + h), red)
    _print(rng, mask, cells, decimals, (side, above, h), () if band else _units(setting), setting.in_face)
    ink.paint(canvas, mask, print_colour, float(rng.uniform(0.6, 1)))
    if not setting.in_face:
        cover_glass(rng, canvas, h * 0.8)
    return ink.to_image(canvas), (side, above)


def _frame(rng: np.random.Generator, canvas: Canvas, box: ink.Rect, plate: Colour, print_colour: Colour) -> None:
    """A printed outline, a raised bezel or just the edge of the cut-out."""
    x0, y0, x1, y1 = box
    h = y1 - y0
    kind = pick(rng, ("outline", "outline", "bezel", "cut", "cut", "field"))
    t = max(1, round(h * rng.uniform(0.03, 0.16)))
    if kind == "outline":
        gap = round(h * rng.uniform(0.0, 0.12))
        mask: Mask = np.zeros(canvas.shape[:2], np.uint8)
        a, b = (x0 - gap - t, y0 - gap - t), (x1 + gap + t, y1 + gap + t)
        ink.stroke(mask, np.array([a, (b[0], a[1]), b, (a[0], b[1])]), t, closed=True)
        ink.paint(canvas, mask, print_colour)
    elif kind == "bezel":
        canvas[max(0, y0 - t) : y1 + t, max(0, x0 - t) : x1 + t] = ink.shade(plate, 0.75)
        canvas[y1 : y1 + t, max(0, x0 - t) : x1 + t] = ink.shade(plate, 1.15)
        canvas[max(0, y0 - t) : y0, max(0, x0 - t) : x1 + t] = ink.shade(plate, 0.5)
    elif kind == "field":  # the counter stands in a dark field wider than itself
        wide, high = round(h * rng.uniform(0.05, 0.3)), round(h * rng.uniform(0.02, 0.2))
        canvas[max(0, y0 - high) : y1 + high, max(0, x0 - wide) : x1 + wide] = pick(
            rng, ((25, 25, 27), (45, 45, 48), ink.shade(plate, 0.4))
        )
    else:
        canvas[max(0, y0 - 1) : y1 + 1, max(0, x0 - 1) : x1 + 1] = ink.shade(plate, float(rng.uniform(0.3, 0.7)))


def _band(
    rng: np.random.Generator,
    canvas: Canvas,
    box: ink.Rect,
    units: tuple[str, ...],
    tone: float | None,
    most_before: float,
) -> None:
    """A dark band in which the wheels and the unit beside them stand, as if the unit were two more wheels.

    It begins at most ``most_before`` heights before the first wheel; ``tone`` None: drawn by lot.
    """
    x0, y0, x1, y1 = box
    h = y1 - y0
    high, end = round(h * rng.uniform(0.0, 0.12)), canvas.shape[1] - round(h * rng.uniform(0.0, 0.3))
    tone = float(rng.uniform(18, 60)) if tone is None else tone
    canvas[max(0, y0 - high) : y1 + high, max(0, x0 - round(h * rng.uniform(0.05, most_before))) : end] = tone
    unit = ink.text_stamp(pick(rng, units), max(5, round(h * rng.uniform(0.4, 0.75))), pick(rng, (500, 700)))
    mask: Mask = np.zeros(canvas.shape[:2], np.uint8)
    ink.stamp(mask, unit, x1 + h * rng.uniform(0.2, 0.7), y0 + (h - unit.shape[0]) * rng.uniform(0.3, 0.8))
    ink.paint(canvas, mask, (225, 228, 228), float(rng.uniform(0.6, 1)))


def _units(setting: Setting) -> tuple[str, ...]:
    return UNITS if setting.water is None else WATER_UNITS if setting.water else ("kWh",)


def _cover_gaps(
    rng: np.random.Generator, canvas: Canvas, cells: list[tuple[int, int]], x: int, y: int, h: int, plate: Colour
) -> None:
    """The plate shows between wheels that have an opening each; its edge casts a shadow to one side."""
    light = float(rng.uniform(0.9, 1.08))
    for (_, end), (start, _) in pairwise(cells):
        if start > end:
            canvas[y : y + h, x + end : x + start] = ink.shade(plate, light)
            canvas[y : y + h, x + start : x + start + max(1, h // 24)] *= 0.6


def _comma(rng: np.random.Generator, canvas: Canvas, x: float, y: int, h: int, colour: Colour, between: bool) -> None:
    """A printed comma at the foot of the gap, or just below it where wheels stand close."""
    mask: Mask = np.zeros(canvas.shape[:2], np.uint8)
    r = h * rng.uniform(0.05, 0.1)
    cy = y + h + (r * rng.uniform(0.6, 1.6) if not between or chance(rng, 0.5) else -r)
    shape = np.array([(-r * 0.8, -r), (r, -r), (r, r * 0.4), (-r * 0.9, r * 2.4), (-r * 0.2, r * 0.6)])
    if chance(rng, 0.3):
        shape = np.array([(-r, r), (0, -r * 0.8), (r, r)])  # a pointer instead
    ink.polygon(mask, ink.fixed(shape + (x, cy)))
    ink.paint(canvas, mask, colour)


def _notch(canvas: Canvas, left: int, right: int, y: int, h: int, plate: Colour) -> None:
    """A bar of the plate before the decimals, widening to a foot below the window."""
    canvas[y : y + h, left:right] = ink.shade(plate, 0.95)
    mask: Mask = np.zeros(canvas.shape[:2], np.uint8)
    foot = max(2.0, h * 0.12)
    middle = (left + right) / 2
    ink.polygon(
        mask, ink.fixed(np.array([(middle, y + h - 2.2 * foot), (middle + foot, y + h), (middle - foot, y + h)]))
    )
    ink.paint(canvas, mask, ink.shade(plate, 0.97))


def _box(rng: np.random.Generator, canvas: Canvas, box: ink.Rect, red: Colour) -> None:
    """A coloured frame around the decimals: an outline, an open bracket, or a field behind the openings."""
    x0, y0, x1, y1 = box
    h = y1 - y0
    t = max(1, round(h * rng.uniform(0.04, 0.12)))
    gap = h * rng.uniform(0.0, 0.12) + t / 2
    corners = np.array([(x0, y0 - gap), (x1 + gap, y0 - gap), (x1 + gap, y1 + gap), (x0, y1 + gap)])
    mask: Mask = np.zeros(canvas.shape[:2], np.uint8)
    ink.stroke(mask, corners, t, closed=chance(rng, 0.7))
    ink.paint(canvas, mask, red)


def _print(
    rng: np.random.Generator,
    mask: Mask,
    cells: list[tuple[int, int]],
    decimals: int,
    corner: tuple[int, int, int],
    units: tuple[str, ...],
    in_face: bool,
) -> None:
    """Unit to the right, place values over or under the wheels, letters before the window, a line of text."""
    x, y, h = corner
    right = x + cells[-1][1]
    if units and chance(rng, 0.6):
        unit = ink.text_stamp(pick(rng, units), max(5, round(h * rng.uniform(0.25, 0.55))), pick(rng, (400, 500, 700)))
        ink.stamp(mask, unit, right + h * rng.uniform(0.1, 0.3), y + h * rng.uniform(0.1, 0.9) - unit.shape[0] / 2)
    if chance(rng, 0.3):
        whole = len(cells) - decimals
        size = max(5, round(h * rng.uniform(0.1, 0.17)))
        row = y - size - h * rng.uniform(0.06, 0.12) if chance(rng, 0.5) else y + h * rng.uniform(1.06, 1.12)
        for i, (a, b) in enumerate(cells):
            place = str(10 ** (whole - 1 - i)) if i < whole else "0." + "0" * (i - whole) + "1"
            tag = ink.text_stamp(place, size, 400)
            if tag.shape[1] < (b - a) * 1.2:
                ink.stamp(mask, tag, x + (a + b - tag.shape[1]) / 2, row)
    if chance(rng, 0.2):
        letter = ink.text_stamp(pick(rng, ("H", "V", "N", "A", "B")), max(5, round(h * 0.4)), 500)
        ink.stamp(mask, letter, x - letter.shape[1] - h * rng.uniform(0.15, 0.3), y + h * 0.3)
    for row in (y - h * rng.uniform(0.3, 0.7), y + h * rng.uniform(1.2, 1.4)):
        if chance(rng, 0.4) and not in_face:
            words = pick(
                rng,
                (
                    "14 0056707",
                    "WATTHOUR-METER",
                    "No. 35074682",
                    "Qn=1.5 m3/h",
                    "1 PHASE 2 WIRE",
                    "CB-15-110",
                    "220V 50Hz",
                ),
            )
            line = ink.text_stamp(words, max(5, round(h * rng.uniform(0.16, 0.35))), pick(rng, (300, 500, 700)))
            ink.stamp(mask, line, x + rng.uniform(0, 0.4) * cells[-1][1], row)
