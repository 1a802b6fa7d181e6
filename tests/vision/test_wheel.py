"""Single wheels: turns around 9 and 0, cuts where the wheel is, glyphs that are not wheels, and the shipped network."""

from pathlib import Path

import numpy as np
import pytest

from recognizer.domain.observation import Glyph
from recognizer.synth.drum import render_wheel
from recognizer.vision.locate import normalise
from recognizer.vision.models import load_model
from recognizer.vision.rectify import STRIP_HEIGHT, STRIP_WIDTH
from recognizer.vision.wheel import (
    BINS,
    WHEEL_HEIGHT,
    WHEEL_WIDTH,
    WheelReader,
    cut_wheel,
    framed,
    odds_of,
    turn_of,
)


def odds(*at: tuple[int, float]) -> np.ndarray:
    row = np.zeros(BINS)
    for i, p in at:
        row[i] = p
    return row


def test_a_turn_is_the_mean_around_the_likeliest_also_across_the_zero() -> None:
    assert turn_of(odds((38, 0.8), (39, 0.2))) == pytest.approx((3.82, 1.0))
    assert turn_of(odds((99, 0.5), (0, 0.4), (50, 0.1))) == pytest.approx((9.944, 0.9), abs=1e-3)
    assert turn_of(odds((0, 0.6), (99, 0.4)))[0] == pytest.approx(9.96)


def test_a_cut_shows_its_wheel_and_little_of_the_others() -> None:
    strip = np.full((STRIP_HEIGHT, STRIP_WIDTH, 3), 60, np.uint8)
    strip[:, 112:157] = 200
    cut = cut_wheel(strip, 112 / STRIP_WIDTH, 157 / STRIP_WIDTH)
    assert cut.shape == (WHEEL_HEIGHT, WHEEL_WIDTH, 3)
    assert cut[:, 3:-3].min() > 150 > cut[:, 0].max()


@pytest.mark.parametrize("span", [(1.0, 1.0), (0.99, 1.0), (0.0, 0.0), (0.5, 0.4)])
def test_a_wheel_at_the_very_end_of_a_strip_is_still_a_picture(span: tuple[float, float]) -> None:
    assert cut_wheel(np.zeros((STRIP_HEIGHT, STRIP_WIDTH, 3), np.uint8), *span).shape == (WHEEL_HEIGHT, WHEEL_WIDTH, 3)


def test_only_digits_get_a_turn_and_without_a_model_none_does(tmp_path: Path) -> None:
    strip = np.random.default_rng(0).integers(0, 255, (STRIP_HEIGHT, STRIP_WIDTH, 3)).astype(np.uint8)
    glyphs = (Glyph((("1", 0.9),), 0.1, 0.5), Glyph(((".", 0.9),), 0.5, 0.5), Glyph((("2", 0.3),), 0.5, 0.9))
    assert WheelReader(tmp_path).turned(strip, glyphs) == glyphs
    assert WheelReader(tmp_path).digest is None
    seen = WheelReader().turned(strip, glyphs)
    assert seen[1:] == glyphs[1:]
    assert seen[0].odds == glyphs[0].odds


def test_the_shipped_network_reads_drawn_wheels() -> None:
    rng = np.random.default_rng(11)
    turns = rng.uniform(0, 10, 200)
    cuts = np.concatenate([normalise(framed(render_wheel(rng, float(turn)))) for turn in turns])
    found = np.array([turn_of(row)[0] for row in odds_of(load_model("wheel"), cuts)])
    off = np.abs((found - turns + 5) % 10 - 5)
    assert (off < 0.2).mean() > 0.9, np.sort(off)[-30:]
    turned = np.concatenate([normalise(np.asarray(framed(render_wheel(rng, 2.0))[::-1], np.uint8)) for _ in range(20)])
    assert np.isfinite(odds_of(load_model("wheel"), turned)).all()
