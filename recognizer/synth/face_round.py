"""A water meter from above: ring, disc, counter, star, pointers, print, an open lid."""

import cv2
import numpy as np

from recognizer.synth import ink, prints
from recognizer.synth.faces import Face, display_area, light, panel_width, set_display
from recognizer.synth.ink import Colour, Image, Mask, chance, pick
from recognizer.synth.labels import QuadArray, Strip

RINGS: tuple[Colour, ...] = (
    (70, 130, 180), (90, 150, 190), (60, 100, 140), (175, 178, 180), (130, 132, 135), (40, 40, 42), (25, 25, 26),
    (60, 40, 200),
    (190, 110, 30), (150, 80, 40), (200, 202, 204), (110, 120, 130),
)  # fmt: skip


def round_face(rng: np.random.Generator, strip: Strip | None, plate: Colour, width: float, limit: int) -> Face:
    """A water meter from above; ``width`` is the display's in pixels, ``limit`` the largest side drawn."""
    ratio = float(rng.uniform(1.5, 2.7))
    side = min(limit, round(max(width * ratio, panel_width(strip, width) * 1.3)))
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
        tone = ink.mix(ink.shade(ring, min(bright, 1.0)), (255, 255, 255), max(0.0, bright - 1))
        axes = (round(r - thick * 0.5),) * 2
        cv2.ellipse(
            image, (round(r), round(r)), axes, angle + turn, -25, 25, tone, max(1, round(thick * 0.4)), cv2.LINE_AA
        )
    prints.disc(image, r, r, r - thick, ink.shade(ring, 0.3))
    inner = r - thick * 1.12
    prints.disc(image, r, r, inner, plate)
    cy = r + float(rng.uniform(-0.42, 0.12)) * inner
    cx = r + float(rng.uniform(-0.06, 0.06)) * inner
    room = prints.Room()
    room.take(*display_area(strip, cx, cy, width))
    _water_print(rng, image, r, inner, room, plate)
    quad = panel = None
    if strip is not None:
        scale = width / max(1.0, float(strip.quad[1, 0] - strip.quad[0, 0]))
        quad, panel = set_display(image, strip, cx, cy, scale)
    if quad is not None and chance(rng, 0.2):
        _lid(rng, image, quad, r)
    return Face(light(rng, image), cover, quad, panel)


def _lid(rng: np.random.Generator, image: Image, quad: QuadArray, r: float) -> None:
    """The open lid, reaching in from the rim over print and pointers but not over the counter."""
    a = rng.uniform(0, 2 * np.pi)
    size = float(rng.uniform(0.5, 0.8)) * r
    middle = np.array([r, r]) + np.array([np.cos(a), np.sin(a)]) * (r + size * 0.35)
    low, high = quad.min(0) - 0.05 * r, quad.max(0) + 0.05 * r
    if float(np.hypot(*(np.clip(middle, low, high) - middle))) < size * 1.05:
        return
    colour = pick(rng, ((45, 42, 38), (70, 55, 40), (30, 30, 32), (150, 90, 40)))
    prints.disc(image, middle[0], middle[1], size, ink.shade(colour, 0.6))
    prints.disc(image, middle[0], middle[1], size * 0.94, colour)
    prints.disc(image, middle[0], middle[1], size * 0.55, pick(rng, ((60, 220, 235), (210, 215, 215), colour)))


def _water_print(
    rng: np.random.Generator, image: Image, r: float, inner: float, room: prints.Room, plate: Colour
) -> None:
    """Star, pointers, texts and barcode on the disc around the counter's place."""
    dark: Colour = (35, 35, 38) if sum(plate) > 330 else (220, 222, 222)
    accent = pick(rng, (dark, dark, (60, 50, 190), (180, 90, 30), (60, 130, 40)))

    def spot(width: float, height: float) -> tuple[float, float] | None:
        """Middle of a free place of that size inside the disc, found in a few tries."""
        for _ in range(5):
            reach = inner * 0.92 - float(np.hypot(width, height)) / 2
            if reach <= 0:
                return None
            a, d = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.random())
            x, y = r + d * float(np.cos(a)), r + d * float(np.sin(a))
            if room.take(x - width / 2, y - height / 2, x + width / 2, y + height / 2):
                return x, y
        return None

    if chance(rng, 0.75):
        size = inner * float(rng.uniform(0.08, 0.16))
        if at := spot(2.2 * size, 2.2 * size):
            prints.star(rng, image, *at, size)
    size = inner * float(rng.uniform(0.12, 0.2))
    for _ in range(pick(rng, (0, 1, 1, 2, 4))):
        if at := spot(2.6 * size, 2.6 * size):
            prints.dial(rng, image, *at, size, plate)
    if chance(rng, 0.3) and (at := spot(inner * 0.75, inner * 0.25)):
        prints.barcode(rng, image, at[0] - inner * 0.35, at[1] - inner * 0.1, inner * 0.7, inner * 0.14, dark)
    if chance(rng, 0.25):
        size = inner * float(rng.uniform(0.12, 0.22))
        if at := spot(2 * size, 2 * size):
            paper: Colour = pick(rng, ((200, 120, 30), (235, 236, 236), (60, 60, 210), (235, 236, 236)))
            prints.disc(image, *at, size, paper)
            prints.disc(image, *at, size, ink.shade(paper, 0.75), 1)
    for _ in range(int(rng.integers(1, 8))):
        height = max(4, round(inner * rng.uniform(0.06, 0.14)))
        mark = ink.text_stamp(prints.serial_or_line(rng, water=True), height, pick(rng, (300, 500, 700)))
        if at := spot(mark.shape[1], mark.shape[0] * 1.4):
            colour = pick(rng, (dark, accent))
            prints.lay(image, mark, at[0] - mark.shape[1] / 2, at[1] - mark.shape[0] / 2, colour)
