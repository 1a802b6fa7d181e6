"""Pointers to digits: the neighbour rule, directions, what settles a wheel; and nothing billed depends on decimals."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognizer.domain.conclude import conclude
from recognizer.domain.decode import RollRule
from recognizer.domain.dials import (
    DialRules,
    decimals_of,
    directions,
    disagree,
    pointers,
    resolve,
    row_reading,
    settled,
)
from recognizer.domain.observation import Dial, Display, Glyph, Observation

RULES = DialRules()
SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))


def needle(turn: float, factor: str | None = None, anticlockwise: float = 0.0) -> Dial:
    return Dial(((round(turn, 2) % 10, 1.0),), anticlockwise, factor)


def shown(value: int, dials: int, ways: list[bool], part: float = 0.5, off: float = 0.0) -> list[Dial]:
    turns = [(value + part) / 10 ** (dials - 1 - i) % 10 for i in range(dials)]
    turns = [turn + off * (-1) ** i if i < dials - 1 else turn for i, turn in enumerate(turns)]
    return [needle(t if way else (10 - t) % 10) for t, way in zip(turns, ways, strict=True)]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 99999), st.booleans(), st.floats(-0.2, 0.2))
def test_a_row_reads_as_its_value_though_needles_are_off(value: int, last: bool, off: float) -> None:
    ways = [last == (place % 2 == 0) for place in (4, 3, 2, 1, 0)]
    best = resolve(shown(value, 5, ways, off=off), ways, RULES)[0]
    assert best.text == f"{value:05d}"
    assert best.probability > 0.5


def test_on_a_number_the_pointer_to_the_right_decides() -> None:
    ways = [True, True]
    assert resolve([needle(4.0), needle(9.7)], ways, RULES)[0].text == "39"
    assert resolve([needle(4.0), needle(0.2)], ways, RULES)[0].text == "40"
    assert resolve([needle(9.9), needle(0.3)], ways, RULES)[0].text == "00"


def test_needles_that_contradict_each_other_are_no_decimals() -> None:
    assert decimals_of([needle(4.5), needle(5.2)], RULES) is not None
    assert decimals_of([needle(4.5), needle(0.1)], RULES) is None
    assert decimals_of([], RULES) is None


def test_directions_alternate_and_the_numbers_say_which_way() -> None:
    assert directions([needle(1), needle(2), needle(3)]) == (True, False, True)
    seen = [needle(1, anticlockwise=0.9), needle(2, anticlockwise=0.2), needle(3, anticlockwise=0.6)]
    assert directions(seen) == (False, True, False)


def test_a_missing_pointer_ends_what_is_known() -> None:
    displays = [Display("dial", SQUARE, 0.9, 1.0, dial=needle(1, f)) for f in ("0.1", "0.001", None)]
    assert len(pointers(displays)) == 1


@settings(deadline=None)
@given(st.floats(0, 9.99))
def test_a_pointer_settles_the_wheel_only_where_it_may(turn: float) -> None:
    roll = RollRule()
    last = settled(roll, needle(turn), None, RULES).last
    if turn >= RULES.lead + 0.01:
        assert last == pytest.approx(RULES.trust)
    elif turn <= RULES.lag - 0.01:
        assert last == pytest.approx(1 - RULES.trust)
    elif RULES.lag + 0.01 < turn < RULES.lead - 0.01:
        assert last == pytest.approx(roll.last)
    assert settled(roll, None, None, RULES) == roll


def test_a_wheel_that_has_only_begun_to_turn_is_not_called_late() -> None:
    begun, late = Glyph((("4", 0.8), ("5", 0.2)), 0.8, 1.0), Glyph((("5", 0.8), ("4", 0.2)), 0.8, 1.0)
    assert settled(RollRule(), needle(1.8), begun, RULES).last == pytest.approx(RollRule().last)
    assert settled(RollRule(), needle(1.8), late, RULES).last == pytest.approx(1 - RULES.trust)


def test_a_wheel_half_way_with_the_pointer_elsewhere_is_a_finding() -> None:
    half = Glyph((("4", 0.2), ("5", 0.8)), 0.8, 1.0)
    assert disagree(half, needle(3.5), RollRule(), RULES)
    assert not disagree(half, needle(9.5), RollRule(), RULES)
    assert not disagree(half, needle(0.5), RollRule(), RULES)
    assert not disagree(Glyph((("4", 0.99),), 0.8, 1.0), needle(3.5), RollRule(), RULES)


def observation(last: Glyph, *turns: float) -> Observation:
    digits = tuple(Glyph(((c, 0.995),), i / 5, (i + 1) / 5) for i, c in enumerate("0012"))
    quad = ((0.0, 0.0), (100.0, 0.0), (100.0, 25.0), (0.0, 25.0))
    drum = Display("drum", quad, 0.99, 0.99, (*digits, last))
    factors = ("0.1", "0.01", "0.001", "0.0001")
    dials = (Display("dial", SQUARE, 0.99, 1.0, dial=needle(t, f)) for t, f in zip(turns, factors, strict=False))
    return Observation(200, 200, 1.0, (drum, *dials))


HALF = Glyph((("4", 0.6), ("3", 0.395)), 0.8, 1.0)


def test_the_first_pointer_settles_a_half_rolled_wheel() -> None:
    before = conclude(observation(HALF, 9.5), source="").readings[0]
    after = conclude(observation(HALF, 0.5), source="").readings[0]
    assert (before.candidates[0].text, after.candidates[0].text) == ("00123", "00124")


def test_decimals_stand_apart_from_what_is_billed() -> None:
    clear = Glyph((("3", 0.995),), 0.8, 1.0)
    plain = conclude(observation(clear), source="").readings[0]
    finer = conclude(observation(clear, 4.27, 2.7, 7.0, 0.5), source="").readings[0]
    assert (finer.text, finer.value, finer.confidence) == (plain.text, plain.value, plain.confidence)
    told = finer.to_dict()
    assert told["text"] == "00123"
    assert told["decimals_from"]["text"] == "00123.4270"
    assert told["decimals_from"]["value"] == "123.4270"
    assert "decimals_from" not in plain.to_dict()


def test_a_disagreement_lowers_confidence_and_goes_to_a_person() -> None:
    wheel = Glyph((("3", 0.15), ("4", 0.845)), 0.8, 1.0)
    alone, against = (conclude(observation(wheel, *t), source="").readings[0] for t in ((), (3.5,)))
    assert against.confidence < alone.confidence
    assert "dial_disagrees" in {f.code for f in against.findings}
    assert against.status != "accepted"
    assert against.decimals_from is None


def test_a_row_without_a_drum_is_a_reading_for_a_person() -> None:
    ways = [True, False, True, False, True]
    dials = shown(40316, 5, ways)
    factors = ("10000", "1000", "100", "10", "1")
    displays = tuple(
        Display("dial", SQUARE, 0.99, 1.0, dial=replace(d, factor=f, anticlockwise=0.0 if way else 1.0))
        for d, f, way in zip(dials, factors, ways, strict=True)
    )
    reading = conclude(Observation(100, 100, 1.0, displays), source="").readings[0]
    assert (reading.text, reading.status, reading.kind) == ("40316", "review", "dial")
    apart = (*displays[:-1], replace(displays[-1], dial=Dial(((2.4, 0.34), (5.0, 0.33), (8.0, 0.33)), 0.0, "1")))
    assert row_reading(apart, RULES, 0.9).text == ""  # type: ignore[union-attr]


def test_observations_keep_their_dials_and_old_ones_load() -> None:
    seen = observation(HALF, 9.5, 4.8)
    stored = json.loads(json.dumps(seen.to_dict()))
    assert Observation.from_dict(stored) == seen
    for display in stored["displays"]:
        del display["dial"]
    assert Observation.from_dict(stored).displays[0] == seen.displays[0]


@pytest.mark.parametrize("wrong", [{"lag": 6.0}, {"trust": 1.0}, {"slack": 0.0}, {"least": 2.0}])
def test_rules_check_themselves(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"wanted|shares"):
        DialRules(**wrong)


def test_a_needle_checks_itself() -> None:
    with pytest.raises(ValueError, match="below 10"):
        Dial(((10.0, 1.0),), 0.0, None)
