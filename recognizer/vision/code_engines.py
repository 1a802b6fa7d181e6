"""The two readers of codes, zxing-cpp and zbar, behind one form: what they see in a cut becomes our Code.

Neither keeps anything between calls, so threads may share this module. zbar is a C library that pyzbar looks for on
import; without it everything else works.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from recognizer.domain.code import Code, Corners
from recognizer.vision.code_cuts import Cut, Grey, ends

WITNESSES = {"Code128": 2, "EAN13": 2, "EAN8": 3, "Code39": 3, "ITF": 3}
"""Barcodes, and how many bands of one have to agree; more where the check digit is weak or missing."""
CHECKED = ("Code128", "EAN13")
"""Barcodes with a check digit and a length that chance does not meet."""
SHORTEST_TEXT = {"ITF": 6, "Code39": 4}
"""Shorter ones are read into print and grilles: these two have no check digit."""
LONGEST_TEXT = 2048
"""The codes of bills and plates hold a tenth of it. What is longer is passed over, for a part would mislead."""

MATRIX = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix])
LINEAR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat[kind] for kind in WITNESSES])
ALL = zxingcpp.BarcodeFormats([*MATRIX, *LINEAR])

_KINDS = {kind: kind for kind in ("QRCode", "DataMatrix", *WITNESSES)} | {
    "QRCodeModel1": "QRCode",
    "QRCodeModel2": "QRCode",
    "Code39Std": "Code39",
    "Code39Ext": "Code39",
    "ITF14": "ITF",
}
_ZBAR_NAMES = {"QRCode": "QRCODE", "Code128": "CODE128", "EAN13": "EAN13"}


def missing_readers() -> tuple[str, ...]:
    """What is not installed and would read a few codes more: for each a sentence that says what to do."""
    return () if _zbar() else ("zbar is not installed: pip install pyzbar, and its library: apt-get install libzbar0",)


def zxing(picture: Grey, formats: zxingcpp.BarcodeFormats, **options: bool) -> list[Any]:
    """What zxing-cpp sees, in its own words; texts without the brackets that it puts around GS1 identifiers."""
    named: dict[str, Any] = {"formats": formats, "text_mode": zxingcpp.TextMode.Plain, **options}
    return list(zxingcpp.read_barcodes(np.ascontiguousarray(picture), **named))


def is_barcode(seen: Any) -> bool:
    return _KINDS.get(seen.format.name) in WITNESSES


def content(seen: Any) -> tuple[str, str] | None:
    """Kind and text of what zxing-cpp saw; None for what is no code of ours, or of a length that none has."""
    kind, text = _KINDS.get(seen.format.name), seen.text
    return (kind, text) if kind and SHORTEST_TEXT.get(kind, 1) <= len(text) <= LONGEST_TEXT else None


def code_of(seen: Any, cut: Cut) -> Code | None:
    """Our code of what zxing-cpp saw in a cut; None as ``content`` says."""
    known = content(seen)
    return Code(*known, seen.bytes, box(corners_of(seen, cut))) if known else None


def corners_of(seen: Any, cut: Cut) -> NDArray[np.float64]:
    """Corners (4x2) in pixels of the photo of what zxing-cpp saw in a cut."""
    place = seen.position
    corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    return cut.in_photo(np.array([(corner.x, corner.y) for corner in corners], np.float64))


def box(corners: NDArray[np.float64]) -> Corners:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return (a, b, c, d)


def zbar(cut: Cut, kinds: Sequence[str]) -> list[Code]:
    """What zbar reads of these kinds; nothing where it is not installed. A barcode counts when several lines read it.

    Corners start at the top left of the cut. Of bars, whose cut is a strip, zbar tells where it looked and not where
    they are: the box is that of the region.
    """
    reader = _zbar()
    if reader is None:
        return []
    symbols = [reader.ZBarSymbol[_ZBAR_NAMES[kind]] for kind in kinds]
    found = []
    for seen in reader.decode(np.ascontiguousarray(cut.picture), symbols=symbols):
        kind = next(kind for kind in kinds if _ZBAR_NAMES[kind] == seen.type)
        text = seen.data.decode("utf-8", "replace")
        if not 1 <= len(text) <= LONGEST_TEXT or seen.quality < WITNESSES.get(kind, 0):
            continue
        left, top = seen.rect.left, seen.rect.top
        right, bottom = left + seen.rect.width, top + seen.rect.height
        if kind in WITNESSES:
            (left, right), (top, bottom) = ends(cut), (0, cut.picture.shape[0])
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        found.append(Code(kind, text, seen.data, box(cut.in_photo(corners))))
    return found


@cache
def _zbar() -> Any:
    """The module ``pyzbar.pyzbar``, or None where it or the library behind it is missing."""
    try:
        from pyzbar import pyzbar
    except (ImportError, OSError):  # the library is loaded on import
        return None
    return pyzbar
