"""One training loop for both networks: AdamW, cosine schedule, averaged weights, checkpoints that resume."""

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full

import numpy as np
import torch
from torch import Tensor, nn

from recognizer.train.restore import restore

log = logging.getLogger(__name__)
Batch = tuple[Tensor, ...]
IN_TILES, IN_PAIRS = (bool(torch.cpu.get_capabilities().get(name)) for name in ("amx_bf16", "avx512_bf16"))
"""Whether the processor multiplies half precision in tiles, three times as fast, or two numbers at once."""


def half_precision(*, cell_by_cell: bool = False) -> torch.autocast:
    """Within it convolutions compute in half precision, where that is faster.

    Full ones gain by tiles alone and take far longer without them; ``cell_by_cell``, mostly of 1x1, they take half the
    time by pairs too. Separable ones of few channels gain nothing.
    """
    return torch.autocast("cpu", torch.bfloat16, enabled=IN_TILES or (cell_by_cell and IN_PAIRS))


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train. One run is one cosine from ``rate`` to almost nothing."""

    steps: int
    batch: int
    rate: float = 2e-3
    warmup: int = 300
    decay: float = 0.02
    average: float = 0.999
    seed: int = 0
    keep: float = 0.0
    """Share of the weights that a run started from in those it ends with (Wortsman et al. 2022): between the two lie
    networks that have learned what is new and forgotten less."""

    def rate_at(self, step: int) -> float:
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * min(1.0, done)))))


def fit(
    net: nn.Module,
    make_batch: Callable[[np.random.Generator, int], Batch],
    loss_of: Callable[[nn.Module, Batch], Tensor],
    schedule: Schedule,
    checkpoint: Path,
    start_from: Path | None = None,
    every: int = 500,
    on_check: Callable[[nn.Module, int], None] | None = None,
) -> nn.Module:
    """Train ``net`` and return it with averaged weights.

    ``checkpoint`` is written every ``every`` steps and resumed from when it exists; ``start_from``, a checkpoint
    or an exported ``model.onnx``, gives only the initial weights, of which the last step keeps ``schedule.keep``.
    ``on_check(averaged net, step)`` runs at every checkpoint.
    """
    torch.manual_seed(schedule.seed)
    net = net.to(memory_format=torch.channels_last)
    averaged = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(schedule.average)
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=schedule.rate, weight_decay=schedule.decay)
    step, origin = 0, None
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        net.load_state_dict(state["net"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        step, origin = state["step"], state.get("origin")
        log.info("resuming %s at step %d", checkpoint, step)
    elif start_from is not None:
        if start_from.suffix == ".onnx":
            rng = np.random.default_rng([schedule.seed, 2])
            restore(net, start_from, lambda: loss_of(net, make_batch(rng, 4 * schedule.batch)))
        else:
            net.load_state_dict(load_weights(start_from))
        averaged.module.load_state_dict(net.state_dict())
        origin = {name: value.clone() for name, value in net.state_dict().items()}
    net.train()
    with _made_ahead(make_batch, schedule, step) as batches:
        total, began = 0.0, time.monotonic()
        while step < schedule.steps:
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate_at(step)
            loss = loss_of(net, next(batches))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            averaged.update_parameters(net)
            total += float(loss.detach())
            step += 1
            if step % every == 0 or step == schedule.steps:
                seconds = time.monotonic() - began
                log.info(
                    "step %d/%d loss %.4f %.0f ms/step", step, schedule.steps, total / every, seconds / every * 1000
                )
                if step == schedule.steps and origin is not None:
                    _blend(averaged.module, origin, schedule.keep)
                _settle(averaged.module, lambda: loss_of(averaged.module, next(batches)))
                _save(checkpoint, net, averaged, optimizer, step, origin)
                if on_check is not None:
                    with torch.no_grad():
                        on_check(averaged.module, step)
                total, began = 0.0, time.monotonic()
    result: nn.Module = averaged.module
    return result.eval()


def average(
    net: nn.Module,
    checkpoints: Sequence[tuple[float, Path]],
    loss_on_some: Callable[[nn.Module], Tensor],
    checkpoint: Path,
) -> nn.Module:
    """``net`` with the weights of several runs by their shares, in eval mode and written as a checkpoint.

    Runs that started from one another wobble by a few photos; their average (Wortsman et al. 2022) reads about as many
    and tells better which it reads wrong. ``loss_on_some`` runs it on one batch of the strips that it is to read.
    """
    total = sum(share for share, _ in checkpoints)
    weights = [(share / total, load_weights(path)) for share, path in checkpoints]
    mixed = {
        name: sum((share * of[name] for share, of in weights), torch.zeros_like(value))
        if value.dtype.is_floating_point else value
        for name, value in weights[0][1].items()
    }  # fmt: skip
    net.load_state_dict(mixed)
    _settle(net, lambda: loss_on_some(net))
    state = {"averaged": {f"module.{name}": value for name, value in net.state_dict().items()}}
    torch.save({**state, "of": {path.stem: share / total for share, path in checkpoints}}, checkpoint)
    return net


AHEAD = 8
"""Batches that wait for the network."""


@contextmanager
def _made_ahead(
    make_batch: Callable[[np.random.Generator, int], Batch], schedule: Schedule, step: int
) -> Iterator[Iterator[Batch]]:
    """Batches drawn by a process of their own, while the network runs: a third of the time of a step otherwise."""
    context = multiprocessing.get_context("fork")  # the pictures are shared, not copied
    waiting = context.Queue(AHEAD)

    trainer = os.getpid()

    def draw() -> None:
        rng = np.random.default_rng([schedule.seed, step])
        while True:
            batch = [part.numpy() for part in make_batch(rng, schedule.batch)]
            while True:  # a trainer that was killed cannot end this process: it would wait for ever
                if os.getppid() != trainer:
                    waiting.cancel_join_thread()
                    return
                with suppress(Full):
                    waiting.put(batch, timeout=10)
                    break

    def take() -> Iterator[Batch]:
        while True:
            try:
                yield tuple(torch.from_numpy(part) for part in waiting.get(timeout=60))
            except Empty:
                if not process.is_alive():
                    raise RuntimeError("the process that draws the training pictures has ended") from None

    process = context.Process(target=draw, daemon=True)
    process.start()
    try:
        yield take()
    finally:
        process.terminate()
        process.join()


def _blend(net: nn.Module, origin: Mapping[str, Tensor], share: float) -> None:
    """Move every weight of ``net`` towards ``origin`` by that share of the way. Counters of steps stay."""
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(origin[name], share)


def _settle(net: nn.Module, run: Callable[[], Tensor], batches: int = 40) -> None:
    """Measure the normalisation statistics of averaged weights anew, and leave the network in eval mode.

    Neither those of the last weights nor their average fit: a counter that read 47 of 50 strips read 22.
    """
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean over the batches
    net.train()
    with torch.no_grad():
        for _ in range(batches):
            run()
    net.eval()


def load_weights(checkpoint: Path) -> dict[str, Tensor]:
    """The averaged weights inside a checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    prefix = "module."
    return {k.removeprefix(prefix): v for k, v in state["averaged"].items() if k.startswith(prefix)}


def _save(
    path: Path,
    net: nn.Module,
    averaged: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    origin: Mapping[str, Tensor] | None,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "net": net.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "origin": origin,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)  # a kill while writing must not cost the last good checkpoint
