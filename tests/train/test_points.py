"""Displays with their points moved: the picture and the truth change together."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from recognizer.synth.lcd import render_lcd  # noqa: E402
from recognizer.synth.lcd_style import LcdStyle  # noqa: E402
from recognizer.train import flat, points  # noqa: E402
from recognizer.train.counter import Cutout, encode  # noqa: E402
from recognizer.train.flat import HEIGHT, PAD_ACROSS, straighten  # noqa: E402
from recognizer.vision.rectify import MARGIN_ALONG  # noqa: E402

COLUMNS = 224


def display(monkeypatch: pytest.MonkeyPatch, text: str = "1234.56", **style: Any) -> Cutout:
    """A plain drawn display, and a counter that reads it and knows where its characters stand."""
    rng = np.random.default_rng(0)
    plain = replace(
        LcdStyle.sample(rng), panel=(190, 200, 190), lit=(30, 30, 30), glow=0.0, contrast=1.0, ghost=0.0, shadow=0.0,
        point="square", point_size=0.13, point_room=0.15, pitch=0.8, small_decimals=1.0, point_shown=True,
    )  # fmt: skip
    strip = render_lcd(rng, replace(plain, **style), text, height=60)
    log_probs = np.full((COLUMNS, 12), -12.0)
    log_probs[:, 0] = 0.0
    for glyph in strip.glyphs:
        column = round(COLUMNS * (MARGIN_ALONG + (1 - 2 * MARGIN_ALONG) * (glyph.x0 + glyph.x1) / 2))
        log_probs[column] = -12.0
        log_probs[column, encode(glyph.char)[0]] = 0.0
    monkeypatch.setattr(flat, "log_probs_of", lambda *_: log_probs)
    return Cutout(strip.image, np.asarray(strip.quad, np.float32), (text,), "test", "lcd")


def ink_at_foot(image: Any) -> Any:
    """How dark the row of digits is low down, by columns."""
    low = image[PAD_ACROSS + round(0.8 * HEIGHT) : PAD_ACROSS + HEIGHT + 8].mean(2).astype(np.float32)
    return low.max() - low.min(0)


def test_the_point_goes_and_the_digits_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    cutout = display(monkeypatch)
    shown = points.without_point(None, cutout)  # type: ignore[arg-type]
    assert shown is not None
    assert shown.digits == "123456"
    assert [gap.left for gap in shown.gaps] == [1, 2, 3, 4, 5]
    before, after = ink_at_foot(straighten(cutout)), ink_at_foot(shown.image)
    fourth = shown.gaps[3]
    at = slice(round(fourth.x) - 5, round(fourth.x) + 6)
    assert before[at].max() - before[at].min() > 60 > 20 > np.ptp(after[at])
    assert np.abs(straighten(cutout)[:70].astype(int) - shown.image[:70]).max() == 0


def test_a_point_in_another_gap_is_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    make = points.repointed(None, [display(monkeypatch)])  # type: ignore[arg-type]
    assert make is not None
    rng = np.random.default_rng(1)
    made = [make(rng) for _ in range(60)]
    bare = next(c for c in made if c.texts == ("123456",))
    assert {c.texts[0].index(".") for c in made if "." in c.texts[0]} == {1, 2, 3, 4, 5}
    for pointed in (c for c in made if "." in c.texts[0]):
        changed = np.abs(pointed.image.astype(int) - bare.image).max(2) > 20
        assert changed[PAD_ACROSS + HEIGHT // 2 :].any()
        assert not changed[: PAD_ACROSS + HEIGHT // 2].any()


@pytest.mark.parametrize("style", [{"small_decimals": 0.75}, {"small_decimals": 0.5, "point_shown": False}])
def test_small_decimals_tell_where_the_point_is(monkeypatch: pytest.MonkeyPatch, style: dict[str, Any]) -> None:
    """Without their point they would still be decimals, and the truth without one would be false."""
    assert points.repointed(None, [display(monkeypatch, **style)]) is None  # type: ignore[arg-type]


def test_a_point_that_cannot_be_found_is_not_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert points.without_point(None, display(monkeypatch, point_shown=False)) is None  # type: ignore[arg-type]
