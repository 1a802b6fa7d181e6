"""One LCD or LED display with its surroundings: panel, digits, ghosts, marks, bezel and plate."""

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Mask, chance, pick
from recognizer.synth.labels import ALONE, Glyph, Setting, Strip, rectangle
from recognizer.synth.lcd_panel import draw_panel, mount_panel
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.marks import draw_marks, draw_unit
from recognizer.synth.segments import Pen


def sample_text(rng: np.random.Generator) -> str:
    """A register value: mostly five to eight digits, often with leading zeros, none to three decimals."""
    n = pick(rng, (3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9))
    decimals = min(pick(rng, (0, 0, 0, 1, 1, 1, 2, 2, 2, 3)), n - 1)
    digits = [str(d) for d in rng.integers(0, 10, n)]
    whole = n - decimals
    if chance(rng, 0.6):  # zeros in front
        for i in range(int(rng.integers(0, whole))):
            digits[i] = "0"
    elif digits[0] == "0" and whole > 1:
        digits[0] = str(int(rng.integers(1, 10)))
    if chance(rng, 0.08):  # runs of one digit teach to count
        a = int(rng.integers(0, n))
        digits[a : a + 3] = [digits[a]] * len(digits[a : a + 3])
    text = "".join(digits)
    return text[:whole] + "." + text[whole:] if decimals else text


def render_lcd(
    rng: np.random.Generator,
    style: LcdStyle | None = None,
    text: str | None = None,
    height: int | None = None,
    lit: bool = True,
    setting: Setting = ALONE,
) -> Strip:
    """A display as it stands in its plate. ``height`` is of the digits, in pixels; ``lit=False`` is switched off.

    The quad is tight around the lit value digits. On a display that is off it is where they would stand.
    """
    style = style or LcdStyle.sample(rng)
    text = sample_text(rng) if text is None else text
    height = height or int(rng.integers(26, 66))
    pen = Pen(style.cut, height)
    layout = _layout(rng, style, text, pen)
    blanks = int(rng.integers(0, 4)) if chance(rng, 0.35) else 0
    row = layout[-1][1] + pen.width + style.cut.slant * height
    left = round(height * (rng.uniform(0.1, 0.7) + blanks * style.pitch + (0.9 if chance(rng, 0.15) else 0.0)))
    right = round(height * (rng.uniform(0.1, 0.5) if chance(rng, 0.45) else rng.uniform(0.6, 2.0)))
    top = round(height * (rng.uniform(0.12, 0.35) if chance(rng, 0.45) else rng.uniform(0.4, 1.3)))
    bottom = round(height * (rng.uniform(0.12, 0.35) if chance(rng, 0.5) else rng.uniform(0.35, 1.0)))
    w, h = left + round(row) + right, top + height + bottom

    mask: Mask = np.zeros((h, w), np.uint8)
    ghost: Mask | None = np.zeros((h, w), np.uint8) if style.ghost else None
    boxes = _draw_digits(rng, style, layout, pen, (mask, ghost), (left, top))
    if ghost is not None:
        for i in range(blanks):
            pen.draw(ghost, ghost, " ", left - (i + 1) * style.pitch * height, top)
    x0, x1 = boxes[0][1], boxes[-1][2]
    draw_marks(rng, mask, (round(x0), top, round(x1), top + height), style.cut, ghost)
    if style.small_decimals < 0.7 and "." in text and chance(rng, 0.5):  # the unit stands above the decimals
        room = height * (0.95 - style.small_decimals)
        draw_unit(rng, mask, boxes[-1][1] - height * rng.uniform(0.0, 0.4), top, room)

    panel = draw_panel(rng, style, mask, ghost, lit)
    strip = mount_panel(rng, panel, height, setting)
    dx, dy = strip.panel[0], strip.panel[1]
    quad = rectangle(x0 + dx, top + dy, x1 + dx, top + height + dy)
    span = max(1e-6, x1 - x0)
    glyphs = [Glyph(c, (a - x0) / span, (b - x0) / span) for c, a, b in boxes]
    return Strip(strip.image, quad, text if lit else "", "lcd", glyphs if lit else [], strip.panel, lit)


def digit_row(rng: np.random.Generator, style: LcdStyle, text: str, height: int) -> tuple[Mask, Mask, int, int]:
    """The bare digits as masks of lit and unlit segments, and where the row begins and ends in them.

    The masks are as high as the digits; marks of a comma below the line are cut off.
    """
    pen = Pen(style.cut, height)
    layout = _layout(rng, style, text, pen)
    side = height // 2
    width = round(layout[-1][1] + pen.width + style.cut.slant * height) + 2 * side
    mask, ghost = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    boxes = _draw_digits(rng, style, layout, pen, (mask, ghost), (side, 0))
    return mask, ghost, round(boxes[0][1]), round(boxes[-1][2])


def _layout(rng: np.random.Generator, style: LcdStyle, text: str, pen: Pen) -> list[tuple[str, float, float]]:
    """(character, x, size) for each character; a point stands at the x of the gap before the next digit."""
    out: list[tuple[str, float, float]] = []
    x, size = 0.0, 1.0
    for char in text:
        if char == ".":
            x += style.point_room * pen.height
            out.append((".", x, 1.0))
            size = style.small_decimals
        else:
            out.append((char, x, size))
            x += style.pitch * pen.height * size
    return out


def _draw_digits(
    rng: np.random.Generator,
    style: LcdStyle,
    layout: list[tuple[str, float, float]],
    pen: Pen,
    masks: tuple[Mask, Mask | None],
    at: tuple[int, int],
) -> list[tuple[str, float, float]]:
    mask, ghost = masks
    left, top = at
    h = pen.height
    small = Pen(style.cut, h * style.small_decimals) if style.small_decimals < 1 else pen
    patchy = chance(rng, 0.1)  # a tired driver or a cold panel: digits of unlike strength
    faint = int(rng.integers(110, 256)) if chance(rng, 0.4) else 255  # small decimals often come out weaker
    gap = (style.pitch - style.cut.aspect) * h
    boxes: list[tuple[str, float, float]] = []
    for char, x, size in layout:
        level = int(rng.integers(130, 256)) if patchy else 255
        if char == ".":
            r = min(style.point_size * h, max(gap * 0.8 + style.point_room * h, 2.0))
            cx = left + x - gap / 2 - style.point_room * h / 2 + style.cut.slant * r * 0.5
            if style.point_shown:
                draw_point(mask, style.point, cx, top + h - r / 2, r)
            boxes.append((".", cx - r / 2, cx + r / 2))
        else:
            tool = small if size < 1 else pen
            strength = min(level, faint) if size < 1 else level
            a, b = tool.draw(mask, ghost, char, left + x, top + h - tool.height, strength)
            boxes.append((char, a, b))
    return boxes


def draw_point(mask: Mask, shape: str, cx: float, cy: float, r: float) -> None:
    """The decimal point in a box of side r around cx, cy; some makes print a comma or a short bar."""
    a = r / 2
    if shape == "round":
        cv2.circle(mask, (round(cx * 16), round(cy * 16)), max(8, round(a * 16)), 255, -1, cv2.LINE_AA, 4)
        return
    points = {
        "square": [(-a, -a), (a, -a), (a, a), (-a, a)],
        "bar": [(-a * 0.6, -a * 1.6), (a * 0.6, -a * 1.6), (a * 0.6, a), (-a * 0.6, a)],
        "comma": [(-a * 0.5, -a), (a, -a), (a, 0), (-a * 0.6, a * 2.2)],
    }[shape]
    ink.polygon(mask, ink.fixed(np.array(points) + (cx, cy)))
