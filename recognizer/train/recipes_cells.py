"""Recipes of the networks that look at one part of a display: a wheel of a drum, a gap between two digits of an LCD."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recognizer.train import counter, counter_screens, point, screen_real, wheel
from recognizer.train import screen_panels as panels
from recognizer.train.data import held_back, load_examples
from recognizer.train.fit import Schedule, fit
from recognizer.train.flat import flatten
from recognizer.train.located import located_cutouts
from recognizer.train.nets import CellNet
from recognizer.train.recipes import rendered, usable
from recognizer.train.refill import refilled
from recognizer.train.renew import renewed
from recognizer.vision.models import load_model
from recognizer.vision.point import PAIR_WIDTH
from recognizer.vision.wheel import BINS, WHEEL_WIDTH

log = logging.getLogger(__name__)

POINT_SHARES = {
    "lcd-strips": 0.26, "vn-lcd": 0.08, "cesc-electricity": 0.06, "prepaid-balance": 0.01, "fuel-pump-lcd": 0.09,
}  # fmt: skip
"""How often a gap is one of a real display of each source; the others are of refilled and of drawn ones."""
REFILLED, DRAWN, DRAWN_ON_REAL = 600, 1200, 600
"""Displays in stock of every kind that is made."""


def train_wheel(
    data_dir: Path, models_dir: Path, checkpoint: Path, schedule: Schedule, start_from: Path | None
) -> None:
    """Train on digit crops less the folders held back, and on wheels of real counters, found by the counter."""
    crops = wheel.load_crops(data_dir)
    held = [crop for crop in crops if wheel.crop_held_back(crop.meter)]
    cutouts = [c for c in counter.load_cutouts(data_dir, usable(data_dir)) if c.kind == "drum"]
    reader = load_model("counter", models_dir)
    of_sources = [[c for c in cutouts if c.source == source] for source in sorted({c.source for c in cutouts})]
    learnt = [crop for crop in crops if not wheel.crop_held_back(crop.meter)]
    groups = [(0.45, wheel.of_crops(learnt)), (0.2, wheel.drawn)]
    turned = [maker for part in of_sources if (maker := wheel.of_counters(flatten(reader, part))) is not None]
    groups += [(0.35 / len(turned), maker) for maker in turned]
    log.info("%d crops, %d held back, counters of %d sources", len(learnt), len(held), len(turned))
    fit(
        CellNet(WHEEL_WIDTH, BINS), wheel.batches(groups), wheel.loss, schedule, checkpoint, start_from,
        on_check=lambda net, step: log.info("%d %s", step, wheel.accuracy(net, held)),
    )  # fmt: skip


def train_point(
    data_dir: Path, models_dir: Path, checkpoint: Path, schedule: Schedule, start_from: Path | None
) -> None:
    """Train on gaps between the digits of LCDs, found by the counter with their texts told."""
    reader = load_model("counter", models_dir)
    cutouts = [c for c in counter.load_cutouts(data_dir, usable(data_dir)) if c.kind == "lcd"]
    located = located_cutouts(
        load_model("locator", models_dir), data_dir, [e for e in usable(data_dir) if e.kind == "lcd"]
    )
    held = counter.load_cutouts(data_dir, [e for e in load_examples(data_dir) if held_back(e)])
    watched = [gaps for c in held if (gaps := point.gaps_of(reader, c)) is not None]
    rng = np.random.default_rng([schedule.seed, 5])
    groups: list[tuple[float, Callable[[np.random.Generator], point.Gaps]]] = []
    for source, share in POINT_SHARES.items():
        real = [c for c in (*cutouts, *located) if c.source == source]
        found = [gaps for c in real if (gaps := point.gaps_of(reader, c)) is not None]
        log.info("%s: %d of %d displays", source, len(found), len(real))
        groups.append((share, point.any_of(found)))
        if (filling := refilled([c for c in cutouts if c.source == source])) is not None:
            groups.append((share / 2, renewed(rng, point.made_by(reader, filling), REFILLED)))
    glasses = screen_real.grounds(data_dir, usable(data_dir))
    on_real = counter_screens.drawn_values(rng, panels.draw_on(glasses), DRAWN_ON_REAL // 2)
    drawn = counter_screens.drawn_values(rng, panels.draw, DRAWN)
    groups += [(0.17, renewed(rng, point.made_by(reader, make), DRAWN)) for make in (drawn, rendered("lcd"))]
    groups.append((0.08, renewed(rng, point.made_by(reader, on_real), DRAWN_ON_REAL)))
    fit(
        CellNet(PAIR_WIDTH, 1), point.batches(groups), point.loss, schedule, checkpoint, start_from,
        on_check=lambda net, step: log.info("%d %s", step, point.accuracy(net, watched)),
    )  # fmt: skip
