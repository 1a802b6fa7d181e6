"""Recipe of the point reader: gaps between the digits of real, refilled and drawn LCDs, with a point or without."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recognizer.train.augment import jitter_pixels
from recognizer.train.counter import Cutout, encode, shake_corners
from recognizer.train.data import Image
from recognizer.train.fit import Batch
from recognizer.train.locator import normalise
from recognizer.vision.counter import log_probs_of
from recognizer.vision.ctc import spans_of, text_scores
from recognizer.vision.models import Model
from recognizer.vision.point import FINER, cut_pair
from recognizer.vision.rectify import rectify

WITH_POINT = 0.45
"""How often a gap with a point is taken of a display that has one; there are four without to each."""
MOST_TRIES = 20


@dataclass(frozen=True)
class Gaps:
    """An LCD and its gaps: where the digits before and behind begin and end along its strip, and whether a point stands
    between them.
    """

    cutout: Cutout
    ends: tuple[tuple[float, float], ...]
    points: tuple[bool, ...]


def gaps_of(counter: Model, cutout: Cutout, least: float = -6.0) -> Gaps | None:
    """The gaps of an LCD whose text the counter, told it, finds there; None where it does not."""
    texts = [text for text in cutout.texts if sum(c != "." for c in text) >= 3]
    if cutout.kind != "lcd" or not texts:
        return None
    log_probs = log_probs_of(counter, rectify(cutout.image, cutout.quad))
    scores = text_scores(log_probs, [tuple(encode(text)) for text in texts])
    if scores.max() < least:
        return None
    text = texts[int(scores.argmax())]
    spans = spans_of(log_probs, tuple(encode(text)))
    digits = [i for i, c in enumerate(text) if c != "."]
    ends = tuple((spans[i][0], spans[j][1]) for i, j in pairwise(digits))
    if any(not right - left > 0.02 for left, right in ends):
        return None
    return Gaps(cutout, ends, tuple(j > i + 1 for i, j in pairwise(digits)))


def any_of(gaps: Sequence[Gaps]) -> Callable[[np.random.Generator], Gaps]:
    return lambda rng: gaps[int(rng.integers(len(gaps)))]


def made_by(counter: Model, make: Callable[[np.random.Generator], Cutout]) -> Callable[[np.random.Generator], Gaps]:
    """Gaps of drawn displays; those that the counter cannot find are left out."""

    def draw(rng: np.random.Generator) -> Gaps:
        for _ in range(MOST_TRIES):
            if (gaps := gaps_of(counter, make(rng))) is not None:
                return gaps
        raise ValueError(f"none of {MOST_TRIES} drawn displays could be read")

    return draw


def sample(rng: np.random.Generator, gaps: Gaps) -> tuple[Image, bool]:
    """One gap as it would be cut, and whether a point stands there."""
    with_point = [i for i, point in enumerate(gaps.points) if point]
    without = [i for i, point in enumerate(gaps.points) if not point]
    group = with_point if with_point and (not without or rng.random() < WITH_POINT) else without
    i = group[int(rng.integers(len(group)))]
    left, right = gaps.ends[i]
    off = rng.normal(0, 0.05, 2) * (right - left)
    strip = rectify(gaps.cutout.image, shake_corners(rng, gaps.cutout.quad, 0.6), FINER)
    if rng.random() < 0.3:  # as from a small photo
        k = float(rng.uniform(0.25, 0.8))
        small = cv2.resize(strip, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
        strip = np.asarray(cv2.resize(small, strip.shape[1::-1]), np.uint8)
    if rng.random() < 0.06:
        strip = np.asarray(255 - strip, np.uint8)
    return cut_pair(jitter_pixels(rng, strip), left + off[0], right + off[1]), gaps.points[i]


def batches(
    groups: Sequence[tuple[float, Callable[[np.random.Generator], Gaps]]],
) -> Callable[[np.random.Generator, int], Batch]:
    """A batch maker, pictures and whether a point is there; groups come as often as their shares say."""
    shares = np.array([share for share, _ in groups])

    def make(rng: np.random.Generator, size: int) -> Batch:
        picked = rng.choice(len(groups), size, p=shares / shares.sum())
        made = [sample(rng, groups[i][1](rng)) for i in picked]
        pictures = np.stack([image for image, _ in made]).transpose(0, 3, 1, 2).copy()
        return torch.from_numpy(pictures), torch.tensor([point for _, point in made], dtype=torch.float32)

    return make


def loss(net: nn.Module, batch: Batch) -> Tensor:
    pictures, points = batch
    return F.binary_cross_entropy_with_logits(net(normalise(pictures))[:, 0], points)


def accuracy(net: nn.Module, displays: Sequence[Gaps]) -> dict[str, float]:
    """Shares of displays whose likeliest gap is the one with the point, and whose gaps are all told right."""
    best: list[bool] = []
    right: list[bool] = []
    for gaps in displays:
        strip = rectify(gaps.cutout.image, gaps.cutout.quad, FINER)
        cuts = np.stack([cut_pair(strip, *ends) for ends in gaps.ends]).transpose(0, 3, 1, 2).copy()
        with torch.no_grad():
            z = net(normalise(torch.from_numpy(cuts)))[:, 0].numpy()
        right.append(bool(((z > 0) == np.array(gaps.points)).all()))
        if any(gaps.points):
            best.append(bool(gaps.points[int(z.argmax())]))
    return {
        "best gap": float(np.mean(best or [False])),
        "all gaps": float(np.mean(right or [False])),
        "n": len(displays),
    }
