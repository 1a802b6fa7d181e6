"""Would catch: codes that are no longer read when turned, tilted, blurred, noisy or light on dark; boxes in the wrong
place; numbers read into noise, grilles and pictures of any shape; barcodes taken on the word of a single scan line."""

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp is not installed")

from recognizer.domain.code import Code  # noqa: E402
from recognizer.vision import code_engines  # noqa: E402
from recognizer.vision.code_bars import Sighting, _agreed  # noqa: E402
from recognizer.vision.code_cuts import Cut  # noqa: E402
from recognizer.vision.codes import find_codes, missing_readers  # noqa: E402
from recognizer.vision.frame import load_frame  # noqa: E402

Picture = NDArray[np.uint8]

TEXTS = {
    "QRCode": "https://qr.example.com/m?s=20624193",
    "DataMatrix": "KAM-12345678-2021",
    "Code128": "SS07307433",
    "Code39": "15824477",
    "ITF": "00123456789012",
    "EAN13": "2000111111112",
    "EAN8": "96385074",
}


def printed(kind: str, text: str, module: int = 4, height: int = 60) -> Picture:
    """The code itself, without a quiet zone, black on white."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat[kind])
    grey = np.array(code.to_image(scale=1, add_quiet_zones=False))
    if kind in ("QRCode", "DataMatrix"):
        return np.asarray(np.kron(grey, np.ones((module, module))), np.uint8)
    return np.asarray(np.kron(grey[:1], np.ones((height, module))), np.uint8)


def plate(
    kind: str, text: str = "", *, turn: float = 0, tilt: float = 0, module: int = 4
) -> tuple[Picture, NDArray[Any]]:
    """A grey plate of 640x480 with the code in its middle, turned by degrees, its far side smaller by ``tilt``.

    With the corners of the code (4x2), from its own top left.
    """
    code = printed(kind, text or TEXTS[kind], module)
    h, w = code.shape
    canvas = np.full((h + 80, w + 120), 225, np.uint8)
    canvas[40 : 40 + h, 60 : 60 + w] = np.where(code > 128, 225, 35)
    a = math.radians(turn)
    rotation = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    half = np.array([w, h]) / 2
    around = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    narrow = around * np.array([[1, 1], [1 - tilt, 1 - tilt], [1 - tilt, 1 - tilt], [1, 1]])
    corners = (narrow @ rotation.T + (320, 240)).astype(np.float32)
    view = cv2.getPerspectiveTransform((around + half + (60, 40)).astype(np.float32), corners)
    picture = cv2.warpPerspective(canvas, view, (640, 480), flags=cv2.INTER_AREA, borderValue=225)
    return np.asarray(picture, np.uint8), corners


def noisy(picture: NDArray[Any], sigma: float) -> Picture:
    noise = np.random.default_rng(1).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def only(picture: Picture, expected: bool = False) -> Code:
    codes = find_codes(picture, expected)
    assert len(codes) == 1, codes
    return codes[0]


@pytest.mark.parametrize("kind", TEXTS)
def test_every_kind_is_read_in_its_place(kind: str) -> None:
    picture, corners = plate(kind)
    code = only(picture)
    assert (code.kind, code.text, code.raw) == (kind, TEXTS[kind], TEXTS[kind].encode())
    assert np.abs(np.array(code.box) - corners).max() < 14


@pytest.mark.parametrize("turn", [30, 90, 180, 250])
@pytest.mark.parametrize("kind", ["QRCode", "DataMatrix", "Code128"])
def test_turned_codes_start_at_their_own_top_left(kind: str, turn: float) -> None:
    picture, corners = plate(kind, turn=turn)
    code = only(picture)
    assert code.text == TEXTS[kind]
    assert np.abs(np.array(code.box) - corners).max() < 18


@pytest.mark.parametrize("kind", ["QRCode", "DataMatrix", "Code128"])
def test_tilted_codes(kind: str) -> None:
    picture, corners = plate(kind, turn=20, tilt=0.3)
    code = only(picture)
    assert code.text == TEXTS[kind]
    assert np.abs(np.array(code.box) - corners).max() < 25


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("QRCode", lambda p: noisy(cv2.GaussianBlur(p, (0, 0), 2.2), 3)),
        ("DataMatrix", lambda p: noisy(cv2.GaussianBlur(p, (0, 0), 2.2), 3)),
        ("Code128", lambda p: noisy(p, 45)),
        ("Code128", lambda p: np.asarray(255 - p, np.uint8)),
        ("Code128", lambda p: noisy(np.asarray(110 + p // 8, np.uint8), 6)),
    ],
    ids=["blurred-qr", "blurred-datamatrix", "noisy-bars", "light-bars", "faint-bars"],
)
def test_better_pictures_read_what_zxing_alone_does_not(kind: str, spoil: Any) -> None:
    picture = spoil(plate(kind, turn=3)[0])
    assert not zxingcpp.read_barcodes(picture)
    assert only(picture).text == TEXTS[kind]


def test_boxes_are_in_pixels_of_the_full_size_photo() -> None:
    small, corners = plate("DataMatrix")
    photo = np.full((2400, 3200, 3), 225, np.uint8)
    photo[1500:1980, 2000:2640] = small[:, :, None]
    code = only(photo)
    assert np.abs(np.array(code.box) - corners - (2000, 1500)).max() < 14
    assert find_codes(load_frame(photo)) == (code,)


def test_barcodes_above_each_other_stay_apart() -> None:
    picture = np.full((480, 640), 225, np.uint8)
    for y, text in ((180, "11112222"), (250, "33334444")):
        bars = printed("Code128", text, 4)
        picture[y : y + 60, 100 : 100 + bars.shape[1]] = bars
    codes = sorted(find_codes(picture), key=lambda code: code.box[0][1])
    assert [code.text for code in codes] == ["11112222", "33334444"]
    assert codes[0].box[2][1] <= codes[1].box[0][1] + 10


def test_a_plate_full_of_barcodes() -> None:
    picture = np.full((500, 1000), 225, np.uint8)
    texts = [f"{i}{i + 1}{i + 2}40719" for i in range(6)]
    for i, text in enumerate(texts):
        bars = printed("Code128", text, 3)
        y, x = 60 + 160 * (i // 2), 80 + 480 * (i % 2)
        picture[y : y + 60, x : x + bars.shape[1]] = bars
    assert sorted(code.text for code in find_codes(picture)) == texts


STRIP = Cut(np.zeros((80, 900), np.uint8), np.eye(3)[:2])


def seen(*numbers: int, left: float = 300, right: float = 600) -> dict[int, Sighting]:
    return {number: Sighting(b"", left, right) for number in numbers}


@pytest.mark.parametrize(
    ("sightings", "texts"),
    [
        ({("Code128", "A"): seen(3)}, []),
        ({("Code128", "A"): seen(3, 6)}, ["A"]),
        ({("ITF", "123456"): seen(3, 6)}, []),
        ({("ITF", "123456"): seen(2, 3, 6)}, ["123456"]),
        ({("Code128", "A"): seen(1, 3, 5, 7), ("Code128", "B"): seen(2, 4, 6)}, []),
        ({("Code128", "A"): seen(1, 3, 5, 7), ("Code128", "B"): seen(4)}, ["A"]),
        ({("Code128", "A"): seen(0, 1, 2), ("Code128", "B"): seen(5, 6, 7)}, ["A", "B"]),
        ({("Code128", "A"): seen(1, 3, 5), ("Code128", "B"): seen(2, 4, 6, left=20, right=250)}, ["A", "B"]),
    ],
    ids=["one", "two", "itf-two", "itf-three", "contradicted", "doubted", "above-each-other", "side-by-side"],
)
def test_bands_are_witnesses(sightings: Any, texts: list[str]) -> None:
    assert [code.text for code in _agreed(sightings, STRIP)] == texts


def test_short_barcodes_without_a_check_digit_are_passed_over() -> None:
    assert find_codes(plate("ITF", "1234")[0], expected=True) == ()
    assert find_codes(plate("Code39", "AB1")[0], expected=True) == ()


def test_number_of_codes_and_length_of_texts_are_bounded() -> None:
    picture = np.full((1240, 1240), 255, np.uint8)
    for i in range(36):
        code = printed("DataMatrix", f"{i:06d}", 6)
        y, x = 40 + 200 * (i // 6), 40 + 200 * (i % 6)
        picture[y : y + code.shape[0], x : x + code.shape[1]] = code
    codes = find_codes(picture)
    assert len(codes) == 32
    assert len({code.text for code in codes}) == 32
    long = printed("QRCode", "7" * 2100, 4)
    assert find_codes(np.pad(long, 40, constant_values=255)) == ()


def test_texts_of_any_bytes() -> None:
    code = only(np.pad(printed("QRCode", bytes(range(128, 256)), 4), 40, constant_values=255))  # type: ignore[arg-type]
    assert code.raw == bytes(range(128, 256))


def grille(height: int, width: int) -> Picture:
    return np.tile(np.where(np.arange(width) % 9 < 4, 40, 200).astype(np.uint8), (height, 1))


@pytest.mark.parametrize("expected", [False, True])
@pytest.mark.parametrize(
    "picture",
    [
        np.full((300, 400), 128, np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8),
        np.kron(np.random.default_rng(0).integers(0, 2, (60, 60)) * 255, np.ones((5, 5))).astype(np.uint8),
        grille(200, 300),
        np.repeat(np.random.default_rng(0).integers(0, 2, (1, 300)) * 255, 120, 0).repeat(2, 1).astype(np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((0, 40), np.uint8),
        np.random.default_rng(0).integers(0, 256, (16, 5000)).astype(np.uint8),
        np.random.default_rng(0).integers(0, 256, (5000, 16, 3)).astype(np.uint8),
    ],
    ids=["blank", "noise", "modules", "grille", "bars", "1x1", "8x8", "empty", "wide", "high"],
)
def test_nothing_is_read_where_nothing_is(picture: Picture, expected: bool) -> None:
    assert find_codes(picture, expected) == ()


@pytest.mark.parametrize(
    "thing", [np.zeros((99, 99)), np.zeros((99, 99, 4), np.uint8), np.zeros(99, np.uint8), "photo", None]
)
def test_what_is_no_picture_holds_no_code(thing: Any) -> None:
    assert find_codes(thing) == ()


def test_views_and_read_only_pictures_are_read_and_left_alone() -> None:
    picture = np.repeat(np.repeat(plate("QRCode")[0], 2, 0), 2, 1)[::2, ::2]
    picture.flags.writeable = False
    before = picture.copy()
    assert only(picture).text == TEXTS["QRCode"]
    assert np.array_equal(picture, before)


def test_without_zbar_all_kinds_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyzbar", None)
    code_engines._zbar.cache_clear()
    try:
        assert "libzbar0" in missing_readers()[0]
        assert [only(plate(kind)[0]).text for kind in ("QRCode", "Code128")] == [TEXTS["QRCode"], TEXTS["Code128"]]
        assert find_codes(noisy(np.full((200, 200), 128, np.uint8), 30), expected=True) == ()
    finally:
        code_engines._zbar.cache_clear()


def test_threads_read_what_one_does() -> None:
    pictures = [plate(kind, turn=7)[0] for kind in TEXTS] + [noisy(plate("Code128")[0], 45)]
    alone = [find_codes(picture) for picture in pictures]
    assert all(alone)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(find_codes, pictures * 2)) == alone * 2


def test_a_code_survives_json() -> None:
    code = Code("QRCode", "ab\x1dc", b"ab\x1dc", ((1.5, 2.0), (3.0, 2.0), (3.0, 4.0), (1.5, 4.0)))
    assert Code.from_dict(code.to_dict()) == code
    with pytest.raises(ValueError, match="a kind and a text"):
        Code("QRCode", "", b"", code.box)
