"""Training cuts of wheels carry the turn that they show; folders of crops are held back whole."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from recognizer.train import wheel  # noqa: E402
from recognizer.train.flat import HEIGHT, PAD_ACROSS, PAD_ALONG, Flat  # noqa: E402
from recognizer.train.nets import WheelNet  # noqa: E402
from recognizer.train.splice import rolled  # noqa: E402
from recognizer.vision.wheel import BINS, WHEEL_HEIGHT, WHEEL_WIDTH  # noqa: E402


def bars(*at: float) -> np.ndarray:
    """A cell with a dark bar at each of these shares of the window's height."""
    cell = np.full((HEIGHT + 2 * PAD_ACROSS, 40, 3), 200, np.uint8)
    for share in at:
        y = round(PAD_ACROSS + share * HEIGHT)
        cell[y - 3 : y + 3, 8:32] = 20
    return cell


def dark_rows(cell: np.ndarray) -> np.ndarray:
    return np.flatnonzero(cell[PAD_ACROSS : PAD_ACROSS + HEIGHT, 20, 0] < 100) / HEIGHT


def test_a_wheel_that_turns_shows_its_digit_go_up_and_the_next_come_from_below() -> None:
    here, upper = bars(0.5), bars(0.25)
    assert np.array_equal(rolled(here, upper, 0.0, HEIGHT), here)
    at_half = dark_rows(rolled(here, upper, 0.5, HEIGHT))
    assert at_half.min() < 0.05
    assert at_half.max() == pytest.approx(0.75, abs=0.06)
    assert dark_rows(rolled(here, upper, 1.0, HEIGHT)).mean() == pytest.approx(0.25, abs=0.05)


def counters() -> list[Flat]:
    """Ten counters, 12345 with its digits turned round, every digit with bars of its own."""
    flats = []
    for first in range(10):
        text = f"{first}{(first + 3) % 10}5{(first + 6) % 10}5"
        cells = [bars(0.1 + 0.08 * int(c)) for c in text]
        side = np.full((HEIGHT + 2 * PAD_ACROSS, PAD_ALONG, 3), 90, np.uint8)
        cuts = tuple((i, PAD_ALONG + 40 * i) for i in range(1, 5))
        flats.append(Flat(np.hstack([side, *cells, side]), text, cuts))
    return flats


def test_wheels_of_counters_are_those_that_stand_still() -> None:
    make = wheel.of_counters(counters())
    assert make is not None
    rng, seen = np.random.default_rng(1), []
    for _ in range(200):
        picture, turn = make(rng)
        seen.append(turn)
        assert 0 <= turn < 10
        assert picture.shape[:2] == (HEIGHT + 2 * wheel.FRAME, 40)
    still = np.array([turn == int(turn) for turn in seen])
    assert still.mean() == pytest.approx(wheel.AT_REST, abs=0.1)
    assert wheel.of_counters(counters()[:3]) is None  # not every digit is there


def test_a_sample_is_cut_as_the_reader_cuts_and_keeps_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "jitter_pixels", lambda _, image: image)
    rng = np.random.default_rng(2)
    for size in ((20, 40), (45, 80), (200, 400)):
        picture = cv2.resize(bars(0.5), size)
        image, turn = wheel.sample(rng, np.asarray(picture, np.uint8), 3.25)
        assert (image.shape, turn) == ((WHEEL_HEIGHT, WHEEL_WIDTH, 3), 3.25)


def test_the_loss_falls_towards_the_turn_also_across_the_zero() -> None:
    centres = torch.arange(BINS) * (10 / BINS)

    def loss_of(at: float) -> float:
        """Of a network that says ``at`` of every wheel."""
        logits = -(((centres - at + 5) % 10 - 5) ** 2) * 20
        return float(wheel.loss(lambda x: logits.expand(len(x), -1), (pictures, turns)))  # type: ignore[arg-type]

    pictures, turns = torch.zeros(1, 3, WHEEL_HEIGHT, WHEEL_WIDTH, dtype=torch.uint8), torch.tensor([9.95])
    losses = [loss_of(at) for at in (9.95, 0.15, 0.5, 5.0)]
    assert losses == sorted(losses)
    assert torch.isfinite(wheel.loss(WheelNet().eval(), (pictures, turns)))


def test_folders_are_held_back_whole() -> None:
    held = [name for name in ("new", "misc", "powermeter-betar-1", "lcd", "lcd2") if wheel.crop_held_back(name)]
    assert held == ["powermeter-betar-1"]
