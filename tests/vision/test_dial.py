"""Dials in drawn pictures: cut upright, found beside the drum, read, and none where there is none."""

from pathlib import Path

import numpy as np
import pytest

from recognizer.domain.dials import DialRules, row_reading
from recognizer.errors import ModelError
from recognizer.synth.dials import consistent, dial_row, water_face
from recognizer.vision.dial import DialFinder, find_pointers, reddish_spots
from recognizer.vision.dial_cut import SIDE, cut_dial
from recognizer.vision.frame import load_frame

QUAD = ((150.0, 120.0), (310.0, 120.0), (310.0, 160.0), (150.0, 160.0))


def test_a_cut_is_upright_around_the_pivot_at_any_size() -> None:
    picture = np.zeros((900, 900, 3), np.uint8)
    picture[440:460, 450:600] = 255  # points right
    for radius in (60.0, 300.0):
        cut = cut_dial(picture, 450, 450, radius)
        assert cut.shape == (SIDE, SIDE, 3)
        assert cut[SIDE // 2, SIDE // 2 + 3].min() > 150
        assert cut[SIDE // 2, SIDE // 2 - 6].max() < 60
    turned = cut_dial(picture, 450, 450, 60.0, angle=90.0)
    assert turned[SIDE // 2 + 8, SIDE // 2].min() > 150


def test_only_red_spots_away_from_the_counter_are_looked_at() -> None:
    grey = np.full((128, 128, 3), 150, np.uint8)
    assert reddish_spots(grey) == []
    beside, inside = grey.copy(), grey.copy()
    beside[88:94, 78:84] = (40, 40, 210)
    inside[44:48, 70:76] = (40, 40, 210)
    assert len(reddish_spots(beside)) == 1
    assert reddish_spots(inside) == []


def test_a_photo_without_red_never_loads_the_model() -> None:
    def load() -> None:
        raise AssertionError("the model was asked for")

    frame = load_frame(np.full((300, 460, 3), 150, np.uint8))
    assert find_pointers(load, frame, np.asarray(QUAD, np.float32)) == ()  # type: ignore[arg-type]


def test_no_dial_model_no_dials_and_a_damaged_one_is_an_error(tmp_path: Path) -> None:
    picture = np.full((300, 460, 3), 150, np.uint8)
    picture[220:235, 290:305] = (40, 40, 210)
    frame = load_frame(picture)
    assert DialFinder(tmp_path).find(frame, QUAD, row=True) == ()
    (tmp_path / "dial").mkdir()
    (tmp_path / "dial" / "card.toml").write_text("role = 3")
    with pytest.raises(ModelError, match="dial"):
        DialFinder(tmp_path).find(frame, QUAD, row=False)


def test_drawn_pointers_are_found_where_they_are() -> None:
    rng, found, there, off = np.random.default_rng(2), 0, 0, []
    for _ in range(5):
        face = water_face(rng, strength=0.1)
        assert face.quad is not None
        a, b, c, d = ((float(x), float(y)) for x, y in face.quad)
        seen = DialFinder().find(load_frame(face.image), (a, b, c, d), row=False)
        there += len(face.dials)
        for dial in face.dials:
            at = [s for s in seen if np.hypot(*(np.mean(s.quad, axis=0) - (dial.x, dial.y))) < 0.6 * dial.radius]
            found += bool(at)
            off += [abs((s.dial.turns[0][0] - dial.turn + 5) % 10 - 5) for s in at if s.dial]
    assert found >= 0.75 * there, (found, there)
    assert np.median(off) < 0.25


def test_drawn_rows_read_as_their_value() -> None:
    rng, right = np.random.default_rng(3), 0
    for i in range(6):
        face = dial_row(rng, int(rng.integers(10**5)), 5, last_clockwise=i % 2 == 0, strength=0.05)
        reading = row_reading(DialFinder().find(load_frame(face.image), None, row=True), DialRules(), 0.9)
        value = "".join(str(int(d.turn)) for d in face.dials)
        right += reading is not None and reading.candidates[0].text == value
    assert right >= 3, right


def test_drawn_faces_are_of_one_value() -> None:
    rng = np.random.default_rng(4)
    for _ in range(4):
        assert consistent(water_face(rng).dials)
        assert consistent(dial_row(rng, int(rng.integers(10**4)), 4, part=0.3).dials)
    with pytest.raises(ValueError, match="dials cannot show"):
        dial_row(rng, 100000, 5)
    with pytest.raises(ValueError, match="pointers"):
        water_face(rng, 5.0, 5)
