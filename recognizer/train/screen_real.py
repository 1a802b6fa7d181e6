"""Real photos for the screen reader: displays that are off, to be drawn on, and what the truth says beside a value."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recognizer.domain.labels import plain
from recognizer.synth.clip_stage import Ground
from recognizer.train.data import Corners, Example, Image, read_photo
from recognizer.train.screen_panels import NO_MARK_TOLD, NOT_TOLD, RealPanel, unit_class
from recognizer.vision.panel import ABOVE, BELOW, PANEL_WIDTH, beside, sides
from recognizer.vision.screen import LABEL_CHARACTERS, SCREEN_MARKS

LEAST_GROUND = 90
"""Pixels along a display that is off, below which nothing small can be drawn on it."""
BARE = ("fuel-pump-lcd",)
"""Sources whose panels show a value and nothing that the screen reader knows."""
STRIPS, ON_NO_STRIP = "lcd-strips", ("T1", "T2", "T3", "T4", "TIME", "DATE")
"""Source of displays cut out to their digits, and the marks that none of them shows; none has a label either. All 179
that may teach were looked at by eye."""
SEEN_UNITS_CSV = Path(__file__).with_name("seen_units.csv")
"""Units that are wholly seen on some strips, ``none`` where no trace of one is; the others' are cut or blurred."""
_CODE = re.compile(r"(?:\d{1,2}\.){2,3}\d{1,2}|T[1-4]")


def grounds(data_dir: Path, examples: Sequence[Example]) -> list[Ground]:
    """Displays of the photos that are off and large enough, as upright as they were taken."""
    found = []
    for example in examples:
        if example.kind != "lcd" or example.screen != "off" or example.quad is None:
            continue
        if float(np.linalg.norm(example.quad[1] - example.quad[0])) >= LEAST_GROUND:
            found.append(Ground(read_photo(data_dir, example.file), example.quad))
    return found


def real_panels(
    data_dir: Path, examples: Sequence[Example]
) -> tuple[list[RealPanel], list[RealPanel], list[RealPanel]]:
    """Displays with something told beside their value, those cut out to their digits, and those known to be bare."""
    with (data_dir / "photos.csv").open(newline="", encoding="utf-8") as f:
        rows = {row["file"]: row for row in csv.DictReader(f)}
    with SEEN_UNITS_CSV.open(newline="", encoding="utf-8") as f:
        seen_units = {row["file"]: 0 if row["unit"] == "none" else unit_class(row["unit"]) for row in csv.DictReader(f)}
    telling, strips, bare = [], [], []
    for example in examples:
        row = rows[example.file]
        if example.kind != "lcd" or not example.legible or example.quad is None:
            continue
        photo = read_photo(data_dir, example.file)
        if example.source == STRIPS:
            marks = tuple(False if mark in ON_NO_STRIP else None for mark in SCREEN_MARKS)
            unit = seen_units.get(example.file, NOT_TOLD)
            strips.append(RealPanel(photo, example.quad, "", unit, marks))
            continue
        if row["scene"] == "crop":
            continue
        if (example.quad < 0).any() or (example.quad > photo.shape[1::-1]).any():
            continue  # of a display that is cut off no surroundings can be seen
        image, value = _around(photo, example.quad)
        if example.source in BARE:
            bare.append(RealPanel(image, value, "", 0, (False,) * len(SCREEN_MARKS)))
        elif row["unit"] or row["register"]:
            unit = unit_class(row["unit"]) if row["unit"] else NOT_TOLD
            # What else is lit there was not written down.
            telling.append(RealPanel(image, value, _label(row["register"]), unit, NO_MARK_TOLD))
    return telling, strips, bare


def _label(register: str) -> str | None:
    """The code at the beginning of what the truth says of the register; None where it says nothing, or in words."""
    code = _CODE.match(register)
    folded = plain(code[0]) if code else None
    return folded if folded and all(c in LABEL_CHARACTERS for c in folded) else None


def _around(image: Image, value: Corners) -> tuple[Image, Corners]:
    """The photo around the value, no larger than a panel cut needs: thousands of them wait in memory."""
    (along, tall), ends = sides(value), beside(value)
    reach = np.array([(0.2 + ends) * along + tall, (0.4 + max(ABOVE, BELOW)) * tall + 0.2 * along])
    low = np.maximum(0, value.min(0) - reach).astype(int)
    high = np.minimum(image.shape[1::-1], value.max(0) + reach).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    value = (value - low).astype(np.float32)
    step = max(1, int(along * (1 + 2 * ends) / (2 * PANEL_WIDTH)))
    if step > 1:
        return np.ascontiguousarray(part[::step, ::step]), np.asarray(value / step, np.float32)
    return part.copy(), value
