"""What stands beside an LCD's value, from a network's answer: absent, certain, and doubtful."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.domain.observation import Mark
from recognizer.errors import ModelError
from recognizer.vision.panel import FURTHER, PANEL_HEIGHT, PANEL_WIDTH, further_left
from recognizer.vision.screen import (
    CUT_OFF,
    LABEL_CHARACTERS,
    SCREEN_MARKS,
    SCREEN_UNITS,
    TALLER,
    ScreenReader,
    Trust,
    Trusts,
    read_panel,
    trusts_of,
)

PANEL = np.zeros((PANEL_HEIGHT, PANEL_WIDTH, 3), np.uint8)
COLUMNS, SURE = 24, 10.0


def model(
    label: str = "", unit: dict[str, float] | None = None, marks: dict[str, float] | None = None, at: int = CUT_OFF
) -> Any:
    """A network that gives this label from column ``at`` on, units with these logits and marks with these chances."""
    columns = np.zeros((1, COLUMNS, len(LABEL_CHARACTERS) + 1), np.float32)
    codes = [LABEL_CHARACTERS.index(c) + 1 for c in label]
    path = [0] * at + [c for code in codes for c in (code, 0)]
    path += [0] * (COLUMNS - len(path))
    columns[0, np.arange(COLUMNS), path] = SURE
    units = np.array([[(unit or {"": SURE}).get(u, 0.0) for u in SCREEN_UNITS]], np.float32)
    odds = np.array([[(marks or {}).get(m, 1e-6) for m in SCREEN_MARKS]], np.float64)
    heights = np.full((1, COLUMNS // 2), 0.5, np.float32)
    return SimpleNamespace(run=lambda _: [columns, units, np.log(odds / (1 - odds)).astype(np.float32), heights])


def test_a_bare_panel_has_nothing_beside_its_value() -> None:
    assert read_panel(model(), PANEL) == type(read_panel(model(), PANEL))()


def test_label_unit_and_marks_come_with_their_chances() -> None:
    beside = read_panel(model("1.8.1", {"kWh": 12.0}, {"T1": 0.9, "MAX": 0.3, "TIME": 0.01}), PANEL)
    assert beside.label is not None
    assert beside.label.text == "1.8.1"
    assert 0.9 < beside.label.probability <= 1
    assert beside.unit is not None
    assert beside.unit.text == "kWh"
    assert beside.unit.probability > 0.99
    assert [(m.text, round(m.probability, 3)) for m in beside.marks] == [("T1", 0.9), ("MAX", 0.3)]


def test_a_doubled_character_needs_a_gap_between() -> None:
    beside = read_panel(model("F.F"), PANEL)
    assert beside.label is not None
    assert beside.label.text == "F.F"
    beside = read_panel(model("11"), PANEL)
    assert beside.label is not None
    assert beside.label.text == "11"


def test_a_doubtful_unit_is_told_with_its_doubt_and_not_left_out() -> None:
    """Were it left out, a power screen whose kW is faint would pass for the total."""
    beside = read_panel(model(unit={"": 0.7, "kW": 0.3, "V": -9.0}), PANEL)
    assert isinstance(beside.unit, Mark)
    assert beside.unit.text == "kW"
    assert beside.unit.probability < 0.5


def test_a_label_too_faint_to_read_is_told_and_a_bare_panel_has_none() -> None:
    """Left out, a history register whose label is faint would pass for the total."""
    bare, faint = model(), model()
    for columns, blank in ((bare.run(0)[0], 7.0), (faint.run(0)[0], 5.5)):
        columns[0] = 0.0
        columns[0, :, 0] = blank  # 41 characters a column have the rest: 0.44 and 0.05 that all columns are empty
    bare.run(0)[0][0, :, 0] = SURE
    assert read_panel(bare, PANEL).label is None
    label = read_panel(faint, PANEL).label
    assert label is not None
    assert label.probability < 0.1


def test_a_card_says_how_far_the_network_is_believed() -> None:
    doubtful = model("1.8.1", {"kWh": 2.0, "": 1.0}, {"T1": 0.4})
    plain = read_panel(doubtful, PANEL)
    raised = read_panel(doubtful, PANEL, Trusts(Trust(1.0, 2.0), Trust(1.0, 2.0), Trust(2.0, 0.0)))
    assert plain.label is not None and raised.label is not None  # noqa: PT018
    assert raised.label.text == plain.label.text
    assert raised.label.probability > plain.label.probability
    assert plain.unit is not None and raised.unit is not None  # noqa: PT018
    assert raised.unit.probability > plain.unit.probability
    assert raised.marks[0].probability < plain.marks[0].probability  # 0.4 is rather none, and surer so
    assert Trust().chance(0.37) == pytest.approx(0.37)


def test_a_card_says_how_far_nothing_is_believed() -> None:
    """Small doubts of 192 columns and 11 units add up: on most panels without a unit one was told."""
    bare = model(unit={"": 1.0, **dict.fromkeys(SCREEN_UNITS[1:], -2.0)})
    bare.run(0)[0][0, :, 0] = 5.5
    doubted = read_panel(bare, PANEL)
    assert doubted.label is not None
    assert doubted.unit is not None
    raised = read_panel(bare, PANEL, Trusts(no_label=Trust(1.0, 4.0), no_unit=Trust(1.0, 4.0)))
    assert (raised.label, raised.unit) == (None, None)
    there = model("1.8.0", {"kWh": 9.0, "": 1.0})
    assert read_panel(there, PANEL, Trusts(no_label=Trust(1.0, 9.0), no_unit=Trust(1.0, 4.0))).label is not None


def test_a_damaged_calibration_is_told_and_not_taken_for_certainty() -> None:
    broken: tuple[object, ...] = ({"label": {"slope": -1.0}}, {"label": {"steep": 1.0}}, {"digits": {}}, "none")
    for figures in broken:
        with pytest.raises(ModelError, match="reinstall"):
            trusts_of(SimpleNamespace(card=SimpleNamespace(settings={"calibration": figures})))  # type: ignore[arg-type]
    assert trusts_of(SimpleNamespace(card=SimpleNamespace(settings={}))) == Trusts()  # type: ignore[arg-type]


def test_a_model_of_another_version_is_refused() -> None:
    other = SimpleNamespace(run=lambda _: [np.zeros((1, 5, 3)), np.zeros((1, 2)), np.zeros((1, 2))])
    with pytest.raises(ModelError, match="reinstall"):
        read_panel(other, PANEL)  # type: ignore[arg-type]


def test_without_a_model_nothing_is_read(tmp_path: Any) -> None:
    reader = ScreenReader(tmp_path)
    assert reader.digest is None
    assert reader.read(PANEL, np.array([[9, 9], [99, 9], [99, 30], [9, 30]], np.float32)).unit is None


@pytest.mark.parametrize(
    ("near", "far", "label"),
    [("", "1.8.1", "1.8.1"), ("1", "1.8.1", "1.8.1"), ("1.8.2", "7", "1.8.2"), ("", "", None)],
)
def test_a_label_left_of_a_short_value_is_read_on_a_longer_panel(
    tmp_path: Any, near: str, far: str, label: str | None
) -> None:
    """The surer of the two, with the marks of both; the unit as well, where the longer one shows it for certain."""
    far_panel = model(far, {"kW": 2.0}, {"T1": 0.9, "MAX": 0.3})
    panels = iter([model(near, {"kWh": 9.0}, {"T1": 0.2}), far_panel, model("", {"": SURE}, {})])
    doubt = 4.0 if near == "1" else SURE
    looks: list[Any] = []

    def run(picture: Any) -> list[Any]:
        answer = next(panels).run(picture)
        if not looks:
            answer[0] = answer[0] / SURE * doubt
        looks.append(picture)
        return list(answer)

    reader = ScreenReader(tmp_path)
    card = SimpleNamespace(settings={})
    reader._model = SimpleNamespace(present=True, load=lambda: SimpleNamespace(run=run, card=card))  # type: ignore[assignment]
    beside = reader.read(
        np.zeros((200, 600, 3), np.uint8), np.array([[300, 90], [400, 90], [400, 110], [300, 110]], np.float32)
    )
    assert (beside.label.text if beside.label else None) == label
    assert beside.unit is not None
    assert beside.unit.text == "kWh"
    if near == "1.8.2":
        assert len(looks) == 1  # what is surely read needs no second look
    else:
        assert {m.text: round(m.probability, 1) for m in beside.marks} == {"T1": 0.9, "MAX": 0.3}


def test_what_a_low_box_leaves_out_is_read_on_a_taller_panel(tmp_path: Any) -> None:
    """Of real digits the locator gives less than their height: the row of 1.8.0 was cut through, and no unit read."""
    panels = iter([model("", {"": 1.0, "kWh": 0.8}, {"T1": 0.2}), model("1.8.0", {"kWh": 9.0}, {"T1": 0.9})])
    heights: list[float] = []

    def run(picture: Any) -> Any:
        return next(panels).run(picture)

    def cut(_: Any, value: NDArray[np.float32]) -> NDArray[np.uint8]:
        heights.append(float(value[3, 1] - value[0, 1]))
        return PANEL

    reader = ScreenReader(tmp_path)
    read = SimpleNamespace(run=run, card=SimpleNamespace(settings={}))
    reader._model = SimpleNamespace(present=True, load=lambda: read)  # type: ignore[assignment]
    value = np.array([[100, 90], [700, 90], [700, 140], [100, 140]], np.float32)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("recognizer.vision.screen.cut_panel", cut)
        beside = reader.read(np.zeros((300, 900, 3), np.uint8), value)
    assert heights == [50.0, pytest.approx(50 * (1 + 2 * TALLER))]
    assert beside.label is not None
    assert beside.label.text == "1.8.0"
    assert beside.unit is not None
    assert beside.unit.text == "kWh"
    assert beside.unit.probability > 0.9
    assert [m.probability for m in beside.marks] == [pytest.approx(0.2)]  # unlit ones come into its reach as well


@pytest.mark.parametrize(("near", "at"), [("8.2", 0), (".8.2", CUT_OFF)])
def test_a_label_that_the_panel_cuts_off_is_read_further_left(tmp_path: Any, near: str, at: int) -> None:
    """However surely its rest was read: 1.8.2 at the far end of a long row was taken for another label."""
    panels = iter([model(near, {"kWh": 9.0}, {"T1": 0.2}, at=at), model("1.8.2", {"": SURE}, {"T1": 0.9})])
    reader = ScreenReader(tmp_path)
    read = SimpleNamespace(run=lambda picture: next(panels).run(picture), card=SimpleNamespace(settings={}))
    reader._model = SimpleNamespace(present=True, load=lambda: read)  # type: ignore[assignment]
    value = np.array([[300, 90], [700, 90], [700, 130], [300, 130]], np.float32)
    beside = reader.read(np.zeros((200, 900, 3), np.uint8), value)
    assert beside.label is not None
    assert beside.label.text == "1.8.2"
    assert beside.unit is not None
    assert beside.unit.text == "kWh"
    assert beside.marks[0].probability == pytest.approx(0.9)


def test_where_a_label_ends_is_told_from_the_value(tmp_path: Any) -> None:
    value = np.array([[300, 90], [700, 90], [700, 130], [300, 130]], np.float32)
    reader = ScreenReader(tmp_path)

    def end_on(*panels: Any, of: NDArray[np.float32] = value, most: int = 3) -> tuple[float, float]:
        looks = iter(panels)
        read = SimpleNamespace(run=lambda picture: next(looks).run(picture), card=SimpleNamespace(settings={}))
        reader._model = SimpleNamespace(present=True, load=lambda: read)  # type: ignore[assignment]
        end = reader.read(np.zeros((200, 900, 3), np.uint8), of, most=most).label_end
        assert end is not None
        return end

    # In column 8 of 24, in the middle row of a panel 2.1 values long that begins 0.55 before the value of ten heights.
    x, y = end_on(model("1", at=8), most=1)
    assert x == pytest.approx((8.5 / 24 * 2.1 - 0.55) * 10)
    assert y == pytest.approx(0.5 * 3.8 - 1.6 - 0.5)
    # What is read further left is told from the same value.
    far = model("1.8.2", at=9)
    cut_off = end_on(model(".8.2"), far, model("", {"": SURE}))
    alone = end_on(far, of=further_left(value), most=1)
    assert cut_off == pytest.approx((alone[0] - FURTHER, alone[1]))
    taller = end_on(model("", {"": 1.0, "kWh": 0.8}), model("1.8.0", at=3))
    assert taller == pytest.approx(((11.5 / 24 * 2.1 - 0.55) * 10, y * (1 + 2 * TALLER)))
