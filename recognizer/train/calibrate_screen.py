"""Fit how far the screen reader is believed: how often is a label, a unit or a mark right that has this probability?

Logistic regression on one log-odds (Platt 1999), on panels drawn by a seed that no training uses. Real ones tell too
few labels for it. So the figures hold as far as drawn screens are like real ones.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recognizer.train import recipes
from recognizer.train.screen_panels import NOT_TOLD, Panel
from recognizer.vision.card import Card, read_card, write_card
from recognizer.vision.locate import normalise
from recognizer.vision.models import load_model
from recognizer.vision.screen import SCREEN_UNITS, label_of, unit_of_panel

log = logging.getLogger(__name__)
SEED, PANELS, PART = 977, 1500, 0.15
RATE, RIDGE = 0.05, 1.0
"""Of the descent, and its pull towards the plain probability."""

Said = tuple[float, bool]
"""A probability, and whether what had it was right."""


def calibrate_screen(data_dir: Path, models_dir: Path) -> None:
    """Write the calibration into the screen reader's card."""
    model = load_model("screen", models_dir)
    rng = np.random.default_rng([SEED, 3])
    makers = recipes.drawn_panels(rng, *recipes.screen_canvases(data_dir), part=PART)
    shares = np.array([share for share, _ in makers]) / sum(share for share, _ in makers)
    said: dict[str, list[Said]] = {"label": [], "unit": [], "marks": []}
    for place in rng.choice(len(makers), PANELS, p=shares):
        panel = makers[int(place)][1](rng)
        outputs = (np.asarray(output[0], np.float64) for output in model.run(normalise(panel.image)))
        for name, more in zip(said, _said(panel, *outputs), strict=True):
            said[name] += more
    folder = models_dir / "screen"
    figures = {name: fitted(pairs) for name, pairs in said.items()}
    log.info("%s", {name: (len(said[name]), figures[name]) for name in said})
    write_card(folder, Card({**read_card(folder).settings, "calibration": figures}))


def _said(
    panel: Panel, label: np.ndarray, unit: np.ndarray, marks: np.ndarray
) -> tuple[Iterable[Said], Iterable[Said], Iterable[Said]]:
    """What the network says of the label, the unit and each mark, as far as the panel's truth tells."""
    text, name = label_of(label), unit_of_panel(unit)
    of_label = [(text[1], text[0] == panel.label)] if text is not None and panel.label is not None else []
    told = name is not None and panel.unit != NOT_TOLD
    of_unit = [(name[1], name[0] == SCREEN_UNITS[panel.unit])] if name is not None and told else []
    chances = (1 / (1 + np.exp(-marks))).tolist()
    of_marks = [(chance, lit) for chance, lit in zip(chances, panel.marks, strict=True) if lit is not None]
    return of_label, of_unit, of_marks


def fitted(said: Iterable[Said]) -> dict[str, float]:
    """``slope`` and ``offset`` of the log-odds, by projected gradient descent; unchanged odds of nothing."""
    pairs = list(said)
    p = np.clip([chance for chance, _ in pairs], 1e-4, 1 - 1e-4)
    right = np.array([ok for _, ok in pairs], float)
    odds = np.log(p / (1 - p))
    slope, offset = 1.0, 0.0
    for _ in range(4000):
        off = 1 / (1 + np.exp(-slope * odds - offset)) - right
        many = max(1, len(pairs))
        slope = max(0.0, slope - RATE * float(off @ odds + RIDGE * (slope - 1)) / many)
        offset -= RATE * float(off.sum() + RIDGE * offset) / many
    return {"slope": round(slope, 4), "offset": round(offset, 4)}
