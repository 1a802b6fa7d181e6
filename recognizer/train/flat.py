"""Displays of training photos straightened, with the columns between their digits: material for new numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from recognizer.train.counter import Cutout, encode
from recognizer.train.data import Corners, Image
from recognizer.vision.counter import log_probs_of
from recognizer.vision.ctc import spans_of, text_scores
from recognizer.vision.models import Model
from recognizer.vision.rectify import MARGIN_ALONG, rectify

HEIGHT, LENGTH = 72, 480
PAD_ALONG, PAD_ACROSS = 28, 26
"""The flat picture of a display: its size in pixels, and the surroundings kept on each side."""
LEAST_SCORE = -3.0


@dataclass(frozen=True)
class Flat:
    """A display straightened, its text, and the columns between two digits where it may be cut."""

    image: Image
    text: str
    cuts: tuple[tuple[int, int], ...]
    """(characters on the left, column) of every place to cut."""

    def cutout(self, source: str, kind: str) -> Cutout:
        return Cutout(self.image, corners(self.image.shape[1]), (self.text,), source, kind)


def flatten(counter: Model, cutouts: Sequence[Cutout]) -> list[Flat]:
    """Straighten the cutouts that ``counter`` reads as one of their texts; the others cannot be cut safely."""
    flats = []
    for cutout in cutouts:
        if (told := placed(counter, cutout)) is None:
            continue
        text, places = told
        cuts = tuple((i, round(places[i][0])) for i in range(1, len(text)) if "." not in text[i - 1 : i + 1])
        if cuts:
            flats.append(Flat(straighten(cutout), text, cuts))
    return flats


def placed(counter: Model, cutout: Cutout) -> tuple[str, list[tuple[float, float]]] | None:
    """The text of the cutout that ``counter`` reads, and from where to where in the flat picture each character stands.

    None where it reads none of its texts.
    """
    texts = [t for t in cutout.texts if len(t) >= 3]
    if not texts:
        return None
    log_probs = log_probs_of(counter, rectify(cutout.image, cutout.quad))
    scores = text_scores(log_probs, [tuple(encode(t)) for t in texts])
    if scores.max() < LEAST_SCORE:
        return None
    text = texts[int(scores.argmax())]
    return text, [(_column(start), _column(end)) for start, end in spans_of(log_probs, tuple(encode(text)))]


def _column(x: float) -> float:
    """The column of the flat picture at a share of a strip's width."""
    return PAD_ALONG + LENGTH * (x - MARGIN_ALONG) / (1 - 2 * MARGIN_ALONG)


def straighten(cutout: Cutout) -> Image:
    """The flat picture of a display, whatever stands on it."""
    size = (LENGTH + 2 * PAD_ALONG, HEIGHT + 2 * PAD_ACROSS)
    matrix = cv2.getPerspectiveTransform(np.asarray(cutout.quad, np.float32), corners(size[0]))
    return np.asarray(cv2.warpPerspective(cutout.image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def corners(width: int) -> Corners:
    """Where the display lies in a flat picture of that width."""
    x0, x1, y0, y1 = PAD_ALONG, width - PAD_ALONG, PAD_ACROSS, PAD_ACROSS + HEIGHT
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def same_light(image: Image, like: Image, kind: str) -> Image:
    """``image`` with the mean and spread of ``like``: of each channel for LCDs, whose panels have one colour.

    Drums keep the balance of their channels, or red wheels would lose the red that tells where the decimals begin.
    """
    axes = (0, 1) if kind == "lcd" else None
    one, two = like.astype(np.float32), image.astype(np.float32)
    spread = (one.std(axes) + 4) / (two.std(axes) + 4)
    moved = (two - two.mean(axes)) * spread.clip(0.5, 2) + one.mean(axes)
    return np.asarray(moved.clip(0, 255), np.uint8)
