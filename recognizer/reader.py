"""Where the parts are put together: ``MeterReader().read(photo)`` gives a Report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognizer.domain.code import Code
from recognizer.domain.conclude import conclude
from recognizer.domain.identity import agree
from recognizer.domain.meter import NOTHING_KNOWN, Known
from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.payload import read_code
from recognizer.domain.policy import Calibration, Policy
from recognizer.domain.quads import in_place_of
from recognizer.domain.reading import Report
from recognizer.vision.codes import find_codes
from recognizer.vision.counter import load_counter, read_strip
from recognizer.vision.dial import DialFinder
from recognizer.vision.frame import Color, Frame, Photo, load_frame
from recognizer.vision.locate import FAINT, Found, locate, whole_strip
from recognizer.vision.models import Model, load_model
from recognizer.vision.plate import read_plate
from recognizer.vision.rectify import rectify, stretched
from recognizer.vision.screen import PANELS, READ, Beside, ScreenReader
from recognizer.vision.unlit import without_unlit
from recognizer.vision.wheel import WheelReader

Corners = NDArray[np.float32]
Cut = tuple[Corners, tuple[Glyph, ...]]
"""Corners of a display as it is cut out, and what is read there."""

SURE, DOUBTFUL = 0.97, 0.9
"""Probability of the best text above which a first cut is kept, and below which it is also read upside down."""
NO_COUNTER = 0.5
"""Probability of the best text below which a find may be no counter: the meter may have a row of dials instead, and of
a split display that shows a title the unlit segments may have been read."""
HOPELESS = 0.02
"""Certainty of the counter alone below which the textline reader is not asked in a brief look, nor upside down."""
HEARD = 0.3
"""Certainty of the counter alone from which other digits on another cut call for a long look."""
BRIEF_SCORE = 0.2
"""Score of a display from which a brief look takes note of it."""
BRIEF_PANELS = 2
"""Panels that a brief look takes of a value that is read; where none is, one."""
NO_DRUM = 0.1
"""Probability of the best text below which pointers beside a drum would settle nothing."""
TURNED = 0.6
"""What is left of the score of a display that was found the wrong way up: many a printed serial number is."""
CUT_UPRIGHT = 0.9
"""How far a display that somebody cut out is believed to stand on its head: of 179 training photos none did."""
CUT_SHORT, UNDECIDED = ("kW", "kvar", "kVA", "V", "A"), 0.1
"""Units that a cut through another one may leave, and the most that is believed of one that may be cut off: on all 36
training strips where one was read it was what is left of kWh. The register is unknown all the same."""
FEWEST_DIGITS = 3
TITLE_SCORE = 0.5
"""How far a title is believed to be a display that is read where a value stood."""
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
ends there (in 45 frames of 17 clips 0.85 to 1.08), and how many are looked for in turn."""
ENDS_THERE, OVER = (-1.1, 0.1), 1.0
"""Where the last character of a label that is read as such a digit stands, in heights right of the value's left end (54
frames: -0.91 to -0.14), and from where on the label stands above the value or below it (1.26 to 7.9)."""
ADDED = 0.98
"""Probability of a digit at the right end from which it counts however surely the shorter cut reads. Among the
surely read ones of 800 photos, training and held back, none was false; on the left are frames of drums and labels."""


class MeterReader:
    """Reads meter photos. Immutable and safe to share between threads; loading it costs the models once.

    Raises ModelError when a model file is missing, is not the one its card describes, or is of another version.
    """

    def __init__(self, models_dir: Path | None = None, *, policy: Policy | None = None) -> None:
        self._locator = load_model("locator", models_dir)
        self._counter = load_counter(models_dir)
        self._dials = DialFinder(models_dir)
        self._screens = ScreenReader(models_dir)
        self._wheels = WheelReader(models_dir)
        self._policy = policy or policy_of(self._counter[0])

    @property
    def policy(self) -> Policy:
        """What observations are concluded by: replaying stored ones takes the same."""
        return self._policy

    def read(
        self,
        photo: Photo,
        *,
        color: Color = "bgr",
        source: str | None = None,
        known: Known = NOTHING_KNOWN,
        plate: bool | None = None,
    ) -> Report:
        """The reading, or why there is none, of a path, encoded bytes, or an array (``color``: its channel order).

        ``source`` is the photo's name in the report; by default its path. ``known`` is the meter's record and its
        earlier readings, which the reading is checked against; ``plate`` as for ``observe``. Raises InputError when
        the photo cannot be used; a photo without a readable meter is no error but a refused report.
        """
        name = source if source is not None else str(photo) if isinstance(photo, (str, Path)) else ""
        serials = known.meter.serials if known.meter else ()
        observation = self.observe(load_frame(photo, color=color), expected=serials, plate=plate)
        return conclude(observation, source=name, policy=self._policy, known=known)

    def observe(
        self,
        frame: Frame,
        *,
        expected: Sequence[str] = (),
        plate: bool | None = None,
        codes: bool = True,
        dials: bool = True,
        place: Quad | None = None,
        brief: bool = False,
    ) -> Observation:
        """What is seen in a frame, before any rule is applied.

        ``plate``: whether the print on the meter is read as well, which takes several times as long as all the rest;
        by default where serials are ``expected`` and no code shows one of them. ``codes`` and ``dials``: whether these
        are looked for; in a clip, not every frame needs it. ``place``: where a value stood in a frame before this one;
        a title that stands there now is read whether or not it is found. ``brief``: the frame is one of many that show
        the same, upright; fewer cuts of its displays are read, and it is not looked at turned by quarters.
        """
        finds = locate(self._locator, frame, threshold=BRIEF_SCORE if brief else FAINT, turned=not brief)
        displays = tuple(self._display(frame, found, brief) for found in finds)
        if place is not None and (title := self._title(frame, place, displays)) is not None:
            displays = (*displays, title)
        found_codes = find_codes(frame) if codes else ()
        if plate is None:
            plate = bool(expected) and not _match(found_codes, expected)
        print_, not_read = read_plate(frame, displays, found_codes) if plate else ((), None)
        readable = (d for d in displays if d.kind == "drum" and _certainty(d.glyphs) >= NO_DRUM)
        drum = next((d.quad for d in readable), None)
        row = all(_certainty(d.glyphs) < NO_COUNTER for d in displays)
        pointers = self._dials.find(frame, drum, row=row) if dials else ()
        models = [(model.card.role, model.digest) for model in (self._locator, *self._counter)]
        kinds = {d.kind for d in displays}
        helpers = (("lcd", "screen", self._screens), ("drum", "wheel", self._wheels))
        models += [(role, digest) for kind, role, helper in helpers if kind in kinds and (digest := helper.digest)]
        return Observation(
            width=frame.width,
            height=frame.height,
            sharpness=frame.sharpness,
            displays=(*displays, *pointers),
            codes=found_codes,
            models=(*models, *([("dial", self._dials.digest)] if pointers else [])),
            photo=frame.photo,
            plate=print_,
            plate_not_read=not_read,
        )

    def _display(self, frame: Frame, found: Found, brief: bool = False) -> Display:
        score, whole = found.score, whole_strip(frame)
        upside_down = (whole is not None or brief) and found.quad[1, 0] < found.quad[0, 0]
        first = np.roll(found.quad, 2, axis=0) if upside_down else found.quad
        cuts = [first, *_other_cuts(first, larger=brief), *([] if whole is None else [whole])]
        quad, glyphs = self._clearest(frame, cuts) if brief else self._surest(frame, cuts)
        first_is_sure = quad is first and _certainty(glyphs) >= SURE
        ends = AT_THE_RIGHT if found.kind == "lcd" or first_is_sure else ONE_MORE
        quad, glyphs = self._with_one_more(frame, quad, glyphs, ends)
        if _certainty(glyphs) < DOUBTFUL and not brief:
            # The locator may have taken a plain counter for its upside-down self; the digits tell.
            over = np.roll(first, 2, axis=0)
            turned = self._with_one_more(frame, *self._clearest(frame, [over, *_other_cuts(over)]), ends)
            believed = CUT_UPRIGHT if whole is not None else 1.0
            if believed * _certainty_a_digit(turned[1]) > _certainty_a_digit(glyphs):
                quad, glyphs = turned
                score *= TURNED
        beside = Beside()
        if found.kind == "lcd":
            glyphs = without_unlit(rectify(frame.pixels, quad), glyphs)
            panels = PANELS if not brief else BRIEF_PANELS if _certainty(glyphs) >= HOPELESS else 1
            beside = self._screens.read(frame.pixels, quad, most=panels)
            quad, glyphs = self._with_those_before(frame, quad, glyphs, beside)
        else:
            glyphs = self._wheels.turned(rectify(frame.pixels, quad), glyphs)
        if whole is not None:
            beside = _perhaps_cut_off(beside)
        return Display(
            found.kind, _as_quad(quad), score, found.legible, glyphs, beside.label, beside.unit, beside.marks
        )

    def _title(self, frame: Frame, place: Quad, displays: Sequence[Display]) -> Display | None:
        """What is named where a value stood, if no digits stand there now."""
        here = (d for d in displays if d.kind == "lcd" and in_place_of(d.quad, place))
        if any(_certainty(d.glyphs) >= NO_COUNTER for d in here):
            return None
        beside = self._screens.read(frame.pixels, np.array(place, np.float32))
        if beside.label is None:
            return None
        return Display("lcd", place, TITLE_SCORE, TITLE_SCORE, (), beside.label, beside.unit, beside.marks)

    def _read(self, frame: Frame, quad: Corners) -> tuple[Glyph, ...]:
        return read_strip(self._counter, rectify(frame.pixels, quad))

    def _surest(self, frame: Frame, quads: Sequence[Corners]) -> Cut:
        """Of several cuts of a display the one that reads most certainly; the first, if it is sure.

        All are worth reading: how sure the surest of them is tells more than how sure one is.
        """
        first = quads[0], self._read(frame, quads[0])
        if _certainty(first[1]) >= SURE:
            return first
        return max((first, *((q, self._read(frame, q)) for q in quads[1:])), key=lambda cut: _certainty(cut[1]))

    def _clearest(self, frame: Frame, quads: Sequence[Corners]) -> Cut:
        """The first of several cuts if it is sure; else the surer of it and the one that the counter alone likes best.

        The counter takes an eighth of the time of both; where it sees next to nothing, its word is enough, and where it
        reads other digits on some cut, all of them are read.
        """
        strips = [rectify(frame.pixels, quads[0])]
        alone = [read_strip(self._counter[:1], strips[0])]
        read = {0: alone[0] if _certainty(alone[0]) < HOPELESS else read_strip(self._counter, strips[0])}
        if _certainty(read[0]) >= SURE:
            return quads[0], read[0]
        strips += [rectify(frame.pixels, quad) for quad in quads[1:]]
        alone += [read_strip(self._counter[:1], strip) for strip in strips[1:]]
        liked = max(range(len(quads)), key=lambda i: _certainty(alone[i]))
        if liked > 0 and _certainty(alone[liked]) >= HOPELESS:
            read[liked] = read_strip(self._counter, strips[liked])
        best = max(read, key=lambda i: _certainty(read[i]))
        if any(_certainty(one) >= HEARD and _digits(one) != _digits(read[best]) for one in alone):
            read |= {i: read_strip(self._counter, strip) for i, strip in enumerate(strips) if i not in read}
            best = max(read, key=lambda i: _certainty(read[i]))
        return quads[best], read[best]

    def _longer(self, frame: Frame, quad: Corners, text: str, left: float, right: float) -> Cut | None:
        """The cut lengthened at one end, if it shows one digit more there."""
        further = stretched(quad, left, right, 0.0)
        strip = rectify(frame.pixels, further)
        for models in (self._counter[:1], self._counter)[: len(self._counter)]:  # the first is ten times as fast
            more = read_strip(models, strip)
            if not _adds_one(_digits(more), text, at_end=right > 0):
                return None
        return further, more

    def _with_one_more(
        self, frame: Frame, quad: Corners, glyphs: tuple[Glyph, ...], ends: Sequence[tuple[float, float]]
    ) -> Cut:
        """The cut, or a longer one that shows one digit more, that one surely or all no less certainly."""
        text = _digits(glyphs)
        if len(text) < FEWEST_DIGITS:
            return quad, glyphs
        longer, surely_longer = [(quad, glyphs)], []
        for left, right in ends:
            if (cut := self._longer(frame, quad, text, left, right)) is not None:
                longer.append(cut)
                if right > 0 and _digit_odds(cut[1])[-1][1] >= ADDED:
                    surely_longer.append(cut)
        return max(surely_longer or longer, key=lambda cut: (_certainty_a_digit(cut[1]), len(_digits(cut[1]))))

    def _with_those_before(self, frame: Frame, quad: Corners, glyphs: tuple[Glyph, ...], beside: Beside) -> Cut:
        """The cut, and before it what longer ones show surely: digits the locator lost, but not the end of a label."""
        label, end = beside.label, beside.label_end
        for _ in range(MOST_BEFORE):
            longer = self._one_before(frame, quad, glyphs)
            if longer is None:
                break
            digit, elsewhere = _digits(longer[1])[0], label is None
            if label is not None and end is not None and label.probability >= READ:
                if label.text.endswith(digit) and ENDS_THERE[0] <= end <= ENDS_THERE[1]:
                    break
                elsewhere = end >= OVER
            if not elsewhere or not _in_step(longer[1]):
                return quad, (Glyph(((digit, EITHER),), 0.0, 0.0), *glyphs)
            quad, glyphs = longer
        return quad, glyphs

    def _one_before(self, frame: Frame, quad: Corners, glyphs: tuple[Glyph, ...]) -> Cut | None:
        text = _digits(glyphs)
        for left in AT_THE_LEFT if len(text) >= FEWEST_DIGITS else ():
            cut = self._longer(frame, quad, text, left, 0.0)
            if cut is not None and _digit_odds(cut[1])[0][1] >= SEEN_BEFORE:
                lit = without_unlit(rectify(frame.pixels, cut[0]), cut[1], believed=1.0)
                return cut if _digits(lit) == _digits(cut[1]) else None
        return None


def _in_step(glyphs: tuple[Glyph, ...]) -> bool:
    """Whether the first digit stands about as far from the second as the others do from each other."""
    middles = [(g.start + g.end) / 2 for g in glyphs if g.odds and g.odds[0][1] > g.absent and g.odds[0][0] != "."]
    steps = np.diff(middles)
    return bool(IN_STEP[0] <= steps[0] / np.median(steps[1:]) <= IN_STEP[1])


def _perhaps_cut_off(beside: Beside) -> Beside:
    """Of a display that somebody cut out, kW may be what is left of kWh: neither a power for certain nor a reading."""
    unit = beside.unit
    if unit is None or unit.text not in CUT_SHORT:
        return beside
    return replace(beside, unit=Mark(unit.text, min(unit.probability, UNDECIDED)))


def _adds_one(longer: str, text: str, *, at_end: bool) -> bool:
    return len(longer) == len(text) + 1 and (longer.startswith(text) if at_end else longer.endswith(text))


def _match(codes: Sequence[Code], expected: Sequence[str]) -> bool:
    """Whether a code says that this is the expected meter; then the print need not be looked at."""
    identities = (identity for code in codes for identity in read_code(code.kind, code.text, code.raw))
    return agree(identities, expected).agreement == "match"


def _other_cuts(quad: Corners, *, larger: bool = False) -> list[Corners]:
    """``larger``: only those that lose nothing, since a digit that is cut in half may be read as another one."""
    sides = [cut for cut in OTHER_CUTS if min(cut) >= 0] if larger else OTHER_CUTS
    return [stretched(quad, along, along, across) for along, across in sides]


def policy_of(counter: Model) -> Policy:
    """The default policy with the calibration that stands in the counter's card."""
    figures = counter.card.settings.get("calibration")
    if figures is None:
        return Policy()
    lcd, drum = Calibration(**figures["lcd"]), Calibration(**figures["drum"])
    return replace(Policy(), lcd=lcd, drum=drum, **figures["thresholds"])


def _certainty(glyphs: tuple[Glyph, ...]) -> float:
    """Probability of the best text: what is too short for a counter counts as not certain at all."""
    if len(_digits(glyphs)) < FEWEST_DIGITS:
        return 0.0
    return float(np.prod([max(g.absent, g.odds[0][1]) for g in glyphs]))


def _certainty_a_digit(glyphs: tuple[Glyph, ...]) -> float:
    """As ``_certainty``, its geometric mean: the wrong way up fewer digits are seen, and few read more certainly."""
    return float(_certainty(glyphs) ** (1 / max(1, len(_digits(glyphs)))))


def _digits(glyphs: tuple[Glyph, ...]) -> str:
    return "".join(digit for digit, _ in _digit_odds(glyphs))


def _digit_odds(glyphs: tuple[Glyph, ...]) -> list[tuple[str, float]]:
    """Of every position with a digit the likeliest one and its probability."""
    return [g.odds[0] for g in glyphs if g.odds and g.odds[0][1] > g.absent and g.odds[0][0] != "."]


def _as_quad(corners: NDArray[np.float32]) -> Quad:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return (a, b, c, d)
