"""All registers of a meter against each other: the total is the sum of its tariffs, and all have their points."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations, product
from math import prod

from recognizer.domain.fusion import raised
from recognizer.domain.plausibility import check_sum
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Finding, Status
from recognizer.domain.tally import Told, doubts, most_used
from recognizer.domain.visit_rules import VisitRules

BY_CHANCE = 0.1
"""Chance that a total is the sum of its tariffs though one of them shows what none of its candidates tells: misread in
the last place by one or two, or two alike, by a segment that is dead. Assumed on the high side, not measured."""
USUAL, MOST_COUNTED = 0.015, 0.5
"""Usual load as a share of the most that is plausible, about 1 kW of electricity, and the chance at most that at such a
load a register counts on while the others are looked at."""
COARSER = 0.01
"""Chance that registers of one display have different numbers of decimals; one has lost its last digit far more often.
The least, too, that one counted on, also where the policy knows no use of it. Assumed, as the others."""
LIKELIER = 0.5
"""Chance of what is likeliest, below which a sum tells nothing."""
MOST_MISREAD = 2
"""Registers that a sum tells at once: unlit segments before the value are read on more than one row."""
_DOUBTS = ("low_confidence", "seen_once")
TARIFF, _TOTALS = re.compile(r"1\.8\.[1-8]"), ("1.8.0", "total")
_ACTIVE = re.compile(r"[12]\.8\.[0-8]")


def with_sum_checked(
    told: Sequence[Told],
    of_meter: Sequence[str],
    policy: Policy,
    visit_rules: VisitRules,
    conclude: Callable[..., Told | None],
) -> list[Told]:
    """The total against the sum of its tariffs, once all are there: a mismatch accepts none, agreement tells for all.
    Before that no total is less than those that were seen.

    ``of_meter`` are the registers that the meter is known or said to have; a tariff that was seen is one of them. With
    fewer than two tariffs said there may be others that were not seen, and only a sum above the total is wrong: who
    wants the night rate and the total of a meter has not said that there is no day rate. Where one register or two,
    read as others of their candidates, make the sum right, and nothing else is likelier, that is what they show:
    ``conclude`` tells them again, as ``conclude_register`` of their showings does with ``instead``.
    """
    said = {code for code in of_meter if TARIFF.fullmatch(code)}
    tariffs = sorted(said | {t.reading.register for t in told if TARIFF.fullmatch(t.reading.register)})
    parts = [t for t in told if t.reading.register in tariffs]
    total = next((t for code in _TOTALS for t in told if t.reading.register == code), None)
    if total is None or not parts:
        return list(told)
    of_sum = [total, *parts]
    seconds = max(t.last for t in of_sum) - min(t.first for t in of_sum)
    used = most_used("kWh", seconds, policy.rules)  # which 1.8.x count, whether the unit was read or not
    fits = _fit([t.reading.text for t in of_sum], used)
    rest = Decimal(total.reading.text) - sum(Decimal(t.reading.text) for t in parts)
    some_unseen = len(parts) < len(tariffs)
    if (some_unseen and (fits or rest > 0)) or (not fits and rest > 0 and len(said) < 2):
        return list(told)
    if some_unseen:
        return _all_doubted(told, of_sum, f"{total.reading.register} is less than its tariffs by {-rest}.")
    again = _weighed(of_sum, used, visit_rules, conclude)
    if again is not None:
        of_register = {t.reading.register: _as_certain(t, chance, policy, visit_rules) for t, chance in again}
        return [of_register[t.reading.register] if t in of_sum else t for t in told]
    if fits:
        return list(told)
    return _all_doubted(told, of_sum, f"{total.reading.register} and the sum of {', '.join(tariffs)} differ by {rest}.")


def _all_doubted(told: Sequence[Told], of_sum: Sequence[Told], message: str) -> list[Told]:
    finding = Finding("sum_mismatch", message)
    return [_doubted(t, finding) if t in of_sum else t for t in told]


def _fit(texts: Sequence[str], used: Decimal) -> float:
    """How well the first text is the total of the others: 1 as exactly as tariffs that are cut off allow, less where
    something must have been counted on meanwhile or a register is told more coarsely, 0 where it is not.
    """
    places = set(map(decimals, texts))
    total, *parts = map(Decimal, texts)
    last_place = Decimal(1).scaleb(-min(places))
    if len(places) == 1 and check_sum(total, parts, last_place):
        return 1.0
    # Even a slow register may count one on between two screens, and a coarser total is cut off itself.
    if not check_sum(total, parts, last_place, used + last_place * len(places)):
        return 0.0
    return max(COARSER, min(MOST_COUNTED, float(used / last_place) * USUAL)) if len(places) == 1 else COARSER


def _weighed(
    of_sum: Sequence[Told], used: Decimal, rules: VisitRules, conclude: Callable[..., Told | None]
) -> list[tuple[Told, float]] | None:
    """Each register with the chance that it is right, given how well its total is the sum (Bayes): as they are read, or
    some as others of their candidates. None where the sum tells nothing, or nothing that is likelier than not.

    At most MOST_MISREAD are taken to be misread as one of their candidates, at most one as something that none of them
    tells.
    """
    texts = tuple(t.reading.text for t in of_sum)
    if sum(Decimal(text) > 0 for text in texts[1:]) < 2:
        return None  # of one tariff in use the total is a copy, perhaps the same screen with a mark that flickers
    alone = [t.reading.confidence for t in of_sum]
    others = [{c.text: c.probability for c in t.reading.candidates if c.text != t.reading.text} for t in of_sum]
    ways = {}
    for many in range(MOST_MISREAD + 1):
        for places in combinations(range(len(of_sum)), many):
            for instead in product(*(others[place] for place in places)):
                way, chances = list(texts), list(alone)
                for place, text in zip(places, instead, strict=True):
                    way[place], chances[place] = text, others[place][text]
                ways[tuple(way)] = prod(chances) * _fit(way, used)
    unlisted = [
        BY_CHANCE * prod(alone) / own * max(0.0, 1 - own - sum(listed.values()))
        for own, listed in zip(alone, others, strict=True)
    ]
    likeliest = max(ways, key=lambda way: (ways[way], way == texts, way))
    everything = sum(ways.values()) + sum(unlisted)
    if ways[likeliest] <= 0 or ways[likeliest] < LIKELIER * everything:
        return None
    chances = [
        1 - (sum(w for way, w in ways.items() if way[place] != text) + unlisted[place]) / everything
        for place, text in enumerate(likeliest)
    ]
    if likeliest == texts and _fit(texts, used) < 1 and len(set(map(decimals, texts))) == 1:
        chances = [min(chances)] * len(chances)  # any of them may be the one that is wrong
    if not any("." in text for text in likeliest):
        # A point that is lost in all of them changes no sum: that there is none the surest of them knows best, and
        # that the others agree raises it as far as frames do that agree.
        surest = raised(max(map(_without_point, of_sum)), rules.fusion.most_gain)
        chances = [min(chance, surest) for chance in chances]
    again = []
    for told, text, chance in zip(of_sum, likeliest, chances, strict=True):
        one = told if text == told.reading.text else conclude(told.showings, instead=text)
        if one is None:
            return None
        again.append((one, chance))
    return again


def _without_point(told: Told) -> float:
    """The chance that no point stands between its digits, by the frame that is surest of it."""
    votes = (v for s in told.showings if s.text == told.reading.text for v in s.stretch.votes)
    return max((prod(1 - dict(g.odds).get(".", 0.0) for g in v.display.glyphs) for v in votes), default=0.0)


def with_points_checked(told: Sequence[Told]) -> list[Told]:
    """A register of active energy with fewer decimals than others of the meter: its point, or a digit behind it, may
    have been missed.
    """
    of_energy = [t for t in told if t.reading.register == "total" or _ACTIVE.fullmatch(t.reading.register)]
    if not of_energy:
        return list(told)
    most = max(of_energy, key=lambda t: decimals(t.reading.text))
    message = f"{most.reading.register} has {decimals(most.reading.text)} decimals: some may have been missed here."
    finding = Finding("point_missed", message)
    short = [t for t in of_energy if decimals(t.reading.text) < decimals(most.reading.text)]
    return [_doubted(t, finding) if t in short else t for t in told]


def decimals(text: str) -> int:
    """How many digits stand behind the point."""
    return len(text.partition(".")[2])


def _as_certain(told: Told, chance: float, policy: Policy, rules: VisitRules) -> Told:
    reading = told.reading
    others = [f for f in reading.findings if f.code not in _DOUBTS]
    findings = (*doubts(chance, told.last - told.first, policy, rules), *others)
    status: Status = "accepted" if all(f.note for f in findings) else "review"
    return replace(told, reading=replace(reading, confidence=chance, findings=findings, status=status))


def _doubted(told: Told, finding: Finding) -> Told:
    reading = replace(told.reading, findings=(*told.reading.findings, finding), status="review")
    return replace(told, reading=reading)
