"""What of a display is cut out around its value."""

import numpy as np
import pytest

from recognizer.vision.panel import (
    BESIDE,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    beside,
    cut_panel,
    further_left,
    panel_matrix,
    reaching_left,
)


@pytest.mark.parametrize(("along", "tall"), [(60, 40), (100, 40), (160, 40), (300, 40)])
def test_a_unit_as_tall_as_the_digits_is_on_the_panel(along: int, tall: int) -> None:
    """Catches panels that end after a share of a short value's length: its unit is as wide as four digits."""
    value = np.array([[400, 100], [400 + along, 100], [400 + along, 100 + tall], [400, 100 + tall]], np.float32)
    image = np.zeros((240, 1200, 3), np.uint8)
    unit = 400 + along + round(1.6 * tall)
    image[100 : 100 + tall, unit - 6 : unit] = 255
    panel = cut_panel(image, value)
    assert panel.shape == (PANEL_HEIGHT, PANEL_WIDTH, 3)
    assert panel.max() > 200


def test_short_values_are_not_stretched() -> None:
    value = np.array([[0, 0], [80, 0], [80, 40], [0, 40]], np.float32)
    matrix = panel_matrix(value)
    assert matrix[0, 0] / matrix[1, 1] == pytest.approx(1, abs=0.01)
    assert beside(value * (4, 1)) == pytest.approx(BESIDE)


def test_a_longer_panel_shows_the_left_end_of_the_glass_beside_a_short_value() -> None:
    """81577 without zeros in front: 1.8.1 stands four digits further left, and its register is unknown without it."""
    value = np.array([[500, 100], [620, 100], [620, 124], [500, 124]], np.float32)
    image = np.zeros((240, 1200, 3), np.uint8)
    image[110:124, 400:420] = 255  # the label
    assert cut_panel(image, value).max() == 0
    further = reaching_left(value)
    assert further is not None
    assert further[1:3] == pytest.approx(value[1:3])
    assert cut_panel(image, further).max() > 200
    assert reaching_left(value * (2, 1)) is None


def test_what_the_left_end_of_a_panel_cuts_off_is_on_the_one_further_left() -> None:
    """Rows of nine digits whose 1.8.2 stands at the far end of the glass were filed under .8.2, which is nothing."""
    value = np.array([[500, 100], [800, 100], [800, 135], [500, 135]], np.float32)
    image = np.zeros((300, 1200, 3), np.uint8)
    image[105:130, 300:320] = 255
    assert cut_panel(image, value).max() == 0
    panel = cut_panel(image, further_left(value))
    assert panel[:, 4:].max() > 200
    assert panel[:, :3].max() == 0
