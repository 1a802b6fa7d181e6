"""What each display of one frame reads as by itself: its register, text, confidence, and the reasons against it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, log, sqrt

from recognizer.domain.decode import MOST_WHOLE_WHEELS, decode
from recognizer.domain.dials import decimals_of, disagree, pointers, settled
from recognizer.domain.labels import unit_of
from recognizer.domain.meter import NOTHING_KNOWN, Known, Register
from recognizer.domain.observation import Dial, Display, Glyph, Observation
from recognizer.domain.plausibility import Case, check
from recognizer.domain.policy import Policy
from recognizer.domain.prior import weigh
from recognizer.domain.profile import Profile
from recognizer.domain.reading import Candidate, Finding, Reading, Status
from recognizer.domain.register import MESSAGES, Screen, by_absence, display_test, which_register, without_time
from recognizer.domain.rows import as_many_decimals, as_row, best_text, rows_beside
from recognizer.domain.turns import shows_another, written_so

UNREAD_WEIGHT = 0.5
"""How much a display counts that reads as nothing, beside one that reads surely: its place in the report."""
WITHOUT_UNIT = 0.25
"""How much an LCD counts there that has no unit beside it: of finds in training photos 30 of 32 displays had one, and 5
of 10 others, most of them printed serial numbers."""
SURELY_A_UNIT = 0.5
"""Chance of a unit from which the LCD has one."""
MORE_CANDIDATES = 24
"""Texts weighed against a history: the true one may be far down where a digit is hidden."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One display of a frame: what it is, and its reading as far as this frame tells."""

    display: Display
    screen: Screen
    reading: Reading


def look(
    observation: Observation,
    policy: Policy,
    known: Known = NOTHING_KNOWN,
    profile: Profile | None = None,
    serials: frozenset[str] = frozenset(),
) -> list[Seen]:
    """Every display of the frame and its reading, the billed register's first; ``serials`` are no readings."""
    displays = [d for d in observation.displays if d.score >= policy.min_score and d.kind != "dial"]
    dials = pointers(observation.displays)
    # Vision looks for pointers around one drum only: the one it is surest of, which comes first.
    beside = next((d for d in observation.displays if d.kind == "drum"), None)
    ranked = []
    for found in displays:
        rows = rows_beside(found, displays, policy)
        d = as_row(found, rows)
        screen = _screen(d, rows, profile)
        reading = _reading(d, screen, policy, known, profile, serials, dials if found is beside else (), rows)
        pointed = any("." in candidate.text for candidate in reading.candidates[:1])
        if not pointed and any("." in best_text(row) for row in rows):
            reading = _without_point(reading, policy)
        ranked.append((_prominence(d, observation), Seen(d, screen, reading)))
    # A screen that says it is no reading is not one that could not be read.
    open_ones = (pair for pair in ranked if not _told_apart(pair[1]))
    _, largest = max(open_ones, key=lambda pair: pair[0], default=(0.0, None))
    ranked.sort(key=lambda pair: (not _told_apart(pair[1]), pair[0] * _readable(pair[1].reading)), reverse=True)
    all_seen = [seen for _, seen in ranked]
    if largest is not None and all_seen[0] is not largest and largest.reading.status == "refused":
        all_seen[0] = replace(all_seen[0], reading=_doubted(all_seen[0].reading))
    return all_seen


def _told_apart(seen: Seen) -> bool:
    return seen.screen.reason not in (None, "register_unknown")


def _screen(display: Display, rows: Sequence[Display], profile: Profile | None) -> Screen:
    """What the display shows. One of several rows has a name of its own: without one it is not the total."""
    screen = which_register(without_time(display, best_text(display)), profile)
    if screen.register is not None and by_absence(display) and rows:
        return replace(screen, register=None, reason="register_unknown")
    return screen


def _without_point(reading: Reading, policy: Policy) -> Reading:
    """A reading beside whose row another one of the display has decimals."""
    finding = Finding("point_missed", "Another row of the display has decimals: the point may have been missed here.")
    doubted = replace(reading, confidence=reading.confidence * policy.point_missed)
    return not_accepted(replace(doubted, findings=(*reading.findings, finding)))


def _reading(
    display: Display,
    screen: Screen,
    policy: Policy,
    known: Known,
    profile: Profile | None,
    serials: frozenset[str],
    dials: tuple[Dial, ...] = (),
    rows: Sequence[Display] = (),
) -> Reading:
    first, wheel = next(iter(dials), None), last_wheel(display.glyphs)
    roll = settled(policy.roll, first, wheel, policy.dials)
    register = known_register(screen, known)
    dated = register is not None and known.taken_at is not None
    seen = decode(display.glyphs, display.kind, k=MORE_CANDIDATES if dated else policy.candidates, roll=roll)
    if seen and rows:
        seen = as_many_decimals(seen, [decode(row.glyphs, row.kind, k=policy.candidates) for row in rows])
    case, candidates = None, seen
    if seen and register is not None and known.taken_at is not None:
        case = Case(seen[0].text, known.taken_at, register, known.earlier(register.code))
        candidates = weigh(seen, case, policy.rules)
    text = candidates[0].text if candidates else ""
    confidence = 0.0
    if candidates:
        # Whole and right means under the right register too.
        confidence = policy.calibration(display.kind).confidence(features(display, candidates)) * screen.probability
    against_dial = disagree(wheel, first, policy.roll, policy.dials)
    if against_dial:
        confidence *= policy.dials.doubt
    doubts = _wheel_doubts(display, text, policy)
    for chance, _ in doubts:
        confidence *= chance
    findings = _reasons_to_refuse(display, text, confidence, policy)
    if screen.reason is not None and screen.reason != "register_unknown":
        findings = (Finding(screen.reason, MESSAGES[screen.reason]),)
    if not findings and text.replace(".", "") in serials:
        findings = (Finding("serial_number", f"{text} is the serial that stands on the meter, no reading."),)
    status: Status = "refused" if findings else "accepted"
    if not findings and confidence < policy.accept_above:
        message = f"Confidence {confidence:.3f} is below the {policy.accept_above:.3f} that acceptance takes."
        findings = (Finding("low_confidence", message),)
    if status != "refused":
        findings = (*findings, *(finding for _, finding in doubts if finding is not None))
        if against_dial:
            message = "The last wheel stands where the first pointer does not allow it: one of them may be misread."
            findings = (*findings, Finding("dial_disagrees", message))
        if case is not None:
            case = replace(case, text=text, confidence=confidence)
            findings = (*findings, *settled_by_history(seen, text), *check(case, known.now, policy.rules))
        elif screen.reason == "register_unknown":
            findings = (*findings, Finding("register_unknown", MESSAGES["register_unknown"]))
        elif known.meter is not None and known.meter.registers and register is None:
            findings = (*findings, Finding("register_unknown", f"Meter {known.meter.id} has no such register."))
        if profile is not None and screen.register and (misfit := profile.misfit(screen.register, text)):
            findings = (*findings, Finding("wrong_shape", f"{text} has {misfit}: a digit or point may be lost."))
        if not all(f.note for f in findings):
            status = "review"
    return Reading(
        register=register.code if register else screen.register or "unknown",
        unit=(register.unit if register else None) or screen.unit,
        text="" if status == "refused" else text,
        confidence=confidence,
        status=status,
        box=display.quad,
        kind=display.kind,
        findings=findings,
        candidates=candidates[: policy.candidates],
        decimals_from=None if status == "refused" or against_dial else decimals_of(dials, policy.dials),
    )


def known_register(screen: Screen, known: Known) -> Register | None:
    """The register of the record that the screen shows; None where there is none, or it counts something else."""
    register = known.register(screen.register) if screen.register is not None else None
    if register is None or register.unit is None or screen.unit is None:
        return register
    wanted = unit_of(register.unit)
    return register if wanted is None or wanted[0] == screen.unit else None


def settled_by_history(seen: Sequence[Candidate], text: str) -> tuple[Finding, ...]:
    """The optical evidence stays visible where the history decided."""
    if seen[0].text == text:
        return ()
    chance = next(c.probability for c in seen if c.text == text)
    message = f"The display alone reads {seen[0].text} ({seen[0].probability:.2f}) rather than {text} ({chance:.2f})."
    return (Finding("settled_by_history", message, note=True),)


def _readable(reading: Reading) -> float:
    """How much a display counts for its place in the report: one that is off but large stays before a small one."""
    too_few = any(f.code == "too_few_digits" for f in reading.findings)
    return UNREAD_WEIGHT + (0.0 if too_few else reading.confidence)


def _doubted(reading: Reading) -> Reading:
    """A reading taken from a side display: the one the photo is of may be the one that could not be read."""
    message = "A more prominent display in the photo could not be read: this may be the wrong one."
    return not_accepted(replace(reading, findings=(*reading.findings, Finding("larger_display_unread", message))))


def not_accepted(reading: Reading) -> Reading:
    """The reading, for a person to look at first."""
    return replace(reading, status="review") if reading.status == "accepted" else reading


def _wheel_doubts(display: Display, text: str, policy: Policy) -> list[tuple[float, Finding | None]]:
    """What a drum's wheels leave of the confidence, each with what is said of it."""
    if display.kind != "drum" or not text:
        return []
    written = written_so(text, display.glyphs, policy.turns)
    another = shows_another(text, display.glyphs, policy.turns)
    between = None
    if written < policy.turns.noted_below:
        if another:
            message = f"The last wheel seems to show another digit than {text[-1]}: one of two networks misread it."
            between = Finding("wheel_disagrees", message, note=True)
        else:
            message = (
                f"The last wheel stands between two digits: {text[-1]} is written down {written:.0%} of the times."
            )
            between = Finding("last_wheel_between", message, note=True)
    doubts: list[tuple[float, Finding | None]] = [(written if another else written**policy.turns.counts, between)]
    whole = len(text.partition(".")[0])
    if whole > MOST_WHOLE_WHEELS:
        message = f"{whole} wheels and no decimals: the point or the red wheels may have been missed."
        doubts.append((policy.point_missed, Finding("point_missed", message)))
    return doubts


def _reasons_to_refuse(display: Display, text: str, confidence: float, policy: Policy) -> tuple[Finding, ...]:
    digits = text.replace(".", "")
    findings = []
    if display.legible < policy.min_legible:
        findings.append(Finding("not_legible", "The display is off, covered or too blurred to read."))
    elif len(digits) < policy.min_digits:
        # A missing digit is never filled in: 4063 taken for 04063 is a large error (Laroca 2019).
        message = f"The display shows {len(digits)} digits, a reading has at least {policy.min_digits}."
        findings.append(Finding("too_few_digits", message))
    elif len(digits) > policy.max_digits:
        message = f"{len(digits)} digits stand here, a reading has at most {policy.max_digits}: no counter."
        findings.append(Finding("too_many_digits", message))
    elif display_test(display.kind, text):
        findings.append(Finding("display_test", MESSAGES["display_test"]))
    elif confidence < policy.refuse_below:
        message = f"Confidence {confidence:.2f} is below {policy.refuse_below:.2f}: the digits are not clear."
        findings.append(Finding("not_legible", message))
    return tuple(findings)


def features(display: Display, candidates: Sequence[Candidate]) -> tuple[float, float, float, float]:
    """Log-odds of the best text, the weakest position, legibility and the display itself: what confidence weighs."""
    weakest = weakest_position(display.glyphs)
    return _logit(candidates[0].probability), _logit(weakest), _logit(display.legible), _logit(display.score)


def last_wheel(glyphs: Sequence[Glyph]) -> Glyph | None:
    """The rightmost position at which a digit rather stands than not."""
    return next((g for g in reversed(glyphs) if g.odds and g.odds[0][0] != "." and g.absent < 0.5), None)


def weakest_position(glyphs: Sequence[Glyph]) -> float:
    """Probability of the likeliest content of the least certain position; 1 when there are no positions."""
    return min((max(g.absent, *(p for _, p in g.odds), 0.0) for g in glyphs), default=1.0)


def _prominence(display: Display, observation: Observation) -> float:
    """Large, sure and central displays first: people point the camera at the register they mean. LCDs name a unit."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = display.quad
    area = abs((cx - ax) * (dy - by) - (dx - bx) * (cy - ay)) / 2
    off_x = (ax + bx + cx + dx) / 4 - observation.width / 2
    off_y = (ay + by + cy + dy) / 4 - observation.height / 2
    off_centre = hypot(off_x, off_y) / max(1.0, hypot(observation.width, observation.height) / 2)
    prominence = display.score * sqrt(area) * (1 - 0.5 * min(1.0, off_centre))
    named = display.unit is not None and display.unit.probability >= SURELY_A_UNIT
    return prominence if display.kind == "drum" or named else WITHOUT_UNIT * prominence


def _logit(p: float) -> float:
    p = min(1 - 1e-4, max(1e-4, p))
    return log(p / (1 - p))
