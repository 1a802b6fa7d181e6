"""What LCDs of meters show: screens of every kind with the labels, units and marks that go with them."""

from dataclasses import replace

import numpy as np

from recognizer.synth.ink import chance, pick
from recognizer.synth.labels import Screen
from recognizer.synth.lcd import sample_text

ENERGY = (  # OBIS group C and D (IEC 62056-61), with the units that go with it
    ("1.8", ("kWh", "kWh", "kWh", "kWh", "MWh", "кВт·ч", "кВт·ч")), ("2.8", ("kWh", "kWh", "кВт·ч")),
    ("3.8", ("kvarh",)), ("4.8", ("kvarh",)), ("9.8", ("kVAh",)), ("15.8", ("kWh",)),
)  # fmt: skip
TARIFF_MARKS = ("T1", "T1", "T2", "T2", "T3", "T4", "Т1", "Т2", "Т3", "①", "②", "③")
HARMLESS = (
    "L1", "L2", "L3", "BATTERY", "SIGNAL", "LOCK", "→", "←", "▼1", "▼2", "▼3", "▲1", "►1", "◄1", "IMP", "+A", "RYB",
)  # fmt: skip
ROW_LABELS = (
    ("T1", "T2", "T3", "TOTAL"), ("TOTAL", "T1", "T2", "T3"), ("T1", "T2", "TOTAL"), ("1.8.1", "1.8.2", "1.8.0"),
)  # fmt: skip
OWN_LABELS = ("00.01.00.00", "00.01.02.00", "Total Wh", "Tariff 1", "Rate 2", "Import kWh", "EA", "EC", "A", "A-")
PHASES, WITH_PHASES = ("L1", "L2", "L3"), 0.12
"""Marks that most three-phase meters light together on every screen, and the share of the screens that show them."""
POWER = ("kW", "kW", "kW", "кВт", "кВт", "кВт", "kvar", "kVA")
"""Cyrillic more often than on meters: beside `кВт·ч` ten times as many, `кВт` was read as energy."""
OTHER = (("V", "23{}.{}"), ("V", "22{}.{}"), ("A", "{}.{}4"), ("Hz", "50.{}{}"), ("Hz", "49.{}{}"), (None, "0.9{}{}"))


TITLES = (
    "IMPORT kWh", "EXPORT kWh", "RATE 1 kWh", "RATE 2 kWh", "RATE 3 kWh", "TOTAL kWh", "Import kVAh", "TIME", "DATE",
    "Total Wh", "Tariff 1", "Tariff 2", "MAX DEMAND", "POWER kW",
)  # fmt: skip


def sample_title(rng: np.random.Generator) -> Screen:
    """A screen that only names the value that the next one shows."""
    code = f"{int(rng.integers(1, 4))}.8.{int(rng.integers(0, 5))}" if chance(rng, 0.7) else "0.9.1"
    return Screen.of("title", None, code if chance(rng, 0.3) else pick(rng, TITLES))


def sample_screen(rng: np.random.Generator) -> Screen:
    """A screen of any meter: half of them energy, the others all that must not be taken for it."""
    others = (_power, _power, _power, _power, _clock, _date, _demand, _history, _serial, _error, _other, _test, _rows)
    screen = pick(rng, (sample_energy,) * 12 + others)(rng)
    if screen.kind == "test":
        return screen
    steady = tuple(m for m in HARMLESS if m not in screen.marks and chance(rng, 0.09))
    phases = tuple(m for m in PHASES if m not in steady) if chance(rng, WITH_PHASES) else ()
    return replace(screen, marks=screen.marks + steady + phases)


def page(rng: np.random.Generator) -> str:
    """A page code as Indian and Pakistani meters number their screens."""
    number = int(rng.integers(1, 40))
    return pick(rng, (f"{number:02}", f"{number:02}", f"P.{number:02}", f"P{number:02}", f"{number}", f"d{number:02}"))


def clock(rng: np.random.Generator) -> str:
    h, m, s = int(rng.integers(24)), int(rng.integers(60)), int(rng.integers(60))
    return pick(rng, (f"{h:02}:{m:02}:{s:02}", f"{h:02}:{m:02}:{s:02}", f"{h:02}:{m:02}", f"{h:02}-{m:02}-{s:02}"))


def date(rng: np.random.Generator) -> str:
    d, m, y = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(10, 30))
    return pick(rng, (f"{d:02}.{m:02}.{y:02}", f"{y:02}.{m:02}.{d:02}", f"{d:02}-{m:02}-{y:02}", f"{d:02}{m:02}{y:02}"))


def power(rng: np.random.Generator) -> str:
    """A load in kW with two to four decimals."""
    return f"{rng.exponential(2.0):0{pick(rng, (0, 5, 7, 8))}.{pick(rng, (2, 3, 3, 4))}f}"


def sample_energy(rng: np.random.Generator) -> Screen:
    """A register's value, told by an OBIS code, a tariff mark or a page code, or by nothing."""
    stem, units = pick(rng, ENERGY) if chance(rng, 0.35) else ENERGY[0]
    unit, value, tariff = pick(rng, units), sample_text(rng), int(rng.integers(0, 5))
    roll = rng.random()
    if roll < 0.03:  # a maker's own code or words, of which only a profile can say what they name
        return Screen.of("energy", value, pick(rng, OWN_LABELS), unit)
    if roll < 0.3:
        with_unit = chance(rng, 0.85)
        return Screen.of("energy", value, f"{stem}.{tariff}", unit if with_unit else None, (), f"{stem}.{tariff}")
    # Without a code nothing says whether it is import or export.
    stem = {"kvarh": "3.8", "kVAh": "9.8"}.get(unit, "1.8")
    if roll < 0.6:
        mark = pick(rng, TARIFF_MARKS)
        tariff = int(mark[1]) if mark[0] in "TТ" else "①②③".index(mark) + 1
        if mark[0] == "T" and chance(rng, 0.25):
            return Screen.of("energy", value, mark, unit, (), f"{stem}.{tariff}")
        return Screen.of("energy", value, None, unit, (mark,), f"{stem}.{tariff}")
    if roll < 0.8:
        code = page(rng)
        return Screen.of("energy", value, code, unit, ("CUM",) if chance(rng, 0.3) else (), f"{stem}.0")
    return Screen.of("energy", value, None, unit if chance(rng, 0.9) else None, (), "total")


def _power(rng: np.random.Generator) -> Screen:
    label = pick(rng, (None, None, "1.7.0", "16.7.0", page(rng)))
    mark = (pick(rng, TARIFF_MARKS),) if label is None and chance(rng, 0.5) else ()
    return Screen.of("power", power(rng), label, pick(rng, POWER), mark)


def _clock(rng: np.random.Generator) -> Screen:
    label = pick(rng, (None, None, "0.9.1", page(rng)))
    mark = (pick(rng, TARIFF_MARKS),) if label is None and chance(rng, 0.5) else ()
    return Screen.of("clock", clock(rng), label, None, mark + (("TIME",) if chance(rng, 0.15) else ()))


def _date(rng: np.random.Generator) -> Screen:
    label = pick(rng, (None, None, "0.9.2", page(rng)))
    return Screen.of("date", date(rng), label, None, ("DATE",) if chance(rng, 0.2) else ())


def _demand(rng: np.random.Generator) -> Screen:
    if chance(rng, 0.4):
        code = pick(rng, ("1.6.0", "1.6.1", "1.2.0", "1.6.2"))
        return Screen.of("demand", power(rng), code, pick(rng, ("kW", "kW", "кВт", None)))
    return Screen.of("demand", power(rng), page(rng), pick(rng, ("kW", "kVA")), (pick(rng, ("MAX", "MD", "CUM")),))


def _history(rng: np.random.Generator) -> Screen:
    number = int(rng.integers(1, 13))
    code = f"1.8.{int(rng.integers(0, 4))}"
    label = pick(rng, (f"{code}*{number}", f"{code}*{number:02}", f"{code}.{number:02}", f"bP{number:02}"))
    return Screen.of("history", sample_text(rng), label, "kWh")


def _serial(rng: np.random.Generator) -> Screen:
    number = "".join(map(str, rng.integers(0, 10, int(rng.integers(6, 9)))))
    return Screen.of("serial", number, pick(rng, ("0.0.0", "C.1.0", None, page(rng))))


def _error(rng: np.random.Generator) -> Screen:
    if chance(rng, 0.5):
        return Screen.of("error", pick(rng, ("00000000", "000000", "0000", "00000010")), "F.F")
    return Screen.of("error", f"Err {int(rng.integers(1, 99)):02}")


def _other(rng: np.random.Generator) -> Screen:
    unit, form = pick(rng, OTHER)
    value = form.format(int(rng.integers(10)), int(rng.integers(10)))
    code = {"V": "32.7.0", "A": "31.7.0", "Hz": "14.7.0", None: "13.7.0"}[unit]
    return Screen.of("other", value, pick(rng, (None, code, page(rng))), unit, () if unit else ("PF",))


def _test(rng: np.random.Generator) -> Screen:
    if chance(rng, 0.3):
        return Screen.of("test", "8" * int(rng.integers(5, 9)))
    return Screen("test")


def _rows(rng: np.random.Generator) -> Screen:
    names = pick(rng, ROW_LABELS)
    digits, decimals = int(rng.integers(4, 7)), int(rng.integers(0, 3))
    rows = []
    for name in names:
        tariff = 0 if name in ("TOTAL", "1.8.0") else int(name[-1])
        value = f"{rng.uniform(0, 10**digits - 1):0{digits + (decimals + 1 if decimals else 0)}.{decimals}f}"
        rows.append(replace(Screen.of("energy", value, name, "kWh").rows[0], register=f"1.8.{tariff}"))
    return Screen("energy", tuple(rows))
