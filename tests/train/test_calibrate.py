"""Where acceptance begins: neither the errors that were counted nor those that are expected may be too many."""

import pytest

pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from recognizer.train.calibrate import ACCEPT_ERROR, FLATTERED, SUREST, threshold
from recognizer.train.data import Example, held_back, seen_texts


def test_what_the_confidences_expect_counts_though_no_error_was_seen() -> None:
    """Held-back photos flatter: of 403 accepted at 0.95 three were wrong, of 303 other ones seven."""
    scored = [(1 - 0.0001 * n, True) for n in range(1000)]
    accept = threshold(scored)
    accepted = [confidence for confidence, _ in scored if confidence >= accept]
    assert sum(1 - c for c in accepted) / len(accepted) == pytest.approx(ACCEPT_ERROR / FLATTERED, rel=0.05)


def test_errors_that_were_counted_count_however_sure_the_readings() -> None:
    scored = [(0.999 - 1e-6 * n, n % 20 != 19) for n in range(400)]
    assert threshold(scored) == scored[18][0]


def test_where_nothing_may_be_accepted_the_threshold_is_high() -> None:
    assert threshold([(0.98, False), (0.9, True)]) == SUREST
    assert threshold([]) == SUREST


def test_what_calibrates_is_trained_on_by_nothing() -> None:
    for file, text in seen_texts().items():
        assert held_back(Example(file, "fuel-pump-lcd", "train", "lcd", "other", True, None, (text,)))
