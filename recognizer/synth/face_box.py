"""An electricity meter from the front: body, hood, plate, print, buttons, terminal cover."""

import cv2
import numpy as np

from recognizer.synth import ink, prints
from recognizer.synth.faces import BODIES, Face, display_area, light, panel_width, set_display
from recognizer.synth.ink import Colour, Image, Mask, chance, pick
from recognizer.synth.labels import Strip

WEIGHTS = (300, 400, 500, 600, 800)


def box_face(rng: np.random.Generator, strip: Strip | None, plate: Colour, width: float, limit: int) -> Face:
    """An electricity meter from the front: body, cover, plate, print, buttons, terminal cover."""
    w = min(limit, round(max(width * rng.uniform(1.25, 3.2), panel_width(strip, width) * rng.uniform(1.12, 1.3))))
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
    room_x = max(0.0, 0.46 - panel_width(strip, width) / w / 2)
    cx = w * (0.5 + rng.uniform(-room_x, room_x) * 0.6)
    cy = floor * rng.uniform(0.22, 0.55)
    room = prints.Room()
    room.take(*display_area(strip, cx, cy, width))
    _box_print(rng, image, (rim, rim, w - rim, floor - rim), room, plate)
    quad = panel = None
    if strip is not None:
        scale = width / max(1.0, float(strip.quad[1, 0] - strip.quad[0, 0]))
        quad, panel = set_display(image, strip, cx, cy, scale)
    if chance(rng, 0.35):
        _clear_cover(rng, image, rim)
    return Face(light(rng, image), cover, quad, panel)


def _box_print(rng: np.random.Generator, image: Image, area: ink.Rect, room: prints.Room, plate: Colour) -> None:
    """Lines of print, lamps, buttons, a number with its barcode, labels, screws, wherever there is room."""
    x0, y0, x1, y1 = area
    w, h = x1 - x0, y1 - y0
    dark: Colour = (40, 40, 43) if sum(plate) > 330 else (215, 218, 218)

    def spot(width: float, height: float) -> tuple[float, float] | None:
        """A free place of that size, found in a few tries."""
        for _ in range(4):
            x = x0 + rng.uniform(0.03, max(0.04, 0.97 - width / w)) * w
            y = y0 + rng.uniform(0.03, max(0.04, 0.97 - height / h)) * h
            if room.take(x, y, x + width, y + height):
                return float(x), float(y)
        return None

    if chance(rng, 0.5):
        bar_w, bar_h = w * rng.uniform(0.25, 0.5), min(h * 0.2, w * rng.uniform(0.04, 0.08))
        if at := spot(bar_w * 1.1, bar_h * 1.5):
            prints.barcode(rng, image, at[0], at[1] + bar_h * 0.1, bar_w, bar_h, dark)
    if chance(rng, 0.3):
        label_w, label_h = w * rng.uniform(0.2, 0.4), w * rng.uniform(0.05, 0.12)
        if at := spot(label_w, label_h):
            prints.sticker(rng, image, *at, label_w, label_h)
    if chance(rng, 0.12) and (at := spot(min(h, w) * 0.17, min(h, w) * 0.17)):
        prints.matrix_code(rng, image, *at, min(h, w) * 0.16)
    if chance(rng, 0.35):
        r = w * rng.uniform(0.03, 0.08)
        if at := spot(2.4 * r, 2.4 * r):
            colour = pick(rng, ((180, 80, 20), (40, 40, 42), (60, 170, 220), (200, 200, 200)))
            prints.disc(image, at[0] + 1.2 * r, at[1] + 1.2 * r, r * 1.15, ink.shade(plate, 0.6))
            prints.disc(image, at[0] + 1.2 * r, at[1] + 1.2 * r, r, colour)
    for _ in range(int(rng.integers(0, 4))):
        r = w * rng.uniform(0.008, 0.02)
        if at := spot(3 * r, 3 * r):
            prints.lamp(rng, image, at[0] + 1.5 * r, at[1] + 1.5 * r, r)
    size = w * float(rng.uniform(0.022, 0.045))
    for _ in range(int(rng.integers(2, 11))):
        mark = ink.text_stamp(
            prints.serial_or_line(rng, water=False), max(4, round(size * rng.uniform(0.7, 1.7))), pick(rng, WEIGHTS)
        )
        if mark.shape[1] < w * 0.95 and (at := spot(mark.shape[1], mark.shape[0] * 1.5)):
            prints.lay(image, mark, *at, pick(rng, (dark, dark, dark, dark, (50, 45, 190), (170, 70, 30))))
    if chance(rng, 0.4):
        for x, y in ((x0 + w * 0.04, y0 + h * 0.05), (x1 - w * 0.04, y0 + h * 0.05), (x0 + w * 0.04, y1 - h * 0.05)):
            prints.screw(rng, image, x, y, w * 0.018)


def rounded(h: int, w: int, r: int) -> Mask:
    """Full coverage with round corners."""
    mask: Mask = np.zeros((h, w), np.uint8)
    cv2.rectangle(mask, (r, 1), (w - 1 - r, h - 2), 255, -1)
    cv2.rectangle(mask, (1, r), (w - 2, h - 1 - r), 255, -1)
    for x, y in ((r, r), (w - 1 - r, r), (r, h - 1 - r), (w - 1 - r, h - 1 - r)):
        cv2.circle(mask, (x, y), r, 255, -1, cv2.LINE_AA)
    return mask


def _clear_cover(rng: np.random.Generator, image: Image, rim: int) -> None:
    """A transparent hood: bright lines along its bent edges, a mirrored band over the plate."""
    h, w = image.shape[:2]
    mask: Mask = np.zeros((h, w), np.uint8)
    for inset in (rim * 0.4, rim * rng.uniform(0.9, 2.0)):
        ring = np.array([(inset, inset), (w - inset, inset), (w - inset, h - inset), (inset, h - inset)])
        ink.stroke(mask, ring, max(1.0, rim * rng.uniform(0.1, 0.4)), int(rng.integers(60, 220)), closed=True)
    if chance(rng, 0.5):
        x, wide, lean = rng.uniform(0, w), w * rng.uniform(0.03, 0.2), w * rng.uniform(-0.3, 0.3)
        ink.polygon(
            mask,
            ink.fixed(np.array([(x, 0), (x + wide, 0), (x + wide + lean, h), (x + lean, h)])),
            int(rng.integers(20, 90)),
        )
    soft = np.asarray(cv2.blur(mask, (3, 3)), np.uint8)
    prints.lay(image, soft, 0, 0, (245, 246, 246), float(rng.uniform(0.4, 0.9)))
