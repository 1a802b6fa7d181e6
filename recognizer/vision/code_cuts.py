"""Parts of a photo around a code, made easier to read: cut out, turned upright, levelled, sharpened, enlarged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Plane = NDArray[np.float32]

LONGEST_CUT = 480
"""A matrix code longer than this is reduced, for it has more pixels than a reader needs; a smaller one is enlarged."""
LARGEST = 3.0
"""Enlarging more than threefold gains nothing."""
BANDS = 8
"""A barcode is read in so many bands, each the mean of its rows: noise goes, and bands are witnesses of each other."""
BAND_ROWS = 12
"""A band is shown to the reader as so many equal rows, of which it looks at a few."""
LONGEST_STRIP = 1600
ROW_LENGTH = 3200
"""The row of a band is enlarged to about this length, up to fourfold."""
ROOM = 1.0
"""A strip goes on at both ends by this share: for the quiet zone, and for what light or dirt took from the region."""
LEAST_ASPECT = 1.3
"""Length of bars to their height, at the least."""
LEAST_COSINE = 0.6
"""Of the angle between the line of reading and the direction across the bars: 53 degrees at most."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A grey picture and the affine map (2x3) from its pixels to those of the photo."""

    picture: Grey
    to_photo: NDArray[np.float64]

    def scaled(self, factor: float) -> "Cut":
        """The same part in ``factor`` times as many pixels a side: enlarged by cubic interpolation, else reduced."""
        cut = self
        while factor <= 0.5:  # by exact halves, which are averaged: OpenCV is slow at averages of other ratios
            cut, factor = cut._halved(), factor * 2
        height, width = cut.picture.shape
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(cut.picture, size, interpolation=how), np.uint8)
        x, y = width / size[0], height / size[1]
        return Cut(picture, cut.to_photo @ np.array([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5], [0, 0, 1]]))

    def _halved(self) -> "Cut":
        height, width = (max(1, side // 2) for side in self.picture.shape)
        picture = cv2.resize(self.picture[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
        return Cut(np.asarray(picture, np.uint8), self.to_photo @ np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]]))

    def in_photo(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Points (n x 2) of the cut, in pixels of the photo."""
        return np.asarray(points @ self.to_photo[:, :2].T + self.to_photo[:, 2], np.float64)


def whole(picture: Grey) -> Cut:
    """The photo as a cut of itself."""
    return Cut(picture, np.eye(3)[:2])


def equalised(cut: Cut) -> Cut:
    """Contrast evened out over its parts (CLAHE)."""
    return Cut(np.asarray(cv2.createCLAHE(3, (4, 4)).apply(cut.picture), np.uint8), cut.to_photo)


def flattened(cut: Cut, parts: int) -> Cut:
    """Brightness relative to the mean around, over a ``parts``-th of the long side: slopes and shadows go."""
    return Cut(_flat(cut.picture, parts), cut.to_photo)


def box_cut(photo: Cut, low: Plane, high: Plane, room: float) -> Cut:
    """The box between two corners and ``room`` pixels around it, from a cut that is the whole photo."""
    height, width = photo.picture.shape
    x0, y0 = (int(v) for v in np.clip(low - room, 0, (width - 1, height - 1)))
    x1, y1 = (int(v) for v in np.clip(high + room, (x0 + 1, y0 + 1), (width, height)))
    cut = Cut(photo.picture[y0:y1, x0:x1], np.array([[1.0, 0, x0], [0, 1.0, y0]]))
    side = max(cut.picture.shape)
    return cut if side <= LONGEST_CUT else cut.scaled(LONGEST_CUT / side)


def alternation(picture: Grey) -> tuple[float, float]:
    """Share of light pixels, and how often light and dark change along a row or a column, whichever has fewer."""
    _, light = cv2.threshold(picture, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    along, down = cv2.absdiff(light[:, 1:], light[:, :-1]), cv2.absdiff(light[1:], light[:-1])
    return float(light.mean()), min(float(along.sum()) / along.shape[0], float(down.sum()) / down.shape[1])


def matrix_attempts(cut: Cut) -> Iterator[Cut]:
    """Pictures of a matrix code, the cut first, then in the order of what they are worth."""
    yield cut
    factor = min(LARGEST, max(1.0, LONGEST_CUT / max(cut.picture.shape)))
    twice = min(factor, 2.0)
    spread, flat = _spread(cut.picture, 5), _flat(cut.picture, 8)
    yield Cut(spread, cut.to_photo).scaled(factor)
    yield Cut(np.asarray(cv2.GaussianBlur(flat, (0, 0), 1.0), np.uint8), cut.to_photo)  # against noise
    opened = cv2.morphologyEx(spread, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    yield Cut(np.asarray(opened, np.uint8), cut.to_photo)  # against fine light scratches
    yield Cut(_deblurred(_flat(cut.picture, 3), 2.2), cut.to_photo).scaled(twice)
    yield Cut(_deblurred(flat, 1.6), cut.to_photo).scaled(twice)
    yield Cut(flat, cut.to_photo).scaled(factor)


def strip(photo: Cut, points: Plane) -> Cut | None:
    """The bars that ``points`` (n x 2, pixels of the photo) lie on, standing upright, with room at both ends.

    None for a region that is higher than bars are long. Seen at a slant, bars do not stand at a right angle on the
    line of reading: the cut is sheared to match.
    """
    across = _across(box_cut(photo, points.min(0), points.max(0), 4).picture)
    axes = np.stack([_line_of_reading(points, across), np.array([-across[1], across[0]])])
    reach = points @ np.linalg.inv(axes)
    (u0, v0), (u1, v1) = reach.min(0), reach.max(0)
    if u1 - u0 < LEAST_ASPECT * (v1 - v0):
        return None
    more = ROOM * (u1 - u0) + 24
    u0, u1 = u0 - more, u1 + more
    step = max(1.0, (u1 - u0) / LONGEST_STRIP)
    width, height = round((u1 - u0) / step), max(BANDS, round((v1 - v0) / step))
    to_photo = np.column_stack([*(axes * step), np.array([u0, v0]) @ axes])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned = cv2.warpAffine(photo.picture, to_photo, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return Cut(np.asarray(turned, np.uint8), to_photo)


def ends(cut: Cut) -> tuple[int, int]:
    """Columns of a strip between which its region lies."""
    room = round(cut.picture.shape[1] * ROOM / (1 + 2 * ROOM))
    return room, cut.picture.shape[1] - room


def bar_edges(cut: Cut) -> int:
    """Edges that the rows of a strip have in common, between the ends of its region."""
    row = cut.picture.mean(0, dtype=np.float32)[None]
    first, last = ends(cut)
    light = (row > cv2.blur(row, (31, 1)))[0, first:last]
    return int((light[1:] != light[:-1]).sum())


def bands(cut: Cut, sharpness: float) -> Iterator[Grey]:
    """A strip in eight bands, top to bottom: each the mean of its rows, sharpened, up to fourfold as long.

    The brightness of the region is spread over the whole range, for readers give up on faint bars.
    """
    height, width = cut.picture.shape
    factor = min(4.0, max(1.0, ROW_LENGTH / width))
    first, last = ends(cut)
    dark, light = np.percentile(cut.picture[:, first:last].mean(0), (2, 98)).tolist()
    for band in range(BANDS):
        top, bottom = band * height // BANDS, (band + 1) * height // BANDS
        mean = cut.picture[top:bottom].mean(0, dtype=np.float32)[None]
        row = cv2.resize(mean, (round(width * factor), 1), interpolation=cv2.INTER_CUBIC)
        row = row + sharpness * (row - cv2.GaussianBlur(row, (0, 0), 1.75 * factor))
        row = (row - dark) * (200 / max(8.0, light - dark)) + 28
        yield np.repeat(np.clip(row, 0, 255).astype(np.uint8), BAND_ROWS, 0)


def _across(picture: Grey) -> NDArray[np.float64]:
    """Unit vector across the bars: the main axis of the gradients."""
    x, y = (cv2.Scharr(picture, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0))
    angle = 0.5 * np.arctan2(2 * float((x * y).sum()), float((x * x - y * y).sum()))
    return np.array([np.cos(angle), np.sin(angle)])


def _line_of_reading(points: Plane, across: NDArray[np.float64]) -> NDArray[np.float64]:
    """The way a long region stretches, as far as bars may be read along it; else straight across them."""
    variances, axes = np.linalg.eigh(np.cov(points.T) + np.eye(2))
    long = axes[:, 1] if axes[:, 1] @ across > 0 else -axes[:, 1]
    read: NDArray[np.float64] = long if variances[1] > 4 * variances[0] and long @ across > LEAST_COSINE else across
    return read


def _window(picture: Grey, parts: int) -> int:
    return int(max(9, max(picture.shape) // parts)) | 1


def _flat(picture: Grey, parts: int) -> Grey:
    size = _window(picture, parts)
    plane = picture.astype(np.float32)
    return np.asarray(cv2.convertScaleAbs(plane / (cv2.blur(plane, (size, size)) + 1), alpha=128), np.uint8)


def _spread(picture: Grey, parts: int) -> Grey:
    """Brightness between the darkest and the lightest around, spread over the whole range."""
    size = _window(picture, parts)
    kernel = np.ones((size, size), np.uint8)
    soft = cv2.GaussianBlur(picture, (0, 0), 0.8)  # one grain of noise is not the lightest
    low = cv2.blur(cv2.erode(soft, kernel), (size, size)).astype(np.float32)
    high = cv2.blur(cv2.dilate(soft, kernel), (size, size)).astype(np.float32)
    return np.clip((picture - low) * (255 / (high - low + 6)), 0, 255).astype(np.uint8)


def _deblurred(picture: Grey, sigma: float, noise: float = 0.01) -> Grey:
    """Wiener's filter against a blur of ``sigma`` pixels, such as a lens out of focus or a shake gives."""
    edge = 16
    plane = cv2.copyMakeBorder(picture.astype(np.float32), edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    y, x = np.fft.fftfreq(plane.shape[0])[:, None], np.fft.rfftfreq(plane.shape[1])[None]
    lens = np.exp(-2 * (np.pi * sigma) ** 2 * (x * x + y * y))
    sharp = np.fft.irfft2(np.fft.rfft2(plane) * lens / (lens * lens + noise), plane.shape)
    return np.clip(sharp[edge:-edge, edge:-edge], 0, 255).astype(np.uint8)
