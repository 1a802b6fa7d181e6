"""The history as a prior: an uncertain digit is settled by what is physically possible.

The prior is kept weak on purpose. A stored value may be wrong, and a display that reads clearly must be able to
contradict it: then the rules of ``plausibility`` speak up, and the reading itself stays what was seen.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from recognizer.domain.plausibility import Case, Rules, most_used
from recognizer.domain.reading import Candidate

IMPOSSIBLE = 0.02
"""Weight of a text that the history rules out, against 1 for one that it expects."""
UNLIKELY = 0.2
"""Weight of a text that is possible but would be the highest use there can be."""
MISSHAPEN = 0.05
"""Weight of a text whose decimals are not those of the record."""
LEAST_SEEN = 0.1
"""A text that the display itself supports less than this is never put first: that would be a guess."""


def weigh(candidates: Sequence[Candidate], case: Case, rules: Rules) -> tuple[Candidate, ...]:
    """The candidates with their posterior probabilities, best first.

    ``case`` gives register, history and time; its text is not looked at. What the candidates leave to 1 keeps its
    full weight, since the texts not listed may be as likely as those that are.
    """
    if not candidates:
        return ()
    weighed = [(c, c.probability * _weight(replace(case, text=c.text), rules)) for c in candidates]
    total = sum(mass for _, mass in weighed) + max(0.0, 1 - sum(c.probability for c in candidates))
    posterior = [Candidate(c.text, min(1.0, mass / total)) for c, mass in weighed] if total > 0 else list(candidates)
    seen = {c.text for c in candidates if c.probability >= LEAST_SEEN} or {candidates[0].text}
    return tuple(sorted(posterior, key=lambda c: (c.text not in seen, -c.probability, c.text)))


def _weight(case: Case, rules: Rules) -> float:
    shape = 1.0
    decimals = case.register.decimals
    if decimals is not None and len(case.text.partition(".")[2]) != decimals:
        shape = MISSHAPEN
    before, after = case.before(), case.after()
    weight = 1.0
    if before is not None:
        weight = _use_weight(case, case.value - before.value, most_used(case, before, rules), rules)
    if after is not None and case.value > after.value + rules.jitter * case.last_place and not case.register.may_fall:
        weight = IMPOSSIBLE
    return max(IMPOSSIBLE, weight * shape)


def _use_weight(case: Case, used: Decimal, most: Decimal | None, rules: Rules) -> float:
    if used < -rules.jitter * case.last_place and not case.register.may_fall:
        return IMPOSSIBLE
    if most is None:
        return 1.0
    share = abs(used) / most
    if share > 1:
        return IMPOSSIBLE
    # Falls from 1 to UNLIKELY towards the highest use: small uses are much more common than the most there can be.
    return 1.0 / (1.0 + (1 / UNLIKELY - 1) * float(share))
