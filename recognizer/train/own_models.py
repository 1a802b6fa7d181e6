"""The models of ``meter train``: the counter's file, its card and calibration, and their place in the output folder."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from recognizer.train.export import TOLERANCE, to_onnx
from recognizer.train.own_guard import Comparison, Scored
from recognizer.vision.card import CARD_NAME, Card, read_card, write_card
from recognizer.vision.models import MODEL_NAME, load_model
from recognizer.vision.rectify import STRIP_HEIGHT, STRIP_WIDTH

ENOUGH = 100
"""Held-back readings of one kind from which its offset is fitted anew: so many tell a share within a tenth."""
DOUBT = 1e-4
"""What a wrong reading's confidence must be below the threshold by; figures of a card have four decimals."""


@dataclass(frozen=True, slots=True)
class Made:
    """What the card tells of how a counter was made."""

    sha256: str
    photos: int
    strips: int
    table_sha256: str
    licence: str | None
    recipe: str


def recalibrated(
    figures: Mapping[str, Any] | None, before: Sequence[Scored], after: Sequence[Scored]
) -> dict[str, Any] | None:
    """The calibration for a counter whose held-back photos came out as ``after``, from that of the one before.

    Its weights are carried over. Where there are ENOUGH readings of a kind, its offset is moved so that the mean
    confidence becomes the share of right readings (recalibration in the large, Steyerberg 2004), held near the old one.
    The threshold rises until no more wrong readings are accepted than the counter before accepted. ``note`` tells.
    """
    if figures is None:
        return None
    new = {key: dict(part) if isinstance(part, Mapping) else part for key, part in figures.items()}
    moved: dict[str, float] = {}
    for kind in ("lcd", "drum"):
        of_kind = [s for s in after if s.kind == kind and 0 < s.confidence < 1]
        if len(of_kind) >= ENOUGH:
            moved[kind] = _shift([(s.confidence, s.guessed) for s in of_kind])
            new[kind]["offset"] = round(new[kind].get("offset", 0.0) + moved[kind], 4)
    again = [_moved(s.confidence, moved.get(s.kind or "", 0.0)) for s in after if s.accepted and not s.right]
    allowed = sum(s.accepted and not s.right for s in before)
    threshold = float(figures["thresholds"]["accept_above"])
    raised = threshold
    if len(again) > allowed:
        raised = max(threshold, min(1.0, round(sorted(again, reverse=True)[allowed] + DOUBT, 4)))
    new["thresholds"]["accept_above"] = raised
    fitted = f"offset fitted anew for {', '.join(moved)}; weights" if moved else "weights and offsets"
    new["note"] = f"{fitted} carried over from the counter before ({len(after)} held-back photos)" + (
        f"; threshold raised from {threshold} so that no more wrong readings are accepted" if raised > threshold else ""
    )
    return new


def own_card(
    before: Card, made: Made, calibration: Mapping[str, Any] | None, held: Comparison, rest: Comparison
) -> Card:
    """The new card: what held for the counter before still does, and what was added is said."""
    settings = {key: value for key, value in before.settings.items() if key != "calibration"}
    settings["sha256"] = made.sha256
    settings["data"] = [
        *before.settings["data"],
        f"{made.photos} photos of the user's own, {made.strips} displays cut out of them; "
        f"table of readings with SHA-256 {made.table_sha256[:12]}",
    ]
    settings["licences"] = [*before.settings["licences"], f"own photos: {made.licence or 'not stated'}"]
    settings["recipe"] = made.recipe
    kept = {key: value for key, value in before.scores.items() if key == "parameters"}
    settings["scores"] = kept | _figures("held_back", held) | _figures("rendered", rest)
    if calibration is not None:
        settings["calibration"] = calibration
    return Card(settings)


def _figures(name: str, pair: Comparison) -> dict[str, Any]:
    before, after = (sum(s.right for s in side) for side in (pair.before, pair.after))
    return {
        f"{name}": len(pair.before),
        f"{name}_right_before": before,
        f"{name}_right": after,
        f"{name}_p": round(pair.p, 4),
    }


def _shift(scored: Sequence[tuple[float, bool]]) -> float:
    """The move of all log-odds after which they promise as many right readings as there are, by bisection.

    With a normal prior of deviation 1 on the move, which keeps it finite where all are right.
    """
    low, high = -6.0, 6.0
    for _ in range(40):
        middle = (low + high) / 2
        excess = sum(_moved(c, middle) - ok for c, ok in scored) + middle
        low, high = (low, middle) if excess > 0 else (middle, high)
    return (low + high) / 2


def _moved(confidence: float, shift: float) -> float:
    odds = log(max(confidence, 1e-9) / max(1 - confidence, 1e-9)) + shift
    return 1 / (1 + exp(-odds))


def export_counter(net: nn.Module, base: Path, models: Path) -> str:
    """Write all models with the new counter among them; gives its SHA-256. Its card is not complete yet.

    Raises ValueError when ONNX Runtime's output differs from PyTorch's.
    """
    shutil.rmtree(models, ignore_errors=True)
    for role in sorted(path.parent for path in base.glob(f"*/{CARD_NAME}")):
        shutil.copytree(role, models / role.name)
    example = torch.rand(1, 3, STRIP_HEIGHT, STRIP_WIDTH) * 4 - 2
    data = to_onnx(net, example)
    digest = hashlib.sha256(data).hexdigest()
    (models / "counter" / MODEL_NAME).write_bytes(data)
    card = read_card(models / "counter")
    write_card(models / "counter", Card({**card.settings, "sha256": digest}))
    with torch.no_grad():
        wanted = net(example).numpy()
    difference = float(np.abs(load_model("counter", models).run(example.numpy())[0] - wanted).max())
    if not difference <= TOLERANCE:
        raise ValueError(f"ONNX and PyTorch differ by {difference:.2g} on the same input")
    return digest


def place(models: Path, out: Path) -> None:
    """Copy every role into the output folder; a role is there whole or as it was before."""
    for role in sorted(p.name for p in models.iterdir() if p.is_dir()):
        coming, going = out / f".{role}.new", out / f".{role}.old"
        for rest in (coming, going):
            shutil.rmtree(rest, ignore_errors=True)
        shutil.copytree(models / role, coming)
        if (out / role).exists():
            (out / role).rename(going)
        coming.rename(out / role)
        shutil.rmtree(going, ignore_errors=True)
