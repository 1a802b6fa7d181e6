"""Rendered display strips for training the counter reader."""

import numpy as np

from recognizer.synth.bank import DigitBank, load_digit_bank, render_bank_drum
from recognizer.synth.drum import render_drum
from recognizer.synth.ink import chance
from recognizer.synth.labels import Glyph, Kind, Strip
from recognizer.synth.lcd import render_lcd

__all__ = ["DigitBank", "Glyph", "Strip", "load_digit_bank", "render_strip"]


def render_strip(
    rng: np.random.Generator, kind: Kind | None = None, bank: DigitBank | None = None, bank_share: float = 0.4
) -> Strip:
    """One display, upright, with its surroundings.

    The picture carries what belongs to the meter (glass, dirt, reflections); what the camera does is
    ``recognizer.synth.degrade``. With a bank of real digit crops, ``bank_share`` of the drums are put
    together from crops of one meter.
    """
    if kind is None:
        kind = "lcd" if chance(rng, 0.5) else "drum"
    if kind == "lcd":
        return render_lcd(rng)
    if bank is not None and bank.meters and chance(rng, bank_share):
        return render_bank_drum(rng, bank)
    return render_drum(rng)
