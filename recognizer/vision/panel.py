"""The panel of an LCD around its located value, cut upright: where label, unit and tariff marks stand.

Training and inference both cut it here, so that they cannot drift apart.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.vision.rectify import stretched

PANEL_HEIGHT, PANEL_WIDTH = 144, 384
BESIDE = 0.55
"""What is cut left and right of the value, as a share of its length, at least: labels stand left of it, units right."""
ABOVE, BELOW = 1.6, 1.2
"""What is cut above and below the value, in heights of its digits: where there is room, labels stand above."""
LONG = 8.0
"""Length, in heights of its digits, of a value that leaves little of the glass empty beside it."""
FURTHER = 3.0
"""How much further left it is looked, in heights of the digits."""
_HEIGHTS = (1 + ABOVE + BELOW) * PANEL_WIDTH / PANEL_HEIGHT
"""What a panel that is stretched in no direction is wide, in heights of the digits."""


def beside(value: NDArray[np.float32]) -> float:
    """What is cut at either end of the value, as a share of its length.

    A unit is as tall as the digits and as wide as four of them, so beside a short value it takes more of its lengths.
    """
    along, tall = sides(value)
    return max(BESIDE, (_HEIGHTS * tall / max(1.0, along) - 1) / 2)


def sides(value: NDArray[np.float32]) -> tuple[float, float]:
    """Length and height of the value, each the mean of its two sides."""
    around = np.linalg.norm(np.roll(value, -1, axis=0) - value, axis=1)
    return float(around[0] + around[2]) / 2, float(around[1] + around[3]) / 2


def reaching_left(value: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The corners of a longer value that ends where this one does; None where this one is long enough.

    Labels stand at the left end of the glass. Where a short value has no zeros in front, that is out of its panel's
    reach.
    """
    along, tall = sides(value)
    missing = LONG * tall - along
    return stretched(value, missing / max(1e-3, tall), 0.0, 0.0) if missing > 0 else None


def further_left(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """The corners of a value longer by FURTHER heights: where a label is cut off by the panel's left end."""
    return stretched(value, FURTHER, 0.0, 0.0)


def panel_matrix(value: NDArray[np.float32]) -> NDArray[np.float64]:
    """The 3x3 homography from picture to panel for the corners of the value in reading order (4x2)."""
    ends = beside(value)
    x0, x1 = PANEL_WIDTH * ends / (1 + 2 * ends), PANEL_WIDTH * (1 + ends) / (1 + 2 * ends)
    y0, y1 = PANEL_HEIGHT * ABOVE / (1 + ABOVE + BELOW), PANEL_HEIGHT * (1 + ABOVE) / (1 + ABOVE + BELOW)
    target = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(np.asarray(value, np.float32), target), np.float64)


def cut_panel(image: NDArray[np.uint8], value: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The panel as a PANEL_HEIGHT x PANEL_WIDTH BGR picture; a large one is shrunk by areas first."""
    shrink = sides(value)[0] * (1 + 2 * beside(value)) / PANEL_WIDTH
    if shrink > 2:
        size = (max(1, round(image.shape[1] / shrink)), max(1, round(image.shape[0] / shrink)))
        scale = np.array([size[0] / image.shape[1], size[1] / image.shape[0]], np.float32)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        value = value * scale
    cut = cv2.warpPerspective(
        image, panel_matrix(value), (PANEL_WIDTH, PANEL_HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.uint8)
