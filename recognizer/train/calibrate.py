"""Fit the confidence: how often is a whole reading right, given what the networks say of it?

Logistic regression (Platt 1999) on photos that no network trained on: the validation splits and the training
photos held back. The accept threshold is the lowest from LEAST_ACCEPTED on that keeps the share of errors among the
accepted photos of this set at ACCEPT_ERROR or below (selection with guaranteed risk, Geifman and El-Yaniv 2017,
without its confidence bound: the set is too small for one). It assumes that later photos resemble these. Photos of
``wrong_truths.csv`` are left out. Never ``test``.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognizer.domain.conclude import conclude
from recognizer.domain.look import features
from recognizer.domain.observation import DisplayKind
from recognizer.domain.policy import Policy
from recognizer.evaluate import Answer, Truth, main_form, read_truths
from recognizer.reader import MeterReader
from recognizer.train.data import held_back, load_examples, wrong_truths
from recognizer.vision.card import Card, read_card, write_card
from recognizer.vision.frame import load_frame

log = logging.getLogger(__name__)
ACCEPT_ERROR = 0.01
LEAST_ACCEPTED = 0.95
"""A reading that is wrong more than one time in twenty is not accepted, however few errors so small a set may have."""
RIDGE = 16.0
"""Pull of every weight towards the plain probability: the sets are a few hundred photos. With 2 a fit of all others
foretells a left-out LCD with a log-loss of 0.339 and a drum with 0.095; with 16 with 0.311 and 0.091."""
FEATURES = ("top", "weakest", "legible", "score")


@dataclass(frozen=True)
class Case:
    """One read display of a held-back photo."""

    kind: DisplayKind
    logits: tuple[float, ...]
    """Log-odds of FEATURES."""
    right: bool


def calibrate(data_dir: Path, models_dir: Path) -> None:
    """Write the calibration and the accept threshold into the counter's card."""
    wanted = {e.file for e in load_examples(data_dir) if e.split == "val" or held_back(e)} - wrong_truths()
    truths = [t for t in read_truths(data_dir / "photos.csv") if t.file in wanted]
    cases = _cases(MeterReader(models_dir, policy=Policy()), data_dir, truths)
    kinds: tuple[DisplayKind, ...] = ("lcd", "drum")
    weights = {kind: _fit([c for c in cases if c.kind == kind]) for kind in kinds}
    scored = sorted(
        ((1 / (1 + np.exp(-(np.dot(weights[c.kind][:-1], c.logits) + weights[c.kind][-1]))), c.right) for c in cases),
        reverse=True,
    )
    wrong, accept = 0, 0.99
    for n, (confidence, right) in enumerate(scored, 1):
        wrong += not right
        if wrong <= ACCEPT_ERROR * n:
            accept = float(confidence)
    accept = max(accept, LEAST_ACCEPTED)
    accepted = [right for confidence, right in scored if confidence >= accept]
    log.info("%d of %d accepted at %.3f, %d wrong", len(accepted), len(scored), accept, accepted.count(False))
    folder = models_dir / "counter"
    settings = dict(read_card(folder).settings)
    settings["calibration"] = {
        **{
            k: {n: round(float(v), 4) for n, v in zip((*FEATURES, "offset"), w, strict=True)}
            for k, w in weights.items()
        },
        "thresholds": {"accept_above": round(accept, 4)},
        "photos": len(scored),
    }
    write_card(folder, Card(settings))


def _cases(reader: MeterReader, data_dir: Path, truths: Sequence[Truth]) -> list[Case]:
    cases = []
    for truth in truths:
        if truth.demand == "other page":
            continue  # other devices and pages: whether they are readings is not the confidence's question
        observation = reader.observe(load_frame(data_dir / truth.file))
        report = conclude(observation, source=truth.file, policy=replace(Policy(), refuse_below=0.0, accept_above=0.0))
        if not report.readings or not report.readings[0].candidates:
            continue  # nothing was read that could be right
        reading = report.readings[0]
        display = next(d for d in observation.displays if d.quad == reading.box)
        guess = Answer.of(report).guess
        form = main_form(truth.source)
        right = truth.demand == "reading" and bool(guess) and form(guess, truth) == form(truth.text, truth)
        cases.append(Case(display.kind, features(display, reading.candidates), right))
    return cases


def _fit(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Non-negative weights of FEATURES and an offset, by projected gradient descent on the log-loss."""
    prior = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    if len(cases) < 20:
        return prior
    x = np.array([(*c.logits, 1.0) for c in cases])
    y = np.array([float(c.right) for c in cases])
    w = prior.copy()
    for _ in range(4000):
        p = 1 / (1 + np.exp(-x @ w))
        w -= 0.3 / len(x) * (x.T @ (p - y) + RIDGE * (w - prior) * (1, 1, 1, 1, 0))
        w[:-1] = np.maximum(w[:-1], 0.0)
    return w
