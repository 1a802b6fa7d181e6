"""New numbers from real strips: the left part of one counter and the right part of another of the same source.

A source of 158 strips is 158 numbers, and a network that sees whole strips learns them by heart: it then read 155
of its own and 11 of 21 others. Cut between two digits, they give thousands of numbers with the look of real ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from recognizer.train.counter import Cutout, encode
from recognizer.train.data import Corners, Image
from recognizer.vision.counter import log_probs_of, spans_of, text_scores
from recognizer.vision.models import Model
from recognizer.vision.rectify import MARGIN_ALONG, rectify

HEIGHT, LENGTH = 72, 480
PAD_ALONG, PAD_ACROSS = 28, 26
"""The flat picture of a display: its size in pixels, and the surroundings kept on each side."""
LEAST_SCORE = -3.0
MOST_DIGITS = 9


@dataclass(frozen=True)
class Flat:
    """A display straightened, its text, and the columns between two digits where it may be cut."""

    image: Image
    text: str
    cuts: tuple[tuple[int, int], ...]
    """(characters on the left, column) of every place to cut."""


def flatten(counter: Model, cutouts: Sequence[Cutout]) -> list[Flat]:
    """Straighten the cutouts that ``counter`` reads as one of their texts; the others cannot be cut safely."""
    flats = []
    for cutout in cutouts:
        texts = [t for t in cutout.texts if len(t) >= 3]
        if not texts:
            continue
        log_probs = log_probs_of(counter, rectify(cutout.image, cutout.quad))
        scores = text_scores(log_probs, [tuple(encode(t)) for t in texts])
        if scores.max() < LEAST_SCORE:
            continue
        text = texts[int(scores.argmax())]
        spans = spans_of(log_probs, tuple(encode(text)))
        cuts = tuple(
            (i, PAD_ALONG + round(LENGTH * (spans[i][0] - MARGIN_ALONG) / (1 - 2 * MARGIN_ALONG)))
            for i in range(1, len(text))
            if "." not in text[i - 1 : i + 1]
        )
        if cuts:
            flats.append(Flat(_flat(cutout), text, cuts))
    return flats


def spliced(flats: Sequence[Flat], source: str) -> Callable[[np.random.Generator], Cutout]:
    """A maker of cutouts, each from two of ``flats``."""

    def make(rng: np.random.Generator) -> Cutout:
        while True:
            a, b = flats[int(rng.integers(len(flats)))], flats[int(rng.integers(len(flats)))]
            (i, left), (j, right) = a.cuts[int(rng.integers(len(a.cuts)))], b.cuts[int(rng.integers(len(b.cuts)))]
            text = a.text[:i] + b.text[j:]
            shorter, longer = sorted(len(t.replace(".", "")) for t in (a.text, b.text))
            digits = len(text.replace(".", ""))
            if text.count(".") <= 1 and max(3, shorter - 1) <= digits <= min(MOST_DIGITS, longer + 1):
                break
        # The same light on both: match the mean and spread of each channel.
        one, two = a.image[:, :left].astype(np.float32), b.image[:, right:].astype(np.float32)
        spread = (one.std((0, 1)) + 4) / (two.std((0, 1)) + 4)
        two = (two - two.mean((0, 1))) * spread.clip(0.5, 2) + one.mean((0, 1))
        image = np.hstack([a.image[:, :left], two.clip(0, 255).astype(np.uint8)])
        return Cutout(np.ascontiguousarray(image), _corners(image.shape[1]), (text,), source)

    return make


def _flat(cutout: Cutout) -> Image:
    size = (LENGTH + 2 * PAD_ALONG, HEIGHT + 2 * PAD_ACROSS)
    matrix = cv2.getPerspectiveTransform(np.asarray(cutout.quad, np.float32), _corners(size[0]))
    return np.asarray(cv2.warpPerspective(cutout.image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _corners(width: int) -> Corners:
    x0, x1, y0, y1 = PAD_ALONG, width - PAD_ALONG, PAD_ACROSS, PAD_ACROSS + HEIGHT
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
