"""The truth of the dials benchmark, and what counts as all found and none invented."""

from types import SimpleNamespace

from benchmarks.dials import Place, all_found, half_turned, places, rounding
from recognizer.domain.observation import Dial, Display, Glyph, Observation
from recognizer.domain.policy import Policy
from recognizer.evaluate import Truth


def seen(*centres: tuple[float, float]) -> Observation:
    dial = Dial(((1.0, 1.0),), 0.0, None)
    quads = (((x - 9, y - 9), (x + 9, y - 9), (x + 9, y + 9), (x - 9, y + 9)) for x, y in centres)
    return Observation(100, 100, 1.0, tuple(Display("dial", quad, 0.99, 1.0, dial=dial) for quad in quads))


def truth(text: str) -> Truth:
    return Truth("a.webp", "bdci-water", "test", "drum", "", text, True)


def test_what_can_be_seen_must_be_found_and_nothing_invented() -> None:
    known = [Place(20, 20, 10, True), Place(60, 60, 10, False)]
    assert all_found(known, seen((22, 20)))
    assert all_found(known, seen((22, 20), (61, 58)))
    assert not all_found(known, seen())
    assert not all_found(known, seen((61, 58)))
    assert not all_found(known, seen((22, 20), (90, 20)))


def test_the_truth_names_four_places_on_each_of_a_hundred_photos() -> None:
    known = places()
    assert len(known) == 100
    assert all(len(at) == 4 for at in known.values())
    assert sum(p.seen for at in known.values() for p in at) > 200


def test_truths_are_counted_by_the_first_pointer() -> None:
    """Which digit a half-turned wheel's truth names, and what is left out: wheels that stand, pointers not found."""
    reader = SimpleNamespace(policy=Policy())

    def seen(odds: tuple[tuple[str, float], ...], turn: float | None) -> Observation:
        quad = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))
        drum = Display("drum", quad, 0.9, 0.9, (Glyph(odds, 0.0, 1.0),))
        dial = () if turn is None else (Display("dial", quad, 0.9, 0.9, dial=Dial(((turn, 0.9),), 0.0, "0.1")),)
        return Observation(100, 100, 1.0, (drum, *dial))

    half, still = (("4", 0.6), ("3", 0.4)), (("4", 0.99),)
    pairs = [
        (truth("00013"), seen(half, 9.5)),
        (truth("00014"), seen(half, 9.5)),
        (truth("00014"), seen(half, 0.5)),
        (truth("00017"), seen(half, 0.5)),
        (truth("00014"), seen(still, 9.5)),
        (truth("00014"), seen(half, None)),
    ]
    assert half_turned(pairs[0][1], reader) == ("3", "4")  # type: ignore[arg-type]
    rows = {name: (int(low), int(high)) for name, low, high in rounding(pairs, reader)}  # type: ignore[arg-type]
    assert rows["9 to 10"] == (1, 1)
    assert rows["0 to 1"] == (0, 1)
    assert sum(map(sum, rows.values())) == 3
