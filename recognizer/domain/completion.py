"""Registers that nothing names: numbers with which the total is the sum of its tariffs.

Marks in faint segments are overlooked and labels misread, while the numbers beside them are clear. If all tariffs of a
meter are known by number, and exactly one way to take the unnamed numbers makes the sum right, they are those that are
missing: one way to make a sum of six digits is right by chance a few times in a million. Which of several is which
tariff is told by their order, from above on a display with several rows, and by the profile's order after the total on
one that scrolls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations

from recognizer.domain.observation import Quad
from recognizer.domain.plausibility import check_sum
from recognizer.domain.quads import how_far_down
from recognizer.domain.scroll import Showing
from recognizer.domain.sightings import Stretch
from recognizer.domain.sums import TARIFF, decimals
from recognizer.domain.tally import Told

TOTAL = "1.8.0"
MOST_UNNAMED = 8
"""Unnamed numbers that are tried, those seen most: misread ones are many."""
FEWEST_DIGITS = 5
"""Digits of the total: of smaller ones too many sums are right by chance."""
BY_SUM = 0.99
"""Chance of a register that is told this way."""


@dataclass(frozen=True, slots=True)
class _Number:
    """What stands for a register: its text, when it was seen, and where it was seen best."""

    text: str
    times: tuple[Stretch, ...]
    quad: Quad


def completed(
    told: Sequence[Told], unnamed: Sequence[Showing], registers: Sequence[str], scroll_order: Sequence[str]
) -> list[Showing]:
    """Showings of the registers that ``told`` lacks, each under its register; none where anything is open.

    ``unnamed`` are all that were seen without what names them, those of registers that are told among them.
    ``registers`` are all that the meter is said to have, ``scroll_order`` those of its profile.
    """
    tariffs = sorted(code for code in set(registers) if TARIFF.fullmatch(code))
    known = {TOTAL if t.reading.register == "total" else t.reading.register: _of_told(t, unnamed) for t in told}
    missing = [code for code in (TOTAL, *tariffs) if code not in known]
    if len(tariffs) < 2 or not missing:
        return []
    numbers = _numbers(unnamed, {n.text for n in known.values()})
    ways = [way for way in combinations(numbers, len(missing)) if _is_sum(_filed(way, missing, known), tariffs)]
    if len(ways) != 1:
        return []
    filed = _filed(ways[0], missing, known)
    if len(missing) - (TOTAL in missing) > 1:
        filed = _in_order(filed, missing, tariffs, scroll_order)
    code_of = {number.text: code for code, number in filed.items() if code in missing}
    return [
        replace(s, screen=replace(s.screen, register=code_of[s.text], reason=None, probability=BY_SUM, stated=False))
        for s in unnamed
        if s.text in code_of
    ]


def _of_told(told: Told, unnamed: Sequence[Showing]) -> _Number:
    """What is known, and when it was seen, also without what names it."""
    text = told.reading.text
    also = (s.stretch for s in unnamed if s.text == text)
    return _Number(text, (Stretch(told.first, told.last), *also), told.reading.box)


def _numbers(unnamed: Sequence[Showing], taken: set[str]) -> list[_Number]:
    texts = sorted({s.text for s in unnamed} - taken)
    numbers = []
    for text in texts:
        stretches = tuple(s.stretch for s in unnamed if s.text == text)
        best = min((vote for s in stretches for vote in s.votes), key=lambda v: v.rank)
        numbers.append(_Number(text, stretches, best.display.quad))
    different: dict[Decimal, _Number] = {}
    for number in sorted(numbers, key=lambda n: (-sum(s.frames for s in n.times), n.text)):
        # With or without the zeros in front, which some frames lose, it is one number.
        different.setdefault(Decimal(number.text), number)
    return list(different.values())[:MOST_UNNAMED]


def _filed(way: Sequence[_Number], missing: Sequence[str], known: Mapping[str, _Number]) -> dict[str, _Number]:
    """The numbers under the registers that are missing, the largest as the total if that is one of them."""
    by_size = sorted(way, key=lambda n: (-Decimal(n.text), n.text))
    return {**known, **dict(zip(missing, by_size, strict=True))}


def _is_sum(filed: Mapping[str, _Number], tariffs: Sequence[str]) -> bool:
    total, parts = filed[TOTAL].text, [filed[code].text for code in tariffs]
    if len(total.replace(".", "").lstrip("0")) < FEWEST_DIGITS:
        return False
    places, of_total = set(map(decimals, parts)), decimals(total)
    if len(places) != 1 or sum(Decimal(text) > 0 for text in parts) < 2:
        return False
    if any(text.startswith("0") for text in (total, *parts)) and len({_whole(text) for text in (total, *parts)}) > 1:
        return False  # where zeros stand in front of some, the others have lost theirs, or a digit
    told = places.pop()
    if told - of_total not in (0, 1):
        return False
    # A total whose last digit was cut off shows the sum as far as it goes.
    last_place = Decimal(1).scaleb(-told)
    ends = range(10) if told > of_total else (0,)
    return any(check_sum(Decimal(total) + end * last_place, [Decimal(t) for t in parts], last_place) for end in ends)


def _whole(text: str) -> int:
    return len(text.partition(".")[0])


def _in_order(
    filed: Mapping[str, _Number], missing: Sequence[str], tariffs: Sequence[str], scroll_order: Sequence[str]
) -> dict[str, _Number]:
    """The same with the unnamed tariffs in their order; the known ones alone where that does not fit the named."""
    known = {code: number for code, number in filed.items() if code not in missing}
    parts = [filed[code] for code in tariffs]
    if all(_at_once(a, b) for a, b in combinations(filed.values(), 2)):
        ordered = sorted(parts, key=lambda n: how_far_down(filed[TOTAL].quad, n.quad))
    elif [code for code in scroll_order if code in tariffs] == list(tariffs):
        ordered = sorted(parts, key=lambda n: _after(n, filed[TOTAL]))
    else:
        return known
    if any(known.get(code, number) != number for code, number in zip(tariffs, ordered, strict=True)):
        return known
    total = {TOTAL: filed[TOTAL]}
    return {**total, **dict(zip(tariffs, ordered, strict=True))}


def _at_once(one: _Number, other: _Number) -> bool:
    return any(a.within(b, 0.0) for a in one.times for b in other.times)


def _after(number: _Number, total: _Number) -> tuple[bool, float]:
    """Where a number comes in a cycle that begins with the total: those seen only before it are its end."""
    begin = total.times[0].first
    later = [s.first for s in number.times if s.first > begin]
    return (False, min(later)) if later else (True, min(s.first for s in number.times))
