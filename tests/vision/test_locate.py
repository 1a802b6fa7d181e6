"""Finding displays: which of several that stand close together a close look is of."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.vision import locate
from recognizer.vision.frame import load_frame
from recognizer.vision.locate import CLOSE_SIZE, CORNER_UNIT, KINDS, STRIDE, Found, look_closer


class Rows:
    """A network that sees rows of digits in the middle of the close look and ``pitch`` pixels beside it."""

    def __init__(self, pitch: float, beside: float) -> None:
        self._pitch, self._beside = pitch, beside

    def run(self, _: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        width, height = CLOSE_SIZE
        output = np.full((1, len(KINDS) + 9, height // STRIDE, width // STRIDE), -9.0, np.float32)
        for score, y in ((0.6, height / 2), (self._beside, height / 2 + self._pitch)):
            quad = np.array([[48, y - 10], [208, y - 10], [208, y + 10], [48, y + 10]], np.float32)
            column, row = width // 2 // STRIDE, int(y) // STRIDE
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    at = (np.array([column + dx, row + dy]) + 0.5) * STRIDE
                    near = score - 0.1 * (dx != 0 or dy != 0)
                    output[0, 0, row + dy, column + dx] = np.log(near / (1 - near))
                    output[0, len(KINDS) : len(KINDS) + 8, row + dy, column + dx] = ((quad - at) / CORNER_UNIT).ravel()
        return [output]


@pytest.mark.parametrize("pitch", [-34, -28, 28, 34])
def test_each_row_of_a_display_is_its_own_even_beside_a_clearer_one(pitch: float) -> None:
    """Catches two rows of T1 to T3 that are both taken for the clearer one of them, so that the other is lost."""
    model: Any = Rows(pitch, beside=0.95)
    frame = load_frame(np.zeros((480, 640, 3), np.uint8))
    quad = np.array([[200, 200], [400, 200], [400, 225], [200, 225]], np.float32)
    found, rows = look_closer(model, frame, Found("lcd", quad, 0.5, 1.0))
    assert found is not None
    # The other one is told of too: in the first look rows of this height are one find.
    assert [row.quad.mean(0)[1] - quad.mean(0)[1] for row in rows] == pytest.approx([pitch * 200 / 160], abs=3)
    assert np.abs(found.quad.mean(0) - quad.mean(0)).max() < 3
    assert locate.peaks(model.run(None)[0][0], 0.1)[0].score > 0.9
