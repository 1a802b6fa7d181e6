"""Would catch: a source scored by the wrong rule, an interval or risk figure that flatters, a refused guess
counted as a reading, and truths read wrongly from their table."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer import evaluate
from recognizer.domain.reading import Candidate, Finding, Reading, Report
from recognizer.errors import InputError
from recognizer.evaluate import Answer, Truth, figures, right

BOX = ((0.0, 0.0), (10.0, 0.0), (10.0, 5.0), (0.0, 5.0))


def truth(source: str, text: str, kind: str = "drum", screen: str = "", legible: bool = True) -> Truth:
    return Truth("a.webp", source, "test", kind, screen, text, legible)


def answer(text: str, status: str = "accepted", confidence: float = 0.9) -> Answer:
    return Answer(status, "" if status == "refused" else text, text, confidence)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "kind", "shown", "read", "expected"),
    [
        ("bdci-water", "drum", "00141", "00141", True),
        ("bdci-water", "drum", "00141", "00141.7", True),
        ("bdci-water", "drum", "00141", "0141", False),
        ("toloka-water", "drum", "105.174", "00105.17", True),
        ("toloka-water", "drum", "0.5", "00000.500", True),
        ("toloka-water", "drum", "105.174", "106.174", False),
        ("toloka-water", "drum", "105.174", "00105174", False),
        ("dss188-electricity", "drum", "13751", "13751.4", True),
        ("dss188-electricity", "drum", "00683.0", "00683.1", True),
        ("dss188-electricity", "drum", "00683.0", "0683.0", False),
        ("thai-electricity", "drum", "03901", "0390.1", True),
        ("thai-electricity", "drum", "03901", "3901", False),
        ("lcd-strips", "lcd", "1234.5", "12345", False),
        ("vn-lcd", "lcd", "000012.53", "000012.53", True),
        ("vn-lcd", "lcd", "000012.53", "000012.5", False),
        ("cesc-electricity", "drum", "30652", "30652.4", True),
        ("cesc-electricity", "drum", "02680.6", "02680.7", False),
        ("cesc-electricity", "lcd", "004300", "004300.1", False),
        ("rolling-strips", "drum", "07032", "07033", False),
        ("a-new-source", "lcd", "0123.4", "123.4", False),
    ],
)
def test_each_source_is_compared_as_its_truth_allows(
    source: str, kind: str, shown: str, read: str, expected: bool
) -> None:
    main = figures(source, ("reading",))[0]
    assert right(main, truth(source, shown, kind), answer(read)) is expected


def test_toloka_counts_all_digits_the_truth_has() -> None:
    _, every_digit = figures("toloka-water", ("reading",))
    assert right(every_digit, truth("toloka-water", "485.37"), answer("00485.370"))
    assert not right(every_digit, truth("toloka-water", "485.37"), answer("00485.374"))
    assert right(every_digit, truth("toloka-water", "485.0"), answer("00485"))


def test_a_refused_guess_is_no_reading_but_counts_at_full_coverage() -> None:
    main = figures("bdci-water", ("reading",))[0]
    refused = answer("00141", "refused")
    assert not right(main, truth("bdci-water", "00141"), refused)
    assert right(main, truth("bdci-water", "00141"), refused, guess=True)
    assert not right(main, truth("bdci-water", "00141"), Answer("refused", "", "", 0.0), guess=True)


def test_where_nothing_can_be_read_only_acceptance_is_wrong() -> None:
    off = truth("cesc-electricity", "", "lcd", "off", legible=False)
    assert off.demand == "refusal"
    figure = figures(off.source, ("reading", "refusal"))[1]
    assert [right(figure, off, answer("123", s)) for s in ("accepted", "review", "refused")] == [False, True, True]


def test_what_a_photo_demands() -> None:
    assert truth("x", "12.5", "lcd", "energy").demand == "reading"
    assert truth("x", "12.5", "lcd", "power").demand == "other page"
    assert truth("x", "12.5", "lcd", "energy", legible=False).demand == "refusal"
    assert [f.demand for f in figures("x", ("other page", "reading"))] == ["reading", "other page"]


def test_every_target_of_a_source_stands_once() -> None:
    names = [(f.source, f.name) for f in evaluate.FIGURES]
    assert len(names) == len(set(names))
    assert sum(f.target is not None for f in evaluate.FIGURES) == 8


def test_an_answer_is_the_billed_reading() -> None:
    reading = Reading(
        "total", None, "", 0.2, "refused", BOX, "lcd", (Finding("not_legible", "…"),), (Candidate("123", 0.2),)
    )
    billed = Answer.of(Report("a.jpg", "refused", (reading,), models=(("counter", "ab"),)))
    assert billed == Answer("refused", "", "123", 0.2, BOX, ("not_legible",), (("counter", "ab"),))
    nothing = Answer.of(Report("a.jpg", "refused", findings=(Finding("no_meter", "…"),)))
    assert (nothing.status, nothing.guess, nothing.confidence, nothing.findings) == ("refused", "", 0.0, ("no_meter",))


def test_digit_errors_are_counted_by_edits() -> None:
    assert evaluate.digit_errors(truth("bdci-water", "00141"), "00147.3") == (1, 5)
    assert evaluate.digit_errors(truth("bdci-water", "00141"), "0141") == (1, 5)
    assert evaluate.digit_errors(truth("bdci-water", "00141"), "") == (5, 5)
    assert evaluate.digit_errors(truth("bdci-water", "00141"), "999999999") == (5, 5)
    assert evaluate.digit_errors(truth("toloka-water", "37.176"), "00037.9") == (0, 2)


def test_wilson_agrees_with_the_literature() -> None:
    # Newcombe 1998, Table I: 81 of 263 and 15 of 148, method 3.
    assert evaluate.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert evaluate.wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert evaluate.wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 400), st.data())
def test_wilson_holds_the_share(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = evaluate.wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1


scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40)


@given(scored)
def test_risk_at_full_coverage_is_the_share_of_errors(pairs: list[tuple[float, bool]]) -> None:
    errors = sum(not ok for _, ok in pairs) / len(pairs) if pairs else 0.0
    assert evaluate.risk_at(pairs, 1.0) == pytest.approx(errors)
    assert evaluate.risk_at(pairs, 0.8) == evaluate.risk_at(pairs[::-1], 0.8)
    assert 0 <= evaluate.calibration_error(pairs) <= 1


def test_refusing_the_least_certain_removes_their_errors_and_ties_do_not_flatter() -> None:
    pairs = [(0.9, True)] * 8 + [(0.1, False)] * 2
    assert evaluate.risk_at(pairs, 0.8) == 0
    assert evaluate.risk_at([(0.5, True)] * 8 + [(0.5, False)] * 2, 0.8) == pytest.approx(0.25)


def test_calibration_error_of_known_cases() -> None:
    assert evaluate.calibration_error([(1.0, True)] * 5) == 0
    assert evaluate.calibration_error([(1.0, False)] * 5) == 1
    assert evaluate.calibration_error([(0.8, True)] * 4 + [(0.8, False)]) == pytest.approx(0)


HEAD = "file,source,split,display,screen,reading,legible,reading_box,reading_quad\n"


def test_truths_are_read_from_their_table(tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    table.write_text(
        HEAD
        + 'p/a.webp,cesc,test,drum,,"02680,6",1,1.0 2.0 3.0 4.0,\n'
        + "p/b.webp,bdci,test,drum,,00141,1,,1 2 3 4 5 6 7 8\n"
        + "p/c.webp,bdci,train,lcd,off,,0,,\n",
        encoding="utf-8",
    )
    first, second = evaluate.read_truths(table, "test")
    assert (first.text, first.corners) == ("02680.6", ((1, 2), (3, 2), (3, 4), (1, 4)))
    assert (second.text, second.corners) == ("00141", ((1, 2), (3, 4), (5, 6), (7, 8)))
    assert [t.file for t in evaluate.read_truths(table, sources=["bdci"])] == ["p/b.webp", "p/c.webp"]


def test_a_missing_or_foreign_table_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        evaluate.read_truths(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column"):
        evaluate.read_truths(tmp_path / "other.csv")
