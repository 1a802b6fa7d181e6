"""From an observation to the report its user gets: readings with a status, and the reasons for it.

Every limit and every figure of the calibration is a value of the Policy, so a changed rule replays over
stored observations without running vision again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import exp, hypot, log, sqrt

from recognizer.domain.decode import RollRule, decode
from recognizer.domain.observation import Display, DisplayKind, Glyph, Observation
from recognizer.domain.reading import Candidate, Finding, Reading, Report, Status

UNREAD_WEIGHT = 0.1
"""How much a display counts that reads as nothing, beside one that reads surely: its place in the report."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns what is known about one reading into the chance that the whole of it is right.

    A weighted sum of log-odds through a sigmoid. The weights are not negative: more evidence never lowers a
    confidence. The default hands the probability of the best text through unchanged; the figures that fit a
    trained model stand in its card.
    """

    top: float = 1.0
    """Weight of the probability of the best text."""
    weakest: float = 0.0
    """Weight of the least certain position: one bad digit spoils a reading, a mean would hide it."""
    legible: float = 0.0
    score: float = 0.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.top, self.weakest, self.legible, self.score)
        if min(weights) < 0:
            raise ValueError(f"weights of a calibration are >= 0, got {weights}")

    def confidence(self, parts: Sequence[float]) -> float:
        """Chance from 0 to 1 that the reading is right, from its ``features``."""
        top, weakest, legible, score = parts
        total = self.top * top + self.weakest * weakest + self.legible * legible + self.score * score + self.offset
        return 1 / (1 + exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True)
class Policy:
    """What a reading must fulfil. Utilities differ, so these are settings and none of them is a constant."""

    min_score: float = 0.3
    """Displays the locator is less sure of are taken for background."""
    min_legible: float = 0.5
    accept_above: float = 0.9
    """Readings of at least this confidence are accepted, others go to a person."""
    refuse_below: float = 0.1
    """Readings of less than this confidence are refused instead: not even a person should be led by them."""
    min_digits: int = 3
    max_digits: int = 9
    """More than any register has: a serial number or two rows run together."""
    candidates: int = 5
    roll: RollRule = field(default_factory=RollRule)
    lcd: Calibration = field(default_factory=Calibration)
    drum: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        shares = (self.min_score, self.min_legible, self.accept_above, self.refuse_below)
        if any(not 0 <= share <= 1 for share in shares):
            raise ValueError(f"thresholds lie between 0 and 1, got {shares}")
        if self.refuse_below > self.accept_above:
            raise ValueError(f"refuse_below {self.refuse_below} is above accept_above {self.accept_above}")
        if not 1 <= self.min_digits <= self.max_digits or self.candidates < 1:
            raise ValueError(
                f"wanted 1 <= min_digits <= max_digits and candidates >= 1, "
                f"got {self.min_digits}, {self.max_digits} and {self.candidates}"
            )

    def calibration(self, kind: DisplayKind) -> Calibration:
        return self.lcd if kind == "lcd" else self.drum


def conclude(observation: Observation, *, source: str, policy: Policy | None = None) -> Report:
    """The report on one photo; ``source`` is its name there.

    One reading for every display found, the billed register's first: with nothing else known, that of the most
    prominent display, a little less prominent but readable ones before one that says nothing. The report takes
    that reading's status, and is refused (``no_meter``) without any.
    The text of a refused reading is empty, so that no guess passes for a reading; its candidates tell what
    was seen.
    """
    policy = policy or Policy()
    displays = (d for d in observation.displays if d.score >= policy.min_score)
    ranked = [(_prominence(d, observation), _reading(d, policy)) for d in displays]
    if ranked:
        _, largest = max(ranked, key=lambda pair: pair[0])
        ranked.sort(key=lambda pair: pair[0] * _readable(pair[1]), reverse=True)
        readings = [reading for _, reading in ranked]
        if readings[0] is not largest and largest.status == "refused":
            readings[0] = _doubted(readings[0])
        return Report(source, readings[0].status, tuple(readings), models=observation.models)
    finding = Finding("no_meter", "No meter display was found in the photo.")
    return Report(source, "refused", findings=(finding,), models=observation.models)


def _reading(display: Display, policy: Policy) -> Reading:
    candidates = decode(display.glyphs, display.kind, k=policy.candidates, roll=policy.roll)
    text = candidates[0].text if candidates else ""
    confidence = 0.0
    if candidates:
        confidence = policy.calibration(display.kind).confidence(features(display, candidates))
    findings = _reasons_to_refuse(display, text, confidence, policy)
    status: Status = "refused" if findings else "accepted"
    if not findings and confidence < policy.accept_above:
        status = "review"
        message = f"Confidence {confidence:.2f} is below the {policy.accept_above:.2f} that acceptance takes."
        findings = (Finding("low_confidence", message),)
    return Reading(
        register="total",
        unit=None,
        text="" if status == "refused" else text,
        confidence=confidence,
        status=status,
        box=display.quad,
        kind=display.kind,
        findings=findings,
        candidates=candidates,
    )


def _readable(reading: Reading) -> float:
    """How much a display counts for its place in the report: one that is off but large stays before a small one."""
    too_few = any(f.code == "too_few_digits" for f in reading.findings)
    return UNREAD_WEIGHT + (0.0 if too_few else reading.confidence)


def _doubted(reading: Reading) -> Reading:
    """A reading taken from a side display: the one the photo is of may be the one that could not be read."""
    message = "A more prominent display in the photo could not be read: this may be the wrong one."
    findings = (*reading.findings, Finding("larger_display_unread", message))
    return replace(reading, status="review" if reading.status == "accepted" else reading.status, findings=findings)


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
