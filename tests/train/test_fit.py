"""The training loop: what it starts from, and how much of that is kept."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from torch import Tensor, nn  # noqa: E402

from recognizer.train.export import _told  # noqa: E402
from recognizer.train.fit import Batch, Schedule, average, fit, load_weights  # noqa: E402


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


def test_an_average_is_of_all_its_runs_by_their_shares(tmp_path: Path) -> None:
    """The normalisation is that of the average and not of a run: what it measures is seen anew."""
    for n, value in enumerate((1.0, 5.0)):
        run = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
        state = {
            name: torch.full_like(v, value) if name == "0.weight" else v * 0 for name, v in run.state_dict().items()
        }
        torch.save({"averaged": {f"module.{k}": v for k, v in state.items()}, "step": 9}, tmp_path / f"{n}.pt")
    net = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
    runs = [(3.0, tmp_path / "0.pt"), (1.0, tmp_path / "1.pt")]
    assert not average(net, runs, lambda net: net(torch.ones(8, 4, 1, 1)).mean(), tmp_path / "out.pt").training
    weights = load_weights(tmp_path / "out.pt")
    assert torch.allclose(weights["0.weight"], torch.full((4, 4, 1, 1), 2.0))
    assert torch.allclose(weights["1.running_mean"], torch.full((4,), 8.0))
    assert _told(tmp_path / "out.pt") == "average of 0 (0.75), 1 (0.25)"
    assert _told(tmp_path / "0.pt") == "step 9"
