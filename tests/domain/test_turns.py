"""Would catch: a last wheel between two digits that is accepted, a cut that is off taken for a wheel that turned, a
doubt about hundredths that nobody is billed by, and a counter of eight whole wheels whose point was missed."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from recognizer.domain.conclude import conclude
from recognizer.domain.observation import Display, DisplayKind, Glyph, Observation
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Reading
from recognizer.domain.turns import TurnRules, last_turn, written_so

RULES = TurnRules()
OPEN = Policy(refuse_below=0.0)


def wheels(text: str, turns: Sequence[float | None], p: float = 0.9999) -> tuple[Glyph, ...]:
    seen = iter(turns)
    return tuple(Glyph(((c, p),), 0, 1, None if c == "." else next(seen)) for c in text)


def reading(text: str, turns: Sequence[float | None], kind: DisplayKind = "drum") -> Reading:
    display = Display(kind, ((0, 0), (200, 0), (200, 40), (0, 40)), 0.99, 0.99, wheels(text, turns))
    return conclude(Observation(200, 40, 9.0, (display,)), source="", policy=OPEN).readings[0]


@pytest.mark.parametrize(("turn", "digit"), [(5.5, "5"), (5.5, "6"), (5.45, "5"), (9.5, "0"), (9.5, "9")])
def test_a_last_wheel_in_the_middle_is_not_accepted(turn: float, digit: str) -> None:
    seen = reading("0012" + digit, (0, 0, 1, 2, turn))
    assert seen.status == "review"
    assert {"last_wheel_between", "low_confidence"} == {f.code for f in seen.findings}


@pytest.mark.parametrize("turn", [5.0, 5.15, 4.85, 4.75, 5.25])
def test_the_nearer_digit_is_accepted(turn: float) -> None:
    seen = reading("00125", (0, 0, 1, 2, turn))
    assert (seen.status, seen.findings) == ("accepted", ())


def test_the_digit_further_off_is_doubted() -> None:
    assert reading("00125", (0, 0, 1, 2, 5.8)).confidence < 0.2 < 0.9 < reading("00126", (0, 0, 1, 2, 5.8)).confidence


def test_a_cut_that_is_off_is_no_turn() -> None:
    """All wheels that stand still are as far off; the one before a 9 or 0 may turn, and says nothing."""
    glyphs = wheels("00125", (0.3, 0.3, 1.3, 2.3, 5.5))
    assert last_turn(glyphs, RULES) == pytest.approx(5.2)
    assert reading("00125", (0.3, 0.3, 1.3, 2.3, 5.5)).status == "accepted"
    assert last_turn(wheels("129", (1.0, 2.5, 9.5)), RULES) == pytest.approx(9.5)
    assert last_turn(wheels("125", (9.9, 1.9, 4.9)), RULES) == pytest.approx(5.0)


def test_what_is_not_seen_or_worth_nothing_changes_nothing() -> None:
    assert reading("00125", (0, 0, 1, 2, None)).status == "accepted"
    assert reading("00125", (0, 0, 1, 2, 5.5), "lcd").status == "accepted"
    assert reading("0012.50", (0, 0, 1, 2, 5, 0.5)).status == "accepted"
    assert reading("0012.5", (0, 0, 1, 2, 5.5)).status == "review"


def test_a_last_wheel_that_shows_quite_another_digit_is_looked_at() -> None:
    seen = reading("00125", (0, 0, 1, 2, 8.2))
    assert (seen.text, seen.status) == ("00125", "review")
    assert {"wheel_disagrees", "low_confidence"} == {f.code for f in seen.findings}


def test_the_chance_falls_with_the_turn_and_both_digits_share_it() -> None:
    chances = [written_so("5", wheels("5", (5 + n / 20,)), RULES) for n in range(-10, 20)]
    assert chances[10:] == sorted(chances[10:], reverse=True)
    for n in range(1, 20):
        lower, upper = (written_so(d, wheels(d, (5 + n / 20,)), RULES) for d in "56")
        assert lower + upper == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "status"), [("00795149", "review"), ("00795.149", "accepted"), ("123456", "accepted")]
)
def test_more_whole_wheels_than_any_meter_has_lost_their_point(text: str, status: str) -> None:
    seen = reading(text, [None] * 8)
    assert seen.status == status
    assert ("point_missed" in {f.code for f in seen.findings}) == (status == "review")


def test_turns_survive_storage_and_old_observations_load_without_them() -> None:
    display = Display("drum", ((0, 0), (9, 0), (9, 2), (0, 2)), 0.9, 0.9, wheels("12.5", (1, 2, 5.25)))
    seen = Observation(9, 2, 1.0, (display,))
    stored = json.loads(json.dumps(seen.to_dict()))
    assert Observation.from_dict(stored) == seen
    for glyph in stored["displays"][0]["glyphs"]:
        del glyph["turn"]
    old = Observation.from_dict(stored).displays[0].glyphs
    assert old == tuple(replace(g, turn=None) for g in display.glyphs)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="a wheel stands"):
        Glyph((("1", 0.9),), 0, 1, 10.0)
    for wrong in ({"steep": 0.0}, {"most_decimals": -1}, {"most_off": 0.5}):
        with pytest.raises(ValueError, match="wanted steep"):
            TurnRules(**wrong)  # type: ignore[arg-type]
