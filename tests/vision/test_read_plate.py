"""Would catch: lines of print that are not found on a turned or far plate, boxes that lie elsewhere, a number that
readings differ on given as read, and a Tesseract that is missing, broken or hanging that breaks a reading."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognizer.domain.meter import Known, Meter
from recognizer.domain.observation import Display
from recognizer.domain.plate import identities
from recognizer.reader import MeterReader
from recognizer.vision import plate, tesseract
from recognizer.vision.frame import load_frame
from recognizer.vision.plate import read_plate
from recognizer.vision.plate_lines import find_lines

SAMPLE = Path(__file__).parents[2] / "samples" / "02-drum-red-decimals.jpg"
SERIAL = "71904263"
needs_tesseract = pytest.mark.skipif(tesseract.missing_reader() is not None, reason="Tesseract is not installed")
pytest.importorskip("pytesseract", reason="pytesseract is not installed")


def drawn(degrees: float = 0.0, dark: bool = False) -> tuple[Any, Display]:
    """A plate with a display, a labelled serial beside bars, and a constant; turned about the middle."""
    picture: Any = np.full((700, 900, 3), 215, np.uint8)
    cv2.rectangle(picture, (250, 180), (610, 280), (60, 60, 60), -1)
    cv2.putText(picture, f"No. {SERIAL}", (250, 400), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (25, 25, 25), 4, cv2.LINE_AA)
    for i, width in enumerate((3, 6, 3, 3, 9, 3, 6, 6, 3, 9, 3, 3, 6)):
        cv2.rectangle(picture, (630 + 12 * i, 365), (630 + 12 * i + width // 2, 400), (25, 25, 25), -1)
    cv2.putText(picture, "1600 imp/kWh", (250, 480), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (25, 25, 25), 2, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((450, 350), degrees, 1.0)
    if dark:
        picture = 255 - picture
    picture = cv2.warpAffine(picture, turn, (900, 700), borderMode=cv2.BORDER_REPLICATE)
    corners = np.array([(250, 180, 1), (610, 180, 1), (610, 280, 1), (250, 280, 1)]) @ turn.T
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return picture, Display("lcd", (a, b, c, d), 0.9, 0.9)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """What is installed is asked once a process."""
    yield
    tesseract._installed.cache_clear()


@pytest.fixture(scope="module")
def reader() -> MeterReader:
    return MeterReader()


def pretend(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Put a program of ours in Tesseract's place; it answers what languages it has before the script is run."""
    program = folder / "tesseract"
    program.write_text(f'#!/bin/sh\n[ "$1" = --list-langs ] && echo eng && exit\n{script}\n')
    program.chmod(0o755)
    import pytesseract

    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", str(program))
    tesseract._installed.cache_clear()


@pytest.mark.parametrize("dark", [False, True])
def test_lines_of_print_are_found_and_bars_are_not(dark: bool) -> None:
    picture, _ = drawn(dark=dark)
    lines = find_lines(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8), 10)
    serial = next(line for line in lines if abs(line.y(line.left) - 383) < 8)
    assert serial.light == dark
    assert serial.left < 370  # the digits at the least, the label stands apart
    assert 520 < serial.right < 625
    assert 26 < serial.height < 42
    assert find_lines(np.full((300, 400), 128, np.uint8), 10) == []
    assert find_lines(np.zeros((3, 3), np.uint8), 10) == []


def test_noise_takes_no_time() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600), np.uint8)
    begin = time.perf_counter()
    assert len(find_lines(np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8), 24)) <= 24
    assert time.perf_counter() - begin < 3


@needs_tesseract
@pytest.mark.parametrize("degrees", [25.0, 180.0])
def test_the_serial_is_read_at_any_angle(degrees: float) -> None:
    picture, display = drawn(degrees)
    texts, why_not = read_plate(load_frame(picture), [display])
    assert why_not is None
    best = [i for i in identities(texts, [display]) if i.serial == SERIAL]
    assert [i.witness for i in best] == ["printed"]
    box = np.array(next(text.box for text in texts if SERIAL in text.text))
    turn = cv2.getRotationMatrix2D((450, 350), degrees, 1.0)
    x, y = turn @ (440, 383, 1)
    assert cv2.pointPolygonTest(box.astype(np.float32), (float(x), float(y)), False) > 0
    along = box[1] - box[0]
    assert np.hypot(*along) > 200
    assert np.degrees(np.arctan2(-along[1], along[0])) % 360 == pytest.approx(degrees % 360, abs=3)


@pytest.mark.parametrize(
    ("readings", "texts"),
    [
        ((["No.1234567"], ["№", "1234567"], ["'1234567."], ["1234567"]), [("No.1234567", 0.97)]),
        ((["1234567"], ["1234567", "2016"], ["1234561"], ["1234567"]), [("1234567", 0.5), ("1234561", 0.3)]),
        ((["1234567"], [], ["7654321"], []), [("1234567", 0.3), ("7654321", 0.3)]),
        ((["kWh"], ["kWh"], ["kwh."], ["kWh"]), [("kWh", 0.97)]),
        (([], [], [], []), []),
    ],
)
def test_what_readings_agree_on_is_sure(readings: Sequence[Sequence[str]], texts: list[tuple[str, float]]) -> None:
    assert plate._agreed(readings) == texts


def test_without_tesseract_a_reading_says_so(reader: MeterReader, monkeypatch: pytest.MonkeyPatch) -> None:
    import pytesseract

    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", "/nowhere/tesseract")
    tesseract._installed.cache_clear()
    assert "apt-get install tesseract-ocr" in str(tesseract.missing_reader())
    without = reader.read(SAMPLE)
    report = reader.read(SAMPLE, known=Known(Meter("m", ("12345678",))))
    assert [f.code for f in report.findings] == ["plate_not_read"]
    assert (report.status, report.agreement, report.plate) == (without.status, "unknown", ())
    assert [f.code for f in reader.read(SAMPLE, plate=True).findings] == ["plate_not_read"]
    assert reader.read(SAMPLE, known=Known(Meter("m", ("12345678",))), plate=False).findings == ()
    assert without.findings == ()


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("exec sleep 30", "more than"),
        ("echo no data >&2; exit 1", "no data"),
        ("exit 0", "failed"),
        ("printf 'nonsense\\n5\\t1\\tx' > $2.tsv", ""),
        ("printf 'level\\n5\\t999\\t1\\t1\\t1\\t1\\t0\\t0\\t9\\t9\\t96\\t123456\\n' > $2.tsv", "failed"),
    ],
)
def test_a_broken_tesseract_is_told_and_never_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, word: str
) -> None:
    pretend(monkeypatch, tmp_path, script)
    monkeypatch.setattr(tesseract, "TIMEOUT", 0.5)
    picture, display = drawn()
    begin = time.perf_counter()
    texts, why_not = read_plate(load_frame(picture), [display])
    assert time.perf_counter() - begin < 5
    assert texts == ()
    assert (word in str(why_not)) if word else why_not is None


def test_print_is_read_where_the_record_asks_for_it(reader: MeterReader, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def looked(*_: object) -> tuple[tuple[()], None]:
        calls.append(1)
        return (), None

    monkeypatch.setattr("recognizer.reader.read_plate", looked)
    for asked, known, plate_wanted in (
        (0, Known(), None),
        (0, Known(Meter("m")), None),
        (1, Known(Meter("m", ("12345678",))), None),
        (0, Known(Meter("m", ("12345678",))), False),
        (1, Known(), True),
    ):
        calls.clear()
        reader.read(SAMPLE, known=known, plate=plate_wanted)
        assert len(calls) == asked


@given(st.lists(st.floats(-900, 1500), min_size=8, max_size=8), st.sampled_from([(16, 16), (40, 900), (300, 200)]))
@settings(max_examples=30, deadline=None)
def test_any_display_may_lie_anywhere(numbers: list[float], size: tuple[int, int]) -> None:
    a, b, c, d = zip(numbers[::2], numbers[1::2], strict=True)
    grey = np.full(size, 200, np.uint8)
    upright = plate._upright(grey, [Display("lcd", (a, b, c, d), 0.9, 0.9)], ())
    assert 0 < upright.picture.size <= 1.01 * plate.MOST_PIXELS
    assert find_lines(upright.picture, 3) == []


def test_temporary_files_do_not_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch, tmp_path, "exit 1")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(work))
    read_plate(load_frame(drawn()[0]))
    assert os.listdir(work) == []
