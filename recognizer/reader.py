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
from recognizer.domain.observation import Display, Mark, Observation, Quad
from recognizer.domain.payload import read_code
from recognizer.domain.policy import Calibration, Policy
from recognizer.domain.quads import in_place_of
from recognizer.domain.reading import Report
from recognizer.vision.codes import find_codes
from recognizer.vision.counter import load_counter
from recognizer.vision.cuts import (
    AT_THE_RIGHT,
    HOPELESS,
    ONE_MORE,
    SURE,
    CutReader,
    certainty,
    certainty_a_digit,
    other_cuts,
)
from recognizer.vision.dial import DialFinder
from recognizer.vision.frame import Color, Frame, Photo, load_frame
from recognizer.vision.locate import FAINT, Found, locate, whole_strip
from recognizer.vision.models import Model, load_model
from recognizer.vision.plate import read_plate
from recognizer.vision.rectify import rectify
from recognizer.vision.screen import PANELS, Beside, ScreenReader
from recognizer.vision.unlit import without_unlit
from recognizer.vision.wheel import WheelReader

DOUBTFUL = 0.9
"""Probability of the best text below which a display is also read upside down."""
NO_COUNTER = 0.5
"""Probability of the best text below which a find may be no counter: the meter may have a row of dials instead, and of
a split display that shows a title the unlit segments may have been read."""
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
TITLE_SCORE = 0.5
"""How far a title is believed to be a display that is read where a value stood."""


class MeterReader:
    """Reads meter photos. Immutable and safe to share between threads; loading it costs the models once.

    Raises ModelError when a model file is missing, is not the one its card describes, or is of another version.
    """

    def __init__(self, models_dir: Path | None = None, *, policy: Policy | None = None) -> None:
        self._locator = load_model("locator", models_dir)
        self._counter = load_counter(models_dir)
        self._cuts = CutReader(self._counter)
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
        readable = (d for d in displays if d.kind == "drum" and certainty(d.glyphs) >= NO_DRUM)
        drum = next((d.quad for d in readable), None)
        row = all(certainty(d.glyphs) < NO_COUNTER for d in displays)
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
        cuts = [first, *other_cuts(first, larger=brief), *([] if whole is None else [whole])]
        quad, glyphs = self._cuts.clearest(frame, cuts) if brief else self._cuts.surest(frame, cuts)
        first_is_sure = quad is first and certainty(glyphs) >= SURE
        ends = AT_THE_RIGHT if found.kind == "lcd" or first_is_sure else ONE_MORE
        quad, glyphs = self._cuts.with_one_more(frame, quad, glyphs, ends)
        if certainty(glyphs) < DOUBTFUL and not brief:
            # The locator may have taken a plain counter for its upside-down self; the digits tell.
            over = np.roll(first, 2, axis=0)
            turned = self._cuts.with_one_more(frame, *self._cuts.clearest(frame, [over, *other_cuts(over)]), ends)
            believed = CUT_UPRIGHT if whole is not None else 1.0
            if believed * certainty_a_digit(turned[1]) > certainty_a_digit(glyphs):
                quad, glyphs = turned
                score *= TURNED
        beside = Beside()
        if found.kind == "lcd":
            glyphs = without_unlit(rectify(frame.pixels, quad), glyphs)
            panels = PANELS if not brief else BRIEF_PANELS if certainty(glyphs) >= HOPELESS else 1
            beside = self._screens.read(frame.pixels, quad, most=panels)
            quad, glyphs = self._cuts.with_those_before(frame, quad, glyphs, beside)
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
        if any(certainty(d.glyphs) >= NO_COUNTER for d in here):
            return None
        beside = self._screens.read(frame.pixels, np.array(place, np.float32))
        if beside.label is None:
            return None
        return Display("lcd", place, TITLE_SCORE, TITLE_SCORE, (), beside.label, beside.unit, beside.marks)


def _perhaps_cut_off(beside: Beside) -> Beside:
    """Of a display that somebody cut out, kW may be what is left of kWh: neither a power for certain nor a reading."""
    unit = beside.unit
    if unit is None or unit.text not in CUT_SHORT:
        return beside
    return replace(beside, unit=Mark(unit.text, min(unit.probability, UNDECIDED)))


def _match(codes: Sequence[Code], expected: Sequence[str]) -> bool:
    """Whether a code says that this is the expected meter; then the print need not be looked at."""
    identities = (identity for code in codes for identity in read_code(code.kind, code.text, code.raw))
    return agree(identities, expected).agreement == "match"


def policy_of(counter: Model) -> Policy:
    """The default policy with the calibration that stands in the counter's card."""
    figures = counter.card.settings.get("calibration")
    if figures is None:
        return Policy()
    lcd, drum = Calibration(**figures["lcd"]), Calibration(**figures["drum"])
    return replace(Policy(), lcd=lcd, drum=drum, **figures["thresholds"])


def _as_quad(corners: NDArray[np.float32]) -> Quad:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return (a, b, c, d)
