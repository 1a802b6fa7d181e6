"""Whether a display still shows what it showed: the cut-out around it compared with that of an earlier frame.

Hands shake, light and exposure change: the cut-outs are laid on one another (ECC, Evangelidis 2008), freed of slow
shades, and compared spot by spot, so that a single segment or tariff mark tells. What cannot be laid on has changed.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import Quad
from recognizer.vision.pixels import Pixels

DIGIT = 24.0
"""Height of the digits in the cut-out, in pixels: a tariff mark is then some 6 high."""
LARGEST_ZOOM = 1.5
AROUND = (2.6, 0.9, 1.8, 0.9)
"""Left, above, right and below the digits, in their heights: labels, units and marks stand there."""
MOST_SIDE = 400
WHOLE = 160
"""Long side of the picture that is compared where no display was found."""
REACH = 12
"""Pixels of the cut-out by which the hand may move from one frame to the next."""
SOFT = 0.8
SPOT = 5
CHANGED = 0.2
"""Share of the ink's contrast by which one spot differs. On rendered clips, 640x480 by hand, 94 % of the frames of a
screen that stands stay below it. Screens that differ in a digit were at 0.39 or more; with the same digits
0.47 for another tariff mark, 0.23 for another OBIS code, and 0.1 for kW in place of kWh, which one in five kept."""
GRAIN, GRAINY = 6.0, 0.3
"""Standard deviations by which a spot differs where nothing but the noise of a dark or tiny picture does, at most, and
the most that is put down to it."""
LEAST_CONTRAST = 10.0
"""Levels: on a blank display noise would be all there is."""
MEDIAN_OF_NORMAL = 0.6745
"""Median of what normal noise is off by, in standard deviations."""
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 12, 1e-3)

Grey = NDArray[np.float32]
Matrix = NDArray[np.float64]


class Still:
    """The displays of one frame (BGR) at their places, to be compared with later frames of the same size.

    Without places the whole picture is compared. Small movements are followed from frame to frame.
    """

    def __init__(self, pixels: Pixels, quads: Sequence[Quad]) -> None:
        self._has_places = bool(quads)
        self._onto, self._size = _region(quads) if quads else _whole(pixels)
        self._look_at(pixels)

    def elsewhen(self, pixels: Pixels) -> "Still | None":
        """The same part of another frame, to be compared with those after it; None without places."""
        if not self._has_places:
            return None
        other = copy(self)
        other._look_at(pixels)
        return other

    def _look_at(self, pixels: Pixels) -> None:
        self._shape = pixels.shape
        self._linear = np.eye(2, dtype=np.float32)
        self._seen = self._cut(pixels, 0)
        self._ink = _ink(self._seen)
        self._contrast = max(LEAST_CONTRAST, float(np.percentile(np.abs(self._ink), 95)))

    def shows(self, pixels: Pixels) -> bool:
        """Whether the frame shows the same."""
        return self.difference(pixels) < CHANGED

    def difference(self, pixels: Pixels) -> float:
        """How far the most different spot is off, as a share of the ink's contrast; infinite where nothing fits.

        Less is made of it where the picture is so noisy that all spots differ.
        """
        if pixels.shape != self._shape:
            return np.inf
        later = self._cut(pixels, REACH)
        _, _, _, place = cv2.minMaxLoc(cv2.matchTemplate(later, self._seen, cv2.TM_CCOEFF_NORMED))
        motion = np.column_stack([self._linear, np.array(place, np.float32)])
        try:
            _, fitted = cv2.findTransformECC(self._seen, later, motion, cv2.MOTION_AFFINE, _STOP, None, 3)  # type: ignore[call-overload]
        except cv2.error:  # nothing there to lay on
            return np.inf
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        ink = _ink(cv2.warpAffine(later, fitted, self._size, flags=flags, borderMode=cv2.BORDER_REPLICATE))
        gain = float((ink * self._ink).sum() / max(1e-6, float((self._ink**2).sum())))
        if not 0.5 < gain < 2.0:
            return np.inf
        spots = cv2.blur(ink - np.float32(gain) * self._ink, (SPOT, SPOT))[SPOT:-SPOT, SPOT:-SPOT]
        grain = GRAIN * float(np.median(np.abs(spots))) / MEDIAN_OF_NORMAL
        allowed = min(GRAINY, max(CHANGED, grain / (self._contrast * gain)))
        difference = float(np.abs(spots).max(initial=0.0)) / (self._contrast * gain) * CHANGED / allowed
        if difference < CHANGED:
            self._onto = self._onto.copy()
            self._onto[:, 2] -= fitted[:, 2] - REACH
            self._linear = np.asarray(fitted[:, :2], np.float32)
        return difference

    def _cut(self, pixels: Pixels, margin: int) -> Grey:
        """The region with so many pixels more on each side, grey."""
        (w, h), onto = self._size, self._onto.copy()
        onto[:, 2] += margin
        size = (w + 2 * margin, h + 2 * margin)
        # Only the part that is needed is turned grey, and shrunk by areas before it is turned: fine marks stay.
        scale = float(np.hypot(*onto[:, 0]))
        inverse = cv2.invertAffineTransform(onto)
        corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size], np.float64) @ inverse[:, :2].T + inverse[:, 2]
        room = 2 / scale
        x0, y0 = np.clip(np.floor(corners.min(0) - room), 0, (pixels.shape[1] - 2, pixels.shape[0] - 2)).astype(int)
        x1, y1 = np.clip(np.ceil(corners.max(0) + room), (x0 + 2, y0 + 2), (pixels.shape[1], pixels.shape[0])).astype(
            int
        )
        part = cv2.cvtColor(pixels[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY)
        shrunk = (max(2, round(part.shape[1] * scale)), max(2, round(part.shape[0] * scale)))
        zoom = np.array([shrunk[0] / part.shape[1], shrunk[1] / part.shape[0]])
        if scale < 0.8:
            part = cv2.resize(part, shrunk, interpolation=cv2.INTER_AREA)
        else:
            zoom[:] = 1.0
        onto[:, 2] += onto[:, :2] @ (float(x0), float(y0))
        onto[:, :2] /= zoom
        cut = cv2.warpAffine(part, onto, size, borderMode=cv2.BORDER_REPLICATE)
        # Soft enough that half a pixel's movement, taken back, leaves no edges.
        return np.asarray(cv2.GaussianBlur(cut, (0, 0), SOFT), np.float32)


def _region(quads: Sequence[Quad]) -> tuple[Matrix, tuple[int, int]]:
    """The box around all displays with what stands beside their digits, upright as the first one: matrix and size."""
    points = np.array(quads, np.float64)
    first = points[0]
    along = first[1] - first[0] + first[2] - first[3]
    along /= max(1e-6, float(np.linalg.norm(along)))
    turn = np.array([along, (-along[1], along[0])])
    upright = points @ turn.T
    digit = max(4.0, float(np.median(upright[:, 2:, 1].mean(1) - upright[:, :2, 1].mean(1))))
    low = upright.min((0, 1)) - np.array(AROUND[:2]) * digit
    high = upright.max((0, 1)) + np.array(AROUND[2:]) * digit
    scale = min(LARGEST_ZOOM, DIGIT / digit, MOST_SIDE / float((high - low).max()))
    w, h = np.maximum(32, np.ceil((high - low) * scale)).astype(int)
    return np.column_stack([turn * scale, -low * scale]), (int(w), int(h))


def _whole(pixels: Pixels) -> tuple[Matrix, tuple[int, int]]:
    h, w = pixels.shape[:2]
    scale = min(1.0, WHOLE / max(h, w))
    return np.array([[scale, 0, 0], [0, scale, 0]], np.float64), (max(16, round(w * scale)), max(16, round(h * scale)))


def _ink(grey: NDArray[Any]) -> Grey:
    """What differs from its surroundings: slow shades, and changes of light, leave nothing."""
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), 0.5 * DIGIT), np.float32)
