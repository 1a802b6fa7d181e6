"""Drum strips put together from real digit crops, the crops of one strip all from one meter.

The crops come from a folder outside the project (``digit-crops.csv`` with ``file, meter, kind, value`` and
``digit-crops.zip``); nothing of it is kept here. Its ``value`` is the digit with tenths of the turn.
"""

import csv
import math
import zipfile
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.errors import InputError
from recognizer.synth import ink
from recognizer.synth.carry import sample_value, wheel_turns
from recognizer.synth.drum import DrumStyle, assemble, cell_edges, drum_text, finish_window
from recognizer.synth.ink import Canvas, Image, chance, pick
from recognizer.synth.labels import ALONE, Setting, Strip

CROP_HEIGHT = 56
RED, NOT_RED = 0.11, 0.05  # share of red pixels; between the two a crop may be either
ENOUGH = 30
NEAR = 0.12  # labels are good to a tenth of a turn, so a crop this far off still fits a wheel


@dataclass(frozen=True)
class MeterCrops:
    """All crops of one meter folder: pictures, their turns (0.0 to 9.9) and what they look like."""

    name: str
    crops: list[Image]
    turns: NDArray[np.float32]
    looks: NDArray[np.float32]  # mean and spread of colour, to pick crops that go together
    red: NDArray[np.float32]  # share of red pixels: figure, wheel or frame, as makers print decimals
    aspect: float


@dataclass(frozen=True)
class DigitBank:
    """Real digit crops by meter folder, the unit by which train and test must be split."""

    meters: dict[str, MeterCrops]

    def only(self, names: Collection[str]) -> "DigitBank":
        return DigitBank({n: m for n, m in self.meters.items() if n in names})

    def without(self, names: Collection[str]) -> "DigitBank":
        return DigitBank({n: m for n, m in self.meters.items() if n not in names})


def load_digit_bank(data_dir: Path | str, least: int = 60) -> DigitBank:
    """Read the drum crops of ``digit-crops.csv`` and ``.zip``; folders with fewer than ``least`` are left out."""
    table, archive = Path(data_dir) / "digit-crops.csv", Path(data_dir) / "digit-crops.zip"
    if not table.is_file() or not archive.is_file():
        raise InputError(f"no digit crops in {data_dir}: digit-crops.csv and digit-crops.zip are needed")
    by_meter: dict[str, list[tuple[str, float]]] = defaultdict(list)
    with table.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["kind"] == "drum" and row["value"] not in ("", "nan"):
                by_meter[row["meter"]].append((row["file"], float(row["value"])))
    meters: dict[str, MeterCrops] = {}
    with zipfile.ZipFile(archive) as packed:
        for name, files in sorted(by_meter.items()):
            if len(files) >= least:
                meters[name] = _load_meter(packed, name, files)
    return DigitBank(meters)


def _load_meter(packed: zipfile.ZipFile, name: str, files: list[tuple[str, float]]) -> MeterCrops:
    crops: list[Image] = []
    turns, looks, aspects, reds = [], [], [], []
    for file, turn in files:
        image = cv2.imdecode(np.frombuffer(packed.read(file), np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            continue
        h, w = image.shape[:2]
        aspects.append(w / h)
        small = cv2.resize(image, (max(8, round(CROP_HEIGHT * w / h)), CROP_HEIGHT), interpolation=cv2.INTER_AREA)
        crops.append(np.asarray(small, np.uint8))
        turns.append(turn)
        reds.append(redness(np.asarray(small, np.uint8)))
        mean, spread = cv2.meanStdDev(small)
        edges = cv2.mean(small[:, : max(1, small.shape[1] // 6)])[:3]
        looks.append(np.concatenate([mean[:, 0], spread[:, 0], np.array(edges), [w / h * 100]]))
    return MeterCrops(
        name,
        crops,
        np.array(turns, np.float32),
        np.array(looks, np.float32),
        np.array(reds, np.float32),
        float(np.median(aspects)),
    )


def redness(crop: Image) -> float:
    """Share of clearly red pixels after the crop's own cast of colour is taken out."""
    pixels = crop.astype(np.float32)
    white = np.maximum(np.percentile(pixels, 75, axis=(0, 1)), 1.0)
    pixels *= np.clip(white.mean() / white, 0.75, 1.33)
    red = pixels[..., 2] - np.maximum(pixels[..., 0], pixels[..., 1])
    return float((red > 0.12 * np.maximum(pixels.max(2), 60.0)).mean())


def render_bank_drum(rng: np.random.Generator, bank: DigitBank, setting: Setting = ALONE) -> Strip:
    """A counter whose wheels are real crops; wheels that must roll get crops that roll as far."""
    names = list(bank.meters)
    weights = np.sqrt([len(bank.meters[n].crops) for n in names])
    at = int(np.searchsorted(np.cumsum(weights), rng.uniform(0, float(weights.sum()))))
    meter = bank.meters[names[min(at, len(names) - 1)]]
    style = _style(rng, meter)
    wheels = pick(rng, (4, 5, 5, 5, 6, 6, 7, 8))
    style = replace(style, decimals=min(style.decimals, wheels - 3))
    height = int(rng.integers(34, 70))
    turns = wheel_turns(sample_value(rng, wheels), wheels, float(rng.uniform(8.8, 9.4)))
    cells = cell_edges(style, wheels, height)
    window = _compose(rng, meter, turns, cells, height, style.decimals if style.mark == "colour" else None)
    if style.holes or style.separator != "none":
        window = finish_window(rng, style, window, cells)
    return assemble(rng, style, window, cells, drum_text(turns, style), setting)


def _style(rng: np.random.Generator, meter: MeterCrops) -> DrumStyle:
    """What surrounds the crops. Red crops are decimals where the meter has both; else only a printed mark tells."""
    style = DrumStyle.sample(rng)
    gap = 0.0 if chance(rng, 0.6) else style.gap
    cell = meter.aspect * float(rng.uniform(0.85, 1.15))
    style = replace(style, curve=0.0, separator=pick(rng, ("none", "none", "dark", "line")), gap=gap, cell=cell)
    both = (meter.red > RED).sum() >= ENOUGH and (meter.red < NOT_RED).sum() >= ENOUGH
    if both and chance(rng, 0.6):
        return replace(style, mark="colour", decimals=pick(rng, (1, 1, 2, 3, 3)))
    mark = pick(rng, ("none", "none", "box", "comma", "notch"))
    return replace(style, mark=mark, decimals=0 if mark == "none" else pick(rng, (1, 1, 2, 3)))


def _compose(
    rng: np.random.Generator,
    meter: MeterCrops,
    turns: list[float],
    cells: list[tuple[int, int]],
    height: int,
    red_wheels: int | None,
) -> Canvas:
    """Fill the cells with crops that show the wanted turns and look like one photo's.

    ``red_wheels``: so many wheels at the end are red ones and no others; None where colour tells nothing.
    """
    plain = meter.red < NOT_RED
    tells = plain.sum() >= ENOUGH  # in a folder of nearly only red crops colour tells nothing
    usable = np.flatnonzero(plain) if tells else np.arange(len(plain))
    like = meter.looks[usable[int(rng.integers(len(usable)))]]
    scale = meter.looks.std(0) + 4.0
    backdrop: ink.Colour = (float(like[6]), float(like[7]), float(like[8]))
    window = ink.sheet(height, cells[-1][1], ink.shade(backdrop, 0.8))
    unlike = (((meter.looks - like) / scale) ** 2).sum(1)
    first_red = len(cells) - (red_wheels or 0)
    for i, ((a, b), turn) in enumerate(zip(cells, turns, strict=True)):
        wrong = (meter.red <= RED) if i >= first_red else ~plain
        crop = meter.crops[_best(rng, meter.turns, unlike + 1000.0 * (wrong & tells), turn)]
        part = cv2.resize(crop, (b - a, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        if part.shape[1] > 6:
            # a common level of light: crops of one meter were still taken at different hours
            level = float(like[:3].mean()) / max(20.0, float(part.mean()))
            part *= min(max(level, 0.75), 1.35)
        window[:, a:b] = np.minimum(part, 255)
    return window


def _best(rng: np.random.Generator, turns: NDArray[np.float32], unlike: NDArray[np.float32], wanted: float) -> int:
    """A crop of about the wanted turn, among those that look alike; never one that reads as another digit."""
    off = np.abs(turns - wanted)
    same_digit = np.floor(turns + 1e-4) == math.floor(wanted)
    fits = np.flatnonzero((off <= NEAR) & same_digit)
    if not len(fits):
        fits = np.flatnonzero(same_digit)
    if not len(fits):
        fits = np.array([int(np.argmin(off))])
    cost = unlike[fits] + 60 * off[fits]
    best = np.argsort(cost)[:4]
    return int(fits[best[int(rng.integers(len(best)))]])
