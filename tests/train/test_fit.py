"""The training loop: what it starts from, and how much of that is kept."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from torch import Tensor, nn  # noqa: E402

from recognizer.train.fit import Batch, Schedule, fit, load_weights  # noqa: E402


def ones(rng: np.random.Generator, size: int) -> Batch:
    return (torch.ones(size, 4),)


def to_zero(net: nn.Module, batch: Batch) -> Tensor:
    return net(batch[0]).pow(2).mean()


@pytest.mark.parametrize(("keep", "moved"), [(0.0, 1.0), (0.75, 0.25), (1.0, 0.0)])
def test_a_run_ends_between_where_it_started_and_where_it_came_to(tmp_path: Path, keep: float, moved: float) -> None:
    torch.manual_seed(0)
    fit(nn.Linear(4, 1), ones, to_zero, Schedule(1, 2, rate=1e-9), tmp_path / "start.pt")
    start = load_weights(tmp_path / "start.pt")["weight"]
    ends = {}
    for share in (0.0, keep):
        schedule = Schedule(40, 2, rate=0.1, warmup=1, average=0.5, keep=share)
        fit(nn.Linear(4, 1), ones, to_zero, schedule, tmp_path / f"{share}.pt", tmp_path / "start.pt", every=20)
        ends[share] = load_weights(tmp_path / f"{share}.pt")["weight"]
    assert float((ends[0.0] - start).abs().max()) > 0.05
    assert torch.allclose(ends[keep], start + moved * (ends[0.0] - start), atol=1e-5)


def test_what_is_kept_is_known_after_an_interruption(tmp_path: Path) -> None:
    """Else a run that is resumed would end without what it was to keep."""
    torch.manual_seed(0)
    fit(nn.Linear(4, 1), ones, to_zero, Schedule(1, 2, rate=1e-9), tmp_path / "start.pt")
    start = load_weights(tmp_path / "start.pt")["weight"]
    for steps in (20, 40):
        schedule = Schedule(steps, 2, rate=0.1, warmup=1, average=0.5, keep=1.0 if steps == 40 else 0.0)
        fit(nn.Linear(4, 1), ones, to_zero, schedule, tmp_path / "run.pt", tmp_path / "start.pt", every=20)
        moved = float((load_weights(tmp_path / "run.pt")["weight"] - start).abs().max())
        assert (moved > 0.05) == (steps == 20)
