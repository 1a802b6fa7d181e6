"""Would catch: a row of a display that passes for the total, print that passes for a row, and all of it turned."""

from math import cos, radians, sin

import pytest

from recognizer.domain.conclude import conclude
from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Policy
from recognizer.domain.quads import in_one_stack, in_place_of


def box(x: float, y: float, along: float, tall: float, degrees: float = 0.0) -> Quad:
    c, s = cos(radians(degrees)), sin(radians(degrees))
    corners = ((x, y), (x + along, y), (x + along, y + tall), (x, y + tall))
    a, b, d, e = ((300 + c * u - s * v, 300 + s * u + c * v) for u, v in corners)
    return a, b, d, e


@pytest.mark.parametrize("degrees", [0, 30, 90, 180, 275])
def test_rows_and_titles_whichever_way_the_picture_is_turned(degrees: float) -> None:
    row = box(0, 0, 240, 40, degrees)
    assert in_one_stack(row, box(0, 60, 240, 40, degrees))
    assert in_one_stack(row, box(60, -60, 180, 45, degrees))
    for other in (
        box(0, 10, 240, 40, degrees),  # the same row once more
        box(0, 150, 240, 40, degrees),  # too far below
        box(0, 60, 100, 20, degrees),  # half as tall: print
        box(400, 60, 240, 40, degrees),  # beside it
    ):
        assert not in_one_stack(row, other)
    assert in_place_of(box(80, 5, 150, 35, degrees), row)
    assert in_place_of(box(80, 60, 150, 35, degrees), row)  # in the next row
    assert not in_place_of(box(80, 95, 150, 35, degrees), row)
    assert not in_place_of(box(300, 5, 150, 35, degrees), row)


def test_a_quad_without_area_is_nowhere() -> None:
    flat = box(0, 0, 0, 0)
    row = box(0, 0, 240, 40)
    assert not in_one_stack(flat, row)
    assert not in_place_of(row, flat)


def test_a_row_without_a_point_beside_one_that_has_it_is_doubted() -> None:
    """04631009 of 04631.009 was filed under the label that stands beside it."""
    rows = (lcd("04631009", box(0, 0, 240, 40), "1.8.2"), lcd("18426.933", box(0, 60, 240, 40), "1.8.1"))
    for seen, doubted in ((rows, {"1.8.2"}), (rows[:1], set())):
        readings = conclude(Observation(900, 900, 9.0, seen), source="", policy=Policy()).readings
        assert {r.register for r in readings if "point_missed" in {f.code for f in r.findings}} == doubted
        assert {r.register for r in readings if r.status != "accepted"} == doubted


def lcd(text: str, quad: Quad, label: str | None = None) -> Display:
    glyphs = tuple(Glyph(((c, 0.9999),), 0, 1) for c in text)
    return Display("lcd", quad, 0.99, 0.99, glyphs, Mark(label, 0.999) if label else None, Mark("kWh", 0.999))


@pytest.mark.parametrize(
    ("other", "registers"),
    [
        (lcd("00076543", box(0, 60, 240, 40)), {"unknown"}),
        (lcd("00076543", box(0, 60, 240, 40), "1.8.2"), {"unknown", "1.8.2"}),
        (lcd("71234567", box(0, 150, 120, 18)), {"total"}),
        (lcd("", box(0, 60, 240, 40)), {"total"}),
    ],
)
def test_one_of_several_rows_is_not_the_total_for_want_of_a_label(other: Display, registers: set[str]) -> None:
    seen = Observation(900, 900, 9.0, (lcd("00123456", box(0, 0, 240, 40)), other))
    readings = conclude(seen, source="", policy=Policy()).readings
    assert {r.register for r in readings if r.candidates} == registers
    assert "accepted" not in {r.status for r in readings if r.register == "unknown"}
