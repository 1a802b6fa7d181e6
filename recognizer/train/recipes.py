"""What the committed networks were trained on and for how long; ``python -m recognizer.train`` runs these."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from recognizer.synth import DigitBank, degrade, load_digit_bank, render_strip
from recognizer.synth.clip_stage import Ground
from recognizer.synth.drum import DrumStyle, render_drum
from recognizer.synth.labels import Strip
from recognizer.train import counter, counter_screens, dial, locator, pretrained, screen, screen_real, screens, wheel
from recognizer.train import locator_scenes as scenes
from recognizer.train import screen_panels as panels
from recognizer.train.counter import Cutout
from recognizer.train.data import Example, Image, held_back, load_examples, read_photo
from recognizer.train.fit import Batch, Schedule, average, fit, half_precision
from recognizer.train.flat import flatten
from recognizer.train.located import located_cutouts
from recognizer.train.nets import CounterNet, DialNet, LocatorNet, ScreenNet, WheelNet
from recognizer.train.points import repointed
from recognizer.train.refill import refilled
from recognizer.train.renew import renewed
from recognizer.train.splice import spliced
from recognizer.train.textline_net import TextlineNet
from recognizer.vision.card import CARD_NAME
from recognizer.vision.models import load_model

log = logging.getLogger(__name__)

REAL_SHARES = {
    "bdci-water": 0.23, "toloka-water": 0.27, "thai-electricity": 0.14, "lcd-strips": 0.13, "dss188-electricity": 0.07,
    "pafal-sequence": 0.02, "cesc-electricity": 0.07, "vn-lcd": 0.06, "prepaid-balance": 0.01, "fuel-pump-lcd": 0.12,
}  # fmt: skip
"""How often a real strip or photo comes from each source; the small ones more often than their number."""
SPLICED, FEWEST_TO_SPLICE = 0.7, 6
"""Share of a source's strips that are put together from several, and the strips it takes for that."""
REFILLED_SHARES = {"lcd-strips": 4, "fuel-pump-lcd": 2, "vn-lcd": 2, "cesc-electricity": 2, "off-lcd": 1}
"""How often a display of each source is emptied and filled anew, in parts."""
REPOINTED_SHARES = {"lcd-strips": 0.10, "fuel-pump-lcd": 0.05, "cesc-electricity": 0.01, "vn-lcd": 0.01}
"""How often a display of each source has its point moved, of shares that add up to about 1.3."""
ILLEGIBLE = 3.0
"""How much more often the locator sees a photo whose display is off or covered than another of its source."""
DRAWN_SCREENS, DRAWN_ON_REAL, FILMED_SCREENS, FILMED_CLIPS, WATCHED_SCREENS = 4000, 1500, 1500, 1000, 400
LEAST_SURROUNDINGS = 60


def usable(data_dir: Path) -> list[Example]:
    """Training photos less those held back for validation."""
    return [e for e in load_examples(data_dir, "train") if not held_back(e)]


def train_locator(data_dir: Path, checkpoint: Path, schedule: Schedule, start_from: Path | None) -> None:
    """Train on real photos and drawn ones."""
    examples = [e for e in usable(data_dir) if e.quad is not None]
    real = locator.load_photos(data_dir, examples)
    shares = _shares([e.source for e in examples]) * [1.0 if e.legible else ILLEGIBLE for e in examples]
    shares /= shares.sum()
    rng = np.random.default_rng([schedule.seed, 1])
    glasses = screen_real.grounds(data_dir, usable(data_dir))
    drawn = {
        renewed(rng, scenes.scene, 1000): 0.13,
        renewed(rng, scenes.gas_meter, 400): 0.05,
        renewed(rng, scenes.filmed, 500): 0.12,
        renewed(rng, scenes.over_counters(examples, real), 700): 0.15,
        renewed(rng, scenes.on_real_glass(glasses), 200): 0.03,
    }
    log.info("%d real photos, %d displays to draw on", len(real), len(glasses))
    makers, often = list(drawn), np.array(list(drawn.values()))

    def batch(rng: np.random.Generator, size: int) -> Batch:
        many = int(rng.binomial(size, often.sum()))
        picked = [makers[i](rng) for i in rng.choice(len(makers), many, p=often / often.sum())]
        picked += [real[i] for i in rng.choice(len(real), size - many, p=shares)]
        return locator.to_batch([locator.sample(rng, photo) for photo in picked])

    fit(LocatorNet(), batch, locator.loss, schedule, checkpoint, start_from)


MakeStrip = Callable[[np.random.Generator], Cutout]


def counter_strips(data_dir: Path, models_dir: Path, seed: int) -> list[tuple[float, MakeStrip]]:
    """Makers of real, spliced and rendered strips, each with its share.

    The networks in ``models_dir`` help: the counter finds the digits to splice between, the locator shows how
    displays will be cut.
    """
    examples = load_examples(data_dir)
    training = counter.load_cutouts(data_dir, usable(data_dir))
    by_kind: dict[tuple[str, str], list[Cutout]] = {}
    for cutout in training:
        by_kind.setdefault((cutout.source, cutout.kind), []).append(cutout)
    log.info("strips: %s", {s: len(v) for s, v in by_kind.items()})
    bank = load_digit_bank(data_dir)
    # The first counter of all has none before it to find the digits with, and trains without splicing.
    reader, finder = (
        load_model(role, models_dir) if (models_dir / role / CARD_NAME).is_file() else None
        for role in ("counter", "locator")
    )
    located = located_cutouts(finder, data_dir, usable(data_dir)) if finder else []
    log.info("%d more as the locator cuts them", len(located))
    groups: list[tuple[float, MakeStrip]] = []
    for (source, kind), cutouts in by_kind.items():
        of_source = sum(len(v) for (s, _), v in by_kind.items() if s == source)
        share = 0.52 * REAL_SHARES.get(source, 0.01) * len(cutouts) / of_source
        flats = flatten(reader, cutouts) if reader else []
        spliced_share = SPLICED if len(flats) >= FEWEST_TO_SPLICE else 0.0
        as_cut = [c for c in located if (c.source, c.kind) == (source, kind)]
        plain = share * (1 - spliced_share)
        if as_cut:
            groups.append((plain / 2, counter.any_of(as_cut)))
        groups.append((plain / 2 if as_cut else plain, counter.any_of(cutouts)))
        if spliced_share:
            groups.append((share * spliced_share, spliced(flats, source, kind)))
    fillings = [
        filling for source, share in REFILLED_SHARES.items()
        if (filling := refilled(by_kind.get((source, "lcd"), []))) is not None
        for _ in range(share)
    ]  # fmt: skip
    groups += [(0.10 / len(fillings), filling) for filling in fillings]
    for source, share in REPOINTED_SHARES.items():
        pointed = repointed(reader, by_kind.get((source, "lcd"), [])) if reader else None
        groups += [(share, pointed)] if pointed else []
    groups += [(0.07, _rendered("lcd")), (0.08, _rendered("drum")), (0.08, _rendered("drum", bank)), (0.05, _gas_drum)]
    rng = np.random.default_rng([seed, 4])
    glasses = screen_real.grounds(data_dir, usable(data_dir))
    groups += [
        (0.12, counter_screens.drawn_values(rng, screens.draw, DRAWN_SCREENS)),
        (0.01, counter_screens.drawn_values(rng, screens.draw_title, DRAWN_SCREENS // 10)),
        (0.05, counter_screens.drawn_values(rng, screens.draw_on(glasses), DRAWN_ON_REAL // 2)),
        (0.15, counter_screens.filmed_values(rng, FILMED_SCREENS)),
    ]
    groups.append((0.03, counter.any_of(_elsewhere(data_dir, examples))))
    return groups


def train_counter(
    data_dir: Path, models_dir: Path, checkpoint: Path, schedule: Schedule, start_from: Path | None
) -> None:
    """Train on ``counter_strips``, watching the strips held back."""
    _fit_to_strips(CounterNet(), data_dir, models_dir, checkpoint, schedule, start_from)


def train_textline(
    data_dir: Path, models_dir: Path, checkpoint: Path, schedule: Schedule, start_from: Path | None
) -> None:
    """As ``train_counter``; ``start_from`` may be the wheel that ``pretrained`` takes the first weights from."""
    net = TextlineNet()
    net.keep_first_blocks()
    if start_from is not None and start_from.suffix == ".whl":
        pretrained.fill(net, start_from)
        start_from = None

    def loss(net: nn.Module, strips: Batch) -> Tensor:
        with half_precision(cell_by_cell=True):
            return counter.loss(net, strips)

    _fit_to_strips(net, data_dir, models_dir, checkpoint, schedule, start_from, loss)


def _fit_to_strips(
    net: nn.Module, data_dir: Path, models_dir: Path, checkpoint: Path, schedule: Schedule, start_from: Path | None,
    loss: Callable[[nn.Module, Batch], Tensor] = counter.loss,
) -> None:  # fmt: skip
    watched = _watched_strips(data_dir)
    fit(
        net, counter.batches(counter_strips(data_dir, models_dir, schedule.seed)), loss, schedule,
        checkpoint, start_from, on_check=lambda net, step: log.info("%d %s", step, counter.accuracy(net, watched)),
    )  # fmt: skip


def average_counters(
    data_dir: Path, models_dir: Path, checkpoints: Sequence[tuple[float, Path]], checkpoint: Path, seed: int
) -> None:
    """One counter from several runs of which each started where another one had come to, with the share of each."""
    make = counter.batches(counter_strips(data_dir, models_dir, seed))
    rng = np.random.default_rng([seed, 6])
    net = average(CounterNet(), checkpoints, lambda net: counter.loss(net, make(rng, 64)), checkpoint)
    log.info("%s", counter.accuracy(net, _watched_strips(data_dir)))


def _watched_strips(data_dir: Path) -> list[Cutout]:
    return counter.load_cutouts(data_dir, [e for e in load_examples(data_dir) if e.split == "val" or held_back(e)])


MakePanel = Callable[[np.random.Generator], panels.Panel]


def screen_canvases(data_dir: Path) -> tuple[list[Image], list[Ground]]:
    """Training photos to stand behind drawn screens, and real displays that are off, to be drawn on."""
    cutouts = counter.load_cutouts(data_dir, usable(data_dir))
    surroundings = [c.image for c in cutouts if min(c.image.shape[:2]) > LEAST_SURROUNDINGS]
    off = screen_real.grounds(data_dir, usable(data_dir))
    log.info("%d real displays to draw on, %d surroundings", len(off), len(surroundings))
    return surroundings, off


def drawn_panels(
    rng: np.random.Generator, surroundings: list[Image], off: list[Ground], part: float = 1.0
) -> list[tuple[float, MakePanel]]:
    """Panels of drawn screens, each kind with its share; ``part``: of the stock that training draws."""
    on_real = screens.draw_on(off)

    def drawn(draw: screens.Drawing, many: int, before: list[Image]) -> MakePanel:
        return panels.any_drawn(renewed(rng, draw, max(1, round(part * many))), before)

    filmed = screens.filmed(rng, off, max(1, round(part * FILMED_CLIPS)))

    # Marks are small and few, and none of them was learned while each stood on a panel in thirty.
    return [
        (0.17, drawn(screens.draw, DRAWN_SCREENS, surroundings)),
        (0.08, drawn(screens.draw_title, DRAWN_SCREENS // 5, surroundings)),
        (0.13, drawn(screens.marked(screens.draw), DRAWN_SCREENS // 3, surroundings)),
        (0.10, drawn(on_real, DRAWN_ON_REAL, [])),
        (0.08, drawn(screens.marked(on_real), DRAWN_ON_REAL // 3, [])),
        (0.40, panels.any_drawn(filmed, [])),
    ]


def train_screen(data_dir: Path, checkpoint: Path, schedule: Schedule, start_from: Path | None) -> None:
    """Train on drawn screens and on the few real photos whose truth tells what stands beside the value."""
    rng = np.random.default_rng([schedule.seed, 3])
    telling, strips, bare = screen_real.real_panels(data_dir, usable(data_dir))
    log.info("%d real panels that tell, %d strips, %d bare", len(telling), len(strips), len(bare))
    canvases = screen_canvases(data_dir)
    fresh = drawn_panels(rng, *canvases, part=WATCHED_SCREENS / DRAWN_SCREENS)
    watched = screen.batches(fresh)(rng, WATCHED_SCREENS)
    groups = drawn_panels(rng, *canvases)
    groups += [(0.08, panels.any_real(telling)), (0.08, panels.any_real(strips)), (0.05, panels.any_real(bare))]
    fit(
        ScreenNet(), screen.batches(groups), screen.loss, schedule, checkpoint, start_from,
        on_check=lambda net, step: log.info("%d %s", step, screen.accuracy(net, watched)),
    )  # fmt: skip


def train_dial(data_dir: Path, checkpoint: Path, schedule: Schedule, start_from: Path | None) -> None:
    """Train on needle crops less a held-back fifth, which is watched, on pointers of real photos and drawn dials."""
    groups, held = dial.train_groups(data_dir, schedule.seed)
    fit(
        DialNet(), dial.batches(groups), dial.loss, schedule, checkpoint, start_from,
        on_check=lambda net, step: log.info("%d %s", step, dial.accuracy(net, held)),
    )  # fmt: skip


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
    groups = [(0.42, wheel.of_crops(learnt)), (0.28, wheel.drawn)]
    turned = [maker for part in of_sources if (maker := wheel.of_counters(flatten(reader, part))) is not None]
    groups += [(0.3 / len(turned), maker) for maker in turned]
    log.info("%d crops, %d held back, counters of %d sources", len(learnt), len(held), len(turned))
    fit(
        WheelNet(), wheel.batches(groups), wheel.loss, schedule, checkpoint, start_from,
        on_check=lambda net, step: log.info("%d %s", step, wheel.accuracy(net, held)),
    )  # fmt: skip


def _gas_drum(rng: np.random.Generator) -> Cutout:
    return _as_cutout(rng, render_drum(rng, DrumStyle.sample_gas(rng)))


def _rendered(kind: str, bank: DigitBank | None = None) -> Callable[[np.random.Generator], Cutout]:
    def make(rng: np.random.Generator) -> Cutout:
        return _as_cutout(rng, render_strip(rng, "lcd" if kind == "lcd" else "drum", bank, 1.0))

    return make


def _as_cutout(rng: np.random.Generator, strip: Strip) -> Cutout:
    image = degrade(rng, strip.image) if rng.random() < 0.5 else strip.image
    return Cutout(image, np.asarray(strip.quad, np.float32), (strip.text,), "rendered", strip.kind)


def _elsewhere(data_dir: Path, examples: list[Example]) -> list[Cutout]:
    """Strips of what is no display: the same photos, well away from it. They say nothing."""
    rng = np.random.default_rng(5)
    with_quad = [e for e in examples if e.split == "train" and not held_back(e) and e.quad is not None]
    cutouts = []
    for i in rng.choice(len(with_quad), 250, replace=False):
        image, quad = read_photo(data_dir, with_quad[i].file), with_quad[i].quad
        assert quad is not None
        length = float(np.linalg.norm(quad[1] - quad[0]))
        shift = np.array([rng.uniform(-0.6, 0.6), rng.choice([-1, 1]) * rng.uniform(0.35, 1.2)]) * length
        moved = (quad + shift).astype(np.float32)
        if (moved.min(0) > 0).all() and (moved.max(0) < np.array(image.shape[1::-1])).all():
            cutouts.append(counter.cut_out(image, moved, ("",), "elsewhere", with_quad[i].kind))
    return cutouts


def _shares(sources: list[str]) -> np.ndarray:
    counts = {s: sources.count(s) for s in set(sources)}
    shares = np.array([REAL_SHARES.get(s, 0.02) / counts[s] for s in sources])
    return shares / shares.sum()
