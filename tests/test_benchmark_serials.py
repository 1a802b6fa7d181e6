"""Would catch: a report of serials that calls a wrong match, or a right meter called wrong, a promise kept."""

from benchmarks import serials
from recognizer.domain.code import Code
from recognizer.domain.observation import Observation, PlateText

BOX = ((0.0, 0.0), (90.0, 0.0), (90.0, 20.0), (0.0, 20.0))


def case(serial: str, text: str, confidence: float = 0.97, code: str = "") -> serials.Case:
    codes = (Code("Code128", code, b"", BOX),) if code else ()
    texts = (PlateText(text, confidence, BOX),)
    return serials.Case("a.jpg", "some", serial, Observation(100, 100, 1.0, codes=codes), texts, (1.0, 2.0))


def test_what_is_counted() -> None:
    cases = [
        case("1234567", "No. 1234567"),
        case("2345678", "2345678", 0.3),  # among the candidates, and not named
        case("3456789", "9999999"),
        case("8888888", "nothing"),
    ]
    text, met = serials.report(cases, "train")
    assert met
    assert "| all | 4 | 1 (25.0%) | 4.6% to 69.9% | 1 | 2 | 2 |" in text
    assert "3.0 times as long" in text
    counts = serials.verdicts(cases, serials.WITNESSES["print alone"], lambda c: [c.serial])
    assert counts == {"match": 1, "unknown": 3}


def test_a_wrong_match_and_a_right_meter_called_wrong_break_the_promise() -> None:
    wrong = [case("1234567", "No. 7654321"), case("7654321", "7654321")]
    _, met = serials.report(wrong, "train")
    assert not met  # the first photo matches the second's serial
    text, met = serials.report([case("1234567", "1234568"), case("7654321", "nothing")], "train")
    assert met
    assert "In 1 of 2 photos" in text  # a misread digit
    _, met = serials.report([case("1234567", "No. 7654321")], "train")
    assert not met
    _, met = serials.report([case("1234567", "No. 1234567", code="1234567")], "train")
    assert met


def test_siblings_differ_in_one_digit() -> None:
    near = serials.siblings("A12")
    assert len(near) == len(set(near)) == 18
    assert all(sum(a != b for a, b in zip("A12", other, strict=True)) == 1 for other in near)
