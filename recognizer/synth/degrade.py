"""What the camera and the light do to a photo: blur, noise, tone, cast, shade, glare, JPEG."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.synth import ink
from recognizer.synth.ink import Field, Image, chance, pick


def sample_strength(rng: np.random.Generator) -> float:
    """0 a good photo, 1 one that barely reads; a third are nearly clean."""
    roll = rng.random()
    if roll < 0.35:
        return float(rng.uniform(0, 0.15))
    return float(rng.uniform(0.15, 0.55)) if roll < 0.8 else float(rng.uniform(0.55, 1.0))


def degrade(rng: np.random.Generator, image: Image, strength: float | None = None) -> Image:
    """A photo of the same size as a phone or a cheap camera would have taken it."""
    s = sample_strength(rng) if strength is None else strength
    # blur radii hold for a picture of 400 pixels; a single strip is small but blurs like a part of one
    unit = max(0.7, min(image.shape[:2]) / 400)
    if chance(rng, 0.4 + 0.4 * s):
        image = _focus(rng, image, s, unit)
    if chance(rng, 0.1 + 0.35 * s):
        image = _motion(rng, image, s, unit)
    if chance(rng, 0.5 * s):
        image = _coarse(rng, image, s)
    image = _light_and_noise(rng, image, s)
    image = _tone(rng, image, s)
    if chance(rng, 0.35 + 0.4 * s):
        quality = int(rng.uniform(88 - 70 * s, 96 - 30 * s))
        _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return image


def _focus(rng: np.random.Generator, image: Image, s: float, unit: float) -> Image:
    sigma = float(rng.uniform(0.2, 0.5 + 1.5 * s)) * unit
    return image if sigma < 0.25 else np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _motion(rng: np.random.Generator, image: Image, s: float, unit: float) -> Image:
    """A straight shake of the hand."""
    length = max(2.0, float(rng.uniform(1.5, 2 + 7 * s)) * unit)
    size = int(length) | 1
    kernel = np.zeros((size + 2, size + 2), np.float32)
    angle, middle = rng.uniform(0, math.pi), (size + 1) / 2
    reach = np.array([math.cos(angle), math.sin(angle)]) * length / 2
    a, b = ink.fixed(middle - reach), ink.fixed(middle + reach)
    cv2.line(kernel, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0, 1, cv2.LINE_8, 4)
    return np.asarray(cv2.filter2D(image, -1, kernel / max(1e-6, float(kernel.sum()))), np.uint8)


def _coarse(rng: np.random.Generator, image: Image, s: float) -> Image:
    """Taken with fewer pixels (digital zoom, a messenger's copy) and blown up again, sometimes sharpened."""
    h, w = image.shape[:2]
    k = float(rng.uniform(1.1, 1.3 + 1.4 * s))
    small = cv2.resize(image, (max(8, int(w / k)), max(8, int(h / k))), interpolation=cv2.INTER_AREA)
    big = cv2.resize(small, (w, h), interpolation=pick(rng, (cv2.INTER_LINEAR, cv2.INTER_CUBIC)))
    if chance(rng, 0.3):
        big = cv2.addWeighted(big, 1.6, cv2.GaussianBlur(big, (0, 0), 1.2), -0.6, 0)
    return np.asarray(big, np.uint8)


def _light_and_noise(rng: np.random.Generator, image: Image, s: float) -> Image:
    h, w = image.shape[:2]
    x = image.astype(np.float32)
    sh, sw = max(4, h // 8), max(4, w // 8)
    if chance(rng, 0.25 + 0.5 * s):
        x *= _three(cv2.resize(_shade(rng, sh, sw, s), (w, h)))
    if chance(rng, 0.08 + 0.22 * s):
        x += _three(cv2.resize(_glare(rng, sh, sw, s), (w, h)))
    level = float(rng.uniform(0.5, 2.5 + 12 * s * s)) if chance(rng, 0.7) else 0.0
    if level > 0.7:
        coarse = pick(rng, (0.0, 0.0, 0.8, 1.5))
        luma = ink.grain(rng, h, w, coarse) * level
        if chance(rng, 0.5):
            x += _three(luma)
        else:
            x += cv2.merge([luma * 0.7 + ink.grain(rng, h, w, coarse) * (level * 0.6) for _ in range(3)])
    return ink.to_image(np.minimum(x, 255.0, out=x))


def _three(plane: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(cv2.merge((plane, plane, plane)), np.float32)


def _shade(rng: np.random.Generator, h: int, w: int, s: float) -> Field:
    """Uneven light: a slope, a vignette or a torch's cone, a shadow's edge."""
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    light = np.ones((h, w), np.float32)
    if chance(rng, 0.5):
        a = rng.uniform(0, 2 * math.pi)
        light += float(rng.uniform(0, 0.5)) * (math.cos(a) * x + math.sin(a) * y)
    if chance(rng, 0.4):
        cx, cy = rng.normal(0, 0.3, 2)
        light *= 1 - float(rng.uniform(0.1, 0.35 + 0.5 * s)) * np.minimum(((x - cx) ** 2 + (y - cy) ** 2) / 2, 1)
    if chance(rng, 0.4):
        a = rng.uniform(0, 2 * math.pi)
        edge = (math.cos(a) * x + math.sin(a) * y - rng.uniform(-0.6, 0.6)) * rng.uniform(1.5, 12)
        light *= 1 - float(rng.uniform(0.15, 0.4 + 0.35 * s)) / (1 + np.exp(-edge))
    return np.clip(light, 0.08, 1.6).astype(np.float32)


def _glare(rng: np.random.Generator, h: int, w: int, s: float) -> Field:
    """Lamps and flashes: soft spots, some drawn out to streaks."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    out = np.zeros((h, w), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        a = rng.uniform(0, math.pi)
        dx, dy = x - rng.uniform(0, w), y - rng.uniform(0, h)
        u, v = math.cos(a) * dx + math.sin(a) * dy, -math.sin(a) * dx + math.cos(a) * dy
        r = min(h, w) * rng.uniform(0.02, 0.12)
        long = r * (rng.uniform(2, 8) if chance(rng, 0.3) else rng.uniform(0.8, 1.5))
        out += (rng.uniform(60, 150 + 110 * s) * np.exp(-((u / long) ** 2) - (v / r) ** 2)).astype(np.float32)
    return out


def _tone(rng: np.random.Generator, image: Image, s: float) -> Image:
    """Exposure, contrast and colour cast, as one table per channel; now and then grey or near infra-red."""
    if chance(rng, 0.05):
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        image = np.asarray(cv2.merge((grey, grey, grey)), np.uint8)
    if not chance(rng, 0.85):
        return image
    gain = math.exp(rng.normal(0, 0.08 + 0.22 * s))
    if chance(rng, 0.25 * s):
        gain *= rng.uniform(0.25, 0.6)  # hardly any light
    cast = np.exp(rng.normal(0, 0.03 + 0.08 * s, 3)) * gain
    if chance(rng, 0.12):  # lamp light, and the odd green or blue cast of a cheap camera
        warm = np.array(pick(rng, ((0.65, 0.88, 1.12), (0.8, 0.95, 1.08), (1.1, 1.0, 0.85), (0.85, 1.08, 0.9))))
        cast = cast * warm
    gamma = math.exp(rng.normal(0, 0.08 + 0.2 * s))
    offset = rng.normal(0, 3 + 14 * s)
    ramp = (np.arange(256, dtype=np.float32) / 255) ** gamma
    table = np.clip(255 * ramp[:, None] * cast + offset, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, np.ascontiguousarray(table[None])), np.uint8)
