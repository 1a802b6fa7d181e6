"""Would catch: agreement that lowers a confidence or raises it without a bound, votes that depend on their order, and a
number whose digit was cut off told for its being read often."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.fusion import fuse, raised
from recognizer.domain.observation import Display, Glyph
from recognizer.domain.reading import Candidate
from recognizer.domain.register import which_register
from recognizer.domain.sightings import Vote
from recognizer.domain.visit_rules import FusionRules
from tests.domain.visits import BOX


def vote(window: int, *chances: tuple[str, float]) -> Vote:
    candidates = tuple(Candidate(text, p) for text, p in chances)
    seen = Display("lcd", BOX, 1, 1, (Glyph((), 0, 1),))
    return Vote(window, window * 0.4, candidates[0].probability, candidates, seen, which_register(seen))


@given(st.floats(0.5, 1), st.floats(0, 1))
def test_one_vote_comes_out_as_it_went_in(p: float, share: float) -> None:
    first, second = fuse([vote(0, ("123", p), ("128", (1 - p) * share))], FusionRules())
    assert first.text == "123"
    assert first.probability == pytest.approx(p, abs=1e-4)
    assert second.probability == pytest.approx((1 - p) * share, abs=1e-4)


@given(st.lists(st.floats(0.5, 0.999), min_size=1, max_size=3), st.floats(0.5, 0.999), st.booleans())
def test_agreement_never_lowers_a_confidence_and_contradiction_never_raises_it(
    agreeing: Sequence[float], more: float, rival: bool
) -> None:
    def best(votes: list[Vote]) -> float:
        return next(c.probability for c in fuse(votes, FusionRules()) if c.text == "123")

    votes = [vote(n, ("123", p), ("128", (1 - p) / 2)) for n, p in enumerate(agreeing)]
    votes += [vote(9, ("777", 0.9))] if rival else []
    before = best(votes)
    assert best([*votes, vote(10, ("123", more), ("128", (1 - more) / 2))]) >= before - 1e-9
    assert best([*votes, vote(10, ("888", more))]) <= before + 1e-9
    assert before <= raised(max(agreeing), FusionRules().most_gain) + 1e-9


def test_what_two_doubtful_frames_have_in_common_wins() -> None:
    votes = [vote(0, ("128", 0.5), ("123", 0.4)), vote(1, ("723", 0.5), ("123", 0.4))]
    assert fuse(votes, FusionRules())[0].text == "123"


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("998589.11", "998589.1"),
        ("230147.8", "230147"),
        ("166064.07", "66064.07"),
        ("24916.47", "24916"),
        ("338474.69", "38474"),
    ],
)
def test_a_last_digit_is_lost_rather_than_added(long: str, short: str) -> None:
    """998589.1 stood in half the frames of a display that shows 998589.11, and was told."""
    votes = [vote(n, (short, 0.94) if n % 2 else (long, 0.87)) for n in range(6)]
    assert fuse(votes, FusionRules())[0].text == long
    assert fuse(votes, FusionRules())[0].probability > 0.9
    # Before the point unlit cells are read as digits, and what only one frame has seen is not there.
    whole = [vote(n, ("32605", 0.94) if n % 2 else ("326051", 0.87)) for n in range(6)]
    once = [vote(n, (short, 0.94) if n else (long, 0.87)) for n in range(6)]
    assert fuse(whole, FusionRules())[0].text == "32605"
    for unlit in "08":
        cell = [vote(n, (unlit + "16405.84" if n == 0 else "16405.84", 0.95)) for n in range(6)]
        assert fuse(cell, FusionRules())[0].probability > 0.98
    assert fuse(once, FusionRules())[0].text == short
    # Yet a run of frames that lose it is hardly more than two of them.
    run = [vote(n, (short if n else long, 0.99)) for n in range(5)]
    assert max(c.probability for c in fuse(run, FusionRules())) < 0.9


def test_a_doubtful_frame_does_not_show_a_digit_more() -> None:
    """447236.9 stood for one frame while the display changed, before 47236.9."""
    votes = [vote(0, ("447236.9", 0.63)), *(vote(n, ("47236.9", 0.99)) for n in range(1, 5))]
    assert fuse(votes, FusionRules())[0].text == "47236.9"
    assert fuse(votes, FusionRules())[0].probability > 0.98
    surer = [vote(0, ("447236.9", 0.8)), *votes[1:]]
    assert fuse(surer, FusionRules())[0].probability < 0.9
