"""Meter faces around a display: round water meters and rectangular electricity meters, upright, with coverage."""

from dataclasses import dataclass

import cv2
import numpy as np

from recognizer.synth import ink, prints
from recognizer.synth.ink import Colour, Image, Mask, chance, pick
from recognizer.synth.labels import QuadArray, Strip

RINGS: tuple[Colour, ...] = (
    (70, 130, 180), (90, 150, 190), (60, 100, 140), (175, 178, 180), (130, 132, 135), (40, 40, 42), (25, 25, 26), (60, 40, 200),
    (190, 110, 30), (150, 80, 40), (200, 202, 204), (110, 120, 130),
)  # fmt: skip
DISCS: tuple[Colour, ...] = (
    (228, 230, 230), (215, 218, 220), (235, 236, 232), (205, 215, 222), (190, 205, 215), (215, 205, 190), (60, 60, 62), (30, 30, 32),
)  # fmt: skip
BODIES: tuple[Colour, ...] = (
    (215, 217, 217), (195, 198, 198), (170, 175, 178), (185, 200, 208), (150, 152, 150), (120, 122, 120), (60, 60, 62), (35, 35, 37),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Face:
    """A drawn meter: picture, where it covers the background, and the display's corners in it."""

    image: Image
    cover: Mask
    quad: QuadArray | None
    panel: QuadArray | None


def plate_colour(rng: np.random.Generator, round_face: bool) -> Colour:
    return ink.jitter(rng, pick(rng, DISCS if round_face else BODIES), 9)


def set_display(image: Image, strip: Strip, cx: float, cy: float, scale: float) -> tuple[QuadArray, QuadArray]:
    """Put a strip on the face with its panel's middle at cx, cy; its margin melts into the plate."""
    h, w = strip.image.shape[:2]
    size = (max(4, round(w * scale)), max(4, round(h * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    part = cv2.resize(strip.image, size, interpolation=way)
    kx, ky = size[0] / w, size[1] / h
    x0, y0, x1, y1 = strip.panel
    left, top = round(cx - (x0 + x1) / 2 * kx), round(cy - (y0 + y1) / 2 * ky)
    soft: Mask = np.zeros((size[1], size[0]), np.uint8)
    border = max(1, round(min(x0 * kx, y0 * ky) * 0.35))
    soft[border:-border, border:-border] = 255
    soft = np.asarray(cv2.blur(soft, (border, border)), np.uint8) if border > 1 else soft
    ax, ay = max(0, -left), max(0, -top)
    bx, by = min(size[0], image.shape[1] - left), min(size[1], image.shape[0] - top)
    if bx > ax and by > ay:
        area = image[top + ay : top + by, left + ax : left + bx]
        a = soft[ay:by, ax:bx].astype(np.float32) / 255
        area[:] = cv2.blendLinear(part[ay:by, ax:bx], area.copy(), a, 1 - a)
    move = np.array([left, top], np.float32)
    k = np.array([kx, ky], np.float32)
    panel = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    return strip.quad * k + move, panel * k + move


def light(rng: np.random.Generator, image: Image, amount: float = 0.25) -> Image:
    """Uneven light over a finished face, computed small and grown."""
    h, w = image.shape[:2]
    small = rng.uniform(1 - amount, 1 + amount * 0.7, (3, 3)).astype(np.float32)
    grown = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(image, cv2.merge((grown, grown, grown)), dtype=cv2.CV_8U), np.uint8)


def round_face(rng: np.random.Generator, strip: Strip | None, plate: Colour, width: float, limit: int) -> Face:
    """A water meter from above; ``width`` is the display's in pixels, ``limit`` the largest side drawn."""
    ratio = float(rng.uniform(1.5, 2.7))
    side = min(limit, round(width * ratio))
    r = side / 2
    image: Image = np.empty((side, side, 3), np.uint8)
    ring = ink.jitter(rng, pick(rng, RINGS), 12)
    image[:] = tuple(round(c) for c in ink.shade(ring, 0.8))
    cover: Mask = np.zeros((side, side), np.uint8)
    prints.disc(cover[..., None], r, r, r - 1, (255, 255, 255))
    thick = float(rng.uniform(0.05, 0.17)) * r
    prints.disc(image, r, r, r - thick * 0.25, ring)
    angle = float(rng.uniform(0, 360))
    for turn, bright in ((0, 1.5), (180, 1.3), (90, 0.6)):  # metal mirrors the lamps and the dark room
        colour = tuple(min(255.0, c * bright) for c in ring)
        axes = (round(r - thick * 0.5),) * 2
        cv2.ellipse(
            image, (round(r), round(r)), axes, angle + turn, -25, 25, colour, max(1, round(thick * 0.4)), cv2.LINE_AA
        )
    prints.disc(image, r, r, r - thick, ink.shade(ring, 0.3))
    inner = r - thick * 1.12
    prints.disc(image, r, r, inner, plate)
    cy = r + float(rng.uniform(-0.42, 0.12)) * inner
    _water_print(rng, image, r, inner, cy, plate, width)
    quad = panel = None
    if strip is not None:
        scale = width / max(1.0, float(strip.quad[1, 0] - strip.quad[0, 0]))
        quad, panel = set_display(image, strip, r + float(rng.uniform(-0.06, 0.06)) * inner, cy, scale)
    if chance(rng, 0.3):
        spot = float(rng.uniform(0.12, 0.25)) * inner
        colour = pick(rng, ((200, 120, 30), (235, 236, 236), (60, 60, 210), (235, 236, 236)))
        prints.disc(image, r + rng.uniform(-0.6, 0.6) * inner, max(r, cy + 0.35 * inner) + 0.25 * inner, spot, colour)
    return Face(light(rng, image), cover, quad, panel)


def _water_print(
    rng: np.random.Generator, image: Image, r: float, inner: float, cy: float, plate: Colour, width: float
) -> None:
    """Texts, star, dials and barcode around the counter's place."""
    dark: Colour = (35, 35, 38) if sum(plate) > 330 else (220, 222, 222)
    accent = pick(rng, (dark, dark, (60, 50, 190), (180, 90, 30), (60, 130, 40)))
    gap = max(8.0, width * 0.14)
    for y in (cy - gap * 1.5, cy - gap * 2.2, cy + gap * 1.5, cy + gap * 2.1):
        if chance(rng, 0.6) and abs(y - r) < inner * 0.8:
            text = serial_or_line(rng)
            size = inner * rng.uniform(0.06, 0.15)
            mark = ink.text_stamp(text, max(4, round(size)), pick(rng, (300, 500, 700)))
            prints.lay(image, mark, r - mark.shape[1] / 2 + rng.uniform(-0.2, 0.2) * inner, y, accent)
    low = cy + inner * 0.3
    if chance(rng, 0.75):
        prints.star(
            rng,
            image,
            r + rng.uniform(-0.25, 0.1) * inner,
            min(low + rng.uniform(0, 0.2) * inner, r + inner * 0.5),
            inner * rng.uniform(0.08, 0.16),
        )
    for _ in range(pick(rng, (0, 1, 1, 2, 4))):
        a = rng.uniform(0.0, np.pi)
        x, y = r + np.cos(a) * inner * 0.6, r + np.sin(a) * inner * 0.62
        if y > low:
            prints.dial(rng, image, float(x), float(y), inner * float(rng.uniform(0.12, 0.2)), plate)
    if chance(rng, 0.3):
        prints.barcode(rng, image, r - inner * 0.4, cy - inner * 0.5, inner * 0.7, inner * 0.14, dark)


def serial_or_line(rng: np.random.Generator) -> str:
    return prints.serial(rng) if chance(rng, 0.35) else pick(rng, prints.LINES)


def box_face(rng: np.random.Generator, strip: Strip | None, plate: Colour, width: float, limit: int) -> Face:
    """An electricity meter from the front: body, cover, plate, print, buttons, terminal cover."""
    w = min(limit, round(width * rng.uniform(1.25, 3.2)))
    h = min(limit, round(w * rng.uniform(0.6, 1.7)))
    body = ink.jitter(rng, pick(rng, BODIES), 10)
    image: Image = np.empty((h, w, 3), np.uint8)
    image[:] = tuple(round(c) for c in ink.shade(body, 0.9))
    rim = max(2, round(w * rng.uniform(0.02, 0.08)))
    cover = rounded(h, w, rim if chance(rng, 0.7) else 1)
    floor = round(h * rng.uniform(0.65, 0.95)) if h > w * 0.8 else h - rim
    prints.box(image, rim // 2, rim // 2, w - rim // 2, floor, ink.shade(body, 1.08))
    prints.box(image, rim, rim, w - rim, floor - rim // 2, plate)
    prints.box(image, rim, rim, w - rim, floor - rim // 2, ink.shade(plate, 0.75), max(1, rim // 6))
    if floor < h - 4:
        lower = pick(rng, (body, (35, 35, 37), ink.shade(body, 0.7)))
        prints.box(image, 0, floor, w, h, lower)
        for x in np.arange(w * 0.12, w * 0.9, max(6.0, w * 0.1)):
            if chance(rng, 0.7):
                prints.box(image, x, floor + (h - floor) * 0.3, x + w * 0.05, h, ink.shade(lower, 0.4))
    cx = w * rng.uniform(0.42, 0.58) if width < w * 0.75 else w / 2
    cy = floor * rng.uniform(0.22, 0.55)
    _box_print(rng, image, (rim, rim, w - rim, floor - rim), (cx, cy), width, plate)
    quad = panel = None
    if strip is not None:
        scale = width / max(1.0, float(strip.quad[1, 0] - strip.quad[0, 0]))
        quad, panel = set_display(image, strip, cx, cy, scale)
    return Face(light(rng, image), cover, quad, panel)


def rounded(h: int, w: int, r: int) -> Mask:
    """Full coverage with round corners."""
    mask: Mask = np.zeros((h, w), np.uint8)
    cv2.rectangle(mask, (r, 1), (w - 1 - r, h - 2), 255, -1)
    cv2.rectangle(mask, (1, r), (w - 2, h - 1 - r), 255, -1)
    for x, y in ((r, r), (w - 1 - r, r), (r, h - 1 - r), (w - 1 - r, h - 1 - r)):
        cv2.circle(mask, (x, y), r, 255, -1, cv2.LINE_AA)
    return mask


def _box_print(
    rng: np.random.Generator, image: Image, area: ink.Rect, at: tuple[float, float], width: float, plate: Colour
) -> None:
    """Lines of print over and under the display, lamps, buttons, a number with its barcode, labels, screws."""
    x0, y0, x1, y1 = area
    w, h = x1 - x0, y1 - y0
    dark: Colour = (40, 40, 43) if sum(plate) > 330 else (215, 218, 218)
    text_height = w * float(rng.uniform(0.022, 0.05))
    y = y0 + text_height
    while y < y1 - text_height:
        near = abs(y - at[1]) < width * 0.22
        if not near and chance(rng, 0.65):
            x = x0 + w * rng.uniform(0.04, 0.5)
            size = text_height * rng.uniform(0.8, 1.7)
            prints.put_text(
                image,
                serial_or_line(rng),
                x,
                y,
                size,
                pick(rng, (dark, dark, dark, (50, 45, 190), (170, 70, 30))),
                pick(rng, (300, 400, 600, 800)),
            )
        y += text_height * rng.uniform(1.6, 3.0)
    low = at[1] + width * 0.3
    if chance(rng, 0.5) and low < y1 - h * 0.2:
        prints.barcode(
            rng,
            image,
            x0 + w * rng.uniform(0.05, 0.4),
            rng.uniform(low, y1 - h * 0.16),
            w * rng.uniform(0.25, 0.5),
            h * rng.uniform(0.05, 0.1),
            dark,
        )
    for _ in range(int(rng.integers(0, 4))):
        prints.lamp(
            rng,
            image,
            x0 + w * rng.uniform(0.05, 0.95),
            pick(rng, (low, y0 + h * 0.08)) + rng.uniform(0, 0.05) * h,
            w * rng.uniform(0.008, 0.02),
        )
    if chance(rng, 0.35):
        r = w * rng.uniform(0.03, 0.08)
        colour = pick(rng, ((180, 80, 20), (40, 40, 42), (60, 170, 220), (200, 200, 200)))
        bx, by = x0 + w * rng.uniform(0.1, 0.9), rng.uniform(min(low, y1 - r), y1 - r * 0.5)
        prints.disc(image, bx, by, r * 1.15, ink.shade(plate, 0.6))
        prints.disc(image, bx, by, r, colour)
    if chance(rng, 0.3):
        prints.sticker(
            rng,
            image,
            x0 + w * rng.uniform(0, 0.6),
            rng.uniform(low, max(low + 1, y1 - h * 0.15)),
            w * rng.uniform(0.2, 0.4),
            h * rng.uniform(0.06, 0.14),
        )
    if chance(rng, 0.12) and low < y1 - h * 0.25:
        prints.matrix_code(rng, image, x0 + w * rng.uniform(0.5, 0.75), low, min(h, w) * 0.16)
    if chance(rng, 0.4):
        for x, yy in ((x0 + w * 0.04, y0 + h * 0.05), (x1 - w * 0.04, y0 + h * 0.05), (x0 + w * 0.04, y1 - h * 0.05)):
            prints.screw(rng, image, x, yy, w * 0.018)
