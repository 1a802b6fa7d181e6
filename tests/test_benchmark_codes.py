"""Would catch: plates that change between runs or lie about where their code is, and a report of codes that calls a
missed target met."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("zxingcpp", reason="zxing-cpp is not installed")

from benchmarks import codes
from benchmarks.code_plates import DAMAGES, HEIGHT, WIDTH, Kind, draw_plate

ASKED: dict[Kind, int] = {"QRCode": 100, "DataMatrix": 100, "Code128": 100}


def counted(qr: int, matrix: int, bars: int, wrong: int = 0) -> codes.Tally:
    hits: Counter[tuple[Kind, str]] = Counter({("QRCode", "blur"): qr, ("DataMatrix", "blur"): matrix})
    hits["Code128", "blur"] = bars
    return codes.Tally(hits, wrong, 1.0)


def test_plates_are_the_same_every_time() -> None:
    first, again = (draw_plate(np.random.default_rng(5), "DataMatrix", "glare") for _ in range(2))
    assert first.text == again.text
    assert np.array_equal(first.picture, again.picture)


@pytest.mark.parametrize("damage", ["rotation", "tilt", "covered", "dark plate"])
def test_codes_stand_in_the_picture(damage: str) -> None:
    plate = draw_plate(np.random.default_rng(1), "Code128", damage)
    assert plate.picture.shape == (HEIGHT, WIDTH, 3)
    assert plate.corners.min() > 0
    assert (plate.corners < (WIDTH, HEIGHT)).all()


def test_thirteen_kinds_of_damage_and_enough_plates() -> None:
    assert len(DAMAGES) == 13
    assert {kind: n * len(DAMAGES) for kind, n in codes.PLATES.items()} == {
        "QRCode": 182,
        "DataMatrix": 104,
        "Code128": 104,
    }


def test_wrong_texts_are_counted_beside_right_ones() -> None:
    plate = draw_plate(np.random.default_rng(2), "QRCode", "JPEG")
    counts = codes.tally(lambda _: [plate.text, "something else"], [plate])
    assert (counts.right["QRCode", "JPEG"], counts.wrong) == (1, 1)


@pytest.mark.parametrize(
    ("ours", "peer", "search", "missed"),
    [
        (counted(84, 73, 82), counted(70, 60, 50), 0.15, set()),
        (counted(83, 73, 82), counted(70, 60, 50), 0.10, {"QRCode read"}),
        (counted(90, 90, 90), counted(70, 90, 50), 0.10, {"DataMatrix read"}),
        (counted(90, 90, 90, wrong=1), counted(70, 60, 50), 0.16, {"wrong texts", "search, of a whole reading"}),
    ],
)
def test_targets(ours: codes.Tally, peer: codes.Tally, search: float, missed: set[str]) -> None:
    tallies = {codes.OURS: ours, codes.PLAIN: peer, "pyzbar": None}
    promises = codes._promises(tallies, ASKED, codes.Cost(10, 1.0, search, 0))
    assert {row[0] for row in promises if row[-1] != "met"} == missed
    assert codes._row("pyzbar", None, ASKED)[1] == "not installed"
