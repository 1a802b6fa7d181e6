"""Prints: strokes and slants of the size that was asked for, a font for what has no strokes, others only if wanted."""

from dataclasses import replace

import numpy as np
import pytest

from recognizer.synth import ink, typefaces
from recognizer.synth.ink import Mask
from recognizer.synth.lettering import BASE, Lettering, text_mask
from recognizer.synth.screen_blocks import SPELLINGS
from recognizer.synth.screen_parts import Print


@pytest.mark.parametrize("strokes", [2, 7])
@pytest.mark.parametrize("text", ["kW h", "kvarh", "MWh", "T4", "CUM", "TOTAL"])
def test_strokes_are_a_capital_high_whatever_their_thickness(text: str, strokes: int) -> None:
    mask = text_mask(text, 500, strokes, 0.0)
    assert abs(mask.shape[0] - BASE) <= 4
    assert 0.02 < np.mean(mask > 127) < 0.7
    assert 0.05 < _lean(text_mask(text, 500, strokes, 0.2)) - _lean(mask) < 0.35


def _lean(mask: Mask) -> float:
    """How far the upper half of the ink stands right of the lower, in heights a height."""
    middle = mask.shape[0] // 2
    (upper, above), (lower, below) = (
        (float(xs.mean()), float(ys.mean())) for ys, xs in (np.nonzero(mask[:middle]), np.nonzero(mask[middle:]))
    )
    return float((upper - lower) / (below + middle - above))


def test_what_has_no_strokes_is_in_the_sans() -> None:
    assert (text_mask("кВт·ч", 500, 4, 0.0) == ink.text_stamp("кВт·ч", BASE, 500)).all()


def test_every_latin_unit_has_strokes() -> None:
    for text in (spelled for unit, ways in SPELLINGS.items() if unit.isascii() for spelled in ways):
        assert not np.array_equal(text_mask(text, 400, 3, 0.0), ink.text_stamp(text, BASE, 400)), text


def test_a_fainter_print_is_as_large() -> None:
    full, faint = (Print("kWh", 0, 0, 0.5, Lettering(strength=s)).sized(40) for s in (1.0, 0.5))
    assert full.shape == faint.shape
    assert faint.max() == pytest.approx(full.max() / 2, abs=1)


def test_what_is_installed_changes_no_picture_until_training_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {typefaces.by_lot(n) for n in range(50)} == {typefaces.OWN}
    monkeypatch.setattr(typefaces, "_used", ("one.ttf", "two.otf"))
    before, after = np.random.default_rng(3), np.random.default_rng(3)
    letters = [Lettering.sample(before) for _ in range(60)]
    assert {a.typeface for a in letters} == {"one.ttf", "two.otf", typefaces.OWN}
    monkeypatch.undo()
    plain = [Lettering.sample(after) for _ in range(60)]
    assert [replace(a, typeface=typefaces.OWN) for a in letters] == plain  # nor do they take a draw from others
