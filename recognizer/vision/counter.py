"""Read an upright strip: odds over characters at every position, and where each position lies.

The network gives a CTC column every few pixels (Graves 2006). Odds of a position are exact conditionals:
the probability of the best text with this position changed, over all such changes, all else fixed.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import CHARACTERS, Glyph
from recognizer.errors import ModelError
from recognizer.vision.ctc import Array, Changes, Codes, best_path, changes, log_softmax, spans_of
from recognizer.vision.locate import normalise
from recognizer.vision.models import Model, load_model
from recognizer.vision.rectify import STRIP_HEIGHT, STRIP_WIDTH, evened

LEAST = 1e-4
"""Odds below this are left out of an observation."""
LEAST_INSERTION = 0.02
MOST_POSITIONS, MOST_CLIMBS = 16, 3


def load_counter(models_dir: Path | None = None) -> Model:
    """As ``load_model``; ModelError also for a counter of strips of another size than ``rectify`` cuts."""
    model = load_model("counter", models_dir)
    size = tuple(model.card.input.get(side) for side in ("height", "width"))
    if size != (STRIP_HEIGHT, STRIP_WIDTH):
        raise ModelError(
            f"the counter {model.digest} reads strips of {size[0]} x {size[1]} pixels and this version cuts "
            f"{STRIP_HEIGHT} x {STRIP_WIDTH}: train it anew with `meter train`, or leave the shipped one in its place"
        )
    return model


def read_strip(model: Model, strip: NDArray[np.uint8]) -> tuple[Glyph, ...]:
    """Glyphs of one display from its rectified strip, left to right."""
    return glyphs_of(log_probs_of(model, strip))


def log_probs_of(model: Model, strip: NDArray[np.uint8]) -> Array:
    """(columns, 12) log-probabilities of a strip, class 0 the blank."""
    return log_softmax(np.asarray(model.run(normalise(evened(strip)))[0][0], np.float64))


def glyphs_of(log_probs: Array) -> tuple[Glyph, ...]:
    """Positions and their odds from a (columns, 12) table of log-probabilities, class 0 the blank."""
    best = best_path(log_probs)[:MOST_POSITIONS]
    changed = changes(log_probs, best)
    for _ in range(MOST_CLIMBS):  # the best path is not always the best text: climb while one change betters it
        top = _bettered(best, changed)[:MOST_POSITIONS] if best else best
        if top == best:
            break
        best, changed = top, changes(log_probs, top)
    if not best:
        return ()
    spans = spans_of(log_probs, best)
    glyphs: list[Glyph] = []
    for i in range(len(best) + 1):
        if (inserted := _inserted(changed, best, i, spans)) is not None:
            glyphs.append(inserted)
        if i < len(best):
            glyphs.append(Glyph(_odds(changed.replaced[i], changed.dropped[i]), *spans[i]))
    return tuple(glyphs)


def _bettered(text: Codes, changed: Changes) -> Codes:
    """The likeliest of a text and those that are one change away."""
    i, c = np.unravel_index(int(changed.replaced.argmax()), changed.replaced.shape)
    j, d = np.unravel_index(int(changed.added.argmax()), changed.added.shape)
    k = int(changed.dropped.argmax())
    options = (
        (changed.text, text),
        (changed.replaced[i, c], text[:i] + (int(c) + 1,) + text[i + 1 :]),
        (changed.dropped[k], text[:k] + text[k + 1 :]),
        (changed.added[j, d], text[:j] + (int(d) + 1,) + text[j:]),
    )
    return max(options, key=lambda option: float(option[0]))[1]


def _inserted(changed: Changes, best: Codes, i: int, spans: list[tuple[float, float]]) -> Glyph | None:
    """A position between two others where something may stand that the best text leaves out."""
    added = changed.added[i].copy()
    # Doubling a neighbour is the same change on either side of it: count it once, on its right.
    if i < len(best):
        added[best[i] - 1] = -np.inf
    odds = _odds(added, changed.text)
    if sum(p for _, p in odds) < LEAST_INSERTION:
        return None
    start = spans[i - 1][1] if i > 0 else 0.0
    end = spans[i][0] if i < len(spans) else 1.0
    return Glyph(odds, min(start, end), max(start, end))


def _odds(scores: Array, absent: float) -> tuple[tuple[str, float], ...]:
    top = max(absent, float(scores.max()))
    weights = np.exp(scores - top)
    shares = weights / (weights.sum() + np.exp(absent - top))
    return tuple((CHARACTERS[c], float(shares[c])) for c in np.argsort(-shares, kind="stable") if shares[c] >= LEAST)
