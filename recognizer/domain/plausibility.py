"""Can the number be true? A reading against the register's record and its earlier readings (domain rules, section 6).

Everything is measured per time since the last counted reading, never per call, and a stored value is never handed
out in place of one that was read. The reason codes are those in use in the field.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from recognizer.domain.meter import PastReading, Register
from recognizer.domain.reading import Finding
from recognizer.errors import UsageError

_DAY = Decimal(86400)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a value must fulfil beside earlier ones. Utilities differ, so these are settings."""

    jitter: int = 2
    """Units of the last place by which a value may lie below the last one: wheels hang, last digits flicker."""
    near_top: Decimal = Decimal("0.9")
    """Share of the register's range above which it may be about to roll over."""
    rollover_confidence: float = 0.98
    """A wrapped value of less confidence goes to a person."""
    growth: int = 4
    """How many times the highest rate so far is still believed."""
    least_history: int = 3
    """Intervals from which a rate is learnt at all."""
    agreeing: int = 2
    """Confident readings that agree with each other, but not with the stored one, before that one is doubted."""
    confident: float = 0.5
    """More likely right than not: they only ask. With 0.95 an uncertain one delays the question by a reading."""
    clock_slack: timedelta = timedelta(minutes=15)
    same_moment: timedelta = timedelta(minutes=1)
    most_a_day: tuple[tuple[str, Decimal], ...] = (
        ("kWh", Decimal(1700)),
        ("m3", Decimal(150)),
        ("m³", Decimal(150)),
    )
    """Most that a meter of the mass market can count in a day: three phases of 100 A at 230 V, and 6 m3 an hour."""

    def __post_init__(self) -> None:
        if self.jitter < 0 or self.growth < 1 or self.least_history < 1 or self.agreeing < 2:
            raise UsageError("wanted jitter >= 0, growth >= 1, least_history >= 1 and agreeing >= 2")
        if not 0 < self.near_top < 1:
            raise UsageError(f"near_top is a share of the register's range, got {self.near_top}")


@dataclass(frozen=True, slots=True)
class Case:
    """A value as read, when it was read, and what is known of its register."""

    text: str
    taken_at: datetime
    register: Register
    history: tuple[PastReading, ...]
    """Readings of this register, oldest first."""
    confidence: float = 1.0

    @property
    def value(self) -> Decimal:
        return Decimal(self.text)

    @property
    def last_place(self) -> Decimal:
        """The value of one unit of the last place displayed."""
        return Decimal(1).scaleb(-len(self.text.partition(".")[2]))

    def before(self) -> PastReading | None:
        """The last reading that counts and was not taken later than this one."""
        return next((p for p in reversed(self.history) if p.counts and p.taken_at <= self.taken_at), None)

    def after(self) -> PastReading | None:
        return next((p for p in self.history if p.counts and p.taken_at > self.taken_at), None)


def check(case: Case, now: datetime | None = None, rules: Rules | None = None) -> tuple[Finding, ...]:
    """Why the value may not be true; findings that are no notes keep it from being accepted."""
    rules = rules or Rules()
    if case.taken_at.tzinfo is None or (now is not None and now.tzinfo is None):
        raise UsageError("taken_at and now need a time zone")
    if now is not None and case.taken_at > now + rules.clock_slack:
        message = f"The photo says it was taken at {case.taken_at.isoformat()}, which is still to come."
        return (Finding("timestamp_future", message),)
    before, after = case.before(), case.after()
    findings: list[Finding] = []
    if before is not None:
        if case.taken_at - before.taken_at < rules.same_moment and before.value == case.value:
            findings.append(Finding("duplicate_reading", f"{before.value} of this moment is stored already."))
        else:
            findings += _against_earlier(case, before, rules)
    if after is not None and case.value > after.value + rules.jitter * case.last_place and not case.register.may_fall:
        when = after.taken_at.date().isoformat()
        findings.append(Finding("greater_than_subsequent", f"A later reading, of {when}, is {after.value}."))
    return tuple(findings)


def _against_earlier(case: Case, before: PastReading, rules: Rules) -> list[Finding]:
    used = case.value - before.value
    most = most_used(case, before, rules)
    when = before.taken_at.date().isoformat()
    falls = used < -rules.jitter * case.last_place
    if falls and not case.register.may_fall:
        wrapped = _wrapped(case, before, rules)
        if wrapped is not None and (most is None or wrapped <= most):
            sure = case.confidence >= rules.rollover_confidence and most is not None
            message = f"The register may have rolled over since {before.value} on {when}: {wrapped} used."
            if not sure:
                return [Finding("possible_rollover", message)]
            return [Finding("possible_rollover", message, note=True)]
        return [Finding("less_than_previous", f"It was {before.value} on {when}."), *_doubt(case, before, rules)]
    if most is not None and abs(used) > most:
        message = f"{used} since {when} is more than the {most.normalize():f} possible in that time."
        return [Finding("rate_too_high", message), *_doubt(case, before, rules)]
    return []


def most_used(case: Case, before: PastReading, rules: Rules) -> Decimal | None:
    """The most that can have been used since ``before``; None where nothing is known of the rate.

    The record's rate if it has one; else what the history allows, never more than the medium does.
    """
    days = Decimal((case.taken_at - before.taken_at).total_seconds()) / _DAY
    rate = case.register.max_rate
    if rate is None:
        known = [most for unit, most in rules.most_a_day if unit == case.register.unit]
        learnt = highest_rate(case.history, case.taken_at, rules.least_history)
        known += [learnt * rules.growth] if learnt else []
        if not known:
            return None
        rate = min(known)
    return rate * days + (rules.jitter + 1) * case.last_place


def highest_rate(history: Sequence[PastReading], until: datetime, least: int) -> Decimal | None:
    """Highest use a day between counted readings before ``until``; None for fewer than ``least`` intervals."""
    counted = [p for p in history if p.counts and p.taken_at <= until]
    rates = [
        abs(b.value - a.value) / max(Decimal((b.taken_at - a.taken_at).total_seconds()) / _DAY, Decimal(1))
        for a, b in pairwise(counted)
    ]
    return max(rates) if len(rates) >= least else None


def _wrapped(case: Case, before: PastReading, rules: Rules) -> Decimal | None:
    """Use through a rollover at 10^n, n from the record; None where the last value was not near the top."""
    if case.register.digits is None:
        return None
    span = Decimal(10) ** case.register.digits
    return case.value + span - before.value if before.value >= span * rules.near_top else None


def _doubt(case: Case, before: PastReading, rules: Rules) -> list[Finding]:
    """After several confident readings that agree with each other, it is the stored one that is in doubt.

    Otherwise one false value that was let in would have every true one refused for ever.
    """
    waiting = [
        p for p in case.history
        if p.status == "review" and p.confidence >= rules.confident and before.taken_at < p.taken_at <= case.taken_at
    ]  # fmt: skip
    chain = [p.value for p in waiting[-(rules.agreeing - 1) :]] + [case.value]
    enough = len(chain) >= rules.agreeing and case.confidence >= rules.confident
    if not enough or any(b < a - rules.jitter * case.last_place for a, b in pairwise(chain)):
        return []
    message = (
        f"{len(chain)} confident readings in a row agree with each other but not with {before.value} "
        f"of {before.taken_at.date().isoformat()}: was that one right?"
    )
    return [Finding("previous_reading_doubtful", message)]


def check_sum(total: Decimal, tariffs: Sequence[Decimal], last_place: Decimal, used: Decimal = Decimal(0)) -> bool:
    """Whether a total agrees with all tariffs in use: k truncated ones lose 0 to k - 1 units of the last place.

    ``used`` is what may have been counted while the screens scrolled by.
    """
    rest = total - sum(tariffs)
    return -used <= rest <= max(0, len(tariffs) - 1) * last_place + used
