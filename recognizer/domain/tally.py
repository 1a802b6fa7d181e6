"""All showings of one register to its reading."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from recognizer.domain.fusion import fuse
from recognizer.domain.look import known_register, settled_by_history
from recognizer.domain.meter import Known
from recognizer.domain.plausibility import Case, Rules, check
from recognizer.domain.policy import Policy
from recognizer.domain.prior import weigh
from recognizer.domain.reading import Finding, Reading
from recognizer.domain.register import Screen
from recognizer.domain.scroll import Showing
from recognizer.domain.sightings import Vote, best_votes
from recognizer.domain.visit_rules import VisitRules

_DAY = 86400


@dataclass(frozen=True, slots=True)
class Told:
    """What the visit says of one register, and when it was seen best, first and last, in seconds."""

    reading: Reading
    at: float
    first: float
    last: float
    showings: tuple[Showing, ...] = ()
    """What it was concluded from."""


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
    instead: str | None = None,
) -> Told | None:
    """The reading of one register from all its showings; None where nothing may be told.

    A register counts on while the camera looks: a number that follows from an earlier one by a plausible use does
    not contradict it. Any other disagreement lowers the confidence. ``instead`` of the likeliest this candidate is
    told, however unlikely.
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
    if instead is not None:
        candidates = tuple(sorted(candidates, key=lambda c: c.text != instead))
    text, confidence = candidates[0].text, candidates[0].probability
    shown = next((t for t in texts if t.text == text), main)
    refused = confidence < policy.refuse_below and instead is None
    if refused or text.replace(".", "") in serials:
        return None
    findings = doubts(confidence, shown.last - shown.first, policy, rules)
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
    return Told(reading, best.at, shown.first, shown.last, tuple(showings))


def doubts(confidence: float, seconds: float, policy: Policy, rules: VisitRules) -> list[Finding]:
    """Why a text that was seen over so many seconds with this confidence is not accepted."""
    if confidence < policy.accept_above:
        message = f"Confidence {confidence:.3f} is below the {policy.accept_above:.3f} that acceptance takes."
        return [Finding("low_confidence", message)]
    if seconds < rules.apart and confidence < rules.single_above:
        message = f"Seen once, with confidence {confidence:.2f}: a second look or {rules.single_above:.2f} is needed."
        return [Finding("seen_once", message)]
    return []


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
    return 0 < used <= most_used(screen.unit, later.first - earlier.last, rules) + last_place


def most_used(unit: str | None, seconds: float, rules: Rules) -> Decimal:
    """The most that can be counted in that time; nothing for a unit of which no rate is known."""
    a_day = next((most for name, most in rules.most_a_day if name == unit), Decimal(0))
    return a_day * Decimal(repr(seconds)) / _DAY
