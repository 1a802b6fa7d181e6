"""Training strips of LCDs cut from drawn screens: whatever else stands on the glass comes close to the digits."""

from collections.abc import Callable, Sequence

import numpy as np

from recognizer.synth import degrade
from recognizer.synth.clip import render_clip
from recognizer.synth.clip_meters import FAMILIES
from recognizer.synth.degrade import sample_strength
from recognizer.synth.labels import QuadArray, Row
from recognizer.train.counter import ALPHABET, Cutout, cut_out
from recognizer.train.data import Image
from recognizer.train.renew import renewed
from recognizer.train.screen_panels import MOST_SPOILED
from recognizer.train.screens import Drawing
from recognizer.vision.rectify import stretched

WITH_UNLIT, MOST_UNLIT = 0.35, 4.0
"""Share of the values that are cut with what stands on their left, on their right as many, and how much of it, in
heights of their digits: the locator takes unlit segments in, and strong ones were read as digits."""
MakeCutout = Callable[[np.random.Generator], Cutout]


def drawn_values(rng: np.random.Generator, draw: Drawing, many: int) -> MakeCutout:
    """Values of ``many`` drawn screens, every other time as a worse photo shows them."""

    def of_one(rng: np.random.Generator) -> list[Cutout]:
        while True:
            drawn = draw(rng)
            image = drawn.image
            if rng.random() < 0.5:
                image = degrade(rng, image, min(MOST_SPOILED, sample_strength(rng)))
            values, labels = zip(*((box.value, box.label) for box in drawn.boxes), strict=True)
            if cutouts := _cutouts(rng, image, drawn.screen.rows, values, labels):
                return cutouts

    return _any_of_any(renewed(rng, of_one, many))


def filmed_values(rng: np.random.Generator, many: int) -> MakeCutout:
    """Values of the first clear frames of ``many`` clips."""

    def of_one(rng: np.random.Generator) -> list[Cutout]:
        while True:
            clip = render_clip(rng, str(rng.choice(list(FAMILIES))), (640, 480))
            frame = next(iter(clip))
            rows = clip.showings[frame.showing].screen.rows
            if frame.clear and (cutouts := _cutouts(rng, frame.image, rows, frame.rows, frame.labels)):
                return cutouts

    return _any_of_any(renewed(rng, of_one, many))


def _cutouts(
    rng: np.random.Generator,
    image: Image,
    rows: Sequence[Row],
    values: Sequence[QuadArray],
    labels: Sequence[QuadArray | None],
) -> list[Cutout]:
    """What the counter is shown of each row: its value, or the title that stands alone, of which words say nothing.

    Clocks and dates with dashes are left out: the counter has no character for what parts their digits.
    """
    found = []
    for row, value, label in zip(rows, values, labels, strict=False):
        text, quad = (row.value, value) if row.value else (_if_digits(row.label or ""), label)
        if quad is not None and all(c in ALPHABET for c in text):
            corners = np.asarray(quad, np.float32)
            if row.value:
                left, right = (MOST_UNLIT * float(rng.random()) * (rng.random() < WITH_UNLIT) for _ in range(2))
                corners = stretched(corners, left, right, 0.0)
            found.append(cut_out(image, corners, (text,), "drawn", "lcd"))
    return found


def _if_digits(title: str) -> str:
    return title if all(c in ALPHABET for c in title) else ""


def _any_of_any(take: Callable[[np.random.Generator], list[Cutout]]) -> MakeCutout:
    def make(rng: np.random.Generator) -> Cutout:
        cutouts = take(rng)
        return cutouts[int(rng.integers(len(cutouts)))]

    return make
