"""One model's panel at a size in pixels: any screen as coverage of lit and unlit parts, with exact boxes."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.synth import ink
from recognizer.synth.dots import dot_character
from recognizer.synth.ink import Mask
from recognizer.synth.labels import Glyph, QuadArray, Row, RowBoxes, Screen, rectangle
from recognizer.synth.lcd import draw_point
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.screen_parts import GAPS, Cells, Print, RowPlace, ScreenLayout
from recognizer.synth.segments import SEVEN, Pen

FULL = "\u2588"
THINNEST = 0.1
"""Stroke of small characters over their height, at least: panels draw them heavier than the digits."""


class Panel:
    """A layout at ``height`` pixels a main digit; the glass is ``size`` (width, height)."""

    def __init__(self, layout: ScreenLayout, style: LcdStyle, height: int) -> None:
        self.layout = layout
        self.style = style
        self.height = height
        self.size = (round(layout.width * height), round(layout.height * height))
        self._characters: dict[tuple[str, int, bool], Mask] = {}
        self._pens: dict[int, Pen] = {}
        self._everything: Mask | None = None

    @property
    def everything(self) -> Mask:
        """Coverage of all that the panel can light; not to be written to."""
        if self._everything is None:
            mask = self._empty()
            for place in self.layout.rows:
                for cells in (place.value, place.label, place.unit):
                    if cells is not None:
                        self._cells(mask, cells, [(FULL, i) for i in range(cells.count)])
                        if not cells.inline:
                            signs = [(".", i) for i in range(cells.count - 1)]
                            signs += [(":", i) for i in range(cells.count - cells.small - 3, -1, -2)] * cells.colons
                            signs += [("*", 2)] * cells.star
                            self._cells(mask, cells, signs)
                for part in (*place.labels, *(p for _, parts in place.units for p in parts)):
                    self._print(mask, part)
            for part in self.layout.marks:
                self._print(mask, part)
            self._everything = mask
        return self._everything

    def show(self, screen: Screen) -> tuple[Mask, Screen, tuple[RowBoxes, ...], tuple[tuple[str, QuadArray], ...]]:
        """The lit coverage, what can be read, and where: the boxes of its rows and of its marks.

        Raises ``ValueError`` for a label, unit, mark or value that this panel has no place for.
        """
        test = screen.kind == "test" and not screen.rows
        if test:
            screen = self._test()
        if len(screen.rows) > len(self.layout.rows):
            raise ValueError(f"a screen of {len(screen.rows)} rows on a panel of {len(self.layout.rows)}")
        mask = self._empty()
        boxes = tuple(self._row(mask, place, row) for place, row in zip(self.layout.rows, screen.rows, strict=False))
        marks = tuple((text, self._print(mask, _find(self.layout.marks, text))) for text in screen.marks)
        return (self.everything.copy() if test else mask), screen, boxes, marks

    def unlit(self, mask: Mask) -> Mask:
        """What is left of everything."""
        return np.asarray(cv2.subtract(self.everything, mask), np.uint8)

    def _test(self) -> Screen:
        """What can be read where everything is lit; a block of 35 dots in place of a label says nothing."""
        labels = [place.label for place in self.layout.rows]
        texts = [label.full if label is not None and not label.dots else None for label in labels]
        values = [place.value.full for place in self.layout.rows]
        rows = tuple(Row(value, label) for value, label in zip(values, texts, strict=True))
        return Screen("test", rows, tuple(part.text for part in self.layout.marks))

    def _empty(self) -> Mask:
        return np.zeros((self.size[1], self.size[0]), np.uint8)

    def _row(self, mask: Mask, place: RowPlace, row: Row) -> RowBoxes:
        label = unit = None
        if row.label is not None:
            if printed := [part for part in place.labels if part.text == row.label]:
                label = self._print(mask, printed[0])
            elif place.label is not None:
                label = _around(self._cells(mask, place.label, place.label.places(row.label)))
            else:
                raise ValueError(f"this panel has no place for the label {row.label!r}")
        if row.unit is not None:
            if place.unit is not None:
                unit = _around(self._cells(mask, place.unit, place.unit.places(row.unit)))
            else:
                parts = dict(place.units).get(row.unit)
                if parts is None:
                    raise ValueError(f"this panel has no unit {row.unit!r}")
                unit = _around([tuple(map(float, (*q[0], *q[2]))) for q in (self._print(mask, p) for p in parts)])
        cells, h = place.value, self.height
        top, bottom = round(cells.y * h), round(cells.y * h) + round(cells.height * h)
        if not row.value:
            end = cells.left(cells.count - 1) + self._aspect(cells) * cells.size(cells.count - 1)
            return RowBoxes(rectangle(round(cells.x * h), top, round(end * h), bottom), (), label, unit)
        places = cells.places(row.value)
        ink_boxes = self._cells(mask, cells, places)
        digits = [b for b, (char, _) in zip(ink_boxes, places, strict=True) if char not in GAPS and b[2] > b[0]]
        x0, x1 = min(b[0] for b in digits), max(b[2] for b in digits)
        span = max(1.0, x1 - x0)
        shown = [(c, b) for (c, _), b in zip(places, ink_boxes, strict=True) if c != " "]
        glyphs = tuple(Glyph(c, (b[0] - x0) / span, (b[2] - x0) / span) for c, b in shown)
        return RowBoxes(rectangle(x0, top, x1, bottom), glyphs, label, unit)

    def _print(self, mask: Mask, part: Print) -> QuadArray:
        stamp = part.sized(self.height)
        x, y = round(part.x * self.height), round(part.y * self.height)
        ink.stamp(mask, stamp, x, y)
        return rectangle(x, y, x + stamp.shape[1], y + stamp.shape[0])

    def _cells(self, mask: Mask, cells: Cells, places: list[tuple[str, int]]) -> list[tuple[float, ...]]:
        """Draw characters into their cells; gives x0, y0, x1, y1 of each one's ink."""
        h, out = self.height, []
        foot = round(cells.y * h) + round(cells.height * h)
        for char, cell in places:
            if char in GAPS and not cells.inline:
                out.append(self._sign(mask, cells, char, cell, foot))
                continue
            tall = round(cells.size(cell) * h)
            stamp = self._character(char, tall, cells.dots)
            x, y = round(cells.left(cell) * h) - 1, foot - tall - 1
            ink.stamp(mask, stamp, x, y)
            bx, by, bw, bh = cv2.boundingRect(stamp)
            out.append((float(x + bx), float(y + by), float(x + bx + bw), float(y + by + bh)))
        return out

    def _sign(self, mask: Mask, cells: Cells, char: str, cell: int, foot: int) -> tuple[float, ...]:
        """A point, comma, colon or asterisk in the gap behind a cell."""
        style, h = self.style, self.height
        tall = cells.height * h
        small_next = cell + 1 >= cells.count - cells.small > 0 and cells.small > 0
        gap = max(0.05, cells.pitch - self._aspect(cells)) * tall
        r = min(max(2.0, style.point_size * tall), max(2.0, gap * 0.9))
        cx = (
            (cells.left(cell + 1) * h if cell >= -1 else 0.0)
            - gap / 2
            + (0 if cells.dots else style.cut.slant * r * 0.5)
        )
        if char == ":":
            spots = [(cx + style.cut.slant * tall * k, foot - tall * k) for k in (0.3, 0.68)]
        elif char == "*":
            spots = [(cx + style.cut.slant * tall * 0.6, foot - tall * 0.6)]
        else:
            spots = [(cx, foot - r / 2)]
        if char != "." or style.point_shown or not small_next:
            for x, y in spots:
                if char == "*":
                    arms = np.array([(1, 0), (0.5, 0.87), (-0.5, 0.87)]) * r
                    for arm in arms:
                        ink.stroke(mask, np.array([(x, y) - arm, (x, y) + arm]), max(1.0, tall * 0.05))
                else:
                    draw_point(mask, style.point if char == "." else "square", x, y, r)
        xs, ys = [s[0] for s in spots], [s[1] for s in spots]
        return (min(xs) - r / 2, min(ys) - r / 2, max(xs) + r / 2, max(ys) + r / 2)

    def _aspect(self, cells: Cells) -> float:
        """Width of a character over its height."""
        return 5 / 7 if cells.dots else self.style.cut.aspect

    def _character(self, char: str, tall: int, dots: bool) -> Mask:
        """Coverage of one character with a pixel of room around it."""
        key = (char, tall, dots)
        if key not in self._characters:
            cut = self.style.cut
            if dots:
                part = dot_character(char, tall * 5 / 7, tall, max(0.06, 2 * cut.gap))
                stamp = np.asarray(cv2.copyMakeBorder(part, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0), np.uint8)
            elif char != FULL and char not in SEVEN:
                raise ValueError(f"seven segments cannot show {char!r}")
            else:
                pen = self._pen(tall)
                stamp = np.zeros((tall + 2, int(pen.width + cut.slant * tall) + 3), np.uint8)
                pen.draw(stamp, stamp if char == FULL else None, " " if char == FULL else char, 1, 1)
            self._characters[key] = stamp
        return self._characters[key]

    def _pen(self, tall: int) -> Pen:
        if tall not in self._pens:
            cut = self.style.cut
            if tall < self.height * 0.8:
                cut = replace(cut, stroke=max(cut.stroke, THINNEST))
            self._pens[tall] = Pen(cut, tall)
        return self._pens[tall]


def _find(parts: tuple[Print, ...], text: str) -> Print:
    for part in parts:
        if part.text == text:
            return part
    raise ValueError(f"this panel has no mark {text!r}")


def _around(boxes: list[tuple[float, ...]] | NDArray[np.float32]) -> QuadArray:
    all_boxes = np.array([b for b in boxes if b[2] > b[0]], np.float32)
    return rectangle(*all_boxes[:, :2].min(0), *all_boxes[:, 2:].max(0))
