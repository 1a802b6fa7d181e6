"""What lies between a display and the camera: plate texture, glass, glare, shadow, dust, scratches, drops."""

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Canvas, Colour, chance


def plate_surface(rng: np.random.Generator, h: int, w: int, colour: Colour, flat: bool = False) -> Canvas:
    """A plate of painted metal or plastic in uneven light, with a little texture; ``flat``: just the colour."""
    if flat:
        return ink.sheet(h, w, colour)
    spread = rng.uniform(0.02, 0.15)
    light = ink.field(rng, h, w, 1 - spread, 1 + spread, (3, 4))
    if chance(rng, 0.5):
        light += ink.grain(rng, h, w, 1.5) * rng.uniform(0.005, 0.03)
    return ink.tint(light, colour)


def cover_glass(rng: np.random.Generator, canvas: Canvas, scale: float, amount: float = 1.0) -> None:
    """Lay a random few of glass's faults over the canvas, in place; ``scale`` is a digit's height in pixels."""
    h, w = canvas.shape[:2]
    if chance(rng, 0.22 * amount):
        reflection(rng, canvas)
    if chance(rng, 0.1 * amount):
        glare_spot(rng, canvas, scale)
    if chance(rng, 0.12 * amount):
        mirrored_room(rng, canvas)
    if chance(rng, 0.05 * amount):
        lamp_glow(rng, canvas)
    if chance(rng, 0.15 * amount):
        cast_shadow(rng, canvas)
    if chance(rng, 0.15 * amount):
        veil = np.clip(ink.field(rng, h, w, -0.3, 0.45, (3, 6)), 0, 0.6) * 255  # moisture, dust film, haze
        tint = float(rng.uniform(120, 230))
        ink.paint(canvas, veil, (tint, tint * 1.01, tint * 1.02))
    if chance(rng, 0.2 * amount):
        dust(rng, canvas, scale)
    if chance(rng, 0.12 * amount):
        scratches(rng, canvas, scale)


def reflection(rng: np.random.Generator, canvas: Canvas) -> None:
    """A window or lamp mirrored in the glass: a bright slanted band with a soft or hard edge."""
    h, w = canvas.shape[:2]
    mask = np.zeros((h, w), np.uint8)
    x, lean = rng.uniform(-0.2, 1.0) * w, rng.uniform(-1.5, 1.5) * h
    wide = rng.uniform(0.05, 0.5) * w
    ink.polygon(mask, ink.fixed(np.array([(x, 0), (x + wide, 0), (x + wide + lean, h), (x + lean, h)])))
    if chance(rng, 0.6):
        mask = _soften(mask, rng.uniform(0.02, 0.15) * h + 1)
    tint = float(rng.uniform(180, 255))
    ink.paint(canvas, mask, (tint, tint, tint * 0.97), float(rng.uniform(0.08, 0.45)))


def mirrored_room(rng: np.random.Generator, canvas: Canvas) -> None:
    """What stands opposite, dim and out of focus in the glass: patches of colour added to what lies behind."""
    h, w = canvas.shape[:2]
    grid = rng.uniform(-90, 120, (int(rng.integers(2, 6)), int(rng.integers(3, 10)), 1)) + rng.normal(0, 25, (1, 1, 3))
    room = cv2.resize(np.maximum(grid, 0).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    canvas += np.asarray(room, np.float32) * np.float32(rng.uniform(0.3, 0.9))
    np.clip(canvas, 0, 255, out=canvas)


def lamp_glow(rng: np.random.Generator, canvas: Canvas) -> None:
    """The red pulse lamp beside a display shining over it."""
    h, w = canvas.shape[:2]
    y, x = np.ogrid[0:h, 0:w]
    cx, cy = rng.uniform(0.1, 0.9) * w, h * rng.uniform(0.85, 1.15)
    d2 = ((x - cx) / rng.uniform(1.5, 4)) ** 2 + (y - cy) ** 2
    glow = (rng.uniform(80, 220) * np.exp(-d2 / (h * rng.uniform(0.15, 0.4)) ** 2)).astype(np.float32)
    canvas += glow[..., None] * np.array((0.35, 0.2, 1.0), np.float32)
    np.minimum(canvas, 255, out=canvas)


def glare_spot(rng: np.random.Generator, canvas: Canvas, scale: float) -> None:
    """The flash in the glass: a small burnt-out spot with a wide halo."""
    h, w = canvas.shape[:2]
    cx, cy = rng.uniform(0, w), rng.uniform(0, h)
    r = scale * rng.uniform(0.12, 0.7)
    y, x = np.ogrid[0:h, 0:w]
    d2 = ((x - cx) / rng.uniform(0.7, 2.0)) ** 2 + (y - cy) ** 2
    glow = (255 * rng.uniform(0.3, 1.0) * np.exp(-d2 / (r * r))).astype(np.float32)
    canvas += glow[..., None]
    np.minimum(canvas, 255, out=canvas)


def cast_shadow(rng: np.random.Generator, canvas: Canvas) -> None:
    """A shadow across everything, with a straight edge more or less sharp."""
    h, w = canvas.shape[:2]
    mask = np.zeros((h, w), np.uint8)
    a = rng.uniform(-0.2, 1.2, 4)
    side = np.array([(a[0] * w, 0), (a[1] * w, h), (w * 2, h), (w * 2, 0)])
    if chance(rng, 0.5):
        side = np.array([(0, a[2] * h), (w, a[3] * h), (w, h * 2), (0, h * 2)])
    ink.polygon(mask, ink.fixed(side))
    if chance(rng, 0.7):
        mask = _soften(mask, rng.uniform(0.01, 0.2) * h + 1)
    dark = mask.astype(np.float32) * (rng.uniform(0.2, 0.6) / 255)
    canvas *= (1 - dark)[..., None]


def dust(rng: np.random.Generator, canvas: Canvas, scale: float) -> None:
    """Specks of dirt, splashes of paint, drops."""
    h, w = canvas.shape[:2]
    mask: ink.Mask = np.zeros((h, w), np.uint8)
    for _ in range(int(rng.integers(3, 30))):
        r = max(0.5, scale * 0.03 * float(rng.exponential()))
        at = (int(rng.uniform(0, w) * 16), int(rng.uniform(0, h) * 16))
        cv2.circle(mask, at, int(r * 16), int(rng.integers(60, 255)), -1, cv2.LINE_AA, 4)
    tint = float(rng.choice((30, 60, 190, 235)))
    ink.paint(canvas, mask, (tint * 0.92, tint * 0.97, tint), float(rng.uniform(0.3, 0.9)))


def scratches(rng: np.random.Generator, canvas: Canvas, scale: float) -> None:
    h, w = canvas.shape[:2]
    mask: ink.Mask = np.zeros((h, w), np.uint8)
    for _ in range(int(rng.integers(1, 9))):
        a = rng.uniform(0, 1, 2) * (w, h)
        b = a + rng.normal(0, 1, 2) * scale * 1.5
        middle = (a + b) / 2 + rng.normal(0, 0.1, 2) * scale
        ink.stroke(mask, np.array([a, middle, b]), 1, int(rng.integers(50, 200)))
    tint = 235.0 if chance(rng, 0.7) else 60.0
    ink.paint(canvas, mask, (tint, tint, tint), float(rng.uniform(0.2, 0.7)))


def _soften(mask: ink.Mask, sigma: float) -> ink.Mask:
    """Blur by any radius at a small price: shrink, blur, grow."""
    h, w = mask.shape
    k = max(1, int(sigma / 2))
    small = cv2.resize(mask, (max(1, w // k), max(1, h // k)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(0.6, sigma / k))
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR), np.uint8)
