"""``meter train``: the counter trained on with a user's photos, judged on those held back, placed if it is no worse.

Everything lies in the output folder. Below ``work`` are the checkpoint, which a killed run goes on from, the photos
that could not be used, and the new models until they are judged; only models that passed get to the folder itself.
"""

import csv
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from recognizer.domain.observation import DisplayKind, Observation
from recognizer.errors import InputError, ModelError, UsageError
from recognizer.reader import MeterReader, policy_of
from recognizer.synth import degrade, render_strip
from recognizer.train import counter
from recognizer.train.counter import Cutout
from recognizer.train.fit import Schedule, fit
from recognizer.train.flat import flatten
from recognizer.train.nets import CounterNet
from recognizer.train.own_cuts import SOURCE, LeftOut, own_cutouts
from recognizer.train.own_guard import Comparison, objection, observe, samples, score, score_strips
from recognizer.train.own_models import Made, export_counter, own_card, place, recalibrated
from recognizer.train.own_table import OwnPhoto, hold_back, read_own
from recognizer.train.recipes import FEWEST_TO_SPLICE, SPLICED
from recognizer.train.refill import refilled
from recognizer.train.splice import spliced
from recognizer.vision.card import write_card
from recognizer.vision.models import MODEL_NAME, Model, default_models_dir, load_model

log = logging.getLogger(__name__)
Tell = Callable[[str], None]

CHECKPOINT = "counter.pt"
BATCH = 32
RATE = 3e-4
"""A seventh of the rate that a counter is first trained with: what it knows is to be kept."""
EVERY = 200
"""Steps between two checkpoints."""
OWN, REFILLED = 0.6, 0.1
"""Share of the strips that are the user's or made of them, and of LCDs of theirs filled anew; the rest is drawn."""
FEWEST_TRAINED = 16
"""Displays to train on. With fewer, nearly every batch shows all of them, and they are learnt by heart."""
FEWEST_HELD_BACK = 14
"""Readable photos to judge by: a counter that spoils every fifth spoils none of 14 once in 23 times (0.8^14)."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a run. ``refused`` says why the counter was not placed; None when it was."""

    photos: int
    cutouts: int
    left_out: tuple[LeftOut, ...]
    held: Comparison
    rendered: Comparison
    refused: str | None


def train_own(
    photos: Path,
    table: Path,
    out: Path,
    *,
    models_dir: Path | None = None,
    steps: int = 600,
    share: float = 0.2,
    seed: int = 0,
    licence: str | None = None,
    threads: int = 1,
    tell: Tell = log.info,
) -> Trained:
    """Train the counter of ``models_dir`` (default: the shipped one) on, and write ``out`` if it came out no worse.

    Raises InputError for a table that is wrong or too short, UsageError where ``out`` is another run's.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(0)
    base = models_dir or default_models_dir()
    if out.resolve() == base.resolve():
        raise UsageError(f"{out}: holds the models that training starts from; give another folder")
    everything = read_own(photos, table)
    training, held = hold_back(everything, share, seed)
    _enough(sum(p.legible for p in held), FEWEST_HELD_BACK, "held back to judge by, and readable,", share)
    reader, old = MeterReader(base), load_model("counter", base)
    work = out / "work"
    _claim(work, [old.card.sha256, steps, share, seed, [(astuple(p), p.path.stat().st_size) for p in everything]])

    tell(f"looking for the displays of {len(everything)} photos")
    cutouts, left_out = own_cutouts(load_model("locator", base), old, training)
    judged, unopened = _opened(reader, held)
    left_out += unopened
    _write_left_out(work / "left_out.csv", left_out)
    where = f"(left out: {len(left_out)}, see {work / 'left_out.csv'})"
    _enough(len(cutouts), FEWEST_TRAINED, f"to train on, their display found, {where}", share)
    _enough(sum(p.legible for p, _ in judged), FEWEST_HELD_BACK, f"held back to judge by {where}", share)
    tell(f"{len(cutouts)} displays to train on, {len(judged)} photos held back, {len(left_out)} left out")

    net = _fitted(old, base, cutouts, Schedule(
        steps, BATCH, RATE, warmup=steps // 10, average=1 - 5 / max(steps, 10), seed=seed
    ), work / CHECKPOINT, tell)  # fmt: skip
    models = work / "models"
    digest = export_counter(net, base, models)
    made = Made(
        digest, len(training), len(cutouts), hashlib.sha256(table.read_bytes()).hexdigest(), licence,
        f"meter train, from counter {old.digest}: {steps} steps at {RATE}, {share:g} held back, seed {seed}",
    )  # fmt: skip
    held_pair, rendered = judge(reader, old, models, made, judged, work / "samples")
    refused = objection(held_pair, rendered)
    if refused is None:
        place(models, out)
    return Trained(len(everything), len(cutouts), tuple(left_out), held_pair, rendered, refused)


def judge(
    reader: MeterReader,
    old: Model,
    models: Path,
    made: Made,
    judged: Sequence[tuple[OwnPhoto, Observation]],
    sample_folder: Path,
) -> tuple[Comparison, Comparison]:
    """Complete the card of the counter in ``models`` and compare: held-back photos, then rendered pictures.

    ``judged`` are the held-back photos as ``reader``, with the counter ``old``, sees them.
    """
    folder = models / "counter"
    before = [(photo.truth, observation) for photo, observation in judged]
    new = MeterReader(models)
    after = observe(new, [(photo.path, photo.truth) for photo, _ in judged])
    old_scores, new_scores = score(before, reader.policy), score(after, new.policy)
    calibration = recalibrated(old.card.settings.get("calibration"), old_scores, new_scores)
    rendered = samples(sample_folder)
    seen = observe(reader, rendered), observe(new, rendered)
    unsettled = own_card(old.card, made, calibration, Comparison((), ()), Comparison((), ()))
    write_card(folder, unsettled)
    counter_now = load_model("counter", models)
    policy = policy_of(counter_now)
    held = Comparison(old_scores, score(after, policy))
    rest = Comparison(score(seen[0], reader.policy), score(seen[1], policy))
    rest += Comparison(score_strips(old), score_strips(counter_now))
    write_card(folder, own_card(old.card, made, calibration, held, rest))
    return held, rest


def _fitted(
    old: Model, base: Path, cutouts: Sequence[Cutout], schedule: Schedule, checkpoint: Path, tell: Tell
) -> torch.nn.Module:
    """The counter trained on. Raises ModelError where ``base`` holds a counter of another shape."""
    try:
        return fit(
            CounterNet(), counter.batches(_groups(old, cutouts)), counter.loss, schedule, checkpoint,
            base / "counter" / MODEL_NAME, EVERY, lambda _, step: tell(f"step {step} of {schedule.steps}"),
        )  # fmt: skip
    except ValueError as error:
        raise ModelError(f"{base}: its counter cannot be trained on ({error}); use that of this version") from error


def _groups(old: Model, cutouts: Sequence[Cutout]) -> list[tuple[float, Callable[[np.random.Generator], Cutout]]]:
    """The user's displays, new numbers spliced from them, and rendered strips, lest all other meters be forgotten."""
    groups = []
    for kind in sorted({c.kind for c in cutouts}):
        of_kind = [c for c in cutouts if c.kind == kind]
        share = OWN * len(of_kind) / len(cutouts)
        flats = flatten(old, of_kind)
        spliced_share = SPLICED if len(flats) >= FEWEST_TO_SPLICE else 0.0
        groups.append((share * (1 - spliced_share), counter.any_of(of_kind)))
        if spliced_share:
            groups.append((share * spliced_share, spliced(flats, SOURCE, kind)))
    if (filling := refilled(cutouts)) is not None:
        groups.append((REFILLED, filling))
    rest = (1 - sum(share for share, _ in groups)) / 2
    return [*groups, (rest, _rendered("lcd")), (rest, _rendered("drum"))]


def _rendered(kind: DisplayKind) -> Callable[[np.random.Generator], Cutout]:
    def make(rng: np.random.Generator) -> Cutout:
        strip = render_strip(rng, "lcd" if kind == "lcd" else "drum")
        image = degrade(rng, strip.image) if rng.random() < 0.5 else strip.image
        return Cutout(image, np.asarray(strip.quad, np.float32), (strip.text,), "rendered", kind)

    return make


def _opened(reader: MeterReader, held: Sequence[OwnPhoto]) -> tuple[list[tuple[OwnPhoto, Observation]], list[LeftOut]]:
    """The held-back photos as the reader sees them, and those that cannot be opened."""
    seen, left_out = [], []
    for photo in held:
        try:
            seen += [(photo, observation) for _, observation in observe(reader, [(photo.path, photo.truth)])]
        except InputError as error:
            left_out.append(LeftOut(photo.file, str(error)))
    return seen, left_out


def _enough(there: int, fewest: int, what: str, share: float) -> None:
    if there < fewest:
        raise InputError(
            f"too few photos {what}: {there}, and it takes {fewest}, so {fewest - there} are missing. Add photos, or "
            f"hold back another share of them (now {share:g})"
        )


def _claim(work: Path, run: object) -> None:
    """Make the folder of a run's unfinished parts. Raises UsageError when another run has begun to train there."""
    digest = hashlib.sha256(repr(run).encode()).hexdigest()
    stamp = work / "run.txt"
    try:
        work.mkdir(parents=True, exist_ok=True)
        if (work / CHECKPOINT).is_file() and stamp.read_text().strip() != digest:
            raise UsageError(
                f"{work}: is of a run with other photos, readings, models or options; give another --out, or remove it"
            )
        stamp.write_text(f"{digest}\n")
    except OSError as error:
        raise UsageError(f"{work}: cannot be written ({error.strerror})") from error


def _write_left_out(path: Path, left_out: Sequence[LeftOut]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("file", "reason"), *(astuple(one) for one in left_out)])
