"""Training pictures of the screen reader: drawn LCDs before real surroundings, and real panels that tell something."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.labels import measures, plain, unit_of
from recognizer.synth.degrade import degrade, sample_strength
from recognizer.synth.ink import Rect, text_stamp
from recognizer.synth.labels import ScreenPicture
from recognizer.synth.prints import lay
from recognizer.train.augment import jitter_pixels
from recognizer.train.counter import shake_corners
from recognizer.train.data import Corners, Image
from recognizer.train.screens import Drawing
from recognizer.vision.panel import (
    PANEL_HEIGHT,
    PANEL_WIDTH,
    cut_panel,
    further_left,
    panel_matrix,
    reaching_left,
    sides,
)
from recognizer.vision.rectify import evened, stretched
from recognizer.vision.screen import LABEL_CHARACTERS, SCREEN_MARKS, SCREEN_UNITS

BEFORE_REAL = 0.7
"""How often a drawn display stands before a part of a real photo: the print on plates is not on the display."""
MOST_SPOILED = 0.7
"""Strength of ``degrade`` at most: beyond it no person could read what stands beside the digits."""
ON_PLATE = 0.6
"""Share of the readings without a unit on the glass beside which the plate has one, as on many older meters."""
TALLER = (-0.27, 0.1)
"""By how much of its height the located value is taller than the digits."""
NOT_TOLD = -1
"""In place of a unit's class: of a real photo whose truth does not tell it, of a title."""
NO_MARK_TOLD: tuple[bool | None, ...] = (None,) * len(SCREEN_MARKS)
FURTHER_LEFT = 0.4
"""Share of the short values, and of those whose label the panel cuts off, that are cut as if they were longer: so they
are looked at where no label, or a part of one, is found."""
IN_VALUES_PLACE, SHORTER = 0.6, 0.6
"""Share of the titles that are cut where the value stands on other screens, as titles of a clip are, and by how much of
the room for its digits that value is shorter at most."""
WHOLE, GONE = 0.9, 0.1
"""Share of a text above which it is on the panel, and below which it is not. A network that was told of what ended
outside learned to guess it: a quarter of the labels, left of short values."""
A_PART = 0.7
"""Share of a unit below which it is none: `кВт` of `кВт·ч` says another thing than the whole."""
NOWHERE: Corners = np.full((2 + len(SCREEN_MARKS), 4), np.nan, np.float32)

Told = TypeVar("Told")


@dataclass(frozen=True)
class Panel:
    """One training picture and what stands beside its value.

    ``label`` None: not told, or a text that the alphabet lacks; ``unit`` NOT_TOLD; a mark None: not told.
    """

    image: Image
    label: str | None
    unit: int
    marks: tuple[bool | None, ...]
    places: Corners = field(default_factory=lambda: NOWHERE)
    """Label, unit and every mark as (x0, y0, x1, y1) in pixels of the panel; NaN: not there, or not told."""


@dataclass(frozen=True)
class RealPanel:
    """A real photo around its display, the value's corners in it, and its truth as in ``Panel``."""

    image: Image
    value: Corners
    label: str | None
    unit: int
    marks: tuple[bool | None, ...]


def any_drawn(draw_one: Drawing, surroundings: Sequence[Image]) -> Callable[[np.random.Generator], Panel]:
    return lambda rng: sample(rng, draw_one(rng), surroundings)


def any_real(real: Sequence[RealPanel]) -> Callable[[np.random.Generator], Panel]:
    return lambda rng: sample_real(rng, real[int(rng.integers(len(real)))])


def sample(rng: np.random.Generator, drawn: ScreenPicture, surroundings: Sequence[Image]) -> Panel:
    """The screen cut as if a value of it, or its title, had been located; ``surroundings``: to stand before."""
    rows = drawn.screen.rows
    shown = [i for i, row in enumerate(rows) if row.value] or [i for i, row in enumerate(rows) if row.label]
    i = shown[int(rng.integers(len(shown)))]
    row, box, unit = rows[i], drawn.boxes[i], rows[i].unit
    value = np.asarray(box.value if row.value else box.label, np.float32)
    if not row.value and rng.random() < IN_VALUES_PLACE:
        value = stretched(np.asarray(box.value, np.float32), -SHORTER * _in_heights(box.value) * rng.random(), 0.0, 0.0)
    clean, printed = drawn.image, None
    energy = row.register is not None and measures(row.register, "active")
    if unit is None and energy and _level(value) and rng.random() < ON_PLATE:
        unit = "kWh"
        clean, printed = _printed(rng, clean, drawn.panel, value, unit)
    spoiled = degrade(rng, clean, min(MOST_SPOILED, sample_strength(rng))) if rng.random() < 0.5 else clean
    value = located(rng, value)
    if rng.random() < FURTHER_LEFT and (further := reaching_left(value)) is not None:
        value = further
    elif box.label is not None and rng.random() < FURTHER_LEFT and _left_of(panel_matrix(value), box.label):
        value = further_left(value)
    panel = _before(rng, spoiled, value, surroundings)
    lit = {plain(mark) for mark in drawn.screen.marks}
    by_form = _told_by_form(row.value or "")
    quads = [(plain(mark), quad) for mark, quad in drawn.marks]
    places = _places(panel_matrix(value), box.label, printed if printed is not None else box.unit, quads)
    seen = [_in_sight(place) for place in places]
    label = _told(_label(row.label or ""), "", seen[0])
    # The unit of a title is a word of it.
    of_value = _told(unit_class(unit or ""), 0, seen[1], A_PART) if row.value else None
    marks = tuple(
        mark in by_form or _told(mark in lit, False, sight) for mark, sight in zip(SCREEN_MARKS, seen[2:], strict=True)
    )
    return Panel(evened(jitter_pixels(rng, panel)), label, NOT_TOLD if of_value is None else of_value, marks, places)


def located(rng: np.random.Generator, value: Corners) -> Corners:
    """The value as the locator may place it: of real digits it gives as little as three quarters of the height."""
    return stretched(shake_corners(rng, value), 0.0, 0.0, float(rng.uniform(*TALLER)) / 2)


def _left_of(matrix: NDArray[np.float64], label: Corners) -> bool:
    """Whether a label is cut off by the left end of the panel."""
    return bool(cv2.perspectiveTransform(np.asarray(label, np.float32)[None], matrix)[0, :, 0].min() < 0)


def _in_heights(value: Corners) -> float:
    """How long a row of digits is, in heights of them."""
    along, tall = sides(np.asarray(value, np.float32))
    return along / max(1.0, tall)


def _level(value: Corners) -> bool:
    along = value[1] - value[0]
    return bool(along[0] > 10 * abs(along[1]))


def _in_sight(place: Corners) -> float:
    """The share of a box (x0, y0, x1, y1) that is on the panel; 1 where it is not known where the box is."""
    if np.isnan(place).any():
        return 1.0
    size = np.array([PANEL_WIDTH, PANEL_HEIGHT], np.float32)
    inside = np.clip(place[2:], 0, size) - np.clip(place[:2], 0, size)
    return float(inside.prod() / max(1e-6, float((place[2:] - place[:2]).prod())))


def _told(what: Told, none: Told, sight: float, gone: float = GONE) -> Told | None:
    """What the network is told of a text of which this share is on the panel: it, that nothing is there, or nothing."""
    return what if sight >= WHOLE else none if sight < gone else None


def _printed(rng: np.random.Generator, image: Image, glass: Rect, value: Corners, unit: str) -> tuple[Image, Corners]:
    """The picture with the unit printed on the plate, right of the glass, below or above its right end, and where."""
    tall = float(np.linalg.norm(value[3] - value[0]))
    stamp = text_stamp(unit, max(6, round(tall * rng.uniform(0.25, 0.5))), int(rng.choice((400, 600))))
    h, w = stamp.shape
    gap = tall * float(rng.uniform(0.1, 0.5))
    if rng.random() < 0.75:
        x, y = glass[2] + gap, float(value[:, 1].mean() - h / 2 + rng.uniform(-0.3, 0.3) * tall)
    else:
        above = glass[1] - h - gap
        x, y = glass[2] - w - gap, above if above > 0 and rng.random() < 0.5 else glass[3] + gap
    room = np.maximum(0, np.ceil([x + w + 3 - image.shape[1], y + h + 3 - image.shape[0]]).astype(int))
    wider = cv2.copyMakeBorder(image, 0, int(room[1]), 0, int(room[0]), cv2.BORDER_REPLICATE)
    plate = np.asarray(wider, np.uint8)
    under = plate[max(0, int(y)) : int(y) + h, int(x) : int(x) + w]
    light = float(rng.uniform(190, 255)) if under.mean() < 110 else float(rng.uniform(10, 70))
    lay(plate, stamp, x, y, (light, light, light))
    return plate, np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)


def _places(
    matrix: NDArray[np.float64], label: Corners | None, unit: Corners | None, marks: Sequence[tuple[str, Corners]]
) -> Corners:
    places = NOWHERE.copy()
    known = {SCREEN_MARKS.index(text): quad for text, quad in marks if text in SCREEN_MARKS}
    for i, quad in ((0, label), (1, unit), *((2 + i, quad) for i, quad in known.items())):
        if quad is not None:
            corners = cv2.perspectiveTransform(np.asarray(quad, np.float32)[None], matrix)[0]
            places[i] = (*corners.min(0), *corners.max(0))
    return places


def sample_real(rng: np.random.Generator, real: RealPanel) -> Panel:
    panel = cut_panel(real.image, located(rng, real.value))
    return Panel(evened(jitter_pixels(rng, panel)), real.label, real.unit, real.marks)


def unit_class(text: str) -> int:
    """The place in SCREEN_UNITS; 0 for none or another."""
    unit = (unit_of(text) or ("",))[0]
    return SCREEN_UNITS.index(unit) if unit in SCREEN_UNITS else 0


def _told_by_form(value: str) -> set[str]:
    """Clocks and dates are told by what stands between their digits, lit mark or not; with dashes it may be either."""
    if "-" in value.strip("-"):
        return {"TIME", "DATE"}
    return {"TIME"} if ":" in value else {"DATE"} if value.count(".") > 1 else set()


def _label(text: str) -> str | None:
    folded = plain(text)
    return folded if all(c in LABEL_CHARACTERS for c in folded) else None


def _before(rng: np.random.Generator, image: Image, value: Corners, surroundings: Sequence[Image]) -> Image:
    """The panel, with a real photo instead of nothing where the drawn picture ends."""
    panel = cut_panel(image, value)
    if not surroundings or rng.random() > BEFORE_REAL:
        return panel
    height, width = image.shape[:2]
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    outline = cv2.perspectiveTransform(corners, panel_matrix(value))
    covered = np.zeros_like(panel)
    cv2.fillPoly(covered, [np.round(outline[0]).astype(np.int32)], (255, 255, 255))
    real = surroundings[int(rng.integers(len(surroundings)))]
    y, x = (int(rng.integers(0, max(1, real.shape[k] - s))) for k, s in ((0, PANEL_HEIGHT), (1, PANEL_WIDTH)))
    part = real[y : y + PANEL_HEIGHT, x : x + PANEL_WIDTH]
    behind = cv2.resize(part, (PANEL_WIDTH, PANEL_HEIGHT)) if part.shape[:2] != (PANEL_HEIGHT, PANEL_WIDTH) else part
    return np.where(covered > 0, panel, behind)
