"""Would catch: a misread or another number of the plate taken for the expected serial, a misread digit that calls the
right meter wrong, the reading on the display taken for a serial, and print that crashes or stalls."""

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.code import Code
from recognizer.domain.conclude import conclude
from recognizer.domain.identity import agree, near
from recognizer.domain.meter import Known, Meter
from recognizer.domain.observation import Display, Glyph, Observation, PlateText, Quad
from recognizer.domain.payload import UNCLEAR, Identity, canonical
from recognizer.domain.plate import PlateFacts, facts, identities

DIGITS = "0123456789"
LOOKALIKES = {"0": "ODQ", "1": "IL", "8": "B", "5": "S", "2": "Z", "6": "G"}
numbers = st.text(DIGITS, min_size=6, max_size=12)
labels = st.sampled_from(["", "No. ", "S/N: ", "№ ", "Зав. № ", "Sl.No. ", "PEA No. ", "Serial No "])


def box(x: float = 0, y: float = 0, height: float = 20) -> Quad:
    return ((x, y), (x + 200, y), (x + 200, y + height), (x, y + height))


def line(text: str, confidence: float = 0.98, *, height: float = 20, y: float = 0, beside: bool = False) -> PlateText:
    return PlateText(text, confidence, box(0, y, height), beside)


def seen(*texts: PlateText) -> set[tuple[str, str]]:
    return {(i.serial, i.pattern) for i in identities(texts)}


def agreement(*texts: PlateText, expected: str) -> str:
    return agree(identities(texts), [expected]).agreement


@pytest.mark.parametrize(
    ("text", "serial", "pattern"),
    [
        ("No.1632060000", "1632060000", "labelled"),
        ("‘No. 3381785 2004", "3381785", "labelled"),
        ("№ 25288446- 1996", "25288446", "labelled"),
        ("N° 25288446- 1996", "25288446", "labelled"),
        ("МО.1632101090", "1632101090", "labelled"),  # what a mixed model makes of NO.
        ("Зав. № 12345678", "12345678", "labelled"),
        ("зав. 0123 4567", "01234567", "labelled"),
        ("S/N: L6486984", "L6486984", "labelled"),
        ("Sl.No 1234567", "1234567", "labelled"),
        ("PEA No. 5301234567", "5301234567", "labelled"),
        ("Nr. 1 EMH 00 0123 4567", "1EMH0001234567", "din"),
        ("1 EMH 00 0123 4567", "1EMH0001234567", "din"),
        ("|1ЕМН0001234567_", "1EMH0001234567", "din"),
        ("(3479468 !:", "3479468", "serial"),
        ("181 203 620", "181203620", "serial"),
    ],
)
def test_a_line_is_understood(text: str, serial: str, pattern: str) -> None:
    assert (serial, pattern) in seen(line(text))
    assert all(i.witness == UNCLEAR for i in identities([line(text, 0.3)]))


@pytest.mark.parametrize(
    "text",
    ["IEC 62053-21", "PDM 336-2015", "IEC 6205321", "CM/L-6200111475", "10-60 A 230 V 50 Hz", "NOVEMBER", "No. 12"]
    + ["220V 10(80)A 50Hz 1600imp/kWh", "2100/2300/2500 MHz", "No smoking 12", "TYPE NO: S4DLF1010", "МЕТЕР"],
)
def test_other_numbers_of_a_plate_are_no_serial(text: str) -> None:
    assert not [i for i in identities([line(text)]) if i.pattern in {"labelled", "din", "serial"}]


def test_the_best_guess_stands_beside_a_code_or_in_the_largest_print() -> None:
    large, small = line("7654321", height=40), line("1234567")
    assert seen(large, small) == {("7654321", "serial"), ("1234567", "other")}
    assert seen(large, replace(small, beside_code=True)) == {("7654321", "other"), ("1234567", "serial")}
    assert seen(replace(large, confidence=0.3), small) == {("7654321", "other"), ("1234567", "serial")}
    code = Code("Code128", "9999999", b"", box())
    assert {i.pattern for i in identities([large, small], codes=[code])} == {"other"}
    assert agree(identities([replace(large, confidence=0.3)])).serial is None  # unclear print is not named


@given(numbers, numbers, labels, st.sampled_from([0.3, 0.9, 0.98]))
def test_another_number_never_matches(read: str, expected: str, label: str, confidence: float) -> None:
    if read != expected:
        assert agreement(line(label + read, confidence), expected=expected) != "match"


@given(st.text(DIGITS, min_size=7, max_size=12), labels, st.data())
def test_a_misread_serial_is_neither_match_nor_mismatch(serial: str, label: str, data: st.DataObject) -> None:
    """Any two wrong, lost or added digits, and any number of lookalikes."""
    read = list(serial)
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, len(read) - 1))
        read[place] = data.draw(st.sampled_from(["", *DIGITS, read[place] + "1", "7" + read[place]]))
    read = [data.draw(st.sampled_from([c, *LOOKALIKES.get(c, "")])) for c in "".join(read)]
    text = "".join(read)
    assert near(text, serial)
    verdict = agree(identities([line(label + text)]), [serial])
    assert verdict.agreement == ("match" if text == serial else "unknown")
    if text != serial and identities([line(label + text)]):
        assert "serial_unclear" in [f.code for f in verdict.findings]


@given(numbers, labels)
def test_unclear_print_decides_nothing(serial: str, label: str) -> None:
    unclear = line(label + serial, 0.3)
    assert agreement(unclear, expected=serial) == "unknown"
    assert agreement(unclear, expected="".join(str(9 - int(c)) for c in serial)) == "unknown"


def test_a_mismatch_by_print_takes_a_word_for_it_and_the_form_of_the_expected_serial() -> None:
    assert agreement(line("No. 7654321"), expected="1234567") == "mismatch"
    assert agreement(line("7654321"), expected="1234567") == "unknown"
    assert agreement(line("No. 7654321"), expected="12345678") == "unknown"
    assert agreement(line("No. 7654321"), expected="A234567") == "unknown"
    assert agreement(line("No. 7654321"), line("1234568", 0.3), expected="1234567") == "unknown"
    assert agreement(line("No. 7654321"), line("1234567"), expected="1234567") == "unknown"


def test_print_near_the_expected_serial_holds_back_a_code_that_says_another() -> None:
    modem = Identity("7654321", "serial", "code128")
    assert agree([modem], ["1234567"]).agreement == "mismatch"
    assert agree([modem, *identities([line("1234569")])], ["1234567"]).agreement == "unknown"
    # A sibling of the expected meter: code and print say the same.
    sibling = Identity("1234569", "serial", "code128")
    assert agree([sibling, *identities([line("1234569", beside=True)])], ["1234567"]).agreement == "mismatch"


def test_print_is_the_second_witness_of_a_code() -> None:
    codes = [Identity("12345678", "serial", "code128")]
    apart = agree([*codes, *identities([line("87654321", beside=True)])], ["12345678"])
    assert (apart.agreement, [f.code for f in apart.findings]) == ("match", ["serial_disagreement"])
    same = agree([*codes, *identities([line("No. 12345678", beside=True)])], ["12345678"])
    assert (same.agreement, same.findings) == ("match", ())


def test_a_serial_of_any_form_matches_and_is_no_guess() -> None:
    print_ = line("-I20BA008111.")
    assert agreement(print_, expected="I20BA008111") == "match"
    assert agreement(print_, expected="I20BA008112") == "unknown"
    assert agree(identities([print_])).serial is None  # a type may look the same


def test_letters_that_look_the_same_are_the_same_in_print() -> None:
    verdict = agree(identities([line("№ АВ1234567")]), ["AB1234567"])
    assert (verdict.agreement, [f.code for f in verdict.findings]) == ("match", ["serial_from_print"])
    assert verdict.findings[0].note
    assert agreement(line("№ AB1234567"), expected="АВ1234567") == "match"
    assert agreement(line("№ O1234567"), expected="01234567") == "unknown"


def display(text: str, quad: Quad, score: float = 0.9) -> Display:
    glyphs = tuple(Glyph(((c, 0.999),), i / len(text), (i + 1) / len(text)) for i, c in enumerate(text))
    return Display("drum", quad, score, 0.99, glyphs)


def test_the_reading_is_no_serial_and_the_serial_no_reading() -> None:
    reading = Observation(400, 300, 1.0, (display("012345", box()),), plate=(line("012345", height=30),))
    report = conclude(reading, source="")
    assert (report.serial, report.readings[0].text, report.readings[0].status) == (None, "012345", "accepted")
    # The same number elsewhere, behind the word for a serial: what was taken for a display is the print.
    sticker = replace(reading, plate=(line("No. 012345"),))
    report = conclude(sticker, source="")
    assert (report.serial, report.readings[0].text) == ("012345", "")
    assert "serial_number" in [f.code for f in report.readings[0].findings]


def test_the_report_follows_the_print() -> None:
    seen_photo = Observation(400, 300, 1.0, (display("00123", box(y=100)),), plate=(line("No. 7654321"), line("kWh")))
    right = conclude(seen_photo, source="", known=Known(Meter("m", ("7654321",))))
    assert (right.agreement, right.status, right.readings[0].unit) == ("match", "accepted", "kWh")
    wrong = conclude(seen_photo, source="", known=Known(Meter("m", ("1234567",))))
    assert (wrong.agreement, wrong.status) == ("mismatch", "review")
    assert right.to_dict()["plate"][0]["text"] == "No. 7654321"


def test_an_observation_keeps_its_print() -> None:
    whole = Observation(400, 300, 1.0, plate=(line("№ 7654321", 0.9, beside=True),))
    assert Observation.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole
    before = whole.to_dict()
    del before["plate"]  # as stored before print was read
    assert Observation.from_dict(before) == replace(whole, plate=())


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["220V 50Hz 1600imp/kWh", "TYP A52.", "kWh"], PlateFacts("kWh", "1600 imp/kWh", "A52")),
        (["375 obr/kW·h-"], PlateFacts("kWh", "375 rev/kWh")),
        (["3200 имп/кВт·ч", "Тип CE101"], PlateFacts("kWh", "3200 imp/kWh", "CE101")),
        (["-400xung/kW-h 400xung/kvar-h"], PlateFacts()),  # two registers: neither is the meter's
        (["m³", "MODEL:DTS27"], PlateFacts("m³", None, "DTS27")),
        (["230 V 10 A 50 Hz"], PlateFacts()),
    ],
)
def test_facts(texts: list[str], expected: PlateFacts) -> None:
    assert facts([line(text) for text in texts]) == expected
    assert facts([line(text, 0.3) for text in texts]) == PlateFacts()


@given(st.lists(st.builds(line, st.text(min_size=1).filter(str.strip), st.sampled_from([0.3, 0.98])), max_size=6))
def test_any_print_has_an_answer_and_its_order_does_not_matter(texts: list[PlateText]) -> None:
    assert set(identities(texts)) == set(identities(texts[::-1]))
    facts(texts)
    agree(identities(texts), [canonical(text.text) for text in texts])


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "No. " * 5000, "1 " * 5000, "S/N " + "A1" * 9000, "9/" * 9000, "№" * 99]
)
def test_hostile_print_takes_no_time(text: str) -> None:
    begin = time.perf_counter()
    identities([line(text)] * 24)
    facts([line(text)] * 24)
    assert time.perf_counter() - begin < 1
