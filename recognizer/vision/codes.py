"""Read the QR codes, Data Matrix codes and barcodes of a photo.

One pass of zxing-cpp over the whole photo reads what is printed well. A cheap look (``code_regions``) then says
where else something like a code is, and only there better pictures of it are tried (``code_cuts``). zbar, where it
is installed, looks last. A matrix code corrects its errors and is right when it is read; a barcode is taken only
from the bands of its bars (``code_bars``).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from recognizer.domain.code import Code
from recognizer.vision.code_bars import read_bars
from recognizer.vision.code_cuts import Cut, Grey, alternation, box_cut, matrix_attempts, whole
from recognizer.vision.code_engines import ALL, MATRIX, code_of, corners_of, is_barcode, missing_readers, zbar, zxing
from recognizer.vision.code_regions import Region, code_regions
from recognizer.vision.frame import Frame, Pixels

__all__ = ["Code", "find_codes", "missing_readers"]

MOST_CODES = 32
LEAST_SIDE = 8
SEARCH_SIDE = 1280
"""Long side of the picture that is searched; regions are cut from the full-size photo."""
LAST_SIDE = 2400
"""Long side of the picture that is searched once more when a code is expected."""
REGIONS, LAST_REGIONS = 3, 8
"""How many regions of either sort are tried, seen and guessed each, usually and when a code is expected."""
LIGHT = (0.33, 0.73)
"""Share of light modules in a matrix code: masks and padding keep it near a half; in print paper prevails."""
LEAST_CHANGES = 4.0
"""Changes of light and dark along a row of the smallest matrix code; print of the same size has half as many."""
LONGEST_MATRIX = 3.0
"""A square code seen at a slant is never longer than so many times its height."""


def find_codes(photo: Frame | Pixels, expected: bool = False) -> tuple[Code, ...]:
    """The codes of a photo, largest first, at most 32; empty when there are none that can be read.

    ``photo`` is a Frame, or uint8 pixels (height, width) grey or (height, width, 3) BGR; boxes are in its pixels.
    With ``expected`` more is tried where nothing was found: up to half a second on an ordinary photo.

    Raises nothing but what the decoding of a Frame does (InputError). Threads may call it at the same time.
    """
    grey = _grey(photo.pixels if isinstance(photo, Frame) else photo)
    if grey is None:
        return ()
    full = whole(grey)
    found = _search(full, SEARCH_SIDE, REGIONS)
    if expected and not found:
        # Enlarged up to twice, for regions are told apart by pixels too.
        found = _search(full, min(LAST_SIDE, 2 * max(grey.shape)), LAST_REGIONS, thorough=True)
    return tuple(sorted(_distinct(found), key=_area, reverse=True)[:MOST_CODES])


def _grey(pixels: Any) -> Grey | None:
    """The picture in grey levels; None for what can hold no code by its mere shape."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        return None
    if min(pixels.shape[:2]) < LEAST_SIDE or (pixels.ndim == 3 and pixels.shape[2] != 3):
        return None
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return np.ascontiguousarray(grey)


def _search(full: Cut, side: int, most: int, *, thorough: bool = False) -> list[Code]:
    """Codes seen in the photo at a long side of ``side``; ``most`` as ``REGIONS``."""
    factor = side / max(full.picture.shape)
    reduced = full.scaled(factor) if factor < 1 or thorough else full
    if min(reduced.picture.shape) < LEAST_SIDE:
        return []
    found, located = _first_pass(reduced, thorough)
    matrices = [region for region in located if not region.bars][:most]  # seen and not read, so they cost most
    bars = [region for region in located if region.bars][:MOST_CODES]
    guessed = [
        replace(region, points=reduced.in_photo(region.points).astype(np.float32), located=thorough)
        for region in code_regions(reduced.picture, most)
    ]
    # A located matrix is a better cut than its region; of bars, the region knows the height and the direction.
    for region in (*matrices, *guessed, *bars):
        if not any(_holds(code, region) for code in found):
            found += read_bars(full, region) if region.bars else _read_matrix(full, region)
    return found


def _first_pass(reduced: Cut, thorough: bool) -> tuple[list[Code], list[Region]]:
    """Matrix codes read at once, and regions of what was seen: matrix codes not read, and all barcodes.

    Turned barcodes and light codes on dark plates are left to the regions: to try them here would double the time.
    """
    found, located = [], []
    for seen in zxing(reduced.picture, ALL, try_rotate=thorough, try_invert=thorough, return_errors=True):
        code = code_of(seen, reduced) if seen.valid else None
        bars = is_barcode(seen)
        if code is not None and not bars:
            found.append(code)
        elif code is not None or not bars:
            corners = corners_of(seen, reduced).astype(np.float32)
            if bars or max(np.ptp(corners, 0)) < LONGEST_MATRIX * min(np.ptp(corners, 0)):
                located.append(Region(bars, math.inf, corners, located=True))
    return sorted(found, key=_area)[-MOST_CODES:], located


def _read_matrix(full: Cut, region: Region) -> list[Code]:
    low, high = region.points.min(0), region.points.max(0)
    if not region.located:
        light, changes = alternation(box_cut(full, low, high, 2).picture)
        if not (LIGHT[0] < light < LIGHT[1] and changes >= LEAST_CHANGES):
            return []
    cut = box_cut(full, low, high, 0.3 * float((high - low).max()) + 8)
    for attempt in matrix_attempts(cut):
        seen = [code_of(one, attempt) for one in zxing(attempt.picture, MATRIX)]
        if codes := [code for code in seen if code is not None]:
            return codes
    return zbar(cut, ("QRCode",))


def _area(code: Code) -> float:
    return cv2.contourArea(np.array(code.box, np.float32))


def _holds(code: Code, region: Region) -> bool:
    """Whether the middle of the region lies in the code."""
    x, y = region.points.mean(0).tolist()
    return cv2.pointPolygonTest(np.array(code.box, np.float32), (x, y), False) >= 0


def _distinct(codes: Sequence[Code]) -> list[Code]:
    """Each code once: the first of those that say the same in the same place."""
    kept: list[Code] = []
    for code in codes:
        if not any((k.kind, k.text) == (code.kind, code.text) and _same_place(k, code) for k in kept):
            kept.append(code)
    return kept


def _same_place(a: Code, b: Code) -> bool:
    """Whether the middles are closer than half the diagonal of the larger."""
    first, second = np.array(a.box), np.array(b.box)
    apart = np.hypot(*(first.mean(0) - second.mean(0)))
    return bool(apart <= max(np.hypot(*np.ptp(first, 0)), np.hypot(*np.ptp(second, 0))) / 2)
