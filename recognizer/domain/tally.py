"""All showings of one register to its reading, and all registers of a meter against each other."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod

from recognizer.domain.fusion import fuse
from recognizer.domain.look import known_register, settled_by_history
from recognizer.domain.meter import Known
from recognizer.domain.plausibility import Case, Rules, check, check_sum
from recognizer.domain.policy import Policy
from recognizer.domain.prior import weigh
from recognizer.domain.reading import Finding, Reading, Status
from recognizer.domain.register import Screen
from recognizer.domain.scroll import Showing
from recognizer.domain.sightings import Vote, best_votes
from recognizer.domain.visit_rules import VisitRules

_DAY = 86400
BY_CHANCE = 0.1
"""Chance that a total is the sum of its tariffs though not all of them are right: misread in the last place by one or
two, or two of them alike, by a segment that is dead. Assumed on the high side, not measured."""
_DOUBTS = ("low_confidence", "seen_once")
TARIFF, _TOTALS = re.compile(r"1\.8\.[1-8]"), ("1.8.0", "total")


@dataclass(frozen=True, slots=True)
class Told:
    """What the visit says of one register, and when it was seen best, first and last, in seconds."""

    reading: Reading
    at: float
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    votes: tuple[Vote, ...]
    first: float
    last: float


def conclude_register(
    showings: Sequence[Showing],
    policy: Policy,
    known: Known,
    rules: VisitRules,
    serials: frozenset[str] = frozenset(),
    against: tuple[Finding, ...] = (),
) -> Told | None:
    """The reading of one register from all its showings; None where nothing may be told.

    A register counts on while the camera looks: a number that follows from an earlier one by a plausible use does
    not contradict it. Any other disagreement lowers the confidence.
    """
    texts = [_gathered(text, showings, rules.fusion.most_votes) for text in sorted({s.text for s in showings})]
    screen = max((s.screen for s in showings), key=lambda s: (s.unit is not None, s.probability, s.unit or ""))
    main = max(texts, key=lambda t: (len(t.votes), t.last, t.text))
    counted = [t for t in texts if t is main or not _follows(t, main, screen, policy.rules)]
    seen = fuse([vote for t in counted for vote in t.votes], rules.fusion)
    register = known_register(screen, known)
    case, candidates = None, seen
    if register is not None and known.taken_at is not None:
        case = Case(seen[0].text, known.taken_at, register, known.earlier(register.code))
        candidates = weigh(seen, case, policy.rules)
    text, confidence = candidates[0].text, candidates[0].probability
    shown = next((t for t in texts if t.text == text), main)
    if confidence < policy.refuse_below or text.replace(".", "") in serials:
        return None
    findings = _doubts(confidence, shown.last - shown.first, policy, rules)
    if case is not None:
        case = replace(case, text=text, confidence=confidence)
        findings += [*settled_by_history(seen, text), *check(case, known.now, policy.rules)]
    elif known.meter is not None and known.meter.registers and register is None:
        findings.append(Finding("register_unknown", f"Meter {known.meter.id} has no such register."))
    findings += against
    best = shown.votes[0]
    reading = Reading(
        register=register.code if register else str(screen.register),
        unit=(register.unit if register else None) or screen.unit,
        text=text,
        confidence=confidence,
        status="accepted" if all(f.note for f in findings) else "review",
        box=best.display.quad,
        kind=best.display.kind,
        findings=tuple(findings),
        candidates=candidates[: policy.candidates],
    )
    return Told(reading, best.at, shown.first, shown.last)


def _doubts(confidence: float, seconds: float, policy: Policy, rules: VisitRules) -> list[Finding]:
    """Why a text that was seen over so many seconds with this confidence is not accepted."""
    if confidence < policy.accept_above:
        message = f"Confidence {confidence:.3f} is below the {policy.accept_above:.3f} that acceptance takes."
        return [Finding("low_confidence", message)]
    if seconds < rules.apart and confidence < rules.single_above:
        message = f"Seen once, with confidence {confidence:.2f}: a second look or {rules.single_above:.2f} is needed."
        return [Finding("seen_once", message)]
    return []


def with_sum_checked(
    told: Sequence[Told], of_meter: Sequence[str], policy: Policy, visit_rules: VisitRules
) -> list[Told]:
    """The total against the sum of its tariffs, once all are there: a mismatch accepts none, agreement tells for all.

    ``of_meter`` are the registers that the meter is known or said to have; a tariff that was seen is one of them. With
    fewer than two tariffs said there may be others that were not seen, and only a sum above the total is wrong: who
    wants the night rate and the total of a meter has not said that there is no day rate.
    """
    said = {code for code in of_meter if TARIFF.fullmatch(code)}
    tariffs = sorted(said | {t.reading.register for t in told if TARIFF.fullmatch(t.reading.register)})
    parts = [t for t in told if t.reading.register in tariffs]
    total = next((t for code in _TOTALS for t in told if t.reading.register == code), None)
    if total is None or not parts or len(parts) < len(tariffs):
        return list(told)
    of_sum = [total, *parts]
    places = {-len(t.reading.text.partition(".")[2]) for t in of_sum}
    last_place = Decimal(1).scaleb(max(places))
    seconds = max(t.last for t in of_sum) - min(t.first for t in of_sum)
    # Even a slow register may count one on between two screens, and a coarser total is cut off itself.
    used = _most_used(total.reading.unit, seconds, policy.rules) + last_place * len(places)
    amount, amounts = Decimal(total.reading.text), [Decimal(t.reading.text) for t in parts]
    if check_sum(amount, amounts, last_place, used):
        # Of one tariff in use the total is a copy, perhaps the same screen with a mark that flickers; and a point that
        # is lost in all of them changes no sum.
        tells = len(places) == 1 and places != {0} and sum(a > 0 for a in amounts) > 1
        strictly = tells and check_sum(amount, amounts, last_place)
        return [_agreed(t, of_sum, policy, visit_rules) if strictly and t in of_sum else t for t in told]
    rest = amount - sum(amounts)
    if rest > 0 and len(said) < 2:
        return list(told)
    message = f"{total.reading.register} and the sum of {', '.join(tariffs)} differ by {rest}."
    finding = Finding("sum_mismatch", message)
    return [_doubted(t, finding) if t in of_sum else t for t in told]


def with_points_checked(told: Sequence[Told]) -> list[Told]:
    """A register of active energy without a point beside others of the meter that have one: it may have been missed."""
    of_energy = [t for t in told if t.reading.register in _TOTALS or TARIFF.fullmatch(t.reading.register)]
    pointed = [t for t in of_energy if "." in t.reading.text]
    if not pointed or len(pointed) == len(of_energy):
        return list(told)
    finding = Finding(
        "point_missed", f"{pointed[0].reading.register} has decimals: the point may have been missed here."
    )
    return [_doubted(t, finding) if t in of_energy and t not in pointed else t for t in told]


def _agreed(told: Told, of_sum: Sequence[Told], policy: Policy, rules: VisitRules) -> Told:
    """A register of a sum that is right, as certain as that all of them are (Bayes)."""
    reading = told.reading
    together = prod(t.reading.confidence for t in of_sum)
    chance = together / (together + (1 - together) * BY_CHANCE)
    if chance <= reading.confidence:
        return told
    others = [f for f in reading.findings if f.code not in _DOUBTS]
    findings = (*_doubts(chance, told.last - told.first, policy, rules), *others)
    status: Status = "accepted" if all(f.note for f in findings) else "review"
    return replace(told, reading=replace(reading, confidence=chance, findings=findings, status=status))


def _doubted(told: Told, finding: Finding) -> Told:
    reading = replace(told.reading, findings=(*told.reading.findings, finding), status="review")
    return replace(told, reading=reading)


def _gathered(text: str, showings: Sequence[Showing], most_votes: int) -> _Text:
    stretches = [s.stretch for s in showings if s.text == text]
    votes = best_votes((vote for stretch in stretches for vote in stretch.votes), most_votes)
    return _Text(text, votes, min(s.first for s in stretches), max(s.last for s in stretches))


def _follows(one: _Text, other: _Text, screen: Screen, rules: Rules) -> bool:
    """Whether the register may have counted on from one of the two texts to the other meanwhile."""
    earlier, later = sorted((one, other), key=lambda t: t.first)
    if later.first <= earlier.last or len(earlier.text) != len(later.text):
        return False
    if earlier.text.find(".") != later.text.find("."):
        return False
    used = Decimal(later.text) - Decimal(earlier.text)
    last_place = Decimal(1).scaleb(-len(later.text.partition(".")[2]))
    return 0 < used <= _most_used(screen.unit, later.first - earlier.last, rules) + last_place


def _most_used(unit: str | None, seconds: float, rules: Rules) -> Decimal:
    """The most that can be counted in that time; nothing for a unit of which no rate is known."""
    a_day = next((most for name, most in rules.most_a_day if name == unit), Decimal(0))
    return a_day * Decimal(repr(seconds)) / _DAY
