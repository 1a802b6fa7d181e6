"""What round and rectangular meter faces share: colours, light, setting a display into the plate."""

from dataclasses import dataclass

import cv2
import numpy as np

from recognizer.synth import ink
from recognizer.synth.ink import Colour, Image, Mask, pick
from recognizer.synth.labels import QuadArray, Strip

DISCS: tuple[Colour, ...] = (
    (228, 230, 230), (215, 218, 220), (235, 236, 232), (205, 215, 222), (190, 205, 215), (215, 205, 190),
    (60, 60, 62), (30, 30, 32),
)  # fmt: skip
BODIES: tuple[Colour, ...] = (
    (215, 217, 217), (195, 198, 198), (170, 175, 178), (185, 200, 208), (150, 152, 150), (120, 122, 120),
    (60, 60, 62), (35, 35, 37),
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


def display_area(strip: Strip | None, cx: float, cy: float, width: float) -> tuple[float, float, float, float]:
    """The part of the face that a display and its own print will take."""
    if strip is None:
        return (cx - width * 0.6, cy - width * 0.15, cx + width * 0.6, cy + width * 0.15)
    scale = width / max(1.0, float(strip.quad[1, 0] - strip.quad[0, 0]))
    h, w = strip.image.shape[:2]
    x0, y0, x1, y1 = strip.panel
    dx, dy = (x0 + x1) / 2, (y0 + y1) / 2
    return (cx - dx * scale, cy - dy * scale, cx + (w - dx) * scale, cy + (h - dy) * scale)


def panel_width(strip: Strip | None, width: float) -> float:
    """Length of the whole panel on the face, where ``width`` is that of the row of digits."""
    if strip is None:
        return width
    return width * (strip.panel[2] - strip.panel[0]) / max(1.0, float(strip.quad[1, 0] - strip.quad[0, 0]))


def light(rng: np.random.Generator, image: Image, amount: float = 0.25) -> Image:
    """Uneven light over a finished face, computed small and grown."""
    h, w = image.shape[:2]
    small = rng.uniform(1 - amount, 1 + amount * 0.7, (3, 3)).astype(np.float32)
    grown = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(image, cv2.merge((grown, grown, grown)), dtype=cv2.CV_8U), np.uint8)
