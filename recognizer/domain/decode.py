"""From odds per position to the most probable readings, decoded jointly and never digit by digit.

Two combinations of positions that spell the same text (a position may be empty) are the same reading, so
their probabilities add up. On drums a half-turned wheel is settled by its right neighbour, the carry rule:
a rolling wheel counts as its lower digit, and as 9 until the wrap to 0 is complete (Laroca 2019, SCUT-WMN).
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recognizer.domain.observation import DisplayKind, Glyph
from recognizer.domain.reading import Candidate

BEAM = 64
"""Texts kept while decoding. Real strips leave a handful open; a beam bounds the time on nonsense."""

MOST_WHOLE_WHEELS = 6
"""Wheels before the decimals that a drum has at most."""
MOST_WHEELS = 8
"""Wheels that a drum has at most, but for a few."""
MOST_LCD_DECIMALS = 2
"""Decimals of LCDs with fewer than MOST_WHEELS digits, but for a few."""
NEVER_SEEN, SELDOM = 0.02, 0.1

_Factor = Callable[[str, str], float]
"""How much the right neighbour's digit ("" for none) speaks for a digit: 1 nothing, up to 2 for, down to 0 against."""


@dataclass(frozen=True, slots=True)
class RollRule:
    """When and how strongly a drum's wheel is settled by the wheel to its right.

    A wheel may roll only while its right neighbour passes its 9 to 0 arc. Where that arc begins and ends
    differs between meters, and so does the rounding of the last wheel: configure or learn them.
    """

    arc_start: int = 9
    """From this digit of the right neighbour on, the wheel has not passed yet: the lower digit counts."""
    arc_end: int = 0
    """Up to this digit of the right neighbour, the wheel has passed already: the upper digit counts."""
    trust: float = 0.95
    """Belief in the rule where it applies, 0.5 (ignore it) to below 1; wheels hang and lag, so it stays soft."""
    last: float = 0.6
    """Belief that the last wheel, which has no right neighbour, counts as its lower digit while it rolls."""
    noticeable: float = 0.1
    """A wheel is half-turned when two digits in a row both have at least these odds."""

    def __post_init__(self) -> None:
        if not 0 <= self.arc_end < self.arc_start <= 9:
            raise ValueError(f"wanted 0 <= arc_end < arc_start <= 9, got {self.arc_end} and {self.arc_start}")
        if not 0.5 <= self.trust < 1 or not 0 < self.last < 1:
            raise ValueError(f"wanted 0.5 <= trust < 1 and 0 < last < 1, got {self.trust} and {self.last}")
        if not 0 < self.noticeable <= 0.5:
            raise ValueError(f"wanted 0 < noticeable <= 0.5, got {self.noticeable}")

    def lower_counts(self, right: str) -> float:
        """Belief that a half-turned wheel counts as its lower digit; ``right`` is "" for the last wheel."""
        if not right:
            return self.last
        if int(right) >= self.arc_start:
            return self.trust
        return 1 - self.trust if int(right) <= self.arc_end else 0.5


def decode(
    display_glyphs: Sequence[Glyph], kind: DisplayKind, *, k: int = 5, roll: RollRule | None = None
) -> tuple[Candidate, ...]:
    """The ``k`` most probable texts of one display, best first, with their probabilities.

    A text has digits and at most one decimal point, which never comes first (``.5`` has lost a digit);
    a point with nothing after it is dropped. What is missing from the sum of the probabilities to 1
    is the chance of a text further down, or of no proper text at all: it is not handed to the others, so a
    strip that reads as nonsense never looks certain. Ties are ordered by text. The carry rule of ``roll``
    (default ``RollRule()``) applies to drums only. No glyphs, no texts: ``()``.
    """
    if k < 1:
        raise ValueError(f"wanted k >= 1, got {k}")
    rule = (roll or RollRule()) if kind == "drum" else None
    beam, total = {"": 1.0}, {"": 1.0}
    for glyph in reversed(display_glyphs):
        factor = _carry_factor(glyph, rule)
        # Rescaling both by the same figure changes no probability and keeps long strips from underflowing.
        total = _extend(total, glyph, factor, lambda char, suffix: char if char != "." else suffix)
        scale = sum(total.values())
        if scale <= 0:
            return ()
        total = {state: mass / scale for state, mass in total.items()}
        grown = _extend(beam, glyph, factor, _prepend)
        beam = {text: mass / scale for text, mass in heapq.nsmallest(BEAM, grown.items(), key=_rank)}
    proper = [(text, mass) for text, mass in beam.items() if text and not text.startswith(".")]
    proper = _as_made(proper, unusual if kind == "drum" else unusual_lcd)
    return tuple(Candidate(text, min(1.0, mass)) for text, mass in heapq.nsmallest(k, proper, key=_rank))


def unusual(text: str) -> float:
    """How much rarer drums with these wheels are than others: 1 for those that are made.

    Of the training photos' drums 737 have seven wheels or more, and all of them have decimals; all 647 with eight have
    three, mostly water meters of five and three; 4 have nine or more. 819 have five wheels without decimals, 3 six.
    """
    whole, _, decimals = text.partition(".")
    wheels = len(whole) + len(decimals)
    if len(whole) > MOST_WHOLE_WHEELS or wheels > MOST_WHEELS:
        return NEVER_SEEN
    return SELDOM if (wheels == 8 and len(decimals) != 3) or (wheels == 6 and not decimals) else 1.0


def unusual_lcd(text: str) -> float:
    """As ``unusual``: how much rarer LCDs with these digits are than others.

    Of 216 real LCDs of electricity meters, training and validation, one has three decimals, and eight digits. The
    networks do not know it: they learned points in every gap, so that they look for them and do not guess.
    """
    whole, _, decimals = text.partition(".")
    return SELDOM if len(decimals) > MOST_LCD_DECIMALS and len(whole) + len(decimals) < MOST_WHEELS else 1.0


def _as_made(texts: Sequence[tuple[str, float]], rarity: Callable[[str], float]) -> list[tuple[str, float]]:
    """The texts with their chances as displays are made; what is open stays as open as it was."""
    weighed = [(text, mass * rarity(text)) for text, mass in texts]
    total = sum(mass for _, mass in weighed) + max(0.0, 1 - sum(mass for _, mass in texts))
    return [(text, mass / total) for text, mass in weighed] if total > 0 else list(texts)


def _extend(
    masses: dict[str, float],
    glyph: Glyph,
    factor: _Factor,
    join: Callable[[str, str], str | None],
) -> dict[str, float]:
    """Put one more position to the left of every suffix; ``join`` says what it becomes, None is impossible."""
    grown: defaultdict[str, float] = defaultdict(float)
    absent = glyph.absent
    odds = [(char, p) for char, p in glyph.odds if p > 0]
    for suffix, mass in masses.items():
        if absent > 0:
            grown[suffix] += mass * absent
        right = suffix[1:2] if suffix.startswith(".") else suffix[:1]
        for char, p in odds:
            text = join(char, suffix)
            if text is not None:
                grown[text] += mass * p * factor(char, right)
    return dict(grown)


def _prepend(char: str, suffix: str) -> str | None:
    if char != ".":
        return char + suffix
    if not suffix:
        return suffix
    return None if "." in suffix else "." + suffix


def _rank(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]


def _carry_factor(glyph: Glyph, rule: RollRule | None) -> _Factor:
    lower = _rolling(glyph, rule.noticeable) if rule else None
    if rule is None or lower is None:
        return lambda char, right: 1.0
    upper = _next(lower)

    def factor(char: str, right: str) -> float:
        if char == lower:
            return 2 * rule.lower_counts(right)
        return 2 * (1 - rule.lower_counts(right)) if char == upper else 1.0

    return factor


def _rolling(glyph: Glyph, noticeable: float) -> str | None:
    """The lower digit of a half-turned wheel, or None for a wheel at rest."""
    odds = dict(glyph.odds)
    pairs = [(min(p, odds.get(_next(c), 0.0)), p, c) for c, p in glyph.odds if c != "."]
    weaker, _, lower = max(pairs, default=(0.0, 0.0, ""))
    return lower if weaker >= noticeable else None


def _next(digit: str) -> str:
    return str((int(digit) + 1) % 10)
