"""Read what stands beside the value of an LCD: its label, its unit, the marks that are lit.

What they mean is for ``recognizer.domain.register`` to say.
"""

from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import Mark
from recognizer.errors import ModelError
from recognizer.vision.ctc import best_path, log_softmax, text_scores
from recognizer.vision.locate import normalise
from recognizer.vision.models import LazyModel, Model
from recognizer.vision.panel import ABOVE, BELOW, cut_panel, further_left, reaching_left, sides
from recognizer.vision.panel import beside as beside_ends
from recognizer.vision.rectify import evened, stretched

LABEL_CHARACTERS = "0123456789.*-:+ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SCREEN_UNITS = ("", "kWh", "MWh", "kvarh", "kVAh", "kW", "kvar", "kVA", "V", "A", "Hz", "m³")
"""Units as ``recognizer.domain.labels`` writes them; the first stands for none or another."""
SCREEN_MARKS = ("T1", "T2", "T3", "T4", "①", "②", "③", "④", "CUM", "MAX", "MD", "TIME", "DATE", "TOTAL")
"""TIME and DATE are also told of values whose digits are parted as those of a clock or a date."""
SURELY_NONE = 0.8
"""Chance above which no unit stands there; below it the likeliest one does, however doubtful: a power screen whose unit
is overlooked would pass for a reading."""
SURELY_NO_LABEL = 0.5
"""The same of a label: below it one stands there that is too small or too faint to be read."""
SURELY_READ, READ = 0.9, 0.5
"""Chances: of a label above the first no longer panel is looked at, of a label and a unit no taller one; from the
second on what stands on such a one counts, since the print of the plate comes into its reach."""
TALLER = 0.15
"""What is added above and below a value whose label or unit is not surely read, as a share of its height: of real
digits the locator gives as little as three quarters of theirs, and its panel then ends where the label stands."""
PANELS = 3
"""Panels of a value at most: its own, one that reaches further left, a taller one."""
CUT_OFF = 8
"""Columns at the left end of a panel, as wide as one or two characters: what begins there may begin further left."""
LEAST_MARK = 0.02


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a probability of the network is believed: its log-odds times ``slope`` plus ``offset`` (Platt 1999)."""

    slope: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if self.slope < 0:
            raise ValueError(f"what is surer is not believed less: wanted slope >= 0, got {self.slope}")

    def chance(self, probability: float) -> float:
        """The chance that what has this probability by the network is right."""
        kept = min(1 - 1e-6, max(1e-6, probability))
        return 1 / (1 + exp(-self.slope * log(kept / (1 - kept)) - self.offset))


AS_SAID = Trust()


@dataclass(frozen=True, slots=True)
class Trusts:
    """Of the texts of labels, of units and of marks, and of there being none; what fits a model stands in its card.

    That nothing stands there takes a blank in every column and an unlit map of every unit: small doubts add up.
    """

    label: Trust = Trust()
    unit: Trust = Trust()
    marks: Trust = Trust()
    no_label: Trust = Trust()
    no_unit: Trust = Trust()


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a value; None: nothing does."""

    label: Mark | None = None
    unit: Mark | None = None
    marks: tuple[Mark, ...] = ()
    cut_off: bool = False
    """Whether the label begins where the panel does: what stands before it is not on the panel."""
    label_end: tuple[float, float] | None = None
    """Where the last character of the label has its middle: how far right of the value's left end and how far below its
    middle line, in heights of the value."""


class ScreenReader:
    """Reads panels; safe to share between threads. Its model is loaded with the first LCD.

    Without a model of role ``screen`` in the folder nothing is read; ModelError when it is damaged.
    """

    def __init__(self, models_dir: Path | None = None) -> None:
        self._model = LazyModel("screen", models_dir)

    def read(self, pixels: NDArray[np.uint8], value: NDArray[np.float32], *, most: int = PANELS) -> Beside:
        """Beside the value with these corners (4x2, reading order) in a BGR picture.

        ``most``: how many panels are looked at for what is not surely read; with fewer than all, what surely is not
        there is not looked for again either.
        """
        if not self._model.present:
            return Beside()
        model = self._model.load()
        trusts = trusts_of(model)
        beside = _placed(read_panel(model, cut_panel(pixels, value), trusts), value, value)
        if most == 1:
            return beside
        further, looked_at = further_left(value) if beside.cut_off else reaching_left(value), 1
        if further is not None and (beside.cut_off or not _sure(beside.label)):
            longer = _placed(read_panel(model, cut_panel(pixels, further), trusts), further, value)
            if beside.cut_off and longer.label is not None:
                beside = replace(beside, label=longer.label, label_end=longer.label_end)
            beside = _with_left(beside, longer)
            looked_at += 1
        told = _sure(beside.label) or (most < PANELS and beside.label is None)
        if looked_at == most or (told and _sure(beside.unit)):
            return beside
        higher = stretched(value, 0.0, 0.0, TALLER)
        taller = _placed(read_panel(model, cut_panel(pixels, higher), trusts), higher, value)
        return _with_label_of(replace(beside, unit=_surer(beside.unit, taller.unit)), taller)

    @property
    def digest(self) -> str | None:
        """First 12 digits of the SHA-256 of the model; None without one."""
        return self._model.load().digest if self._model.present else None


def trusts_of(model: Model) -> Trusts:
    """What stands in the model's card; ModelError for figures that are none."""
    figures = model.card.settings.get("calibration", {})
    try:
        return Trusts(**{name: Trust(**figure) for name, figure in figures.items()})
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the calibration in the card of the screen model is damaged ({error}); reinstall") from error


def read_panel(model: Model, panel: NDArray[np.uint8], trusts: Trusts | None = None) -> Beside:
    """What stands on a panel as ``recognizer.vision.panel`` cuts it; by default as sure as the network is."""
    trusts = trusts or Trusts()
    outputs = model.run(normalise(evened(panel)))
    shapes = [output.shape[-1] for output in outputs]
    if len(shapes) != 4 or shapes[:3] != [len(LABEL_CHARACTERS) + 1, len(SCREEN_UNITS), len(SCREEN_MARKS)]:
        raise ModelError(f"the screen model knows other labels, units or marks than this version ({shapes}); reinstall")
    label, unit, marks, heights = (np.asarray(output[0], np.float64) for output in outputs)
    return Beside(
        _believed(label_of(label, trusts.no_label), trusts.label),
        _believed(unit_of_panel(unit, trusts.no_unit), trusts.unit),
        _marks(marks, trusts.marks),
        _cut_off(label),
        _label_end(label, heights),
    )


def _placed(beside: Beside, cut: NDArray[np.float32], value: NDArray[np.float32]) -> Beside:
    """What was read on the panel of a cut that ends where the value does, the end of its label told from the value."""
    if beside.label_end is None:
        return beside
    (x, y), (long, high), (along, tall), ends = beside.label_end, sides(cut), sides(value), beside_ends(cut)
    before_right_end = long * (1 + ends - x * (1 + 2 * ends))
    below_middle = high * (y * (1 + ABOVE + BELOW) - ABOVE - 0.5)
    return replace(beside, label_end=((along - before_right_end) / max(1.0, tall), below_middle / max(1.0, tall)))


def _with_left(beside: Beside, longer: Beside) -> Beside:
    """With what stands too far left for the panel of the value, or is read more surely on a longer one."""
    lit = {mark.text: mark for mark in sorted((*beside.marks, *longer.marks), key=lambda mark: mark.probability)}
    marks = tuple(lit[text] for text in SCREEN_MARKS if text in lit)
    return _with_label_of(replace(beside, unit=_surer(beside.unit, longer.unit), marks=marks), longer)


def _with_label_of(beside: Beside, other: Beside) -> Beside:
    """With the label of the other panel, and its place, if that is read more surely."""
    label = _surer(beside.label, other.label)
    return replace(beside, label=label, label_end=beside.label_end if label is beside.label else other.label_end)


def _sure(read: Mark | None) -> bool:
    return read is not None and read.probability >= SURELY_READ


def _surer(own: Mark | None, longer: Mark | None) -> Mark | None:
    if longer is None or longer.probability < max(READ, own.probability if own is not None else 0.0):
        return own
    return longer


def label_of(logits: NDArray[np.float64], absence: Trust = AS_SAID) -> tuple[str, float] | None:
    """The text of the best path with its exact probability over all paths; None: surely nothing stands there.

    Where the best path is empty and yet something may stand there, it is the likeliest single character: it tells that
    the label could not be read.
    """
    log_probs = log_softmax(logits)
    codes = best_path(log_probs)
    if not codes:
        if absence.chance(no_label(logits)) >= SURELY_NO_LABEL:
            return None
        codes = (int(log_probs[:, 1:].max(0).argmax()) + 1,)
    chance = float(np.exp(text_scores(log_probs, [codes])[0]))
    return "".join(LABEL_CHARACTERS[c - 1] for c in codes), min(1.0, chance)


def _cut_off(logits: NDArray[np.float64]) -> bool:
    """Whether a label begins near the left end; none begins with a point."""
    path = best_path(logits)
    return bool((logits[:CUT_OFF].argmax(1) > 0).any()) or LABEL_CHARACTERS[path[0] - 1] == "." if path else False


def _label_end(logits: NDArray[np.float64], heights: NDArray[np.float64]) -> tuple[float, float] | None:
    """Where the last character of the label is told, as shares of the panel's width and height."""
    told = np.flatnonzero(logits.argmax(1) > 0)
    if not len(told):
        return None
    return float((told[-1] + 0.5) / len(logits)), float(heights[told[-1] * len(heights) // len(logits)])


def no_label(logits: NDArray[np.float64]) -> float:
    """The probability that every column is blank."""
    return min(1.0, float(np.exp(log_softmax(logits)[:, 0].sum())))


def unit_of_panel(logits: NDArray[np.float64], absence: Trust = AS_SAID) -> tuple[str, float] | None:
    """The likeliest unit and its probability; None: surely none stands there."""
    chances = np.exp(log_softmax(logits[None])[0])
    if absence.chance(float(chances[0])) >= SURELY_NONE:
        return None
    best = int(chances[1:].argmax()) + 1
    return SCREEN_UNITS[best], float(chances[best])


def _believed(read: tuple[str, float] | None, trust: Trust) -> Mark | None:
    return Mark(read[0], trust.chance(read[1])) if read is not None else None


def _marks(logits: NDArray[np.float64], trust: Trust) -> tuple[Mark, ...]:
    chances = [trust.chance(float(p)) for p in 1 / (1 + np.exp(-logits))]
    return tuple(Mark(t, p) for t, p in zip(SCREEN_MARKS, chances, strict=True) if p >= LEAST_MARK)
