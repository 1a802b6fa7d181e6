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


ScreenKind = Literal[
    "energy", "power", "clock", "date", "demand", "history", "test", "serial", "error", "title", "blank", "other"
]
"""What a screen is about; only ``energy`` is a reading. ``title`` names the value that the next screen shows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a screen and what stands beside it; None: nothing is there."""

    value: str | None
    label: str | None = None  # 1.8.0, C.1.0, 1.8.0*1, 01, P.01, IMPORT kWh; on displays of several rows also T1, TOTAL
    unit: str | None = None  # as it is properly written: kWh, kvarh, кВт·ч, m³; a panel may spell it kW h
    register: str | None = None  # OBIS group C.D.E of an energy value, or "total" where the display names none


@dataclass(frozen=True, slots=True)
class Screen:
    """What an LCD shows at one time.

    ``marks`` are T1, Т2, ①, ▼1 (the first of a row of arrows), CUM, MAX, L1, BATTERY, SIGNAL …: lit or not, each at
    its own place. A ``test`` without rows lights everything; no rows and no marks is a blank display.
    """

    kind: ScreenKind
    rows: tuple[Row, ...] = ()
    marks: tuple[str, ...] = ()

    @staticmethod
    def of(
        kind: ScreenKind,
        value: str | None,
        label: str | None = None,
        unit: str | None = None,
        marks: tuple[str, ...] = (),
        register: str | None = None,
    ) -> "Screen":
        """A screen of one row."""
        return Screen(kind, (Row(value, label, unit, register),), marks)


@dataclass(frozen=True, slots=True)
class RowBoxes:
    """Where one row of a screen is. Boxes are tight around ink; None where nothing of the kind is lit.

    ``value`` runs from the first lit digit to the last, over the full height of the digits. Without a value it is
    where the row's digits would stand.
    """

    value: QuadArray
    glyphs: tuple[Glyph, ...] = ()
    label: QuadArray | None = None
    unit: QuadArray | None = None


@dataclass(frozen=True, slots=True)
class ScreenPicture:
    """A rendered screen, upright, with the plate around it, and the exact place of all that is lit.

    ``screen`` is what can be read; on a display test that is every eight, point and mark. ``boxes`` go with its rows,
    ``marks`` with its marks. ``panel`` is the visible glass.
    """

    image: Image
    screen: Screen
    boxes: tuple[RowBoxes, ...]
    marks: tuple[tuple[str, QuadArray], ...]
    panel: Rect

    @property
    def strip(self) -> Strip:
        """The first row alone, as the counter reader is trained on."""
        row, box = self.screen.rows[0], self.boxes[0]
        return Strip(self.image, box.value, row.value or "", "lcd", list(box.glyphs), self.panel, row.value is not None)
