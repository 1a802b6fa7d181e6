"""Rows of one LCD have as many decimals: a small point that is missed in one of them stands in the others."""

import pytest

from recognizer.domain.look import look
from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Candidate
from recognizer.domain.rows import as_many_decimals


def candidates(**texts: float) -> list[Candidate]:
    return [Candidate(text.replace("p", ".").strip("_"), p) for text, p in texts.items()]


def test_a_point_that_the_other_rows_have_is_likelier_here() -> None:
    row = candidates(_42909357=0.6, _42909p357=0.3, _42909p35=0.05)
    beside = [candidates(_18426p933=0.95), candidates(_19851p415=0.9, _19851415=0.1)]
    first, second, *_ = as_many_decimals(row, beside)
    assert first.text == "42909.357"
    assert first.probability > 0.8
    assert second.probability < 0.1
    assert sum(c.probability for c in as_many_decimals(row, beside)) < 1  # what is no candidate keeps its share


def test_rows_that_are_not_sure_themselves_say_little_and_one_alone_says_nothing() -> None:
    row = candidates(_42909357=0.9, _42909p357=0.1)
    assert as_many_decimals(row, [candidates(_18426p933=0.5, _18426933=0.5)])[0].text == "42909357"
    assert as_many_decimals(row, [])[0].probability == pytest.approx(0.9)


def row(text: str, y: float, point: float) -> Display:
    """A row whose one point, before the last two digits, has this chance."""
    digits = [Glyph(((c, 0.999),), i / 8, (i + 1) / 8) for i, c in enumerate(text)]
    dot = Glyph(((".", point),), 0.7, 0.72)
    quad = ((10.0, y), (250.0, y), (250.0, y + 40), (10.0, y + 40))
    return Display("lcd", quad, 0.9, 0.99, (*digits[:-2], dot, *digits[-2:]))


def test_the_reading_of_a_row_takes_the_decimals_of_the_rows_beside_it() -> None:
    displays = (row("0463109", 10, 0.99), row("4290937", 60, 0.3), row("1842693", 110, 0.99))
    seen = look(Observation(640, 480, 9.0, displays), Policy())
    assert {s.reading.candidates[0].text for s in seen} == {"04631.09", "42909.37", "18426.93"}
    assert all("point_missed" not in {f.code for f in s.reading.findings} for s in seen)
    alone = look(Observation(640, 480, 9.0, displays[1:2]), Policy())
    assert alone[0].reading.candidates[0].text == "4290937"
