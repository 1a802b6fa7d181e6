"""Families of meters whose LCD scrolls: the screens of one meter in their order, and how long each stays.

Orders, labels, units and marks follow the makers' manuals that ``recognizer/domain/profiles.toml`` names. Times are
drawn shorter than most meters take, so that a whole cycle fits into a clip.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from recognizer.synth.ink import chance, pick
from recognizer.synth.labels import Row, Screen
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.screen_texts import clock, date, power


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter: its cycle as (screen, seconds) and the look of its display."""

    family: str
    style: LcdStyle
    cycle: tuple[tuple[Screen, float], ...]


Cycle = list[tuple[Screen, float]]
MOST_DIGITS = 8
LEAST_CONTRAST = 60.0
"""Levels between panel and ink: what a clip shows for seconds must be there to be read."""
LEAST_POINT = 0.1
"""Size of the decimal point over the digits' height, for the same reason."""


def sample_meter(rng: np.random.Generator, family: str | None = None) -> Meter:
    """A meter of a family (one of ``FAMILIES``), or of any."""
    name = family or pick(rng, tuple(FAMILIES))
    style = LcdStyle.sample(rng)
    while abs(sum(style.panel) - sum(style.lit)) / 3 * style.contrast < LEAST_CONTRAST or not style.point_shown:
        style = LcdStyle.sample(rng)
    style = replace(
        style, point_size=max(style.point_size, LEAST_POINT), pitch=max(style.pitch, style.cut.aspect + 0.16)
    )
    stay = float(rng.uniform(2.2, 5.0))
    return Meter(name, style, tuple(FAMILIES[name](rng, stay)))


@dataclass(frozen=True, slots=True)
class _Counts:
    """A meter's registers as texts: ``total`` and each tariff."""

    total: str
    tariffs: tuple[str, ...]


def _counts(rng: np.random.Generator, tariffs: int) -> _Counts:
    digits, decimals, zeros = pick(rng, (5, 6, 6, 7)), pick(rng, (0, 1, 2, 2, 3)), chance(rng, 0.6)
    decimals = min(decimals, MOST_DIGITS - digits)
    top = 10 ** (digits + decimals)
    parts = [int(rng.integers(top // 200, top // (tariffs + 1))) for _ in range(tariffs)]
    # Truncated tariffs add up to a little less than the truncated total.
    whole = sum(parts) + int(rng.integers(0, tariffs)) if tariffs else int(rng.integers(top // 50, top))

    def text(count: int) -> str:
        number = f"{count:0{decimals + 1}}"
        number = f"{number[:-decimals]}.{number[-decimals:]}" if decimals else number
        return number.zfill(digits + decimals + bool(decimals)) if zeros else number

    return _Counts(text(whole), tuple(map(text, parts)))


def _energy(value: str, label: str | None, unit: str | None, marks: tuple[str, ...], register: str) -> Screen:
    return Screen.of("energy", value, label, unit, marks, register)


def _mercury(rng: np.random.Generator, stay: float) -> Cycle:
    """T1 to T4 and the sum in кВт·ч; the tariff in force stays lit on power and clock."""
    counts = _counts(rng, int(rng.integers(2, 5)))
    energy, kw, second = pick(rng, (("кВт·ч", "кВт", "с"), ("кВт·ч", "кВт", "с"), ("kWh", "kW", "с")))
    t = pick(rng, ("T", "Т"))
    now = f"{t}{int(rng.integers(1, len(counts.tariffs) + 1))}"
    cycle: Cycle = [(_energy(v, None, energy, (f"{t}{i}",), f"1.8.{i}"), stay) for i, v in enumerate(counts.tariffs, 1)]
    cycle.append((_energy(counts.total, None, energy, (), "1.8.0"), stay))
    cycle.append((Screen.of("power", power(rng), None, kw, (now,)), stay * 0.6))
    cycle.append((Screen.of("clock", clock(rng), None, second, (now,)), stay * 0.8))
    if chance(rng, 0.5):
        cycle.append((Screen.of("date", date(rng), None, None, ()), stay * 0.6))
    return cycle


def _ce301m(rng: np.random.Generator, stay: float) -> Cycle:
    """The clock with the mark of the tariff in force and no unit, the sum, the tariffs; phases are lit throughout."""
    counts = _counts(rng, int(rng.integers(2, 5)))
    unit, phases = pick(rng, ("kWh", "kWh", "кВт·ч")), ("L1", "L2", "L3")
    clock_marks = (f"T{int(rng.integers(1, len(counts.tariffs) + 1))}", *phases)
    cycle: Cycle = [(Screen.of("clock", clock(rng), None, None, clock_marks), stay)]
    cycle.append((_energy(counts.total, None, unit, phases, "1.8.0"), stay))
    for i, value in enumerate(counts.tariffs, 1):
        cycle.append((_energy(value, None, unit, (f"T{i}", *phases), f"1.8.{i}"), stay))
    if chance(rng, 0.5):
        cycle.append((Screen.of("power", power(rng), None, "kW" if unit == "kWh" else "кВт", phases), stay * 0.6))
    return cycle


def _landis(rng: np.random.Generator, stay: float) -> Cycle:
    """OBIS codes: errors, number, clock, date, two tariffs, total, and now and then history, demand and power."""
    counts, unit = _counts(rng, 2), pick(rng, ("kWh", "kWh", "kWh", None))
    arrow = (f"▼{int(rng.integers(1, 4))}",)
    steady = tuple(m for m in ("L1", "L2", "L3") if chance(rng, 0.8)) + arrow
    number = "".join(map(str, rng.integers(0, 10, 8)))
    cycle: Cycle = [(Screen.of("error", "00000000", "F.F", None, steady), stay * 0.5)]
    if chance(rng, 0.6):
        cycle.append((Screen.of("serial", number, pick(rng, ("0.0.0", "C.1.0")), None, steady), stay * 0.5))
    if chance(rng, 0.7):
        cycle.append((Screen.of("clock", clock(rng), "0.9.1", None, steady), stay * 0.6))
        cycle.append((Screen.of("date", date(rng), "0.9.2", None, steady), stay * 0.5))
    for code, value in (("1.8.1", counts.tariffs[0]), ("1.8.2", counts.tariffs[1]), ("1.8.0", counts.total)):
        cycle.append((_energy(value, code, unit, steady, code), stay))
    if chance(rng, 0.4):
        past = replace(cycle[-1][0].rows[0], label="1.8.0*1", register=None, value=_counts(rng, 0).total)
        cycle.append((Screen("history", (past,), steady), stay * 0.6))
    if chance(rng, 0.3):
        cycle.append((Screen.of("demand", power(rng), "1.6.0", unit and "kW", steady), stay * 0.6))
    if chance(rng, 0.4):
        cycle.append((Screen.of("power", power(rng), "1.7.0", unit and "kW", steady), stay * 0.6))
    return [*cycle, (Screen("test"), stay * 0.5)] if chance(rng, 0.4) else cycle


def _secure(rng: np.random.Generator, stay: float) -> Cycle:
    """A title for two seconds, then the value without any label."""
    short, unit = chance(rng, 0.3), chance(rng, 0.5)
    counts = _counts(rng, 2)
    titles = [("IMPORT kWh", "1.8.0"), ("EXPORT kWh", "2.8.0")]
    if short:
        titles = [("1.8.0", "1.8.0"), ("1.8.1", "1.8.1"), ("1.8.2", "1.8.2")]
    elif chance(rng, 0.5):
        titles = [("IMPORT kWh", "1.8.0"), ("RATE 1 kWh", "1.8.1"), ("RATE 2 kWh", "1.8.2")]
    cycle: Cycle = []
    for (title, register), value in zip(titles, (counts.total, *counts.tariffs), strict=False):
        cycle.append((Screen.of("title", None, title), 2.0))
        cycle.append((_energy(value, None, "kWh" if unit else None, (), register), max(2.2, stay)))
    if chance(rng, 0.5):
        cycle.append((Screen.of("title", None, "0.9.1" if short else "TIME"), 2.0))
        cycle.append((Screen.of("clock", clock(rng)), 2.0))
    return cycle


def _indian(rng: np.random.Generator, stay: float) -> Cycle:
    """Page codes: display test, date, time, kWh, kVAh, maximum demand, an earlier period, volts and amperes."""
    form = pick(rng, ("{:02}", "{:02}", "P.{:02}", "P{:02}"))
    cum = ("CUM",) if chance(rng, 0.4) else ()
    total = _counts(rng, 0).total
    pages: Cycle = [
        (Screen("test"), stay * 0.5),
        (Screen.of("date", date(rng)), stay * 0.5),
        (Screen.of("clock", clock(rng)), stay * 0.5),
        (_energy(total, None, "kWh", cum, "1.8.0"), stay),
        (_energy(_counts(rng, 0).total, None, "kVAh", cum, "9.8.0"), stay),
        (Screen.of("demand", power(rng), None, "kW", (pick(rng, ("MAX", "MD")),)), stay * 0.6),
        (Screen.of("history", _counts(rng, 0).total, "bP01", "kWh"), stay * 0.6),
        (Screen.of("power", power(rng), None, "kW"), stay * 0.6),
        (Screen.of("other", f"2{int(rng.integers(15, 49))}.{int(rng.integers(10))}", None, "V"), stay * 0.4),
        (Screen.of("other", f"{rng.uniform(0, 30):.2f}", None, "A"), stay * 0.4),
    ]
    cycle: Cycle = []
    number = int(rng.integers(1, 5))
    for screen, seconds in pages:
        if screen.kind != "energy" and chance(rng, 0.35):
            continue
        if screen.rows and screen.rows[0].label is None:
            screen = replace(screen, rows=(replace(screen.rows[0], label=form.format(number)),))  # noqa: PLW2901
        cycle.append((screen, seconds))
        number += int(rng.integers(1, 3))
    return cycle


def _all_rows(rng: np.random.Generator, stay: float) -> Cycle:
    """Three tariffs and the total at once; on some meters the power takes the first row's place in between."""
    counts = _counts(rng, 3)
    names = pick(rng, (("T1", "T2", "T3", "TOTAL"), ("1.8.1", "1.8.2", "1.8.3", "1.8.0")))
    values = (*counts.tariffs, counts.total)
    rows = [Row(v, n, "kWh", f"1.8.{(i + 1) % 4}") for i, (n, v) in enumerate(zip(names, values, strict=True))]
    if chance(rng, 0.3):
        rows = rows[-1:] + rows[:-1]
    return [(Screen("energy", tuple(rows)), max(4.0, 2 * stay))]


def _plain(rng: np.random.Generator, stay: float) -> Cycle:
    """A single register that the display does not name; a test or the power now and then."""
    cycle: Cycle = [(_energy(_counts(rng, 0).total, None, "kWh", (), "total"), 2 * stay)]
    if chance(rng, 0.4):
        cycle.append((Screen.of("power", power(rng), None, "kW"), stay * 0.6))
    if chance(rng, 0.3):
        cycle.append((Screen("test"), stay * 0.5))
    return cycle


FAMILIES: dict[str, Callable[[np.random.Generator, float], Cycle]] = {
    "mercury-200": _mercury,
    "energomera-ce301m": _ce301m,
    "landis-gyr-obis-2": _landis,
    "secure-split": _secure,
    "indian-pages": _indian,
    "all-rows": _all_rows,
    "single-register": _plain,
}
