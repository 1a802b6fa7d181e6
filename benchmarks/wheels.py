"""Crops of meters that the wheel reader was not trained on, how people round a last wheel, and what that changes.

Crops are told to tenths of a turn, so what was read is rounded to tenths as well. Their figures were watched while it
learned, and it was trained on once because they fell short.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.accuracy import Case, commit, is_right, processor, table
from recognizer.domain.conclude import conclude
from recognizer.domain.observation import Observation
from recognizer.domain.turns import TurnRules, last_turn
from recognizer.evaluate import Answer, Truth, read_truths, wilson
from recognizer.reader import MeterReader
from recognizer.vision.frame import load_frame
from recognizer.vision.locate import normalise
from recognizer.vision.models import load_model
from recognizer.vision.wheel import framed, odds_of, turn_of

ROUNDED = "bdci-water"
"""Its truths are five digits, the last one's wheel turns with the flow."""
AT_REST, WITHIN = 0.99, 0.97
ROUNDING = """How the truth of {n} training and validation photos of {source} was written down, by how far the last
wheel had turned from its lower digit to the upper one. The wheel reader was told of none of them. The curve that fits
best has a steepness of {steep:.1f}; `domain.turns` has {used:.1f}."""
CHANGED = """Drums of the test split with the turns of their wheels and without: what is read, what is accepted, and
what of that is wrong, by the main figure of its source."""
COLUMNS = ("figure", "n", "", "share", "95 % interval", "wanted", "")


def run(data: Path) -> tuple[str, bool]:
    """The report, and whether everything that must be reached is. InputError without the folder's crops or photos."""
    rows = _crops(data)
    reader = MeterReader()
    pairs = [
        (truth, reader.observe(load_frame(data / truth.file), dials=False, codes=False))
        for split in ("train", "val")
        for truth in read_truths(data / "photos.csv", split, [ROUNDED])
    ]
    written = [w for truth, seen in pairs if (w := rounded(truth, seen)) is not None]
    text = ROUNDING.format(n=len(written), source=ROUNDED, steep=steepness(written), used=TurnRules().steep)
    header = f"Written by `python -m benchmarks wheels`; do not edit. {processor()}, commit {commit()}."
    parts = [
        "# Single wheels", header, str(__doc__), table(COLUMNS, rows), text,
        table(("turned", "the lower digit is written", "the upper one"), _curve(written)), CHANGED,
        table(("", "read right, best guesses included", "accepted", "wrong among them"), _changed(data, reader)),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n", all(row[-1] != "no" for row in rows)


def rounded(truth: Truth, seen: Observation) -> tuple[float, bool] | None:
    """How far the last wheel has turned past its lower digit, and whether the upper one was written; None: neither."""
    drum = next((d for d in seen.displays if d.kind == "drum"), None)
    turn = last_turn(drum.glyphs, TurnRules()) if drum is not None else None
    if turn is None or not truth.text[-1:].isdigit():
        return None
    lower, last = int(turn), int(truth.text[-1])
    return (turn - lower, last != lower) if last in (lower, (lower + 1) % 10) else None


def steepness(written: Sequence[tuple[float, bool]]) -> float:
    """Of the logistic curve through the middle under which what was written is likeliest."""
    past = np.array([turned - 0.5 for turned, _ in written])
    up = np.array([upper for _, upper in written])
    steeps = np.arange(2.0, 40.0, 0.1)
    agreed = np.where(up, past, -past)
    return float(steeps[np.argmin([np.logaddexp(0, -steep * agreed).sum() for steep in steeps])])


def _crops(data: Path) -> list[tuple[str, ...]]:
    from recognizer.train.wheel import crop_held_back, load_crops  # needs the extra [train], for the split alone

    held = [crop for crop in load_crops(data) if crop_held_back(crop.meter)]
    model = load_model("wheel")
    cuts = np.concatenate([normalise(framed(crop.image)) for crop in held])
    turns = np.array([turn_of(row)[0] for row in odds_of(model, cuts)])
    truth = np.array([crop.turn for crop in held])
    off = np.abs((np.round(turns, 1) - truth + 5) % 10 - 5)
    still = np.abs(truth - np.round(truth)) < 0.05
    meters = np.array([crop.meter for crop in held])
    rows = [
        _share("crops at rest: the digit", off[still] < 0.5, AT_REST),
        _share("all crops: within 0.1 of a digit's distance", off < 0.101, WITHIN),
        _share("the same, half-turned by 0.3 to 0.7", (off < 0.101)[np.abs(truth % 1 - 0.5) < 0.21], None),
    ]
    return rows + [_share(f"within 0.1: {m}", off[meters == m] < 0.101, None) for m in sorted(set(meters))]


def _share(name: str, right: np.ndarray, wanted: float | None) -> tuple[str, ...]:
    hits, n = int(right.sum()), len(right)
    low, high = wilson(hits, n)
    met = "" if wanted is None else "yes" if n and hits / n >= wanted else "no"
    goal = "" if wanted is None else f"{wanted:.0%}"
    return (name, str(n), str(hits), f"{hits / n:.1%}" if n else "-", f"{low:.1%} to {high:.1%}", goal, met)


def _curve(written: Sequence[tuple[float, bool]]) -> list[tuple[str, ...]]:
    counts = np.zeros((10, 2), int)
    for turned, upper in written:
        counts[min(9, int(10 * turned)), int(upper)] += 1
    return [(f"{i / 10:.1f} to {(i + 1) / 10:.1f}", str(down), str(up)) for i, (down, up) in enumerate(counts)]


def _changed(data: Path, reader: MeterReader) -> list[tuple[str, ...]]:
    kept: dict[str, list[Case]] = {"without": [], "with": []}
    for truth in read_truths(data / "photos.csv", "test"):
        if truth.kind != "drum" or truth.demand != "reading":
            continue
        seen = reader.observe(load_frame(data / truth.file))
        for name, observation in (("with", seen), ("without", still(seen))):
            report = conclude(observation, source=truth.file, policy=reader.policy)
            kept[name].append((truth, Answer.of(report)))
    rows: list[tuple[str, ...]] = []
    for name, cases in kept.items():
        accepted = [case for case in cases if case[1].status == "accepted"]
        wrong = sum(not is_right(case) for case in accepted)
        share = f" ({wrong / len(accepted):.1%})" if accepted else ""
        right = sum(is_right(case, guess=True) for case in cases)
        rows.append((f"{name} turns", str(right), f"{len(accepted)} of {len(cases)}", f"{wrong}{share}"))
    return rows


def still(observation: Observation) -> Observation:
    """The observation as if no wheel's turn had been seen."""
    displays = (replace(d, glyphs=tuple(replace(g, turn=None) for g in d.glyphs)) for d in observation.displays)
    return replace(observation, displays=tuple(displays))
