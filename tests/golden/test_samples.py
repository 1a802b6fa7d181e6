"""The rendered samples, read with the shipped models: a floor of right readings, a ceiling of wrong ones.

Raise the floor when the models get better; a wrong reading that is accepted is never allowed.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from recognizer import MeterReader, Report, load_frame

SAMPLES = Path(__file__).parents[2] / "samples"
TRUTH = json.loads((SAMPLES / "truth.json").read_text())
RIGHT_AT_LEAST = 8
WRONG_AT_MOST = 1
"""Readings given (accepted or review) that are wrong."""


@cache
def reader() -> MeterReader:
    return MeterReader()


@cache
def report(file: str) -> Report:
    return reader().read(SAMPLES / file)


def test_floor_and_misread_ceiling() -> None:
    wanted = {t["file"]: t["reading"] for t in TRUTH if t["legible"]}
    given = {file: report(file).readings[0].text for file in wanted if report(file).status != "refused"}
    right = [f for f, text in given.items() if text == wanted[f]]
    wrong = {f: (text, wanted[f]) for f, text in given.items() if text != wanted[f]}
    assert len(right) >= RIGHT_AT_LEAST, f"right: {right}, wrong: {wrong}"
    assert len(wrong) <= WRONG_AT_MOST, wrong


def test_nothing_wrong_is_accepted() -> None:
    for t in TRUTH:
        answer = report(t["file"])
        if answer.status == "accepted":
            assert t["legible"], f"{t['file']} cannot be read by anybody"
            assert answer.readings[0].text == t["reading"], t["file"]


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_turning_the_photo_does_not_change_the_reading(turn: int) -> None:
    file = "02-drum-red-decimals.jpg"
    upright = report(file)
    turned = reader().read(np.ascontiguousarray(np.rot90(load_frame(SAMPLES / file).pixels, turn)))
    assert upright.readings
    assert turned.readings
    assert turned.readings[0].candidates[0].text == upright.readings[0].candidates[0].text


def test_the_box_is_in_pixels_of_the_full_photo() -> None:
    t = next(t for t in TRUTH if t["file"] == "02-drum-red-decimals.jpg")
    box = np.array(report(t["file"]).readings[0].box)
    length = float(np.linalg.norm(np.subtract(t["quad"][1], t["quad"][0])))
    assert np.abs(box - np.array(t["quad"])).max() < 0.12 * length
