"""Recipe of the locator: crops of whole photos and close-ups at any rotation, corner and heat targets."""

import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recognizer.train.augment import jitter_pixels
from recognizer.train.data import Corners, Example, Image, read_photo
from recognizer.train.fit import Batch, half_precision
from recognizer.train.nets import CORNER_UNIT, LOCATOR_KINDS, LOCATOR_STRIDE

log = logging.getLogger(__name__)
SIDE = 256
"""Training crops are SIDE x SIDE; the network itself takes any multiple of 32."""
CACHED_SIDE = 800
OF_LEGIBILITY = 0.5
"""Weight of the legibility in the loss; 0.2 until drawn displays that are off came in with it, not told apart."""


@dataclass(frozen=True)
class CachedPhoto:
    """A cached photo at 1, 1/2, 1/4 of its cached size, and its displays."""

    levels: tuple[Image, ...]
    displays: tuple[tuple[str, Corners, bool], ...]
    """(kind, corners at level 0, legible)"""
    cut_out: bool = False
    """The picture shows nothing but the display."""


def load_photos(data_dir: Path, examples: list[Example]) -> list[CachedPhoto]:
    """Decode and cache; photos whose corners are unknown are left out."""
    photos = []
    for e in examples:
        if e.quad is None:
            continue
        photos.append(
            cache_photo(read_photo(data_dir, e.file), ((e.kind, e.quad, e.legible),), e.source == "lcd-strips")
        )
    return photos


def cache_photo(image: Image, displays: tuple[tuple[str, Corners, bool], ...], cut_out: bool = False) -> CachedPhoto:
    scale = min(1.0, CACHED_SIDE / max(image.shape[:2]))
    levels = [image if scale == 1 else _shrink(image, scale)]
    while max(levels[-1].shape[:2]) > 300:
        levels.append(_shrink(levels[-1], 0.5))
    return CachedPhoto(
        tuple(levels), tuple((k, np.asarray(q * scale, np.float32), ok) for k, q, ok in displays), cut_out
    )


def _shrink(image: Image, scale: float) -> Image:
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def sample(rng: np.random.Generator, photo: CachedPhoto) -> tuple[Image, list[tuple[str, Corners, bool]]]:
    """One SIDE x SIDE training crop and the displays inside it, corners in crop pixels."""
    height, width = photo.levels[0].shape[:2]
    if not photo.displays:
        target, length, centre, along = None, 0.0, np.array([width / 2, height / 2]), np.array([1.0, 0.0])
    else:
        target = photo.displays[int(rng.integers(len(photo.displays)))][1]
        along = (target[1] - target[0] + target[2] - target[3]) / 2
        length = float(np.linalg.norm(along))
        centre = target.mean(0)
    mode = rng.random()
    if target is None or mode < 0.42:  # as the first look sees it: the whole photo
        scale = rng.uniform(200, 420) / max(height, width)
        if length * scale < 10:
            scale = 10 / max(length, 1)
        angle = rng.normal(0, 12) if rng.random() < 0.5 else rng.uniform(-180, 180)
    elif mode < 0.85:  # as the second look sees it: close, upright, centred
        scale = rng.uniform(115, 205) / length
        angle = float(np.degrees(np.arctan2(along[1], along[0]))) + rng.normal(0, 5)
        angle += 180 if rng.random() < 0.1 else 0
    else:
        scale = np.exp(rng.uniform(np.log(12), np.log(235))) / length
        angle = rng.uniform(-180, 180)
    if photo.cut_out:
        scale = rng.uniform(120, 245) / length
    scale = min(scale, 4.0)
    reach = max(4.0, SIDE / 2 - 0.55 * length * scale)  # keep the display inside the crop
    if 0.42 <= mode < 0.85:
        reach = min(reach, 30.0)
    goal = SIDE / 2 + rng.uniform(-reach, reach, 2)
    if target is None or rng.random() < 0.06:  # somewhere else in the photo: what is no display
        centre = rng.uniform(0.1, 0.9, 2) * (width, height)
        goal = np.array([SIDE / 2, SIDE / 2])
    matrix = _matrix(rng, centre, goal, scale, angle)
    level = 0
    while level + 1 < len(photo.levels) and scale * 2**level < 0.6:
        level += 1
    picture = photo.levels[level]
    fit_level = np.diag([photo.levels[0].shape[1] / picture.shape[1], photo.levels[0].shape[0] / picture.shape[0], 1.0])
    border = (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)[int(rng.integers(2))]
    crop = cv2.warpPerspective(
        picture, matrix @ fit_level, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=border,
        borderValue=tuple(int(v) for v in rng.integers(0, 256, 3)),
    )  # fmt: skip
    found = []
    for kind, quad, legible in photo.displays:
        moved = cv2.perspectiveTransform(quad[None].astype(np.float64), matrix)[0].astype(np.float32)
        if (moved.min(0) > -SIDE * 0.04).all() and (moved.max(0) < SIDE * 1.04).all():
            found.append((kind, moved, legible))
    return jitter_pixels(rng, np.asarray(crop, np.uint8)), found


def _matrix(
    rng: np.random.Generator, centre: NDArray[np.float64], goal: NDArray[np.float64], scale: float, angle: float
) -> NDArray[np.float64]:
    """Move ``centre`` to ``goal``, turn by -angle degrees, scale, and tilt a little."""
    a = np.radians(-angle)
    stretch = np.exp(rng.normal(0, 0.08))
    shear = rng.normal(0, 0.06)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    linear = scale * np.array([[stretch, shear], [0, 1 / stretch]]) @ turn
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = -linear @ centre
    tilt = np.eye(3)
    tilt[2, :2] = rng.normal(0, 0.0004, 2)
    shift = np.eye(3)
    shift[:2, 2] = goal
    return shift @ tilt @ matrix


def targets(displays: list[tuple[str, Corners, bool]]) -> tuple[NDArray[np.float32], ...]:
    """(heat 2xhxw, corner offsets 8xhxw, weight hxw, legible hxw, size hxw) for one crop."""
    cells = SIDE // LOCATOR_STRIDE
    centres = (np.arange(cells, dtype=np.float32) + 0.5) * LOCATOR_STRIDE
    xs, ys = np.meshgrid(centres, centres)
    heat = np.zeros((len(LOCATOR_KINDS), cells, cells), np.float32)
    corners = np.zeros((8, cells, cells), np.float32)
    weight = np.zeros((cells, cells), np.float32)
    legible = np.zeros((cells, cells), np.float32)
    size = np.ones((cells, cells), np.float32)
    for kind, quad, ok in displays:
        along = (quad[1] - quad[0] + quad[2] - quad[3]) / 2
        across = (quad[3] - quad[0] + quad[2] - quad[1]) / 2
        length, height = float(np.linalg.norm(along)), float(np.linalg.norm(across))
        dx, dy = xs - quad[:, 0].mean(), ys - quad[:, 1].mean()
        u = (dx * along[0] + dy * along[1]) / max(length, 1e-3) / max(0.13 * length, 2.5)
        v = (dx * across[0] + dy * across[1]) / max(height, 1e-3) / max(0.3 * height, 2.5)
        blob = np.exp(-0.5 * (u * u + v * v)).astype(np.float32)
        peak = np.unravel_index(int(blob.argmax()), blob.shape)
        blob[peak] = 1.0
        k = LOCATOR_KINDS.index(kind)
        heat[k] = np.maximum(heat[k], blob)
        here = (blob > 0.4) & (blob > weight)
        weight[here] = blob[here]
        legible[here] = float(ok)
        size[here] = np.sqrt(length * height) + 4
        for i in range(4):
            corners[2 * i][here] = (quad[i, 0] - xs[here]) / CORNER_UNIT
            corners[2 * i + 1][here] = (quad[i, 1] - ys[here]) / CORNER_UNIT
    return heat, corners, weight, legible, size


def to_batch(items: list[tuple[Image, list[tuple[str, Corners, bool]]]]) -> Batch:
    pictures = np.stack([im for im, _ in items]).transpose(0, 3, 1, 2)
    made = [targets(d) for _, d in items]
    return normalise(torch.from_numpy(pictures)), *(torch.from_numpy(np.stack([t[i] for t in made])) for i in range(5))  # type: ignore[return-value]


def normalise(pictures: Tensor) -> Tensor:
    """uint8 NCHW to the networks' input range; ``recognizer.vision`` does the same in numpy."""
    return ((pictures.float() - 127.5) / 64).contiguous(memory_format=torch.channels_last)


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """Focal loss on heat (CornerNet, Law and Deng 2018), size-relative L1 on corners, cross-entropy on legibility."""
    x, heat, corners, weight, legible, size = batch
    with half_precision():
        y = net(x).float()
    kinds = len(LOCATOR_KINDS)
    logits = y[:, :kinds]
    p = torch.sigmoid(logits)
    positive = (heat > 0.999).float()
    found = -positive * (1 - p) ** 2 * F.logsigmoid(logits)
    empty = -(1 - positive) * (1 - heat) ** 4 * p**2 * F.logsigmoid(-logits)
    count = positive.sum().clamp(min=1.0)
    offset = (y[:, kinds : kinds + 8] - corners).abs() * CORNER_UNIT / size[:, None]
    offset = torch.where(offset < 0.05, offset**2 / 0.1, offset - 0.025).mean(1)
    total_weight = weight.sum().clamp(min=1.0)
    clear = F.binary_cross_entropy_with_logits(y[:, kinds + 8], legible, reduction="none")
    return (
        (found.sum() + empty.sum()) / count
        + 4.0 * (offset * weight).sum() / total_weight
        + OF_LEGIBILITY * (clear * weight).sum() / total_weight
    )
