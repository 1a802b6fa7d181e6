"""Which cut of a display shows all of its digits and nothing else: as the locator gives it, wider, flatter, longer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import Glyph
from recognizer.vision.counter import read_strip
from recognizer.vision.frame import Frame
from recognizer.vision.models import Model
from recognizer.vision.panel import sides
from recognizer.vision.rectify import rectify, stretched
from recognizer.vision.screen import READ, Beside
from recognizer.vision.unlit import hardly_there, without_unlit

Corners = NDArray[np.float32]
Cut = tuple[Corners, tuple[Glyph, ...]]
"""Corners of a display as it is cut out, and what is read there."""

SURE = 0.97
"""Probability of the best text above which a first cut is kept."""
HOPELESS = 0.02
"""Certainty of the counter alone below which the textline reader is not asked in a brief look, nor upside down."""
HEARD = 0.3
"""Certainty of the counter alone from which other digits on another cut call for a long look."""
FEWEST_DIGITS = 3
OTHER_CUTS = ((0.2, 0.0), (0.4, 0.0), (-0.12, 0.0), (0.0, 0.12), (0.0, -0.1))
"""Wider, taller, flatter, in strip heights: corners are off by about a tenth of the height."""
AT_THE_RIGHT = ((0.0, 0.7), (0.0, 1.0))
ONE_MORE = (*AT_THE_RIGHT, (0.7, 0.0), (1.0, 0.0))
"""How far a cut is lengthened at its ends, in strip heights, for a digit that the locator left out. At the left only
doubtful cuts of drums are: a label left of an LCD's value ends in a digit, and that was read as part of 7 of 122."""
AT_THE_LEFT, SEEN_BEFORE, EITHER = (0.7, 1.0), 0.9, 0.49
"""How far the cut of an LCD is lengthened at its left, the probability of a digit there from which it is taken note of,
and the chance that it is one of the value's: 86327.43 of 686327.43 read surely in half the frames of a clip."""
IN_STEP, MOST_BEFORE = (0.8, 1.12), 3
"""The distance of that digit from the next, as a share of that of the others, at which it is the value's where no label
ends there (in 33 frames of 14 clips 0.85 to 1.08), and how many are looked for in turn."""
ON_LINE, OFF_LINE = 0.45, 0.6
"""How far above or below the middle of a value, in its heights, a label ends that stands in its line, and one that
surely does not: in clips up to 0.36 (beside a cut through the digits 0.9) and from 0.5 on."""
LABELS_OWN, RIGHT_OF_IT = (-0.6, 0.3), 1.0
"""How far right of a digit a label in its line ends that the digit is the end of, in heights of the value, and from
where on it is another one: in some 60 frames of 5 clips -0.62 to 0.01, of digits right of a label's end -0.72 and less.
"""
ADDED = 0.98
"""Probability of a digit at the right end from which it counts however surely the shorter cut reads. Among the
surely read ones of 800 photos, training and held back, none was false; on the left are frames of drums and labels."""


class CutReader:
    """Reads the digits of displays, with the networks that read strips: the counter first."""

    def __init__(self, counter: Sequence[Model]) -> None:
        self._counter = tuple(counter)

    def read(self, frame: Frame, quad: Corners) -> tuple[Glyph, ...]:
        return read_strip(self._counter, rectify(frame.pixels, quad))

    def surest(self, frame: Frame, quads: Sequence[Corners]) -> Cut:
        """Of several cuts of a display the one that reads most certainly; the first, if it is sure.

        All are worth reading: how sure the surest of them is tells more than how sure one is.
        """
        first = quads[0], self.read(frame, quads[0])
        if certainty(first[1]) >= SURE:
            return first
        return max((first, *((q, self.read(frame, q)) for q in quads[1:])), key=lambda cut: certainty(cut[1]))

    def clearest(self, frame: Frame, quads: Sequence[Corners]) -> Cut:
        """The first of several cuts if it is sure; else the surer of it and the one that the counter alone likes best.

        The counter takes an eighth of the time of both; where it sees next to nothing, its word is enough, and where it
        reads other digits on some cut, all of them are read.
        """
        strips = [rectify(frame.pixels, quads[0])]
        alone = [read_strip(self._counter[:1], strips[0])]
        read = {0: alone[0] if certainty(alone[0]) < HOPELESS else read_strip(self._counter, strips[0])}
        if certainty(read[0]) >= SURE:
            return quads[0], read[0]
        strips += [rectify(frame.pixels, quad) for quad in quads[1:]]
        alone += [read_strip(self._counter[:1], strip) for strip in strips[1:]]
        liked = max(range(len(quads)), key=lambda i: certainty(alone[i]))
        if liked > 0 and certainty(alone[liked]) >= HOPELESS:
            read[liked] = read_strip(self._counter, strips[liked])
        best = max(read, key=lambda i: certainty(read[i]))
        if any(certainty(one) >= HEARD and digits_of(one) != digits_of(read[best]) for one in alone):
            read |= {i: read_strip(self._counter, strip) for i, strip in enumerate(strips) if i not in read}
            best = max(read, key=lambda i: certainty(read[i]))
        return quads[best], read[best]

    def _longer(self, frame: Frame, quad: Corners, text: str, left: float, right: float) -> Cut | None:
        """The cut lengthened at one end, if it shows one digit more there."""
        further = stretched(quad, left, right, 0.0)
        strip = rectify(frame.pixels, further)
        for models in (self._counter[:1], self._counter)[: len(self._counter)]:  # the first is ten times as fast
            more = read_strip(models, strip)
            if not _adds_one(digits_of(more), text, at_end=right > 0):
                return None
        return further, more

    def with_one_more(
        self, frame: Frame, quad: Corners, glyphs: tuple[Glyph, ...], ends: Sequence[tuple[float, float]]
    ) -> Cut:
        """The cut, or a longer one that shows one digit more, that one surely or all no less certainly."""
        text = digits_of(glyphs)
        if len(text) < FEWEST_DIGITS:
            return quad, glyphs
        longer, surely_longer = [(quad, glyphs)], []
        for left, right in ends:
            if (cut := self._longer(frame, quad, text, left, right)) is not None:
                longer.append(cut)
                if right > 0 and _digit_odds(cut[1])[-1][1] >= ADDED:
                    surely_longer.append(cut)
        return max(surely_longer or longer, key=lambda cut: (certainty_a_digit(cut[1]), len(digits_of(cut[1]))))

    def with_those_before(self, frame: Frame, quad: Corners, glyphs: tuple[Glyph, ...], beside: Beside) -> Cut:
        """The cut less the end of a label, or with digits before it that the locator lost, as longer cuts show."""
        value = quad
        if _is_labels(beside, _first_at((quad, glyphs), value)):
            first = next(i for i, g in enumerate(glyphs) if digits_of((g,)))
            return quad, (*glyphs[:first], hardly_there(glyphs[first]), *glyphs[first + 1 :])
        for _ in range(MOST_BEFORE):
            longer = self._one_before(frame, quad, glyphs)
            labels = _is_labels(beside, _first_at(longer, value)) if longer is not None else True
            if longer is None or labels:
                break
            if labels is None or not _in_step(longer[1]):
                return quad, (Glyph(((digits_of(longer[1])[0], EITHER),), 0.0, 0.0), *glyphs)
            quad, glyphs = longer
        return quad, glyphs

    def _one_before(self, frame: Frame, quad: Corners, glyphs: tuple[Glyph, ...]) -> Cut | None:
        text = digits_of(glyphs)
        for left in AT_THE_LEFT if len(text) >= FEWEST_DIGITS else ():
            cut = self._longer(frame, quad, text, left, 0.0)
            if cut is not None and _digit_odds(cut[1])[0][1] >= SEEN_BEFORE:
                lit = without_unlit(rectify(frame.pixels, cut[0]), cut[1], believed=1.0)
                return cut if digits_of(lit) == digits_of(cut[1]) else None
        return None


def _first_at(cut: Cut, value: Corners) -> float:
    """Where the first digit of a cut that ends where the value does stands, in heights right of the value's left end;
    NaN where it has none.
    """
    (long, _), (along, tall) = sides(cut[0]), sides(value)
    middle = next(((g.start + g.end) / 2 for g in cut[1] if digits_of((g,))), float("nan"))
    return (along - long * (1 - middle)) / max(1.0, tall)


def _is_labels(beside: Beside, at: float) -> bool | None:
    """Whether a digit there is the last one of the label; None: it may be."""
    if beside.label is None:
        return False
    if beside.label_end is None or beside.label.probability < READ:
        return None
    right, y = beside.label_end[0] - at, abs(beside.label_end[1])
    if y >= OFF_LINE or right >= RIGHT_OF_IT:
        return False
    return True if y <= ON_LINE and LABELS_OWN[0] <= right <= LABELS_OWN[1] else None


def _in_step(glyphs: tuple[Glyph, ...]) -> bool:
    """Whether the first digit stands about as far from the second as the others do from each other."""
    middles = [(g.start + g.end) / 2 for g in glyphs if g.odds and g.odds[0][1] > g.absent and g.odds[0][0] != "."]
    steps = np.diff(middles)
    return bool(IN_STEP[0] <= steps[0] / np.median(steps[1:]) <= IN_STEP[1])


def _adds_one(longer: str, text: str, *, at_end: bool) -> bool:
    return len(longer) == len(text) + 1 and (longer.startswith(text) if at_end else longer.endswith(text))


def other_cuts(quad: Corners, *, larger: bool = False) -> list[Corners]:
    """``larger``: only those that lose nothing, since a digit that is cut in half may be read as another one."""
    sides = [cut for cut in OTHER_CUTS if min(cut) >= 0] if larger else OTHER_CUTS
    return [stretched(quad, along, along, across) for along, across in sides]


def certainty(glyphs: tuple[Glyph, ...]) -> float:
    """Probability of the best text: what is too short for a counter counts as not certain at all."""
    if len(digits_of(glyphs)) < FEWEST_DIGITS:
        return 0.0
    return float(np.prod([max(g.absent, g.odds[0][1]) for g in glyphs]))


def certainty_a_digit(glyphs: tuple[Glyph, ...]) -> float:
    """As ``certainty``, its geometric mean: the wrong way up fewer digits are seen, and few read more certainly."""
    return float(certainty(glyphs) ** (1 / max(1, len(digits_of(glyphs)))))


def digits_of(glyphs: tuple[Glyph, ...]) -> str:
    return "".join(digit for digit, _ in _digit_odds(glyphs))


def _digit_odds(glyphs: tuple[Glyph, ...]) -> list[tuple[str, float]]:
    """Of every position with a digit the likeliest one and its probability."""
    return [g.odds[0] for g in glyphs if g.odds and g.odds[0][1] > g.absent and g.odds[0][0] != "."]
