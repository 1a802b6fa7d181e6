"""Small painting tools that every renderer shares: light, texture, text stamps, strokes.

Images under construction are float32 BGR, 0 to 255; masks are uint8 coverage. Everything random comes
from the generator passed in, so that a seed gives the same picture.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.synth import typefaces

Image = NDArray[np.uint8]
Canvas = NDArray[np.float32]
Mask = NDArray[np.uint8]
Field = NDArray[np.float32]
Colour = tuple[float, float, float]
Rect = tuple[int, int, int, int]
"""x0, y0, x1, y1; the last two are outside."""

T = TypeVar("T")


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, all equally likely (``Generator.choice`` costs ten times as much)."""
    return options[int(rng.integers(len(options)))]


def chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour in more or less light."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """``a`` with ``share`` of ``b`` in it."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def jitter(rng: np.random.Generator, colour: Colour, amount: float = 14.0) -> Colour:
    """The colour a little off: no two meters have quite the same paint."""
    d = rng.normal(0, amount * 0.4, 3) + rng.normal(0, amount)
    b, g, r = (min(255.0, max(0.0, c + float(e))) for c, e in zip(colour, d, strict=True))
    return (b, g, r)


def sheet(h: int, w: int, colour: Colour) -> Canvas:
    plane = np.empty((h, w), np.float32)
    planes = []
    for c in colour:  # filling plane by plane and merging is three times as fast as broadcasting
        plane.fill(c)
        planes.append(plane.copy())
    return np.asarray(cv2.merge(planes), np.float32)


def tint(light: Field, colour: Colour) -> Canvas:
    """A canvas of one colour under the given light."""
    return np.asarray(cv2.merge([light * np.float32(c) for c in colour]), np.float32)


def paint(canvas: Canvas, mask: NDArray[Any], colour: Colour, strength: float = 1.0) -> None:
    """Lay a colour over the canvas where the mask says, in place (only the mask's bounding box is touched)."""
    x, y, w, h = cv2.boundingRect(mask) if mask.dtype == np.uint8 else (0, 0, mask.shape[1], mask.shape[0])
    if w == 0:
        return
    part = canvas[y : y + h, x : x + w]
    a = mask[y : y + h, x : x + w].astype(np.float32) * (strength / 255.0)
    a3 = cv2.merge((a, a, a))
    change = np.array(colour, np.float32) - part
    change *= a3
    part += change


def field(rng: np.random.Generator, h: int, w: int, low: float, high: float, cells: tuple[int, int] = (3, 5)) -> Field:
    """A smooth random field between about low and high: uneven light, faded patches, dirt."""
    grid = rng.uniform(low, high, cells).astype(np.float32)
    out: Any = cv2.resize(grid, (w, h), interpolation=cv2.INTER_CUBIC)
    return out  # type: ignore[no-any-return]


@lru_cache(maxsize=8)
def _noise(sigma: float) -> Field:
    """A fixed tile of noise, unit variance; windows of it are far cheaper than fresh noise."""
    tile = np.random.default_rng(7).standard_normal((1024, 1024)).astype(np.float32)
    if sigma > 0:
        tile = np.asarray(cv2.GaussianBlur(tile, (0, 0), sigma), np.float32)
        tile /= float(tile.std())
    return tile


def grain(rng: np.random.Generator, h: int, w: int, sigma: float = 0.0) -> Field:
    """Noise of unit variance, ``sigma`` its grain size in pixels; use few different sigmas (they are cached)."""
    tile = _noise(sigma)
    if h > 1024 or w > 1024:
        tile = np.tile(tile, (h // 1024 + 1, w // 1024 + 1))
    y = int(rng.integers(tile.shape[0] - h + 1))
    x = int(rng.integers(tile.shape[1] - w + 1))
    part = tile[y : y + h, x : x + w]
    flip = int(rng.integers(4))
    return part[:: -1 if flip & 1 else 1, :: -1 if flip & 2 else 1]


def text_stamp(text: str, height: int, weight: int = 400, typeface: str | None = None) -> Mask:
    """Coverage of a printed text, cropped to its ink; ``height`` is of a capital, about. Without a typeface: by lot."""
    return _text_stamp(text, height, weight, typefaces.by_lot(text, height) if typeface is None else typeface)


@lru_cache(maxsize=2048)
def _text_stamp(text: str, height: int, weight: int, typeface: str) -> Mask:
    size = max(6, round(height * 1.4))
    wide = max(16, int(len(text) * size * 1.3) + 16)
    canvas = np.zeros((size * 3, wide), np.uint8)
    if hasattr(cv2, "FontFace"):  # OpenCV 5: a real font with weights
        _put(canvas, text, size, weight, typeface)
    else:
        scale = height / 21.0
        thick = max(1, round(height / (14 if weight < 500 else 8)))
        cv2.putText(canvas, text, (4, size * 2), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    ys, xs = np.flatnonzero(canvas.max(1)), np.flatnonzero(canvas.max(0))
    if not len(ys):
        return np.zeros((1, 1), np.uint8)
    stamp = canvas[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1].copy()
    stamp.setflags(write=False)
    return stamp


def _put(canvas: Mask, text: str, size: int, weight: int, typeface: str) -> None:
    face: Any = typefaces.face(typeface)
    colour = cv2.merge([canvas, canvas, canvas])  # the new engine draws on three channels only
    cv2.putText(colour, text, (4, size * 2), (255, 255, 255), face, size, weight)
    canvas[:] = colour[..., 0]


def stamp(mask: Mask, mark: Mask, x: float, y: float, strength: float = 1.0) -> None:
    """Put a mark's coverage on a mask with its top-left corner at x, y; what lies outside is cut off."""
    x0, y0 = round(x), round(y)
    h, w = mask.shape[:2]
    ax, ay = max(0, -x0), max(0, -y0)
    bx, by = min(mark.shape[1], w - x0), min(mark.shape[0], h - y0)
    if bx <= ax or by <= ay:
        return
    part = mask[y0 + ay : y0 + by, x0 + ax : x0 + bx]
    piece = mark[ay:by, ax:bx]
    if strength != 1.0:
        piece = (piece * strength).astype(np.uint8)
    np.maximum(part, piece, out=part)


def fixed(points: NDArray[Any]) -> NDArray[np.int32]:
    """Points in sixteenths of a pixel, as OpenCV wants sub-pixel corners."""
    return np.round(points * 16).astype(np.int32)


def polygon(mask: Mask, points: NDArray[np.int32], value: int = 255) -> None:
    """A filled convex polygon with smooth edges; corners in sixteenths of a pixel."""
    cv2.fillConvexPoly(mask, points, value, cv2.LINE_AA, 4)


def stroke(mask: Mask, points: NDArray[Any], width: float, value: int = 255, closed: bool = False) -> None:
    """A polyline with round joints and smooth edges at sub-pixel corners."""
    cv2.polylines(mask, [fixed(points)], closed, value, max(1, round(width)), cv2.LINE_AA, 4)


def to_image(canvas: Canvas) -> Image:
    out: Any = cv2.convertScaleAbs(np.maximum(canvas, 0.0, out=canvas))
    return out  # type: ignore[no-any-return]
