"""What stands behind and beside a meter: walls, cabinets, pipes, cables, wood, leaves."""

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.synth import ink, prints
from recognizer.synth.ink import Colour, Image, chance, pick

WALLS: tuple[Colour, ...] = (
    (200, 205, 208), (170, 185, 195), (130, 150, 170), (90, 110, 140), (60, 75, 95), (45, 48, 52), (25, 26, 30),
    (150, 150, 145),
    (120, 135, 120), (190, 190, 175), (90, 100, 105), (70, 95, 130), (215, 218, 220), (40, 50, 70),
    (160, 140, 110), (80, 120, 180),
)  # fmt: skip
PIPES: tuple[Colour, ...] = (
    (70, 130, 180), (150, 155, 158), (60, 65, 70), (45, 60, 110), (200, 203, 205), (40, 70, 40), (90, 110, 130),
    (150, 90, 40),
)  # fmt: skip
CABLES: tuple[Colour, ...] = (
    (40, 40, 42),
    (60, 60, 190),
    (180, 90, 40),
    (210, 212, 212),
    (70, 160, 80),
    (60, 190, 220),
    (90, 95, 100),
)


def draw_backdrop(rng: np.random.Generator, w: int, h: int) -> Image:
    """A procedural background of the given size."""
    image = _wall(rng, w, h)
    for _ in range(int(rng.integers(0, 7))):
        thing = pick(rng, (_panel, _panel, _pipe, _pipe, _cable, _cable, _blob, _label, _breaker))
        thing(rng, image)
    if chance(rng, 0.3):
        for _ in range(int(rng.integers(2, 6))):
            _cable(rng, image)
    if chance(rng, 0.15):
        k = float(rng.uniform(1, 4)) * min(w, h) / 400
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), k), np.uint8)
    return image


def _wall(rng: np.random.Generator, w: int, h: int) -> Image:
    """A surface with stains and texture, of one to three colours; planks, tiles or leaves now and then."""
    colour = ink.jitter(rng, pick(rng, WALLS), 16)
    spread = float(rng.uniform(0.08, 0.5))
    light = ink.field(rng, h, w, 1 - spread, 1 + spread * 0.6, (3, 3))
    rough = float(rng.uniform(0.0, 0.12))
    sigma = pick(rng, (0.8, 1.5, 3.0, 6.0))
    if rough > 0.01:
        light = light + ink.grain(rng, h, w, sigma) * rough
    canvas = ink.tint(np.maximum(light, 0.05).astype(np.float32), colour)
    if chance(rng, 0.25):  # patches of another colour: rust, damp, leaves, old paint
        other = ink.jitter(rng, pick(rng, WALLS if chance(rng, 0.7) else ((40, 110, 60), (30, 80, 50))), 16)
        patch = ink.grain(rng, (h + 7) // 8, (w + 7) // 8, pick(rng, (1.5, 3.0, 6.0)))
        edge = np.asarray(cv2.resize(patch, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)
        ink.paint(
            canvas,
            np.clip(edge * rng.uniform(80, 400) - rng.uniform(-200, 500), 0, 255),
            other,
            float(rng.uniform(0.3, 0.9)),
        )
    image = ink.to_image(canvas)
    roll = rng.random()
    if roll < 0.18:  # planks or tiles
        step = max(12, round(min(w, h) * rng.uniform(0.1, 0.4)))
        line = ink.shade(colour, float(rng.uniform(0.5, 0.9)))
        for y in range(int(rng.integers(step)), h, step):
            cv2.line(image, (0, y), (w, y), line, max(1, step // 30))
        if roll < 0.09:
            for x in range(int(rng.integers(step)), w, step):
                cv2.line(image, (x, 0), (x, h), line, max(1, step // 30))
    return image


def _size(image: Image) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _panel(rng: np.random.Generator, image: Image) -> None:
    """A board, door or box: a tilted rectangle with a light and a dark edge."""
    w, h = _size(image)
    middle = rng.uniform(0, 1, 2) * (w, h)
    a = rng.normal(0, 0.15) + (0 if chance(rng, 0.8) else rng.uniform(0, 3))
    u, v = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    x, y = rng.uniform(0.1, 0.7) * w * u, rng.uniform(0.1, 0.7) * h * v
    corners = np.array([middle - x - y, middle + x - y, middle + x + y, middle - x + y])
    colour = ink.jitter(rng, pick(rng, WALLS), 14)
    shadow = corners + min(w, h) * 0.015
    cv2.fillConvexPoly(image, ink.fixed(shadow), ink.shade(colour, 0.35), cv2.LINE_AA, 4)
    cv2.fillConvexPoly(image, ink.fixed(corners), colour, cv2.LINE_AA, 4)
    thick = max(1, round(min(w, h) * rng.uniform(0.003, 0.015)))
    cv2.polylines(image, [ink.fixed(corners[:3])], False, ink.shade(colour, 1.2), thick, cv2.LINE_AA, 4)
    cv2.polylines(image, [ink.fixed(corners[2:])], False, ink.shade(colour, 0.6), thick, cv2.LINE_AA, 4)


def _pipe(rng: np.random.Generator, image: Image) -> None:
    """A pipe through the picture: bands from dark over light to dark, a nut or two."""
    w, h = _size(image)
    colour = ink.jitter(rng, pick(rng, PIPES), 12)
    width = min(w, h) * float(rng.uniform(0.05, 0.22))
    a = float(rng.normal(0, 0.2)) + pick(rng, (0.0, np.pi / 2))
    middle = rng.uniform(0, 1, 2) * (w, h)
    along = np.array([np.cos(a), np.sin(a)]) * (w + h)
    tube(image, middle - along, middle + along, width, colour)
    if chance(rng, 0.6):
        short = along / (w + h) * width * rng.uniform(0.4, 0.8)
        tube(image, middle - short, middle + short, width * 1.35, ink.shade(colour, float(rng.uniform(0.7, 1.2))))


def tube(image: Image, a: NDArray[np.float64], b: NDArray[np.float64], width: float, colour: Colour) -> None:
    """A straight cylinder between two points."""
    side = np.array([-(b - a)[1], (b - a)[0]]) / max(1e-6, float(np.hypot(*(b - a))))
    for share, bright, shift in (
        (1.0, 0.4, 0.0),
        (0.85, 0.7, -0.03),
        (0.6, 0.95, -0.08),
        (0.3, 1.15, -0.13),
        (0.1, 1.35, -0.16),
    ):
        half, move = side * width * share / 2, side * width * shift
        corners = np.array([a - half, b - half, b + half, a + half]) + move
        tone = tuple(min(255.0, c * bright) for c in colour)
        cv2.fillConvexPoly(image, ink.fixed(np.clip(corners, -30000, 30000)), tone, cv2.LINE_AA, 4)


def _cable(rng: np.random.Generator, image: Image) -> None:
    w, h = _size(image)
    p = rng.uniform(-0.2, 1.2, (4, 2)) * (w, h)
    t = np.linspace(0, 1, 24)[:, None]
    curve = (1 - t) ** 3 * p[0] + 3 * (1 - t) ** 2 * t * p[1] + 3 * (1 - t) * t**2 * p[2] + t**3 * p[3]
    width = max(1.0, min(w, h) * float(rng.uniform(0.008, 0.035)))
    colour = ink.jitter(rng, pick(rng, CABLES), 12)
    for share, bright in ((1.0, 0.55), (0.7, 1.0), (0.2, 1.3)):
        tone = tuple(min(255.0, c * bright) for c in colour)
        cv2.polylines(image, [ink.fixed(curve)], False, tone, max(1, round(width * share)), cv2.LINE_AA, 4)


def _blob(rng: np.random.Generator, image: Image) -> None:
    """A rag, a hand, a lid, a bottle: something round and out of place."""
    w, h = _size(image)
    colour = ink.jitter(
        rng,
        pick(rng, ((130, 160, 205), (150, 180, 225), (180, 120, 60), (50, 55, 60), (70, 60, 190), (60, 170, 90))),
        16,
    )
    middle = rng.uniform(0, 1, 2) * (w, h)
    a = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    r = min(w, h) * rng.uniform(0.05, 0.25) * (1 + rng.normal(0, 0.15, 16))
    points = middle + np.stack([r * np.cos(a), r * np.sin(a) * rng.uniform(0.5, 1.5)], 1)
    cv2.fillPoly(image, [ink.fixed(points)], ink.shade(colour, 0.6), cv2.LINE_AA, 4)
    cv2.fillPoly(image, [ink.fixed(middle + (points - middle) * 0.85 - r.mean() * 0.05)], colour, cv2.LINE_AA, 4)


def _label(rng: np.random.Generator, image: Image) -> None:
    """Paper, a sign, a date burnt in by the camera's clock: text that is no reading."""
    w, h = _size(image)
    size = min(w, h)
    x, y = rng.uniform(0, 0.8) * w, rng.uniform(0, 0.9) * h
    roll = rng.random()
    if roll < 0.4:
        prints.sticker(rng, image, x, y, size * rng.uniform(0.1, 0.4), size * rng.uniform(0.05, 0.12))
    elif roll < 0.6:
        year, month, day, hour, minute = (
            int(rng.integers(a, b)) for a, b in ((16, 26), (1, 13), (1, 29), (0, 24), (0, 60))
        )
        stamp = f"20{year}-{month:02}-{day:02} {hour:02}:{minute:02}:00"
        if chance(rng, 0.5):
            prints.box(image, w * 0.6, h * 0.95, w, h, (245, 245, 245))
        prints.put_text(image, stamp, w * 0.61, h * 0.96, max(5, size * 0.022), (40, 40, 230), 500)
    elif roll < 0.8:
        prints.barcode(rng, image, x, y, size * rng.uniform(0.1, 0.3), size * rng.uniform(0.03, 0.08), (30, 30, 32))
    else:
        prints.put_text(
            image, prints.serial(rng), x, y, size * rng.uniform(0.02, 0.08), (30, 30, 140), pick(rng, (300, 700))
        )


def _breaker(rng: np.random.Generator, image: Image) -> None:
    """A circuit breaker: a pale block with a dark lever."""
    w, h = _size(image)
    x, y = rng.uniform(0, 0.9) * w, rng.uniform(0, 0.8) * h
    bw = min(w, h) * float(rng.uniform(0.06, 0.14))
    bh = bw * float(rng.uniform(1.8, 3.2))
    for i in range(int(rng.integers(1, 5))):
        left = x + i * bw * 1.04
        prints.box(image, left, y, left + bw, y + bh, (150, 155, 158))
        prints.box(image, left + 1, y + 1, left + bw - 1, y + bh - 1, ink.jitter(rng, (205, 208, 208), 8))
        prints.box(image, left + bw * 0.25, y + bh * 0.42, left + bw * 0.75, y + bh * 0.6, (40, 40, 42))
        prints.put_text(
            image,
            pick(rng, ("C16", "C20", "C63", "ON")),
            left + bw * 0.2,
            y + bh * 0.12,
            max(4, bw * 0.18),
            (60, 60, 62),
        )
