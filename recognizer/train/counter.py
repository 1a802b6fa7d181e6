"""Recipe of the counter reader: real strips cut by their corners, rendered strips, CTC over possible texts."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recognizer.train.augment import jitter_pixels
from recognizer.train.data import Corners, Example, Image, read_photo
from recognizer.train.fit import Batch
from recognizer.train.locator import normalise
from recognizer.vision.rectify import evened, rectify

log = logging.getLogger(__name__)
ALPHABET = "0123456789."
BLANK = 0
MOST_TEXTS = 24
AGREEMENT = 0.2
"""Weight of the difference between two sights of one strip beside the loss of the texts."""
GRAIN = 2.0
"""Blur and noise are of the size that they have on a strip of half the height."""


@dataclass(frozen=True)
class Cutout:
    """A display with some surroundings, its corners therein, and the texts it may show (none: not readable)."""

    image: Image
    quad: Corners
    texts: tuple[str, ...]
    source: str
    kind: str = "lcd"


def cut_out(
    image: Image, quad: Corners, texts: tuple[str, ...], source: str, kind: str, longest: float = 480.0
) -> Cutout:
    """Keep half a strip height and a quarter of its length around the display, at most ``longest`` pixels long."""
    length = float(np.linalg.norm(quad[1] - quad[0]))
    height = float(np.linalg.norm(quad[3] - quad[0]))
    pad = 0.6 * height + 0.25 * length
    low = np.floor(quad.min(0) - pad).clip(0).astype(int)
    high = np.ceil(quad.max(0) + pad).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    scale = min(1.0, longest / length)
    if scale < 1:
        size = (round(part.shape[1] * scale), round(part.shape[0] * scale))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Cutout(part.copy(), ((quad - low) * scale).astype(np.float32), texts, source, kind)


def load_cutouts(data_dir: Path, examples: Iterable[Example]) -> list[Cutout]:
    """Cut the displays whose corners are known; an illegible display is one that says nothing."""
    cutouts = []
    for e in examples:
        if e.quad is None or (e.legible and not e.texts) or len(e.texts) > MOST_TEXTS:
            continue
        texts = e.texts if e.legible else ("",)
        cutouts.append(cut_out(read_photo(data_dir, e.file), e.quad, texts, e.source, e.kind))
    return cutouts


def shake_corners(rng: np.random.Generator, quad: Corners, strength: float = 1.0) -> Corners:
    """Corners as the locator may misplace them."""
    along, across = quad[1] - quad[0], quad[3] - quad[0]
    height = float(np.linalg.norm(across))
    unit = along / max(1e-3, float(np.linalg.norm(along)))
    centre = quad.mean(0)
    turn = rng.normal(0, np.radians(1.3)) * strength
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = (quad - centre) @ rotation.T + centre
    moved = moved + rng.normal(0, 0.05 * strength * height, 2)
    wider, taller = rng.normal(0.01, 0.025 * strength), rng.normal(0.03, 0.10 * strength)
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    moved = moved + 0.5 * (signs[:, :1] * along * wider + signs[:, 1:] * across * taller)
    moved = moved + signs[:, :1] * unit * abs(rng.normal(0, 0.04 * strength * height))
    if rng.random() < 0.08 * strength:  # a unit or a frame beside the digits taken for part of the counter
        side = int(rng.integers(2))
        moved[[side, 3 - side]] += (side * 2 - 1) * along * rng.uniform(0.05, 0.4)
    moved = moved + rng.normal(0, 0.035 * strength * height, (4, 2))
    return moved.astype(np.float32)


def strips_of(rng: np.random.Generator, cutout: Cutout) -> list[tuple[Image, tuple[str, ...]]]:
    """Two augmented training strips, cut alike and seen differently; now and then upside down, which says nothing."""
    quad = shake_corners(rng, cutout.quad)
    texts = cutout.texts
    if rng.random() < 0.06:
        quad, texts = np.roll(quad, 2, axis=0), ("",)
    strip = rectify(cutout.image, quad)
    if rng.random() < 0.06:
        strip = np.asarray(255 - strip, np.uint8)
    return [(_seen(rng, strip), texts) for _ in range(2)]


def _seen(rng: np.random.Generator, strip: Image) -> Image:
    if rng.random() < 0.2:  # as from a small photo: sample down and up again
        factor = rng.uniform(0.14, 0.6)
        small = cv2.resize(strip, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        strip = np.asarray(cv2.resize(small, (strip.shape[1], strip.shape[0])), np.uint8)
    return evened(jitter_pixels(rng, strip, grain=GRAIN))


def batches(
    groups: Sequence[tuple[float, Callable[[np.random.Generator], Cutout]]],
) -> Callable[[np.random.Generator, int], Batch]:
    """A batch maker that draws each pair of strips from one of the (share, source of cutouts) groups."""
    shares = np.array([share for share, _ in groups])
    shares = shares / shares.sum()

    def make(rng: np.random.Generator, size: int) -> Batch:
        picked = rng.choice(len(groups), size // 2, p=shares)
        return to_batch([strip for i in picked for strip in strips_of(rng, groups[i][1](rng))])

    return make


def any_of(cutouts: Sequence[Cutout]) -> Callable[[np.random.Generator], Cutout]:
    return lambda rng: cutouts[int(rng.integers(len(cutouts)))]


def to_batch(items: Sequence[tuple[Image, tuple[str, ...]]]) -> Batch:
    """(strips, all texts flattened, their lengths, the strip each belongs to)."""
    pictures = np.stack([im for im, _ in items]).transpose(0, 3, 1, 2)
    flat = [(encode(t), i) for i, (_, texts) in enumerate(items) for t in texts]
    return (
        torch.from_numpy(np.ascontiguousarray(pictures)),
        torch.tensor([c for codes, _ in flat for c in codes], dtype=torch.long),
        torch.tensor([len(codes) for codes, _ in flat], dtype=torch.long),
        torch.tensor([i for _, i in flat], dtype=torch.long),
    )


def encode(text: str) -> list[int]:
    return [ALPHABET.index(c) + 1 for c in text]


def text_losses(logits: Tensor, codes: Tensor, lengths: Tensor, owner: Tensor) -> Tensor:
    """Negative log-probability of each text on its strip (Graves 2006)."""
    log_probs = logits.float().log_softmax(2).transpose(0, 1)[:, owner]
    steps = torch.full_like(lengths, logits.shape[1])
    return F.ctc_loss(log_probs, codes, steps, lengths, blank=BLANK, reduction="none", zero_infinity=True)


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """-log of the summed probability of all texts a strip may show, the data leaving some zeros open, and how far the
    two strips of each pair are apart; the batch has an even number of them, as ``batches`` makes it.
    """
    pictures, codes, lengths, owner = batch
    logits = net(normalise(pictures))
    losses = text_losses(logits, codes, lengths, owner)
    best = torch.full((len(pictures),), torch.inf).scatter_reduce(0, owner, losses.detach(), "amin")
    share = torch.exp(best[owner] - losses)
    total = torch.zeros(len(pictures)).index_add(0, owner, share)
    return (best - torch.log(total)).mean() + AGREEMENT * _disagreement(logits)


def _disagreement(logits: Tensor) -> Tensor:
    """How far the two strips of each pair are read differently, column by column (CR-CTC, Yao et al. 2025)."""
    one, other = logits.float().log_softmax(2).unflatten(0, (-1, 2)).unbind(1)
    apart = [F.kl_div(a, b.detach(), reduction="none", log_target=True) for a, b in ((one, other), (other, one))]
    return torch.stack(apart).sum((2, 3)).mean()


def greedy(logits: Tensor) -> list[str]:
    """Best-path text of every strip."""
    texts = []
    for path in logits.argmax(2).tolist():
        kept = [c for c, before in zip(path, [BLANK, *path], strict=False) if c not in (BLANK, before)]
        texts.append("".join(ALPHABET[c - 1] for c in kept))
    return texts


def accuracy(net: nn.Module, cutouts: Sequence[Cutout]) -> dict[str, tuple[int, int]]:
    """Per source: (strips whose best-path text is among the possible ones, strips)."""
    counts: dict[str, tuple[int, int]] = {}
    for start in range(0, len(cutouts), 64):
        part = cutouts[start : start + 64]
        pictures = np.stack([evened(rectify(c.image, c.quad)) for c in part]).transpose(0, 3, 1, 2)
        with torch.no_grad():
            texts = greedy(net(normalise(torch.from_numpy(np.ascontiguousarray(pictures)))))
        for cutout, text in zip(part, texts, strict=True):
            right, n = counts.get(cutout.source, (0, 0))
            counts[cutout.source] = (right + (text in cutout.texts), n + 1)
    return counts
