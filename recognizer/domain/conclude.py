"""From an observation to the report its user gets: readings with a status, and the reasons for it.

Every limit and every figure of the calibration is a value of the Policy, so a changed rule replays over
stored observations without running vision again.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import hypot, log, sqrt

from recognizer.domain.decode import decode
from recognizer.domain.identity import agree
from recognizer.domain.meter import NOTHING_KNOWN, Known
from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.payload import read_code
from recognizer.domain.plausibility import Case, check
from recognizer.domain.policy import Policy
from recognizer.domain.prior import weigh
from recognizer.domain.reading import Candidate, Finding, Reading, Report, Status

UNREAD_WEIGHT = 0.5
"""How much a display counts that reads as nothing, beside one that reads surely: its place in the report."""
MORE_CANDIDATES = 24
"""Texts weighed against a history: the true one may be far down where a digit is hidden."""


def conclude(
    observation: Observation, *, source: str, policy: Policy | None = None, known: Known = NOTHING_KNOWN
) -> Report:
    """The report on one photo; ``source`` is its name there, ``known`` what is known of the meter beforehand.

    One reading for every display found, the billed register's first: with nothing else known, that of the most
    prominent display, a little less prominent but readable ones before one that says nothing. The report takes
    that reading's status, and is refused (``no_meter``) without any.
    The text of a refused reading is empty, so that no guess passes for a reading; its candidates tell what
    was seen.
    """
    policy = policy or Policy()
    expected = known.meter.serials if known.meter else ()
    whose = agree((i for code in observation.codes for i in read_code(code.kind, code.text, code.raw)), expected)
    report = Report(
        source,
        "refused",
        findings=whose.findings,
        serial=whose.serial,
        agreement=whose.agreement,
        codes=observation.codes,
        models=observation.models,
    )
    serials = frozenset(identity.serial for identity in whose.identities)
    displays = (d for d in observation.displays if d.score >= policy.min_score)
    ranked = [(_prominence(d, observation), _reading(d, policy, known, serials)) for d in displays]
    if ranked:
        _, largest = max(ranked, key=lambda pair: pair[0])
        ranked.sort(key=lambda pair: pair[0] * _readable(pair[1]), reverse=True)
        readings = [reading for _, reading in ranked]
        if readings[0] is not largest and largest.status == "refused":
            readings[0] = _doubted(readings[0])
        if whose.agreement == "mismatch":
            wrong = next(f for f in whose.findings if f.code == "wrong_meter")
            readings = [_not_accepted(replace(r, findings=(*r.findings, wrong))) for r in readings]
        return replace(report, status=readings[0].status, readings=tuple(readings))
    finding = Finding("no_meter", "No meter display was found in the photo.")
    return replace(report, findings=(finding, *report.findings))


def _reading(display: Display, policy: Policy, known: Known, serials: frozenset[str]) -> Reading:
    register = known.register("total")
    dated = register is not None and known.taken_at is not None
    seen = decode(display.glyphs, display.kind, k=MORE_CANDIDATES if dated else policy.candidates, roll=policy.roll)
    case, candidates = None, seen
    if seen and register is not None and known.taken_at is not None:
        case = Case(seen[0].text, known.taken_at, register, known.earlier(register.code))
        candidates = weigh(seen, case, policy.rules)
    text = candidates[0].text if candidates else ""
    confidence = 0.0
    if candidates:
        confidence = policy.calibration(display.kind).confidence(features(display, candidates))
    findings = _reasons_to_refuse(display, text, confidence, policy)
    if not findings and text.replace(".", "") in serials:
        findings = (Finding("serial_number", f"{text} is the serial that a code on the meter gives, no reading."),)
    status: Status = "refused" if findings else "accepted"
    if not findings and confidence < policy.accept_above:
        message = f"Confidence {confidence:.2f} is below the {policy.accept_above:.2f} that acceptance takes."
        findings = (Finding("low_confidence", message),)
    if status != "refused":
        if case is not None:
            case = replace(case, text=text, confidence=confidence)
            findings = (*findings, *_settled(seen, text), *check(case, known.now, policy.rules))
        elif known.meter is not None and known.meter.registers and register is None:
            findings = (*findings, Finding("register_unknown", f"Meter {known.meter.id} has no such register."))
        if not all(f.note for f in findings):
            status = "review"
    return Reading(
        register=register.code if register else "total",
        unit=register.unit if register else None,
        text="" if status == "refused" else text,
        confidence=confidence,
        status=status,
        box=display.quad,
        kind=display.kind,
        findings=findings,
        candidates=candidates[: policy.candidates],
    )


def _settled(seen: Sequence[Candidate], text: str) -> tuple[Finding, ...]:
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
    return _not_accepted(replace(reading, findings=(*reading.findings, Finding("larger_display_unread", message))))


def _not_accepted(reading: Reading) -> Reading:
    return replace(reading, status="review") if reading.status == "accepted" else reading


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
    elif display.kind == "lcd" and set(digits) == {"8"}:
        findings.append(Finding("display_test", "Every segment is lit: a test of the display, not a reading."))
    elif confidence < policy.refuse_below:
        message = f"Confidence {confidence:.2f} is below {policy.refuse_below:.2f}: the digits are not clear."
        findings.append(Finding("not_legible", message))
    return tuple(findings)


def features(display: Display, candidates: Sequence[Candidate]) -> tuple[float, float, float, float]:
    """Log-odds of the best text, the weakest position, legibility and the display itself: what confidence weighs."""
    weakest = weakest_position(display.glyphs)
    return _logit(candidates[0].probability), _logit(weakest), _logit(display.legible), _logit(display.score)


def weakest_position(glyphs: Sequence[Glyph]) -> float:
    """Probability of the likeliest content of the least certain position; 1 when there are no positions."""
    return min((max(g.absent, *(p for _, p in g.odds), 0.0) for g in glyphs), default=1.0)


def _prominence(display: Display, observation: Observation) -> float:
    """Large, sure and central displays first: people point the camera at the register they mean."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = display.quad
    area = abs((cx - ax) * (dy - by) - (dx - bx) * (cy - ay)) / 2
    off_x = (ax + bx + cx + dx) / 4 - observation.width / 2
    off_y = (ay + by + cy + dy) / 4 - observation.height / 2
    off_centre = hypot(off_x, off_y) / max(1.0, hypot(observation.width, observation.height) / 2)
    return display.score * sqrt(area) * (1 - 0.5 * min(1.0, off_centre))


def _logit(p: float) -> float:
    p = min(1 - 1e-4, max(1e-4, p))
    return log(p / (1 - p))
