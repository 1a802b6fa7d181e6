"""All registers of a meter against each other: the total is the sum of its tariffs, and all have their points."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from math import prod

from recognizer.domain.plausibility import Rules, check_sum
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Finding, Status
from recognizer.domain.tally import Told, doubts, most_used
from recognizer.domain.visit_rules import VisitRules

BY_CHANCE = 0.1
"""Chance that a total is the sum of its tariffs though one of them shows what none of its candidates tells: misread in
the last place by one or two, or two alike, by a segment that is dead. Assumed on the high side, not measured."""
LIKELIER = 0.5
"""Chance that all registers of a sum are right, below which it tells for none of them."""
_DOUBTS = ("low_confidence", "seen_once")
TARIFF, _TOTALS = re.compile(r"1\.8\.[1-8]"), ("1.8.0", "total")


def with_sum_checked(
    told: Sequence[Told],
    of_meter: Sequence[str],
    policy: Policy,
    visit_rules: VisitRules,
    conclude: Callable[..., Told | None],
) -> list[Told]:
    """The total against the sum of its tariffs, once all are there: a mismatch accepts none, agreement tells for all.

    ``of_meter`` are the registers that the meter is known or said to have; a tariff that was seen is one of them. With
    fewer than two tariffs said there may be others that were not seen, and only a sum above the total is wrong: who
    wants the night rate and the total of a meter has not said that there is no day rate. Where one register read as
    another of its candidates, and only one, makes the sum right, that is what it shows: ``conclude`` tells it again, as
    ``conclude_register`` of its showings does with ``instead``.
    """
    said = {code for code in of_meter if TARIFF.fullmatch(code)}
    tariffs = sorted(said | {t.reading.register for t in told if TARIFF.fullmatch(t.reading.register)})
    parts = [t for t in told if t.reading.register in tariffs]
    total = next((t for code in _TOTALS for t in told if t.reading.register == code), None)
    if total is None or not parts or len(parts) < len(tariffs):
        return list(told)
    of_sum = [total, *parts]
    fits = _is_sum(of_sum, policy.rules)
    rest = _number(total) - sum(map(_number, parts))
    if not fits and rest > 0 and len(said) < 2:
        return list(told)
    if (likeliest := _likeliest(of_sum, fits, conclude)) is not None:
        chance, again = likeliest
        changed = {
            t.reading.register: _as_certain(t, chance, policy, visit_rules)
            for t in again
            if not fits or chance > t.reading.confidence
        }
        return [changed.get(t.reading.register, t) if t in of_sum else t for t in told]
    if fits:
        return list(told)
    message = f"{total.reading.register} and the sum of {', '.join(tariffs)} differ by {rest}."
    finding = Finding("sum_mismatch", message)
    return [_doubted(t, finding) if t in of_sum else t for t in told]


def _number(told: Told) -> Decimal:
    return Decimal(told.reading.text)


def _is_sum(of_sum: Sequence[Told], rules: Rules) -> bool:
    """Whether the first may be the total of the others."""
    places = {-len(t.reading.text.partition(".")[2]) for t in of_sum}
    last_place = Decimal(1).scaleb(max(places))
    seconds = max(t.last for t in of_sum) - min(t.first for t in of_sum)
    # Even a slow register may count one on between two screens, and a coarser total is cut off itself.
    used = most_used(of_sum[0].reading.unit, seconds, rules) + last_place * len(places)
    total, *parts = map(_number, of_sum)
    return check_sum(total, parts, last_place, used)


def _tells(texts: Sequence[str]) -> bool:
    """Whether the first text is the total of the others so exactly that it tells for them.

    Of one tariff in use the total is a copy, perhaps the same screen with a mark that flickers.
    """
    places = {len(text.partition(".")[2]) for text in texts}
    total, *parts = map(Decimal, texts)
    last_place = Decimal(1).scaleb(-max(places))
    return len(places) == 1 and sum(part > 0 for part in parts) > 1 and check_sum(total, parts, last_place)


def _likeliest(
    of_sum: Sequence[Told], fits: bool, conclude: Callable[..., Told | None]
) -> tuple[float, list[Told]] | None:
    """The registers as they are read, or where that does not fit with one of them as another of its candidates, so that
    the sum tells for all; and the chance that all are right (Bayes). None where that is not likelier than not.
    """
    texts = [t.reading.text for t in of_sum]
    as_read = prod(t.reading.confidence for t in of_sum)
    ways = [(as_read, 0, texts[0], fits and _tells(texts))]
    for place, told in enumerate(of_sum):
        for candidate in told.reading.candidates:
            if candidate.text != texts[place]:
                chance = as_read * candidate.probability / told.reading.confidence
                tells = _tells([*texts[:place], candidate.text, *texts[place + 1 :]])
                ways.append((chance, place, candidate.text, tells))
    right = [way for way in ways if way[3]]
    if not right or (fits and right[0] is not ways[0]):
        return None
    likeliest, place, text, _ = max(right)
    unlisted = max(0.0, 1 - sum(way[0] for way in ways))
    chance = likeliest / (sum(way[0] for way in right) + BY_CHANCE * unlisted)
    if not any("." in t for t in texts):
        # A point that is lost in all of them changes no sum: that there is none the surest of them knows best.
        chance = min(chance, max(t.reading.confidence for t in of_sum))
    if chance < LIKELIER:
        return None
    if text == texts[place]:
        return chance, list(of_sum)
    again = conclude(of_sum[place].showings, instead=text)
    return (chance, [*of_sum[:place], again, *of_sum[place + 1 :]]) if again is not None else None


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


def _as_certain(told: Told, chance: float, policy: Policy, rules: VisitRules) -> Told:
    reading = told.reading
    others = [f for f in reading.findings if f.code not in _DOUBTS]
    findings = (*doubts(chance, told.last - told.first, policy, rules), *others)
    status: Status = "accepted" if all(f.note for f in findings) else "review"
    return replace(told, reading=replace(reading, confidence=chance, findings=findings, status=status))


def _doubted(told: Told, finding: Finding) -> Told:
    reading = replace(told.reading, findings=(*told.reading.findings, finding), status="review")
    return replace(told, reading=reading)
