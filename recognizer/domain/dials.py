"""From needles to digits: pointers resolved right to left, and the drum's last wheel settled by the first of them.

Between two numbers the lower counts, between 9 and 0 it is 9; on a number it counts only if the pointer to its right
has passed 0, else one less (domain rule for meters with pointers, electricity and water alike). Here that is not a
rule of thumb but follows: a pointer's fraction is what the pointer to its right shows, so every digit is weighed by
how well needle and right neighbour agree.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp

from recognizer.domain.decode import RollRule
from recognizer.domain.observation import Dial, Display, Glyph
from recognizer.domain.reading import Candidate, Decimals, Finding, Reading

BEAM = 64
UNITS = "1"


@dataclass(frozen=True, slots=True)
class DialRules:
    """How far needles may be off, and how they settle a wheel. Meters differ, so these are settings."""

    spread: float = 0.25
    """How far a needle usually stands from where its right neighbour says, in numbers of its scale."""
    slack: float = 0.02
    """Chance that a needle stands anywhere at all: turned by hand, slipped, misread."""
    lag: float = 2.0
    """Up to this turn of the first pointer a half-turned wheel may still be on its way to the upper digit."""
    lead: float = 5.0
    """From this turn on, a half-turned wheel shows its lower digit: what comes next has only begun to show."""
    arc: float = 9.0
    """From this turn on, a wheel may be turned by any amount."""
    trust: float = 0.9
    """Belief in the pointer where it settles a wheel, 0.5 (ignore it) to below 1."""
    apart: float = 0.35
    """Turn of a wheel between two digits and that of the pointer disagree when this much of a digit apart."""
    doubt: float = 0.7
    """What is left of the confidence where they disagree."""
    least: float = 0.9
    """Decimals, or the value of a row, are given from this probability on."""

    def __post_init__(self) -> None:
        if not 0 <= self.lag <= self.lead <= self.arc <= 10:
            raise ValueError(f"wanted 0 <= lag <= lead <= arc <= 10, got {self.lag}, {self.lead} and {self.arc}")
        if not 0.5 <= self.trust < 1 or not 0 < self.slack < 1 or self.spread <= 0:
            raise ValueError(f"wanted 0.5 <= trust < 1, 0 < slack < 1 and spread > 0, got {self!r}")
        if min(self.apart, self.doubt, self.least) < 0 or max(self.doubt, self.least) > 1:
            raise ValueError(f"apart, doubt and least are shares, got {self!r}")


def pointers(displays: Sequence[Display]) -> tuple[Dial, ...]:
    """The pointers beside a drum, worth a tenth of its last wheel, a hundredth and so on, as far as none is missing."""
    known = {d.dial.factor: d.dial for d in displays if d.dial is not None and d.dial.factor is not None}
    found: list[Dial] = []
    while (dial := known.get("0." + "0" * len(found) + "1")) is not None:
        found.append(dial)
    return tuple(found)


def row(displays: Sequence[Display]) -> tuple[Dial, ...]:
    """The dials of a meter without a drum, the most significant first; () when there is no such row."""
    known = {d.dial.factor: d.dial for d in displays if d.dial is not None and d.dial.factor is not None}
    found: list[Dial] = []
    while (dial := known.get(UNITS + "0" * len(found))) is not None:
        found.append(dial)
    return tuple(reversed(found))


def resolve(dials: Sequence[Dial], clockwise: Sequence[bool], rules: DialRules) -> tuple[Candidate, ...]:
    """The digits that the dials show, most significant first, and their chances, the likeliest first.

    The last dial is taken by itself; every other is weighed with the value of all to its right. Needles that
    contradict each other leave several digits open, none of them likely. Raises ValueError unless every dial has
    its direction.
    """
    if len(dials) != len(clockwise):
        raise ValueError(f"{len(dials)} dials and {len(clockwise)} directions")
    beam: dict[tuple[str, float], float] = {}
    for dial, forwards in reversed(list(zip(dials, clockwise, strict=True))):
        odds = _values(dial, forwards)
        if not beam:
            beam = {(str(int(value)), value): p for value, p in odds.items()}
            continue
        grown: dict[tuple[str, float], float] = {}
        for (text, right), mass in beam.items():
            for digit in range(10):
                value = digit + right / 10
                match = sum(p * _near(turn - value, rules.spread) for turn, p in odds.items())
                weight = mass * ((1 - rules.slack) * match + rules.slack / 10)
                grown[str(digit) + text, value] = weight
        beam = dict(heapq.nlargest(BEAM, grown.items(), key=lambda item: item[1]))
        total = sum(beam.values())
        beam = {state: mass / total for state, mass in beam.items()}
    masses: dict[str, float] = {}
    for (text, _), mass in beam.items():
        masses[text] = masses.get(text, 0.0) + mass
    return tuple(
        Candidate(text, min(1.0, p)) for text, p in sorted(masses.items(), key=lambda item: (-item[1], item[0]))
    )


UNCONVENTIONAL = 0.05
"""How surely, from 0 to 0.5 a dial, the numbers must run the other way: where there are none, the odds waver."""


def directions(dials: Sequence[Dial]) -> tuple[bool, ...]:
    """Which dials of a row run clockwise: neighbours alternate, the numbers say which way, or else the last does."""
    alternating = [(len(dials) - i) % 2 == 1 for i in range(len(dials))]
    # Positive where the printed numbers speak for the last dial running clockwise.
    speaks = sum((0.5 - d.anticlockwise) * (1 if way else -1) for d, way in zip(dials, alternating, strict=True))
    clockwise = speaks > -UNCONVENTIONAL * len(dials)
    return tuple(alternating if clockwise else [not way for way in alternating])


def decimals_of(dials: Sequence[Dial], rules: DialRules) -> Decimals | None:
    """What pointers say behind the drum's digits, all clockwise as on water meters, as far as it is certain."""
    found = resolve(dials, [True] * len(dials), rules) if dials else ()
    for places in range(len(dials), 0, -1):
        best = found[0].text[:places]
        chance = sum(c.probability for c in found if c.text.startswith(best))
        if chance >= rules.least:
            return Decimals("dial", best, min(1.0, chance))
    return None


def row_reading(displays: Sequence[Display], rules: DialRules, accept_above: float) -> Reading | None:
    """What a row of dials without a drum reads; None where there is none. Refused where its needles leave it open."""
    dials = row(displays)
    if not dials:
        return None
    found = resolve(dials, directions(dials), rules)
    best = found[0]
    quads = [d.quad for d in displays if d.dial in dials]
    left, right = min(quads, key=lambda q: q[0][0]), max(quads, key=lambda q: q[1][0])
    reading = Reading(
        "unknown", None, best.text, best.probability, "accepted", (left[0], right[1], right[2], left[3]), "dial",
        candidates=found[:5],
    )  # fmt: skip
    if best.probability < rules.least:
        message = f"The needles leave the value open: {best.text} has a chance of {best.probability:.2f}."
        return replace(reading, text="", status="refused", findings=(Finding("not_legible", message),))
    # The register of a row is printed beside it and not read: a person says which it is.
    messages = [("register_unknown", "Which register a row of dials shows is not read.")]
    if best.probability < accept_above:
        messages.append(("low_confidence", f"Confidence {best.probability:.2f} is below {accept_above:.2f}."))
    return replace(reading, status="review", findings=tuple(Finding(*m) for m in messages))


def settled(roll: RollRule, first: Dial | None, wheel: Glyph | None, rules: DialRules) -> RollRule:
    """The roll rule with the belief in the last wheel's lower digit that the ×0.1 pointer gives.

    A pointer that has just passed 0 speaks for the upper digit of a wheel that lags behind it; but where the wheel
    has only begun to turn, it stands as a wheel that turns with its pointer should.
    """
    if first is None:
        return roll
    turned = _turned(wheel, roll)
    belief = 0.0
    odds = _values(first, clockwise=True)
    for turn, p in odds.items():
        if turn >= rules.lead:
            belief += p * rules.trust
        elif turn <= rules.lag and (turned is None or turned >= 0.5 + turn / 10):
            belief += p * (1 - rules.trust)
        else:
            belief += p * roll.last
    return replace(roll, last=belief + max(0.0, 1 - sum(odds.values())) * roll.last)


def disagree(wheel: Glyph | None, first: Dial | None, roll: RollRule, rules: DialRules) -> bool:
    """Whether a half-turned last wheel stands where the ×0.1 pointer, between lag and arc, does not allow it."""
    turned = _turned(wheel, roll)
    if turned is None or first is None:
        return False
    against = 0.0
    for turn, p in _values(first, clockwise=True).items():
        apart = min(abs(turned - turn / 10), abs(turned - 1 - turn / 10))
        if rules.lag < turn < rules.arc and apart > rules.apart:
            against += p
    return against > 0.5


def _turned(wheel: Glyph | None, roll: RollRule) -> float | None:
    """How far a half-turned wheel seems to be from its lower to its upper digit, 0 to 1; None for one at rest."""
    odds = dict(wheel.odds) if wheel is not None else {}
    pairs = [(min(p, odds.get(_next(c), 0.0)), c) for c, p in odds.items() if c != "."]
    weaker, lower = max(pairs, default=(0.0, ""))
    return odds[_next(lower)] / (odds[lower] + odds[_next(lower)]) if weaker >= roll.noticeable else None


def _values(dial: Dial, clockwise: bool) -> dict[float, float]:
    """Odds over the numbers of the scale."""
    return {(turn if clockwise else round((10 - turn) % 10, 6)): p for turn, p in dial.turns}


def _near(apart: float, spread: float) -> float:
    off = (apart + 5) % 10 - 5
    return exp(-0.5 * (off / spread) ** 2)


def _next(digit: str) -> str:
    return str((int(digit) + 1) % 10)
