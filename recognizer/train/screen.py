"""Recipe of the screen reader: drawn LCDs before real surroundings; label by CTC, unit by class, marks one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recognizer.domain.labels import plain, unit_of
from recognizer.synth import degrade
from recognizer.synth.screen import ScreenPicture, draw_screen
from recognizer.train.augment import jitter_pixels
from recognizer.train.counter import shake_corners
from recognizer.train.data import Corners, Image
from recognizer.train.fit import Batch
from recognizer.train.locator import normalise
from recognizer.train.nets import LABEL_CHARACTERS, SCREEN_MARKS, SCREEN_UNITS
from recognizer.vision.panel import PANEL_HEIGHT, PANEL_WIDTH, cut_panel, panel_matrix
from recognizer.vision.rectify import evened

BEFORE_REAL = 0.7
"""How often a drawn display stands before a part of a real photo: the print on plates is not on the display."""


@dataclass(frozen=True)
class Panel:
    """One training picture and what stands beside its value; ``label`` None: a text that the alphabet lacks."""

    image: Image
    label: str | None
    unit: int
    marks: tuple[bool, ...]


def draw(rng: np.random.Generator) -> ScreenPicture:
    """A drawn screen with a value; a display test has none that counts."""
    while True:
        drawn = draw_screen(rng)
        if drawn.screen.kind != "test" and any(row.value for row in drawn.screen.rows):
            return drawn


def sample(rng: np.random.Generator, drawn: ScreenPicture, surroundings: Sequence[Image]) -> Panel:
    """The screen cut as if its value, or one of its values, had been located."""
    rows = [i for i, row in enumerate(drawn.screen.rows) if row.value]
    i = rows[int(rng.integers(len(rows)))]
    row, value = drawn.screen.rows[i], np.asarray(drawn.boxes[i].value, np.float32)
    image = degrade(rng, drawn.image) if rng.random() < 0.5 else drawn.image
    panel = _before(rng, image, shake_corners(rng, value), surroundings)
    label = _label(row.label or "")
    marks = {plain(mark) for mark in drawn.screen.marks}
    unit = (unit_of(row.unit or "") or ("",))[0]
    return Panel(
        evened(jitter_pixels(rng, panel)),
        label,
        SCREEN_UNITS.index(unit) if unit in SCREEN_UNITS else 0,
        tuple(mark in marks for mark in SCREEN_MARKS),
    )


def _label(text: str) -> str | None:
    folded = plain(text)
    return folded if all(c in LABEL_CHARACTERS for c in folded) else None


def _before(rng: np.random.Generator, image: Image, value: Corners, surroundings: Sequence[Image]) -> Image:
    """The panel, with a real photo instead of nothing where the drawn picture ends."""
    panel = cut_panel(image, value)
    if not surroundings or rng.random() > BEFORE_REAL:
        return panel
    height, width = image.shape[:2]
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    outline = cv2.perspectiveTransform(corners, panel_matrix(value))
    covered = np.zeros_like(panel)
    cv2.fillPoly(covered, [np.round(outline[0]).astype(np.int32)], (255, 255, 255))
    real = surroundings[int(rng.integers(len(surroundings)))]
    y, x = (int(rng.integers(0, max(1, real.shape[k] - s))) for k, s in ((0, PANEL_HEIGHT), (1, PANEL_WIDTH)))
    part = real[y : y + PANEL_HEIGHT, x : x + PANEL_WIDTH]
    behind = cv2.resize(part, (PANEL_WIDTH, PANEL_HEIGHT)) if part.shape[:2] != (PANEL_HEIGHT, PANEL_WIDTH) else part
    return np.where(covered > 0, panel, behind)


def batches(
    drawn: Sequence[ScreenPicture], surroundings: Sequence[Image]
) -> Callable[[np.random.Generator, int], Batch]:
    """A batch maker: pictures, label codes, their lengths, the picture each belongs to, unit classes, marks."""

    def make(rng: np.random.Generator, size: int) -> Batch:
        panels = [sample(rng, drawn[int(rng.integers(len(drawn)))], surroundings) for _ in range(size)]
        told = [(i, p.label) for i, p in enumerate(panels) if p.label is not None]
        return (
            torch.from_numpy(np.stack([p.image for p in panels]).transpose(0, 3, 1, 2).copy()),
            torch.tensor([LABEL_CHARACTERS.index(c) + 1 for _, t in told for c in t], dtype=torch.long),
            torch.tensor([len(t) for _, t in told], dtype=torch.long),
            torch.tensor([i for i, _ in told], dtype=torch.long),
            torch.tensor([p.unit for p in panels], dtype=torch.long),
            torch.tensor([p.marks for p in panels], dtype=torch.float32),
        )

    return make


def loss(net: nn.Module, batch: Batch) -> Tensor:
    pictures, codes, lengths, owner, unit, marks = batch
    label, unit_logits, mark_logits = net(normalise(pictures))
    log_probs = label.float().log_softmax(2).transpose(0, 1)[:, owner]
    steps = torch.full_like(lengths, label.shape[1])
    ctc = F.ctc_loss(log_probs, codes, steps, lengths, reduction="none", zero_infinity=True).mean()
    bce = F.binary_cross_entropy_with_logits(mark_logits, marks, reduction="none").sum(1).mean()
    return ctc + F.cross_entropy(unit_logits, unit) + bce


def accuracy(net: nn.Module, batch: Batch) -> dict[str, float]:
    """Shares of a batch whose label, unit and all marks are right."""
    pictures, codes, lengths, owner, unit, marks = batch
    with torch.no_grad():
        label, unit_logits, mark_logits = net(normalise(pictures))
    paths, right, start = label.argmax(2).tolist(), 0, 0
    for i, n in zip(owner.tolist(), lengths.tolist(), strict=True):
        path = paths[i]
        kept = [c for c, before in zip(path, [0, *path], strict=False) if c not in (0, before)]
        right += kept == codes[start : start + n].tolist()
        start += n
    return {
        "label": right / len(lengths),
        "unit": float((unit_logits.argmax(1) == unit).float().mean()),
        "marks": float(((mark_logits > 0) == (marks > 0)).all(1).float().mean()),
    }
