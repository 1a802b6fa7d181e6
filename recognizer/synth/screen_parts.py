"""The parts of one model of LCD, each at its fixed place: cells that show any character, prints that are lit or not.

Lengths are in heights of the main digits, with the origin in the panel's top-left corner.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np

from recognizer.synth.ink import Mask
from recognizer.synth.labels import Screen
from recognizer.synth.lettering import BASE, Lettering
from recognizer.synth.screen_stamps import print_stamp

Part = TypeVar("Part", "Cells", "Print")
GAPS = ".,:*"
"""Characters that stand between two cells."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A row of characters of segments or dots; ``small`` of them, at the end, are lower: the decimals.

    With ``inline`` points and colons take cells of their own, as on character displays.
    """

    x: float
    y: float
    height: float
    pitch: float  # from one cell to the next, as a share of their height
    count: int
    small: int = 0
    small_height: float = 1.0
    dots: bool = False
    inline: bool = False
    right: bool = False
    colons: bool = False
    star: bool = False  # an asterisk behind the third cell: 1.8.0*1

    def left(self, cell: int) -> float:
        """Where a cell begins."""
        big = self.count - self.small
        whole = min(cell, big) * self.pitch * self.height
        return self.x + whole + max(0, cell - big) * self.pitch * self.height * self.small_height

    def size(self, cell: int) -> float:
        """Height of a cell's character."""
        return self.height * (self.small_height if cell >= self.count - self.small else 1.0)

    @property
    def width(self) -> float:
        return self.left(self.count) - self.x

    def places(self, text: str) -> list[tuple[str, int]]:
        """(character, cell) for each; a point, colon or asterisk has the cell that it follows, -1 before the first.

        Raises ``ValueError`` for a text that is too long.
        """
        if self.inline:
            start = self.count - len(text) if self.right else 0
            out = [(char, start + i) for i, char in enumerate(text)]
        else:
            whole, _, decimals = text.partition(".")
            length = sum(c not in GAPS for c in text)
            if text == self.full:
                start = 0
            elif self.small and len(decimals) == self.small and decimals.isdigit():
                start = self.count - self.small - len(whole)
            else:
                start = self.count - self.small - length if self.right else 0
            out, cell = [], start - 1
            for char in text:
                cell += char not in GAPS
                out.append((char, cell))
        if out and (start < 0 or out[-1][1] >= self.count):
            raise ValueError(f"{text!r} does not fit into {self.count} cells, {self.small} of them small")
        return out

    @property
    def full(self) -> str:
        """The text of a display test: every cell, with a point in every gap."""
        return "8" * self.count if self.inline else ".".join("8" * self.count)


@dataclass(frozen=True, slots=True)
class Print:
    """A text or sign that the panel can only light as a whole; ``height`` is of a capital."""

    text: str
    x: float
    y: float
    height: float
    lettering: Lettering = Lettering()  # noqa: RUF009
    frame: str = ""  # box, cut (out of a filled box), disc (①: the digit cut out of one)

    @property
    def width(self) -> float:
        return float(self.stamp.shape[1]) / BASE * self.height * self.lettering.stretch

    @property
    def tall(self) -> float:
        """Height with its frame and what stands above a capital."""
        return float(self.stamp.shape[0]) / BASE * self.height

    @property
    def stamp(self) -> Mask:
        letters = self.lettering
        return print_stamp(self.text, letters.weight, self.frame, letters.strokes, letters.slant, letters.typeface)

    def sized(self, pixels: int) -> Mask:
        """The coverage where a main digit has that many pixels."""
        k = self.height * pixels / BASE
        h, w = self.stamp.shape
        size = (max(2, round(w * k * self.lettering.stretch)), max(2, round(h * k)))
        stamp = cv2.resize(self.stamp, size, interpolation=cv2.INTER_AREA)
        return np.asarray(stamp * self.lettering.strength, np.uint8)


@dataclass(frozen=True, slots=True)
class Block:
    """Parts that keep together when a layout is laid out, their common corner at 0, 0."""

    width: float
    height: float
    cells: Cells | None = None
    units: tuple[tuple[str, tuple[Print, ...]], ...] = ()
    marks: tuple[Print, ...] = ()
    needed: bool = True

    def at(self, x: float, y: float) -> "Block":
        def moved(p: Print) -> Print:
            return replace(p, x=p.x + x, y=p.y + y)

        cells = self.cells and replace(self.cells, x=self.cells.x + x, y=self.cells.y + y)
        units = tuple((unit, tuple(map(moved, parts))) for unit, parts in self.units)
        return replace(self, cells=cells, units=units, marks=tuple(map(moved, self.marks)))


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a row's value stands, and what can be shown beside it."""

    value: Cells
    label: Cells | None = None
    labels: tuple[Print, ...] = ()
    units: tuple[tuple[str, tuple[Print, ...]], ...] = ()  # a unit may be put together: kW and h
    unit: Cells | None = None


@dataclass(frozen=True, slots=True)
class ScreenLayout:
    """The places on one model of panel."""

    width: float
    height: float
    rows: tuple[RowPlace, ...]
    marks: tuple[Print, ...] = ()

    def smallest(self, screens: Sequence[Screen]) -> float:
        """Height of the smallest capital among all that these screens light."""
        marks = {mark for screen in screens for mark in screen.marks}
        units = {row.unit for screen in screens for row in screen.rows}
        tall = [part.height for part in self.marks if part.text in marks]
        for place in self.rows:
            tall += [part.height for unit, parts in place.units if unit in units for part in parts]
            tall += [part.height for part in place.labels]
            tall += [cells.height for cells in (place.value, place.label, place.unit) if cells is not None]
        return min(tall)

    def fitted(self, aspect: float, left: float = 0.5, above: float = 0.5) -> "ScreenLayout":
        """The same on a panel of that width over height; ``left`` and ``above`` are the shares of free room there."""
        width, height = max(self.width, self.height * aspect), max(self.height, self.width / aspect)
        dx, dy = (width - self.width) * left, (height - self.height) * above

        def moved(part: Part) -> Part:
            return replace(part, x=part.x + dx, y=part.y + dy)

        rows = tuple(
            RowPlace(
                moved(row.value),
                row.label and moved(row.label),
                tuple(map(moved, row.labels)),
                tuple((unit, tuple(map(moved, parts))) for unit, parts in row.units),
                row.unit and moved(row.unit),
            )
            for row in self.rows
        )
        return ScreenLayout(width, height, rows, tuple(map(moved, self.marks)))
