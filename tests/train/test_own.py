"""A user's own photos: the table, the sides that never mix, the displays cut out, and the guard.

It needs the extra ``train``, since what is cut is for training; nothing is trained here (see ``test_cli_train``).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from recognizer.errors import InputError  # noqa: E402
from recognizer.synth import render_strip  # noqa: E402
from recognizer.train import counter, own_cuts  # noqa: E402
from recognizer.train.fit import Batch  # noqa: E402
from recognizer.train.nets import CounterNet  # noqa: E402
from recognizer.train.own_guard import Comparison, Scored, objection, score_strips, sign_test  # noqa: E402
from recognizer.train.own_models import Made, export_counter, own_card, place, recalibrated  # noqa: E402
from recognizer.train.own_table import OwnPhoto, hold_back, read_own, shown_texts  # noqa: E402
from recognizer.train.restore import restore  # noqa: E402
from recognizer.vision.card import read_card  # noqa: E402
from recognizer.vision.models import default_models_dir, load_model  # noqa: E402

FOLDER = Path(__file__).parents[2] / "samples"
FIGURES = {
    "lcd": {"top": 1.0, "offset": -0.5},
    "drum": {"top": 0.8, "offset": 0.2},
    "thresholds": {"accept_above": 0.95},
    "photos": 3,
}


def _table(folder: Path, text: str) -> Path:
    for name in "abcd":
        (folder / f"{name}.jpg").write_bytes(b"")
    (folder / "readings.csv").write_text(text, encoding="utf-8")
    return folder / "readings.csv"


def test_a_table_as_spreadsheets_write_it(tmp_path: Path) -> None:
    table = _table(
        tmp_path, "\ufeffFile;Reading;Legible;Kind;Meter\na.jpg;0012,5;;LCD;\nb.jpg;1 234;1;;x\nc.jpg;;0;drum;\n"
    )
    a, b, c = read_own(tmp_path, table)
    assert (a.reading, a.legible, a.kind, a.group) == ("0012.5", True, "lcd", "number 12.5")
    assert (b.reading, b.kind, b.group) == ("1234", "", "meter x")
    assert (c.reading, c.legible, c.truth.demand, c.group) == ("", False, "refusal", "file c.jpg")


def test_bad_lines_are_named_by_number(tmp_path: Path) -> None:
    lines = [
        "file,reading,legible",
        "a.jpg,12a",
        "b.jpg,123,1",
        "none.jpg,1",
        "b.jpg,123",
        "c.jpg,1,2",
        "d.jpg,1,5,0",
        ",7",
    ]
    with pytest.raises(InputError) as caught:
        read_own(tmp_path, _table(tmp_path, "\n".join(lines)))
    said = str(caught.value)
    for number in (2, 4, 5, 6, 7, 8):
        assert f"line {number}:" in said
    assert "line 3" not in said
    with pytest.raises(InputError, match="no column reading, only file"):
        read_own(tmp_path, _table(tmp_path, "file\na.jpg\n"))


def test_zeros_that_a_spreadsheet_drops() -> None:
    assert shown_texts("485.37")[0] == "485.37"
    assert {"00485.370", "00485.37", "0485.37"} <= set(shown_texts("485.37"))
    assert shown_texts("00485.370") == ("00485.370",)  # written as displayed: nothing is open
    assert "485.0" not in shown_texts("485")
    assert all(len(t) <= 9 for t in shown_texts("1234567"))


def test_nothing_stands_on_both_sides() -> None:
    """Catches a split by photo: a network would be judged by readings or meters that it learnt."""
    rng = np.random.default_rng(0)
    shown = [str(n) for n in rng.integers(100, 160, 120)]
    by_reading = [OwnPhoto(f"{i}.jpg", Path(f"{i}.jpg"), "0" * (i % 2) + r) for i, r in enumerate(shown)]
    by_meter = [replace(p, meter=f"m{i % 11}") for i, p in enumerate(by_reading)]
    for photos, what in ((by_reading, "reading"), (by_meter, "meter")):
        for seed in range(5):
            training, held = hold_back(photos, 0.3, seed)
            assert len(training) + len(held) == 120
            assert 0.2 * 120 <= len(held) <= 0.45 * 120
            sides = ({getattr(p, what).lstrip("0") for p in side} for side in (training, held))
            assert not set.intersection(*sides)
            assert hold_back(photos, 0.3, seed) == (training, held)
    assert hold_back(by_reading, 0.3, 0) != hold_back(by_reading, 0.3, 1)
    with pytest.raises(InputError, match="one meter"):
        hold_back([replace(p, meter="m") for p in by_reading], 0.3, 0)


def test_displays_are_found_by_their_reading(tmp_path: Path) -> None:
    """A drum, an LCD whose zeros were dropped, one that is off; a wrong line and a wrong kind are told, with why."""
    rows = [
        ("05-drum-tilted.jpg", "01592", True, ""), ("01-lcd-point.jpg", "13414.9", True, "lcd"),
        ("11-display-off.jpg", "", False, ""), ("02-drum-red-decimals.jpg", "98413.062", True, ""),
        ("09-drum-close.jpg", "02473.8", True, "lcd"), ("bad.jpg", "123", True, ""),
    ]  # fmt: skip
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    photos = [
        OwnPhoto(file, (FOLDER if (FOLDER / file).is_file() else tmp_path) / file, reading, legible, kind)
        for file, reading, legible, kind in rows
    ]
    cutouts, left_out = own_cuts.own_cutouts(load_model("locator"), load_model("counter"), photos)
    assert [c.texts for c in cutouts] == [("01592",), ("013414.9",), ("",)]
    assert [c.kind for c in cutouts[:2]] == ["drum", "lcd"]
    reasons = {one.file: one.reason for one in left_out}
    assert list(reasons) == [row[0] for row in rows[3:]]
    assert "reads 00173.877, not 98413.062" in reasons["02-drum-red-decimals.jpg"]
    assert "no lcd display found" in reasons["09-drum-close.jpg"]
    assert "is not a" in reasons["bad.jpg"]


def _scored(right: Sequence[bool], accepted: Sequence[int] = ()) -> tuple[Scored, ...]:
    return tuple(Scored(str(i), ok, i in accepted, 0.97, ok, "drum") for i, ok in enumerate(right))


def test_the_guard_counts_the_photos_on_which_the_two_differ() -> None:
    assert sign_test(0, 0) == 1
    assert sign_test(0, 5) == pytest.approx(2 / 2**5)
    assert sign_test(3, 3) == 1
    some = _scored([True] * 10 + [False] * 10)
    same, better, worse = (Comparison(some, _scored([True] * n + [False] * (20 - n))) for n in (10, 11, 9))
    assert objection(same, same) is None
    assert objection(better, same) is None
    said = objection(worse, same)
    assert said is not None
    assert "right 10 before and 9 after, of 20 (0 gained, 1 lost" in said
    assert "Rendered pictures: right 10 before and 10 after" in said
    assert objection(better, worse) is None  # one rendered picture is chance
    forgetful = Comparison(some, _scored([True] * 4 + [False] * 16))
    assert "forgets" in (objection(better, forgetful) or "")
    bold = Comparison(some, _scored([True] * 12 + [False] * 8, accepted=(15,)))
    assert "accepts 1 wrong readings of held-back photos, not 0" in (objection(bold, same) or "")
    with pytest.raises(ValueError, match="same pictures"):
        Comparison(some, some[1:])


def test_a_threshold_rises_above_new_wrong_readings() -> None:
    before = _scored([True] * 30)
    kept = recalibrated(FIGURES, before, before)
    assert kept is not None
    assert {k: v for k, v in kept.items() if k != "note"} == FIGURES
    assert "carried over" in kept["note"]
    raised = recalibrated(FIGURES, before, _scored([False] * 2 + [True] * 28, accepted=(0, 20)))
    assert raised is not None
    assert raised["thresholds"]["accept_above"] == pytest.approx(0.9701)
    assert "threshold raised from 0.95" in raised["note"]
    # The counter before accepted that one as well, so the truth may be wrong.
    again = recalibrated(FIGURES, _scored([False] * 2, accepted=(0,)), _scored([False] * 2, accepted=(0,)))
    assert again is not None
    assert again["thresholds"] == FIGURES["thresholds"]
    assert recalibrated(None, before, before) is None


def test_an_offset_is_fitted_where_there_are_enough_readings() -> None:
    """Promises of 97 % where 60 % are right come down to about that."""
    many = _scored([True] * 120 + [False] * 80)
    new = recalibrated(FIGURES, many, many)
    assert new is not None
    assert new["lcd"] == FIGURES["lcd"]
    moved = new["drum"]["offset"] - 0.2
    odds = np.log(0.97 / 0.03) + moved
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(0.6, abs=0.02)
    assert "offset fitted anew for drum" in new["note"]


def test_an_exported_counter_answers_as_before_and_is_placed_whole(tmp_path: Path) -> None:
    """The shipped counter, restored and exported again, is no worse than itself; one with spoilt weights is."""
    torch.set_num_threads(1)
    base = load_model("counter")
    net, batch = CounterNet(), _batch()
    restore(net, default_models_dir() / "counter" / "model.onnx", lambda: counter.loss(net, batch))
    before = score_strips(base, 10)
    assert sum(s.right for s in before) >= 12
    for spoilt in (False, True):
        if spoilt:
            with torch.no_grad():  # every digit is read as another
                net.context[-1].weight[1:11] = net.context[-1].weight[1:11].roll(1, 0)
        digest = export_counter(net.eval(), default_models_dir(), tmp_path / "models")
        assert read_card(tmp_path / "models" / "counter").sha256 == digest != base.card.sha256
        strips = Comparison(before, score_strips(load_model("counter", tmp_path / "models"), 10))
        assert (objection(strips, strips) is not None) == spoilt
    (tmp_path / "out" / "counter").mkdir(parents=True)
    (tmp_path / "out" / "counter" / "of an earlier run").touch()
    place(tmp_path / "models", tmp_path / "out")
    assert load_model("counter", tmp_path / "out").card.sha256 == digest
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        p.parent.name for p in default_models_dir().glob("*/card.toml")
    }
    assert {p.name for p in (tmp_path / "out" / "counter").iterdir()} == {"card.toml", "model.onnx"}


def test_the_card_tells_what_was_added() -> None:
    shipped = read_card(default_models_dir() / "counter")
    held = Comparison(_scored([False, True, True]), _scored([True, True, True]))
    made = Made("0" * 64, 12, 11, "ab" * 32, None, "meter train, 5 steps")
    card = own_card(shipped, made, {"note": "as it was"}, held, held)
    assert card.settings["data"][:-1] == shipped.settings["data"]
    assert "12 photos of the user's own, 11 displays" in card.settings["data"][-1]
    assert card.settings["licences"][-1] == "own photos: not stated"
    names = ("held_back", "held_back_right_before", "held_back_right")
    assert [card.scores[name] for name in names] == [3, 2, 3]
    assert card.settings["calibration"] == {"note": "as it was"}
    assert "own photos: mine" in own_card(shipped, replace(made, licence="mine"), None, held, held).settings["licences"]


def _batch() -> Batch:
    def strip(rng: np.random.Generator) -> counter.Cutout:
        drawn = render_strip(rng, "lcd" if rng.random() < 0.5 else "drum")
        return counter.Cutout(drawn.image, np.asarray(drawn.quad, np.float32), (drawn.text,), "test", drawn.kind)

    return counter.batches([(1.0, strip)])(np.random.default_rng(0), 32)
