"""Recipe of the dial reader: real needles, drawn dials, pointers of real water meters, and what is no dial."""

import csv
import logging
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recognizer.errors import InputError
from recognizer.synth.dials import dial_row, water_face
from recognizer.train.augment import jitter_pixels
from recognizer.train.data import load_examples, read_photo
from recognizer.train.fit import Batch
from recognizer.train.locator import normalise
from recognizer.vision.dial import BINS
from recognizer.vision.dial_cut import AROUND, REACH, SIDE, around_matrix, cut_dial, redness

log = logging.getLogger(__name__)
Image = NDArray[np.uint8]
PLACES_CSV = Path(__file__).with_name("dial_places.csv")
"""Places on training photos: a ``pointer`` with its pivot and radius; ``hidden``, where one may be; ``none``, what an
earlier network took for one. The first were found by colour and by their places beside the counter and looked over on
contact sheets, these by the network that they trained and by all pointers of a meter being of one size."""
ALIKE = 0.95
"""Correlation of two needle crops at 24 x 24 grey pixels above which they count as near-copies."""
HELD_BACK = 5
DRAWN_FACES = 250
WITHOUT_DIALS = ("thai-electricity", "dss188-electricity", "cesc-electricity", "vn-lcd", "lcd-strips")


@dataclass(frozen=True)
class Needle:
    """A cut-out with one dial in it, or with none (``radius`` 0); what is None is not known and teaches nothing."""

    image: Image
    x: float
    y: float
    radius: float
    turn: float | None = None
    """Where the needle stands in numbers of the scale if they ran clockwise from the top: ten to the circle."""
    clockwise: bool | None = None


def load_needles(data_dir: Path) -> tuple[list[Needle], list[Needle]]:
    """The needle crops for training, and the fifth that is held back; near-copies stay on one side together.

    Raises InputError when the folder has no needle crops.
    """
    table, pictures = data_dir / "needle-crops.csv", data_dir / "needle-crops.zip"
    if not table.is_file() or not pictures.is_file():
        raise InputError(f"no needle-crops.csv and .zip in {data_dir}: training dials needs them")
    with table.open(newline="", encoding="utf-8") as f:
        rows = [(row["file"], float(row["value"])) for row in csv.DictReader(f)]
    needles = []
    with ZipFile(pictures) as archive:
        for name, value in rows:
            image = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR)
            assert image is not None, name
            side = image.shape[0]
            needles.append(Needle(np.asarray(image, np.uint8), side / 2, side / 2, side / 2 / REACH, value))
    groups = _near_copies([needle.image for needle in needles])
    held = [zlib.crc32(rows[group][0].encode()) % HELD_BACK == 0 for group in groups]
    return (
        [needle for needle, out in zip(needles, held, strict=True) if not out],
        [needle for needle, out in zip(needles, held, strict=True) if out],
    )


def _near_copies(images: Sequence[Image]) -> list[int]:
    """For every picture the first one of its group: all that are joined by a chain of near-copies."""
    small = [cv2.resize(cv2.cvtColor(im, cv2.COLOR_BGR2GRAY), (24, 24), interpolation=cv2.INTER_AREA) for im in images]
    flat = np.array([s.ravel() for s in small], np.float32)
    flat -= flat.mean(1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    first = list(range(len(images)))

    def root(i: int) -> int:
        while first[i] != i:
            i = first[i]
        return i

    for i, j in np.argwhere(np.triu(flat @ flat.T > ALIKE, 1)):
        a, b = sorted((root(int(i)), root(int(j))))
        first[b] = a
    return [root(i) for i in range(len(images))]


def load_pointers(data_dir: Path) -> tuple[list[Needle], list[Needle]]:
    """Pointers of real training photos without their turns, and reddish spots of them that are none."""
    with PLACES_CSV.open(newline="", encoding="utf-8") as f:
        places: dict[str, list[tuple[float, float, float, str]]] = {}
        for row in csv.DictReader(f):
            at = (float(row["x"]), float(row["y"]), float(row["radius"]), row["what"])
            places.setdefault(row["file"], []).append(at)
    pointers: list[Needle] = []
    others: list[Needle] = []
    for example in load_examples(data_dir, "train"):
        quad = example.quad
        known = places.get(example.file, [])
        if quad is None or not (known or example.source in WITHOUT_DIALS):
            continue
        matrix = around_matrix(quad)
        around = cv2.warpPerspective(
            read_photo(data_dir, example.file), matrix, (AROUND, AROUND),
            flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        scale = float(np.hypot(*matrix[:2, 0]))
        spots = [(*(matrix @ (x, y, 1.0))[:2], radius * scale, what) for x, y, radius, what in known]
        for x, y, radius, what in spots:
            if what != "hidden" and 8 < radius < 80:
                cut = _around(np.asarray(around, np.uint8), x, y, radius, known=what == "pointer")
                (pointers if what == "pointer" else others).append(cut)
        for x, y in _reddest(np.asarray(around, np.uint8), 1):
            if all(math.hypot(x - px, y - py) > 0.9 * radius for px, py, radius, _ in spots):
                others.append(_around(np.asarray(around, np.uint8), x, y, 32.0, known=False))
    return pointers, others


def _around(picture: Image, x: float, y: float, radius: float, *, known: bool) -> Needle:
    reach = round(2.4 * radius)
    low = [max(0, round(v) - reach) for v in (x, y)]
    part = picture[low[1] : round(y) + reach, low[0] : round(x) + reach].copy()
    return Needle(part, x - low[0], y - low[1], radius if known else 0.0)


def _reddest(around: Image, most: int) -> list[tuple[float, float]]:
    red = redness(np.asarray(cv2.resize(around, (128, 128), interpolation=cv2.INTER_AREA), np.uint8))
    top = np.argwhere((red >= cv2.dilate(red, np.ones((9, 9), np.uint8))) & (red > 1.0))
    best = sorted(top.tolist(), key=lambda at: -red[at[0], at[1]])[: 2 * most]
    return [(4 * x + 2.0, 4 * y + 2.0) for y, x in best if 8 < x < 120 and 8 < y < 120][:most]


def draw_faces(rng: np.random.Generator, count: int = DRAWN_FACES) -> tuple[list[Needle], list[Needle]]:
    """Dials of drawn faces, with their turns and directions, and places beside them."""
    dials, others = [], []
    for i in range(count):
        if i % 2:
            face = water_face(rng)
        else:
            value = int(rng.integers(10**5))
            face = dial_row(rng, value, 5, last_clockwise=bool(rng.random() < 0.5), part=float(rng.random()))
        for d in face.dials:
            turn = d.turn if d.clockwise else (10 - d.turn) % 10
            cut = _around(face.image, d.x, d.y, d.radius, known=True)
            dials.append(Needle(cut.image, cut.x, cut.y, d.radius, turn, d.clockwise))
        for _ in range(2):
            x, y = rng.uniform(0, 1, 2) * face.image.shape[1::-1]
            if all(math.hypot(x - d.x, y - d.y) > 1.1 * d.radius for d in face.dials):
                others.append(_around(face.image, x, y, face.dials[0].radius, known=False))
    return dials, others


def sample(rng: np.random.Generator, needle: Needle) -> tuple[Image, list[float]]:
    """A cut as the finder would make it, and (turn or -1, is a dial, anticlockwise or -1, x, y, log radius).

    A needle is turned with its picture: what is learnt is where it points, not which number it points at. Numbers
    give only the direction; what a photo is turned by is known from its counter.
    """
    picture = np.asarray(needle.image[:, :, :], np.uint8)
    angle = float(rng.uniform(-180, 180) if rng.random() < 0.2 else rng.normal(0, 8))
    if needle.radius == 0:
        radius = min(picture.shape[:2]) / 4.8 * math.exp(rng.normal(0, 0.3))
        x, y = needle.x + rng.normal(0, 4), needle.y + rng.normal(0, 4)
        return jitter_pixels(rng, cut_dial(picture, x, y, radius, rng.uniform(-180, 180))), [-1, 0, -1, 0, 0, 0]
    rough = rng.random() < 0.5  # as first seen, or as found
    spread, zoom = (0.3, 0.25) if rough else (0.08, 0.08)
    wrong = math.exp(float(rng.normal(0, zoom)))
    radius = needle.radius * wrong
    off = np.clip(rng.normal(0, spread, 2), -0.6, 0.6) * needle.radius
    stretch = (math.exp(float(rng.normal(0, 0.05))), math.exp(float(rng.normal(0, 0.05))))
    cut = cut_dial(picture, needle.x + off[0], needle.y + off[1], radius, angle, stretch)
    a = math.radians(angle)
    back = -np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]) @ (off * stretch) / (REACH * radius)
    turn = -1.0 if needle.turn is None else (needle.turn + angle / 36) % 10
    way = -1.0 if needle.clockwise is None else float(not needle.clockwise)
    if rng.random() < 0.3:
        cut = _glare(rng, cut)
    return jitter_pixels(rng, cut), [turn, 1, way, float(back[0]), float(back[1]), -math.log(wrong)]


def _glare(rng: np.random.Generator, cut: Image) -> Image:
    """A lamp in the dome over the dial, now and then right before the needle's tip."""
    light = np.zeros(cut.shape[:2], np.float32)
    for _ in range(int(rng.integers(1, 4))):
        at = rng.normal(SIDE / 2, SIDE / 5, 2)
        axes = (int(rng.integers(1, 8)), int(rng.integers(1, 4)))
        cv2.ellipse(light, (round(at[0]), round(at[1])), axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), float(rng.uniform(0.5, 2))), np.float32)
    return np.asarray((cut + light[..., None] * rng.uniform(80, 250)).clip(0, 255), np.uint8)


def batches(groups: Sequence[tuple[float, Sequence[Needle]]]) -> Callable[[np.random.Generator, int], Batch]:
    """A batch maker: pictures and the six figures of ``sample``; groups come as often as their shares say."""
    shares = np.array([share for share, _ in groups])

    def make(rng: np.random.Generator, size: int) -> Batch:
        picked = [groups[i][1] for i in rng.choice(len(groups), size, p=shares / shares.sum())]
        made = [sample(rng, group[int(rng.integers(len(group)))]) for group in picked]
        pictures = np.stack([image for image, _ in made]).transpose(0, 3, 1, 2).copy()
        return torch.from_numpy(pictures), torch.tensor([figures for _, figures in made], dtype=torch.float32)

    return make


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of the turn, spread over three hundredths as the labels are; presence, direction, place, radius."""
    pictures, figures = batch
    y = net(normalise(pictures))
    turn, there, way, place, size = figures[:, 0], figures[:, 1], figures[:, 2], figures[:, 3:5], figures[:, 5]
    centres = torch.arange(BINS) * (10 / BINS)
    apart = (turn[:, None] - centres + 5) % 10 - 5
    wanted = torch.exp(-0.5 * (apart / 0.1) ** 2)
    wanted = wanted / wanted.sum(1, keepdim=True)
    known = (turn >= 0).float()
    needle = -(wanted * y[:, :BINS].log_softmax(1)).sum(1)
    presence = F.binary_cross_entropy_with_logits(y[:, BINS], there)
    directed = (way >= 0).float()
    direction = F.binary_cross_entropy_with_logits(y[:, BINS + 1], way.clamp(min=0), reduction="none")
    spread = F.smooth_l1_loss(y[:, BINS + 2 : BINS + 4], place, reduction="none", beta=0.1).sum(1)
    radius = F.smooth_l1_loss(y[:, BINS + 4], size, reduction="none", beta=0.1)
    return (
        (needle * known).sum() / known.sum().clamp(min=1)
        + 2 * presence
        + 0.3 * (direction * directed).sum() / directed.sum().clamp(min=1)
        + 4 * ((spread + radius) * there).sum() / there.sum().clamp(min=1)
    )


def accuracy(net: nn.Module, needles: Sequence[Needle]) -> dict[str, float]:
    """Shares of needles whose turn, to a tenth, is within 0.1 and 0.2 of the truth."""
    cuts = np.stack([cut_dial(n.image, n.x, n.y, n.radius) for n in needles]).transpose(0, 3, 1, 2).copy()
    with torch.no_grad():
        best = net(normalise(torch.from_numpy(cuts)))[:, :BINS].argmax(1).numpy() / 10
    truth = np.array([n.turn for n in needles])
    apart = np.abs((best - truth + 5) % 10 - 5)
    return {"within 0.1": float((apart < 0.101).mean()), "within 0.2": float((apart < 0.201).mean()), "n": len(needles)}


def train_groups(data_dir: Path, seed: int) -> tuple[list[tuple[float, Sequence[Needle]]], list[Needle]]:
    """What a dial reader learns from, with shares, and the needles held back."""
    learnt, held = load_needles(data_dir)
    pointers, reddish = load_pointers(data_dir)
    dials, beside = draw_faces(np.random.default_rng([seed, 4]))
    log.info("%d needles, %d held back, %d pointers, %d drawn; no dials: %d real, %d drawn",
             len(learnt), len(held), len(pointers), len(dials), len(reddish), len(beside))  # fmt: skip
    return [(0.44, learnt), (0.16, pointers), (0.16, dials), (0.2, reddish), (0.04, beside)], held
