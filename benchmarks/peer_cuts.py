"""What the peers are given: the photo, the display that we found, and our positions of its digits, as files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.domain.conclude import conclude
from recognizer.domain.observation import Display, Glyph, Observation, Quad
from recognizer.evaluate import Answer
from recognizer.reader import MeterReader
from recognizer.vision.frame import load_frame
from recognizer.vision.rectify import MARGIN_ACROSS, MARGIN_ALONG

Image = NDArray[np.uint8]

HEIGHT = 96
"""Of a cut with its margins, in pixels: twice what PP-OCR works on; Tesseract's letters are then 40 to 60 high."""
LONGEST = 2000


@dataclass(frozen=True)
class Given:
    """Files of one photo for the peers; without a display that we found there are no regions and no digits."""

    whole: Path
    regions: tuple[Path, ...] = ()
    """The straightened display inside its corners, and with the margin that our own reader is given."""
    digits: tuple[Path, ...] = ()


def read_ours(reader: MeterReader, photo: Path) -> tuple[Answer, Display | None, float]:
    """What we make of a photo, the display that the answer comes from, and the CPU seconds it took."""
    begin = time.process_time()
    observation = reader.observe(load_frame(photo))
    report = conclude(observation, source=photo.name, policy=reader.policy)
    seconds = time.process_time() - begin
    box = report.readings[0].box if report.readings else None
    return Answer.of(report), _display(observation, box), seconds


def _display(observation: Observation, box: Quad | None) -> Display | None:
    """The display that was read; the likeliest one where none was, so that peers have a try at it."""
    rows = [display for display in observation.displays if display.dial is None]
    read = [display for display in rows if display.quad == box]
    return max(read or rows, key=lambda display: display.score, default=None)


def write_cuts(photo: Path, display: Display | None, folder: Path) -> Given:
    """The files for one photo in a folder, over those of the photo before."""
    pixels = np.asarray(cv2.imread(str(photo)), np.uint8)
    # Tesseract and ssocr read PNG everywhere, WebP only here and there.
    whole = _write(folder / "whole.png", pixels)
    if display is None:
        return Given(whole)
    strip = straightened(pixels, np.array(display.quad, np.float32))
    regions = (_write(folder / "tight.png", inside(strip)), _write(folder / "margin.png", strip))
    digits = (_write(folder / f"digit-{k}.png", cut) for k, cut in enumerate(digit_cuts(strip, display.glyphs)))
    return Given(whole, regions, tuple(digits))


def straightened(pixels: Image, quad: NDArray[np.float32]) -> Image:
    """The display inside its corners (4x2, reading order) with ``rectify``'s margins, its proportions kept."""
    length = (np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2 / (1 - 2 * MARGIN_ALONG)
    height = (np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2 / (1 - 2 * MARGIN_ACROSS)
    width, tall = max(8, round(float(length))), max(8, round(float(height)))
    x, y = width * MARGIN_ALONG, tall * MARGIN_ACROSS
    target = np.array([[x, y], [width - x, y], [width - x, tall - y], [x, tall - y]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    strip = cv2.warpPerspective(pixels, matrix, (width, tall), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    size = (min(LONGEST, max(8, round(width * HEIGHT / tall))), HEIGHT)
    return np.asarray(
        cv2.resize(strip, size, interpolation=cv2.INTER_AREA if tall > HEIGHT else cv2.INTER_CUBIC), np.uint8
    )


def inside(strip: Image) -> Image:
    """The strip without its margins."""
    height, width = strip.shape[:2]
    across, along = round(height * MARGIN_ACROSS), round(width * MARGIN_ALONG)
    return strip[across : height - across, along : width - along]


def digit_cuts(strip: Image, glyphs: Sequence[Glyph]) -> list[Image]:
    """One picture for each position where a digit stands, from halfway to the one before to halfway to the next."""
    height, width = strip.shape[:2]
    across = round(height * MARGIN_ACROSS)
    cuts: list[Image] = []
    for glyph in glyphs:
        if not glyph.odds or glyph.odds[0][0] == "." or glyph.odds[0][1] <= glyph.absent:
            continue
        start, end = round(glyph.start * width), round(glyph.end * width)
        cuts.append(strip[across : height - across, start : max(end, start + 2)])
    return cuts


def _write(file: Path, picture: Any) -> Path:
    # Not compressed: what it costs to unpack a PNG is no peer's fault.
    cv2.imwrite(str(file), picture, [cv2.IMWRITE_PNG_COMPRESSION, 0])
    return file
