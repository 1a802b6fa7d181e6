"""Drawn training pictures of locator and counter: what they say of themselves is what they show."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from recognizer.synth.labels import Row, rectangle  # noqa: E402
from recognizer.synth.screen import draw_screen  # noqa: E402
from recognizer.train import counter_screens, locator_scenes, renew, screens  # noqa: E402
from recognizer.train.counter import ALPHABET  # noqa: E402
from recognizer.train.data import Example  # noqa: E402
from recognizer.train.locator import cache_photo  # noqa: E402


def test_a_drawn_display_covers_the_counter_of_the_photo_and_keeps_its_corners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches corners that are left behind when the display is laid over the counter, and counters left to be seen."""
    drawn = draw_screen(np.random.default_rng(1))
    white = np.full_like(drawn.image, 255)
    for box in drawn.boxes:
        cv2.fillConvexPoly(white, np.round(box.value).astype(np.int32), (0, 0, 0))
    monkeypatch.setattr(
        locator_scenes, "draw", lambda _: type(drawn)(white, drawn.screen, drawn.boxes, (), drawn.panel)
    )
    monkeypatch.setattr(locator_scenes, "TITLES", 0.0)
    monkeypatch.setattr(locator_scenes, "BLANK", 0.0)
    counter = np.array([[300, 260], [460, 300], [450, 340], [290, 300]], np.float32)
    image = np.zeros((600, 800, 3), np.uint8)
    cv2.fillConvexPoly(image, counter.astype(np.int32), (0, 0, 255))
    example = Example("a", "test", "train", "drum", "energy", True, counter, ("12345",))
    make = locator_scenes.over_counters([example], [cache_photo(image, (("drum", counter, True),))])
    for seed in range(10):
        laid = make(np.random.default_rng(seed))
        picture = laid.levels[0].astype(int)
        assert not ((picture[..., 2] > 150) & (picture[..., 0] < 60)).any()
        shown = [row for row in drawn.screen.rows if row.value]
        assert len(laid.displays) == len(shown)
        for kind, quad, legible in laid.displays:
            assert (kind, legible) == ("lcd", True)
            middle = quad.mean(0)
            inside, outside = middle + (quad - middle) * 0.8, middle + (quad - middle) * 1.2
            dark, light = (picture[tuple(np.round(at).astype(int).T[::-1])] for at in (inside, outside))
            assert dark.max() < 40 < light.min()


def test_displays_that_are_off_are_found_and_not_legible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locator_scenes, "BLANK", 1.0)
    counter = np.array([[300, 260], [460, 300], [450, 340], [290, 300]], np.float32)
    photo = cache_photo(np.zeros((600, 800, 3), np.uint8), (("drum", counter, True),))
    example = Example("a", "test", "train", "drum", "energy", True, counter, ("12345",))
    shown = locator_scenes.over_counters([example], [photo])(np.random.default_rng(0)).displays
    assert [(kind, legible) for kind, _, legible in shown] == [("lcd", False)]


def test_filmed_scenes_have_a_display_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locator_scenes, "ALL_ROWS", 1.0)
    rows = [len(locator_scenes.filmed(np.random.default_rng(seed)).displays) for seed in range(4)]
    assert max(rows) > 1


def test_values_of_screens_are_what_a_counter_can_say() -> None:
    rng = np.random.default_rng(2)
    make = counter_screens.drawn_values(rng, screens.draw, 12)
    texts = {make(rng).texts for _ in range(60)}
    assert len(texts) > 8
    assert all(len(options) == 1 and set(options[0]) <= set(ALPHABET) for options in texts)
    filmed = counter_screens.filmed_values(rng, 2)(rng)
    assert filmed.quad.shape == rectangle(0, 0, 1, 1).shape
    assert (filmed.quad > 0).all()
    assert (filmed.quad < filmed.image.shape[1::-1]).all()


def test_screens_are_filmed_at_any_time_of_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renew, "RENEWED", 0.0)
    rng = np.random.default_rng(4)
    draw = screens.filmed(rng, [], 2)
    drawn = [draw(rng) for _ in range(16)]
    assert len({tuple(row.value for row in one.screen.rows) for one in drawn}) > 2
    for one in drawn:
        assert one.screen.kind != "test"
        for row, box in zip(one.screen.rows, one.boxes, strict=True):
            middle = np.asarray(box.value if row.value else box.label).mean(0)
            assert (middle > 0).all()
            assert (middle < one.image.shape[1::-1]).all()


def test_a_stock_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(range(1000))
    rng = np.random.default_rng(0)
    take = renew.renewed(rng, lambda _: next(drawn), 3)
    assert max(take(rng) for _ in range(300)) > 3
    monkeypatch.setattr(renew, "RENEWED", 0.0)
    assert len({take(rng) for _ in range(100)}) == 3


def test_values_are_cut_with_unlit_segments_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the locator cuts them; strong ones were read as digits, on both sides."""
    rng, rows = np.random.default_rng(2), (Row("12345", None),)
    value, image = rectangle(200, 50, 300, 80), np.zeros((130, 400, 3), np.uint8)
    monkeypatch.setattr(counter_screens, "WITH_UNLIT", 1.0)
    cutouts = [counter_screens._cutouts(rng, image, rows, [value], [None])[0] for _ in range(40)]
    lengths = [float(c.quad[1, 0] - c.quad[0, 0]) for c in cutouts]
    assert max(lengths) > 220 > min(lengths) > 100
    assert all(c.texts == ("12345",) for c in cutouts)
    monkeypatch.setattr(counter_screens, "WITH_UNLIT", 0.0)
    (tight,) = counter_screens._cutouts(rng, image, rows, [value], [None])
    assert float(tight.quad[1, 0] - tight.quad[0, 0]) == pytest.approx(100)
