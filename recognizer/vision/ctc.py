"""Connectionist temporal classification (Graves 2006): what a table of chances a column says of whole texts.

Class 0 is the blank; a text is a tuple of classes from 1 on.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BLANK = 0
Array = NDArray[np.float64]
Codes = tuple[int, ...]
LEAST_CHANCE = 1e-300


def log_softmax(logits: Array) -> Array:
    """Log-probabilities of a (columns, classes) table of logits."""
    shifted = logits - logits.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


def best_path(log_probs: Array) -> Codes:
    """Classes of the best path of a (columns, classes) table, without blanks and repeats (class 0 the blank)."""
    path = log_probs.argmax(1).tolist()
    return tuple(c for c, before in zip(path, [BLANK, *path], strict=False) if c not in (BLANK, before))


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
        norm = np.maximum(alpha.sum(1), LEAST_CHANCE)
        alpha /= norm[:, None]
        scale += np.log(norm)
    rows = np.arange(len(texts))
    last = alpha[rows, 2 * lengths] + np.where(lengths > 0, alpha[rows, np.maximum(2 * lengths - 1, 0)], 0.0)
    return np.asarray(np.log(np.maximum(last, LEAST_CHANCE)) + scale)


@dataclass(frozen=True)
class Changes:
    """Log-probabilities of a text of n characters and of every text that one change makes of it."""

    text: float
    replaced: Array
    """(n, classes - 1): with another character in a place; with the text's own, ``text``."""
    dropped: Array
    """(n,): without the character."""
    added: Array
    """(n + 1, classes - 1): with a character more before each, or at the end."""


def changes(log_probs: Array, text: Codes) -> Changes:
    """As ``text_scores`` of all of them, in half its time: what stands before a change and behind it is shared."""
    n = len(text)
    # Each column relative to its largest: products of all of them would leave the range of floating point.
    peak = log_probs.max(1)
    probs, base = np.exp(log_probs - peak[:, None]), float(peak.sum())
    before, rest = _both_ways(probs, text)
    columns = len(probs)
    # Into a new character from the blank before it or the character before that, and out of it likewise.
    from_blank = np.vstack([np.eye(1, n + 1), before[:-1, ::2]])
    from_other = np.zeros((columns, n + 1))
    from_other[1:, 1:] = before[:-1, 1::2]
    to_blank = np.vstack([rest[1:, ::2], np.eye(1, n + 1)[:, ::-1]])
    to_other = np.zeros((columns, n + 1))
    to_other[:-1, :-1] = rest[1:, 1::2]
    left = np.concatenate([np.arange(n), np.arange(n + 1)])
    right = np.concatenate([np.arange(1, n + 1), np.arange(n + 1)])
    codes = np.arange(1, probs.shape[1])
    others = np.array([BLANK, *text, BLANK])
    enters = from_blank[:, left, None] + from_other[:, left, None] * (others[left, None] != codes)
    leaves = to_blank[:, right, None] + to_other[:, right, None] * (others[right + 1, None] != codes)
    here, total = np.zeros(enters.shape[1:]), np.zeros(enters.shape[1:])
    for column, entering, leaving in zip(probs[:, 1:], enters, leaves, strict=True):
        here = column * (here + entering)
        total += here * leaving
    return Changes(
        _log(before[-1, -1] + (before[-1, -2] if n else 0.0), base).item(),
        _log(total[:n], base), _log(_without(before, rest, text), base), _log(total[n:], base),
    )  # fmt: skip


def _both_ways(probs: Array, text: Codes) -> tuple[Array, Array]:
    """Chances of a state in a column (columns, 2n + 1 states: blank, character, blank ...) with all before it, and with
    all after it.
    """
    labels = np.zeros(2 * len(text) + 1, np.int64)
    labels[1::2] = text
    skip = np.zeros(len(labels))
    skip[3::2] = labels[3::2] != labels[1:-2:2]
    here = probs[:, labels]
    before, behind = np.zeros(here.shape), np.zeros(here.shape)
    before[0, :2] = here[0, :2]
    for t in range(1, len(here)):
        before[t] = before[t - 1]
        before[t, 1:] += before[t - 1, :-1]
        before[t, 2:] += before[t - 1, :-2] * skip[2:]
        before[t] *= here[t]
    behind[-1, -2:] = 1.0
    for t in range(len(here) - 2, -1, -1):
        on = behind[t + 1] * here[t + 1]
        behind[t] = on
        behind[t, :-1] += on[1:]
        behind[t, :-2] += on[2:] * skip[2:]
    return before, behind * here


def _without(before: Array, rest: Array, text: Codes) -> Array:
    """Chances of the text without each of its characters: the blanks on both sides of it are one."""
    n = len(text)
    found = np.zeros(n)
    for i in range(n):
        other = before[:, 2 * i - 1] if i else np.zeros(len(before))
        if i + 1 == n:
            found[i] = before[-1, 2 * i] + other[-1]
            continue
        up_to = before[:, 2 * i] + (other if i and text[i - 1] != text[i + 1] else 0.0)
        into = rest[:, 2 * i + 3]
        found[i] = up_to[:-1] @ into[1:] + (into[0] if i == 0 else 0.0)
    return found


def _log(chances: Array, base: float) -> Array:
    return np.asarray(np.log(np.maximum(chances, LEAST_CHANCE)) + base)


def spans_of(log_probs: Array, text: Codes) -> list[tuple[float, float]]:
    """Where each character lies along the strip, 0 to 1: halfway to its neighbours on the most probable path."""
    labels = np.zeros(2 * len(text) + 1, np.int64)
    labels[1::2] = text
    columns = len(log_probs)
    here = log_probs[:, labels]
    skip = np.full(len(labels), -np.inf)
    skip[3::2] = np.where(labels[3::2] != labels[1:-2:2], 0.0, -np.inf)
    score = np.full(len(labels), -np.inf)
    score[:2] = here[0, :2]
    back = np.zeros((columns, len(labels)), np.int64)
    options = np.full((3, len(labels)), -np.inf)
    for t in range(1, columns):
        options[0] = score
        options[1, 1:] = score[:-1]
        options[2, 2:] = score[:-2] + skip[2:]
        back[t] = options.argmax(0)
        score = options.max(0) + here[t]
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
