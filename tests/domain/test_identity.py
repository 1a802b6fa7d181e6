"""Would catch: a wrong serial taken for the expected one, a seal, modem, bank account or bill taken for the meter,
a meter called wrong on a single doubtful code, and a text that crashes or stalls the reader of codes."""

import time
from string import digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.identity import CHECKSUMMED, Verdict, agree
from recognizer.domain.payload import Identity, canonical, payment_fields, read_code, read_printed

BILL = (
    'ST0001{}|Name=ООО "Три кита"|PersonalAcc=40702810138250123017|BankName=ОАО БАНК|BIC=044525225'
    "|PersAcc=7700123456|CounterId=12345678|CounterVal=005778|Sum=150099"
)
ENCODINGS = {1: "cp1251", 2: "utf-8", 3: "koi8-r"}
kinds = st.sampled_from(["QRCode", "DataMatrix", "Code128", "Code39", "ITF", "EAN13", "Codabar", "printed", "?"])
serials = st.text("0123456789ABCDEFXЖ", min_size=4, max_size=18)
dressings = st.sampled_from(
    [
        "{}",
        " {}\r\n",
        "S/N: {}",
        "№ {}",
        "https://u.example/{}",
        "https://u.example/?serial={}",
        "www.u.example/meter/{}",
    ]
    + ["ST00012|CounterId={}|", "GAE{:0>9}ZZZZZ", "x;S/N {};2024"]
)


def judge(*codes: tuple[str, str], printed: tuple[str, ...] = (), expected: tuple[str, ...] = ("12345678",)) -> Verdict:
    seen = [identity for kind, text in codes for identity in read_code(kind, text)]
    return agree([*seen, *(i for line in printed for i in read_printed(line))], expected)


def patterns(kind: str, text: str) -> set[tuple[str, str]]:
    return {(i.serial, i.pattern) for i in read_code(kind, text)}


def reasons(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.findings]


@pytest.mark.parametrize(
    ("text", "serial", "pattern"),
    [
        ("12345678", "12345678", "serial"),
        ("ab-123 456\r\n", "AB123456", "serial"),
        ("1 EMH 00 0123 4567", "1EMH0001234567", "din"),
        ("1EMH0001234567", "1EMH0001234567", "din"),
        ("7ELS1234567890", "7ELS1234567890", "din"),
        ("EPPC0210123456", "EPPC0210123456", "device"),  # a gateway beside the meter
        ("12G012345678AB1CD", "12345678", "aep"),
        ("S/N: 12345678", "12345678", "labelled"),
        ("Зав. № 12345678", "12345678", "labelled"),
        ("CE101;№12345678;2024", "12345678", "labelled"),
        ("https://u.example/meter/12345678?x=1", "12345678", "labelled"),
        ("HTTPS://U.EXAMPLE/?Serial_No=12345678", "12345678", "labelled"),
        ("www.u.example/a/12345678", "12345678", "link"),
        ("https://u.example/#/sn/1234%205678", "12345678", "labelled"),
        ("490154203237518", "490154203237518", "device"),  # IMEI of a modem
        ("8970199000000000000", "8970199000000000000", "device"),  # SIM card
        ("00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E", "device"),
        ("hello, world 1", "HELLO,WORLD1", "other"),
    ],
)
def test_a_text_is_recognised(text: str, serial: str, pattern: str) -> None:
    assert (serial, pattern) in patterns("QRCode", text)


def test_what_is_no_serial_is_none() -> None:
    assert patterns("EAN13", "4601234567893") == {("4601234567893", "other")}
    assert patterns("QRCode", "0EMH0001234567") == {("0EMH0001234567", "serial")}  # sector 0 is not in use
    assert patterns("QRCode", "https://u.example/?account=12345678&value=005778&CounterVal=1234567") == set()
    assert patterns("QRCode", "https://[bad/12345678") == set()
    # A serial that goes on after what fits is not the part that does.
    assert ("12345678", "labelled") not in patterns("QRCode", "S/N 12345678" + " " * 60 + "9")


@pytest.mark.parametrize("digit", [1, 2, 3])
def test_a_bill_gives_the_meter_and_never_the_bank_account(digit: int) -> None:
    text = BILL.format(digit)
    data = text.encode(ENCODINGS[digit])
    mistaken = data.decode("latin-1")
    for fields in (
        payment_fields(text),
        payment_fields("?", data),
        payment_fields(mistaken, data),
        payment_fields(mistaken),
        payment_fields(text, b"raw bytes of another form"),
    ):
        assert fields is not None
        assert (fields["Name"], fields["CounterId"], fields["Sum"]) == ('ООО "Три кита"', "12345678", "150099")
    assert patterns("QRCode", text) == {("12345678", "bill"), ("7700123456", "account")}
    for wrong in ("40702810138250123017", "7700123456", "005778", "5778", "150099"):
        assert judge(("QRCode", text), expected=(wrong,)).agreement == "unknown"
    verdict = judge(("QRCode", text))
    assert (verdict.agreement, reasons(verdict)) == ("match", ["serial_from_bill"])
    # The bill of the right flat held beside another meter.
    assert judge(("QRCode", text), ("ITF", "87654321")).agreement == "unknown"
    assert judge(("QRCode", text), ("Code128", "87654321")).agreement == "mismatch"


@pytest.mark.parametrize("separator", list("|~;^#\t\x1d"))
def test_any_character_parts_the_fields_of_a_bill(separator: str) -> None:
    fields = payment_fields(BILL.format(2).replace("|", separator))
    assert fields is not None
    assert (fields["BIC"], fields["CounterId"]) == ("044525225", "12345678")


def test_a_bill_that_declares_another_encoding_than_it_has() -> None:
    fields = payment_fields("", BILL.format(1).encode("utf-8"))
    assert fields is not None
    assert fields["Name"] == 'ООО "Три кита"'
    for encoding in ("utf-8", "cp1251"):  # characters between the letters of Latin-1
        fields = payment_fields("ST00011|Name=ООО «Три – №1»|CounterId=1".encode(encoding).decode("cp1252", "ignore"))
        assert fields is not None
        assert fields["CounterId"] == "1"
    assert payment_fields("ST00011|Name=ООО «Три – №1»") == {"Name": "ООО «Три – №1»"}
    assert payment_fields("ST00012|A=1|A=2") == {"A": "1"}
    assert payment_fields("ST00012345678") is None
    assert payment_fields("ST00014|CounterId=1") is None
    assert payment_fields("ST00012") == {}


@pytest.mark.parametrize(
    ("codes", "printed", "expected", "agreement"),
    [
        ([("QRCode", "1 emh 00 0123-4567")], (), "1EMH0001234567", "match"),
        ([("QRCode", "1EMH0001234568")], (), "1EMH0001234567", "mismatch"),
        ([("QRCode", "1ISK0001234567")], (), "1EMH0001234567", "mismatch"),
        ([("QRCode", "01234567")], (), "1EMH0001234567", "unknown"),  # the serial of any manufacturer
        ([("QRCode", "1EMH0001234567")], (), "01234567", "unknown"),
        ([("Code128", "12G012345678AB1CD")], (), "12345678", "match"),
        ([("Code128", "12G012345678AB1CD")], (), "0012345678", "unknown"),
        ([("Code128", "12G012345679AB1CD")], (), "12345678", "mismatch"),
        ([("Code39", "12G012345678AB1CD")], (), "12345678", "unknown"),  # not the whole of an unchecked code
        ([("Code128", "0012345678")], (), "12345678", "unknown"),  # no format that pads
        ([("Code128", "011076123456789")], (), "123456789", "unknown"),  # a prefix in the code only
        ([("ITF", "12345678")], (), "12345678", "match"),
        ([("ITF", "12345")], (), "12345", "unknown"),
        ([("ITF", "87654321")], (), "12345678", "unknown"),
        ([("ITF", "87654321")], ("87654321",), "12345678", "mismatch"),
        ([("ITF", "87654321"), ("ITF", "87654321")], (), "12345678", "unknown"),
        ([("unheard-of", "87654321")], (), "12345678", "unknown"),
        ([("QRCode", "87654321")], (), "12345678", "mismatch"),
        ([("QRCode", "87654321"), ("Code128", "12345678")], (), "12345678", "match"),  # modem and meter
        ([("DataMatrix", "7654321")], (), "12345678", "unknown"),  # a seal
        ([("DataMatrix", "87654321")], (), "12345678", "mismatch"),
        ([("EAN13", "4601234567893")], (), "12345678", "unknown"),
        ([("QRCode", "CE101S6145")], (), "12345678", "unknown"),  # a type, not a meter
        ([("QRCode", "490154203237518")], (), "12345678", "unknown"),
        ([("QRCode", "https://u.example/client/12345678?serial=87654321")], (), "12345678", "unknown"),
        ([], ("№ 12345678",), "12345678", "match"),
        ([], ("12345679",), "12345678", "unknown"),
        ([("QRCode", "12345678")], (), "", "unknown"),
        ([("QRCode", "1")], (), "1", "unknown"),
    ],
)
def test_agreement(codes: list[tuple[str, str]], printed: tuple[str, ...], expected: str, agreement: str) -> None:
    assert judge(*codes, printed=printed, expected=(expected,)).agreement == agreement


def test_the_verdict_says_why() -> None:
    wrong = judge(("QRCode", "87654321"))
    assert (wrong.serial, reasons(wrong)) == ("87654321", ["wrong_meter"])
    assert "87654321" in wrong.findings[0].message
    assert "12345678" in wrong.findings[0].message
    apart = judge(("QRCode", "12345678"), printed=("12345673",))
    assert (apart.agreement, apart.serial, reasons(apart)) == ("match", "12345678", ["serial_disagreement"])
    torn = judge(("QRCode", "87654321"), printed=("12345678",))
    assert (torn.agreement, reasons(torn)) == ("unknown", ["serial_disagreement"])
    two = judge(("QRCode", "1EMH0001234567"), ("QRCode", "1EMH0001234568"), expected=("1EMH0001234567",))
    assert (two.agreement, reasons(two)) == ("unknown", ["several_meters"])


def test_without_an_expected_serial_the_best_candidate_is_reported() -> None:
    verdict = judge(("ITF", "00000000"), ("DataMatrix", "0EMH"), ("QRCode", "1EMH0001234567"), expected=())
    assert (verdict.agreement, verdict.serial, len(verdict.identities)) == ("unknown", "1EMH0001234567", 3)
    assert judge(("QRCode", "490154203237518"), expected=()).serial is None
    assert agree(read_code("QRCode", "12345678"), "12345678").agreement == "match"  # one serial is not eight


def plain(text: str) -> str:
    return "".join(c for c in text.upper().strip() if c not in " -")


@given(serials, serials, dressings, st.sampled_from(["QRCode", "Code128", "ITF", "printed"]))
def test_another_serial_never_matches(seen: str, wanted: str, dressing: str, kind: str) -> None:
    text = dressing.format(seen)
    padded = dressing.startswith("GAE") and seen.lstrip("0") == wanted.lstrip("0")
    if plain(wanted) not in {plain(seen), plain(text)} and not padded:
        assert judge((kind, text), expected=(wanted,)).agreement != "match"


@given(st.text(digits, min_size=8, max_size=12), st.data(), dressings, kinds)
def test_one_wrong_character_never_matches(wanted: str, data: st.DataObject, dressing: str, kind: str) -> None:
    place = data.draw(st.integers(0, len(wanted) - 1))
    other = data.draw(st.sampled_from(digits.replace(wanted[place], "") + "OlſО"))
    seen = dressing.format(wanted[:place] + other + wanted[place + 1 :])
    verdict = judge((kind, seen), expected=(wanted,))
    assert verdict.agreement != "match"
    if kind not in {"QRCode", "DataMatrix", "Code128", "EAN13"}:
        assert verdict.agreement == "unknown"


@given(st.lists(st.tuples(kinds, st.one_of(serials, st.text(max_size=40)))), st.lists(serials, max_size=3))
def test_the_order_of_codes_does_not_matter(codes: list[tuple[str, str]], expected: list[str]) -> None:
    assert judge(*codes, expected=tuple(expected)) == judge(*reversed(codes), expected=tuple(expected))


@given(st.lists(st.tuples(kinds, serials)), serials)
def test_a_mismatch_is_founded(codes: list[tuple[str, str]], wanted: str) -> None:
    verdict = judge(*codes, expected=(wanted,))
    assert ("wrong_meter" in reasons(verdict)) == (verdict.agreement == "mismatch")
    if verdict.agreement == "mismatch":
        witnesses = {i.witness for i in verdict.identities if i.serial == verdict.serial}
        assert witnesses & CHECKSUMMED or len(witnesses) > 1


@given(st.one_of(st.text(), st.text().map("ST00011|".__add__), st.text().map("https://".__add__)), kinds, st.binary())
def test_any_text_has_an_answer(text: str, kind: str, data: bytes) -> None:
    for raw in (b"", data, b"ST00012|" + data, b"ST00013" + data):
        identities = read_code(kind, text, raw)
        assert all(isinstance(identity, Identity) for identity in identities)
        agree(identities, [text, canonical(text)])


@pytest.mark.parametrize(
    "text",
    ["1" * 10_000_000, "№" * 7900, "https://a/" + "a1b2c3/" * 1100, "S/N " * 2000, "ST00012|" + "=|" * 3900]
    + ["ST00011|" * 900, "😀" * 7000, "\x00\ud800\x1b" * 2000, "https://a/?" + "&serial=123456" * 560, "0" * 8000],
)
def test_a_hostile_text_takes_no_time(text: str) -> None:
    start = time.perf_counter()
    agree(read_code("QRCode", text, text.encode("utf-8", "replace")), [text, "12345678"])
    assert time.perf_counter() - start < 2
