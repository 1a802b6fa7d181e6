"""Real photos with truth: ``photos.csv`` joined with the corners that this project found for them.

``corners.csv`` beside this file holds, per photo, the display's corners in reading order and the text that
stands on it, where the data itself gives only a loose box or a value without its leading zeros. It is written
by ``recognizer.train.corners`` and holds numbers only, never a picture.
"""

import csv
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.errors import InputError

Image = NDArray[np.uint8]
Corners = NDArray[np.float32]
TIGHT_BOXES = {"cesc-electricity"}
"""Sources whose boxes lie close around a level row of digits. Of illegible displays any box will do."""
CORNERS_CSV = Path(__file__).with_name("corners.csv")
WRONG_TRUTHS_CSV = Path(__file__).with_name("wrong_truths.csv")
"""Truths of training photos found wrong, or unknown, by eye, with what is seen: they teach and calibrate nothing."""

SEEN_TEXTS_CSV = Path(__file__).with_name("seen_texts.csv")
"""What held-back fuel pumps show, whose truths are whole litres: read by eye from 90 crops, no network's answer in
sight. The 19 others are hidden in part. All 71 agree with the litres."""


@dataclass(frozen=True)
class Example:
    """One photo: its display's kind and corners (4x2, reading order; None: not known) and possible texts."""

    file: str
    source: str
    split: str
    kind: str
    screen: str
    legible: bool
    quad: Corners | None
    texts: tuple[str, ...]
    """Texts the display may show, given the truth; several where the truth leaves zeros or wheels open."""
    box: tuple[float, float, float, float] | None = None


def load_examples(data_dir: Path, split: str | None = None, corners_csv: Path | None = CORNERS_CSV) -> list[Example]:
    """All photos of ``photos.csv`` (of one split) with what is known of their display.

    Raises:
        InputError: ``data_dir`` holds no ``photos.csv``.
    """
    table = data_dir / "photos.csv"
    if not table.is_file():
        raise InputError(f"no photos.csv in {data_dir}: training needs the folder of labelled photos")
    known = _load_corners(corners_csv)
    wrong = wrong_truths()
    examples = []
    with table.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            if split is not None and row["split"] != split:
                continue
            box = tuple(float(v) for v in row["reading_box"].split()) if row["reading_box"] else None
            quad, text = known.get(row["file"], (None, ""))
            options = possible_texts(row["source"], row["display"], row["reading"])
            if quad is None:
                quad = _given_quad(row)
            examples.append(
                Example(
                    file=row["file"],
                    source=row["source"],
                    split=row["split"],
                    kind="drum" if row["display"] == "drum" else "lcd",
                    screen=row["screen"],
                    legible=row["legible"] == "1",
                    quad=quad,
                    texts=() if row["file"] in wrong else (text,) if text else options,
                    box=box if box is not None and len(box) == 4 else None,
                )
            )
    return examples


def wrong_truths() -> frozenset[str]:
    """Files of WRONG_TRUTHS_CSV."""
    with WRONG_TRUTHS_CSV.open(newline="", encoding="utf-8") as f:
        return frozenset(row["file"] for row in csv.DictReader(f))


def seen_texts() -> dict[str, str]:
    """Texts of SEEN_TEXTS_CSV by file."""
    with SEEN_TEXTS_CSV.open(newline="", encoding="utf-8") as f:
        return {row["file"]: row["text"] for row in csv.DictReader(f)}


def _load_corners(path: Path | None) -> dict[str, tuple[Corners, str]]:
    if path is None or not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as f:
        return {
            r["file"]: (np.array(r["quad"].split(), np.float32).reshape(4, 2), r["text"]) for r in csv.DictReader(f)
        }


def _given_quad(row: dict[str, str]) -> Corners | None:
    """Corners that the data itself holds: a quad, or a line through boxes of single digits."""
    if row["reading_quad"]:
        return np.array(row["reading_quad"].split(), np.float32).reshape(4, 2)
    if row["digit_boxes"]:
        boxes = np.array([b.split()[1:] for b in row["digit_boxes"].split(";")], np.float32)
        if len(boxes) >= 3:
            return _quad_through(boxes)
    if row["reading_box"] and (row["source"] in TIGHT_BOXES or row["legible"] == "0"):
        x0, y0, x1, y1 = (float(v) for v in row["reading_box"].split())
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    return None


def _quad_through(boxes: NDArray[np.float32]) -> Corners:
    """The tilted window around digits that stand in a row, given each digit's upright box.

    A little wider than the digits, as the windows of other sources are: a cut digit is worse than some frame.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    slope, start = np.polyfit(centres[:, 0], centres[:, 1], 1)
    along = np.array([1.0, slope]) / np.hypot(1.0, slope)
    across = np.array([-along[1], along[0]])
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    half_h = 1.15 * float(np.median(heights)) / 2
    left = np.array([centres[0, 0], slope * centres[0, 0] + start]) - along * 0.75 * np.median(widths)
    right = np.array([centres[-1, 0], slope * centres[-1, 0] + start]) + along * 0.75 * np.median(widths)
    return np.array(
        [left - across * half_h, right - across * half_h, right + across * half_h, left + across * half_h], np.float32
    )


def held_back(example: Example) -> bool:
    """A tenth of the training photos of sources without a validation split: no network trains on them."""
    if example.source in ("bdci-water", "toloka-water") or example.split != "train":
        return False
    return zlib.crc32(example.file.encode()) % 10 == 0


def possible_texts(source: str, display: str, reading: str) -> tuple[str, ...]:
    """Texts a display may show when the data states ``reading``; empty when it says nothing usable.

    toloka-water lost zeros at both ends; dss188 and the drums of cesc left out some tenths wheels; thai gives
    digits without a point; fuel-pump gives whole litres, perhaps rounded up, of one or two decimals.
    """
    text = reading.replace(",", ".")
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        return ()
    rule = _TEXT_RULES.get((source, display))
    return rule(text) if rule else (text,)


def _toloka(text: str) -> tuple[str, ...]:
    whole, _, part = text.partition(".")
    whole = whole.lstrip("0")
    part = part.rstrip("0")
    options = []
    for digits in (5, 4, 6, 8):
        if len(whole) <= digits:
            options += [f"{whole.zfill(digits)}.{part.ljust(d, '0')}" for d in (3, 2, 1, 4) if len(part) <= d]
            if not part:
                options.append(whole.zfill(digits))
    return tuple(options)


def _tenths_open(text: str) -> tuple[str, ...]:
    return (text,) if "." in text else tuple(f"{text}.{d}" for d in range(10))


def _thai(text: str) -> tuple[str, ...]:
    return (text, f"{text[:-1]}.{text[-1]}")


def _fuel_pump(text: str) -> tuple[str, ...]:
    litres = [n for n in (int(text), int(text) - 1) if n >= 0]
    return tuple(f"{n}.{d:0{places}d}" for places in (2, 1) for n in litres for d in range(10**places))


_TEXT_RULES: dict[tuple[str, str], Callable[[str], tuple[str, ...]]] = {
    ("toloka-water", "drum"): _toloka,
    ("dss188-electricity", "drum"): _tenths_open,
    ("cesc-electricity", "drum"): lambda text: (*_tenths_open(text), text),
    ("thai-electricity", "drum"): _thai,
    ("fuel-pump-lcd", "lcd"): _fuel_pump,
}


def read_photo(data_dir: Path, file: str) -> Image:
    """The stored photo as BGR; the photos of the data folder are upright already."""
    image = cv2.imread(str(data_dir / file), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{data_dir / file} cannot be decoded")
    return np.asarray(image, np.uint8)
