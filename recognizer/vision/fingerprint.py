"""What tells one photo from another and an untouched one from an edited one: checksum, perceptual hash, camera's note.

Of the EXIF block only the time of the shot with its offset and the name of the software are looked at, and they go
nowhere but into the PhotoPrint. The place of the photo (GPS) is never opened.
"""

import hashlib
from datetime import datetime
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognizer.domain.photo_print import PhotoPrint

EDITORS = (
    ("photoshop", "lightroom", "adobe", "gimp", "snapseed", "affinity", "pixelmator", "picsart", "facetune", "canva")
    + ("paint.net", "paintshop", "corel", "luminar", "photopea", "pixlr", "polarr", "vsco", "meitu", "darktable")
    + ("photodirector", "photoscape", "krita", "capture one", "acdsee", "photolab", "skylum", "remini", "fotor")
)
"""Programs that change what a picture shows. Firmware of cameras and mere viewers are not among them."""

HASH_SIDE = 32
FLAT = 0.2
"""Grey levels: spread of the low frequencies; photos of meters have 0.5 to 3.5, plain walls with noise 0.02."""

_EXIF_IFD, _SOFTWARE, _TIME_ORIGINAL, _OFFSET_ORIGINAL = 0x8769, 0x0131, 0x9003, 0x9011


def print_of_file(data: bytes, image: Image.Image) -> PhotoPrint:
    """What the encoded file tells: the SHA-256 of its bytes, and of its EXIF block the time and an editor's name.

    ``image`` is the picture opened from ``data``. Damaged EXIF says nothing and costs nothing.
    """
    time, editor = None, None
    try:
        exif = image.getexif()
        editor = _editor(exif.get(_SOFTWARE))
        if _EXIF_IFD in exif:
            camera = exif.get_ifd(_EXIF_IFD)
            time = _time(camera.get(_TIME_ORIGINAL), camera.get(_OFFSET_ORIGINAL))
    except Exception:  # noqa: S110  a damaged EXIF block raises anything, and must not cost the photo
        pass
    return PhotoPrint(sha256=hashlib.sha256(data).hexdigest(), camera_time=time, editor=editor)


def perceptual_hash(picture: NDArray[np.uint8]) -> str | None:
    """64-bit hash of a (height, width, 3) BGR or (height, width) grey picture as 16 hexadecimal digits.

    Signs of the 8 x 8 lowest frequencies but the mean, against their median, of the picture at 32 x 32 grey pixels
    (DCT hash: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2).
    It outlives re-encoding, resizing and a change of brightness. None for a picture without anything in it.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    small = cv2.resize(grey, (HASH_SIDE, HASH_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[1:9, 1:9].ravel() / HASH_SIDE
    if float(low.std()) < FLAT:
        return None
    return np.packbits(low > np.median(low)).tobytes().hex()


def _time(time: Any, offset: Any) -> datetime | None:
    """EXIF times are ``2026:10:01 09:30:00``, their offset ``+02:00`` and often missing (CIPA DC-008, 4.6.5)."""
    try:
        date, clock = str(time).strip("\0 ").split(" ")
        text = date.replace(":", "-") + "T" + clock
    except ValueError:
        return None
    for zone in (str(offset or "").strip("\0 "), ""):
        try:
            return datetime.fromisoformat(text + zone)
        except ValueError:
            continue
    return None


def _editor(software: Any) -> str | None:
    name = " ".join(str(software or "").split()).strip("\0")[:80]
    return name if any(editor in name.lower() for editor in EDITORS) else None
