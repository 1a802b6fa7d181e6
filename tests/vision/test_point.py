"""Decimal points: where gaps are cut, how two networks' chances come together, and the shipped network."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from recognizer.domain.decode import decode
from recognizer.domain.observation import Glyph
from recognizer.synth.lcd import render_lcd
from recognizer.vision.locate import normalise
from recognizer.vision.models import load_model
from recognizer.vision.point import FINER, FROM_ROW, GAP_SIDE, PointReader, cut_gap
from recognizer.vision.rectify import STRIP_HEIGHT, STRIP_WIDTH, rectify

IMAGE = np.full((60, 240, 3), 128, np.uint8)
QUAD = np.array([[20, 15], [220, 15], [220, 45], [20, 45]], np.float32)


def glyphs(text: str, p: float = 0.99) -> tuple[Glyph, ...]:
    digits = sum(c != "." for c in text)
    out, i = [], 0
    for char in text:
        if char == ".":
            out.append(Glyph(((".", p),), i / digits, i / digits))
        else:
            out.append(Glyph(((char, 0.99),), i / digits, (i + 1) / digits))
            i += 1
    return tuple(out)


def reader(*logits: float) -> PointReader:
    """One whose network says this of the gaps, from left to right."""
    made = PointReader()
    answer = np.array(logits, np.float32)[:, None]
    model: Any = SimpleNamespace(run=lambda cuts: [answer[: len(cuts)]], digest="0")
    made._model = SimpleNamespace(present=True, load=lambda: model)  # type: ignore[assignment]
    return made


def best(seen: tuple[Glyph, ...]) -> str:
    return decode(seen, "lcd")[0].text


@pytest.mark.parametrize(
    ("read", "logits", "text"),
    [
        ("31935", (-5, -5, -5, 5), "31935"),  # the counter saw none: what one network says is not enough alone
        ("3193.5", (-5, -5, -5, 5), "3193.5"),
        ("3.879", (-5, 5, -5), "3.879"),
    ],
)
def test_one_network_alone_does_not_move_what_the_other_is_sure_of(
    read: str, logits: tuple[float, ...], text: str
) -> None:
    assert best(reader(*logits).pointed(IMAGE, QUAD, glyphs(read))) == text


def test_doubtful_points_are_settled() -> None:
    doubtful = glyphs("3193.5", 0.4)
    assert best(reader(-5, -5, -5, 3).pointed(IMAGE, QUAD, doubtful)) == "3193.5"
    assert best(reader(-5, -5, -5, -3).pointed(IMAGE, QUAD, doubtful)) == "31935"
    seen = reader(-5, -5, -5, 0).pointed(IMAGE, QUAD, doubtful)
    assert dict(seen[4].odds)["."] == pytest.approx(0.4)


def test_a_point_that_the_counter_does_not_mention_becomes_possible() -> None:
    seen = reader(-5, -5, 5, -5).pointed(IMAGE, QUAD, glyphs("31935"))
    assert [g.odds[0][0] for g in seen] == list("319.35")
    assert 0.1 < seen[3].odds[0][1] < 0.5
    assert [g for g in seen if g.odds[0][0] != "."] == list(glyphs("31935"))


def test_without_a_model_or_a_gap_nothing_changes(tmp_path: Path) -> None:
    assert PointReader(tmp_path).pointed(IMAGE, QUAD, glyphs("1.5")) == glyphs("1.5")
    assert PointReader(tmp_path).digest is None
    assert reader().pointed(IMAGE, QUAD, glyphs("5")) == glyphs("5")


def test_a_gap_is_cut_at_the_feet_between_two_digits() -> None:
    strip = np.full((FINER * STRIP_HEIGHT, FINER * STRIP_WIDTH, 3), 180, np.uint8)
    strip[: int(FROM_ROW * len(strip)) - 1] = 0
    x = FINER * STRIP_WIDTH // 2
    cv2.circle(strip, (x, 72), 5, (20, 20, 20), -1)
    cut = cut_gap(strip, 0.4, 0.6)
    assert cut.shape == (GAP_SIDE, GAP_SIDE, 3)
    dark = np.argwhere(cut[..., 0] < 80).mean(0)
    assert dark[1] == pytest.approx(GAP_SIDE / 2, abs=2)
    assert cut_gap(strip, 1.0, 1.0).shape == cut_gap(strip, 0.6, 0.5).shape == (GAP_SIDE, GAP_SIDE, 3)


def test_the_shipped_network_tells_points_of_drawn_displays() -> None:
    rng, model, right, total = np.random.default_rng(3), load_model("point"), 0, 0
    for _ in range(60):
        strip = render_lcd(rng)
        digits = [g for g in strip.glyphs if g.char != "."]
        points = [g.x0 for g in strip.glyphs if g.char == "."]
        fine = rectify(strip.image, np.asarray(strip.quad, np.float32), FINER)
        ends = [((a.x0 + a.x1) / 2, (b.x0 + b.x1) / 2) for a, b in pairwise(digits)]
        inside = [(0.04 + 0.92 * left, 0.04 + 0.92 * right) for left, right in ends]
        cuts = np.concatenate([normalise(cut_gap(fine, *end)) for end in inside])
        lit = np.asarray(model.run(cuts)[0])[:, 0] > 0
        truth = [any(left < x < right for x in points) for left, right in ends]
        right, total = right + int((lit == truth).sum()), total + len(truth)
    assert right / total > 0.95, (right, total)
