"""Find the corners that the data does not give: locate, read, keep what reads as the known truth.

One round of the bootstrap: the present locator proposes displays, the present counter scores every proposal by
the probability of the texts the photo may show, small moves of the corners better that score, and what stays
improbable is left out. The result is ``corners.csv``; the next round trains on it.
"""

import csv
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from recognizer.errors import UsageError
from recognizer.train.counter import encode
from recognizer.train.data import Corners, Example, load_examples
from recognizer.vision.counter import log_probs_of
from recognizer.vision.ctc import text_scores
from recognizer.vision.frame import Frame, load_frame
from recognizer.vision.locate import locate
from recognizer.vision.models import Model, load_model
from recognizer.vision.rectify import rectify

log = logging.getLogger(__name__)
SOURCES = ("toloka-water", "dss188-electricity", "pafal-sequence", "lcd-strips", "fuel-pump-lcd")
SURE, PLAUSIBLE = -1.5, -14.0
"""Log-probability of the best text: from SURE on the text is kept as read. Where the data gives a box, or the picture
is the display, a plausible one is the right one: from PLAUSIBLE on its corners are kept, and the texts stay open."""
MOST_MOVES = 7
"""Large moves, of a tenth of the height: a display that was cut short may miss a digit."""
WHOLE = "lcd-strips"
"""Of this source each picture is a strip."""
FIELDS = ("file", "quad", "text", "how")


def find_corners(data_dir: Path, models_dir: Path, known: Path, out: Path, sources: Iterable[str] = SOURCES) -> int:
    """Write ``out``: rows of ``known`` set by eye, and a row for every training photo found; returns their number."""
    unknown = set(sources) - set(SOURCES)
    if unknown:
        raise UsageError(f"no rule for {', '.join(sorted(unknown))}; sources are {', '.join(SOURCES)}")
    locator, counter = load_model("locator", models_dir), load_model("counter", models_dir)
    rows = _rows_kept(known, set(sources))
    # Without the corners of earlier rounds: their texts are choices that a better counter may make otherwise.
    for example in load_examples(data_dir, "train", corners_csv=None):
        if example.source in sources and example.texts:
            frame = load_frame(data_dir / example.file)
            if (found := _best(locator, counter, frame, example)) is not None:
                quad, text, score = found
                log.info("%s %s %.1f", example.file, text, score)
                rows.append(_row(example.file, quad, text if score >= SURE else "", "bootstrap"))
    with out.open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda r: r["file"]))
    return len(rows)


def _rows_kept(known: Path, redone: set[str]) -> list[dict[str, str]]:
    """Rows set by eye, and those of sources that this round does not redo."""
    if not known.is_file():
        return []
    with known.open(newline="", encoding="utf-8") as f:
        return [r for r in csv.DictReader(f) if r["how"] == "eye" or r["file"].split("/")[1] not in redone]


def _row(file: str, quad: Corners, text: str, how: str) -> dict[str, str]:
    return {"file": file, "quad": " ".join(f"{v:.1f}" for v in quad.ravel()), "text": text, "how": how}


def _best(locator: Model, counter: Model, frame: Frame, example: Example) -> tuple[Corners, str, float] | None:
    codes = [tuple(encode(t)) for t in example.texts]
    tried = []
    for quad in _proposals(locator, frame, example):
        score, text = _score(counter, frame, quad, codes)
        tried.append((score, quad, text))
    if not tried:
        return None
    score, quad, text = max(tried, key=lambda t: t[0])
    for step, times in ((0.10, MOST_MOVES), (0.04, 3)):
        for _ in range(times):
            moved = [(*_score(counter, frame, q, codes), q) for q in _moves(quad, step)]
            best = max(moved, key=lambda m: m[0])
            if best[0] <= score + 0.02:
                break
            score, text, quad = best
    known = example.box is not None or example.source == WHOLE
    return (quad, example.texts[text], score) if score >= (PLAUSIBLE if known else SURE) else None


def _proposals(locator: Model, frame: Frame, example: Example) -> Iterator[Corners]:
    if example.source == WHOLE:
        w, h = frame.width, frame.height
        for edge in (0.0, 0.1):
            yield np.array([[2, h * edge], [w - 3, h * edge], [w - 3, h * (1 - edge)], [2, h * (1 - edge)]], np.float32)
        return
    for found in locate(locator, frame):
        centre = found.quad.mean(0)
        if example.box is None or (
            example.box[0] < centre[0] < example.box[2] and example.box[1] < centre[1] < example.box[3]
        ):
            yield found.quad
            yield np.roll(found.quad, 2, axis=0)


def _score(counter: Model, frame: Frame, quad: Corners, codes: list[tuple[int, ...]]) -> tuple[float, int]:
    scores = text_scores(log_probs_of(counter, rectify(frame.pixels, quad)), codes)
    return float(scores.max()), int(scores.argmax())


def _moves(quad: Corners, step: float) -> Iterator[Corners]:
    """Each side of the quad moved in and out by ``step`` of the height, and a small turn either way."""
    height = (quad[3] - quad[0] + quad[2] - quad[1]) / 2
    along = quad[1] - quad[0]
    unit = along / max(1e-3, float(np.linalg.norm(along))) * float(np.linalg.norm(height))
    for ends, direction in (((0, 3), unit), ((1, 2), unit), ((0, 1), height), ((2, 3), height)):
        for sign in (-1, 1):
            moved = quad.copy()
            moved[list(ends)] += sign * step * direction
            yield moved
    for sign in (-1, 1):
        moved = quad.copy()
        moved[[0, 3]] += sign * step / 2 * height
        moved[[1, 2]] -= sign * step / 2 * height
        yield moved
