"""Fit how far the screen reader is believed: how often is a label, a unit or a mark right that has this probability?

Logistic regression on one log-odds (Platt 1999), on panels drawn by a seed that no training uses. Real ones tell too
few labels for it. So the figures hold as far as drawn screens are like real ones.
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognizer.train import recipes
from recognizer.train.screen_panels import NOT_TOLD, Panel
from recognizer.vision.card import Card, read_card, write_card
from recognizer.vision.ctc import best_path, log_softmax
from recognizer.vision.locate import normalise
from recognizer.vision.models import load_model
from recognizer.vision.screen import SCREEN_UNITS, Trust, label_of, no_label, unit_of_panel

log = logging.getLogger(__name__)
SEED, PANELS, PART = 977, 1500, 0.15
RATE, RIDGE = 0.05, 1.0
"""Of the descent, and its pull towards the plain probability."""

Logits = NDArray[np.float64]
Said = tuple[float, bool]
"""A probability, and whether what had it was right."""
Outputs = tuple[Panel, Logits, Logits, Logits]
"""A panel, and the network's logits of its label, unit and marks."""


def calibrate_screen(data_dir: Path, models_dir: Path) -> None:
    """Write the calibration into the screen reader's card."""
    model = load_model("screen", models_dir)
    rng = np.random.default_rng([SEED, 3])
    makers = recipes.drawn_panels(rng, *recipes.screen_canvases(data_dir), part=PART)
    shares = np.array([share for share, _ in makers]) / sum(share for share, _ in makers)
    seen = []
    for place in rng.choice(len(makers), PANELS, p=shares):
        panel = makers[int(place)][1](rng)
        label, unit, marks, _ = (np.asarray(out[0], np.float64) for out in model.run(normalise(panel.image)))
        seen.append((panel, label, unit, marks))
    said = said_of(seen)
    figures = {name: fitted(pairs) for name, pairs in said.items()}
    log.info("%s", {name: (len(said[name]), figures[name]) for name in said})
    folder = models_dir / "screen"
    write_card(folder, Card({**read_card(folder).settings, "calibration": figures}))


def said_of(seen: Sequence[Outputs]) -> dict[str, list[Said]]:
    """By the names in ``Trusts`` what the network says of the panels, as far as their truth tells.

    Of absences first: whether a text counts as read depends on how far they are believed.
    """
    of_label = [(panel.label, label) for panel, label, _, _ in seen if panel.label is not None]
    of_unit = [(SCREEN_UNITS[panel.unit], unit) for panel, _, unit, _ in seen if panel.unit != NOT_TOLD]
    none: dict[str, list[Said]] = {
        "no_label": [(no_label(out), not truth) for truth, out in of_label if not best_path(log_softmax(out))],
        "no_unit": [(float(np.exp(log_softmax(out[None])[0, 0])), not truth) for truth, out in of_unit],
    }
    label, unit = (Trust(**fitted(none[name])) for name in ("no_label", "no_unit"))
    labels = [(truth, read) for truth, out in of_label if (read := label_of(out, label)) is not None]
    units = [(truth, read) for truth, out in of_unit if (read := unit_of_panel(out, unit)) is not None]
    return {
        "label": [(chance, text == truth) for truth, (text, chance) in labels],
        "unit": [(chance, text == truth) for truth, (text, chance) in units],
        "marks": [
            (float(1 / (1 + np.exp(-out))), lit)
            for panel, _, _, marks in seen
            for out, lit in zip(marks, panel.marks, strict=True)
            if lit is not None
        ],
        **none,
    }


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
