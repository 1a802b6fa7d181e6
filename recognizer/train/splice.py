"""New numbers from real strips: parts of several counters of one source put together.

A source of 158 strips is 158 numbers, and a network that sees whole strips learns them by heart: it then read 155
of its own and 11 of 21 others. Cut between two digits, they give thousands of numbers with the look of real ones.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np

from recognizer.train.counter import Cutout
from recognizer.train.data import Image
from recognizer.train.flat import HEIGHT, PAD_ACROSS, PAD_ALONG, Flat, same_light

MOST_DIGITS = 9
SWAPPED = {"drum": 0.4, "lcd": 0.15}
"""How often a digit is another's. Panels differ more among each other than wheels do, and tilted ones do not meet."""
TURNED = 0.3
"""How often the last wheel of a drum turns."""
SEAM = 4
"""Columns over which one part passes into the next."""
NARROWEST = 8
"""Columns of the narrowest digit that is exchanged."""
MOST_UNLIKE = 1.7
"""Ratio of widths up to which a digit is squeezed into another's place."""
Cell = tuple[str, Image]
Shape = tuple[str, bool, bool]
"""What a cell must have in common with the one it takes the place of: digits and points, end, decimals."""


def spliced(flats: Sequence[Flat], source: str, kind: str) -> Callable[[np.random.Generator], Cutout]:
    """A maker of cutouts: the left part of one flat and the right of another, then single digits from any."""
    by_shape: dict[Shape, dict[str, list[Image]]] = {}
    for flat in flats:
        for (text, x0, x1), shape in zip(cells(flat), shapes(flat), strict=True):
            by_shape.setdefault(shape, {}).setdefault(text, []).append(flat.image[:, x0:x1])

    def make(rng: np.random.Generator) -> Cutout:
        flat = joined(rng, flats, kind)
        image, text = flat.image.copy(), ""
        for (own, x0, x1), shape in zip(cells(flat), shapes(flat), strict=True):
            others = by_shape.get(shape, {}) if x1 - x0 >= NARROWEST else {}
            here, shown = image[:, x0:x1], own
            turned = _turned(rng, own, here, others) if kind == "drum" and shape[1] else None
            if turned is not None:
                _set(image, x0, turned)
            elif others and rng.random() < SWAPPED[kind]:
                other = list(others)[int(rng.integers(len(others)))]
                donor = others[other][int(rng.integers(len(others[other])))]
                if 1 / MOST_UNLIKE < donor.shape[1] / (x1 - x0) < MOST_UNLIKE:
                    _set(image, x0, same_light(_resized(donor, x1 - x0), here, kind))
                    shown = other
            text += shown
        return Flat(image, text, flat.cuts).cutout(source, kind)

    return make


def cells(flat: Flat) -> list[tuple[str, int, int]]:
    """(characters, first column, column after the last) between one cut and the next."""
    places = [(0, PAD_ALONG), *flat.cuts, (len(flat.text), flat.image.shape[1] - PAD_ALONG)]
    return [(flat.text[i:j], x0, x1) for (i, x0), (j, x1) in pairwise(places)]


def shapes(flat: Flat) -> list[Shape]:
    """The shape of each of the flat's cells."""
    parts = [text for text, _, _ in cells(flat)]
    point = next((i for i, text in enumerate(parts) if "." in text), len(parts))
    return [
        ("".join("." if c == "." else "0" for c in text), i == len(parts) - 1, i > point)
        for i, text in enumerate(parts)
    ]


def joined(rng: np.random.Generator, flats: Sequence[Flat], kind: str) -> Flat:
    """The left part of one and the right part of another, at most a digit longer or shorter than they."""
    while True:
        a, b = flats[int(rng.integers(len(flats)))], flats[int(rng.integers(len(flats)))]
        (i, left), (j, right) = a.cuts[int(rng.integers(len(a.cuts)))], b.cuts[int(rng.integers(len(b.cuts)))]
        text = a.text[:i] + b.text[j:]
        shorter, longer = sorted(len(t.replace(".", "")) for t in (a.text, b.text))
        digits = len(text.replace(".", ""))
        if text.count(".") <= 1 and max(3, shorter - 1) <= digits <= min(MOST_DIGITS, longer + 1):
            break
    one, two = a.image[:, :left], b.image[:, right:]
    cuts = [c for c in a.cuts if c[1] <= left] + [(n - j + i, x - right + left) for n, x in b.cuts if x > right]
    return Flat(np.ascontiguousarray(np.hstack([one, same_light(two, one, kind)])), text, tuple(cuts))


def _turned(rng: np.random.Generator, own: str, here: Image, others: dict[str, list[Image]]) -> Image | None:
    """The last wheel part of the way from one digit to the next; it still counts as the lower one.

    9 to 0 is left out: its neighbours would have to turn as well.
    """
    if own not in "012345678" or len(own) != 1 or rng.random() > TURNED:
        return None
    upper = others.get(str(int(own) + 1))
    if not upper:
        return None
    nxt = same_light(_resized(upper[int(rng.integers(len(upper)))], here.shape[1]), here, "drum")
    # A turn of 0.85 and more is read as the upper digit by many who wrote the truths down.
    return rolled(here, nxt, float(rng.uniform(0.1, 0.85)), HEIGHT * float(rng.uniform(0.95, 1.3)))


def rolled(here: Image, upper: Image, turn: float, pitch: float) -> Image:
    """The cell of a wheel turned by a share of the way to its next digit, which stands ``pitch`` pixels below.

    ``upper`` is that digit's cell, in the light of ``here`` and of its size.
    """
    top, bottom = PAD_ACROSS, PAD_ACROSS + HEIGHT
    rows = np.arange(top, bottom)
    edge = top + HEIGHT / 2 + pitch / 2 - turn * pitch
    from_lower = np.clip(np.round(rows + turn * pitch), top, bottom - 1).astype(int)
    from_upper = np.clip(np.round(rows + turn * pitch - pitch), top, bottom - 1).astype(int)
    wheel = here.copy()
    wheel[top:bottom] = np.where((rows < edge)[:, None, None], here[from_lower], upper[from_upper])
    return wheel


def _resized(image: Image, width: int) -> Image:
    return np.asarray(cv2.resize(image, (max(1, width), image.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)


def _set(image: Image, x0: int, part: Image) -> None:
    """Lay a part into a picture, passing over softly at both sides."""
    width = part.shape[1]
    from_side = np.minimum(np.arange(1, width + 1), np.arange(width, 0, -1))
    weight = (from_side / (SEAM + 1)).clip(0, 1).astype(np.float32)[None, :, None]
    here = image[:, x0 : x0 + width]
    here[:] = (here * (1 - weight) + part * weight).astype(np.uint8)
