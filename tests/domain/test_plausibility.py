"""Would catch: a fall that is accepted, a true value refused after a gap, a false stored value that blocks every
true one for ever, a history that overrules a clear display, and a stored value handed out as if it had been read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter, PastReading, PastStatus, Register
from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.plausibility import Case, Rules, check, check_sum
from recognizer.domain.prior import weigh
from recognizer.domain.reading import Candidate, Report
from recognizer.errors import UsageError

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def past(value: str, day: float, status: PastStatus = "accepted", confidence: float = 0.99) -> PastReading:
    return PastReading("total", Decimal(value), START + timedelta(days=day), status, confidence)


def case(text: str, day: float, *history: PastReading, confidence: float = 0.99, **register: object) -> Case:
    known = Register(**{"unit": "kWh", "digits": 5, **register})  # type: ignore[arg-type]
    ordered = tuple(sorted(history, key=lambda p: p.taken_at))
    return Case(text, START + timedelta(days=day), known, ordered, confidence)


def codes(shown: Case, **options: object) -> list[str]:
    return [f.code for f in check(shown, **options)]  # type: ignore[arg-type]


MONTHS = [past(str(1000 + 200 * i), 30 * i) for i in range(5)]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (case("02000", 150, *MONTHS), []),
        (case("01800", 120.5, *MONTHS), []),  # nothing used in half a day
        (case("01798", 150, *MONTHS), []),  # the last wheel flickers
        (case("01797", 150, *MONTHS), ["less_than_previous"]),
        (case("1799.7", 150, *MONTHS), ["less_than_previous"]),  # two units of the last place are two tenths here
        (case("09000", 150, *MONTHS), ["rate_too_high"]),
        (case("09000", 150 + 700, *MONTHS), []),  # the same value after two years
        (case("01700", 70, *MONTHS), ["greater_than_subsequent"]),
        (case("01800", 120, *MONTHS), ["duplicate_reading"]),
        (case("01400", 150, *MONTHS, may_fall=True), []),
        (case("60000", 150, *MONTHS, may_fall=True), ["rate_too_high"]),
        (case("01800", 0.2, past("1000", 0), max_rate=Decimal(100)), ["rate_too_high"]),
        (case("99999", 9999), []),  # nothing is known of it
    ],
)
def test_reasons(shown: Case, expected: list[str]) -> None:
    assert codes(shown) == expected


def test_a_photo_from_the_future_is_no_reading() -> None:
    shown = case("02000", 150, *MONTHS)
    assert codes(shown, now=shown.taken_at - timedelta(hours=1)) == ["timestamp_future"]
    assert codes(shown, now=shown.taken_at - timedelta(minutes=5)) == []  # clocks differ


def test_rollover_takes_a_record_a_high_last_value_and_confidence() -> None:
    nearly = [past(str(99000 + 200 * i), 30 * i) for i in range(5)]
    sure = check(case("00010", 150, *nearly))
    assert [(f.code, f.note) for f in sure] == [("possible_rollover", True)]
    doubtful = check(case("00010", 150, *nearly, confidence=0.9))
    assert [(f.code, f.note) for f in doubtful] == [("possible_rollover", False)]
    assert codes(case("00010", 150, *nearly, digits=None)) == ["less_than_previous"]
    assert codes(case("00010", 150, *nearly, digits=6)) == ["less_than_previous"]
    assert codes(case("50000", 150, *nearly)) == ["less_than_previous"]  # wrapped, but far too much


def test_a_false_stored_value_is_doubted_after_confident_readings_that_agree() -> None:
    poisoned = [*MONTHS, past("8800", 150)]
    assert codes(case("02200", 180, *poisoned)) == ["less_than_previous"]
    waiting = past("2200", 180, "review")
    assert codes(case("02400", 210, *poisoned, waiting)) == ["less_than_previous", "previous_reading_doubtful"]
    assert codes(case("02100", 210, *poisoned, waiting)) == ["less_than_previous"]  # they do not agree
    unsure = past("2200", 180, "review", 0.4)
    assert codes(case("02400", 210, *poisoned, unsure)) == ["less_than_previous"]
    settled = [*MONTHS, past("8800", 150, "rejected"), past("2200", 180, "confirmed")]
    assert codes(case("02400", 210, *settled)) == []


@given(
    st.integers(10, 99999),
    st.integers(3, 5000),
    st.floats(0.01, 3000),
    st.integers(0, 3),
    st.sampled_from([None, 5, 7]),
)
def test_what_falls_below_the_last_accepted_reading_is_never_accepted(
    last: int, fall: int, days: float, decimals: int, digits: int | None
) -> None:
    text = f"{max(0, last - fall):06d}" + ("." + "0" * decimals if decimals else "")
    if digits is not None and last >= 10**digits * 0.9:
        return  # it may have rolled over
    history = (past(str(last), 0),)
    meter = Meter("m", registers=(Register(digits=digits),))
    report = seen(text, Known(meter, history, START + timedelta(days=days)))
    if Decimal(text) < last - 2:
        assert report.status == "review"
        assert report.readings[0].text == text  # and what was read is what is told


def seen(text: str, known: Known, odds: dict[int, tuple[tuple[str, float], ...]] | None = None) -> Report:
    glyphs = tuple(
        Glyph((odds or {}).get(i, ((c, 0.9999),)), i / len(text), (i + 1) / len(text)) for i, c in enumerate(text)
    )
    display = Display("lcd", ((200, 200), (440, 200), (440, 280), (200, 280)), 0.99, 0.99, glyphs)
    return conclude(Observation(640, 480, 10.0, (display,)), source="a.jpg", known=known)


METER = Meter("m", registers=(Register("1.8.0", "kWh", digits=5),))
KNOWN = Known(METER, tuple(PastReading("1.8.0", p.value, p.taken_at) for p in MONTHS), START + timedelta(days=150))


def test_the_history_settles_an_uncertain_digit_and_says_so() -> None:
    report = seen("07000", KNOWN, {1: (("7", 0.52), ("2", 0.47))})
    reading = report.readings[0]
    assert (reading.text, reading.register, reading.unit) == ("02000", "1.8.0", "kWh")
    note = next(f for f in reading.findings if f.code == "settled_by_history")
    assert note.note
    assert "07000 (0.52)" in note.message


def test_the_history_never_overrules_a_clear_display() -> None:
    report = seen("07000", KNOWN, {1: (("7", 0.95), ("2", 0.04))})
    assert (report.readings[0].text, report.status) == ("07000", "review")
    assert "rate_too_high" in [f.code for f in report.readings[0].findings]


def test_decimals_of_the_record_settle_a_faint_point() -> None:
    shown = case("012345", 150, decimals=1, digits=None)
    candidates = (Candidate("012345", 0.55), Candidate("01234.5", 0.44))
    assert weigh(candidates, shown, Rules())[0].text == "01234.5"
    assert sum(c.probability for c in weigh(candidates, shown, Rules())) <= 1


def test_a_register_that_the_record_does_not_have_is_not_accepted() -> None:
    two = Meter("m", registers=(Register("1.8.1"), Register("1.8.2")))
    report = seen("02000", Known(two, (), START))
    assert (report.status, [f.code for f in report.readings[0].findings]) == ("review", ["register_unknown"])


def test_the_total_agrees_with_truncated_tariffs() -> None:
    one = Decimal(1)
    assert check_sum(Decimal(300), [Decimal(100), Decimal(199)], one)
    assert not check_sum(Decimal(301), [Decimal(100), Decimal(199)], one)
    assert not check_sum(Decimal(298), [Decimal(100), Decimal(199)], one)
    assert check_sum(Decimal(301), [Decimal(100), Decimal(199)], one, used=one)


def test_records_say_what_is_wrong_with_them() -> None:
    meter = Meter.from_dict({"id": 7, "serials": [12], "registers": [{"code": "1.8.1", "max_rate": "99.5"}]})
    assert (meter.id, meter.serials, meter.registers[0].max_rate) == ("7", ("12",), Decimal("99.5"))
    for wrong in ({}, {"id": 1, "registers": [{"digits": 20}]}, {"id": 1, "registers": [{"colour": 1}]}):
        with pytest.raises(UsageError):
            Meter.from_dict(wrong)
    with pytest.raises(UsageError, match="time zone"):
        PastReading("total", Decimal(1), datetime(2026, 1, 1))
    with pytest.raises(UsageError, match="when the photo was taken"):
        Known(history=(past("1", 0),))
