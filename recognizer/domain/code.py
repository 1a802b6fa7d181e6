"""A printed code that was read in a photo: plain data, like everything that crosses the seam."""

from dataclasses import dataclass
from typing import Any

Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Code:
    """One QR code, Data Matrix or barcode.

    ``text`` is what a stranger printed: of any content, control characters included, so it is never a command,
    a path or a query by itself.
    """

    kind: str
    """The symbology under zxing's name: QRCode, DataMatrix, Code128, Code39, ITF, EAN13 or EAN8."""
    text: str
    raw: bytes
    """The bytes behind ``text``, for texts whose encoding the code does not state (bills in cp1251 or KOI8-R)."""
    box: Corners
    """Corners from the code's own top left onwards, clockwise when not mirrored, in pixels of the upright photo."""

    def __post_init__(self) -> None:
        if not self.kind or not self.text:
            raise ValueError(f"a code has a kind and a text, got {self.kind!r} and {self.text!r}")
        if len(self.box) != 4:
            raise ValueError(f"a box has four corners, got {self.box!r}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; the bytes as hexadecimal digits."""
        box = [[round(x, 1), round(y, 1)] for x, y in self.box]
        return {"kind": self.kind, "text": self.text, "raw": self.raw.hex(), "box": box}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Code":
        """Rebuild a code from ``to_dict`` output, corners to a tenth of a pixel; ``raw`` may be missing."""
        a, b, c, d = ((float(x), float(y)) for x, y in data["box"])
        return cls(data["kind"], data["text"], bytes.fromhex(data.get("raw", "")), (a, b, c, d))
