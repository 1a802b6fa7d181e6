"""Training cuts of dials carry the turn that they show, however they were turned, moved and shrunk."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from recognizer.train import dial  # noqa: E402
from recognizer.vision.dial_cut import REACH, SIDE  # noqa: E402


def test_the_label_is_where_the_needle_points_in_the_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "jitter_pixels", lambda rng, cut: cut)
    monkeypatch.setattr(dial, "_glare", lambda rng, cut: cut)
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[50:101, 98:103] = 255  # points up from the pivot in the middle: a turn of 0
    rng, off, away = np.random.default_rng(0), [], []
    for _ in range(60):
        cut, (turn, there, _, x, y, size) = dial.sample(rng, dial.Needle(picture, 100, 100, 60, 0.0, True))
        assert there == 1
        pivot = np.array([x, y]) * SIDE / 2 + SIDE / 2
        ys, xs = np.nonzero(cut[..., 0] > 128)
        if not len(xs):
            continue
        along = np.array([xs.mean(), ys.mean()]) + 0.5 - pivot
        points = math.degrees(math.atan2(along[0], -along[1])) / 36
        inside = min(xs.min(), ys.min()) > 4 and max(xs.max(), ys.max()) < SIDE - 5
        if inside:
            off.append(abs((points - turn + 5) % 10 - 5))
            longest = np.hypot(xs + 0.5 - pivot[0], ys + 0.5 - pivot[1]).max()
            away.append(longest / (math.exp(size) * SIDE / 2 / REACH * 50 / 60))
    assert len(off) > 20
    assert max(off) < 0.35, max(off)
    assert np.median(np.abs(np.log(away))) < 0.12


def test_near_copies_share_a_group_by_any_chain() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 255, (60, 60, 3)).astype(np.uint8)
    other = rng.integers(0, 255, (60, 60, 3)).astype(np.uint8)
    assert dial._near_copies([first, other, first // 2 + 20]) == [0, 1, 0]


def test_the_loss_takes_what_is_not_known_for_nothing() -> None:
    from recognizer.train.nets import DialNet

    net = DialNet().eval()
    pictures = torch.zeros((2, 3, SIDE, SIDE), dtype=torch.uint8)
    known = torch.tensor([[3.0, 1, 1, 0, 0, 0], [-1, 0, -1, 0, 0, 0]])
    assert torch.isfinite(dial.loss(net, (pictures, known)))
    assert torch.isfinite(dial.loss(net, (pictures, torch.tensor([[-1.0, 0, -1, 0, 0, 0]] * 2))))
