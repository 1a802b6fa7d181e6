"""Read what stands beside the value of an LCD: its label, its unit, the marks that are lit.

What they mean is for ``recognizer.domain.register`` to say.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import Mark
from recognizer.errors import ModelError
from recognizer.vision.counter import best_path, log_softmax, text_scores
from recognizer.vision.locate import normalise
from recognizer.vision.models import LazyModel, Model
from recognizer.vision.panel import cut_panel
from recognizer.vision.rectify import evened

LABEL_CHARACTERS = "0123456789.*-:+ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SCREEN_UNITS = ("", "kWh", "MWh", "kvarh", "kVAh", "kW", "kvar", "kVA", "V", "A", "Hz", "m³")
"""Units as ``recognizer.domain.labels`` writes them; the first stands for none or another."""
SCREEN_MARKS = ("T1", "T2", "T3", "T4", "①", "②", "③", "④", "CUM", "MAX", "MD", "TIME", "DATE", "TOTAL")
"""TIME and DATE are also told of values whose digits are parted as those of a clock or a date."""
SURELY_NONE = 0.8
"""Probability above which no unit stands there; below it the likeliest one does, however doubtful: a power screen
whose unit is overlooked would pass for a reading."""
LEAST_MARK = 0.02


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a value; None: nothing does."""

    label: Mark | None = None
    unit: Mark | None = None
    marks: tuple[Mark, ...] = ()


class ScreenReader:
    """Reads panels; safe to share between threads. Its model is loaded with the first LCD.

    Without a model of role ``screen`` in the folder nothing is read; ModelError when it is damaged.
    """

    def __init__(self, models_dir: Path | None = None) -> None:
        self._model = LazyModel("screen", models_dir)

    def read(self, pixels: NDArray[np.uint8], value: NDArray[np.float32]) -> Beside:
        """Beside the value with these corners (4x2, reading order) in a BGR picture."""
        return read_panel(self._model.load(), cut_panel(pixels, value)) if self._model.present else Beside()

    @property
    def digest(self) -> str | None:
        """First 12 digits of the SHA-256 of the model; None without one."""
        return self._model.load().digest if self._model.present else None


def read_panel(model: Model, panel: NDArray[np.uint8]) -> Beside:
    """What stands on a panel as ``recognizer.vision.panel`` cuts it."""
    outputs = model.run(normalise(evened(panel)))
    shapes = [output.shape[-1] for output in outputs]
    if shapes != [len(LABEL_CHARACTERS) + 1, len(SCREEN_UNITS), len(SCREEN_MARKS)]:
        raise ModelError(f"the screen model knows other labels, units or marks than this version ({shapes}); reinstall")
    label, unit, marks = (np.asarray(output[0], np.float64) for output in outputs)
    return Beside(_label(label), _unit(unit), _marks(marks))


def _label(logits: NDArray[np.float64]) -> Mark | None:
    """The text of the best path, with its exact probability over all paths."""
    log_probs = log_softmax(logits)
    codes = best_path(log_probs)
    if not codes:
        return None
    chance = float(np.exp(text_scores(log_probs, [codes])[0]))
    text = "".join(LABEL_CHARACTERS[c - 1] for c in codes)
    return Mark(text, min(1.0, chance))


def _unit(logits: NDArray[np.float64]) -> Mark | None:
    chances = np.exp(log_softmax(logits[None])[0])
    if chances[0] >= SURELY_NONE:
        return None
    best = int(chances[1:].argmax()) + 1
    return Mark(SCREEN_UNITS[best], float(chances[best]))


def _marks(logits: NDArray[np.float64]) -> tuple[Mark, ...]:
    chances = 1 / (1 + np.exp(-logits))
    return tuple(Mark(t, float(p)) for t, p in zip(SCREEN_MARKS, chances, strict=True) if p >= LEAST_MARK)
