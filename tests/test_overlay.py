"""The overlay leaves the photo alone and never fails on an unusual report."""

import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.domain.reading import Finding, Reading, Report, Status
from recognizer.overlay import COLOURS, draw_overlay

Picture = NDArray[np.uint8]


def reading(status: Status, quad: tuple[tuple[float, float], ...]) -> Reading:
    a, b, c, d = quad
    text = "" if status == "refused" else "00123.4"
    return Reading("total", "m³", text, 0.5, status, (a, b, c, d), "drum", (Finding("a_code", "why " * 60),))


def count(picture: Picture, status: str) -> int:
    return int((picture == np.array(COLOURS[status][::-1], np.uint8)).all(axis=2).sum())


@pytest.mark.parametrize("status", ["accepted", "review", "refused"])
def test_the_colour_tells_the_status(picture: Picture, status: Status) -> None:
    """Catches channels swapped on the way to Pillow and back: green would stay green, amber would turn blue."""
    before = picture.copy()
    box = ((20.0, 20.0), (180.0, 20.0), (180.0, 80.0), (20.0, 80.0))
    drawn = draw_overlay(picture, Report("a.jpg", status, (reading(status, box),)))
    assert (picture == before).all()
    assert drawn.dtype == np.uint8
    assert count(drawn, status) > 1000
    assert all(count(drawn, other) == 0 for other in COLOURS if other != status)


def test_the_panel_shows_the_display_upright(picture: Picture) -> None:
    """Catches a strip that is cut by the wrong corners: here it is the photo, turned, and must come out the same."""
    turned = np.ascontiguousarray(picture[::-1, ::-1])
    height, width = picture.shape[:2]
    whole = ((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
    strips = []
    for photo, quad in ((picture, whole), (turned, (*whole[2:], *whole[:2]))):
        drawn = draw_overlay(photo, Report("a.jpg", "accepted", (reading("accepted", quad),)))
        top = round(height * drawn.shape[1] / width)  # the panel begins below the photo
        strips.append(drawn[top:].astype(int))
    assert np.abs(strips[0] - strips[1]).mean() < 3


@pytest.mark.parametrize("size", [(16, 16), (31, 200), (200, 31), (3000, 4000), (16, 2000)])
def test_any_photo_becomes_a_picture_for_a_screen(size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), 128, np.uint8)
    outside = ((-50.0, -20.0), (9000.0, -20.0), (9000.0, 5000.0), (-50.0, 5000.0))
    point = ((5.0, 5.0),) * 4
    for report in (
        Report("a.jpg", "refused", findings=(Finding("no_meter", "no display was found"),)),
        Report("a.jpg", "review", (reading("review", outside), reading("refused", point))),
    ):
        drawn = draw_overlay(photo, report)
        assert 640 <= drawn.shape[1] <= 1600
        assert drawn.shape[0] <= 3200 + 2000
