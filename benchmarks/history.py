"""Meters over the years, simulated: what the history rules let in, hold back and recover from.

Every reading goes through ``conclude`` as from a photo: the odds of its digits are drawn, the stored readings are
what the reports before it said. Nobody looks at readings under review, except where the report asks a question
(``previous_reading_doubtful``, ``possible_rollover``): the worst case of a full queue.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter, PastReading, Register
from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.reading import Report

METERS, MONTHS = 1000, 36
START = datetime(2023, 1, 1, 9, tzinfo=UTC)
CONFIDENT_MISREADS = 0.005
"""Readings with one digit wrong at high odds, at any place: what a recognizer lets through that is right in 99.5 %."""
UNCERTAIN = 0.10
"""Readings with one digit that is as uncertain as its odds say."""
GAPS, EXCHANGES, POISONED = 0.08, 0.002, 0.004
"""Months without a reading, meter exchanges that nobody reported, false values stored as accepted."""
SPREAD, EXPORTING = 0.35, 0.4
"""Standard deviation of the logarithm of a month's use, and the share of months that an exporting register falls in."""
ASKED = ("previous_reading_doubtful", "possible_rollover")
QUAD = ((100.0, 200.0), (540.0, 200.0), (540.0, 280.0), (100.0, 280.0))


@dataclass(frozen=True, slots=True)
class Household:
    """A register and how it is used."""

    register: Register
    start: int
    month: float
    """Typical use, in units of the last place."""
    exports: bool = False


def simulate(seed: int = 0, meters: int = METERS, months: int = MONTHS) -> Counter[str]:
    """Counts of what happened to true and false values."""
    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    for number in range(meters):
        for event in _life(rng, household(rng), f"m{number}", months):
            counts[event] += 1
    return counts


def household(rng: np.random.Generator) -> Household:
    """A register of electricity, water or export, five per cent of them about to roll over."""
    kind = rng.choice(["electricity", "water", "export"], p=[0.6, 0.3, 0.1])
    digits, decimals = (5, 3) if kind == "water" else (int(rng.integers(5, 7)), int(rng.integers(0, 2)))
    span = 10 ** (digits + decimals)
    month = float(rng.lognormal(np.log(8e3 if kind == "water" else 250 * 10**decimals), 0.6))
    start = int(rng.uniform(0.02, 0.6) * span)
    if rng.random() < 0.05:  # about to roll over
        start = int(span - month * rng.uniform(1, 30))
    register = Register("1.8.0", "m3" if kind == "water" else "kWh", digits, decimals, may_fall=kind == "export")
    return Household(register, max(0, start), month, kind == "export")


def expected(home: Household, month: int) -> float:
    """Middle of a month's use, in units of the last place."""
    return float(home.month * (1 + 0.4 * np.sin(month / 12 * 2 * np.pi)))


def _life(rng: np.random.Generator, home: Household, name: str, months: int) -> Iterator[str]:
    meter = Meter(name, registers=(home.register,))
    span = 10 ** ((home.register.digits or 5) + (home.register.decimals or 0))
    count, history, waiting_since = home.start, list[PastReading](), 0
    for month in range(months):
        use = expected(home, month) * rng.lognormal(0, SPREAD)
        count = (count + round(-use if home.exports and rng.random() < EXPORTING else use)) % span
        if rng.random() < EXCHANGES:
            count, waiting_since = int(rng.integers(0, 50)), 0
            yield "exchanges"
        if rng.random() < GAPS:
            continue
        day = START + timedelta(days=30.4 * month + rng.uniform(-3, 3))
        true = _text(count, home.register)
        if rng.random() < POISONED and history:
            high = min(span - 1, count + round(home.month * rng.uniform(1.5, 6)))
            history.append(PastReading("1.8.0", Decimal(_text(high, home.register)), day))
            waiting_since = 1
            yield "poisoned"
            continue
        report = _read(rng, true, Known(meter, tuple(history), day))
        reading = report.readings[0]
        asked = any(f.code in ASKED and not f.note for f in reading.findings)
        right = reading.text == true
        yield f"{'true' if right else 'false'} {reading.status}"
        if not right and reading.status == "accepted" and _gross(reading.text, true, home):
            yield "gross false accepted"
        if waiting_since and right:
            if reading.status == "accepted" or asked:
                yield f"recovered after {waiting_since}"
                waiting_since = 0
            else:
                waiting_since += 1
        if asked:  # a person looks at the photo, and at the stored value in doubt
            history = [_looked_at(p, Decimal(true), home) for p in history]
            history.append(PastReading("1.8.0", Decimal(true), day, "confirmed"))
        elif reading.status != "refused" and reading.value is not None:
            status = reading.status
            history.append(PastReading("1.8.0", reading.value, day, status, reading.confidence))


def _looked_at(past: PastReading, true: Decimal, home: Household) -> PastReading:
    """What a person does with a stored value once the true one is known: too high, or of the meter before."""
    wrong = past.counts and (past.value > true or true - past.value > 40 * _month(home))
    return replace(past, status="rejected") if wrong else past


def _read(rng: np.random.Generator, true: str, known: Known) -> Report:
    glyphs = [Glyph(((c, 0.9998),), i / len(true), (i + 1) / len(true)) for i, c in enumerate(true)]
    places = [i for i, c in enumerate(true) if c != "."]
    at = int(rng.choice(places))
    other = str((int(true[at]) + int(rng.integers(1, 10))) % 10)
    roll = rng.random()
    if roll < CONFIDENT_MISREADS:
        glyphs[at] = replace(glyphs[at], odds=((other, 0.9995), (true[at], 0.0005)))
    elif roll < CONFIDENT_MISREADS + UNCERTAIN:
        sure = float(rng.uniform(0.5, 0.99))
        first, second = (true[at], other) if rng.random() < sure else (other, true[at])
        glyphs[at] = replace(glyphs[at], odds=((first, sure), (second, 1 - sure)))
    display = Display("lcd", QUAD, 0.99, 0.99, tuple(glyphs))
    return conclude(Observation(640, 480, 10.0, (display,)), source="", known=known)


def _text(count: int, register: Register) -> str:
    digits, decimals = register.digits or 5, register.decimals or 0
    text = f"{count:0{digits + decimals}d}"
    return f"{text[:digits]}.{text[digits:]}" if decimals else text


def _month(home: Household) -> Decimal:
    return Decimal(round(home.month)).scaleb(-(home.register.decimals or 0))


def _gross(text: str, true: str, home: Household) -> bool:
    """Wrong by more than a month's use: what a customer would notice on the bill."""
    return abs(Decimal(text) - Decimal(true)) > _month(home)


def report(counts: Counter[str], meters: int, months: int, seed: int, best: Mapping[float, float]) -> str:
    """What one simulation showed, as Markdown; ``best`` by ``history_bound.bound``, shares by share reviewed."""
    true = sum(n for event, n in counts.items() if event.startswith("true "))
    false = sum(n for event, n in counts.items() if event.startswith("false "))
    readings = true + false
    within = counts["recovered after 1"] + counts["recovered after 2"]
    later = sum(n for event, n in counts.items() if event.startswith("recovered")) - within
    rows = [
        ("readings", f"{readings}, of them misread {false}"),
        ("false values accepted", _share(counts["false accepted"], readings, "at most 0.1 %")),
        ("of them wrong by more than a month's use", _share(counts["gross false accepted"], readings)),
        ("true values refused", _share(counts["true refused"], readings, "at most 0.5 %")),
        ("true values sent to review", _share(counts["true review"], readings)),
        ("false values stored, and noticed within 2 true readings", f"{within} of {within + later} (target all)"),
    ]
    lines = [f"| {name} | {figure} |" for name, figure in rows]
    head = (
        f"# History rules, simulated\n\n`python -m benchmarks history`: {meters} meters over {months} months, seed "
        f"{seed}. Of the readings {CONFIDENT_MISREADS:.1%} have a digit, at any place, that is wrong at high odds, "
        f"{UNCERTAIN:.0%} one that is as uncertain as its odds say; {counts['exchanges']} meters were exchanged "
        f"unreported, {counts['poisoned']} false values stored as accepted. No rule can see a wrong digit that makes "
        "a plausible use: what is accepted falsely is nearly all of that kind.\n\n"
    )
    tail = (
        "\nThe best that any rule could do (`benchmarks/history_bound.py`): where the reading before, the household's "
        "use and its season are known without error, and the likeliest misreads are sent to review:\n\n"
        "| sent to review | false values accepted |\n|---|---|\n"
    )
    bounds = "".join(f"| {share:.0%} | {false:.2%} |\n" for share, false in best.items())
    return head + "\n".join(["| figure | measured |", "|---|---|", *lines]) + "\n" + tail + bounds


def _share(count: int, of: int, target: str = "") -> str:
    return f"{count}, {count / max(1, of):.2%}" + (f" (target {target})" if target else "")
