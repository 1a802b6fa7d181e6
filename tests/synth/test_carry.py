"""The counter's physics and the rule by which its wheels are read; catches off-by-one carries in the labels."""

import itertools

import numpy as np
import pytest

from recognizer.synth.carry import read_turns, sample_value, wheel_turns


@pytest.mark.parametrize(
    ("value", "wheels", "text"),
    [
        (0, 5, "00000"),
        (4899.55, 5, "04899"),  # three wheels roll, all count as their lower digit
        (9.99, 3, "009"),  # 9 to 0 is 9 until the wrap is done
        (10.0, 3, "010"),
        (99999.9, 5, "99999"),
        (7035.25, 5, "07035"),
    ],
)
def test_a_rolling_wheel_counts_as_its_lower_digit(value: float, wheels: int, text: str) -> None:
    assert read_turns(wheel_turns(value, wheels)) == text


def test_a_wheel_rolls_only_while_all_to_its_right_pass_nine() -> None:
    for value in np.arange(0, 2000, 0.05):
        turns = wheel_turns(float(round(value, 2)), 5, start=9.2)
        for left, right in itertools.pairwise(turns):
            if left % 1 > 1e-6:
                assert right > 9.2
            if right <= 9.2:
                assert left % 1 == pytest.approx(0, abs=1e-6)


def test_the_text_is_the_value_cut_off_whatever_the_start_of_the_roll() -> None:
    rng = np.random.default_rng(5)
    for _ in range(500):
        wheels = int(rng.integers(3, 9))
        value = sample_value(rng, wheels)
        assert read_turns(wheel_turns(value, wheels, float(rng.uniform(8.5, 9.6)))) == f"{int(value):0{wheels}d}"


def test_a_value_beyond_the_wheels_is_refused() -> None:
    with pytest.raises(ValueError, match="3 wheels"):
        wheel_turns(1000, 3)
