"""Cut dials out of a picture: one square per dial, and the surroundings of a drum in which pointers are looked for.

Training and inference both cut here, so that they cannot drift apart.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

SIDE = 48
"""Dials are cut as SIDE x SIDE pictures."""
REACH = 1.15
"""Half the side of a cut, in radii of the dial's scale."""
AROUND, COUNTER = 512, 160.0
"""The surroundings of a counter are AROUND x AROUND with the counter, COUNTER long, level and above the middle."""
RAISED = 0.14
"""How far above the middle the counter stands, as a share of AROUND: pointers mostly lie below."""


def cut_dial(
    picture: Image, x: float, y: float, radius: float, angle: float = 0.0, stretch: tuple[float, float] = (1.0, 1.0)
) -> Image:
    """The dial with its pivot at (x, y), upright; ``angle`` degrees turn it clockwise, ``stretch`` squeezes first."""
    zoom = SIDE / (2 * REACH * max(radius, 1.0))
    if zoom < 0.5:  # thin marks would be sampled away
        shrunk = 2 * zoom
        low = np.floor(np.array([x, y]) - 2.2 * radius).clip(0).astype(int)
        high = np.ceil(np.array([x, y]) + 2.2 * radius).astype(int)
        part = picture[low[1] : high[1], low[0] : high[0]]
        if part.size:
            size = (max(1, round(part.shape[1] * shrunk)), max(1, round(part.shape[0] * shrunk)))
            picture = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
            x, y, zoom = (x - low[0]) * size[0] / part.shape[1], (y - low[1]) * size[1] / part.shape[0], 0.5
    a = np.radians(angle)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    linear = zoom * turn @ np.diag(stretch)
    move = np.array([SIDE / 2, SIDE / 2]) - linear @ np.array([x, y])
    matrix = np.hstack([linear, move[:, None]])
    cut = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def around_matrix(quad: NDArray[np.float32], side: int = AROUND) -> NDArray[np.float64]:
    """The 3x3 matrix from photo to the surroundings of a counter with these corners (4x2, reading order).

    Turned and scaled only: how high a counter is, and so how it is tilted, differs too much between meters.
    """
    along = (quad[1] - quad[0] + quad[2] - quad[3]) / 2
    length = max(4.0, float(np.linalg.norm(along)))
    c, s = along / length
    linear = COUNTER * side / AROUND / length * np.array([[c, s], [-s, c]])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = np.array([side / 2, side * (0.5 - RAISED)]) - linear @ quad.mean(0)
    return matrix


def redness(picture: Image) -> NDArray[np.float32]:
    """How much redder each pixel is than what lies around it, in steps of CIE a*: light of any colour cancels out."""
    a = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB)[..., 1]
    half = cv2.resize(a, (a.shape[1] // 2, a.shape[0] // 2), interpolation=cv2.INTER_AREA)
    ground = cv2.resize(cv2.medianBlur(half, 31), (a.shape[1], a.shape[0]))
    return np.asarray(cv2.GaussianBlur(a.astype(np.float32), (0, 0), 2.5) - ground, np.float32)
