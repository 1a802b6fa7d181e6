"""The step from CTC columns to odds per position: it must agree with counting all paths."""

import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from recognizer.domain.observation import CHARACTERS
from recognizer.errors import ModelError
from recognizer.vision.card import Card, read_card, write_card
from recognizer.vision.counter import glyphs_of, load_counter
from recognizer.vision.ctc import changes, text_scores
from recognizer.vision.models import default_models_dir


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


@pytest.mark.parametrize("text", [(), (3,), (1, 1), (1, 2, 1), (5, 11, 5, 5, 2)])
@pytest.mark.parametrize("spread", [0.5, 6.0])
def test_one_change_scores_as_the_whole_text_would(text: tuple[int, ...], spread: float) -> None:
    rng = np.random.default_rng(len(text))
    logits = rng.normal(0, spread, (17, 12))
    log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    changed = changes(log_probs, text)
    for i in range(len(text) + 1):
        added = [(*text[:i], c, *text[i:]) for c in range(1, 12)]
        assert changed.added[i] == pytest.approx(text_scores(log_probs, added))
    for i in range(len(text)):
        replaced = [(*text[:i], c, *text[i + 1 :]) for c in range(1, 12)]
        assert changed.replaced[i] == pytest.approx(text_scores(log_probs, replaced))
        dropped = text_scores(log_probs, [(*text[:i], *text[i + 1 :])])
        assert changed.dropped[i] == pytest.approx(dropped[0])
    assert changed.text == pytest.approx(text_scores(log_probs, [text])[0])


def test_a_strip_of_which_nothing_is_certain_is_read_too() -> None:
    """Catches a text that is bettered more often than is looked for, and then is none of those that were scored."""
    rng = np.random.default_rng(1)
    for _ in range(60):
        logits = rng.normal(0, 1.5, (56, 12)) + np.eye(1, 12) * 3
        for column in rng.choice(56, 8, replace=False):
            logits[column, rng.integers(1, 12)] += 6
        glyphs = glyphs_of(logits - np.log(np.exp(logits).sum(1, keepdims=True)))
        assert all(0 <= g.absent <= 1 and g.start <= g.end for g in glyphs)


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


def test_two_networks_read_what_both_find_likely() -> None:
    """Each has its own favourite, 147 and 197; what they share is 1, 4 and 7, though neither is sure of it."""
    one = table({}, {"1": 0.99}, {}, {"4": 0.6, "9": 0.02}, {}, {"7": 0.99}, {})
    other = table({}, {"1": 0.9}, {}, {}, {"9": 0.55, "4": 0.4}, {}, {}, {"7": 0.9}, {})
    alone, together = glyphs_of(other), glyphs_of(one, other)
    assert [g.odds[0][0] for g in alone if g.absent < 0.5] == ["1", "9", "7"]
    assert [g.odds[0][0] for g in together if g.absent < 0.5] == ["1", "4", "7"]
    middle = next(g for g in together if g.odds[0][0] == "4")
    assert middle.start < 3.5 / 7 < middle.end  # where it lies the first of them says
    assert glyphs_of(one, one) == glyphs_of(one)


def test_an_earlier_versions_folder_is_read_by_its_counter_alone(tmp_path: Path) -> None:
    shutil.copytree(default_models_dir() / "counter", tmp_path / "counter")
    assert [model.card.role for model in load_counter()] == ["counter", "textline"]
    assert [model.card.role for model in load_counter(tmp_path)] == ["counter"]


def test_an_empty_strip_has_no_positions() -> None:
    assert glyphs_of(table(*[{}] * 10)) == ()


def test_a_counter_of_an_earlier_version_is_told_when_it_is_loaded(tmp_path: Path) -> None:
    """A user's own: at the first photo the runtime would complain about shapes."""
    shutil.copytree(default_models_dir() / "counter", tmp_path / "counter")
    settings = dict(read_card(tmp_path / "counter").settings)
    assert [model.card.settings for model in load_counter(tmp_path)] == [settings]
    write_card(tmp_path / "counter", Card({**settings, "input": {**settings["input"], "height": 48, "width": 224}}))
    with pytest.raises(ModelError, match=r"48 x 224 pixels .* `meter train`"):
        load_counter(tmp_path)
