"""The rendered clips in ``samples/``: small, as their recipe makes them, and their truth is what they show."""

import json
from pathlib import Path

import numpy as np
import pytest

from recognizer.synth.samples import CLIPS, ClipSpec
from recognizer.vision.clips import open_clip

FOLDER = Path(__file__).parents[2] / "samples" / "clips"


@pytest.mark.parametrize("spec", CLIPS, ids=lambda spec: spec.family)
def test_a_sample_clip_is_small_and_has_its_truth_beside_it(spec: ClipSpec) -> None:
    path = FOLDER / spec.file
    assert path.stat().st_size < 300_000
    truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert (truth["family"], truth["size"]) == (spec.family, list(spec.size))
    assert all(register["clear_seconds"] >= 2 for register in truth["registers"])
    with open_clip(path) as clip:
        frames = list(clip.frames())
    assert clip.troubles == ()
    assert len(frames) == len(truth["frames"])
    assert frames[0].pixels.shape == (spec.size[1], spec.size[0], 3)
    # The glass differs between two screens that stand, where the truth says that it is.
    shown = {row[0]: n for n, row in enumerate(truth["frames"]) if row[1] == "shown"}
    if len(shown) > 1:
        one, other = sorted(shown.values())[:2]
        x, y = np.mean(truth["frames"][one][2], axis=0).astype(int)
        parts = [frames[n].pixels[y - 15 : y + 15, x - 60 : x + 60].astype(int) for n in (one, other)]
        assert np.abs(parts[0] - parts[1]).max() > 40
