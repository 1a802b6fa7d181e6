"""A hand-held camera before a meter: shake, drift, focus hunting, exposure pumping, a moving glare, noise.

Everything is a function of time and a few numbers drawn once, so that a clip of any length needs no memory.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.synth import ink
from recognizer.synth.ink import Image, chance, pick
from recognizer.synth.labels import QuadArray

Wave = tuple[float, float, float]
"""Amplitude, frequency in Hz, phase."""


@dataclass(frozen=True, slots=True)
class View:
    """What the camera does in one frame."""

    matrix: NDArray[np.float64]  # 2 x 3, scene to frame
    blur: float  # sigma in pixels
    smear: tuple[float, float]  # way of the picture during the exposure, in pixels
    gain: float
    glare: tuple[float, float, float, float] | None  # x, y, radius in pixels of the frame, strength in levels


@dataclass(frozen=True, slots=True)
class Camera:
    """One person with one phone; lengths are in pixels of the frame."""

    size: tuple[int, int]
    scene: tuple[int, int]
    shake: tuple[tuple[Wave, ...], tuple[Wave, ...], tuple[Wave, ...]]  # x, y, degrees
    zoom: Wave
    exposure: float  # seconds
    softness: float
    hunts: tuple[float, float, float, float]  # period, phase, length in seconds, sigma; a period of 0: none
    pump: tuple[float, float, float]  # depth, period, settling time in seconds
    glare: tuple[float, float, float, float, float] | None  # x, y, speed in widths a second, radius, strength
    noise: float
    seed: int

    @staticmethod
    def sample(rng: np.random.Generator, size: tuple[int, int], scene: tuple[int, int], digit: float) -> "Camera":
        """``digit`` is the height of the digits in pixels."""
        w = size[0]
        calm = float(rng.uniform(0.2, 1.0))

        def waves(drift: float, tremor: float) -> tuple[Wave, ...]:
            slow = (
                drift * calm * float(rng.uniform(0.3, 1)),
                float(rng.uniform(0.03, 0.15)),
                float(rng.uniform(0, 6.3)),
            )
            fast = [
                (
                    tremor * calm / k * float(rng.uniform(0.3, 1)),
                    float(rng.uniform(0.6, 2.5)) * k,
                    float(rng.uniform(0, 6.3)),
                )
                for k in (1, 2, 4)
            ]
            return (slow, *fast)

        depth = float(rng.uniform(0.1, 0.4)) if chance(rng, 0.5) else 0.02
        hunt = (0.0, 0.0, 0.0, 0.0)
        if chance(rng, 0.4):
            hunt = (
                float(rng.uniform(3, 9)), float(rng.uniform(0, 9)), float(rng.uniform(0.3, 0.9)),
                digit * float(rng.uniform(0.06, 0.25)),
            )  # fmt: skip
        glare = None
        if chance(rng, 0.3):
            speed = pick(rng, (-1, 1)) * float(rng.uniform(0.03, 0.15))
            glare = (
                float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.3, 0.7)), speed,
                digit * float(rng.uniform(0.5, 1.6)), float(rng.uniform(50, 230)),
            )  # fmt: skip
        return Camera(
            size, scene,
            (waves(0.04 * w, 0.006 * w), waves(0.03 * w, 0.006 * w), waves(1.5, 0.3)),
            (float(rng.uniform(0, 0.05)), float(rng.uniform(0.02, 0.1)), float(rng.uniform(0, 6.3))),
            float(rng.uniform(0.004, 0.04)),
            digit * float(rng.uniform(0.0, 0.035)),
            hunt,
            (depth, float(rng.uniform(3, 8)), float(rng.uniform(0.3, 0.9))),
            glare,
            float(rng.uniform(0.5, 6)),
            int(rng.integers(1 << 31)),
        )  # fmt: skip

    def at(self, t: float) -> View:
        """The view at ``t`` seconds."""
        x, y, angle = (_sum(waves, t) for waves in self.shake)
        then = [_sum(waves, t - self.exposure) for waves in self.shake[:2]]
        scale = 1 + _sum((self.zoom,), t)
        w, h = self.size
        middle = (self.scene[0] / 2, self.scene[1] / 2)
        matrix = np.asarray(cv2.getRotationMatrix2D(middle, angle, scale), np.float64)
        matrix[:, 2] += np.array((w / 2 - middle[0] + x, h / 2 - middle[1] + y))
        period, phase, length, sigma = self.hunts
        blur = self.softness
        if period:
            since = (t + phase) % period
            if since < length:  # out, back, a little out again
                blur += sigma * abs(math.sin(1.5 * math.pi * since / length)) * (1 - 0.5 * since / length)
        depth, every, settling = self.pump
        gain = 1 + depth * math.exp(-((t + every / 2) % every) / settling)
        glare = None
        if self.glare is not None:
            gx, gy, speed, radius, strength = self.glare
            at = (gx + speed * t + 0.5) % 2 - 0.5  # comes back from the other side
            glare = (at * w + 2 * x, gy * h + 2 * y, radius, strength)
        return View(matrix, blur, (x - then[0], y - then[1]), gain, glare)

    def clear(self, view: View, panel: QuadArray, digit: float) -> bool:
        """Whether a person could read digits of that height in the frame: neither blurred, smeared nor burnt out."""
        if view.blur > 0.09 * digit or math.hypot(*view.smear) > 0.25 * digit:
            return False
        if view.glare is None or view.glare[3] < 60:
            return True
        x, y, radius, _ = view.glare
        low, high = panel.min(0) - radius, panel.max(0) + radius
        return not (low[0] < x < high[0] and low[1] < y < high[1])

    def shoot(self, scene: Image, view: View, frame: int) -> Image:
        """The picture of the scene."""
        image = np.asarray(cv2.warpAffine(scene, view.matrix, self.size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        way = math.hypot(*view.smear)
        if way > 1.5:
            image = np.asarray(cv2.filter2D(image, -1, _smear_kernel(view.smear)), np.uint8)
        if view.blur > 0.3:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), view.blur), np.uint8)
        if view.glare is not None:
            _add_glare(image, *view.glare)
        rng = np.random.default_rng((self.seed, frame))
        h, w = image.shape[:2]
        rough = ink.grain(rng, h, w, 0.8) * np.float32(self.noise)
        rough += 128
        noise = cv2.convertScaleAbs(rough)
        return np.asarray(cv2.addWeighted(image, view.gain, cv2.merge((noise, noise, noise)), 1, -128), np.uint8)


def _sum(waves: tuple[Wave, ...], t: float) -> float:
    return sum(a * math.sin(2 * math.pi * f * t + p) for a, f, p in waves)


def _smear_kernel(way: tuple[float, float]) -> NDArray[np.float32]:
    size = int(max(abs(way[0]), abs(way[1]))) | 1
    kernel = np.zeros((size + 2, size + 2), np.float32)
    middle = (size + 1) / 2
    a, b = (ink.fixed(middle + np.array(way) * k) for k in (-0.5, 0.5))
    cv2.line(kernel, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0, 1, cv2.LINE_8, 4)
    return kernel / max(1e-6, float(kernel.sum()))


def _add_glare(image: Image, x: float, y: float, radius: float, strength: float) -> None:
    """A soft bright spot, in place, where it falls into the picture."""
    h, w = image.shape[:2]
    reach = 2.2 * radius
    x0, x1 = max(0, int(x - reach)), min(w, int(x + reach))
    y0, y1 = max(0, int(y - reach)), min(h, int(y + reach))
    if x1 <= x0 or y1 <= y0:
        return
    dy, dx = np.ogrid[y0:y1, x0:x1]
    spot = strength * np.exp(-((dx - x) ** 2 + (dy - y) ** 2) / radius**2)
    part = image[y0:y1, x0:x1]
    part[:] = cv2.add(part, cv2.merge([spot.astype(np.uint8)] * 3))
