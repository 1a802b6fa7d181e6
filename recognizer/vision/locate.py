"""Find every display in a photo: its kind, its four corners in reading order, whether it can be read.

Two looks with one network: at the whole photo, then close at each find, turned upright by the first look.
The close look gives corners good to about a pixel of the strip, and tells false finds apart.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import DisplayKind
from recognizer.vision.frame import Frame
from recognizer.vision.models import Model

KINDS: tuple[DisplayKind, ...] = ("lcd", "drum")
STRIDE = 4
CORNER_UNIT = 32.0
FIRST_SIDE = 320
CLOSE_SIZE = (256, 192)
CLOSE_LENGTH = 160.0
"""The close look sees the display this many pixels long."""
NEAREST = 2.0
"""How much more a find in the middle of the close look counts than one beside it."""
A_ROW = 0.3
"""Score from which another row of a display's glass is looked at: rows stand closer than the first look tells apart."""
ROWS_ALIKE, SAME_WAY_UP = 0.6, 0.9
"""Heights of two rows of one glass, the lower over the higher, and the cosine between them, at least."""
STRIP_ASPECT = 2.8
FAINT = 0.1
"""Score from which a find in the whole photo is looked at from near, where small ones have twice as much and more."""
CLEAR = 0.45
"""A display found with this score is enough; otherwise the photo is turned by a quarter and looked at again."""
LEAST_SIDE = 192
"""A picture that is only a strip is padded to this height: the network knows no narrower world."""
BORDER_SHARE = 0.08
"""Photos are padded by this share of their long side, so that a display cut to its edge stands inside."""


@dataclass(frozen=True)
class Found:
    """A display in the photo; ``quad`` is 4x2 in pixels of the full-size photo, corners in reading order."""

    kind: DisplayKind
    quad: NDArray[np.float32]
    score: float
    legible: float


def locate(model: Model, frame: Frame, *, threshold: float = FAINT, most: int = 5, turned: bool = True) -> list[Found]:
    """Displays of the frame, best first; empty when there is none above ``threshold`` from near.

    ``turned``: whether a frame without a clear one is turned by quarters and looked at again.
    """
    kept: list[Found] = []
    for quarter_turns in range(4 if turned else 1):
        waiting = _distinct(_first_look(model, frame, quarter_turns, min(FAINT, threshold)))[: most + 1]
        for looks in range(2 * most):
            if looks >= len(waiting):
                break
            find, rows = look_closer(model, frame, waiting[looks])
            if find is not None and find.score >= threshold:
                kept.append(find)
                waiting += [row for row in rows if not any(_overlap(row.quad, w.quad) for w in waiting)]
        if any(find.score >= CLEAR for find in kept):
            break
    kept = _distinct(sorted(kept, key=lambda find: -find.score))[:most]
    if not kept and (whole := whole_strip(frame)) is not None:
        kept = [Found("lcd", whole, 0.5, 0.5)]  # the shape alone says so: even odds
    return kept


def whole_strip(frame: Frame) -> NDArray[np.float32] | None:
    """Corners of a photo that is nothing but a display, cut out by somebody before us; None for other photos."""
    if frame.width < STRIP_ASPECT * frame.height:
        return None
    x, y = 0.25 * frame.height, 0.08 * frame.height
    right, bottom = frame.width - x, frame.height - y
    return np.array([[x, y], [right, y], [right, bottom], [x, bottom]], np.float32)


def _first_look(model: Model, frame: Frame, quarter_turns: int, threshold: float) -> list[Found]:
    """Finds in the whole photo, seen turned: training photos are mostly upright, so some meters show only so."""
    preview = frame.preview(FIRST_SIDE)
    padded, offset = _pad(np.ascontiguousarray(np.rot90(preview, quarter_turns)))
    height, width = preview.shape[:2]
    found = []
    for find in peaks(_run(model, padded), threshold):
        x, y = (find.quad - offset).T
        x, y = ((x, y), (width - y, x), (width - x, height - y), (y, height - x))[quarter_turns]
        quad = np.stack([x, y], 1) * (frame.width / width)
        found.append(Found(find.kind, quad.astype(np.float32), find.score, find.legible))
    return found


def look_closer(model: Model, frame: Frame, find: Found) -> tuple[Found | None, list[Found]]:
    """The same display seen close and upright, None when it is no display from near; and other rows of its glass."""
    quad = find.quad
    best: Found | None = None
    rows: list[Found] = []
    for _ in range(3):
        crop, matrix = _close_crop(frame, quad)
        seen = peaks(_run(model, crop), 0.03)
        near = [(off, f) for f in seen if (off := _off_centre(f)) < 1]
        if not near:
            return best, rows
        # The next row of a display stands near, too: it is another display.
        _, top = max(near, key=lambda pair: pair[1].score * np.exp(-NEAREST * pair[0] ** 2))
        before, back = quad, np.asarray(np.linalg.inv(matrix), np.float64)
        best = _moved(top, back)
        quad = best.quad
        rows = [_moved(other, back) for other in seen if other.score >= A_ROW and _is_row_beside(other, top)]
        # Looking again pays only when the last look was off.
        length, old = (float(np.linalg.norm(q[1] - q[0])) for q in (quad, before))
        if 0.75 < old / max(length, 1e-3) < 1.3 and np.linalg.norm(quad - before, axis=1).max() < 0.08 * length:
            break
    return best, rows


def _moved(find: Found, matrix: NDArray[np.float64]) -> Found:
    quad = cv2.perspectiveTransform(find.quad[None].astype(np.float64), matrix)[0]
    return Found(find.kind, np.asarray(quad, np.float32), find.score, find.legible)


def _is_row_beside(other: Found, row: Found) -> bool:
    """Whether both are rows of one display: LCDs of about one height, one above the other, the same way up."""
    if (other.kind, row.kind) != ("lcd", "lcd") or _overlap(other.quad, row.quad):
        return False
    tall, as_tall = (float(np.linalg.norm(q[3] - q[0])) for q in (row.quad, other.quad))
    along = [q[1] - q[0] for q in (row.quad, other.quad)]
    turned = float(along[0] @ along[1]) / max(1e-6, float(np.linalg.norm(along[0]) * np.linalg.norm(along[1])))
    return ROWS_ALIKE < as_tall / max(1e-3, tall) < 1 / ROWS_ALIKE and turned > SAME_WAY_UP


def _off_centre(find: Found) -> float:
    """How far from the middle of a close look the find is; 1: as far as the one that is looked at may be."""
    reach = (0.35 * CLOSE_LENGTH, 40.0)
    return float(np.linalg.norm((find.quad.mean(0) - np.array(CLOSE_SIZE) / 2) / reach))


def _close_crop(frame: Frame, quad: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The display upright, CLOSE_LENGTH long, in the middle of a CLOSE_SIZE crop; and the photo-to-crop matrix."""
    along = (quad[1] - quad[0] + quad[2] - quad[3]) / 2
    length = max(4.0, float(np.linalg.norm(along)))
    # Pixels no finer than needed: a reduced decode of a big photo serves a big display.
    wanted = max(frame.width, frame.height) * min(1.0, 1.3 * CLOSE_LENGTH / length)
    picture = frame.preview(max(64, round(wanted)))
    scale = picture.shape[1] / frame.width
    c, s = along / length if float(np.linalg.norm(along)) > 0 else (1.0, 0.0)
    zoom = CLOSE_LENGTH / length
    linear = zoom * np.array([[c, s], [-s, c]])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = np.array(CLOSE_SIZE) / 2 - linear @ quad.mean(0)
    crop = cv2.warpPerspective(
        picture, matrix @ np.diag([1 / scale, 1 / scale, 1.0]), CLOSE_SIZE,
        flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(crop, np.uint8), matrix


def normalise(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """HxWx3 BGR to the networks' 1x3xHxW input."""
    return np.ascontiguousarray(((picture.astype(np.float32) - 127.5) / 64).transpose(2, 0, 1)[None])


def _run(model: Model, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(model.run(normalise(picture))[0][0], np.float32)


def _pad(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Centre the picture on sides that are multiples of 32 and at least LEAST_SIDE, with a border all round."""
    height, width = picture.shape[:2]
    border = round(BORDER_SHARE * max(height, width))
    full_h, full_w = (max(LEAST_SIDE, -(-(n + 2 * border) // 32) * 32) for n in (height, width))
    top, left = (full_h - height) // 2, (full_w - width) // 2
    padded = cv2.copyMakeBorder(picture, top, full_h - height - top, left, full_w - width - left, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8), np.array([left, top], np.float32)


def peaks(output: NDArray[np.float32], threshold: float) -> list[Found]:
    """Heat maxima of one network output (11xhxw) as finds in input pixels, best first."""
    heat = 1 / (1 + np.exp(-output[: len(KINDS)]))
    found = []
    for k, kind in enumerate(KINDS):
        highest = cv2.dilate(heat[k], np.ones((5, 5), np.uint8))
        for y, x in np.argwhere((heat[k] >= highest) & (heat[k] >= threshold)):
            # Neighbouring cells see the same display: the mean of their corners is steadier than one.
            y0, x0 = max(0, y - 1), max(0, x - 1)
            weight = heat[k, y0 : y + 2, x0 : x + 2] ** 2
            ys, xs = np.mgrid[y0 : y0 + weight.shape[0], x0 : x0 + weight.shape[1]]
            corners = output[len(KINDS) : len(KINDS) + 8, y0 : y + 2, x0 : x + 2].reshape(4, 2, *weight.shape)
            points = corners * CORNER_UNIT + (np.stack([xs, ys]) + 0.5) * STRIDE
            quad = (points * weight).sum((2, 3)) / weight.sum()
            legible = 1 / (1 + np.exp(-float(output[len(KINDS) + 8, y, x])))
            found.append(Found(kind, quad.astype(np.float32), float(heat[k, y, x]), float(legible)))
    return sorted(found, key=lambda f: -f.score)


def _distinct(finds: list[Found]) -> list[Found]:
    """Of finds whose centres lie inside one another only the better stays (an LCD seen as a drum, too)."""
    kept: list[Found] = []
    for find in finds:
        if not any(_overlap(find.quad, k.quad) for k in kept):
            kept.append(find)
    return kept


def _overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    def inside(quad: NDArray[np.float32], point: NDArray[np.float32]) -> bool:
        return cv2.pointPolygonTest(quad.reshape(-1, 1, 2), (float(point[0]), float(point[1])), False) >= 0

    return inside(a, b.mean(0)) or inside(b, a.mean(0))
