"""Recipe of the wheel reader: real digit crops with tenths of the turn, and wheels of real counters turned."""

import csv
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recognizer.errors import InputError
from recognizer.synth.drum import render_wheel
from recognizer.train.augment import jitter_pixels
from recognizer.train.fit import Batch
from recognizer.train.flat import HEIGHT, PAD_ACROSS, Flat, same_light
from recognizer.train.locator import normalise
from recognizer.train.splice import cells, rolled, shapes
from recognizer.vision.rectify import MARGIN_ACROSS
from recognizer.vision.wheel import BINS, FRAME_ACROSS, WHEEL_HEIGHT, WHEEL_WIDTH, framed, turn_of

Image = NDArray[np.uint8]
HELD_BACK = 4
"""Every so many-th folder of crops teaches nothing, by its name."""
SPREAD = 0.12
"""Of the wanted odds, in turns of one digit: the labels are good to a tenth."""
FRAME = round(FRAME_ACROSS * HEIGHT / (1 - 2 * MARGIN_ACROSS))
"""Rows around the window in a cut from a flat picture, as many as ``cut_wheel`` has."""
AT_REST = 0.35
"""Share of the wheels of real counters that are not turned."""


@dataclass(frozen=True)
class Crop:
    """A picture of one wheel (or LCD digit), its folder and kind, and its turn from 0 to below 10."""

    image: Image
    meter: str
    kind: str
    turn: float


def load_crops(data_dir: Path) -> list[Crop]:
    """The digit crops whose turn is known. Raises InputError when the folder has none."""
    table, archive = data_dir / "digit-crops.csv", data_dir / "digit-crops.zip"
    if not table.is_file() or not archive.is_file():
        raise InputError(f"no digit-crops.csv and .zip in {data_dir}: training wheels needs them")
    crops = []
    with ZipFile(archive) as packed, table.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            if row["value"] in ("", "nan"):
                continue
            image = cv2.imdecode(np.frombuffer(packed.read(row["file"]), np.uint8), cv2.IMREAD_COLOR)
            if image is not None:
                crops.append(Crop(np.asarray(image, np.uint8), row["meter"], row["kind"], float(row["value"]) % 10))
    return crops


def crop_held_back(meter: str) -> bool:
    """Whether a folder of digit crops is kept from training."""
    return zlib.crc32(meter.encode()) % HELD_BACK == 0


def of_crops(crops: Sequence[Crop]) -> Callable[[np.random.Generator], tuple[Image, float]]:
    """Any crop; every folder as often as the square root of its number."""
    names = sorted({crop.meter for crop in crops})
    by_meter = [[crop for crop in crops if crop.meter == name] for name in names]
    shares = np.sqrt([len(group) for group in by_meter])

    def make(rng: np.random.Generator) -> tuple[Image, float]:
        group = by_meter[int(rng.choice(len(by_meter), p=shares / shares.sum()))]
        crop = group[int(rng.integers(len(group)))]
        return crop.image, crop.turn

    return make


def of_counters(flats: Sequence[Flat]) -> Callable[[np.random.Generator], tuple[Image, float]] | None:
    """Wheels of one source's counters that stand still by the carry rule, mostly turned on; None: too few of them.

    A wheel stands still where its right neighbour is between 1 and 8; of the last one that is not known.
    """
    by_shape: dict[bool, dict[str, list[Image]]] = {}
    for flat in flats:
        parts = list(zip(cells(flat), shapes(flat), strict=True))
        for ((text, x0, x1), (form, last, decimal)), ((right, _, _), _) in pairwise(parts):
            if not last and form == "0" and right[:1] in tuple("12345678"):
                by_shape.setdefault(decimal, {}).setdefault(text, []).append(flat.image[:, x0:x1])
    full = [digits for digits in by_shape.values() if len(digits) == 10]
    if not full:
        return None

    def make(rng: np.random.Generator) -> tuple[Image, float]:
        digits = full[int(rng.integers(len(full)))]
        lower = int(rng.integers(10))
        here, upper = (_any(rng, digits[str(digit % 10)]) for digit in (lower, lower + 1))
        turn = 0.0
        if rng.random() > AT_REST:
            turn = float(rng.uniform(0, 1))
            resized = cv2.resize(upper, here.shape[1::-1], interpolation=cv2.INTER_AREA)
            upper = same_light(np.asarray(resized, np.uint8), here, "drum")
            here = rolled(here, upper, turn, HEIGHT * float(rng.uniform(0.95, 1.3)))
        return here[PAD_ACROSS - FRAME : PAD_ACROSS + HEIGHT + FRAME], lower + turn

    return make


def drawn(rng: np.random.Generator) -> tuple[Image, float]:
    """A drawn wheel: numerals in more hands than the crops have."""
    turn = float(rng.uniform(0, 10)) % 10
    return render_wheel(rng, turn), turn


def _any(rng: np.random.Generator, pictures: Sequence[Image]) -> Image:
    return pictures[int(rng.integers(len(pictures)))]


def sample(rng: np.random.Generator, picture: Image, turn: float) -> tuple[Image, float]:
    """One cut as the counter's positions would make it: a little off, worse, in another light."""
    height, width = picture.shape[:2]
    zoom = np.exp(rng.normal(0, (0.12, 0.05)))
    move = rng.normal(0, (0.05, 0.02)) * (width, height)
    shear = rng.normal(0, 0.05 if rng.random() < 0.6 else 0.25)  # some numerals slant
    scale = np.array([WHEEL_WIDTH / width, WHEEL_HEIGHT / height])
    if rng.random() < 0.25:  # from a small photo
        k = float(rng.uniform(0.3, 0.8))
        small = cv2.resize(picture, None, fx=max(k, 6 / width), fy=max(k, 10 / height), interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.resize(small, (width, height)), np.uint8)
    linear = np.diag(scale * zoom) @ np.array([[1, shear], [0, 1]])
    centre = np.array([WHEEL_WIDTH, WHEEL_HEIGHT]) / 2
    matrix = np.hstack([linear, (centre - linear @ (np.array([width, height]) / 2 + move))[:, None]])
    # Larger cuts are shrunk by areas first, or thin strokes would be sampled away.
    if height > 2 * WHEEL_HEIGHT:
        picture = np.asarray(cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
        matrix[:, :2] *= 2
    cut = cv2.warpAffine(picture, matrix, (WHEEL_WIDTH, WHEEL_HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.06:
        cut = 255 - cut
    return framed(jitter_pixels(rng, np.asarray(cut, np.uint8))), turn


def batches(
    groups: Sequence[tuple[float, Callable[[np.random.Generator], tuple[Image, float]]]],
) -> Callable[[np.random.Generator, int], Batch]:
    """A batch maker, pictures and turns; groups come as often as their shares say."""
    shares = np.array([share for share, _ in groups])

    def make(rng: np.random.Generator, size: int) -> Batch:
        picked = rng.choice(len(groups), size, p=shares / shares.sum())
        made = [sample(rng, *groups[i][1](rng)) for i in picked]
        pictures = np.stack([image for image, _ in made]).transpose(0, 3, 1, 2).copy()
        return torch.from_numpy(pictures), torch.tensor([turn for _, turn in made], dtype=torch.float32)

    return make


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of the turn, spread as the labels are."""
    pictures, turns = batch
    centres = torch.arange(BINS) * (10 / BINS)
    apart = (turns[:, None] - centres + 5) % 10 - 5
    wanted = torch.exp(-0.5 * (apart / SPREAD) ** 2)
    wanted = wanted / wanted.sum(1, keepdim=True)
    return -(wanted * net(normalise(pictures)).log_softmax(1)).sum(1).mean()


def accuracy(net: nn.Module, crops: Sequence[Crop]) -> dict[str, float]:
    """Shares of crops whose turn is within 0.1 and 0.2 of the truth, and of those at rest whose digit is right."""
    cuts = np.stack([framed(crop.image) for crop in crops]).transpose(0, 3, 1, 2).copy()
    with torch.no_grad():
        odds = torch.cat([net(normalise(part)).softmax(1) for part in torch.from_numpy(cuts).split(512)]).double()
    found = np.array([turn_of(row)[0] for row in odds.numpy()])
    truth = np.array([crop.turn for crop in crops])
    off = np.abs((found - truth + 5) % 10 - 5)
    still = np.abs(truth - np.round(truth)) < 0.05
    return {
        "at rest": float((off[still] < 0.5).mean()), "within 0.1": float((off <= 0.15).mean()),
        "within 0.2": float((off <= 0.25).mean()), "n": len(crops),
    }  # fmt: skip
