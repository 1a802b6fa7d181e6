"""Light pixel changes shared by both networks: exposure, colour, blur, noise, JPEG."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def jitter_pixels(rng: np.random.Generator, image: Image, strength: float = 1.0, grain: float = 1.0) -> Image:
    """A changed copy of a BGR picture, about as a phone in another light would have taken it.

    ``grain``: the size that blur reaches and that noise has every other time, in pixels of smaller pictures.
    """
    x: NDArray[Any] = image
    if rng.random() < 0.8:
        # A random tone curve and colour cast, as one look-up table per channel.
        gain = np.exp(rng.normal(0, 0.25 * strength)) * np.exp(rng.normal(0, 0.08 * strength, 3))
        gamma = np.exp(rng.normal(0, 0.25 * strength))
        offset = rng.normal(0, 18 * strength)
        ramp = np.arange(256, dtype=np.float32)[:, None]
        table = np.clip(255 * (ramp / 255) ** gamma * gain + offset, 0, 255).astype(np.uint8)
        x = cv2.LUT(x, np.ascontiguousarray(table[None]))
    if rng.random() < 0.2 * strength:  # a faint display, or mist on the glass
        keep = float(rng.uniform(0.2, 0.8))
        x = np.asarray(x * keep + x.mean((0, 1)) * (1 - keep), np.uint8)
    if rng.random() < 0.15 * strength:
        grey = cv2.cvtColor(x, cv2.COLOR_BGR2GRAY)
        x = cv2.merge([grey, grey, grey])
    elif rng.random() < 0.1 * strength:
        x = np.ascontiguousarray(x[:, :, rng.permutation(3)])
    if rng.random() < 0.3 * strength:
        x = _blur(rng, x, grain)
    if rng.random() < 0.25 * strength:
        coarse = grain if rng.random() < 0.5 else 1.0
        noise = rng.standard_normal((round(x.shape[0] / coarse), round(x.shape[1] / coarse), 3), np.float32)
        noise = cv2.resize(noise, x.shape[1::-1]) * float(rng.uniform(2, 14))
        x = cv2.add(x, noise.astype(np.int16), dtype=cv2.CV_8U)
    if rng.random() < 0.15 * strength:
        _, code = cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])
        x = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    if rng.random() < 0.2 * strength:
        x = _shade(rng, x)
    return np.asarray(x, np.uint8)


def _blur(rng: np.random.Generator, x: NDArray[Any], grain: float) -> Image:
    if rng.random() < 0.7:  # now and then far out of focus, as fixed cameras are for months
        sigma = rng.uniform(0.4, 1.6) if rng.random() < 0.8 else rng.uniform(1.6, 2.4)
        return np.asarray(cv2.GaussianBlur(x, (0, 0), float(sigma * grain)), np.uint8)
    size = round(int(rng.integers(3, 8)) * grain)
    kernel = np.zeros((size, size), np.float32)
    angle = rng.uniform(0, np.pi)
    half = size / 2
    along = np.array([np.cos(angle), np.sin(angle)]) * half
    start, end = np.round(half - along).astype(int), np.round(half + along).astype(int)
    cv2.line(kernel, tuple(int(v) for v in start), tuple(int(v) for v in end), 1.0)
    return np.asarray(cv2.filter2D(x, -1, kernel / max(1e-6, kernel.sum())), np.uint8)


def _shade(rng: np.random.Generator, x: NDArray[Any]) -> Image:
    """A bright blob (glare) or a dark slope (shadow) over part of the picture."""
    height, width = x.shape[:2]
    if rng.random() < 0.5:
        blob: NDArray[Any] = np.zeros((height, width), np.float32)
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.uniform(0.03, 0.25) * width) + 1, int(rng.uniform(0.03, 0.25) * height) + 1)
        cv2.ellipse(blob, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
        blob = cv2.GaussianBlur(blob, (0, 0), max(1.0, 0.4 * min(axes)))
        light = blob[:, :, None] * float(rng.uniform(60, 220))
        return np.asarray(np.clip(x + light, 0, 255), np.uint8)
    direction = rng.normal(size=2)
    direction /= np.linalg.norm(direction)
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    slope = np.clip(0.5 + (direction[0] * xs + direction[1] * ys - rng.uniform(-0.5, 0.5)) * rng.uniform(0.5, 4), 0, 1)
    factor = 1 - float(rng.uniform(0.2, 0.7)) * slope[:, :, None]
    return np.asarray(np.clip(x * factor, 0, 255), np.uint8)
