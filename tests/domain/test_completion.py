"""Would catch: a sum that is right by chance, two numbers that are told apart by nothing filed all the same, the wrong
one of two tariffs, a row that lost its first zero, and a power page taken for the tariff that is missing."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.profile import load_profiles
from recognizer.domain.reading import Report
from recognizer.domain.visit import Visit

MERCURY = load_profiles()["mercury-200"]
ALL = ("1.8.1", "1.8.2", "1.8.3", "1.8.0")
VALUES = {"1.8.1": "000123.45", "1.8.2": "000876.54", "1.8.3": "000100.00", "1.8.0": "001099.99"}
FAINT = tuple(Mark(f"T{n}", 0.3) for n in (1, 2, 3))
"""Marks of which none is read, and which are not nothing."""


def box(down: float = 0.0) -> Quad:
    return (200, 100 + down), (440, 100 + down), (440, 140 + down), (200, 140 + down)


def page(text: str, *marks: Mark, label: str | None = None, unit: str = "kWh", down: float = 0.0) -> Display:
    glyphs = tuple(Glyph(((char, 0.999),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    named = Mark(label, 0.999) if label is not None else None
    return Display("lcd", box(down), 0.99, 0.98, glyphs, named, Mark(unit, 0.999), marks)


def scrolled(*pages: Sequence[Display], wanted: Sequence[str] = ALL, profile: bool = True) -> Report:
    visit = Visit(wanted=wanted, profile=MERCURY if profile else None)
    for n, displays in enumerate(pages):
        for frame in range(20):
            visit.offer(Observation(640, 480, 9.0, tuple(displays)), 2.0 * n + frame / 10)
    return visit.report


def accepted(report: Report) -> dict[str, str]:
    return {r.register: r.text for r in report.readings if r.status == "accepted"}


def mark(n: int) -> Mark:
    return Mark(f"T{n}", 0.999)


T1, T2, T3 = (page(VALUES[f"1.8.{n}"], mark(n)) for n in (1, 2, 3))
TOTAL, POWER = page(VALUES["1.8.0"]), page("001.234", unit="kW")


def faint(display: Display) -> Display:
    return replace(display, marks=FAINT)


def test_the_one_that_is_missing_is_told_by_the_sum() -> None:
    for hidden in range(4):
        cycle = [faint(d) if i == hidden else d for i, d in enumerate((T1, T2, T3, TOTAL))]
        report = scrolled(*([d] for d in (*cycle, POWER)))
        assert accepted(report) == VALUES, hidden
        by_sum = [r.register for r in report.readings if any(f.code == "register_by_sum" for f in r.findings)]
        assert by_sum == [ALL[hidden]]


@pytest.mark.parametrize("start", range(5))
def test_several_are_told_by_their_order_after_the_total(start: int) -> None:
    cycle = [faint(T1), faint(T2), T3, TOTAL, POWER]
    assert accepted(scrolled(*([d] for d in cycle[start:] + cycle[:start]))) == VALUES


def test_a_number_that_some_frames_read_without_its_zeros_is_one_number() -> None:
    """0106080.5 was read as 106080.5 behind a reflection: with either of them the sum is right."""
    texts = {"1.8.1": "1187191.9", "1.8.2": "0106080.5", "1.8.3": "2163824.9", "1.8.0": "3457097.5"}
    shown = [texts["1.8.1"], texts["1.8.2"], "106080.5", texts["1.8.3"], texts["1.8.0"]]
    report = scrolled(*([faint(page(text))] for text in [shown[-1], *shown[:-1], texts["1.8.2"]]))
    assert accepted(report) == texts


@pytest.mark.parametrize(("total", "filed"), [("3457097", True), ("3457098", False), ("345709", False)])
def test_a_total_whose_last_digit_was_cut_off_still_names_its_tariffs(total: str, filed: bool) -> None:
    texts = {"1.8.1": "1187191.9", "1.8.2": "0106080.5", "1.8.3": "2163824.9"}
    report = scrolled(*([faint(page(text))] for text in (total, *texts.values())))
    assert {r.register: r.text for r in report.readings if r.register in texts} == (texts if filed else {})
    assert total not in accepted(report).values()


def test_an_order_that_does_not_fit_what_is_named_files_nothing() -> None:
    cycle = [faint(T1), T3, faint(T2), TOTAL]
    assert set(accepted(scrolled(*([d] for d in cycle)))) == {"1.8.3", "1.8.0"}


def test_a_total_beside_which_a_mark_fades_is_told_by_the_sum() -> None:
    """T3 of the screen before was still faint when the total stood there already, so it was not filed by absence."""
    fading, faded = (replace(TOTAL, marks=(Mark("T3", chance),)) for chance in (0.4, 0.06))
    visit = Visit(wanted=ALL, profile=MERCURY)
    for n, (display, frames) in enumerate([(T1, 20), (T2, 20), (T3, 20), (fading, 2), (faded, 8), (POWER, 10)]):
        for i in range(frames):
            visit.offer(Observation(640, 480, 9.0, (display,)), 2.0 * n + i / 10 - (1.8 if n > 3 else 0.0))
    assert accepted(visit.report) == VALUES
    assert any(f.code == "register_by_sum" for r in visit.report.readings for f in r.findings)


def test_without_a_profile_nothing_tells_the_order_of_screens() -> None:
    cycle = [faint(T1), faint(T2), T3, TOTAL]
    assert set(accepted(scrolled(*([d] for d in cycle), profile=False))) == {"1.8.3", "total"}
    one = accepted(scrolled([faint(T1)], [T2], [T3], [TOTAL], profile=False))
    assert set(one.values()) == set(VALUES.values())


def test_a_sum_that_is_not_right_names_nothing() -> None:
    for wrong in ("000876.55", "000876.51", "000876.5", "876.54", "00876540"):
        report = scrolled([T1], [faint(page(wrong, mark(2)))], [T3], [TOTAL])
        assert "1.8.2" not in accepted(report), wrong


def test_a_register_that_lost_its_point_is_doubted_beside_others() -> None:
    lost = page(VALUES["1.8.2"].replace(".", ""), mark(2))
    report = scrolled([T1], [lost], [T3], [TOTAL])
    assert set(accepted(report)) <= {"1.8.1", "1.8.3", "1.8.0"}
    assert "point_missed" in {f.code for r in report.readings if r.register == "1.8.2" for f in r.findings}
    assert accepted(scrolled([page("00012345", mark(1))], wanted=("1.8.1",))) == {"1.8.1": "00012345"}


def test_a_page_of_power_is_no_tariff() -> None:
    report = scrolled([T1], [replace(faint(T2), unit=Mark("kW", 0.999))], [T3], [TOTAL])
    assert "1.8.2" not in accepted(report)


def test_two_ways_to_make_the_sum_right_are_none() -> None:
    other = faint(page("000876.53", mark(2)))
    report = scrolled([T1], [faint(T2)], [other], [T3], [TOTAL])
    assert "1.8.2" not in accepted(report)


def test_who_does_not_say_which_tariffs_there_are_gets_none_by_sum() -> None:
    assert accepted(scrolled([T1], [faint(T2)], [T3], [TOTAL], wanted=("1.8.0",))) == {
        "1.8.1": VALUES["1.8.1"], "1.8.3": VALUES["1.8.3"], "1.8.0": VALUES["1.8.0"],
    }  # fmt: skip


def turned(display: Display, quarters: int) -> Display:
    a, b, c, d = display.quad
    for _ in range(quarters):
        a, b, c, d = ((640 - y, x) for x, y in (a, b, c, d))
    return replace(display, quad=(a, b, c, d))


@pytest.mark.parametrize("total_first", [True, False])
@pytest.mark.parametrize("quarters", range(4))
def test_rows_without_labels_are_told_by_their_order_from_above(total_first: bool, quarters: int) -> None:
    """From above as the digits stand: in a photo on its head the first tariff is the lowest in the picture."""
    texts = [VALUES[code] for code in (("1.8.0", "1.8.1", "1.8.2", "1.8.3") if total_first else ALL)]
    rows = [page(text, label="?", down=60.0 * i) for i, text in enumerate(texts)]
    unread = [turned(replace(row, label=Mark(".8", 0.2)), quarters) for row in rows]
    assert accepted(scrolled(unread, profile=False)) == VALUES
    named = [replace(row, label=Mark("1.8.2", 0.999)) if row.glyphs == T3.glyphs else row for row in unread]
    assert not {"1.8.1", "1.8.3"} & set(accepted(scrolled(named, profile=False)))
