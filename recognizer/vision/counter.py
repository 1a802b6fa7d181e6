"""Read an upright strip: odds over characters at every position, and where each position lies.

Two networks read it: the counter was taught by meters alone, the textline reader is one of printed lines that went
on to meters. They misread different photos, so a text has the geometric mean of what the two give it (product of
experts, Hinton 2002). Each gives a CTC column every few pixels (Graves 2006). Odds of a position are exact
conditionals: the probability of the best text with this position changed, over all such changes, all else fixed.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import CHARACTERS, Glyph
from recognizer.errors import ModelError
from recognizer.vision.card import CARD_NAME
from recognizer.vision.ctc import Array, Changes, Codes, best_path, changes, log_softmax, spans_of
from recognizer.vision.locate import normalise
from recognizer.vision.models import Model, default_models_dir, load_model
from recognizer.vision.rectify import STRIP_HEIGHT, STRIP_WIDTH, evened

READERS = ("counter", "textline")
LEAST = 1e-4
"""Odds below this are left out of an observation."""
LEAST_INSERTION = 0.02
MOST_POSITIONS, MOST_CLIMBS = 16, 3


def load_counter(models_dir: Path | None = None) -> tuple[Model, ...]:
    """The counter and, unless the folder has none (it may be an earlier version's), the textline reader.

    Raises as ``load_model``; ModelError also for one of strips of another size than ``rectify`` cuts.
    """
    folder = models_dir or default_models_dir()
    roles = [role for role in READERS if role == READERS[0] or (folder / role / CARD_NAME).is_file()]
    models = tuple(load_model(role, models_dir) for role in roles)
    for model in models:
        size = tuple(model.card.input.get(side) for side in ("height", "width"))
        if size != (STRIP_HEIGHT, STRIP_WIDTH):
            raise ModelError(
                f"the {model.card.role} {model.digest} reads strips of {size[0]} x {size[1]} pixels and this version "
                f"cuts {STRIP_HEIGHT} x {STRIP_WIDTH}: train it anew with `meter train`, or leave the shipped one "
                "in its place"
            )
    return models


def read_strip(models: Sequence[Model], strip: NDArray[np.uint8]) -> tuple[Glyph, ...]:
    """Glyphs of one display from its rectified strip, left to right, as the networks together read it."""
    return glyphs_of(*(log_probs_of(model, strip) for model in models))


def log_probs_of(model: Model, strip: NDArray[np.uint8]) -> Array:
    """(columns, 12) log-probabilities of a strip, class 0 the blank."""
    return log_softmax(np.asarray(model.run(normalise(evened(strip)))[0][0], np.float64))


def glyphs_of(*tables: Array) -> tuple[Glyph, ...]:
    """Positions and their odds from (columns, 12) tables of log-probabilities of one strip, class 0 the blank.

    Where each position lies is what the first table says.
    """
    paths = {best_path(table)[:MOST_POSITIONS] for table in tables}
    best, changed = max(((path, _changes(tables, path)) for path in sorted(paths)), key=lambda one: one[1].text)
    for _ in range(MOST_CLIMBS):  # the best path is not always the best text: climb while one change betters it
        top = _bettered(best, changed)[:MOST_POSITIONS] if best else best
        if top == best:
            break
        best, changed = top, _changes(tables, top)
    if not best:
        return ()
    spans = spans_of(tables[0], best)
    glyphs: list[Glyph] = []
    for i in range(len(best) + 1):
        if (inserted := _inserted(changed, best, i, spans)) is not None:
            glyphs.append(inserted)
        if i < len(best):
            glyphs.append(Glyph(_odds(changed.replaced[i], changed.dropped[i]), *spans[i]))
    return tuple(glyphs)


def _changes(tables: Sequence[Array], text: Codes) -> Changes:
    """The mean of what the tables say of the text and of all that is one change away."""
    each = [changes(table, text) for table in tables]
    return Changes(
        float(np.mean([of.text for of in each])),
        np.mean([of.replaced for of in each], 0),
        np.mean([of.dropped for of in each], 0),
        np.mean([of.added for of in each], 0),
    )


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
