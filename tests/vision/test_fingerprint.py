"""Would catch: a hash that changes when a photo is sent through a messenger, one that takes any photo for any other,
and metadata that is believed, damaged, or looked at further than it should be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from recognizer.domain.photo import PhotoRules
from recognizer.domain.photo_print import PhotoPrint, distance
from recognizer.vision.fingerprint import perceptual_hash
from recognizer.vision.frame import load_frame

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]


def scene(seed: int, width: int = 900, height: int = 700) -> Picture:
    """A blurred field of patches with a dial plate on it: as rich in low frequencies as a photo."""
    chance = np.random.default_rng(seed)
    patches = chance.integers(30, 220, (7, 9, 3)).astype(np.uint8)
    picture = cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.putText(picture, "0123456", (width // 4, height // 2), cv2.FONT_HERSHEY_SIMPLEX, 3, (250, 250, 250), 6)
    return np.asarray(picture, np.uint8)


def hash_of(picture: Picture | bytes) -> str:
    found = load_frame(picture).photo.phash
    assert found is not None
    return found


CHANGES: dict[str, Callable[[Picture], Any]] = {
    "encoded again": lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1),
    "smaller": lambda p: cv2.resize(p, (450, 350), interpolation=cv2.INTER_AREA),
    "brighter": lambda p: np.clip(p * 1.1, 0, 255),
    "darker": lambda p: p * 0.85,
    "cut by two per cent": lambda p: p[7:693, 9:891],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_known_again(change: str) -> None:
    for seed in range(5):
        picture = scene(seed)
        copy = np.ascontiguousarray(CHANGES[change](picture).astype(np.uint8))
        assert distance(hash_of(picture), hash_of(copy)) <= PhotoRules().similar_bits


def test_other_photos_are_not_taken_for_it() -> None:
    hashes = [hash_of(scene(seed)) for seed in range(12)]
    apart = [distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(apart) > PhotoRules().similar_bits
    assert 24 < np.mean(apart) < 40


def test_a_plain_picture_has_no_hash() -> None:
    """Otherwise every photo of a white wall would be a copy of every other."""
    noise = np.random.default_rng(0).normal(0, 4, (400, 500, 3))
    for picture in (np.full((400, 500, 3), 200, np.uint8), np.clip(200 + noise, 0, 255).astype(np.uint8)):
        assert perceptual_hash(picture) is None
        assert load_frame(picture).photo == PhotoPrint()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_what_the_file_tells(picture: Picture, encode: Encode, form: str) -> None:
    exif = Image.Exif()
    exif[0x0131] = "Adobe Photoshop 27.0 (Windows)"
    exif[0x8769] = {0x9003: "2026:10:01 09:30:15", 0x9011: "+02:00"}
    exif[0x8825] = {1: "N"}
    data = encode(picture, form, exif=exif.tobytes())
    photo = load_frame(data).photo
    assert photo.sha256 == sha256(data).hexdigest()
    assert photo.editor == "Adobe Photoshop 27.0 (Windows)"
    assert photo.camera_time == datetime(2026, 10, 1, 9, 30, 15, tzinfo=timezone(timedelta(hours=2)))
    assert load_frame(picture).photo == PhotoPrint(phash=photo.phash if form in ("PNG", "TIFF") else hash_of(picture))


def test_the_place_of_a_photo_is_not_opened(picture: Picture, encode: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    get_ifd = Image.Exif.get_ifd

    def watched(self: Image.Exif, tag: int) -> dict[int, Any]:
        opened.append(tag)
        return get_ifd(self, tag)

    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2026:10:01 09:30:15"}
    exif[0x8825] = {1: "N"}
    data, plain = encode(picture, "JPEG", exif=exif.tobytes()), encode(picture, "JPEG")
    monkeypatch.setattr(Image.Exif, "get_ifd", watched)
    assert load_frame(data).photo.camera_time is not None
    assert opened == [0x8769]
    _ = load_frame(plain).photo
    assert opened == [0x8769]


@pytest.mark.parametrize(
    ("time", "offset", "expected"),
    [
        ("2026:10:01 09:30:15", None, datetime(2026, 10, 1, 9, 30, 15)),
        ("2026:10:01 09:30:15", "Z", datetime(2026, 10, 1, 9, 30, 15, tzinfo=UTC)),
        ("2026:10:01 09:30:15", "   :  ", datetime(2026, 10, 1, 9, 30, 15)),
        ("0000:00:00 00:00:00", None, None),
        ("    :  :     :  :  ", None, None),
        ("yesterday", "+02:00", None),
        ("", None, None),
    ],
)
def test_times_as_cameras_write_them(
    picture: Picture, encode: Encode, time: str, offset: str | None, expected: datetime | None
) -> None:
    exif = Image.Exif()
    exif[0x8769] = {0x9003: time} | ({0x9011: offset} if offset else {})
    photo = load_frame(encode(picture, "JPEG", exif=exif.tobytes())).photo
    assert photo.camera_time == expected
    assert photo.editor is None


@pytest.mark.parametrize("software", ["HDR+ 1.0.540104767zd", "18.7.1", "G991BXXU9", "", "Windows Photo Viewer"])
def test_firmware_and_viewers_are_no_editors(picture: Picture, encode: Encode, software: str) -> None:
    exif = Image.Exif()
    exif[0x0131] = software
    assert load_frame(encode(picture, "JPEG", exif=exif.tobytes())).photo.editor is None


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_says_nothing(picture: Picture, encode: Encode) -> None:
    data = encode(picture, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\xff\xff\xff\xff")
    photo = load_frame(data).photo
    assert (photo.camera_time, photo.editor) == (None, None)
    assert photo.sha256 == sha256(data).hexdigest()
