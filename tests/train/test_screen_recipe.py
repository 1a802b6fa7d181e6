"""The screen reader's training pictures: truth where it is told, and none where it is not."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from recognizer.synth.clip_stage import Ground  # noqa: E402
from recognizer.synth.labels import RowBoxes, Screen, ScreenPicture, rectangle  # noqa: E402
from recognizer.synth.screen import draw_screen  # noqa: E402
from recognizer.synth.screen_real import draw_screen_on  # noqa: E402
from recognizer.train import renew, screen, screen_panels, screen_real, screens  # noqa: E402
from recognizer.train.calibrate_screen import fitted, said_of  # noqa: E402
from recognizer.train.data import Example  # noqa: E402
from recognizer.train.nets import ScreenNet, _along, _middles  # noqa: E402
from recognizer.vision.panel import PANEL_HEIGHT, PANEL_WIDTH, beside  # noqa: E402
from recognizer.vision.screen import LABEL_CHARACTERS, SCREEN_MARKS, SCREEN_UNITS, Trust  # noqa: E402

VALUE = rectangle(60, 40, 180, 70)


def real(label: str | None, unit: int, marks: tuple[bool | None, ...]) -> screen_panels.RealPanel:
    return screen_panels.RealPanel(np.full((110, 240, 3), 140, np.uint8), VALUE, label, unit, marks)


def marks_of(panel: screen_panels.Panel) -> set[str]:
    return {mark for mark, lit in zip(SCREEN_MARKS, panel.marks, strict=True) if lit}


@pytest.mark.parametrize(
    ("value", "told"),
    [("12:30:45", {"TIME"}), ("24.11.26", {"DATE"}), ("12-30-45", {"TIME", "DATE"}), ("12345.6", set())],
)
def test_clocks_and_dates_are_told_by_their_form(value: str, told: set[str]) -> None:
    rng = np.random.default_rng(0)
    kind = "clock" if told else "energy"
    drawn = draw_screen(rng, screen=Screen.of(kind, value))  # type: ignore[arg-type]
    assert marks_of(screen_panels.sample(rng, drawn, ())) == told


def test_what_a_real_photo_does_not_tell_costs_nothing() -> None:
    """Were it counted as absent, the network would learn not to see the marks that stand there."""
    rng = np.random.default_rng(1)
    silent = screen.batches(
        [(1.0, screen_panels.any_real([real(None, screen_panels.NOT_TOLD, screen_panels.NO_MARK_TOLD)]))]
    )(rng, 2)
    net = ScreenNet().eval()
    with torch.no_grad():
        assert float(screen.loss(net, silent)) == 0.0
        told = screen.batches([(1.0, screen_panels.any_real([real("1.8.0", 1, (False,) * len(SCREEN_MARKS))]))])(rng, 2)
        assert float(screen.loss(net, told)) > 1.0
    assert screen.accuracy(net, silent)["unit"] == 0.0


def test_a_strip_cut_out_to_its_digits_has_no_label(tmp_path: Path) -> None:
    """What continues its edges to fill the panel was read as a label, and the register was unknown for it."""
    with screen_real.SEEN_UNITS_CSV.open(newline="") as file:
        seen = {row["unit"]: row["file"] for row in csv.DictReader(file)}
    names = [seen["kWh"], seen["none"], "photos/lcd-strips/another.webp"]
    with (tmp_path / "photos.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerows([("file", "scene", "unit", "register"), *((name, "crop", "kWh", "") for name in names)])
    (tmp_path / "photos/lcd-strips").mkdir(parents=True)
    beyond = rectangle(-2, -2, 180, 30)
    for name in names:
        cv2.imwrite(str(tmp_path / name), np.full((28, 178, 3), 140, np.uint8))
    strips = [Example(name, "lcd-strips", "train", "lcd", "energy", True, beyond, ("123",)) for name in names]
    telling, cut_out, bare = screen_real.real_panels(tmp_path, strips)
    assert (telling, bare) == ([], [])
    assert [panel.label for panel in cut_out] == ["", "", ""]
    assert [panel.unit for panel in cut_out] == [SCREEN_UNITS.index("kWh"), 0, screen_panels.NOT_TOLD]
    lit = dict(zip(SCREEN_MARKS, cut_out[0].marks, strict=True))
    assert (lit["T1"], lit["CUM"]) == (False, None)


@pytest.mark.parametrize(
    ("register", "unit", "printed"),
    [("1.8.2", None, True), ("total", None, True), ("4.8.0", None, False), ("1.8.0", "MWh", False)],
)
def test_a_reading_whose_glass_has_no_unit_has_it_from_the_plate(
    monkeypatch: pytest.MonkeyPatch, register: str, unit: str | None, printed: bool
) -> None:
    monkeypatch.setattr(screen_panels, "ON_PLATE", 1.0)
    rng = np.random.default_rng(4)
    drawn = draw_screen(rng, screen=Screen.of("energy", "12345", None, unit, (), register))
    panel = screen_panels.sample(rng, drawn, ())
    assert SCREEN_UNITS[panel.unit] == ("kWh" if printed else unit or "")
    right_of_value = panel.places[1, 0] > PANEL_WIDTH * 0.6
    assert right_of_value or not printed


@pytest.mark.parametrize(("at", "label", "lit"), [(0, "1.8.0", True), (-200, "", False), (-60, None, None)])
def test_what_is_not_on_the_panel_is_not_told(
    monkeypatch: pytest.MonkeyPatch, at: int, label: str | None, lit: bool | None
) -> None:
    """A network that was told of labels left of the panel guessed at them, and its chances were worth nothing."""
    monkeypatch.setattr(screen_panels, "FURTHER_LEFT", 0.0)
    monkeypatch.setattr(screen_panels, "shake_corners", lambda _, corners: corners)
    monkeypatch.setattr(screen_panels, "degrade", lambda _, image, strength: image)
    value = rectangle(300, 40, 500, 80)
    left = value[0, 0] - beside(value) * 200
    place = rectangle(left + at, 40, left + at + 80, 60)
    picture = ScreenPicture(
        np.full((140, 700, 3), 150, np.uint8),
        Screen.of("energy", "12345", "1.8.0", "kWh", ("T1",)),
        (RowBoxes(value, label=place),), (("T1", place),), (100, 20, 600, 120),
    )  # fmt: skip
    panel = screen_panels.sample(np.random.default_rng(6), picture, ())
    assert (panel.label, panel.marks[SCREEN_MARKS.index("T1")]) == (label, lit)
    assert SCREEN_UNITS[panel.unit] == "kWh"  # where it is not known where it stands it is taken to be there


def test_drawn_screens_are_renewed_and_marked_ones_have_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a network that learns a fixed few thousand screens by heart."""
    drawings = 0

    def draw(rng: np.random.Generator) -> ScreenPicture:
        nonlocal drawings
        drawings += 1
        marks = ("T1",) if drawings % 2 else ("L1",)
        return draw_screen(rng, screen=Screen.of("energy", "12345", None, "kWh", marks))

    monkeypatch.setattr(renew, "RENEWED", 1.0)
    rng = np.random.default_rng(5)
    make = screen_panels.any_drawn(renew.renewed(rng, screens.marked(draw), 2), ())
    assert drawings == 3
    assert all(marks_of(make(rng)) == {"T1"} for _ in range(3))
    assert drawings == 9


def test_a_display_that_is_off_shows_the_screen_within_its_corners() -> None:
    rng = np.random.default_rng(2)
    photo = np.full((300, 500, 3), 150, np.uint8)
    corners = np.array([[100, 100], [400, 110], [398, 190], [98, 180]], np.float32)
    screen_ = Screen.of("energy", "123456", None, "kWh")
    drawn = draw_screen_on(rng, Ground(photo, corners), screen_)
    box = drawn.boxes[0]
    x0, y0, x1, y1 = drawn.panel
    inside = drawn.image[y0:y1, x0:x1]
    assert (inside.min(), drawn.image[:y0].min()) < (110, 140)  # digits are dark, the photo around is as it was
    for quad in (box.value, box.unit):
        assert quad is not None
        assert (quad.min(0) >= (x0 - 2, y0 - 2)).all()
        assert (quad.max(0) <= (x1 + 2, y1 + 2)).all()
    slope = (box.value[1] - box.value[0])[1] / (box.value[1] - box.value[0])[0]
    assert slope == pytest.approx(1 / 30, abs=0.02)  # it lies as the display does


def test_a_panel_has_the_size_that_the_network_takes() -> None:
    rng = np.random.default_rng(3)
    panel = screen_panels.sample(rng, screens.draw(rng), [np.zeros((200, 400, 3), np.uint8)])
    assert panel.image.shape == (PANEL_HEIGHT, PANEL_WIDTH, 3)
    label, unit, marks, heights = ScreenNet().eval()(torch.zeros(1, 3, PANEL_HEIGHT, PANEL_WIDTH))
    assert (label.shape[2], unit.shape[1], marks.shape[1]) == (
        len(LABEL_CHARACTERS) + 1, len(SCREEN_UNITS), len(SCREEN_MARKS),
    )  # fmt: skip
    assert heights.shape[1] * 2 == label.shape[1]


def test_the_height_of_a_label_is_that_of_its_map() -> None:
    heat = torch.full((1, 1, 18, 96), -9.0)
    heat[0, 0, 4], heat[0, 0, 11:14, 50:] = 9.0, 30.0
    assert torch.allclose(_middles(heat)[0, 0, 0, [0, 90]], torch.tensor([4.0, 12.0]), atol=0.01)


def test_maps_are_known_where_a_place_is_or_nothing_can_be() -> None:
    """Would catch an answer that is learned from what only training knows: which maps were told a place."""
    places = np.stack([screen_panels.NOWHERE, screen_panels.NOWHERE])
    places[0, 0], places[0, 1] = (0, 0, 20, 8), (40, 16, 60, 24)
    unit, marks = torch.tensor([2, 2]), torch.zeros(2, len(SCREEN_MARKS))
    marks[1, 3] = 1.0
    inside, known = screen._inside(torch.from_numpy(places), unit, marks, torch.tensor([False, True]))
    assert inside[0, 2].nonzero().tolist() == [[y, x] for y in (2,) for x in range(10, 15)]
    assert inside[0, 0].sum() == 5
    assert not inside[0, [1, *range(3, inside.shape[1])]].any()
    assert not inside[1].any()
    assert known[0].all()
    # Of the second picture nobody told where its unit and its one mark stand, and it has no label.
    unknown = {2, len(SCREEN_UNITS) + 3}
    assert {n for n, told in enumerate(known[1].tolist()) if not told} == unknown


def test_rows_are_taken_at_their_heights_between_two_of_them_by_distance() -> None:
    y = torch.arange(6.0)[None, None, :, None].expand(1, 2, 6, 3) * torch.tensor([1.0, 10.0])[None, :, None, None]
    middles = torch.tensor([[2.0, 2.5, 9.0], [3.0, 3.5, 10.0]])[None, None]
    taken = _along(y, middles, torch.tensor([1.0, 0.5, 1.0])[None, None, None])
    assert taken.shape == (1, 4, 1, 3)
    first, second = taken[0, :, 0].reshape(2, 2, 3)  # of each height both channels
    assert first.tolist() == [[2.0, 1.25, 0.0], [20.0, 12.5, 0.0]]  # what is half lit counts half, no row nothing
    assert second.tolist() == [[3.0, 1.75, 0.0], [30.0, 17.5, 0.0]]


def test_the_unit_of_a_title_is_asked_of_nobody() -> None:
    rng = np.random.default_rng(8)
    title = screen_panels.sample(rng, screens.draw_title(rng), ())
    assert title.unit == screen_panels.NOT_TOLD
    assert title.label


def test_how_far_nothing_is_believed_is_fitted_before_what_is_read() -> None:
    """A label that is told only because nothing was doubted too much is none to judge the read ones by."""
    blank, read = np.zeros((12, 42)), np.zeros((12, 42))
    blank[:, 0], read[:, 0] = 5.0, 5.0
    read[3, :2] = 0.0, 9.0
    no_unit, unit = np.zeros(len(SCREEN_UNITS)), np.zeros(len(SCREEN_UNITS))
    no_unit[0], unit[1] = 2.0, 9.0
    picture, marks = np.zeros((1, 1, 3), np.uint8), np.zeros(len(SCREEN_MARKS))
    bare = screen_panels.Panel(picture, "", 0, (False,) * len(SCREEN_MARKS))
    told = screen_panels.Panel(picture, "0", 1, screen_panels.NO_MARK_TOLD)
    said = said_of([(bare, blank, no_unit, marks)] * 200 + [(told, read, unit, marks)] * 200)
    assert {name: len(pairs) for name, pairs in said.items()} == {
        "label": 200, "unit": 200, "marks": 200 * len(SCREEN_MARKS), "no_label": 200, "no_unit": 400,
    }  # fmt: skip
    assert all(right for name in ("label", "unit") for _, right in said[name])
    assert {right for p, right in said["no_unit"] if p < 0.1} == {False}


def test_odds_are_raised_where_the_network_was_right_more_often_than_it_said() -> None:
    said = [(0.5, i % 10 < 9) for i in range(400)] + [(0.1, i % 10 < 5) for i in range(400)]
    figures = fitted(said)
    chances = [Trust(**figures).chance(p) for p in (0.5, 0.1)]
    assert chances == pytest.approx([0.9, 0.5], abs=0.03)
    assert fitted([]) == {"slope": 1.0, "offset": 0.0}
    assert fitted([(0.9, False), (0.1, True)] * 99)["slope"] == 0.0  # never the surer the less believed


def test_a_title_is_cut_where_its_value_will_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a clip looks at it; cut around themselves alone, titles below an empty row of digits were not read."""
    rng = np.random.default_rng(9)
    middles = {}
    for share in (0.0, 1.0):
        monkeypatch.setattr(screen_panels, "IN_VALUES_PLACE", share)
        panels = [screen_panels.sample(rng, screens.draw_title(rng), ()) for _ in range(40)]
        assert all(panel.unit == screen_panels.NOT_TOLD for panel in panels)
        middles[share] = [panel.places[0, [1, 3]].mean() for panel in panels if panel.label]
    assert np.std(middles[0.0]) < 6 < 20 < np.std(middles[1.0])


def test_a_label_that_is_cut_off_is_looked_for_further_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_panels, "FURTHER_LEFT", 1.0)
    value = rectangle(600, 40, 1000, 80)
    place = rectangle(600 - beside(value) * 400 - 60, 40, 600 - beside(value) * 400 + 20, 60)
    picture = ScreenPicture(
        np.full((140, 1200, 3), 150, np.uint8), Screen.of("energy", "12345.678", "1.8.0", "kWh"),
        (RowBoxes(value, label=place),), (), (100, 20, 1100, 120),
    )  # fmt: skip
    assert screen_panels.sample(np.random.default_rng(6), picture, ()).label == "1.8.0"
