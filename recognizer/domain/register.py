"""Which register a screen is: from its label, unit and marks, and from a profile of the meter where there is one.

The rules are those of IEC 62056-61 and of the meters in the field: a tariff mark without an energy unit or an energy
code is no reading, since Mercury 200 and Energomera CE301M keep it lit on their power and clock screens. What may be
wrong is weighed, not cut off: the answer's probability sums over all that may really stand beside the digits.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from recognizer.domain.labels import Meaning, Quantity, Reason, meaning, measures, plain, register_code, unit_of
from recognizer.domain.observation import Display, Mark
from recognizer.domain.profile import Profile

NOISE = 0.05
"""Texts that are less likely than this to stand there are not looked at: a locator proposes some on every plate."""
CERTAIN = 0.9999
MOST_DOUBTS = 6
"""Uncertain texts that are weighed both ways, 64 cases; of any more the likelier side counts."""
FAINT = 0.25
"""Chances of tariff marks that together leave it open whether one is lit: where none is read for certain, the screen is
then not the one without a mark. T1 in faint segments passed for the total."""
SURE_MARK = 0.9
"""Chance of a tariff mark from which on this display shows marks that can be read."""
SURE_UNIT = 0.9
"""Chance of a unit from which on digits that are no time outweigh a mark that says so."""
LABEL, UNIT = 0, 1
"""Places of these two among the texts that are weighed; marks come after them."""
UNREADABLE = "?"
"""In place of a label or unit that stands there but is another one than it was read as, or of a mark that is faint."""
SEVERAL = 0.05
"""How seldom several tariffs are lit at once, beside one or none: the others are unlit segments that are seen."""
FEWEST_TARIFFS = 3
"""Tariffs lit at once that make a display test: a screen of one register has one, two may be a ghost."""

_NEVER_COUNTED: dict[Quantity, Reason] = {"power": "power", "clock": "clock", "other": "other"}
MESSAGES: dict[Reason, str] = {
    "display_test": "Every segment is lit: a test of the display, not a reading.",
    "clock": "This screen shows the time.",
    "date": "This screen shows a date.",
    "power": "This screen shows power, not what a register has counted.",
    "demand": "This screen shows a maximum demand.",
    "history": "This screen shows an earlier billing period or a use over some time, not the register now.",
    "serial": "This screen shows a number of the meter itself.",
    "error": "This screen shows an error code.",
    "other": "This screen shows something that no register counts.",
    "register_unknown": "Nothing says for certain of which register this is; a profile of the meter may tell.",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """What a screen is: of a register, or no reading for a reason; exactly one of the two is None."""

    register: str | None
    """OBIS group C.D.E, or ``total`` where the display states none."""
    reason: Reason | None
    unit: str | None
    """As it is properly written (``kWh``, ``m³``), None where none was recognised."""
    probability: float
    """Chance from 0 to 1 that this is what the screen is."""
    stated: bool
    """Whether the screen itself says so; if not, a title screen before it may."""


@dataclass(frozen=True, slots=True)
class _Told:
    """One case of what stands there, all of it taken for certain."""

    label: str | None
    unit: str | None
    marks: frozenset[str]


def which_register(display: Display, profile: Profile | None = None, title: Mark | None = None) -> Screen:
    """What the screen is; ``title`` is the label that a screen before it showed for a value without one.

    The digits are not looked at: a display whose every segment is lit is told by ``display_test`` of its text.
    """
    label = display.label if display.label is not None else title
    cases: defaultdict[tuple[str | None, Reason | None], float] = defaultdict(float)
    for told, chance in _cases(label, display.unit, display.marks):
        cases[_decide(told, profile)] += chance
    (register, reason), probability = max(cases.items(), key=lambda case: (case[1], str(case[0])))
    probability /= sum(cases.values())
    if reason is None and probability < 0.5:
        register, reason, probability = None, "register_unknown", 1 - probability
    unit = unit_of(display.unit.text) if display.unit is not None and display.unit.probability >= 0.5 else None
    tariffs = any(m.probability >= NOISE and _names(m.text, profile) for m in display.marks)
    stated = display.label is not None or tariffs or reason not in (None, "register_unknown")
    return Screen(register, reason, unit[0] if unit else None, min(1.0, probability), stated)


def display_test(kind: str, text: str) -> bool:
    """Whether every segment is lit: 888888, 888.888. Eights on a drum are a reading."""
    return kind == "lcd" and set(text.replace(".", "")) == {"8"}


def without_time(display: Display, text: str) -> Display:
    """The display without marks of time and date where it shows a unit and its digits can be neither: seven, or one or
    three decimals.

    Both have pairs of digits, the first may be one: 9.05, 23.05.11, 05.11.2026.
    """
    if display.unit is None or display.unit.probability < SURE_UNIT:
        return display
    digits, decimals = len(text.replace(".", "")), len(text.rpartition(".")[2]) if "." in text else 0
    if digits in (3, 4, 5, 6, 8) and decimals in (0, 2, 4):
        return display
    marks = tuple(m for m in display.marks if meaning(m.text).reason not in ("clock", "date"))
    return replace(display, marks=marks)


def is_title(display: Display, text: str, fewest_digits: int) -> bool:
    """Whether the screen names a value that only the next one shows: by words, or by a code that is all there is."""
    label = display.label
    return label is not None and (len(text.replace(".", "")) < fewest_digits or plain(label.text) == text)


def by_absence(display: Display) -> bool:
    """Whether only what is not there makes the screen that of the total: no label, and no tariff mark that is read."""
    marked = any(m.probability >= 0.5 and says_register(m.text) for m in display.marks)
    return display.label is None and not marked


def marked_surely(display: Display) -> bool:
    """Whether a tariff mark is read for certain."""
    return any(m.probability >= SURE_MARK and says_register(m.text) for m in display.marks)


def tariff_chance(marks: Sequence[Mark]) -> float:
    """The chances of all tariff marks together: from ``FAINT`` on one may be lit, though none is read."""
    return sum(mark.probability for mark in marks if says_register(mark.text))


def says_register(mark: str) -> bool:
    """Whether a lit mark tells the register: a tariff, export, or what is not known to be anything else."""
    said = meaning(mark)
    return said.tariff is not None or said.export or not said.known


def _cases(label: Mark | None, unit: Mark | None, marks: Sequence[Mark]) -> Iterator[tuple[_Told, float]]:
    """Everything that may really stand there, with its chance. Labels and units are then other ones, marks absent."""
    texts = [label, unit, *marks]
    # A label that can hardly be read is one all the same: without it a history register would pass for the total.
    seen = [(place, m) for place, m in enumerate(texts) if m is not None and (m.probability >= NOISE or place == LABEL)]
    doubts = sorted((p for p, m in seen if m.probability < CERTAIN), key=lambda p: _doubt(texts[p]), reverse=True)
    doubts = doubts[:MOST_DOUBTS]
    faint = tariff_chance(marks) >= FAINT
    for answer in product((True, False), repeat=len(doubts)):
        stands = dict(zip(doubts, answer, strict=True))
        chance, there = 1.0, set[str]()
        told: list[str | None] = [None, None]
        for place, mark in seen:
            true = stands.get(place, mark.probability >= 0.5)
            if place in stands:
                chance *= mark.probability if true else 1 - mark.probability
            if place in (LABEL, UNIT):
                told[place] = mark.text if true else UNREADABLE
            elif true:
                there.add(mark.text)
        if faint and not any(map(says_register, there)):
            there.add(UNREADABLE)
        if len({tariff for m in there if (tariff := meaning(m).tariff)}) > 1:
            chance *= SEVERAL
        yield _Told(told[0], told[1], frozenset(there)), chance


def _doubt(mark: Mark | None) -> float:
    return min(mark.probability, 1 - mark.probability) if mark is not None else 0.0


@lru_cache(maxsize=4096)
def _decide(told: _Told, profile: Profile | None) -> tuple[str | None, Reason | None]:
    label = meaning(told.label) if told.label not in (None, UNREADABLE) else None
    unit = unit_of(told.unit) if told.unit is not None else None
    said = [meaning(mark) for mark in told.marks]
    lit = {m.tariff for m in (*said, *([label] if label else [])) if m.tariff}
    if (label and label.reason == "display_test") or len(lit) >= FEWEST_TARIFFS:
        return None, "display_test"
    if label is not None and label.tariff is not None:
        # Where T1 stands differs between displays, what it says does not. Beside a label others are those in force.
        marks = frozenset(mark for mark in told.marks if meaning(mark).tariff is None) | {str(told.label)}
        told, label = replace(told, label=None, marks=marks), None
        said = [meaning(mark) for mark in marks]
    reasons = sorted(m.reason for m in said if m.reason)
    # The unit outweighs every label: nothing that is measured in kW is a register.
    if unit is not None and unit[1] in _NEVER_COUNTED:
        # CUM beside kW is the cumulative maximum demand (LESCO code 13).
        cumulative = any(m.tariff == 0 for m in said)
        demand = cumulative or "demand" in reasons or (label is not None and label.reason == "demand")
        return None, "demand" if demand and unit[1] == "power" else _NEVER_COUNTED[unit[1]]
    if label is not None and label.code is not None and label.code.split(".")[1:2] == ["8"]:
        # The code of an integral over time is none of a maximum (IEC 62056-61, value group D); MAX is an unlit segment.
        reasons = [reason for reason in reasons if reason != "demand"]
    if reasons:
        return None, reasons[0]
    if profile is not None and (fit := _fit(told, unit, profile)) is not None:
        return fit
    if label is not None and label.reason:
        return None, label.reason
    if label is not None and label.code and any(len(m) == 1 and m in "123456" for m in map(plain, told.marks)):
        return None, "history"  # 1.8.0 with a small number beside it is 1.8.0*1
    if label is not None and label.code and profile is not None and profile.without_labels:
        return None, "register_unknown"  # what was read as a label is something else
    register = _by_general_rules(told, unit[1] if unit else None, label, said)
    if profile is not None and register is not None:
        untold = profile.split and told.label is None and not any(_names(m, profile) for m in told.marks)
        if untold or (profile.registers and register not in profile.registers):
            register = None
    return (register, None) if register is not None else (None, "register_unknown")


def _names(mark: str, profile: Profile | None) -> bool:
    """Whether a mark may name the register of a value: where titles do, CUM says no more than that it is counted."""
    return says_register(mark) and not (profile is not None and profile.split and meaning(mark).tariff == 0)


def _fit(told: _Told, unit: tuple[str, Quantity] | None, profile: Profile) -> tuple[str | None, Reason | None] | None:
    """What the profile says, by the screen that names most of what stands there; None where no screen fits."""
    label = _named_as(plain(told.label), profile) if told.label is not None else None
    marks = {plain(mark) for mark in told.marks}
    speaking = {plain(mark) for mark in told.marks if says_register(mark)}
    fits: defaultdict[int, set[tuple[str | None, Reason | None]]] = defaultdict(set)
    for screen in profile.screens:
        wanted_label, wanted_mark, wanted_unit = screen.told_by
        # A label says which register it is, whatever tariff is in force; without one, no mark may be left over.
        other_marks = wanted_label is None and speaking - {wanted_mark}
        if wanted_label != label or other_marks or (wanted_mark is not None and wanted_mark not in marks):
            continue
        if wanted_unit is not None and (unit is None or unit[0] != wanted_unit):
            continue
        if screen.register is not None and unit is not None and not measures(screen.register, unit[1]):
            continue
        fits[sum(t is not None for t in screen.told_by)].add((screen.register, screen.skip))
    if not fits:
        return None
    best = fits[max(fits)]
    return next(iter(best)) if len(best) == 1 else (None, "register_unknown")


def _named_as(label: str, profile: Profile) -> str:
    """The profile's own label where this one lacks nothing but its points, as P07 of P.07: they are small.

    Of codes without a letter the points tell what they are.
    """
    names = {screen.told_by[0] or "" for screen in profile.screens}
    alike = {n for n in names if n.replace(".", "") == label.replace(".", "") and any(map(str.isalpha, n))}
    return label if label in names or len(alike) != 1 else alike.pop()


def _by_general_rules(told: _Told, quantity: Quantity | None, label: Meaning | None, said: list[Meaning]) -> str | None:
    """The register without a profile; None where it is not certain."""
    if label is not None and label.code:
        return label.code if quantity is None or measures(label.code, quantity) else None
    if told.label is not None and (label is None or not label.known):
        return None
    if any(not m.known for m in said) or (told.unit is not None and quantity is None):
        return None
    export = any(m.export for m in (*said, label) if m is not None)
    tariffs = {m.tariff for m in said if m.tariff is not None}
    if len(tariffs) > 1 or ((tariffs or export) and quantity is None):
        return None
    if quantity is None or (quantity == "active" and not tariffs and not export):
        return "total"
    tariff = next(iter(tariffs), 0)
    code = register_code(quantity, tariff, export=export)
    return code if code is not None or tariff or export else "total"
