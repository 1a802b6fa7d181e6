"""From whatever a picture is stored as to upright 8-bit BGR."""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

Pixels = NDArray[np.uint8]
"""(height, width, 3), BGR, not writable: copy before drawing on it."""

Color = Literal["bgr", "rgb"]

_BAND = 512  # rows converted at a time, so that a large photo never stands in memory in three forms

_JPEG_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def from_jpeg(data: bytes, reduction: int, orientation: int) -> Pixels | None:
    """Decode a grey or colour JPEG at 1, 1/2, 1/4 or 1/8 of its size; None when its data is damaged.

    ``orientation`` is EXIF's; it is applied here because OpenCV's own reading of it may differ from Pillow's.
    """
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), _JPEG_FLAGS[reduction] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if picture is None else sealed(_upright(picture, orientation))


def from_image(image: ImageFile.ImageFile) -> Pixels:
    """Decode an opened Pillow image of any mode; raises whatever Pillow raises on damaged data."""
    image.load()
    orientation = exif_orientation(image)  # after load: the TIFF and HEIC plugins turn the picture themselves
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _BAND):
        bottom = min(top + _BAND, image.height)
        pixels[top:bottom] = _band(image.crop((0, top, image.width, bottom)))
    return sealed(_upright(pixels, orientation))


def from_array(array: NDArray[Any], color: Color) -> Pixels:
    """8-bit BGR copy of a (h, w) or (h, w, 3 | 4) array of 8 or 16 bits; alpha comes last and is laid on white."""
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    if array.ndim == 2:
        return sealed(np.repeat(array[:, :, None], 3, axis=2))
    picture = array[:, :, :3] if color == "bgr" else array[:, :, 2::-1]
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.uint16)
        picture = (picture * alpha + (255 - alpha) * 255 + 127) // 255
    return sealed(np.array(picture, np.uint8, order="C"))


def exif_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) to 8."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # a damaged EXIF block raises anything, and must not cost the photo
        return 1
    return value if value in range(1, 9) else 1


def sealed(picture: Any) -> Pixels:
    """The same array, not writable: a frame is shared between threads."""
    picture.flags.writeable = False
    return picture  # type: ignore[no-any-return]


def _band(band: Image.Image) -> Pixels:
    if band.mode.startswith("I"):  # 16-bit grey, in some files held as 32-bit integers
        return from_array(np.clip(np.asarray(band), 0, 65535).astype(np.uint16), "rgb")
    transparent = band.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in band.info
    return from_array(np.asarray(band.convert("RGBA" if transparent else "RGB")), "rgb")


def _upright(picture: Any, orientation: int) -> Any:
    """Apply the EXIF orientation (CIPA DC-008): 2 and 4 mirrored, 3, 6 and 8 turned, 5 and 7 both."""
    if orientation >= 5:
        picture = cv2.transpose(picture)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return picture if flip is None else cv2.flip(picture, flip)
