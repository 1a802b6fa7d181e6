"""Would catch: an earlier reading or a record given on the command line and not looked at, and a reading sent to a
utility that no one accepted."""

import json
from pathlib import Path

import pytest

from recognizer.cli import main
from recognizer.cli_known import read_known
from recognizer.errors import UsageError

SAMPLE = Path(__file__).parents[1] / "samples" / "02-drum-red-decimals.jpg"
RECORD = 'id = "m"\nserials = ["123"]\n[[registers]]\ncode = "8.1.0"\nunit = "m3"\ndigits = 5\ndecimals = 3\n'


def read(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    main(["read", str(SAMPLE), "--json", *options])
    report: dict[str, object] = json.loads(capsys.readouterr().out)
    return report


def test_earlier_readings_and_a_record_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "meter.toml"
    record.write_text(RECORD)
    plain = read(capsys)["readings"][0]  # type: ignore[index]
    assert (plain["register"], plain["unit"]) == ("total", None)
    text = plain["text"]
    known = ("--meter", str(record), "--taken-at", "2026-10-01", "--previous", f"{text}@2026-09-01")
    same = read(capsys, *known)["readings"][0]  # type: ignore[index]
    assert (same["register"], same["unit"], same["text"]) == ("8.1.0", "m3", text)
    falls = read(capsys, "--previous", "99990@2026-09-01")
    assert falls["status"] == "review"
    assert "less_than_previous" in [f["code"] for f in falls["readings"][0]["findings"]]  # type: ignore[index]


@pytest.mark.parametrize("wrong", ["12", "x@2026-09-01", "12@yesterday", "@2026-09-01", "NaN@2026-09-01"])
def test_an_earlier_reading_that_says_nothing_is_wrong_use(wrong: str) -> None:
    with pytest.raises(UsageError):
        read_known(None, [wrong], None)


def test_a_register_may_be_named() -> None:
    known = read_known(None, ["1.8.2=12,5@2026-09-01T10:00+03:00", "7@2026-09-01"], "2026-10-01")
    assert known is not None
    assert [(p.register, str(p.value)) for p in known.history] == [("1.8.2", "12.5"), ("total", "7")]
    assert read_known(None, [], None) is None


def test_a_report_goes_out_in_the_form_of_a_utility(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    reading = {"register": "total", "text": "00123.987", "status": "accepted"}
    report.write_text(json.dumps({"status": "accepted", "readings": [reading]}))
    assert main(["submit-text", str(report), "--format", "integer"]) == 0
    assert capsys.readouterr().out == "123\n"
    report.write_text(json.dumps({"status": "review", "readings": [reading | {"status": "review"}]}))
    assert main(["submit-text", str(report), "--format", "integer"]) == 2
    assert "confirm" in capsys.readouterr().err
    assert main(["submit-text", str(report), "--format", "integer", "--confirmed"]) == 0
    capsys.readouterr()
    assert main(["submit-text", str(report), "--format", "telex"]) == 2
    assert main(["submit-text", str(tmp_path / "none.json"), "--format", "sms"]) == 1
    report.write_text("no json")
    assert main(["submit-text", str(report), "--format", "sms"]) == 1
