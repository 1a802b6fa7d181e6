"""Photos come out upright, 8-bit and BGR whatever they were stored as, and no more of them is decoded than needed."""

import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from recognizer.errors import InputError, UsageError
from recognizer.vision.frame import load_frame

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]

ORIENTATION = 0x0112


def difference(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Mean over pixels and channels, in grey levels; infinite for pictures of different sizes."""
    return float(np.abs(a.astype(float) - b.astype(float)).mean()) if a.shape == b.shape else np.inf


def stored_as(upright: Picture, orientation: int) -> Picture:
    """The pixels a camera stores under an EXIF orientation, from the definition: where row 0 and column 0 lie."""
    turned = upright if orientation <= 4 else upright.transpose(1, 0, 2)
    rows_back, columns_back = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    if orientation > 4:  # row 0 of the file is a visual side: left (5, 8) or right (6, 7); column 0 top or bottom
        rows_back, columns_back = orientation in (6, 7), orientation in (7, 8)
        # Rows of the file are visual columns: from the right for 6 and 7; its columns from the bottom for 7 and 8.
    return np.ascontiguousarray(turned[:: -1 if rows_back else 1, :: -1 if columns_back else 1])


@pytest.mark.parametrize(
    ("form", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 90}, 4),
        ("JPEG", {"quality": 95}, 3),
        ("JPEG", {"quality": 95, "progressive": True}, 3),
        ("MPO", {"quality": 95}, 3),
    ],
)
def test_every_format_gives_the_same_picture(
    picture: Picture, encode: Encode, form: str, options: dict[str, Any], tolerance: float
) -> None:
    """Catches swapped channels and formats that are taken for another."""
    frame = load_frame(encode(picture, form, **options))
    assert (frame.width, frame.height) == (240, 160)
    assert frame.pixels.dtype == np.uint8
    assert difference(frame.pixels, picture) <= tolerance


def test_path_text_bytes_and_array_agree(picture: Picture, encode: Encode, tmp_path: Path) -> None:
    data = encode(picture, "PNG")
    path = tmp_path / "photo.jpg"  # the wrong suffix is no fault: the content counts
    path.write_bytes(data)
    for photo in (path, str(path), data, bytearray(data), picture):
        assert difference(load_frame(photo).pixels, picture) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(picture: Picture, encode: Encode, form: str, orientation: int) -> None:
    """Catches mirrored or sideways photos, and a width and height that are not those of the upright picture."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    frame = load_frame(encode(stored_as(picture, orientation), form, exif=exif, quality=95))
    assert (frame.width, frame.height) == (240, 160)
    assert difference(frame.pixels, picture) < 5
    assert frame.preview(60).shape == (40, 60, 3)


def test_stored_as_agrees_with_pillow(picture: Picture) -> None:
    """The helper above is itself checked against an independent reading of the standard."""
    from PIL import ImageOps

    for orientation in range(1, 9):
        stored = Image.fromarray(stored_as(picture, orientation))
        stored.getexif()[ORIENTATION] = orientation
        assert difference(np.asarray(ImageOps.exif_transpose(stored)), picture) == 0


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_photo(picture: Picture, encode: Encode) -> None:
    frame = load_frame(encode(picture, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff", quality=95))
    assert difference(frame.pixels, picture) < 3


def test_stored_modes_become_bgr(picture: Picture, encode: Encode) -> None:
    """Grey, black and white, palette, CMYK and 16 bits per channel, against the conversions worked out here."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    as_bgr = np.repeat(np.asarray(grey)[:, :, None], 3, axis=2)
    rgb = Image.fromarray(np.ascontiguousarray(picture[:, :, ::-1]))
    assert difference(load_frame(encode(grey, "PNG")).pixels, as_bgr) == 0
    assert difference(load_frame(encode(grey, "JPEG", quality=95)).pixels, as_bgr) < 3
    black_white = Image.fromarray(np.asarray(grey) > 128)
    assert set(np.unique(load_frame(encode(black_white, "PNG")).pixels)) == {0, 255}
    assert difference(load_frame(encode(rgb.quantize(64), "PNG")).pixels, picture) < 4
    assert difference(load_frame(encode(rgb.convert("CMYK"), "JPEG", quality=95)).pixels, picture) < 4
    assert difference(load_frame(encode(rgb.convert("CMYK"), "TIFF")).pixels, picture) < 2
    deep_grey = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert difference(load_frame(encode(deep_grey, "PNG")).pixels, as_bgr) == 0
    assert difference(load_frame(encode(deep_grey, "TIFF")).pixels, as_bgr) == 0
    for suffix in (".png", ".tiff"):  # Pillow cannot write colour with 16 bits
        data = cv2.imencode(suffix, picture.astype(np.uint16) * 257)[1].tobytes()
        assert difference(load_frame(data).pixels, picture) <= 1


def test_transparency_is_laid_on_white(encode: Encode) -> None:
    """Catches invisible black digits on a black ground, where the transparent pixels happen to be black."""
    rgba = np.zeros((32, 48, 4), np.uint8)
    rgba[:16, :, 3] = 255
    rgba[:, :24, 3] = np.where(rgba[:, :24, 3] > 0, 128, 0)
    expected = np.full((32, 48, 3), 255, np.uint8)
    expected[:16, 24:] = 0
    expected[:16, :24] = 127
    for form in ("PNG", "WEBP", "TIFF"):
        data = encode(Image.fromarray(rgba), form, lossless=True)
        assert difference(load_frame(data).pixels, expected) < 1, form
    assert difference(load_frame(rgba).pixels, expected) < 1
    assert difference(load_frame(encode(Image.fromarray(rgba).convert("LA"), "PNG")).pixels, expected) < 1
    palette = Image.new("P", (32, 32), 3)
    palette.putpalette([0, 0, 0] * 4)
    assert load_frame(encode(palette, "PNG", transparency=3)).pixels.min() == 255


def test_arrays(picture: Picture) -> None:
    rgb = np.ascontiguousarray(picture[:, :, ::-1])
    assert difference(load_frame(rgb, color="rgb").pixels, picture) == 0
    assert difference(load_frame(picture.astype(np.uint16) * 257).pixels, picture) == 0
    grey = np.ascontiguousarray(picture[:, :, 0])
    for form in (grey, grey[:, :, None], grey.astype(np.uint16) * 257):
        assert difference(load_frame(form).pixels, np.repeat(grey[:, :, None], 3, axis=2)) == 0
    strided = np.ascontiguousarray(picture[::-1])[::-1]
    assert load_frame(strided).pixels.flags.c_contiguous


def test_a_frame_is_its_own(picture: Picture) -> None:
    """Catches a video buffer that is filled anew under a frame, and drawing on a picture that others read."""
    buffer = picture.copy()
    frame = load_frame(buffer)
    buffer[:] = 0
    assert difference(frame.pixels, picture) == 0
    with pytest.raises(ValueError, match="read-only"):
        frame.pixels[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        frame.preview(60)[0, 0] = 0


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_of_many_pictures_the_first_counts(picture: Picture, encode: Encode, form: str) -> None:
    others = [Image.new("RGB", (240, 160), colour) for colour in ("red", "blue")]
    data = encode(picture, form, save_all=True, append_images=others, lossless=True)
    assert difference(load_frame(data).pixels, picture) == 0


def test_heic_is_read_upright(picture: Picture, encode: Encode) -> None:
    heif = pytest.importorskip("pillow_heif", reason="needs the extra heic")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    from io import BytesIO

    file = BytesIO()
    stored = np.ascontiguousarray(stored_as(picture, 6)[:, :, ::-1])
    heif.from_pillow(Image.fromarray(stored)).save(file, quality=90, exif=exif.tobytes())
    frame = load_frame(file.getvalue())
    assert (frame.width, frame.height) == (240, 160)
    assert difference(frame.pixels, picture) < 6


def test_heic_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match=r"pip install 'meter-recognizer\[heic\]'"):
        load_frame(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


def test_previews_of_a_jpeg_spare_the_full_decode(encode: Encode) -> None:
    """Catches a locator that costs as much as decoding everything, and corners that land beside the display."""
    large = np.full((1500, 2001, 3), 90, np.uint8)
    cv2.rectangle(large, (400, 300), (1600, 1200), (250, 250, 250), -1)
    frame = load_frame(encode(large, "JPEG", quality=90))
    for side in (200, 320, 600, 1001):
        preview = frame.preview(side)
        assert max(preview.shape) == side
        xs = np.flatnonzero(preview[preview.shape[0] // 2, :, 0] > 170) * frame.width / preview.shape[1]
        assert abs(xs[0] - 400) <= 2 * 2001 / side
        assert abs(xs[-1] - 1600) <= 2 * 2001 / side
    assert frame.sharpness > 0
    assert 1 not in frame._decoded
    assert frame.preview(5000) is frame.pixels


def test_sharpness_falls_with_blur(picture: Picture, encode: Encode) -> None:
    values = [load_frame(np.asarray(cv2.GaussianBlur(picture, (0, 0), s), np.uint8)).sharpness for s in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 5 * values[-1]


def test_threads_share_a_frame(picture: Picture, encode: Encode) -> None:
    frame = load_frame(encode(picture, "JPEG"))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: frame.pixels, range(32)))
    assert all(result is results[0] for result in results)


def test_the_place_of_a_photo_is_never_logged(
    picture: Picture, encode: Encode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    exif = Image.Exif()
    exif[ORIENTATION] = 1
    exif[0x8825] = {1: "N-marker"}
    for form in ("JPEG", "TIFF", "PNG", "WEBP"):
        data = encode(picture, form, exif=exif.tobytes())
        assert b"N-marker" in data
        caplog.clear()
        _ = load_frame(data).pixels
        assert "N-marker" not in caplog.text


def test_wrong_calls_are_told_from_bad_photos(picture: Picture) -> None:
    with pytest.raises(UsageError, match="color"):
        load_frame(picture, color="hsv")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="NoneType"):
        load_frame(None)  # type: ignore[arg-type]
