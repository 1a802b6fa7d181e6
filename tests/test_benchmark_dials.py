"""The truth of the dials benchmark, and what counts as all found and none invented."""

from benchmarks.dials import Place, all_found, places
from recognizer.domain.observation import Dial, Display, Observation


def seen(*centres: tuple[float, float]) -> Observation:
    dial = Dial(((1.0, 1.0),), 0.0, None)
    quads = (((x - 9, y - 9), (x + 9, y - 9), (x + 9, y + 9), (x - 9, y + 9)) for x, y in centres)
    return Observation(100, 100, 1.0, tuple(Display("dial", quad, 0.99, 1.0, dial=dial) for quad in quads))


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
