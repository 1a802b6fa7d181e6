"""Would catch: a reading sent rounded up, padded or to the wrong tariff, one that nobody confirmed, one of another
meter, and a form whose separator tears a field apart."""

import csv
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.forms import Form, load_forms
from recognizer.domain.reading import Reading, Report, Status
from recognizer.domain.submission import Answer, submission_text
from recognizer.errors import InputError, UsageError

FORMS = load_forms()
BOX = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
TARIFFS = Answer("accepted", (("1.8.1", "05778.3", "accepted"), ("1.8.2", "02542.9", "accepted")))
texts = st.from_regex(r"[0-9]{1,8}(\.[0-9]{0,4})?", fullmatch=True)
names = st.sampled_from(sorted(FORMS))


def submit(answer: Answer, form: str, *registers: str, **known: Any) -> str:
    return submission_text(answer, FORMS[form], registers=registers or ("T1", "T2"), **known)


def single(text: str, status: str = "accepted", register: str = "total") -> Answer:
    return Answer(status, ((register, text, status),))


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_its_example(name: str) -> None:
    assert FORMS[name].description
    assert submit(TARIFFS, name, account="123456789", meter="12345678") == FORMS[name].example


def test_the_order_of_registers_is_the_utilitys() -> None:
    assert submit(TARIFFS, "sms", "T2", "1.8.1", account="1", meter="2") == "1#2#02542#05778"


def test_digits_are_cut_off() -> None:
    assert submit(single("00999.99"), "integer", "total") == "999"
    assert submit(single("00000"), "integer", "total") == "0"
    assert submit(single("000.50"), "decimal", "total") == "0.50"
    two = replace(FORMS["decimal"], decimals=2)
    assert submission_text(single("00123.459"), two, registers=["total"]) == "123.45"
    assert submission_text(single("00123.4"), two, registers=["total"]) == "123.4"  # no digit that was not read


def test_a_table_row_is_quoted_and_json_keeps_text() -> None:
    row = submit(TARIFFS, "csv", account='7, "b"', meter="12")
    assert next(csv.reader([row])) == ['7, "b"', "12", "5778.3", "2542.9"]
    assert json.loads(submit(TARIFFS, "json", "T2")) == {"readings": {"T2": "2542.9"}}


def test_the_point_is_spoken() -> None:
    assert submission_text(single("0012.30"), replace(FORMS["phone"], decimals=1), registers=["total"]) == (
        "reading one two point three"
    )


def test_a_missing_part_is_named() -> None:
    for registers, account, meter, missing in [
        (["T1", "T3"], "1", "2", "T3"),
        (["total"], "1", "2", "total"),
        (["T1"], None, "2", "account"),
        (["T1"], "1", "", "meter"),
    ]:
        with pytest.raises(UsageError, match=missing):
            submit(TARIFFS, "sms", *registers, account=account, meter=meter)
    with pytest.raises(UsageError, match="twice"):
        submit(TARIFFS, "integer", "T1", "T1")
    with pytest.raises(UsageError, match="name the registers"):
        submission_text(TARIFFS, FORMS["integer"], registers=())


def test_of_unnamed_displays_the_billed_one_counts_but_two_tariffs_are_a_doubt() -> None:
    side = Answer("accepted", (("total", "00100", "accepted"), ("total", "00007", "accepted")))
    assert submit(side, "integer", "total") == "100"
    doubt = Answer("accepted", (("1.8.1", "00100", "accepted"), ("1.8.1", "00007", "accepted")))
    with pytest.raises(UsageError, match="several"):
        submit(doubt, "integer", "T1")
    # Another register's number is never sent for the one asked for.
    with pytest.raises(UsageError, match=r"2\.8\.1"):
        submit(single("00100", register="2.8.1"), "integer", "T1")


def test_a_wrong_meter_is_not_submitted() -> None:
    matched = replace(TARIFFS, serial="12345678", agreement="match")
    assert submit(matched, "sms", account="1") == "1#12345678#05778#02542"
    assert submit(matched, "sms", account="1", meter="1234-5678").startswith("1#1234-5678#")
    with pytest.raises(UsageError, match="12345678"):
        submit(matched, "sms", account="1", meter="12345679")
    with pytest.raises(UsageError, match="another meter"):
        submit(replace(matched, agreement="mismatch"), "sms", account="1", meter="2")
    with pytest.raises(UsageError, match="needs the meter"):  # a serial that nothing confirms is not sent
        submit(replace(matched, agreement="unknown"), "sms", account="1")


@pytest.mark.parametrize("account", ["1#2", "1\n2", "\x00", "  "])
def test_a_field_that_would_tear_the_line_is_refused(account: str) -> None:
    with pytest.raises(UsageError, match="account"):
        submit(TARIFFS, "sms", account=account, meter="2")


@given(texts, names)
def test_values_are_never_rounded_up_or_grown(text: str, name: str) -> None:
    sent = submission_text(single(text), replace(FORMS[name], fields=["readings"]), registers=["total"])
    if FORMS[name].style == "spoken":
        words = {word: str(digit) for digit, word in enumerate(FORMS[name].words)}
        sent = "".join(words[word] for word in sent.split()[1:])
    elif FORMS[name].style == "json":
        sent = json.loads(sent)["readings"]["total"]
    elif FORMS[name].style == "csv":
        sent = next(csv.reader([sent]))[0]
    value = Decimal(sent.replace(",", "."))
    assert value <= Decimal(text)
    assert Decimal(text) - value < 1
    if FORMS[name].zeros == "keep":
        assert text.startswith(sent)


@given(texts, names, st.sampled_from(["review", "refused", "", "Accepted"]), st.booleans())
def test_what_was_not_accepted_takes_the_flag(text: str, name: str, status: str, whole: bool) -> None:
    form = replace(FORMS[name], fields=["readings"])
    answer = Answer(status if whole else "accepted", (("total", text, status),))
    with pytest.raises(UsageError):
        submission_text(answer, form, registers=["total"])
    if status == "refused":
        with pytest.raises(UsageError, match="not read"):
            submission_text(answer, form, registers=["total"], confirmed=True)
    else:
        assert submission_text(answer, form, registers=["total"], confirmed=True)
    # A report in doubt holds its sure readings back too.
    if status != "refused":
        doubt = Answer(status, (("total", text, "accepted"),))
        with pytest.raises(UsageError, match="status"):
            submission_text(doubt, form, registers=["total"])


@pytest.mark.parametrize("status", ["accepted", "review", "refused"])
def test_a_report_and_its_json_give_the_same(status: Status) -> None:
    text = "" if status == "refused" else "00123.4"
    report = Report("a.jpg", status, (Reading("1.8.1", "kWh", text, 0.99, status, BOX, "lcd"),))
    answer = Answer.from_report(report)
    assert answer == Answer.from_dict(json.loads(json.dumps(report.to_dict())))
    assert answer.readings == (("1.8.1", text, status),)


@pytest.mark.parametrize("data", [None, [], "{}", 7, {}, {"status": "accepted", "readings": [{}]}, {"readings": 1}])
def test_what_is_no_report_is_refused(data: Any) -> None:
    with pytest.raises(InputError, match="not a report"):
        Answer.from_dict(data)


@given(st.recursive(st.none() | st.text() | st.floats(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_a_hostile_report_never_gets_through(data: Any) -> None:
    report = {"status": "accepted", "meter": data, "readings": [{"register": "T1", "text": data, "status": "accepted"}]}
    try:
        sent = submit(Answer.from_dict(report), "integer", "T1")
    except (InputError, UsageError):
        return
    assert sent.isdecimal()


def test_users_add_their_own_forms(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[mine]\ndescription = "d"\nexample = ""\nstyle = "text"\nfields = ["readings", "meter"]\n'
        'separator = ";"\ndecimals = 1\nzeros = "keep"\npoint = ","\n',
        encoding="utf-8",
    )
    forms = load_forms(own)
    assert set(forms) == {*FORMS, "mine"}
    assert submission_text(TARIFFS, forms["mine"], registers=["T1"], meter="9") == "05778,3;9"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("decimal = 1", "unknown: decimal"),
        ("decimals = -1", "decimals"),
        ("decimals = true", "decimals"),
        ("decimals = 1.5", "decimals"),
        ('fields = ["readings", "reading"]', "fields"),
        ('fields = ["account"]', "fields"),
        ('fields = "readings"', "fields"),
        ('style = "xml"', "style"),
        ('zeros = "pad"', "zeros"),
        ('separator = ""', "separator"),
        ('separator = "0"', "separator"),
        ('point = ""', "point"),
        ('separator = "."', "decimal point"),
        ('style = "spoken"', "words"),
        ("description = 1", "description"),
        ('labels = ["a"]', "labels"),
    ],
)
def test_an_unusable_form_is_named(change: str, complaint: str, tmp_path: Path) -> None:
    settings = {"description": '"d"', "example": '""', "style": '"text"', "fields": '["readings"]', "zeros": '"keep"'}
    key, value = change.split(" = ")
    settings |= {"decimals": "1", "separator": '"#"', key: value}
    own = tmp_path / "own.toml"
    own.write_text("[mine]\n" + "\n".join(f"{k} = {v}" for k, v in settings.items()), encoding="utf-8")
    with pytest.raises(UsageError, match=complaint) as caught:
        load_forms(own)
    assert "mine" in str(caught.value)
    assert "own.toml" in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff", b"[", b"a = 1"])
def test_what_is_no_file_of_forms_is_refused(content: bytes, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    with pytest.raises(UsageError, match="cannot be read"):
        load_forms(own)
    own.write_bytes(content)
    with pytest.raises(UsageError, match=r"own\.toml"):
        load_forms(own)


def test_a_form_checks_itself() -> None:
    with pytest.raises(ValueError, match="one character"):
        Form("t", "", "", "csv", ["readings"], 0, "keep", separator="ab")
