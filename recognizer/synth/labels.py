"""What the renderers hand out."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recognizer.synth.ink import Colour, Image, Rect

Kind = Literal["lcd", "drum"]
QuadArray = NDArray[np.float32]
"""4 x 2: the corners in reading order (top-left, top-right, bottom-right, bottom-left of the upright text)."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character and where it stands along the quad: 0 is its left edge, 1 its right edge."""

    char: str
    x0: float
    x1: float


@dataclass(frozen=True, slots=True)
class Strip:
    """A rendered display, upright, with the plate around it.

    ``quad`` is a drum's window opening from the first wheel to the last, or the tight box around an LCD's
    value digits. ``panel`` is the whole visible display in the image: LCD glass, drum window.
    """

    image: Image
    quad: QuadArray
    text: str
    kind: Kind
    glyphs: list[Glyph] = field(default_factory=list)
    panel: Rect = (0, 0, 0, 0)
    legible: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a display is to stand: alone as a strip (the default), or in the face of a meter."""

    plate: Colour | None = None  # colour of the plate around it; None: any
    in_face: bool = False  # then light, dirt and reflections are laid over the whole face by its maker
    water: bool | None = None  # water meter or electricity meter, for its unit and print


ALONE = Setting()


def rectangle(x0: float, y0: float, x1: float, y1: float) -> QuadArray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
