"""Displays of training photos as the present locator cuts them.

A counter that saw only the true corners, however shaken, read 19 of 21 held-back strips cut by the corners of the
bootstrap and 12 of them cut by the locator: its errors are not small random moves, it takes in frames and units.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recognizer.train.counter import MOST_TEXTS, Cutout, cut_out
from recognizer.train.data import Corners, Example
from recognizer.vision.frame import load_frame
from recognizer.vision.locate import locate, whole_strip
from recognizer.vision.models import Model

MOST_CUT_OFF = 0.06
"""Share of the located length by which the true display may stick out at an end: beyond that a digit is cut. The strip
keeps a margin of its own, and true corners leave some room."""


def located_cutouts(locator: Model, data_dir: Path, examples: Iterable[Example]) -> list[Cutout]:
    """A cutout for every display that the locator finds whole, and for every photo that is nothing but a strip."""
    cutouts = []
    for e in examples:
        if e.quad is None or not e.legible or not 1 <= len(e.texts) <= MOST_TEXTS:
            continue
        frame = load_frame(data_dir / e.file)
        quads = [found.quad for found in locate(locator, frame)]
        if (whole := whole_strip(frame)) is not None:
            quads.append(whole)
        cutouts += [cut_out(frame.pixels, q, e.texts, e.source, e.kind) for q in quads if holds(q, e.quad)]
    return cutouts


def holds(located: Corners, true: Corners) -> bool:
    """Whether a located quad holds the whole true display, the same way up and not much more than it."""
    origin = (located[0] + located[3]) / 2
    along = (located[1] + located[2]) / 2 - origin
    across = (located[3] - located[0] + located[2] - located[1]) / 2
    basis = np.stack([along, across], axis=1)
    if abs(float(np.linalg.det(basis))) < 1:
        return False
    # The ends of the true display, in lengths along the located one and heights off its middle line.
    ends = np.stack([(true[0] + true[3]) / 2, (true[1] + true[2]) / 2])
    (start, high), (end, low) = np.linalg.solve(basis, (ends - origin).T).T
    return bool(
        start >= -MOST_CUT_OFF and end <= 1 + MOST_CUT_OFF and end - start > 0.45 and max(abs(high), abs(low)) < 0.35
    )
