"""What stands beside an LCD's value, from a network's answer: absent, certain, and doubtful."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from recognizer.domain.observation import Mark
from recognizer.errors import ModelError
from recognizer.vision.panel import PANEL_HEIGHT, PANEL_WIDTH
from recognizer.vision.screen import LABEL_CHARACTERS, SCREEN_MARKS, SCREEN_UNITS, ScreenReader, read_panel

PANEL = np.zeros((PANEL_HEIGHT, PANEL_WIDTH, 3), np.uint8)
COLUMNS, SURE = 12, 9.0


def model(label: str = "", unit: dict[str, float] | None = None, marks: dict[str, float] | None = None) -> Any:
    """A network that gives this label, units with these logits and marks with these chances."""
    columns = np.zeros((1, COLUMNS, len(LABEL_CHARACTERS) + 1), np.float32)
    codes = [LABEL_CHARACTERS.index(c) + 1 for c in label]
    path = [c for code in codes for c in (code, 0)] + [0] * (COLUMNS - 2 * len(codes))
    columns[0, np.arange(COLUMNS), path] = SURE
    units = np.array([[(unit or {"": SURE}).get(u, 0.0) for u in SCREEN_UNITS]], np.float32)
    odds = np.array([[(marks or {}).get(m, 1e-6) for m in SCREEN_MARKS]], np.float64)
    return SimpleNamespace(run=lambda _: [columns, units, np.log(odds / (1 - odds)).astype(np.float32)])


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


def test_a_model_of_another_version_is_refused() -> None:
    other = SimpleNamespace(run=lambda _: [np.zeros((1, 5, 3)), np.zeros((1, 2)), np.zeros((1, 2))])
    with pytest.raises(ModelError, match="reinstall"):
        read_panel(other, PANEL)  # type: ignore[arg-type]


def test_without_a_model_nothing_is_read(tmp_path: Any) -> None:
    reader = ScreenReader(tmp_path)
    assert reader.digest is None
    assert reader.read(PANEL, np.array([[9, 9], [99, 9], [99, 30], [9, 30]], np.float32)).unit is None
