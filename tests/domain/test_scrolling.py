"""Scrolling meters as timed observations made by hand: what vision would give, with its noise, and the truth beside it.

Would catch: a value filed under another register, anything accepted from a power, clock, demand, history or test
screen or from a frame of a changing display, a register missed that was shown long enough, and a report that depends
on the order of frames.

Digits are misread, labels missed or taken for others, frames blurred; a changing LCD mixes the old screen with the new
for 50 to 300 ms; screens are skipped; power, clock and test screens carry tariff marks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Policy
from recognizer.domain.profile import load_profiles
from recognizer.domain.reading import Report
from recognizer.domain.visit import Visit

PROFILES = load_profiles()
BOX: Quad = ((200, 200), (440, 200), (440, 280), (200, 280))


@dataclass(frozen=True)
class Page:
    """One screen: what stands there, and the register whose value it is; None for one that is no reading."""

    text: str
    label: str | None = None
    unit: str | None = None
    marks: tuple[str, ...] = ()
    register: str | None = None
    seconds: float = 3.0


@dataclass(frozen=True)
class Timed:
    at: float
    observation: Observation
    page: Page


def number(rng: Random, decimals: int = 2) -> str:
    return f"{rng.randrange(10**6):06d}." + "".join(str(rng.randrange(10)) for _ in range(decimals))


def registers(rng: Random, tariffs: int, decimals: int = 2) -> dict[str, str]:
    """Tariffs that were cut off, and the total of what they were."""
    parts = [Decimal(rng.randrange(10**8)).scaleb(-decimals - 1) for _ in range(tariffs)]
    values = {f"1.8.{n}": part for n, part in enumerate(parts, start=1)} | {"1.8.0": sum(parts, Decimal(0))}
    place = Decimal(1).scaleb(-decimals)
    return {code: f"{v.quantize(place, ROUND_DOWN):0{7 + decimals}f}" for code, v in values.items()}


def mercury(rng: Random) -> list[Page]:
    """The tariff mark stays lit on the power and clock screens."""
    value = registers(rng, 3)
    tariffs = [Page(value[f"1.8.{n}"], None, "кВт·ч", (f"Т{n}",), f"1.8.{n}") for n in (1, 2, 3)]
    total = Page(value["1.8.0"], None, "кВт·ч", ("TOTAL",), "1.8.0")
    return [
        *tariffs,
        total,
        Page("001.25", None, "кВт", ("Т1",)),
        Page("12.45.10", None, "с", ("Т1",)),
        segments_page("Т1"),
    ]


def energomera(rng: Random) -> list[Page]:
    """The clock has a tariff mark and no unit."""
    value = registers(rng, 2)
    tariffs = [Page(value[f"1.8.{n}"], None, "kWh", (f"T{n}",), f"1.8.{n}") for n in (1, 2)]
    return [Page("12.45.10", None, None, ("T1",)), Page(value["1.8.0"], "SUM", "kWh", (), "1.8.0"), *tariffs]


def obis(rng: Random) -> list[Page]:
    now = [Page(v, code, "kWh", ("T2",), code, 4.0) for code, v in registers(rng, 2, 1).items()]
    history = [Page(number(rng, 1), f"1.8.{n}*1", "kWh") for n in (1, 2)]
    other = [Page("000000", "F.F"), Page("12345678", "0.0.0"), Page("12.45.10", "0.9.1"), Page("24.11.26", "0.9.2")]
    return [*other, *now, *history, Page("03.125", "1.6.0", "kW"), Page("01.250", "1.7.0", "kW"), segments_page("T1")]


def page_codes(rng: Random) -> list[Page]:
    """Without a profile no code says what it means: nothing may be accepted."""
    return [Page(number(rng), f"{n:02d}", "kWh") for n in (1, 2, 5)] + [
        Page("0004.42", "12", "kW", ("T2", "MAX")),
        Page("0098.45", "13", "kW", ("T2", "TOTAL", "CUM")),
        Page("001071", "BP 01", "kWh"),
    ]


def single(rng: Random) -> list[Page]:
    return [Page(number(rng), None, "kWh", (), "total", 10.0)]


def secure(rng: Random) -> list[Page]:
    """A title for two seconds, then the value alone."""
    pages = []
    for title, register in (("IMPORT kWh", "1.8.0"), ("EXPORT kWh", "2.8.0"), ("COST", None), ("TIME", None)):
        pages.append(Page("", title, None, (), None, 2.0))
        pages.append(Page(number(rng, 1), None, None, (), register, 4.0))
    return pages


def segments_page(mark: str) -> Page:
    return Page("888888.8", "8.8.8", "kWh", (mark, "T2", "T3", "T4"), None, 2.0)


def shown(page: Page, rng: Random, *, sure: float = 0.999, noise: float = 0.0) -> Display:
    """The page as vision gives it; with ``noise`` digits and labels are missed and misread as often as it says."""
    glyphs = []
    for place, char in enumerate(page.text):
        p = min(sure, 1 - rng.random() * 0.01) if noise else sure
        odds: tuple[tuple[str, float], ...] = ((char, p),)
        if char != "." and rng.random() < noise / 4:
            wrong = str((int(char) + rng.randrange(1, 10)) % 10)
            p = rng.uniform(0.4, 0.95)
            odds = ((wrong, p), (char, (1 - p) * 0.9))
        glyphs.append(Glyph(odds, place / len(page.text), (place + 1) / len(page.text)))
    marks = [m for text in page.marks if (m := _mark(text, rng, noise, ("T1", "T2", "T3"))) is not None]
    label = _mark(page.label, rng, noise, ("1.8.1", "1.8.2", "1.8.0", "0.9.1")) if page.label else None
    unit = _mark(page.unit, rng, noise, ("kWh", "kW")) if page.unit else None
    return Display("lcd", BOX, 0.99, 0.98, tuple(glyphs), label, unit, tuple(marks))


def _mark(text: str, rng: Random, noise: float, confused: tuple[str, ...]) -> Mark | None:
    if rng.random() < noise / 4:
        # A vision that misses or mistakes a mark knows it for doubtful, mostly.
        return None if rng.random() < 0.3 else Mark(rng.choice(confused), rng.uniform(0.4, 0.9))
    return Mark(text, 1 - rng.random() * 0.01 if noise else 0.999)


def film(
    pages: list[Page], rng: Random, *, fps: float = 10.0, cycles: int = 2, noise: float = 0.0, skip: float = 0.0
) -> Iterator[Timed]:
    """The pages in turn, ``cycles`` times, as frames; a page is covered for all its time as often as ``skip`` says."""
    at, turn, previous = rng.random() / fps, 0.0, None
    for page in pages * cycles:
        covered = rng.random() < skip
        change = rng.uniform(0.05, 0.3) if noise else 0.0
        while at < turn + page.seconds:
            age = at - turn
            if previous is not None and age < change:
                display = mixed(previous, page, age / change, rng, noise)
            else:
                display = shown(page, rng, noise=noise)
            blurred = rng.random() < noise / 3
            displays: tuple[Display, ...] = (replace(display, legible=0.3) if blurred else display,)
            if covered or (blurred and rng.random() < 0.5):
                displays = ()
            yield Timed(at, Observation(640, 480, 10.0, displays), page)
            at += 1 / fps
        turn, previous = turn + page.seconds, page


def mixed(old: Page, new: Page, share: float, rng: Random, noise: float) -> Display:
    """A frame of the change: some of its parts are the old screen's still, and it may read perfectly well."""
    length = max(len(old.text), len(new.text))
    digits = zip(old.text.ljust(length), new.text.ljust(length), strict=True)
    text = "".join(b if rng.random() < share else a for a, b in digits).replace(" ", "")
    if text.count(".") > 1 or rng.random() < 0.5:
        text = old.text
    parts = [b if rng.random() < 0.5 else a for a, b in ((old.label, new.label), (old.unit, new.unit))]
    marks = old.marks if rng.random() < 0.5 else new.marks
    return shown(Page(text, parts[0], parts[1], marks), rng, sure=rng.choice((0.9, 0.99, 0.999)), noise=noise)


METERS: dict[str, tuple[Callable[[Random], list[Page]], str | None]] = {
    "mercury": (mercury, None),
    "mercury-profile": (mercury, "mercury-200"),
    "energomera": (energomera, "energomera-ce301m"),
    "obis": (obis, None),
    "obis-profile": (obis, "landis-gyr-obis-2"),
    "page-codes": (page_codes, None),
    "single": (single, None),
    "secure": (secure, "secure-liberty-100"),
}


STRICT = replace(Policy(), accept_above=0.975)
"""As the shipped card has it: what agreement may add (``FusionRules.most_gain``) is meant for such a threshold."""


def accepted(report: Report) -> dict[str, str]:
    return {r.register: r.text for r in report.readings if r.status == "accepted"}


@pytest.mark.parametrize("meter", METERS)
def test_scrolling_meters_are_read_register_by_register(meter: str) -> None:
    make, profile = METERS[meter]
    rng = Random(meter)
    pages = make(rng)
    truth = {p.register: p.text for p in pages if p.register is not None}
    visit = Visit(wanted=list(truth), profile=PROFILES[profile] if profile else None)
    done_at = None
    for timed in film(pages, rng, fps=4, cycles=1):
        accepted_now = accepted(visit.offer(timed.observation, timed.at))
        assert accepted_now.items() <= truth.items()
        assert visit.missing == tuple(code for code in truth if code not in accepted_now)
        done_at = timed.at if done_at is None and visit.done else done_at
    assert accepted(visit.report) == truth
    assert visit.done == bool(truth) == (visit.report.status == "accepted")
    if truth:
        appears = sum(p.seconds for p in pages[: [p.register for p in pages].index(list(truth)[-1])])
        last = max(appears, *(sum(q.seconds for q in pages[:n]) for n, p in enumerate(pages) if p.register))
        assert done_at is not None
        assert done_at - last <= 1.0


@settings(max_examples=8, deadline=None)
@given(meter=st.sampled_from(sorted(METERS)), seed=st.integers(0, 10**6), noise=st.sampled_from([0.1, 0.2, 0.4]))
def test_nothing_is_ever_filed_under_a_wrong_register_or_taken_from_another_page(
    meter: str, seed: int, noise: float
) -> None:
    make, profile = METERS[meter]
    rng = Random(seed)
    pages = make(rng)
    truth = {p.register: p.text for p in pages if p.register is not None}
    visit = Visit(wanted=list(truth), profile=PROFILES[profile] if profile else None, policy=STRICT)
    for timed in film(pages, rng, fps=3, cycles=1, noise=noise, skip=0.1):
        assert accepted(visit.offer(timed.observation, timed.at)).items() <= truth.items()


def noisy_film(seed: int, meter: str) -> list[Timed]:
    rng = Random(seed)
    return list(film(METERS[meter][0](rng), rng, fps=2, cycles=1, noise=0.2))


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), meter=st.sampled_from(["mercury", "secure", "obis"]), order=st.randoms())
def test_the_order_of_the_frames_does_not_matter(seed: int, meter: str, order: Random) -> None:
    timed = noisy_film(seed, meter)
    profile = PROFILES["secure-liberty-100"] if meter == "secure" else None
    reports = []
    for _ in range(2):
        visit = Visit(wanted=["1.8.0", "1.8.1"], profile=profile)
        for one in timed:
            visit.offer(one.observation, one.at)
        reports.append((visit.report, visit.evidence))
        order.shuffle(timed)
    assert reports[0] == reports[1]


def test_the_sampled_meters_carry_what_they_are_meant_to_catch() -> None:
    kinds: dict[str, set[str | None]] = {name: set() for name in METERS}
    for name, (make, _) in METERS.items():
        for one in make(Random(0)):
            kinds[name] |= {one.unit} if one.register is None else set()
    assert {"кВт", "с"} <= kinds["mercury"]
    assert "kW" in kinds["obis"]
