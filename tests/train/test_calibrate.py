"""Would catch: a threshold that takes more errors for granted than are promised, and one set by a lucky start."""

import pytest

from recognizer.train.calibrate import ACCEPT_ERROR, BELIEVED, LEAST_ACCEPTED, accept_above, most_wrong


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    assert most_wrong(0, 100) == pytest.approx(1 - (1 - BELIEVED) ** (1 / 100), abs=1e-5)
    assert most_wrong(2, 410) == pytest.approx(0.0104, abs=2e-4)  # as tables of the beta distribution have it
    assert most_wrong(5, 5) == pytest.approx(1.0, abs=1e-5)


def test_the_threshold_stands_where_the_bound_is_kept() -> None:
    """160 photos without an error are not enough; behind 300 one error is bearable, two are not."""
    confidences = [0.999 - n / 10000 for n in range(400)]
    assert accept_above([(c, True) for c in confidences[:160]]) == 0.99
    wrong = {300, 310}
    scored = [(c, n not in wrong) for n, c in enumerate(confidences)]
    accept = accept_above(scored)
    taken = [right for c, right in scored if c >= accept]
    assert accept == pytest.approx(0.97)
    assert most_wrong(taken.count(False), len(taken)) <= ACCEPT_ERROR
    assert accept_above([(c - 0.2, True) for c in confidences]) == LEAST_ACCEPTED
