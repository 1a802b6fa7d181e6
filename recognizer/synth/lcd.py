"""One LCD or LED display with its surroundings: panel, digits, ghosts, marks, bezel and plate."""

from dataclasses import dataclass

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Canvas, Colour, Mask, chance, pick
from recognizer.synth.marks import draw_marks
from recognizer.synth.segments import Cut, Pen
from recognizer.synth.surface import cover_glass, plate_surface
from recognizer.synth.labels import Glyph, Strip, rectangle

# (panel, ink) pairs seen on meters, BGR. Positive panels; faint ink comes from the contrast drawn later.
POSITIVE: tuple[tuple[Colour, Colour], ...] = (
    ((30, 220, 20), (10, 50, 10)), ((20, 200, 60), (10, 40, 20)), ((60, 190, 60), (20, 60, 30)),
    ((30, 130, 40), (10, 40, 15)), ((40, 225, 170), (20, 70, 50)), ((25, 200, 190), (10, 60, 60)),
    ((60, 230, 200), (15, 70, 60)), ((20, 165, 250), (20, 40, 90)), ((30, 120, 220), (20, 30, 80)),
    ((40, 190, 250), (20, 50, 90)), ((220, 230, 60), (90, 80, 10)), ((250, 170, 50), (130, 70, 20)),
    ((240, 220, 190), (110, 60, 40)), ((245, 240, 235), (60, 40, 30)), ((210, 200, 190), (70, 50, 45)),
    ((150, 165, 150), (40, 40, 35)), ((160, 175, 165), (60, 55, 50)), ((120, 140, 125), (35, 35, 30)),
    ((95, 110, 100), (35, 35, 35)), ((80, 95, 85), (25, 28, 28)), ((110, 150, 130), (40, 50, 45)),
    ((125, 165, 150), (40, 45, 40)), ((170, 180, 170), (90, 85, 85)), ((100, 85, 95), (40, 25, 35)),
    ((185, 195, 170), (60, 50, 40)), ((140, 150, 100), (50, 40, 20)), ((60, 70, 62), (20, 20, 22)),
)  # fmt: skip
NEGATIVE: tuple[tuple[Colour, Colour], ...] = (
    ((90, 30, 10), (250, 220, 190)), ((120, 40, 20), (255, 240, 220)), ((30, 26, 24), (235, 230, 225)),
    ((20, 45, 15), (120, 230, 140)), ((20, 20, 22), (90, 220, 250)), ((60, 20, 15), (240, 180, 120)),
)  # fmt: skip
LED: tuple[tuple[Colour, Colour], ...] = (
    ((18, 14, 30), (40, 30, 255)), ((20, 16, 26), (60, 60, 255)), ((16, 24, 16), (60, 255, 90)),
    ((14, 22, 18), (50, 255, 200)), ((24, 18, 16), (255, 150, 60)), ((16, 20, 26), (40, 170, 255)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LcdStyle:
    """What one model of display looks like; drawn once, it can show any text."""

    cut: Cut
    panel: Colour
    lit: Colour
    glow: float
    contrast: float
    ghost: float
    shadow: float
    pitch: float
    point: str  # square, round, comma, bar
    point_size: float
    point_room: float
    small_decimals: float

    @staticmethod
    def sample(rng: np.random.Generator) -> "LcdStyle":
        roll = rng.random()
        bank, glow = (POSITIVE, 0.0) if roll < 0.84 else (NEGATIVE, 0.3) if roll < 0.92 else (LED, 1.0)
        panel, lit = pick(rng, bank)
        panel = ink.shade(ink.jitter(rng, panel), float(rng.uniform(0.65, 1.08)))
        contrast = float(rng.uniform(0.75, 1.0)) if chance(rng, 0.55) else float(rng.uniform(0.25, 0.8))
        if bank is not POSITIVE:
            contrast = float(rng.uniform(0.75, 1.0))
        cut = Cut.sample(rng)
        return LcdStyle(
            cut=cut,
            panel=panel,
            lit=ink.jitter(rng, lit, 8.0),
            glow=glow,
            contrast=contrast,
            ghost=float(rng.uniform(0.02, 0.22)) if chance(rng, 0.45) else 0.0,
            shadow=float(rng.uniform(0.05, 0.4)) if chance(rng, 0.5) and bank is POSITIVE else 0.0,
            pitch=cut.aspect + float(rng.uniform(0.1, 0.34)),
            point=pick(rng, ("square", "square", "round", "round", "comma", "bar")),
            point_size=float(rng.uniform(0.09, 0.17)),
            point_room=float(rng.uniform(0.0, 0.12)) if chance(rng, 0.7) else float(rng.uniform(0.1, 0.3)),
            small_decimals=float(rng.uniform(0.55, 0.85)) if chance(rng, 0.14) else 1.0,
        )


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
    plate: Colour | None = None,
    lit: bool = True,
    glass: bool = True,
) -> Strip:
    """A display as it stands in its plate. ``height`` is of the digits, in pixels; ``lit=False`` is switched off;
    ``glass=False`` leaves out dirt and reflections, for who lays them over a whole face.

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

    panel = _panel(rng, style, mask, ghost, lit)
    strip = _mount(rng, panel, plate, height, glass)
    dx, dy = strip.panel[0], strip.panel[1]
    quad = rectangle(x0 + dx, top + dy, x1 + dx, top + height + dy)
    span = max(1e-6, x1 - x0)
    glyphs = [Glyph(c, (a - x0) / span, (b - x0) / span) for c, a, b in boxes]
    return Strip(strip.image, quad, text if lit else "", "lcd", glyphs if lit else [], strip.panel, lit)


def _layout(rng: np.random.Generator, style: LcdStyle, text: str, pen: Pen) -> list[tuple[str, float, float]]:
    """(character, x, size) for each character; a point stands at the x of the gap before the next digit."""
    out: list[tuple[str, float, float]] = []
    x, size = 0.0, 1.0
    for i, char in enumerate(text):
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
    gap = (style.pitch - style.cut.aspect) * h
    boxes: list[tuple[str, float, float]] = []
    for char, x, size in layout:
        level = int(rng.integers(130, 256)) if patchy else 255
        if char == ".":
            r = min(style.point_size * h, max(gap * 0.8 + style.point_room * h, 2.0))
            cx = left + x - gap / 2 - style.point_room * h / 2 + style.cut.slant * r * 0.5
            _point(mask, style.point, cx, top + h - r / 2, r)
            boxes.append((".", cx - r / 2, cx + r / 2))
        else:
            tool = small if size < 1 else pen
            a, b = tool.draw(mask, ghost, char, left + x, top + h - tool.height, level)
            boxes.append((char, a, b))
    return boxes


def _point(mask: Mask, shape: str, cx: float, cy: float, r: float) -> None:
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


def _panel(rng: np.random.Generator, style: LcdStyle, mask: Mask, ghost: Mask | None, lit: bool) -> Canvas:
    """The lit panel: backlight, ghosts, the digits' own shadow on the reflector, digits, bleeding light."""
    h, w = mask.shape
    uneven = rng.uniform(0.02, 0.35)
    canvas = ink.tint(ink.field(rng, h, w, 1 - uneven, 1 + uneven * 0.6, (3, 4)), style.panel)
    if not lit:
        if ghost is not None and chance(rng, 0.5):
            ink.paint(canvas, ghost, style.lit, style.ghost * 0.5)
        return canvas
    if ghost is not None:
        ink.paint(canvas, ghost, style.lit, style.ghost * style.contrast)
    if style.shadow:
        d = max(1.0, h * rng.uniform(0.008, 0.035))
        move = np.array([[1, 0, d * rng.uniform(-1, 1)], [0, 1, d]], np.float32)
        fall = cv2.warpAffine(mask, move, (w, h))
        ink.paint(canvas, cv2.blur(fall, (3, 3)), ink.shade(style.panel, 0.35), style.shadow)
    strength: float | np.ndarray = style.contrast
    if chance(rng, 0.4):  # a panel seen from the side fades towards one edge
        strength = np.clip(ink.field(rng, h, w, 0.65, 1.1, (2, 3)), 0.4, 1.0) * style.contrast
    soft = mask if chance(rng, 0.6) else cv2.GaussianBlur(mask, (3, 3), 0)
    ink.paint(canvas, soft * strength, style.lit)
    if style.glow:
        halo = cv2.GaussianBlur(cv2.resize(mask, (max(1, w // 4), max(1, h // 4))), (0, 0), max(1.0, h / 40))
        halo = cv2.resize(halo, (w, h)).astype(np.float32) / 255
        canvas += halo[..., None] * np.array(style.lit, np.float32) * (style.glow * rng.uniform(0.1, 0.7))
        if style.glow > 0.5:  # the core of a bright LED overexposes
            ink.paint(canvas, cv2.erode(mask, np.ones((3, 3))), (255, 255, 255), float(rng.uniform(0, 0.5)))
    return canvas


def _mount(rng: np.random.Generator, panel: Canvas, plate: Colour | None, height: int, glass: bool) -> Strip:
    """Set the panel into its bezel and the plate around it; the strip's ``panel`` is the visible glass."""
    h, w = panel.shape[:2]
    margin = round(height * rng.uniform(0.15, 0.9))
    colour = plate or ink.jitter(rng, pick(rng, PLATES))
    canvas = plate_surface(rng, h + 2 * margin, w + 2 * margin, colour)
    rim = max(1, round(height * rng.uniform(0.02, 0.16)))
    if chance(rng, 0.85):
        edge = pick(rng, (ink.shade(colour, 0.55), ink.shade(colour, 1.25), (40.0, 40.0, 42.0), (15.0, 15.0, 16.0)))
        a, b = margin - rim, margin + rim
        if a > 0:
            canvas[a : h + b, a : w + b] = edge
            canvas[a : a + rim, a : w + b] *= 0.8
            canvas[h + margin : h + b, a : w + b] *= 1.15
    if chance(rng, 0.7):  # the bezel stands above the glass and shades its rim
        depth = max(1, round(height * rng.uniform(0.03, 0.25)))
        ramp = np.linspace(rng.uniform(0.3, 0.85), 1.0, depth, dtype=np.float32)
        panel[:depth] *= ramp[:, None, None]
        side = panel[:, :depth] if chance(rng, 0.5) else panel[:, ::-1][:, :depth]
        side *= ramp[: side.shape[1]][None, :, None]
    canvas[margin : margin + h, margin : margin + w] = panel
    if glass:
        cover_glass(rng, canvas, height)
    box = (margin, margin, margin + w, margin + h)
    return Strip(ink.to_image(canvas), rectangle(*box), "", "lcd", [], box)


PLATES: tuple[Colour, ...] = (
    (215, 215, 212), (190, 192, 190), (160, 160, 158), (120, 118, 115), (60, 60, 62), (28, 28, 30), (200, 205, 215),
    (225, 222, 218), (175, 185, 190), (140, 150, 160), (235, 235, 235), (190, 170, 150),
)  # fmt: skip
