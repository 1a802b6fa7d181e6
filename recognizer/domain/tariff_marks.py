"""Which tariff marks stood beside each number, all its frames taken together, and which of them were unlit.

In a single frame a mark in strong unlit segments looks half lit, and on one screen it does so in every frame. But no
two tariffs are lit at once. So where one surely is, all others show how they look when they are not.
"""

from collections.abc import Mapping, Sequence
from math import log

from recognizer.domain.labels import meaning, plain
from recognizer.domain.observation import Mark
from recognizer.domain.register import says_register

LIT, HARDLY_LIT = 0.6, 0.4
"""Chance of a mark, all frames of a number taken together, from which it is lit: beside 63987 unlit segments of T2 had
0.39 and 0.85 in the surest frame; of those that were lit one in twenty has less. And one below which it does not even
speak against another mark: T2 had 0.31 beside 121406.32, and T3 0.75."""
SURELY_LIT = 0.95
"""The same chance from which it is surely lit, so that no other one is."""
MARGIN = 1.0
"""How much more lit than elsewhere, in log-odds, a mark may look that is unlit. On three displays with strong unlit
segments these were up to 0.8 apart from number to number, and what was lit 2.5 and more above them."""
MOST_UNLIT = 0.75
"""Chance from which no mark is taken for unlit: one had 0.87 where it was not lit and 0.84 where it was."""
FEWEST_FRAMES = 3
"""Frames of a number from which on it tells how marks look that are not lit."""


class TariffMarks:
    """The marks beside numbers without a label; of more than ``most_texts`` numbers the one seen least is forgotten."""

    def __init__(self, most_texts: int) -> None:
        self._most_texts = most_texts
        self._seen: dict[str, tuple[int, dict[str, int]]] = {}
        """For every number its frames, and thousandths of each mark's chances in them."""

    def take(self, text: str, marks: Sequence[Mark]) -> None:
        """Keep what one frame shows beside a number."""
        frames, thousandths = self._seen.get(text, (0, {}))
        # Whole numbers: a sum of floats would depend on the order of the frames.
        for mark in marks:
            if says_register(mark.text):
                name = plain(mark.text)
                thousandths[name] = thousandths.get(name, 0) + round(1000 * mark.probability)
        self._seen[text] = frames + 1, thousandths
        if len(self._seen) > self._most_texts:
            del self._seen[min(self._seen, key=lambda t: (self._seen[t][0], t))]

    def chances(self, text: str) -> dict[str, float]:
        """How likely each mark is over all frames of a number; of one that was forgotten any may be lit."""
        frames, thousandths = self._seen.get(text, (1, {"": 1000}))
        return {mark: n / 1000 / frames for mark, n in thousandths.items()}

    def unlit(self) -> dict[str, frozenset[str]]:
        """Of every number the marks that look no more lit beside it than beside others with one that surely is."""
        seen = {text: self.chances(text) for text, (frames, _) in self._seen.items() if frames >= FEWEST_FRAMES}
        one_lit = {text for text, chances in seen.items() if sum(c >= SURELY_LIT for c in chances.values()) == 1}
        unlit = {text: _unlit(chances, [seen[t] for t in one_lit - {text}]) for text, chances in seen.items()}
        return {text: marks for text, marks in unlit.items() if marks}


def _unlit(chances: Mapping[str, float], elsewhere: Sequence[Mapping[str, float]]) -> frozenset[str]:
    """``elsewhere``: the chances beside other numbers with one mark that is surely lit.

    Of a tariff that never was it is open how it looks when it is: T1 of one display had 0.28 lit, and 0.19 unlit.
    """
    seen_lit = {meaning(mark).tariff for others in elsewhere for mark, c in others.items() if c >= SURELY_LIT}
    unlit = set()
    for mark, chance in chances.items():
        level = max((c for others in elsewhere if (c := others.get(mark, 0.0)) < SURELY_LIT), default=1.0)
        known = meaning(mark).tariff in seen_lit and max(chance, level) < MOST_UNLIT
        if known and _odds(chance) <= _odds(level) + MARGIN:
            unlit.add(mark)
    return frozenset(unlit)


def _odds(chance: float) -> float:
    kept = min(1 - 1e-3, max(1e-3, chance))
    return log(kept / (1 - kept))
