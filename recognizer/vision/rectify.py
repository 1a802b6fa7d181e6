"""Straighten a display: warp the area inside its four corners to an upright strip of fixed size.

Training and inference both cut their strips here, so that they cannot drift apart.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

STRIP_HEIGHT, STRIP_WIDTH = 96, 448
MARGIN_ALONG, MARGIN_ACROSS = 0.04, 0.16
"""Context kept around the corners, as shares of the strip's length and height: corners are never exact."""
DARK, BRIGHT, MOST_GAIN = 20, 235, 6.0
"""Grey levels that ``evened`` gives the darkest and brightest hundredth of a display, and its highest contrast."""


def strip_matrix(quad: NDArray[np.float32]) -> NDArray[np.float64]:
    """The 3x3 homography from picture to strip for corners in reading order (4x2)."""
    x0, x1 = STRIP_WIDTH * MARGIN_ALONG, STRIP_WIDTH * (1 - MARGIN_ALONG)
    y0, y1 = STRIP_HEIGHT * MARGIN_ACROSS, STRIP_HEIGHT * (1 - MARGIN_ACROSS)
    target = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(np.asarray(quad, np.float32), target), np.float64)


def rectify(image: NDArray[np.uint8], quad: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut the display out of a BGR picture as an upright STRIP_HEIGHT x STRIP_WIDTH strip.

    A display much larger than the strip is shrunk by areas first, or thin segments would be sampled away.
    """
    length = np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])
    height = np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])
    shrink = min(length / (2 * STRIP_WIDTH), height / (2 * STRIP_HEIGHT))
    if shrink > 1.5:
        low = np.floor(quad.min(0) - 0.2 * length).clip(0).astype(int)
        high = np.ceil(quad.max(0) + 0.2 * length).astype(int)
        part = image[low[1] : high[1], low[0] : high[0]]
        if part.size:
            size = (max(1, round(part.shape[1] / shrink)), max(1, round(part.shape[0] / shrink)))
            scale = np.array([size[0] / part.shape[1], size[1] / part.shape[0]], np.float32)
            image = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
            quad = ((quad - low) * scale).astype(np.float32)
    warped = cv2.warpPerspective(
        image, strip_matrix(quad), (STRIP_WIDTH, STRIP_HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)


def evened(strip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The strip with the darkest part of its display at a fixed grey level and its contrast at one: dark windows,
    faint LCDs.

    Each channel has an offset of its own; the gain is one for all, that of the channel with the most contrast, so that
    none is clipped and noise is not blown up beyond MOST_GAIN.
    """
    height, width = strip.shape[:2]
    across, along = round(height * MARGIN_ACROSS), round(width * MARGIN_ALONG)
    inside = strip[across : height - across, along : width - along].reshape(-1, 3)
    dark, bright = np.percentile(inside, (1, 99), axis=0)
    gain = min(MOST_GAIN, (BRIGHT - DARK) / max(1.0, float((bright - dark).max())))
    return np.asarray(((strip - dark.astype(np.float32)) * gain + DARK).clip(0, 255), np.uint8)


def stretched(quad: NDArray[np.float32], left: float, right: float, across: float) -> NDArray[np.float32]:
    """Corners moved out by shares of the strip's height: at its ``left``, at its ``right``, and above and below."""
    along = (quad[1] - quad[0] + quad[2] - quad[3]) / 2
    down = (quad[3] - quad[0] + quad[2] - quad[1]) / 2
    step = along / max(1e-6, float(np.linalg.norm(along))) * float(np.linalg.norm(down))
    ends = np.array([[-left], [right], [right], [-left]], np.float32)
    sides = np.array([[-across], [-across], [across], [across]], np.float32)
    return np.asarray(quad + ends * step + sides * down, np.float32)
