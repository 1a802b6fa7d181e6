"""The step from CTC columns to odds per position: it must agree with counting all paths."""

from itertools import product

import numpy as np
import pytest

from recognizer.domain.observation import CHARACTERS
from recognizer.vision.counter import glyphs_of, text_scores


def table(*columns: dict[str, float]) -> np.ndarray:
    """Log-probabilities of columns; a character not named has next to none, the blank takes the rest."""
    probs = np.full((len(columns), 12), 1e-6)
    for row, column in zip(probs, columns, strict=True):
        for char, p in column.items():
            row[CHARACTERS.index(char) + 1] = p
        row[0] = 1 - row[1:].sum()
    return np.asarray(np.log(probs))


def test_text_scores_count_every_path() -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(3), size=5)  # blank and two characters
    log_probs = np.log(np.hstack([probs, np.full((5, 9), 1e-30)]))
    totals: dict[tuple[int, ...], float] = {}
    for path in product(range(3), repeat=5):
        text = tuple(c for c, before in zip(path, (0, *path), strict=False) if c not in (0, before))
        totals[text] = totals.get(text, 0.0) + float(np.prod([probs[t, c] for t, c in enumerate(path)]))
    texts = list(totals)
    assert np.exp(text_scores(log_probs, texts)) == pytest.approx([totals[t] for t in texts])


def test_a_half_turned_wheel_keeps_both_digits_and_its_place() -> None:
    columns = [{}, {"1": 0.99}, {}, {}, {"4": 0.6, "5": 0.38}, {}, {}, {"7": 0.99}, {}]
    glyphs = glyphs_of(table(*columns))
    tops = [g.odds[0][0] for g in glyphs if g.absent < 0.5]
    assert tops == ["1", "4", "7"]
    middle = next(g for g in glyphs if g.odds[0][0] == "4")
    assert dict(middle.odds)["5"] == pytest.approx(0.38, abs=0.03)
    assert middle.start < 4.5 / 9 < middle.end


def test_a_digit_that_may_not_be_there_is_a_position_that_is_mostly_absent() -> None:
    glyphs = glyphs_of(table({}, {"1": 0.99}, {}, {}, {".": 0.3}, {}, {}, {"7": 0.99}, {}))
    assert [g.odds[0][0] for g in glyphs] == ["1", ".", "7"]
    assert glyphs[1].absent == pytest.approx(0.7, abs=0.03)


def test_an_empty_strip_has_no_positions() -> None:
    assert glyphs_of(table(*[{}] * 10)) == ()
