"""What no rule could do better: false values accepted, were all known of each household that chance leaves to know.

Known without error are the reading before, how much the household uses on average and how that varies with the
season, and how often digits are misread; there are no gaps, exchanges or doubtful digits. The rule sends to review
whatever is most likely misread (Neyman and Pearson 1933: no other choice lets in fewer).
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.history import CONFIDENT_MISREADS, EXPORTING, SPREAD, Household, expected, household
from recognizer.domain.meter import Register

IMPOSSIBLE = -1e9


def bound(seed: int, meters: int, months: int, reviewed: tuple[float, ...]) -> list[float]:
    """For each share of readings sent to review: false values accepted, as a share of all readings."""
    readings = sorted(_readings(np.random.default_rng(seed), meters, months))
    false = np.array([misread for _, misread in readings], float)
    accepted = np.concatenate([[0.0], false.cumsum()])
    return [float(accepted[round(len(false) * (1 - share))] / len(false)) for share in reviewed]


def _readings(rng: np.random.Generator, meters: int, months: int) -> Iterator[tuple[float, bool]]:
    """(log-odds that it is misread, whether it is) of every reading."""
    for home in (household(rng) for _ in range(meters)):
        register = home.register
        places = digits_of(register)
        for month in range(1, months):
            use = expected(home, month)
            before = int(rng.uniform(0.05, 0.9) * 10**places)
            sign = -1 if home.exports and rng.random() < EXPORTING else 1
            true = before + sign * round(use * rng.lognormal(0, SPREAD))
            if not 0 <= true < 10**places:
                continue
            misread = bool(rng.random() < CONFIDENT_MISREADS)
            others = _one_digit_off(true, places)
            seen = int(rng.choice(others)) if misread else true
            likely_true = _log_chance(seen - before, use, home)
            # Each of these numbers, were it the true one, is misread as the seen one with the same chance.
            likely_false = [_log_chance(other - before, use, home) for other in _one_digit_off(seen, places)]
            odds = np.logaddexp.reduce(likely_false) - np.log(len(others)) - likely_true
            yield float(odds), misread


def digits_of(register: Register) -> int:
    """All digits of a register, the decimals included."""
    return (register.digits or 5) + (register.decimals or 0)


def _one_digit_off(value: int, places: int) -> list[int]:
    units = [10**place for place in range(places)]
    return [
        value + (digit - value // unit % 10) * unit
        for unit in units
        for digit in range(10)
        if value // unit % 10 != digit
    ]


def _log_chance(change: int, use: float, home: Household) -> float:
    """Log-density of a change since the last reading, as ``history.simulate`` draws it."""
    if change == 0 or (change < 0 and not home.exports):
        return IMPOSSIBLE
    sign = 0.0 if not home.exports else np.log(EXPORTING if change < 0 else 1 - EXPORTING)
    size = abs(change)
    return float(sign - np.log(size) - (np.log(size / use) / SPREAD) ** 2 / 2)
