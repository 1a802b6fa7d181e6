"""Recipe of the screen reader: label by CTC, unit by class, marks one by one, each with a map of where it stands."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recognizer.train.data import Corners
from recognizer.train.fit import Batch, half_precision
from recognizer.train.locator import normalise
from recognizer.train.screen_panels import NOT_TOLD, Panel
from recognizer.vision.ctc import best_path
from recognizer.vision.panel import PANEL_HEIGHT, PANEL_WIDTH
from recognizer.vision.screen import LABEL_CHARACTERS, SCREEN_MARKS, SCREEN_UNITS

CELLS = (18, 96)
"""Rows and columns of the network's maps."""
OF_CTC, OF_CENTRES, OF_CELLS = 1.0, 1.0, 1.0
"""Weights of the label's text, of its single characters in the middle of where they stand, and of the maps. From
nothing the text had 0.2: its large gradients leave no room for the others then. Later so little leaves blanks unsure.
"""
TOLD = 0.5
"""Share of the pictures whose label is read where it stands, and not where the network takes it to be: at first, it
would read anything."""
NARROW, NARROW_WIDTH = ".:*", 0.35
"""Characters that stand between two others, and their width over that of others."""


def batches(
    groups: Sequence[tuple[float, Callable[[np.random.Generator], Panel]]],
) -> Callable[[np.random.Generator, int], Batch]:
    """A batch maker from makers of panels with their shares.

    A batch: pictures, label codes, their lengths, the picture each belongs to, unit classes, marks, places, and the
    middle of each character across the panel, 0 to 1 (NaN: not told).
    """
    shares = np.array([share for share, _ in groups]) / sum(share for share, _ in groups)

    def make(rng: np.random.Generator, size: int) -> Batch:
        panels = [groups[int(g)][1](rng) for g in rng.choice(len(groups), size, p=shares)]
        told = [(i, p.label) for i, p in enumerate(panels) if p.label is not None]
        centres = [x for i, text in told for x in _centres(text, panels[i].places[0])]
        return (
            torch.from_numpy(np.stack([p.image for p in panels]).transpose(0, 3, 1, 2).copy()),
            torch.tensor([LABEL_CHARACTERS.index(c) + 1 for _, t in told for c in t], dtype=torch.long),
            torch.tensor([len(t) for _, t in told], dtype=torch.long),
            torch.tensor([i for i, _ in told], dtype=torch.long),
            torch.tensor([p.unit for p in panels], dtype=torch.long),
            torch.tensor([[np.nan if m is None else m for m in p.marks] for p in panels], dtype=torch.float32),
            torch.from_numpy(np.stack([p.places for p in panels])),
            torch.tensor(centres, dtype=torch.float32),
        )

    return make


def loss(net: nn.Module, batch: Batch) -> Tensor:
    pictures, codes, lengths, owner, unit, marks, places, centres = batch
    absent = torch.zeros(len(pictures), dtype=torch.bool)
    absent[owner[lengths == 0]] = True
    inside, known = _inside(places, unit, marks, absent)
    told = known[:, 0] & (torch.rand(len(pictures)) < TOLD)
    where = torch.where(told[:, None, None, None], inside[:, :1], torch.nan)
    with half_precision():
        answers = net.with_cells(normalise(pictures), where)  # type: ignore[operator]
    label, unit_logits, mark_logits, cells = (answer.float() for answer in answers)
    ctc, single = torch.zeros(()), torch.zeros(())
    if (there := (centres >= 0) & (centres < 1)).any():
        columns = (centres[there] * label.shape[1]).long()
        single = F.cross_entropy(label[owner.repeat_interleave(lengths)[there], columns], codes[there])
    if len(owner):
        log_probs = label.log_softmax(2).transpose(0, 1)[:, owner]
        steps = torch.full_like(lengths, label.shape[1])
        ctc = F.ctc_loss(log_probs, codes, steps, lengths, reduction="none", zero_infinity=True).mean()
    is_told = ~marks.isnan()
    bce = F.binary_cross_entropy_with_logits(mark_logits, marks.nan_to_num(0.0), reduction="none") * is_told
    of_unit = F.cross_entropy(unit_logits, unit, ignore_index=NOT_TOLD, reduction="sum") / max(
        1, int((unit >= 0).sum())
    )
    beside = OF_CTC * ctc + OF_CENTRES * single + OF_CELLS * _of_cells(cells, inside, known)
    return of_unit + bce.sum(1).mean() + beside


def _centres(text: str, box: Corners) -> list[float]:
    """Where characters in a row from x0 to x1 have their middles, if all but NARROW ones are of one width."""
    widths = np.array([NARROW_WIDTH if c in NARROW else 1.0 for c in text])
    ends = np.cumsum(widths)
    x0, _, x1, _ = box / PANEL_WIDTH
    return [] if not len(text) else list(x0 + (x1 - x0) * (ends - widths / 2) / ends[-1])


def _inside(places: Tensor, unit: Tensor, marks: Tensor, no_label: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (N, maps, 18, 96) of the cells in which label, unit and each mark stand, and (N, maps) of what is known.

    A map is known where its place is, or where there is nothing to be in a place.
    """
    height, width = CELLS
    ys = torch.arange(height)[:, None] * (PANEL_HEIGHT / height)
    xs = torch.arange(width)[None] * (PANEL_WIDTH / width)
    x0, y0, x1, y1 = (places[:, :, k, None, None] for k in range(4))
    cells = (ys + PANEL_HEIGHT / height > y0) & (ys < y1) & (xs + PANEL_WIDTH / width > x0) & (xs < x1)
    somewhere = cells.any(3).any(2)
    inside = torch.zeros(len(places), len(SCREEN_UNITS) + len(SCREEN_MARKS), height, width)
    known = torch.zeros(inside.shape[:2], dtype=torch.bool)
    inside[:, 0], known[:, 0] = cells[:, 0].float(), somewhere[:, 0] | no_label
    of_unit = torch.arange(1, len(SCREEN_UNITS))[None] == unit[:, None]
    inside[:, 1 : len(SCREEN_UNITS)] = of_unit[:, :, None, None] * cells[:, 1:2].float()
    known[:, 1 : len(SCREEN_UNITS)] = (unit != NOT_TOLD)[:, None] & (~of_unit | somewhere[:, 1:2])
    inside[:, len(SCREEN_UNITS) :] = cells[:, 2:].float()
    known[:, len(SCREEN_UNITS) :] = (marks == 0) | somewhere[:, 2:]
    return inside, known


def _of_cells(logits: Tensor, inside: Tensor, known: Tensor) -> Tensor:
    """Focal loss of the maps (Lin et al. 2017): the mean over what stands somewhere, and all that stands elsewhere."""
    chance = logits.sigmoid()
    missed = ((1 - chance) ** 2 * F.softplus(-logits) * inside).sum((2, 3)) / inside.sum((2, 3)).clamp(min=1)
    lit = (chance**2 * F.softplus(logits) * (1 - inside)).sum((2, 3))
    return ((missed + lit) * known).sum(1).mean()


def accuracy(net: nn.Module, batch: Batch) -> dict[str, float]:
    """Shares of a batch whose label, unit and all marks are right; of labels where there is one and where none is."""
    pictures, codes, lengths, owner, unit, marks, _, _ = batch
    with torch.no_grad():
        label, unit_logits, mark_logits, _ = net(normalise(pictures))
    read = [best_path(label[i].double().numpy()) for i in owner.tolist()]
    truth = [tuple(text.tolist()) for text in codes.split(lengths.tolist())]
    right = torch.tensor([a == b for a, b in zip(read, truth, strict=True)])
    return {
        "label": _share(right[lengths > 0]),
        "no label": _share(right[lengths == 0]),
        "unit": _share((unit_logits.argmax(1) == unit)[unit != NOT_TOLD]),
        "marks": _share(((mark_logits > 0) == (marks > 0)).all(1)[~marks.isnan().any(1)]),
    }


def _share(right: Tensor) -> float:
    return float(right.float().mean()) if len(right) else 0.0
