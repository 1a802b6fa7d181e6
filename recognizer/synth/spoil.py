"""Ways in which a display in a photo cannot be read though it is there; such photos must be refused."""

import cv2
import numpy as np

from recognizer.synth import ink, prints
from recognizer.synth.ink import Field, Image, chance, pick
from recognizer.synth.labels import QuadArray


def spoil(rng: np.random.Generator, image: Image, panel: QuadArray, fault: str) -> None:
    """Make the display at ``panel`` unreadable, in place: burnt out by glare, covered, or blurred away."""
    {"glare": _burn, "covered": _cover, "blur": _smear}[fault](rng, image, panel)


def _burn(rng: np.random.Generator, image: Image, panel: QuadArray) -> None:
    """The flash or the sun in the glass, white over most of the digits."""
    h, w = image.shape[:2]
    length, height = _sides(panel)
    middle = panel.mean(0) + rng.normal(0, 0.05, 2) * length
    a = float(np.arctan2(panel[1, 1] - panel[0, 1], panel[1, 0] - panel[0, 0]))
    blob = np.zeros((h, w), np.uint8)
    axes = (round(length * rng.uniform(0.42, 0.7)), round(max(height * rng.uniform(0.6, 1.2), 3)))
    cv2.ellipse(blob, (round(float(middle[0])), round(float(middle[1]))), axes, float(np.degrees(a)), 0, 360, 255, -1)
    soft = cv2.GaussianBlur(blob, (0, 0), max(1.0, height * 0.2))
    prints.lay(image, np.asarray(soft, np.uint8), 0, 0, (252, 252, 250), float(rng.uniform(0.96, 1.0)))


def _cover(rng: np.random.Generator, image: Image, panel: QuadArray) -> None:
    """A label, tape or a finger over the digits."""
    grow = panel.mean(0) + (panel - panel.mean(0)) * rng.uniform(1.0, 1.25)
    part = grow + rng.normal(0, 0.04, (4, 2)) * _sides(panel)[1]
    colour = ink.jitter(rng, pick(rng, ((190, 215, 225), (215, 218, 218), (130, 160, 200), (60, 60, 62))), 14)
    cv2.fillConvexPoly(image, ink.fixed(part), colour, cv2.LINE_AA, 4)
    cv2.polylines(image, [ink.fixed(part)], True, ink.shade(colour, 0.75), 1, cv2.LINE_AA, 4)
    if chance(rng, 0.5):
        height = _sides(panel)[1]
        prints.put_text(
            image,
            prints.serial(rng),
            float(part[0, 0]) + height,
            float(part[0, 1]) + height * 0.4,
            height * 0.2,
            (40, 40, 42),
        )


def _smear(rng: np.random.Generator, image: Image, panel: QuadArray) -> None:
    """So far out of focus or shaken that digits run into each other: all around the display."""
    height = _sides(panel)[1]
    low = np.clip(np.floor(panel.min(0) - 2 * height), 0, None).astype(int)
    high = np.ceil(panel.max(0) + 2 * height).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    if not part.size:
        return
    sigma = max(1.5, height * float(rng.uniform(0.3, 0.5)))
    soft = cv2.GaussianBlur(part, (0, 0), sigma)
    ramp: Field = np.zeros(part.shape[:2], np.float32)
    edge = max(1, round(height * 0.8))
    ramp[edge:-edge, edge:-edge] = 1
    if min(part.shape[:2]) > 2 * edge:
        ramp = np.asarray(cv2.blur(ramp, (edge, edge)), np.float32)
    else:
        ramp[:] = 1
    part[:] = cv2.blendLinear(soft, part.copy(), ramp, 1 - ramp)


def _sides(panel: QuadArray) -> tuple[float, float]:
    return float(np.linalg.norm(panel[1] - panel[0])), float(np.linalg.norm(panel[3] - panel[0]))
