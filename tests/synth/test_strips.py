"""Strips: same seed same picture, quad and glyphs bound the ink, the text is what was drawn."""

import csv
import itertools
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognizer.errors import InputError
from recognizer.synth.drum import DrumStyle, render_drum
from recognizer.synth.labels import Kind, Setting, Strip
from recognizer.synth.lcd import render_lcd, sample_text
from recognizer.synth.lcd_style import LcdStyle
from recognizer.synth.strips import load_digit_bank, render_strip

CLEAN = Setting(plate=(128.0, 128.0, 128.0), in_face=True)


@pytest.mark.parametrize("kind", ["lcd", "drum"])
def test_same_seed_same_strip(kind: Kind) -> None:
    a, b = (render_strip(np.random.default_rng(11), kind) for _ in range(2))
    assert a.text == b.text
    assert np.array_equal(a.image, b.image)
    assert np.array_equal(a.quad, b.quad)


@pytest.mark.parametrize("kind", ["lcd", "drum"])
def test_every_strip_is_well_formed(kind: Kind) -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        strip = render_strip(rng, kind)
        _check(strip)
        assert strip.kind == kind


def _check(strip: Strip) -> None:
    h, w = strip.image.shape[:2]
    assert strip.image.dtype == np.uint8
    assert strip.image.shape[2] == 3
    assert (strip.quad >= 0).all()
    assert (strip.quad <= (w, h)).all()
    assert "".join(g.char for g in strip.glyphs) == strip.text
    assert 3 <= len(strip.text.replace(".", "")) <= 9
    assert strip.text.count(".") <= 1
    assert not strip.text.startswith(".")
    digits = [g for g in strip.glyphs if g.char != "."]
    assert all(-0.01 <= g.x0 < g.x1 <= 1.01 for g in digits)
    assert all(a.x0 < b.x0 for a, b in itertools.pairwise(digits))


def test_the_quad_of_an_lcd_is_tight_around_the_lit_digits() -> None:
    """Two renders that differ in one thing only, the digits: what differs must fill the quad and nothing else."""
    rng = np.random.default_rng(8)
    for seed in range(25):
        style = replace(LcdStyle.sample(rng), shadow=0.0, ghost=0.0, glow=0.0, contrast=1.0, small_decimals=1.0)
        style = replace(style, panel=(230.0, 230.0, 230.0), lit=(0.0, 0.0, 0.0), point_size=0.09)
        text = sample_text(rng).replace(".", "")
        strip = render_lcd(np.random.default_rng(seed), style, text, 48, setting=CLEAN)
        x0, y0, x1, y1 = (round(float(v)) for v in (*strip.quad[0], *strip.quad[2]))
        dark = cv2.cvtColor(strip.image, cv2.COLOR_BGR2GRAY) < 120
        row = dark[y0:y1, x0:x1]
        assert row[:, :3].any(), "nothing lit at the left edge"
        assert row[:, -3:].any(), "nothing lit at the right edge"
        assert row[:3].any() or style.cut.family == "dots"
        for glyph in strip.glyphs:
            a, b = x0 + glyph.x0 * (x1 - x0), x0 + glyph.x1 * (x1 - x0)
            assert dark[y0:y1, round(a) : max(round(a) + 1, round(b))].any()


def test_the_band_of_a_gas_meter_goes_on_beyond_its_wheels_and_its_quad_does_not() -> None:
    """Catches a quad around the whole band, unit and all: it would teach the locator to cut ``m³`` as digits."""
    rng = np.random.default_rng(6)
    for seed in range(20):
        style = replace(DrumStyle.sample_gas(rng), wheel=(0.0, 200.0, 0.0), figure=(0.0, 255.0, 0.0), ticks=True)
        style = replace(style, last_wheel=style.wheel, last_figure=style.figure, mark="comma", separator="none")
        strip = render_drum(np.random.default_rng(seed), style, 1234.0, 8, 60, CLEAN)
        _check(strip)
        assert strip.text.partition(".")[0] + strip.text.partition(".")[2] == "00001234"
        x0, y0, x1, y1 = (round(float(v)) for v in (*strip.quad[0], *strip.quad[2]))
        row = strip.image[(y0 + y1) // 2].astype(int)
        green = np.flatnonzero((row[:, 1] > 30) & (row[:, 1] > 2 * row[:, 0] + 10))
        assert x0 <= green.min()
        assert green.max() < x1
        assert row[x1 + 2].max() < 110, "the band ends with the wheels"


def test_only_the_last_wheel_is_graduated() -> None:
    style = replace(DrumStyle.sample_gas(np.random.default_rng(1)), curve=0.0, separator="none")
    plain, ticked = (
        render_drum(np.random.default_rng(5), replace(style, ticks=ticks), 1234.0, 6, 60, CLEAN)
        for ticks in (False, True)
    )
    changed = np.flatnonzero((cv2.absdiff(plain.image, ticked.image) > 60).any((0, 2)))
    x0, x1 = plain.quad[0, 0], plain.quad[1, 0]
    assert len(changed)
    assert (changed > x0 + (x1 - x0) * 5 / 6).all()
    assert (changed < x1 + 1).all()


def test_the_quad_of_a_drum_is_the_window_opening() -> None:
    rng = np.random.default_rng(2)
    for seed in range(15):
        style = replace(DrumStyle.sample(rng), wheel=(0.0, 255.0, 0.0), figure=(0.0, 200.0, 0.0), curve=0.0)
        style = replace(style, decimals=0, mark="none", separator="none", gap=0.0, holes=False)
        strip = render_drum(np.random.default_rng(seed), style, 123, 5, 60, CLEAN)
        green = (strip.image[..., 1] > 60) & (strip.image[..., 2] < 40) & (strip.image[..., 0] < 40)
        ys, xs = np.nonzero(green)
        x0, y0, x1, y1 = (float(v) for v in (*strip.quad[0], *strip.quad[2]))
        assert abs(xs.min() - x0) <= 8  # the window's edge lies in shadow
        assert abs(xs.max() + 1 - x1) <= 8
        assert y0 - 1 <= ys.min() <= ys.max() + 1 <= y1 + 1


def test_marked_decimals_have_a_point_and_others_none() -> None:
    rng = np.random.default_rng(4)
    for _ in range(60):
        style = DrumStyle.sample(rng)
        strip = render_drum(rng, style)
        assert (style.mark != "none") == bool(style.decimals) == ("." in strip.text)
        if style.decimals:
            assert len(strip.text) - strip.text.index(".") - 1 == style.decimals


def test_a_display_that_is_off_has_no_text() -> None:
    strip = render_lcd(np.random.default_rng(1), lit=False)
    assert not strip.legible
    assert strip.text == ""
    assert strip.glyphs == []


@pytest.fixture(scope="module")
def bank_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of plain crops whose grey level is their turn, so that a wrong choice shows."""
    folder = tmp_path_factory.mktemp("bank")
    with zipfile.ZipFile(folder / "digit-crops.zip", "w") as packed, (folder / "digit-crops.csv").open("w") as table:
        rows = csv.writer(table)
        rows.writerow(["file", "meter", "kind", "value"])
        for tenth in range(100):
            name = f"m/{tenth / 10:.1f}_x.png"
            crop = np.full((60, 36, 3), 50 + 2 * tenth, np.uint8)
            packed.writestr(name, cv2.imencode(".png", crop)[1].tobytes())
            rows.writerow([name, "m", "drum", f"{tenth / 10:.1f}"])
        rows.writerow(["m/nan.png", "m", "drum", "nan"])
    return folder


def test_strips_of_real_crops_are_well_formed_and_seeded(bank_folder: Path) -> None:
    bank = load_digit_bank(bank_folder)
    assert list(bank.meters) == ["m"]
    assert len(bank.meters["m"].crops) == 100
    assert bank.without({"m"}).meters == {}
    rng = np.random.default_rng(9)
    for _ in range(20):
        _check(render_strip(rng, "drum", bank, bank_share=1.0))
    a, b = (render_strip(np.random.default_rng(6), "drum", bank, bank_share=1.0) for _ in range(2))
    assert np.array_equal(a.image, b.image)


def test_a_folder_without_crops_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"digit-crops\.csv"):
        load_digit_bank(tmp_path)
