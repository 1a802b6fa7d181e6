"""``meter train`` from a folder and a table to models that ``meter read`` takes: refused, resumed, accepted."""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from recognizer.cli import main
from recognizer.synth import MeterPlan, render_scene
from recognizer.synth.samples import PLAIN
from recognizer.vision.card import read_card

PHOTOS = 13


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered drums and the table of their readings."""
    folder = tmp_path_factory.mktemp("photos")
    lines = ["file,reading"]
    for i in range(PHOTOS):
        rng = np.random.default_rng([3, i])
        value = float(rng.integers(10000, 99999))
        plan = MeterPlan(kind="drum", drum=PLAIN, value=value, wheels=5, share=0.5, angle=0.0, tilt=0.01,
                         centre=(0.5, 0.45), fault="none", round=False, bare=False)  # fmt: skip
        scene = render_scene(rng, (480, 360), plans=[plan], strength=0.03)
        cv2.imwrite(str(folder / f"{i}.png"), scene.image)
        lines.append(f"{i}.png,{scene.displays[0].text}")
    (folder / "readings.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer photos and strips than a run is worth, so that one takes seconds."""
    pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")
    from recognizer.evaluate import Truth
    from recognizer.train import own, own_guard

    sample = Path(__file__).parents[1] / "samples" / "05-drum-tilted.jpg"
    monkeypatch.setattr(own, "FEWEST_TRAINED", 8)
    monkeypatch.setattr(own, "FEWEST_HELD_BACK", 3)
    monkeypatch.setattr(own, "BATCH", 4)
    monkeypatch.setattr(own, "samples", lambda _: [(sample, Truth("s", "own", "", "drum", "", "01592", True))])
    monkeypatch.setattr(own, "score_strips", lambda model: own_guard.score_strips(model, 10))


def test_a_spoilt_counter_is_refused_and_a_sound_one_taken(
    small: None, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command twice: what the first run made is spoilt before it is judged; the second goes on from its weights."""
    import torch

    from recognizer.train import own
    from recognizer.train.fit import fit

    def spoilt(*args: Any) -> Any:
        net = fit(*args)
        with torch.no_grad():  # every digit is read as another
            net.context[-1].weight[1:11] = net.context[-1].weight[1:11].roll(1, 0)
        return net

    out = tmp_path / "out"
    command = ["train", str(photos), str(photos / "readings.csv"), "--out", str(out), "--hold-back", "0.3"]
    command += ["--steps", "2", "--licence", "mine"]
    with monkeypatch.context() as patch:
        patch.setattr(own, "fit", spoilt)
        assert main(command) == 1
    said = capsys.readouterr().err
    assert "step 2 of 2" in said
    assert "refused: it reads fewer of your held-back photos" in said
    assert "Rendered pictures: right" in said
    assert [p.name for p in out.iterdir()] == ["work"]

    assert main(command) == 0
    told = capsys.readouterr()
    assert "step" not in told.err
    assert told.out.startswith("held-back photos:  right ")
    card = read_card(out / "counter")
    assert card.settings["licences"][-1] == "own photos: mine"
    assert card.scores["held_back_right"] >= card.scores["held_back_right_before"] >= 2
    assert "carried over" in card.settings["calibration"]["note"]
    photo = str(photos / "0.png")
    main(["read", photo, "--models-dir", str(out), "--json"])
    assert f'"counter": "{card.digest}"' in capsys.readouterr().out

    assert main([*command, "--seed", "1"]) == 2
    assert "is of a run with other photos" in capsys.readouterr().err


def test_too_few_photos_are_counted(
    small: None, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few.csv").write_text("file,reading\n0.png,1\n1.png,2\n2.png,3\n")
    assert main(["train", str(photos), str(tmp_path / "few.csv"), "--out", str(tmp_path / "out")]) == 1
    assert "1, and it takes 3, so 2 are missing" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_wrong_readings_are_left_out_and_counted(
    small: None, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Photos whose lines are wrong are worth nothing, and the message tells where the reasons stand."""
    rows = [f"{i}.png,{i:05d}" for i in range(PHOTOS)]
    (tmp_path / "wrong.csv").write_text("\n".join(["file,reading", *rows]))
    out = tmp_path / "out"
    command = ["train", str(photos), str(tmp_path / "wrong.csv"), "--out", str(out), "--hold-back", "0.3"]
    assert main(command) == 1
    assert f"see {out / 'work' / 'left_out.csv'}" in capsys.readouterr().err
    assert (out / "work" / "left_out.csv").read_text().count("or a wrong line of the table") >= 6
    (tmp_path / "wrong.csv").write_text("\n".join(["file,reading", *rows[:-1]]))
    assert main(command) == 1  # another table, but nothing was trained yet: the folder is not another run's


def test_without_the_extra_it_is_named(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("recognizer.train")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["train", str(photos), str(photos / "readings.csv"), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "meter: training needs an extra: pip install 'meter-recognizer[train]'\n"


@pytest.mark.parametrize("options", [["--hold-back", "1"], ["--steps", "0"], ["--threads", "x"]])
def test_options_out_of_range(options: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", "photos", "readings.csv", "--out", "out", *options])
    assert stop.value.code == 2
