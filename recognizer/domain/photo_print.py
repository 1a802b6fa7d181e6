"""What a photo can be known again by: plain data, like everything that crosses the seam."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from recognizer.errors import UsageError

HASH_BITS = 64


@dataclass(frozen=True, slots=True)
class PhotoPrint:
    """One photo's fingerprint; ``None`` where there is nothing to take it from."""

    sha256: str | None = None
    """Of the encoded bytes, lower-case hexadecimal; an array has none."""
    phash: str | None = None
    """Perceptual hash of 64 bits, 16 hexadecimal digits; a plain picture has none."""
    camera_time: datetime | None = None
    """What the camera wrote as the time of the shot; without a time zone where it named none."""
    editor: str | None = None
    """The program that the file says it was saved by, where that is an editor."""

    def __post_init__(self) -> None:
        for name, digits in (("sha256", 64), ("phash", HASH_BITS // 4)):
            text = getattr(self, name)
            if text is not None and (len(text) != digits or set(text) - set("0123456789abcdef")):
                raise ValueError(f"{name} has {digits} lower-case hexadecimal digits, got {text!r}")

    def to_dict(self) -> dict[str, Any]:
        time = None if self.camera_time is None else self.camera_time.isoformat()
        return {"sha256": self.sha256, "phash": self.phash, "camera_time": time, "editor": self.editor}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PhotoPrint":
        time = data.get("camera_time")
        return cls(
            data.get("sha256"), data.get("phash"), datetime.fromisoformat(time) if time else None, data.get("editor")
        )


@dataclass(frozen=True, slots=True)
class PastPhoto:
    """A photo handed in earlier, of this meter or of another."""

    photo: PhotoPrint
    taken_at: datetime
    """When it was said to be taken."""
    meter: str | None = None
    """Id of the meter it was handed in for; None where none was named."""
    values: tuple[tuple[str, Decimal], ...] = ()
    """(register, value) of what was read in it."""

    def __post_init__(self) -> None:
        if self.taken_at.tzinfo is None:
            raise UsageError(f"taken_at needs a time zone, got {self.taken_at.isoformat()}")


def distance(one: str, other: str) -> int:
    """How many of the 64 bits of two perceptual hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
