"""Find pointer dials and read where their needles stand: red pointers around a drum, rows of dials without one.

One small network looks at cuts of candidates: whether a dial is there, where its pivot is, how large it is, how its
needle stands. Candidates are what is redder than its surroundings, or round. What turns values into digits is
``recognizer.domain.dials``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import Dial, Display, Quad
from recognizer.vision.dial_cut import AROUND, COUNTER, RAISED, REACH, Image, around_matrix, cut_dial, redness
from recognizer.vision.frame import Frame
from recognizer.vision.locate import normalise
from recognizer.vision.models import LazyModel, Model

BINS = 100
LEAST = 0.005
"""Turns less likely than this are left out of an observation."""
REDDER, LOOK_SIDE, MOST_SPOTS, APART = 1.2, 128, 10, 3
"""A spot this much redder than its surroundings may be a pointer, in surroundings of LOOK_SIDE pixels."""
RADIUS = 27.0
"""Of dials beside a counter of COUNTER pixels, as first guessed: the network puts it right."""
MAYBE, SURE = 0.2, 0.9
FINER = 1.3
"""Pixels of the photo, shrunk, to one of the surroundings: no finer is looked at."""
SAME = 0.18
"""All pointers of a meter are of one size: radii differ by at most this share."""
NEAR, NEXT = 0.95, 4.4
"""The first pointer is within NEAR counter lengths of the counter's end; the next within NEXT radii of the one before.
Further off one between them is hidden, and what the others are worth is not known."""
GLANCE_SIDE, ROW_SIDE, FEWEST_IN_ROW, MOST_AT_GLANCE, MOST_ROUNDS = 200, 512, 4, 12, 100


@dataclass(frozen=True, slots=True)
class Found:
    """One dial, in pixels of the picture looked at; ``turns`` are the odds of BINS turns clockwise from the top."""

    x: float
    y: float
    radius: float
    score: float
    turns: NDArray[np.float32]
    anticlockwise: float


class DialFinder:
    """Looks for dials; safe to share between threads. Its model is loaded when something first looks like a dial.

    Without a model of role ``dial`` in the folder nothing is found; ModelError when it is damaged.
    """

    def __init__(self, models_dir: Path | None = None) -> None:
        self._model = LazyModel("dial", models_dir)

    def find(self, frame: Frame, drum: Quad | None, *, row: bool) -> tuple[Display, ...]:
        """Pointers beside the ``drum`` with these corners; before them, asked for a ``row``, dials side by side."""
        if not self._model.present:
            return ()
        # Where a row is asked for, the drum is one that could not be read: mostly the dials taken for wheels.
        if row and (found := find_row(self._model.load, frame)):
            return found
        return () if drum is None else find_pointers(self._model.load, frame, np.asarray(drum, np.float32))

    @property
    def digest(self) -> str:
        """First 12 digits of the SHA-256 of the model; loads it."""
        return self._model.load().digest


def find_pointers(load: Callable[[], Model], frame: Frame, quad: NDArray[np.float32]) -> tuple[Display, ...]:
    """Red pointers around the drum with these corners (4x2, photo pixels), clockwise from its last wheel; mostly ().

    ``load`` gives the network where there is something to look at.
    """
    around = _around(frame, quad)
    small = np.asarray(cv2.resize(around, (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    spots = reddish_spots(small)
    if not spots:
        return ()
    grown = AROUND / LOOK_SIDE
    places = [((x + 0.5) * grown, (y + 0.5) * grown, RADIUS) for x, y in spots]
    dials = _in_order(_alike(look(load(), around, places)))
    factors = _factors(dials)
    back = np.asarray(np.linalg.inv(around_matrix(quad)), np.float64)
    return tuple(_display(dial, back, factor) for dial, factor in zip(dials, factors, strict=True))


def find_row(load: Callable[[], Model], frame: Frame) -> tuple[Display, ...]:
    """A row of four or more dials, left to right, where the photo is about upright; or ().

    First the clearest circles of a small picture are looked at, and where a dial is among them all of a larger one.
    """
    small = _shrunk(frame.pixels, max(1, round(max(frame.width, frame.height) / GLANCE_SIDE)))
    if not look(load(), small, _rounds(small, 1.5, (120, 20), MOST_AT_GLANCE)):
        return ()
    picture = frame.preview(ROW_SIDE)
    # Faces without a rim are faint circles of marks: nearly everything round is taken, and the network decides.
    rounds = _rounds(picture, 2, (60, 20), MOST_ROUNDS)
    dials = _row(look(load(), picture, rounds))
    scale = frame.width / picture.shape[1]
    factors = [str(10 ** (len(dials) - 1 - i)) for i in range(len(dials))]
    return tuple(
        _display(dial, np.diag([scale, scale, 1.0]), worth) for dial, worth in zip(dials, factors, strict=True)
    )


def _rounds(picture: Image, coarse: float, least: tuple[float, float], most: int) -> list[tuple[float, float, float]]:
    """The clearest circles (x, y, radius) of about a dial's size; ``least``: edges and votes for OpenCV."""
    grey = cv2.medianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 3)
    side = max(grey.shape)
    circles = cv2.HoughCircles(
        grey, cv2.HOUGH_GRADIENT, coarse, side / 28, param1=least[0], param2=least[1],
        minRadius=side // 45, maxRadius=side // 7,
    )  # fmt: skip
    return [] if circles is None else [(float(x), float(y), float(r)) for x, y, r in circles.reshape(-1, 3)[:most]]


def look(model: Model, picture: Image, places: list[tuple[float, float, float]]) -> list[Found]:
    """Dials at or near the places (x, y, radius), each once."""
    found = [dial for dial in _seen(model, picture, places) if dial.score >= MAYBE]
    for _ in range(2):
        again = [(dial.x, dial.y, dial.radius) for dial in _distinct(found)]
        found = [dial for dial in _seen(model, picture, again) if dial.score >= MAYBE]
    return [dial for dial in _distinct(found) if dial.score >= SURE]


def turns_of(model: Model, cuts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 100) odds of the needle's turn clockwise from the top, from n SIDE x SIDE BGR cuts."""
    return _softmax(_run(model, cuts)[:, :BINS])


def reddish_spots(around: Image) -> list[tuple[int, int]]:
    """Places (x, y) redder than what lies around them, away from the counter and the border; reddest first."""
    side = around.shape[0]
    red = redness(around)
    length, middle = COUNTER * side / AROUND, side * (0.5 - RAISED)
    high = 0.2 * length
    red[
        round(middle - high) : round(middle + high), round(side / 2 - 0.6 * length) : round(side / 2 + 0.6 * length)
    ] = 0
    top = np.argwhere((red >= cv2.dilate(red, np.ones((5, 5), np.uint8))) & (red > REDDER))
    inside = [(int(x), int(y)) for y, x in top if min(x, y) > 4 and max(x, y) < side - 5]
    kept: list[tuple[int, int]] = []
    for x, y in sorted(inside, key=lambda at: -float(red[at[1], at[0]])):
        if len(kept) < MOST_SPOTS and all(abs(x - a) + abs(y - b) > APART for a, b in kept):
            kept.append((x, y))
    return kept


def _around(frame: Frame, quad: NDArray[np.float32]) -> Image:
    matrix = around_matrix(quad)
    factor = max(1, int(1 / (FINER * float(np.hypot(*matrix[:2, 0])))))
    picture = _shrunk(frame.pixels, factor)
    back = np.diag([factor, factor, 1.0])
    warped = cv2.warpPerspective(
        picture, matrix @ back, (AROUND, AROUND), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(warped, np.uint8)


def _shrunk(pixels: Image, factor: int) -> Image:
    """By a whole number, which is several times as quick as to any size."""
    if factor == 1:
        return pixels
    height, width = (side // factor for side in pixels.shape[:2])
    even = pixels[: height * factor, : width * factor]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _seen(model: Model, picture: Image, places: list[tuple[float, float, float]]) -> list[Found]:
    if not places:
        return []
    answers = _run(model, np.stack([cut_dial(picture, *place) for place in places]))
    turns = _softmax(answers[:, :BINS])
    found = []
    for (x, y, radius), turn, rest in zip(places, turns, answers[:, BINS:], strict=True):
        score, anticlockwise = (float(1 / (1 + np.exp(-v))) for v in rest[:2])
        half = REACH * radius
        dx, dy = np.clip(rest[2:4], -1, 1) * half
        grown = float(np.exp(np.clip(rest[4], -0.7, 0.7)))
        found.append(Found(x + float(dx), y + float(dy), radius * grown, score, turn, anticlockwise))
    return found


def _run(model: Model, cuts: NDArray[np.uint8]) -> NDArray[np.float32]:
    pictures = np.concatenate([normalise(np.asarray(cut, np.uint8)) for cut in cuts])
    return np.asarray(model.run(pictures)[0], np.float32)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(odds / odds.sum(1, keepdims=True), np.float32)


def _distinct(found: list[Found]) -> list[Found]:
    kept: list[Found] = []
    for dial in sorted(found, key=lambda dial: -dial.score):
        if all(np.hypot(dial.x - k.x, dial.y - k.y) > 0.9 * max(dial.radius, k.radius) for k in kept):
            kept.append(dial)
    return kept


def _alike(dials: list[Found]) -> list[Found]:
    """Those of the size that most have: print and dirt taken for dials are of any size."""
    if not dials:
        return []
    sizes = [[d.radius for d in dials if abs(d.radius / one.radius - 1) < SAME] for one in dials]
    usual = float(np.median(max(sizes, key=len)))
    return [d for d in dials if abs(d.radius / usual - 1) < SAME]


def _in_order(dials: list[Found]) -> list[Found]:
    """Clockwise from the counter's right end, around the middle between the counter and the pointers."""
    if not dials:
        return []
    counter = np.array([AROUND / 2, AROUND * (0.5 - RAISED)])
    middle = (counter + np.mean([(d.x, d.y) for d in dials], axis=0)) / 2
    start = np.arctan2(*(counter + (COUNTER / 2, 0) - middle)[::-1])
    return sorted(dials, key=lambda d: (np.arctan2(d.y - middle[1], d.x - middle[0]) - start) % (2 * np.pi))


def _factors(dials: list[Found]) -> list[str | None]:
    """What each pointer is worth in units of the last wheel, by convention a tenth of the one before; None: unknown.

    The marks beside them (×0.1) are a few pixels high in most photos, and are not read.
    """
    factors: list[str | None] = []
    end = (AROUND / 2 + COUNTER / 2, AROUND * (0.5 - RAISED))
    places = [(end, 0.0), *(((d.x, d.y), d.radius) for d in dials)]
    known = True
    for (before, _), (at, radius) in pairwise(places):
        reach = NEXT * radius if factors else NEAR * COUNTER
        known = known and float(np.hypot(at[0] - before[0], at[1] - before[1])) < reach
        factors.append("0." + "0" * len(factors) + "1" if known else None)
    return factors


def _row(dials: list[Found]) -> list[Found]:
    """The dials that stand side by side at even distances and are of one size; [] when these are too few."""
    if len(dials) < FEWEST_IN_ROW:
        return []
    radius = float(np.median([d.radius for d in dials]))
    height = float(np.median([d.y for d in dials]))
    # Without a rim the circle of the numbers may be taken for the dial's.
    row = [d for d in dials if abs(d.radius / radius - 1) < 0.45 and abs(d.y - height) < 1.2 * radius]
    # One that was not seen between two others would shift all values; one too many may be a mark that looks like one.
    for left_out in (None, *sorted(row, key=lambda d: d.score)):
        rest = sorted((d for d in row if d is not left_out), key=lambda d: d.x)
        gaps = [b.x - a.x for a, b in pairwise(rest)]
        if len(rest) >= FEWEST_IN_ROW and max(gaps) <= 1.35 * min(gaps):
            return rest
    return []


def _display(dial: Found, back: NDArray[np.float64], factor: str | None) -> Display:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64) * dial.radius + (dial.x, dial.y)
    moved = cv2.perspectiveTransform(corners[None], back)[0]
    a, b, c, d = ((float(x), float(y)) for x, y in moved)
    quad: Quad = (a, b, c, d)
    kept = [(i / 10, round(float(p), 4)) for i, p in enumerate(dial.turns) if p >= LEAST]
    return Display(
        kind="dial",
        quad=quad,
        score=dial.score,
        legible=1.0,
        dial=Dial(tuple(sorted(kept, key=lambda t: (-t[1], t[0]))), round(dial.anticlockwise, 4), factor),
    )
