"""One photo, checked before it is decoded and handed on upright as 8-bit BGR.

Sizes are checked on the encoded header, before any decoder allocates for them: a PNG of 100 kB may claim
gigabytes. Of the metadata the EXIF orientation is read, and by ``vision.fingerprint`` the time of the shot and an
editor's name, which serve only to tell whether the photo is what it is said to be. Its place is never looked at.
"""

import logging
import math
import os
import stat
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from recognizer.domain.photo_print import PhotoPrint
from recognizer.errors import InputError, UsageError
from recognizer.vision.fingerprint import perceptual_hash, print_of_file
from recognizer.vision.pixels import Color, Pixels, exif_orientation, from_array, from_image, from_jpeg, sealed

__all__ = ["Color", "Frame", "Limits", "Photo", "Pixels", "load_frame"]

Photo = str | Path | bytes | NDArray[np.uint8] | NDArray[np.uint16]

SHARPNESS_SIDE = 480
"""Long side at which sharpness is measured: an eighth of a 12-megapixel photo, the cheapest JPEG decode."""

HASHED_SIDE = 256
"""Long side of the preview that the perceptual hash is taken of."""

MAX_SCANS = 200
"""A progressive JPEG has about ten scans; each of thousands of tiny ones would cost a pass over the picture."""

MAX_SEGMENTS = 10_000
"""Header segments of a JPEG: a few dozen in practice, some hundred with a large colour profile."""

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

# At level DEBUG Pillow logs every EXIF tag it meets, the place of the photo included.
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused before decoding: sizes in bytes of the encoded photo, and in pixels."""

    max_bytes: int = 64 * 2**20
    max_pixels: int = 100_000_000
    max_side: int = 20_000
    min_side: int = 16


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Frame:
    """One upright photo; ``width`` and ``height`` are those of the full-size picture.

    Decoding a JPEG waits until pixels are asked for, and is kept. Safe to share between threads.
    """

    width: int
    height: int
    _name: str = field(repr=False)
    _decoded: dict[int, Pixels] = field(repr=False)
    """Pictures by reduction (1, 2, 4, 8); anything but a JPEG is there in full from the start."""
    _jpeg: bytes | None = field(default=None, repr=False)
    _orientation: int = field(default=1, repr=False)
    _file: PhotoPrint = field(default=PhotoPrint(), repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def pixels(self) -> Pixels:
        """The full-size picture. Raises InputError when the coded data turns out to be damaged."""
        return self._reduced(1)

    def preview(self, max_side: int) -> Pixels:
        """The picture with its long side at ``max_side`` pixels, never enlarged.

        Much cheaper than ``pixels`` for a JPEG, which is decoded at a half, a quarter or an eighth.
        A point (x, y) of the preview is (x * width / preview width, y * height / preview height) of the photo.
        """
        long_side = max(self.width, self.height)
        if max_side >= long_side:
            return self.pixels
        reduction = 1
        while self._jpeg is not None and reduction < 8 and math.ceil(long_side / (2 * reduction)) >= max_side:
            reduction *= 2
        scale = max_side / long_side
        size = (max(1, round(self.width * scale)), max(1, round(self.height * scale)))
        return sealed(cv2.resize(self._reduced(reduction), size, interpolation=cv2.INTER_AREA))

    @property
    def sharpness(self) -> float:
        """Variance of the Laplacian (grey levels squared) of the grey preview with a long side of at most 480.

        It ranks photos of one scene; between scenes it says little, since a plain scene has few edges.
        """
        grey = cv2.cvtColor(self.preview(SHARPNESS_SIDE), cv2.COLOR_BGR2GRAY)
        return float(cv2.Laplacian(grey, cv2.CV_32F).var())

    @property
    def photo(self) -> PhotoPrint:
        """What the photo can be known again by; an array has no checksum and no note of the camera."""
        return replace(self._file, phash=perceptual_hash(self.preview(HASHED_SIDE)))

    def _reduced(self, reduction: int) -> Pixels:
        with self._lock:
            picture = self._decoded.get(reduction)
            if picture is None:
                assert self._jpeg is not None
                picture = from_jpeg(self._jpeg, reduction, self._orientation)
                size = (math.ceil(self.height / reduction), math.ceil(self.width / reduction), 3)
                if picture is None or picture.shape != size:
                    raise InputError(f"{self._name}: the picture is damaged and cannot be decoded")
                self._decoded[reduction] = picture
        return picture


def load_frame(photo: Photo, *, color: Color = "bgr", limits: Limits = DEFAULT_LIMITS) -> Frame:
    """Check a photo and make a Frame of it.

    ``photo`` is a path, the encoded bytes of a JPEG, PNG, WebP, BMP, TIFF or (extra ``heic``) HEIC picture, or an
    array: uint8 or uint16, (height, width) grey, or (height, width, 1 | 3 | 4) with channels in the order that
    ``color`` says and alpha last. Transparency is laid on white; of an animation or a TIFF the first picture counts.

    Raises InputError when the photo cannot be used, UsageError when the call is wrong.
    """
    if color not in ("bgr", "rgb"):
        raise UsageError(f"color is 'bgr' or 'rgb', got {color!r}")
    if isinstance(photo, np.ndarray):
        return _from_array(photo, color, limits)
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(photo), "the photo", limits)
    if isinstance(photo, (str, Path)):
        return _from_bytes(_read(Path(photo), limits), str(photo), limits)
    raise UsageError(f"a photo is a path, bytes or a numpy array, got {type(photo).__name__}")


def _read(path: Path, limits: Limits) -> bytes:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{path}: is a folder, not a photo")
        if not stat.S_ISREG(mode):  # a pipe would block, a device never end
            raise InputError(f"{path}: is not a regular file")
        with open(path, "rb") as file:
            return file.read(limits.max_bytes + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read the file") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise InputError(f"{str(path)!r}: cannot be read ({error})") from error


def _from_bytes(data: bytes, name: str, limits: Limits) -> Frame:
    if not data:
        raise InputError(f"{name}: is empty")
    if len(data) > limits.max_bytes:
        raise InputError(f"{name}: is larger than {limits.max_bytes / 2**20:.0f} MiB")
    try:
        image = _open(data, name)
        width, height = image.size
        _check_size(width, height, name, limits)
        if image.mode == "F":
            raise InputError(f"{name}: has floating-point pixels; save it with 8 or 16 bits")
        if image.format in ("JPEG", "MPO") and image.mode != "CMYK":
            orientation = exif_orientation(image)
            if orientation >= 5:
                width, height = height, width
            return Frame(width, height, name, {}, data, orientation, print_of_file(data, image))
        pixels = from_image(image)
        file = print_of_file(data, image)  # after the decoding: a PNG's EXIF block may follow its pixels
    except InputError:
        raise
    except Exception as error:
        # Decoders raise whatever they come across in damaged data; to the caller all of it is a bad photo.
        what = "truncated" if "truncated" in str(error) else "damaged"
        raise InputError(f"{name}: the picture is {what} and cannot be decoded") from error
    return Frame(pixels.shape[1], pixels.shape[0], name, {1: pixels}, _file=file)


def _from_array(array: NDArray[Any], color: Color, limits: Limits) -> Frame:
    name = "the array"
    if array.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{name}: pixels are uint8 or uint16, got {array.dtype}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise InputError(f"{name}: its shape is (height, width) or (height, width, 1 | 3 | 4), got {array.shape}")
    _check_size(array.shape[1], array.shape[0], name, limits)
    pixels = from_array(array, color)
    return Frame(pixels.shape[1], pixels.shape[0], name, {1: pixels})


def _open(data: bytes, name: str) -> ImageFile.ImageFile:
    """Parse the header only. Plugins are called by name: ``Image.open`` has a size limit and warnings of its own."""
    file = BytesIO(data)
    if data.startswith(b"\xff\xd8\xff"):
        _check_jpeg(data, name)
        return jpeg_factory(file)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImageFile(file)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImageFile(file)
    if data.startswith(b"BM"):
        return BmpImageFile(file)
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return TiffImageFile(file)
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        try:
            from pillow_heif import HeifImageFile
        except ImportError:
            raise InputError(
                f"{name}: HEIC pictures need an extra package: pip install 'meter-recognizer[heic]'"
            ) from None
        heif: ImageFile.ImageFile = HeifImageFile(file)  # type: ignore[no-untyped-call]
        return heif
    if data.startswith(b"GIF8"):
        raise InputError(f"{name}: GIF pictures are not supported; give a JPEG or PNG")
    raise InputError(f"{name}: is not a JPEG, PNG, WebP, BMP, TIFF or HEIC picture")


def _check_size(width: int, height: int, name: str, limits: Limits) -> None:
    size = f"{name}: {width}x{height} pixels is too"
    if min(width, height) < limits.min_side:
        raise InputError(f"{size} small, a side has at least {limits.min_side}")
    if max(width, height) > limits.max_side:
        raise InputError(f"{size} large, a side has at most {limits.max_side}")
    if width * height > limits.max_pixels:
        raise InputError(f"{size} large, at most {limits.max_pixels / 1e6:g} million pixels are read")


def _check_jpeg(data: bytes, name: str) -> None:
    """Find a missing end without decoding: in coded data FF D9 is only ever the end, and FF DA starts a scan.

    The search starts at the first scan, behind the metadata, whose thumbnail has an end of its own.
    """
    at = 2
    for _ in range(MAX_SEGMENTS):
        if data[at : at + 1] != b"\xff" or data[at + 1 : at + 2] == b"\xda":
            break
        padding = data[at + 1 : at + 2] == b"\xff"
        at += 1 if padding else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    else:
        raise InputError(f"{name}: the picture has more than {MAX_SEGMENTS} header segments")
    if data.find(b"\xff\xd9", at) < 0:
        raise InputError(f"{name}: the picture is truncated, its end is missing")
    if data.count(b"\xff\xda", at) > MAX_SCANS:
        raise InputError(f"{name}: the picture has more than {MAX_SCANS} scans, which no camera makes")
