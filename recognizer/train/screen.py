"""Recipe of the screen reader: drawn LCDs before real surroundings; label by CTC, unit by class, marks one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recognizer.domain.labels import measures, plain, unit_of
from recognizer.synth import degrade
from recognizer.synth.clip_stage import Ground
from recognizer.synth.ink import text_stamp
from recognizer.synth.labels import Rect
from recognizer.synth.prints import lay
from recognizer.synth.screen import ScreenPicture, draw_screen, sample_screen
from recognizer.synth.screen_real import draw_screen_on
from recognizer.train.augment import jitter_pixels
from recognizer.train.counter import shake_corners
from recognizer.train.data import Corners, Image
from recognizer.train.fit import Batch
from recognizer.train.locator import normalise
from recognizer.vision.counter import best_path
from recognizer.vision.panel import PANEL_HEIGHT, PANEL_WIDTH, cut_panel, panel_matrix
from recognizer.vision.rectify import evened
from recognizer.vision.screen import LABEL_CHARACTERS, SCREEN_MARKS, SCREEN_UNITS

BEFORE_REAL = 0.7
"""How often a drawn display stands before a part of a real photo: the print on plates is not on the display."""
CELLS = (14, 72)
"""Rows and columns of the network's maps."""
OF_CTC, OF_CENTRES, OF_CELLS = 0.1, 1.0, 1.0
"""Weights of the label's text, of its single characters in the middle of where they stand, and of the maps. With the
text at full weight its large gradients left no room for the others."""
ON_PLATE = 0.6
"""Share of the readings without a unit on the glass beside which the plate has one, as on many older meters."""
RENEWED = 0.05
"""Share of the times a drawn screen is taken at which another is drawn in its place."""
TOLD = 0.7
"""Share of the pictures whose label is read where it stands, and not where the network takes it to be: at first, it
would read anything."""
NARROW, NARROW_WIDTH = ".:*", 0.35
"""Characters that stand between two others, and their width over that of others."""
NOT_TOLD = -1
"""In place of a unit's class: of a real photo whose truth does not tell it."""
IN_TILES = bool(torch.cpu.get_capabilities().get("amx_bf16"))
"""Half precision where the processor multiplies it in tiles, three times as fast; without them it takes far longer."""
NOWHERE: Corners = np.full((2 + len(SCREEN_MARKS), 4), np.nan, np.float32)


Drawing = Callable[[np.random.Generator], ScreenPicture]


@dataclass(frozen=True)
class Panel:
    """One training picture and what stands beside its value.

    ``label`` None: not told, or a text that the alphabet lacks; ``unit`` NOT_TOLD; ``marks`` None: not told.
    """

    image: Image
    label: str | None
    unit: int
    marks: tuple[bool, ...] | None
    places: Corners = field(default_factory=lambda: NOWHERE)
    """Label, unit and every mark as (x0, y0, x1, y1) in pixels of the panel; NaN: not there, or not told."""


@dataclass(frozen=True)
class RealPanel:
    """A real photo around its display, the value's corners in it, and its truth as in ``Panel``."""

    image: Image
    value: Corners
    label: str | None
    unit: int
    marks: tuple[bool, ...] | None


def draw(rng: np.random.Generator) -> ScreenPicture:
    """A drawn screen with a value; a display test has none that counts."""
    while True:
        drawn = draw_screen(rng)
        if drawn.screen.kind != "test" and any(row.value for row in drawn.screen.rows):
            return drawn


def draw_on(grounds: Sequence[Ground]) -> Drawing:
    """As ``draw``, on real displays that are off."""

    def draw_one(rng: np.random.Generator) -> ScreenPicture:
        while True:
            screen = sample_screen(rng)
            if screen.kind != "test" and any(row.value for row in screen.rows):
                return draw_screen_on(rng, grounds[int(rng.integers(len(grounds)))], screen)

    return draw_one


def marked(draw_one: Drawing) -> Drawing:
    """Only those on which a mark is lit that the network knows."""

    def draw_marked(rng: np.random.Generator) -> ScreenPicture:
        while True:
            drawn = draw_one(rng)
            if any(plain(mark) in SCREEN_MARKS for mark in drawn.screen.marks):
                return drawn

    return draw_marked


def any_drawn(
    rng: np.random.Generator, draw_one: Drawing, many: int, surroundings: Sequence[Image]
) -> Callable[[np.random.Generator], Panel]:
    """Of ``many`` screens, since drawing one takes longer than cutting it; now and then one is drawn anew."""
    drawn = [draw_one(rng) for _ in range(many)]

    def make(rng: np.random.Generator) -> Panel:
        i = int(rng.integers(many))
        if rng.random() < RENEWED:
            drawn[i] = draw_one(rng)
        return sample(rng, drawn[i], surroundings)

    return make


def any_real(real: Sequence[RealPanel]) -> Callable[[np.random.Generator], Panel]:
    return lambda rng: sample_real(rng, real[int(rng.integers(len(real)))])


def sample(rng: np.random.Generator, drawn: ScreenPicture, surroundings: Sequence[Image]) -> Panel:
    """The screen cut as if its value, or one of its values, had been located; ``surroundings``: to stand before."""
    rows = [i for i, row in enumerate(drawn.screen.rows) if row.value]
    i = rows[int(rng.integers(len(rows)))]
    row, value = drawn.screen.rows[i], np.asarray(drawn.boxes[i].value, np.float32)
    box, unit = drawn.boxes[i], row.unit
    clean, printed = drawn.image, None
    if unit is None and row.register is not None and measures(row.register, "active") and rng.random() < ON_PLATE:
        unit = "kWh"
        clean, printed = _printed(rng, clean, drawn.panel, value, unit)
    image = degrade(rng, clean) if rng.random() < 0.5 else clean
    value = shake_corners(rng, value)
    panel = _before(rng, image, value, surroundings)
    label = _label(row.label or "")
    marks = {plain(mark) for mark in drawn.screen.marks} | _told_by_form(row.value or "")
    told = tuple(mark in marks for mark in SCREEN_MARKS)
    quads = [(plain(mark), quad) for mark, quad in drawn.marks]
    places = _places(panel_matrix(value), box.label, printed if printed is not None else box.unit, quads)
    return Panel(evened(jitter_pixels(rng, panel)), label, unit_class(unit or ""), told, places)


def _printed(rng: np.random.Generator, image: Image, glass: Rect, value: Corners, unit: str) -> tuple[Image, Corners]:
    """The picture with the unit printed on the plate, right of the glass or below its right end, and where."""
    tall = float(np.linalg.norm(value[3] - value[0]))
    stamp = text_stamp(unit, max(6, round(tall * rng.uniform(0.25, 0.5))), int(rng.choice((400, 600))))
    h, w = stamp.shape
    gap = tall * float(rng.uniform(0.1, 0.5))
    if rng.random() < 0.75:
        x, y = glass[2] + gap, float(value[:, 1].mean() - h / 2 + rng.uniform(-0.3, 0.3) * tall)
    else:
        x, y = glass[2] - w - gap, glass[3] + gap
    room = np.maximum(0, np.ceil([x + w + 3 - image.shape[1], y + h + 3 - image.shape[0]]).astype(int))
    plate = cv2.copyMakeBorder(image, 0, int(room[1]), 0, int(room[0]), cv2.BORDER_REPLICATE)
    under = plate[max(0, int(y)) : int(y) + h, int(x) : int(x) + w]
    light = float(rng.uniform(190, 255)) if under.mean() < 110 else float(rng.uniform(10, 70))
    lay(plate, stamp, x, y, (light, light, light))
    return plate, np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)


def _places(
    matrix: NDArray[np.float64], label: Corners | None, unit: Corners | None, marks: Sequence[tuple[str, Corners]]
) -> Corners:
    places = NOWHERE.copy()
    known = {SCREEN_MARKS.index(text): quad for text, quad in marks if text in SCREEN_MARKS}
    for i, quad in ((0, label), (1, unit), *((2 + i, quad) for i, quad in known.items())):
        if quad is not None:
            corners = cv2.perspectiveTransform(np.asarray(quad, np.float32)[None], matrix)[0]
            places[i] = (*corners.min(0), *corners.max(0))
    return places


def sample_real(rng: np.random.Generator, real: RealPanel) -> Panel:
    panel = cut_panel(real.image, shake_corners(rng, real.value))
    return Panel(evened(jitter_pixels(rng, panel)), real.label, real.unit, real.marks)


def unit_class(text: str) -> int:
    """The place in SCREEN_UNITS; 0 for none or another."""
    unit = (unit_of(text) or ("",))[0]
    return SCREEN_UNITS.index(unit) if unit in SCREEN_UNITS else 0


def _told_by_form(value: str) -> set[str]:
    """Clocks and dates are told by what stands between their digits, lit mark or not; with dashes it may be either."""
    if "-" in value.strip("-"):
        return {"TIME", "DATE"}
    return {"TIME"} if ":" in value else {"DATE"} if value.count(".") > 1 else set()


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
            torch.tensor([p.marks or (float("nan"),) * len(SCREEN_MARKS) for p in panels], dtype=torch.float32),
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
    with torch.autocast("cpu", torch.bfloat16, enabled=IN_TILES):
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
    """Masks (N, maps, 14, 72) of the cells in which label, unit and each mark stand, and (N, maps) of what is known.

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
    """Shares of a batch whose label, unit and all marks are right."""
    pictures, codes, lengths, owner, unit, marks, _, _ = batch
    with torch.no_grad():
        label, unit_logits, mark_logits = net(normalise(pictures))
    right, start = 0, 0
    for i, n in zip(owner.tolist(), lengths.tolist(), strict=True):
        right += best_path(label[i].double().numpy()) == tuple(codes[start : start + n].tolist())
        start += n
    return {
        "label": right / max(1, len(lengths)),
        "unit": _share((unit_logits.argmax(1) == unit)[unit != NOT_TOLD]),
        "marks": _share(((mark_logits > 0) == (marks > 0)).all(1)[~marks.isnan().any(1)]),
    }


def _share(right: Tensor) -> float:
    return float(right.float().mean()) if len(right) else 0.0
