"""From an accepted report to the line that a utility takes: SMS, portal, table row, or read out on the phone.

Utilities differ, so their forms are data (``recognizer.domain.forms``). Digits are cut off, never rounded: a
rounded-up reading bills energy that was not used.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recognizer.domain.forms import Form
from recognizer.domain.payload import canonical
from recognizer.domain.reading import Report
from recognizer.errors import InputError, UsageError

_VALUE = re.compile(r"[0-9]+(?:\.[0-9]*)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What of a report matters here; ``readings`` are (register, text, status), the billed register's first."""

    status: str
    readings: tuple[tuple[str, str, str], ...]
    serial: str | None = None
    agreement: str = "unknown"

    @classmethod
    def from_report(cls, report: Report) -> "Answer":
        return cls.from_dict(report.to_dict())

    @classmethod
    def from_dict(cls, data: Any) -> "Answer":
        """From the contract's JSON object; InputError when it is none."""
        try:
            readings = tuple((str(r["register"]), str(r["text"]), str(r["status"])) for r in data["readings"])
            meter = data.get("meter") or {}
            serial = None if meter.get("serial") is None else str(meter["serial"])
            return cls(str(data["status"]), readings, serial, str(meter.get("agreement", "unknown")))
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError(f"this is not a report of meter read or meter batch ({error!r})") from error


def submission_text(
    answer: Answer,
    form: Form,
    *,
    registers: Sequence[str],
    account: str | None = None,
    meter: str | None = None,
    confirmed: bool = False,
) -> str:
    """The text to send. ``registers`` are in the utility's order: ``T1``, ``1.8.2``, ``total``.

    ``meter`` is by default the serial of a report whose meter agrees with the record. Readings that were not
    accepted, and reports on a wrong meter, take ``confirmed``: a person looked at them and vouches.
    Raises UsageError for what is missing, for a refused reading (always) and for one not accepted (without the flag).
    """
    if not registers:
        raise UsageError("name the registers to submit, in the order of the utility: total, or T1, T2 …")
    if answer.agreement == "mismatch" and not confirmed:
        raise UsageError(f"the photo shows another meter ({answer.serial}); a person has to confirm this report")
    if answer.status != "accepted" and not confirmed:
        raise UsageError(f"the report has the status {answer.status}; a person has to confirm it")
    if answer.agreement == "match" and answer.serial:
        if meter is not None and canonical(meter) != canonical(answer.serial):
            raise UsageError(f"the report is of the meter {answer.serial}, not of {meter}")
        meter = meter or answer.serial
    values = {name: _number(_text(answer, name, confirmed), form) for name in registers}
    if len(values) < len(registers):
        raise UsageError(f"a register is named twice: {', '.join(registers)}")
    given = {"account": account, "meter": meter}
    row: dict[str, str] = {}
    for name in form.fields:
        plain = name.removesuffix("?")
        if plain == "readings":
            row |= {f"readings.{register}": value for register, value in values.items()}
        elif given[plain]:
            row[plain] = _field(plain, str(given[plain]), form)
        elif not name.endswith("?"):
            raise UsageError(f"the form {form.name} needs the {plain}: give it")
    return _join(row, form)


def _text(answer: Answer, register: str, confirmed: bool) -> str:
    """The displayed text of a register. T1 is 1.8.1; of several displays without a name the first is the billed one."""
    wanted = {register, f"1.8.{register[1:]}"} if re.fullmatch("T[1-9]", register) else {register}
    wanted |= {"1.8.0"} if register == "total" else set()
    found = [(text, status) for name, text, status in answer.readings if name in wanted]
    if not found:
        seen = ", ".join(dict.fromkeys(name for name, _, _ in answer.readings)) or "none"
        raise UsageError(f"the report has no reading of register {register}; it has: {seen}")
    billed_first = register == "total" and answer.readings[0][0] in wanted
    if len(set(found)) > 1 and not billed_first:
        raise UsageError(f"the report has several different readings of register {register}")
    text, status = found[0]
    if status == "refused" or not _VALUE.fullmatch(text):
        raise UsageError(f"register {register} was not read")
    if status != "accepted" and not confirmed:
        raise UsageError(f"the reading of register {register} has the status {status}; a person has to confirm it")
    return text


def _number(text: str, form: Form) -> str:
    whole, _, part = text.partition(".")
    part = part if form.decimals == "shown" else part[: form.decimals]
    whole = (whole.lstrip("0") or "0") if form.zeros == "strip" else whole
    return f"{whole}.{part}" if part else whole


def _field(name: str, value: str, form: Form) -> str:
    if not value.strip() or not value.isprintable() or (form.style == "text" and form.separator in value):
        raise UsageError(f"the {name} {value!r} does not fit into the form {form.name}")
    return value.strip()


def _join(row: Mapping[str, str], form: Form) -> str:
    """``row`` holds account and meter and, as ``readings.NAME``, the registers, in their order."""
    if form.style == "spoken":
        return ", ".join(f"{_label(key, form)} {_spell(value, form)}" for key, value in row.items())
    shown = {key: value.replace(".", form.point) if _is_reading(key) else value for key, value in row.items()}
    if form.style == "text":
        return form.separator.join(shown.values())
    if form.style == "csv":
        line = io.StringIO()
        csv.writer(line, delimiter=form.separator, lineterminator="").writerow(shown.values())
        return line.getvalue()
    record: dict[str, Any] = {}
    for key, value in shown.items():
        if _is_reading(key):
            record.setdefault("readings", {})[key.removeprefix("readings.")] = value
        else:
            record[key] = value
    return json.dumps(record, ensure_ascii=False)


def _is_reading(key: str) -> bool:
    return key.startswith("readings.")


def _label(key: str, form: Form) -> str:
    name = key.removeprefix("readings.")
    return form.labels.get(name, name)


def _spell(value: str, form: Form) -> str:
    spoken = {str(digit): word for digit, word in enumerate(form.words)} | {".": form.point}
    return " ".join(spoken.get(char, char) for char in value if not char.isspace())
