"""Rows of one LCD have as many decimals: a small point that is missed in one of them stands in the others. Labels of
other rows are no tariff marks, and a unit that stands beside one of them counts for all."""

from dataclasses import replace

import pytest

from recognizer.domain.look import look
from recognizer.domain.observation import Display, Glyph, Mark, Observation
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


def labelled(text: str, y: float, label: str | None, unit: str | None, *marks: str) -> Display:
    named, measured = (Mark(t, 0.98) if t is not None else None for t in (label, unit))
    return replace(row(text, y, 0.99), label=named, unit=measured, marks=tuple(Mark(m, 0.95) for m in marks))


def registers(*displays: Display) -> dict[str, str]:
    seen = look(Observation(640, 480, 9.0, displays), Policy())
    return {s.reading.candidates[0].text: s.reading.register for s in seen}


def test_labels_of_the_rows_above_and_below_are_no_tariff_marks() -> None:
    """89460.3 beside T1 was of no register, or of T2, since T2 stands on its panel too."""
    total = labelled("4766831", 110, "TOTAL", "kWh", "T3")
    rows = labelled("0894603", 10, "T1", "kWh", "T1", "T2"), labelled("2321774", 60, "T2", "kWh", "T1", "T2", "T3")
    told = registers(*rows, total)
    assert told == {"08946.03": "1.8.1", "23217.74": "1.8.2", "47668.31": "1.8.0"}
    # One whose own label could not be read is of no register, whatever stands around it.
    assert registers(labelled("0894603", 60, None, "kWh", "T2"), total)["08946.03"] == "unknown"
    # A number printed below the display is no row of it.
    printed = labelled("5876920", 60, None, None)
    assert registers(labelled("0894603", 10, None, "kWh", "T2"), printed)["08946.03"] == "1.8.2"


def test_a_unit_beside_one_row_counts_for_those_without() -> None:
    """T1 047986.13, of which only the last row tells that it counts kWh."""
    rows = labelled("0479861", 10, "T1", None), labelled("0583917", 60, "T2", None)
    assert registers(*rows, labelled("1063778", 110, "TOTAL", "kWh")) == {
        "04798.61": "1.8.1", "05839.17": "1.8.2", "10637.78": "1.8.0",
    }  # fmt: skip
    assert registers(*rows, labelled("1063778", 110, "TOTAL", None))["04798.61"] == "unknown"
    own = labelled("0000500", 60, "T2", "kW")
    assert registers(rows[0], own, labelled("1063778", 110, "TOTAL", "kWh"))["00005.00"] == "unknown"
