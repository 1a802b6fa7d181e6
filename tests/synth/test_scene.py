"""Whole photos: seeded, corners in reading order at any rotation, unreadable displays without a text."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognizer.synth.degrade import degrade
from recognizer.synth.samples import SAMPLES, render_samples
from recognizer.synth.scene import MeterPlan, render_scene

PLAIN = {"tilt": 0.0, "centre": (0.5, 0.5), "fault": "none", "bare": False, "share": 0.3}


def test_same_seed_same_photo() -> None:
    a, b = (render_scene(np.random.default_rng(21), (320, 240)) for _ in range(2))
    assert np.array_equal(a.image, b.image)
    assert [d.text for d in a.displays] == [d.text for d in b.displays]


def test_photos_are_well_formed() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        scene = render_scene(rng, (256, 192))
        assert scene.image.shape == (192, 256, 3)
        assert scene.image.dtype == np.uint8
        for display in scene.displays:
            assert display.quad.shape == (4, 2)
            assert bool(display.text) == display.legible
            # corners run clockwise on the screen whatever the rotation: a mirrored quad would read backwards
            assert cv2.contourArea(display.quad, oriented=True) > 0
            if display.legible:
                assert (display.quad > -8).all()
                assert (display.quad < np.array([264, 200])).all()


@pytest.mark.parametrize("angle", [0, 45, 90, 180, 270])
def test_the_first_corner_follows_the_rotation(angle: float) -> None:
    plan = MeterPlan(kind="drum", angle=angle, **PLAIN)  # type: ignore[arg-type]
    (display,) = render_scene(np.random.default_rng(1), plans=[plan], strength=0).displays
    along = display.quad[1] - display.quad[0]
    turned = np.degrees(np.arctan2(along[1], along[0]))
    assert (turned - angle + 180) % 360 - 180 == pytest.approx(0, abs=1)
    assert np.linalg.norm(along) == pytest.approx(0.3 * 512, rel=0.05)


@pytest.mark.parametrize("fault", ["off", "glare", "covered", "blur"])
def test_what_cannot_be_read_is_marked_illegible(fault: str) -> None:
    plan = MeterPlan(kind="lcd", angle=10, **(PLAIN | {"fault": fault}))  # type: ignore[arg-type]
    (display,) = render_scene(np.random.default_rng(3), plans=[plan]).displays
    assert not display.legible
    assert display.text == ""


def test_a_display_under_another_meter_is_not_reported_as_readable() -> None:
    plan = MeterPlan(kind="drum", angle=0, **PLAIN)  # type: ignore[arg-type]
    scene = render_scene(np.random.default_rng(2), plans=[plan, plan])
    assert sum(d.legible for d in scene.displays) == 1


def test_no_meter_no_display_and_a_canvas_shows_through() -> None:
    canvas = np.full((300, 500, 3), (40, 160, 90), np.uint8)
    scene = render_scene(np.random.default_rng(1), (200, 100), background=canvas, plans=[], strength=0)
    assert scene.displays == []
    assert scene.image.reshape(-1, 3).mean(0) == pytest.approx((40, 160, 90), abs=40)


def test_degrade_keeps_the_shape_and_leaves_its_input_alone() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (60, 90, 3), dtype=np.uint8)
    before = image.copy()
    for strength in (0.0, 0.5, 1.0, None):
        out = degrade(rng, image, strength)
        assert out.shape == image.shape
        assert out.dtype == np.uint8
    assert np.array_equal(image, before)


def test_the_samples_are_complete_and_small(tmp_path: Path) -> None:
    truth = render_samples(tmp_path)
    assert json.loads((tmp_path / "truth.json").read_text()) == truth
    assert [t["file"] for t in truth] == [s.file for s in SAMPLES]
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.jpg")) < 2_000_000
    assert sum(not t["legible"] for t in truth if t["kind"]) == 2
    for row in truth:
        assert cv2.imread(str(tmp_path / row["file"])) is not None
        assert bool(row["reading"]) == row["legible"]
        if row["file"].startswith("negatives/"):
            assert row["kind"] is None
