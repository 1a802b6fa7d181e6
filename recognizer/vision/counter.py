"""Read an upright strip: odds over characters at every position, and where each position lies.

The network gives a CTC column every few pixels (Graves 2006). Odds of a position are exact conditionals:
the probability of the best text with this position changed, over all such changes, all else fixed.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recognizer.domain.observation import CHARACTERS, Glyph
from recognizer.vision.locate import normalise
from recognizer.vision.models import Model
from recognizer.vision.rectify import evened

BLANK = 0
Array = NDArray[np.float64]
Codes = tuple[int, ...]

LEAST = 1e-4
"""Odds below this are left out of an observation."""
LEAST_INSERTION = 0.02
MOST_POSITIONS = 16


def read_strip(model: Model, strip: NDArray[np.uint8]) -> tuple[Glyph, ...]:
    """Glyphs of one display from its rectified strip, left to right."""
    return glyphs_of(log_probs_of(model, strip))


def log_probs_of(model: Model, strip: NDArray[np.uint8]) -> Array:
    """(columns, 12) log-probabilities of a strip, class 0 the blank."""
    return log_softmax(np.asarray(model.run(normalise(evened(strip)))[0][0], np.float64))


def log_softmax(logits: Array) -> Array:
    """Log-probabilities of a (columns, classes) table of logits."""
    shifted = logits - logits.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


def glyphs_of(log_probs: Array) -> tuple[Glyph, ...]:
    """Positions and their odds from a (columns, 12) table of log-probabilities, class 0 the blank."""
    best = best_path(log_probs)[:MOST_POSITIONS]
    for _ in range(3):  # the best path is not always the best text: climb while one change betters it
        if not best:
            return ()
        variants = _variants(best)
        scores = text_scores(log_probs, variants)
        top = variants[int(scores.argmax())]
        if top == best:
            break
        best = top[:MOST_POSITIONS]
    if not best:
        return ()
    lookup = dict(zip(variants, scores.tolist(), strict=True))
    spans = spans_of(log_probs, best)
    glyphs: list[Glyph] = []
    for i in range(len(best) + 1):
        if (inserted := _inserted(lookup, best, i, spans)) is not None:
            glyphs.append(inserted)
        if i < len(best):
            glyphs.append(_glyph(lookup, best, i, spans[i]))
    return tuple(glyphs)


def _glyph(lookup: dict[Codes, float], best: Codes, i: int, span: tuple[float, float]) -> Glyph:
    changed = {c: lookup.get(best[:i] + (c,) + best[i + 1 :], -np.inf) for c in range(1, len(CHARACTERS) + 1)}
    gone = lookup.get(best[:i] + best[i + 1 :], -np.inf)
    return Glyph(_odds(changed, gone), *span)


def _inserted(lookup: dict[Codes, float], best: Codes, i: int, spans: list[tuple[float, float]]) -> Glyph | None:
    """A position between two others where something may stand that the best text leaves out."""
    added = {c: lookup.get(best[:i] + (c,) + best[i:], -np.inf) for c in range(1, len(CHARACTERS) + 1)}
    # Doubling a neighbour is the same change on either side of it: count it once, on its right.
    if i < len(best):
        added[best[i]] = -np.inf
    odds = _odds(added, lookup[best])
    if sum(p for _, p in odds) < LEAST_INSERTION:
        return None
    start = spans[i - 1][1] if i > 0 else 0.0
    end = spans[i][0] if i < len(spans) else 1.0
    return Glyph(odds, min(start, end), max(start, end))


def _odds(scores: dict[int, float], absent: float) -> tuple[tuple[str, float], ...]:
    top = max(absent, *scores.values())
    weights = {c: float(np.exp(s - top)) for c, s in scores.items()}
    total = sum(weights.values()) + float(np.exp(absent - top))
    kept = [(CHARACTERS[c - 1], w / total) for c, w in weights.items() if w / total >= LEAST]
    return tuple(sorted(kept, key=lambda item: -item[1]))


def best_path(log_probs: Array) -> Codes:
    """Classes of the best path of a (columns, classes) table, without blanks and repeats (class 0 the blank)."""
    path = log_probs.argmax(1).tolist()
    return tuple(c for c, before in zip(path, [BLANK, *path], strict=False) if c not in (BLANK, before))


def _variants(text: Codes) -> list[Codes]:
    """The text and every text one substitution, deletion or insertion away, each once."""
    found = {text: None}
    for i in range(len(text)):
        for c in range(1, len(CHARACTERS) + 1):
            found[text[:i] + (c,) + text[i + 1 :]] = None
        found[text[:i] + text[i + 1 :]] = None
    for i in range(len(text) + 1):
        for c in range(1, len(CHARACTERS) + 1):
            found[text[:i] + (c,) + text[i:]] = None
    return list(found)


def text_scores(log_probs: Array, texts: list[Codes]) -> Array:
    """CTC log-probability of every text: the forward pass, all texts side by side."""
    longest = max(len(t) for t in texts)
    states = 2 * longest + 1
    labels = np.zeros((len(texts), states), np.int64)
    lengths = np.array([len(t) for t in texts])
    for row, text in enumerate(texts):
        labels[row, 1 : 2 * len(text) + 1 : 2] = text
    skip = np.zeros(labels.shape, bool)
    skip[:, 2:] = (labels[:, 2:] != BLANK) & (labels[:, 2:] != labels[:, :-2])
    probs = np.exp(log_probs)
    alpha = np.zeros(labels.shape)
    alpha[:, 0] = probs[0, BLANK]
    if states > 1:
        alpha[:, 1] = np.where(lengths > 0, probs[0, labels[:, 1]], 0.0)
    scale = np.zeros(len(texts))
    for column in probs[1:]:
        moved = alpha.copy()
        moved[:, 1:] += alpha[:, :-1]
        moved[:, 2:] += np.where(skip[:, 2:], alpha[:, :-2], 0.0)
        alpha = moved * column[labels]
        norm = np.maximum(alpha.sum(1), 1e-300)
        alpha /= norm[:, None]
        scale += np.log(norm)
    rows = np.arange(len(texts))
    last = alpha[rows, 2 * lengths] + np.where(lengths > 0, alpha[rows, np.maximum(2 * lengths - 1, 0)], 0.0)
    return np.asarray(np.log(np.maximum(last, 1e-300)) + scale)


def spans_of(log_probs: Array, text: Codes) -> list[tuple[float, float]]:
    """Where each character lies along the strip, 0 to 1: halfway to its neighbours on the most probable path."""
    labels = np.zeros(2 * len(text) + 1, np.int64)
    labels[1::2] = text
    columns = len(log_probs)
    score = np.full(len(labels), -np.inf)
    score[:2] = log_probs[0, labels[:2]]
    back = np.zeros((columns, len(labels)), np.int64)
    for t in range(1, columns):
        options = np.full((3, len(labels)), -np.inf)
        options[0] = score
        options[1, 1:] = score[:-1]
        options[2, 3::2] = np.where(labels[3::2] != labels[1:-2:2], score[1:-2:2], -np.inf)
        back[t] = options.argmax(0)
        score = options.max(0) + log_probs[t, labels]
    state = len(labels) - 1 if score[-1] > score[-2] else len(labels) - 2
    hits: list[list[int]] = [[] for _ in text]
    for t in range(columns - 1, -1, -1):
        if state % 2:
            hits[state // 2].append(t)
        state -= int(back[t, state])
    centres = [(np.mean(h) + 0.5) / columns if h else np.nan for h in hits]
    edges = [(a + b) / 2 for a, b in pairwise(centres)]
    starts = [max(0.0, 2 * centres[0] - edges[0]) if edges else 0.0, *edges]
    ends = [*edges, min(1.0, 2 * centres[-1] - edges[-1]) if edges else 1.0]
    return [(float(a), float(b)) for a, b in zip(starts, ends, strict=True)]
