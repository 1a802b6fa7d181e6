"""Would catch: a guess given out as a reading, a refusal without its reason, a test screen taken for a
reading, the wrong display billed, and a calibration in which more evidence lowers the confidence."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.code import Code
from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter
from recognizer.domain.observation import Display, DisplayKind, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Calibration, Policy
from recognizer.domain.reading import Report

chances = st.floats(0, 1)


def quad(x: float, y: float, width: float, height: float) -> Quad:
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


CENTRE = quad(200, 200, 240, 80)


def display(text: str, p: float = 0.999, *, kind: DisplayKind = "drum", box: Quad = CENTRE, **known: float) -> Display:
    glyphs = tuple(Glyph(((char, p),), i / len(text), (i + 1) / len(text)) for i, char in enumerate(text))
    return Display(kind, box, known.get("score", 0.99), known.get("legible", 0.99), glyphs)


def report(*displays: Display, policy: Policy | None = None) -> Report:
    seen = Observation(640, 480, 10.0, displays, models=(("counter", "0123456789ab"),))
    return conclude(seen, source="a.jpg", policy=policy)


def codes(answer: Report) -> list[str]:
    return [f.code for f in answer.findings + (answer.readings[0].findings if answer.readings else ())]


def test_a_clear_display_is_accepted_as_displayed() -> None:
    answer = report(display("00123.4"))
    reading = answer.readings[0]
    assert (answer.status, answer.source, answer.models) == ("accepted", "a.jpg", (("counter", "0123456789ab"),))
    assert (reading.text, str(reading.value), reading.register, reading.findings) == ("00123.4", "123.4", "total", ())
    assert reading.candidates[0].text == reading.text
    assert json.loads(json.dumps(answer.to_dict()))["readings"][0]["value"] == "123.4"


def test_a_doubtful_display_goes_to_review_with_the_figures() -> None:
    answer = report(display("12345", 0.95))
    assert (answer.status, codes(answer), answer.readings[0].text) == ("review", ["low_confidence"], "12345")
    assert "0.77" in answer.readings[0].findings[0].message
    assert "0.90" in answer.readings[0].findings[0].message


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (display("12345", 0.6), "not_legible"),
        (display("12345", legible=0.2), "not_legible"),
        (display("12"), "too_few_digits"),
        (display("1.2"), "too_few_digits"),
        (display("1234567890"), "too_many_digits"),
        (Display("drum", quad(0, 0, 9, 9), 0.9, 0.9), "too_few_digits"),
        (display("888888", kind="lcd"), "display_test"),
        (display("888.888", kind="lcd"), "display_test"),
    ],
)
def test_refusals_say_why_and_give_no_value(shown: Display, reason: str) -> None:
    answer = report(shown)
    reading = answer.readings[0]
    assert (answer.status, codes(answer)) == ("refused", [reason])
    assert (reading.status, reading.text, reading.value) == ("refused", "", None)
    assert bool(reading.candidates) == bool(shown.glyphs)


def test_eights_on_a_drum_are_a_reading() -> None:
    assert report(display("88888", kind="drum")).readings[0].text == "88888"


def test_nothing_found_is_a_refused_report() -> None:
    for answer in (report(), report(display("12345", score=0.1))):
        assert (answer.status, answer.readings, codes(answer)) == ("refused", (), ["no_meter"])


def test_the_most_prominent_display_is_billed_and_decides() -> None:
    main = display("11111", box=CENTRE)
    small = display("22222", box=quad(300, 300, 60, 20))
    cornered = display("33333", box=quad(0, 0, 240, 80))
    for order in ((main, small, cornered), (cornered, small, main)):
        assert [r.text for r in report(*order).readings] == ["11111", "33333", "22222"]
    off = display("11111", box=main.quad, legible=0.1)
    answer = report(small, off)
    # The main display is off: a small one beside it must not become the bill.
    assert (answer.status, [r.status for r in answer.readings]) == ("refused", ["refused", "accepted"])


@pytest.mark.parametrize(("unit", "billed"), [(0.9, "12345"), (0.1, "4018238")])
def test_an_lcd_with_a_unit_goes_before_a_serial_number_that_stands_out_more(unit: float, billed: str) -> None:
    """A printed serial number passes for an LCD, and has no unit."""
    serial = display("4018238", kind="lcd", score=0.65)
    value = replace(display("12345", kind="lcd", box=quad(200, 90, 240, 80), score=0.42), unit=Mark("kWh", unit))
    answers = [report(*order).readings[0] for order in ((serial, value), (value, serial))]
    assert [reading.candidates[0].text for reading in answers] == [billed, billed]


@given(st.lists(st.tuples(chances, chances, chances), max_size=4))
def test_no_value_without_a_status_that_allows_one(shown: list[tuple[float, float, float]]) -> None:
    answer = report(*(display("1234", p, score=score, legible=legible) for p, score, legible in shown))
    assert answer.status == (answer.readings[0].status if answer.readings else "refused")
    for reading in answer.readings:
        assert (reading.value is None) == (reading.status == "refused") == (reading.text == "")
        assert (reading.findings == ()) == (reading.status == "accepted")
        assert 0 <= reading.confidence <= 1


@given(st.tuples(chances, chances, chances, chances), st.integers(0, 3), chances)
def test_more_evidence_never_lowers_confidence(parts: tuple[float, ...], which: int, more: float) -> None:
    calibration = Calibration(top=0.8, weakest=0.5, legible=0.2, score=0.1, offset=-1)
    better = [max(p, more) if i == which else p for i, p in enumerate(parts)]
    assert calibration.confidence(better) >= calibration.confidence(parts)


def test_the_weakest_position_and_the_calibration_of_the_kind_count() -> None:
    policy = Policy(lcd=Calibration(top=0, weakest=1))
    glyphs = tuple(Glyph(((char, p),), 0, 1) for char, p in (("1", 0.99), ("2", 0.7), ("3", 0.99)))
    lcd = Display("lcd", quad(0, 0, 90, 30), 0.9, 0.9, glyphs)
    assert report(lcd, policy=policy).readings[0].confidence == pytest.approx(0.7)
    drum = Display("drum", quad(0, 0, 90, 30), 0.9, 0.9, glyphs)
    assert report(drum, policy=policy).readings[0].confidence == pytest.approx(0.99 * 0.7 * 0.99)


@pytest.mark.parametrize(
    "wrong", [{"min_score": 1.2}, {"refuse_below": 0.95}, {"min_digits": 0}, {"candidates": 0}, {"accept_above": -1}]
)
def test_a_policy_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"got|above"):
        Policy(**wrong)  # type: ignore[arg-type]


def test_a_calibration_that_falls_with_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match=">= 0"):
        Calibration(weakest=-0.1)


def test_a_readable_display_comes_before_a_larger_one_that_says_nothing_but_is_not_accepted() -> None:
    larger = display("12", box=quad(180, 180, 300, 120))
    answer = report(larger, display("00123.4"))
    assert (answer.readings[0].text, answer.status) == ("00123.4", "review")
    assert codes(answer) == ["larger_display_unread"]
    assert answer.readings[1].status == "refused"


def code(text: str, kind: str = "QRCode") -> Code:
    return Code(kind, text, text.encode(), ((1.0, 2.0), (3.0, 2.0), (3.0, 4.0), (1.0, 4.0)))


@pytest.mark.parametrize(
    ("text", "agreement", "status"),
    [("SN: 12345678", "match", "accepted"), ("87654321", "mismatch", "review"), ("hello", "unknown", "accepted")],
)
def test_the_wrong_meter_is_never_accepted(text: str, agreement: str, status: str) -> None:
    seen = Observation(640, 480, 10.0, (display("00123.4"),), (code(text),))
    answer = conclude(seen, source="a.jpg", known=Known(Meter("m", ("1234-5678",))))
    assert (answer.agreement, answer.status, answer.readings[0].text) == (agreement, status, "00123.4")
    assert ("wrong_meter" in codes(answer)) == (agreement == "mismatch")
    line = json.loads(json.dumps(answer.to_dict()))
    assert line["meter"]["agreement"] == agreement
    assert line["codes"] == [{"kind": "QRCode", "text": text, "box": [[1, 2], [3, 2], [3, 4], [1, 4]]}]


def test_codes_survive_the_way_through_a_store() -> None:
    seen = Observation(640, 480, 10.0, (display("1234"),), (code("ST00011|Name=\u00cf"),), (("locator", "ab"),))
    assert Observation.from_dict(json.loads(json.dumps(seen.to_dict()))) == seen


def test_the_printed_serial_is_no_reading() -> None:
    seen = Observation(640, 480, 10.0, (display("3842401"),), (code("3842401", "Code128"),))
    answer = conclude(seen, source="a.jpg")
    assert (answer.status, answer.serial, codes(answer)) == ("refused", "3842401", ["serial_number"])
