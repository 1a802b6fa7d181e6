"""Read the bars of one region: in bands that are witnesses of each other.

A barcode has a weak check digit or none, and a picture with one bad pixel column reads as another number. But every
row of it says the same, and the noise of rows differs: what separate bands agree on is right.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from recognizer.domain.code import Code
from recognizer.vision.code_cuts import BANDS, Cut, Grey, bands, bar_edges, equalised, flattened, strip
from recognizer.vision.code_engines import CHECKED, LINEAR, WITNESSES, box, code_of, content, zbar, zxing
from recognizer.vision.code_regions import Region

LEAST_EDGES = 16
"""Edges of bars that a strip shows at the least; digits on drums and rims of meters show ten at most."""
SHADE_PARTS = 20
"""Shadows are taken from a strip over this part of its length, some twenty modules."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A barcode in one band of a strip, from column ``left`` to ``right``; upside down ``left`` is the larger."""

    raw: bytes
    left: float
    right: float


Sightings = dict[tuple[str, str], dict[int, Sighting]]
"""By kind and text, and by the number of the band."""


def read_bars(photo: Cut, region: Region) -> list[Code]:
    """Barcodes of the region that enough bands agree on; ``photo`` is the cut that is the whole of it."""
    upright = strip(photo, region.points)
    if upright is None or (not region.located and bar_edges(upright) < LEAST_EDGES):
        return []
    sightings: Sightings = {}
    for cut, sharpness in _attempts(upright):
        for number, band in enumerate(bands(cut, sharpness)):
            _look(sightings, number, band, upright.picture.shape[1] / band.shape[1])
        if codes := _agreed(sightings, upright):
            return codes
    if len(sightings) <= 1:
        return _as_a_picture(upright, sightings)
    return []


def _attempts(upright: Cut) -> Iterator[tuple[Cut, float]]:
    """Strips, and how much to sharpen the bands of them; the first two read nearly all that can be read."""
    yield equalised(upright), 1.5
    yield flattened(upright, SHADE_PARTS), 0.0
    yield upright, 1.5
    yield upright, 3.0


def _look(sightings: Sightings, number: int, band: Grey, scale: float) -> None:
    """Enter what is seen in a band, dark on light or light on dark; ``scale`` leads to columns of the strip."""
    for picture in (band, np.asarray(255 - band, np.uint8)):
        for seen in zxing(picture, LINEAR, try_rotate=False, try_downscale=False, try_invert=False):
            if (key := content(seen)) is not None:
                left, right = seen.position.top_left.x * scale, seen.position.top_right.x * scale
                sightings.setdefault(key, {})[number] = Sighting(seen.bytes, left, right)


def _agreed(sightings: Sightings, upright: Cut) -> list[Code]:
    """Barcodes that enough bands saw and none contradicts."""
    agreed = [
        (kind, text, seen)
        for (kind, text), seen in sightings.items()
        if len(seen) >= WITNESSES[kind]
        and not any(other is not seen and _contradicts(other, seen) for other in sightings.values())
    ]
    codes = []
    for kind, text, seen in agreed:
        # Alone it is as high as the strip; of several, each is where it was seen.
        first, last = (0, BANDS) if len(agreed) == 1 else (min(seen), max(seen) + 1)
        top, bottom = (upright.picture.shape[0] * i / BANDS for i in (first, last))
        left, right = _columns(seen)
        if left > right:
            top, bottom = bottom, top
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        codes.append(Code(kind, text, next(iter(seen.values())).raw, box(upright.in_photo(corners))))
    return codes


def _as_a_picture(upright: Cut, sightings: Sightings) -> list[Code]:
    """What the readers find line by line, which gets round a scratch: zbar, or zxing-cpp where a band says the same."""
    double = upright.scaled(2)
    first = [code_of(seen, double) for seen in zxing(double.picture, LINEAR)] if sightings else []
    last = zbar(upright, CHECKED) or zbar(flattened(upright, SHADE_PARTS), CHECKED)
    codes = [code for code in (*first, *last) if code is not None and code.kind in CHECKED]
    return [code for code in codes if set(sightings) <= {(code.kind, code.text)}][:1]


def _contradicts(other: Mapping[int, Sighting], seen: Mapping[int, Sighting]) -> bool:
    """Whether more than half as many bands saw ``other``, among the bands and in the columns of ``seen``."""
    (a, b), (c, d) = sorted(_columns(seen)), sorted(_columns(other))
    same_columns = min(b, d) - max(a, c) > 0.2 * min(b - a, d - c)
    same_bands = min(other) <= max(seen) and min(seen) <= max(other)
    return 2 * len(other) > len(seen) and same_bands and same_columns


def _columns(seen: Mapping[int, Sighting]) -> tuple[float, float]:
    left, right = np.median([(one.left, one.right) for one in seen.values()], 0)
    return float(left), float(right)
