"""Would catch: probabilities that are no posterior, a wrong best text, carries decided by the wrong wheel,
and decoding time that explodes with the length of a strip."""

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.decode import RollRule, decode
from recognizer.domain.observation import CHARACTERS, DisplayKind, Glyph


def glyph(**odds: float) -> Glyph:
    """glyph(d3=0.5, d4=0.5, dot=0.1)"""
    pairs = (("." if name == "dot" else name[1:], p) for name, p in odds.items())
    return Glyph(tuple(sorted(pairs, key=lambda pair: -pair[1])), 0.0, 1.0)


def sure(text: str) -> list[Glyph]:
    return [Glyph(((char, 1.0),), 0.0, 1.0) for char in text]


@st.composite
def glyphs(draw: st.DrawFn) -> Glyph:
    chars = draw(st.lists(st.sampled_from(CHARACTERS), max_size=4, unique=True))
    weights = draw(st.lists(st.integers(1, 20), min_size=len(chars) + 1, max_size=len(chars) + 1))
    odds = ((char, weight / sum(weights)) for char, weight in zip(chars, weights, strict=False))
    return Glyph(tuple(sorted(odds, key=lambda pair: -pair[1])), 0.0, 1.0)


strips = st.lists(glyphs(), max_size=4)
KINDS: tuple[DisplayKind, ...] = ("lcd", "drum")
kinds = st.sampled_from(KINDS)


def by_enumeration(strip: list[Glyph]) -> dict[str, float]:
    texts: dict[str, float] = {}
    for combination in product(*([*g.odds, ("", g.absent)] for g in strip)):
        text = "".join(char for char, _ in combination).rstrip(".")
        probability = 1.0
        for _, p in combination:
            probability *= p
        if text and text.count(".") <= 1 and not text.startswith("."):
            texts[text] = texts.get(text, 0.0) + probability
    return texts


@given(strips)
def test_equals_enumeration_where_no_carry_applies(strip: list[Glyph]) -> None:
    expected = {text: p for text, p in by_enumeration(strip).items() if p > 1e-12}
    found = {c.text: c.probability for c in decode(strip, "lcd", k=10_000) if c.probability > 1e-12}
    assert set(found) <= set(expected)
    # Only beyond the beam's width may a text be missing, and then never one of the best.
    for text, p in sorted(expected.items(), key=lambda item: -item[1])[:5]:
        assert found.get(text, 0.0) == pytest.approx(p, abs=2e-3)
    if len(expected) <= 12:
        assert found == pytest.approx(expected)


@given(strips, kinds, st.integers(1, 8))
def test_is_a_posterior_best_first(strip: list[Glyph], kind: DisplayKind, k: int) -> None:
    candidates = decode(strip, kind, k=k)
    probabilities = [c.probability for c in candidates]
    assert sum(probabilities) <= 1 + 1e-9
    assert probabilities == sorted(probabilities, reverse=True)
    assert len({c.text for c in candidates}) == len(candidates) <= k
    assert all(c.text[0] != "." and c.text[-1] != "." and c.text.count(".") <= 1 for c in candidates)


@given(strips, kinds)
def test_fewer_candidates_are_the_first_of_more(strip: list[Glyph], kind: DisplayKind) -> None:
    assert decode(strip, kind, k=2) == decode(strip, kind, k=6)[:2]


@given(st.text("0123456789", min_size=1, max_size=9), st.integers(1, 9))
def test_wheels_at_rest_are_not_touched_by_the_carry(text: str, point: int) -> None:
    text = text[:point] + "." + text[point:] if point < len(text) else text
    for kind in KINDS:
        (best,) = decode(sure(text), kind)
        assert best.text == text
        assert best.probability == pytest.approx(1.0)


@pytest.mark.parametrize(("right", "expected"), [("9", "39"), ("0", "40")])
def test_a_half_turned_wheel_is_settled_by_its_right_neighbour(right: str, expected: str) -> None:
    best = decode([glyph(d3=0.5, d4=0.5), *sure(right)], "drum")[0]
    assert best.text == expected
    assert best.probability == pytest.approx(0.95)


def test_the_upper_digit_may_be_unlikelier_and_the_point_stands_between() -> None:
    assert decode([glyph(d3=0.7, d4=0.3), *sure(".0")], "drum")[0].text == "4.0"
    assert decode([glyph(d3=0.3, d4=0.7), *sure(".9")], "drum")[0].text == "3.9"


def test_nine_stays_nine_until_the_wrap_is_complete() -> None:
    wrapping = glyph(d9=0.5, d0=0.5)
    assert decode([*sure("1"), wrapping, *sure("9")], "drum")[0].text == "199"
    assert decode([glyph(d1=0.5, d2=0.5), wrapping, *sure("0")], "drum")[0].text == "200"


def test_a_chain_of_half_turned_wheels_hangs_together() -> None:
    texts = [c.text for c in decode([glyph(d1=0.5, d2=0.5), glyph(d9=0.5, d0=0.5), glyph(d9=0.5, d0=0.5)], "drum", k=2)]
    assert texts == ["199", "200"]


def test_no_carry_on_an_lcd_or_by_a_neighbour_far_from_its_arc() -> None:
    half = glyph(d3=0.4, d4=0.6)
    cases: tuple[tuple[list[Glyph], DisplayKind], ...] = (([half, *sure("9")], "lcd"), ([half, *sure("5")], "drum"))
    for strip, kind in cases:
        best = decode(strip, kind)[0]
        assert best.text[0] == "4"
        assert best.probability == pytest.approx(0.6)


def test_a_doubt_between_digits_that_are_not_neighbours_is_no_half_turn() -> None:
    assert decode([glyph(d3=0.4, d8=0.6), *sure("9")], "drum")[0].probability == pytest.approx(0.6)


def test_the_last_wheel_counts_as_its_lower_digit_unless_the_odds_decide() -> None:
    assert decode([glyph(d3=0.5, d4=0.5)], "drum")[0].text == "3"
    assert decode([glyph(d3=0.2, d4=0.8)], "drum")[0].text == "4"


def test_the_arc_is_a_setting() -> None:
    strip = [glyph(d3=0.4, d4=0.6), *sure("7")]
    assert decode(strip, "drum")[0].text == "47"
    assert decode(strip, "drum", roll=RollRule(arc_start=6))[0].text == "37"


def test_the_same_text_by_two_ways_counts_once_with_both_chances() -> None:
    maybe = glyph(d1=0.5)
    assert decode([maybe, maybe, *sure("2")], "lcd")[0].text == "12"
    assert decode([maybe, maybe, *sure("2")], "lcd")[0].probability == pytest.approx(0.5)


def test_two_sure_points_are_no_reading_and_nothing_gains_by_it() -> None:
    assert decode(sure("1.2.3"), "lcd") == ()
    assert decode(sure(".5"), "lcd") == ()
    assert decode([], "drum") == ()
    assert decode([glyph()], "drum") == ()


def test_a_long_strip_without_a_clue_takes_bounded_time() -> None:
    blur = Glyph(tuple((char, 0.08) for char in CHARACTERS), 0.0, 1.0)
    begin = time.perf_counter()
    candidates = decode([blur] * 24, "drum")
    assert time.perf_counter() - begin < 1.0
    assert len(candidates) == 5
    assert candidates[0].probability < 1e-6


@pytest.mark.parametrize(
    "wrong", [{"arc_start": 0}, {"arc_end": 9}, {"trust": 1.0}, {"trust": 0.4}, {"last": 0.0}, {"noticeable": 0.6}]
)
def test_a_rule_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        RollRule(**wrong)  # type: ignore[arg-type]


def test_drums_are_read_as_they_are_made() -> None:
    """00138331 of 138.331: the red wheels of a greyish photo were not seen for red, and the reading was accepted."""
    whole = [Glyph(((c, 0.999),), 0, 1) for c in "00138331"]
    point = Glyph(((".", 0.03),), 0.6, 0.6)
    best, second = decode([*whole[:5], point, *whole[5:]], "drum", k=2)
    assert (best.text, second.text) == ("00138.331", "00138331")
    assert best.probability < 0.7
    # Nothing of a point was seen: the digits stay what they are. An LCD may show eight digits.
    assert decode(whole, "drum")[0].text == "00138331"
    assert decode([*whole[:5], point, *whole[5:]], "lcd")[0].text == "00138331"
    # Six whole wheels are made, so a faint point settles nothing.
    assert decode([*whole[2:5], point, *whole[5:]], "drum")[0].text == "138331"
    wrong_place = [*whole[:6], Glyph(((".", 0.6),), 0.7, 0.7), *whole[6:]]
    assert decode([*whole[:5], Glyph(((".", 0.2),), 0.6, 0.6), *wrong_place[5:]], "drum")[0].text == "00138.331"


def test_an_lcd_of_few_digits_with_three_decimals_must_be_seen_surely() -> None:
    """1.955 of 1955, 26.855 of 26855: a speck, or nothing at all, was a point before the last three digits."""

    def best(text: str, point: int, chance: float) -> str:
        digits = [Glyph(((c, 0.999),), 0, 1) for c in text]
        speck = Glyph(((".", chance),), 0.5, 0.5)
        return decode([*digits[:point], speck, *digits[point:]], "lcd")[0].text

    assert best("26855", 2, 0.8) == "26855"
    assert best("26855", 2, 0.97) == "26.855"
    assert best("26855", 4, 0.6) == "2685.5"
    assert best("00012345", 5, 0.6) == "00012.345"


def test_a_drum_with_nine_wheels_is_doubted() -> None:
    """001953.434 of 00153.434, and accepted."""
    glyphs = [Glyph(((c, 0.999),), 0, 1) for c in "00153.434"]
    glyphs.insert(3, Glyph((("9", 0.97),), 0.3, 0.4))
    best, second = decode(glyphs, "drum", k=2)
    assert {best.text, second.text} == {"00153.434", "001953.434"}
    assert best.probability < 0.7
    assert decode(glyphs, "lcd")[0].text == "001953.434"


def test_a_sixth_wheel_without_decimals_must_be_seen_surely() -> None:
    """915302 of 15302: a screw beside the window was read as a 9, and the reading was accepted."""
    screw, digits = Glyph((("9", 0.98),), 0, 0.1), [Glyph(((c, 0.9999),), 0, 1) for c in "15302"]
    assert decode([screw, *digits], "drum")[0].probability < 0.9
    assert decode([Glyph((("9", 0.9999),), 0, 0.1), *digits], "drum")[0].probability > 0.99


def test_what_is_open_stays_open_on_a_drum() -> None:
    nonsense = [Glyph(((c, 0.3),), 0, 1) for c in "12345678"]
    assert sum(c.probability for c in decode(nonsense, "drum")) < 0.5
