"""Pointer dials: needles, pointers found, last wheels settled, rows of dials, and what it costs where there are none.

Which pointers a person can see on the bdci-water test photos stands in ``dials_truth.csv``: ``seen`` 1 must be found;
0 is where one is covered, cut off or hardly to be seen, and may be found or not. Anything elsewhere is invented.
"""

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.accuracy import commit, processor, table
from recognizer.domain.conclude import conclude
from recognizer.domain.look import last_wheel
from recognizer.domain.observation import Display, Observation
from recognizer.evaluate import Truth, read_truths, wilson
from recognizer.reader import MeterReader
from recognizer.synth.dials import dial_row
from recognizer.vision.dial import DialFinder, turns_of
from recognizer.vision.dial_cut import cut_dial
from recognizer.vision.frame import load_frame
from recognizer.vision.models import load_model

TRUTH_CSV = Path(__file__).with_name("dials_truth.csv")
SOURCE = "bdci-water"
NO_DIALS = ("cesc-electricity", "dss188-electricity", "thai-electricity", "vn-lcd")
LIMIT = """What the truths of half-rolled last wheels say, in all photos of the source, by where the first pointer is:
at 8 to 10 the wheel has not passed and at 0 to 2 it has, so a truth that follows the meter is the digit below in the
first case and the digit above in the second. No rule can agree with truths that do not."""
POINTS = ((5.0, 8.0), (8.0, 9.0), (9.0, 10.0), (0.0, 1.0), (1.0, 2.0), (2.0, 5.0))
ROWS = 100
MOST_TIMED = 40
COLUMNS = ("figure", "n", "", "share", "95 % interval", "wanted", "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pointer is in a photo, or may be."""

    x: float
    y: float
    radius: float
    seen: bool


def run(data: Path, seed: int = 0) -> tuple[str, bool]:
    """The report, and whether everything that must be reached is. UsageError without the folder's crops or photos."""
    reader = MeterReader()
    truths, observed = _observed(data, "test", reader)
    rows = [*_needles(data), _found(truths, observed)]
    without, with_ = settled(truths, observed, reader)
    rows.append(_share("half-rolled last wheels as the truth says, without pointers", *without, None))
    rows.append(_share("the same, with pointers", *with_, None if without[1] == 0 else (without[0] + 1) / without[1]))
    rows.append(_rows(reader, seed))
    rows.append(_cost(data, reader))
    met = all(row[-1] != "no" for row in rows)
    header = f"Written by `python -m benchmarks dials`; do not edit. {processor()}, commit {commit()}."
    others = [_observed(data, split, reader) for split in ("train", "val")]
    pairs = [pair for t, o in ((truths, observed), *others) for pair in zip(t, o, strict=True)]
    limit = table(("first pointer", "truth is the digit below", "the digit above"), rounding(pairs, reader))
    return "\n\n".join(("# Pointer dials", header, str(__doc__), table(COLUMNS, rows), LIMIT, limit)) + "\n", met


def _observed(data: Path, split: str, reader: MeterReader) -> tuple[list[Truth], list[Observation]]:
    truths = read_truths(data / "photos.csv", split, [SOURCE])
    return truths, [reader.observe(load_frame(data / truth.file)) for truth in truths]


def _share(name: str, right: int, n: int, wanted: float | None) -> tuple[str, ...]:
    low, high = wilson(right, n)
    met = "" if wanted is None else "yes" if n and right / n >= wanted - 1e-9 else "no"
    share = f"{right / n:.1%}" if n else "-"
    goal = "" if wanted is None else f"{wanted:.1%}"
    return (name, str(n), str(right), share, f"{low:.1%} to {high:.1%}", goal, met)


def _needles(data: Path) -> list[tuple[str, ...]]:
    from recognizer.train.dial import load_needles  # needs the extra [train], for the split alone

    held = load_needles(data)[1]
    model = load_model("dial")
    cuts = np.stack([cut_dial(n.image, n.x, n.y, n.radius) for n in held])
    best = turns_of(model, cuts).argmax(1) / 10
    off = np.abs((best - np.array([n.turn for n in held]) + 5) % 10 - 5)
    name = "needle crops, a held-back fifth: within {} of a number's distance"
    return [
        _share(name.format("0.1"), int((off < 0.101).sum()), len(held), 0.975),
        _share(name.format("0.2"), int((off < 0.201).sum()), len(held), 0.995),
    ]


def places() -> dict[str, list[Place]]:
    """The pointers of every test photo."""
    found: dict[str, list[Place]] = {}
    with TRUTH_CSV.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            place = Place(float(row["x"]), float(row["y"]), float(row["radius"]), row["seen"] == "1")
            found.setdefault(row["file"], []).append(place)
    return found


def all_found(known: Sequence[Place], observation: Observation) -> bool:
    """Whether every pointer that can be seen was found, and nothing where none can be."""
    centres = [np.mean(d.quad, axis=0) for d in observation.displays if d.kind == "dial"]

    def near(place: Place, centre: np.ndarray, radii: float) -> bool:
        return float(np.hypot(centre[0] - place.x, centre[1] - place.y)) < radii * place.radius

    missed = any(p.seen and not any(near(p, c, 0.9) for c in centres) for p in known)
    return not missed and all(any(near(p, c, 1.2) for p in known) for c in centres)


def _found(truths: Sequence[Truth], observed: Sequence[Observation]) -> tuple[str, ...]:
    known = places()
    right = sum(all_found(known[truth.file], o) for truth, o in zip(truths, observed, strict=True))
    return _share("bdci-water test photos: all pointers found, none invented", right, len(truths), 0.9)


def settled(
    truths: Sequence[Truth], observed: Sequence[Observation], reader: MeterReader
) -> tuple[tuple[int, int], tuple[int, int]]:
    """(right, n) of the last wheel without and with pointers, where the counter's odds call it half-turned.

    Half-turned: two digits in a row both have at least ``RollRule.noticeable``. Best guesses of refused photos count.
    """
    right, n = [0, 0], 0
    for truth, observation in zip(truths, observed, strict=True):
        if half_turned(observation, reader) is None:
            continue
        n += 1
        alone = replace(observation, displays=tuple(d for d in observation.displays if d.kind != "dial"))
        for i, seen in enumerate((alone, observation)):
            readings = conclude(seen, source="", policy=reader.policy).readings
            text = readings[0].candidates[0].text if readings and readings[0].candidates else ""
            right[i] += text[-1:] == truth.text[-1:]
    return (right[0], n), (right[1], n)


def half_turned(observation: Observation, reader: MeterReader) -> tuple[str, str] | None:
    """The digit that leaves and the one that comes on a last wheel between both; None where it is not."""
    drum = next((d for d in observation.displays if d.kind == "drum"), None)
    wheel = last_wheel(drum.glyphs) if drum else None
    odds = dict(wheel.odds) if wheel else {}
    least = reader.policy.roll.noticeable
    for digit, chance in odds.items():
        after = str((int(digit) + 1) % 10) if digit != "." else ""
        if chance >= least and odds.get(after, 0) >= least:
            return digit, after
    return None


def rounding(pairs: Sequence[tuple[Truth, Observation]], reader: MeterReader) -> list[tuple[str, ...]]:
    """How often the truth of a half-turned last wheel is its lower and its upper digit, by the first pointer."""
    counts = {span: [0, 0] for span in POINTS}
    for truth, observation in pairs:
        between = half_turned(observation, reader)
        first = next((d.dial for d in observation.displays if d.dial and d.dial.factor == "0.1"), None)
        if between is None or first is None or not first.turns or truth.text[-1:] not in between:
            continue
        turn = first.turns[0][0]
        span = next(s for s in POINTS if s[0] <= turn < s[1])
        counts[span][between.index(truth.text[-1:])] += 1
    return [(f"{low:g} to {high:g}", str(down), str(up)) for (low, high), (down, up) in counts.items()]


def _rows(reader: MeterReader, seed: int) -> tuple[str, ...]:
    rng, right = np.random.default_rng([seed, 8]), 0
    for i in range(ROWS):
        value = int(rng.integers(10**5))
        face = dial_row(rng, value, 5, last_clockwise=i % 2 == 0, part=float(rng.uniform(0.05, 0.95)))
        readings = reader.read(face.image).readings
        guess = readings[0].candidates[0].text if readings and readings[0].candidates else ""
        right += guess == f"{value:05d}"
    return _share("rendered five-dial meters of both conventions: whole value", right, ROWS, 0.97)


def _cost(data: Path, reader: MeterReader) -> tuple[str, ...]:
    """Processor time of looking for dials over that of all the rest, on photos without any."""
    files = [t.file for t in read_truths(data / "photos.csv", "test", list(NO_DIALS))][:: len(NO_DIALS)][:MOST_TIMED]
    find, extra, whole, invented = DialFinder.find, 0.0, 0.0, 0

    def timed(*args: Any, **options: Any) -> tuple[Display, ...]:
        nonlocal extra
        start = time.process_time()
        found = find(*args, **options)
        extra += time.process_time() - start
        return found

    with patch.object(DialFinder, "find", timed):
        for file in files:
            frame = load_frame(data / file)
            start = time.process_time()
            seen = reader.observe(frame)
            whole += time.process_time() - start
            invented += any(d.kind == "dial" for d in seen.displays)
    share = extra / max(whole - extra, 1e-9)
    name = f"time added on photos without dials ({invented} of them with a dial invented)"
    return (name, str(len(files)), "", f"{share:.1%}", "", "at most 5 %", "yes" if share <= 0.05 else "no")
