"""What the texts beside the digits mean: units, tariff marks, OBIS codes, words.

Only what holds on every meter stands here. What differs between makes (page codes, titles, EA and EB, arrows that point
at a printed legend) is a profile's: see ``profiles.toml``.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

Quantity = Literal["active", "reactive", "apparent", "volume", "heat", "power", "clock", "other"]
"""What a unit measures; the first five are counted in registers, the others never are."""
Reason = Literal[
    "display_test", "clock", "date", "power", "demand", "history", "serial", "error", "other", "register_unknown"
]
"""Why a screen is no reading. ``register_unknown`` may be one, but nothing says of which register."""
REASONS: tuple[Reason, ...] = get_args(Reason)

# Letters that look the same on a display; vision cannot tell them apart, and Т1 is T1.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХЁ", "ABEKMHOPCTYXE")
_CIRCLED = {chr(ord("①") + n): n + 1 for n in range(8)}
_UNITS_AS_WRITTEN: tuple[tuple[str, Quantity, str], ...] = (
    ("Wh", "active", "Втч"),
    ("kWh", "active", "кВтч"),
    ("MWh", "active", "МВтч"),
    ("GWh", "active", "ГВтч"),
    ("kvarh", "reactive", "кварч kvrh"),
    ("Mvarh", "reactive", "Мварч"),
    ("kVAh", "apparent", "кВАч"),
    ("MVAh", "apparent", ""),
    ("m³", "volume", "м3 cbm"),
    ("L", "volume", "л"),
    ("ft³", "volume", "cf cuft"),
    ("CCF", "volume", ""),
    ("gal", "volume", "usgal"),
    ("GJ", "heat", "ГДж"),
    ("MJ", "heat", "МДж"),
    ("Gcal", "heat", "Гкал"),
    ("W", "power", "Вт"),
    ("kW", "power", "кВт"),
    ("MW", "power", "МВт"),
    ("kvar", "power", "квар var Mvar"),
    ("kVA", "power", "кВА VA MVA"),
    ("s", "clock", "sec с сек"),  # Mercury 200 shows hours, minutes and seconds with "с" at the right
    ("V", "other", "В kV"),
    ("A", "other", "kA"),
    ("Hz", "other", "Гц"),
    ("h", "other", "ч min"),
    ("m³/h", "other", "м3/ч l/h l/min л/ч gpm"),
    ("%", "other", "cosφ PF °C °F K bar kg £ € $ ₽ руб Rs ₹ ₦ p/kWh"),
)


def plain(text: str) -> str:
    """The text without case, spaces and differences that a display does not show; ``,`` is a point."""
    if text.strip() in _CIRCLED:
        return text.strip()
    folded = unicodedata.normalize("NFKC", text).upper().replace(",", ".").translate(_LOOKALIKES)
    return re.sub(r"[\s_]", "", folded)


_UNITS = {
    plain(spelling): (proper, quantity)
    for proper, quantity, others in _UNITS_AS_WRITTEN
    for spelling in (proper, *others.split())
}
_QUANTITY_CODES: dict[Quantity, tuple[int, int]] = {"active": (1, 2), "reactive": (3, 4), "apparent": (9, 10)}
"""OBIS group C for import and export (IEC 62056-61)."""
_CODES_OF: dict[Quantity, frozenset[int]] = {
    "active": frozenset((1, 2, 15, 16)),
    "reactive": frozenset((3, 4, 5, 6, 7, 8)),
    "apparent": frozenset((9, 10)),
}
_COUNTED_BY_MEDIUM = {(6, 1, 0): "heat", (7, 3, 0): "volume", (8, 1, 0): "volume"}
"""Medium, C and D of what heat, gas and water meters count. Only where the display gives the medium."""
_OBIS = re.compile(
    # No zeros in front, else 00.01.00.00, a code of its own on DEC-Psmart meters, would pass for one.
    r"(?:(\d{1,2})-\d{1,3}:)?(0|[1-9]\d{0,2}|[CFLP])\.(0|[1-9]\d{0,2}|F)(?:\.(0|[1-9]\d{0,2}))?(?:[*&.](\d{1,3}))?"
)
_ABSTRACT: dict[tuple[int, int], Reason] = {(9, 1): "clock", (9, 2): "date", (1, 2): "date"}
_SERVICE: dict[tuple[int, int], Reason] = {(96, 1): "serial", (97, 97): "error"}
_TARIFF = re.compile(r"(?:T|RATE|TARIFF)0?([1-8])")
_IN_FORCE = re.compile(r"(?<=\.\d)T[1-8]$")
"""Behind a code, in the same row, stands the tariff that is counted now: 1.8.0 T2 is the total all the same."""
_TOTAL = frozenset(map(plain, ("TOTAL", "TOT", "SUM", "ALL", "CUM", "TOTAL CUM", "Σ", "∑", "СУММА", "ИТОГО", "ВСЕГО")))
_EXPORT = frozenset(("EXP", "EXPORT", "-A", "A-"))
_HARMLESS = frozenset(("IMP", "IMPORT", "+A", "A+", "L1", "L2", "L3", "→", "←", "BATTERY", "SIGNAL", "KEY", "LOCK"))
"""Marks that say nothing of the register: phases, the direction of the load now, icons."""
_WORDS_AS_WRITTEN: dict[Reason, str] = {
    "clock": "TIME CLOCK HOUR ВРЕМЯ",
    "date": "DATE ДАТА",
    "demand": "MAX MD MAXDEMAND DEMAND CUMMD MDI",
    "history": "PREV PREVIOUS LAST HIST HISTORY АРХИВ",
    "serial": "SN S/N SERIAL SERNO ID №",
    "error": "ERR ERROR FF ОШИБКА",
    "display_test": "TEST ТЕСТ",
    "power": "POWER МОЩНОСТЬ",
}
_WORDS = {plain(word): reason for reason, words in _WORDS_AS_WRITTEN.items() for word in words.split()}
_NUMBERED: tuple[tuple[re.Pattern[str], Reason], ...] = (
    # LESCO and others: BP01 is the last billing period but one.
    (re.compile(r"BP\d{1,2}"), "history"),
    (re.compile(r"ERR?\d{1,3}"), "error"),
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one text says: a register's code, a tariff (0: the total), a direction, or why it is no reading."""

    code: str | None = None
    tariff: int | None = None
    export: bool = False
    reason: Reason | None = None
    known: bool = True


def unit_of(text: str) -> tuple[str, Quantity] | None:
    """The unit as it is written properly, and what it measures; None for one that is not known."""
    return _UNITS.get(re.sub(r"[.·•∙⋅*×^'-]", "", plain(text)))


def meaning(text: str) -> Meaning:
    """What a label or a mark says by itself, on any meter."""
    word = plain(text)
    if word in _CIRCLED:
        return Meaning(tariff=_CIRCLED[word])
    if match := _TARIFF.fullmatch(word):
        return Meaning(tariff=int(match[1]))
    bare = word.replace(".", "")
    if len(bare) >= 2 and set(bare) == {"8"}:
        return Meaning(reason="display_test")
    if match := _OBIS.fullmatch(_IN_FORCE.sub("", word)):
        return _obis(*match.groups())
    if word in _TOTAL:
        return Meaning(tariff=0)
    if word in _EXPORT:
        return Meaning(export=True)
    reason = _WORDS.get(bare) or next((why for pattern, why in _NUMBERED if pattern.fullmatch(bare)), None)
    return Meaning(reason=reason, known=reason is not None or word in _HARMLESS)


def register_code(quantity: Quantity, tariff: int, *, export: bool) -> str | None:
    """``1.8.1`` for active energy of tariff 1; None where a tariff of that quantity has no code."""
    if quantity not in _QUANTITY_CODES:
        return None
    return f"{_QUANTITY_CODES[quantity][export]}.8.{tariff}"


def measures(code: str, quantity: Quantity) -> bool:
    """Whether a unit of that quantity can stand beside that code; one that is no OBIS code goes with any."""
    parts = code.split(".")
    if len(parts) != 3 or parts[1] != "8" or not parts[0].isdigit():
        return True
    # Heat meters show active units with codes of their own; those come from a profile.
    return int(parts[0]) in _CODES_OF.get(quantity, frozenset())


def _obis(medium: str | None, c: str, d: str, e: str | None, f: str | None) -> Meaning:
    """IEC 62056-61: C quantity, D how it is processed (8: counted for ever), E tariff, F billing period."""
    if c in ("C", "F", "L", "P") or d == "F":
        # IEC 62056-21 names its service entries by letters: F.F the fatal error, C.1.x the serial.
        return Meaning(reason="error" if "F" in (c, d) else "serial" if (c, d) == ("C", "1") else "other")
    if e is None:
        return Meaning(known=False)  # a page code such as 5.1, or an OBIS code that was cut off
    group, processing, tariff = int(c), int(d), int(e)
    if medium not in (None, "0", "1"):
        counted = (int(medium), group, processing) in _COUNTED_BY_MEDIUM and f in (None, "255")
        return Meaning(code=f"{group}.{processing}.{tariff}") if counted else Meaning(reason="other")
    if group == 0:
        return Meaning(reason="serial" if processing == 0 else _ABSTRACT.get((processing, tariff), "other"))
    if group in (96, 97):
        return Meaning(reason=_SERVICE.get((group, processing), "other"))
    if processing in (2, 4, 5, 6):
        return Meaning(reason="demand")
    if processing == 7:
        # 31 and 32 are current and voltage of the first phase, 11 to 14 those of all, with factor and frequency.
        return Meaning(reason="other" if group % 20 in range(11, 15) else "power")
    if processing != 8:
        # 1.9.x counts since the last reset, 1.19.x and 1.29.x for a day or a quarter of an hour.
        return Meaning(reason="history" if processing in (9, 19, 29) else "other")
    if group not in frozenset().union(*_CODES_OF.values()) or tariff > 8:
        return Meaning(reason="other")  # a single phase, a step of a block tariff
    if f not in (None, "255"):
        return Meaning(reason="history")
    return Meaning(code=f"{group}.8.{tariff}")
