"""The command says what was read, where to look, and how it ended; it never shows a traceback."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.cli import main
from recognizer.domain.reading import Report
from recognizer.errors import ModelError

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]
Run = Callable[..., int]


@pytest.fixture
def run(picture: Picture, encode: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_reader: Any) -> Run:
    """Runs ``meter`` with the fake reader in a folder with photos named for what becomes of them."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name in ("fine.png", "review.png", "refused.png", "crash.png", "[red]x.png"):
        (tmp_path / "photos" / name).write_bytes(encode(picture, "PNG"))
    Path("photos/bad.png").write_bytes(b"no picture")
    return lambda *args: main(args, open_reader=lambda _: fake_reader)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["fine"], 0),
        (["fine", "review"], 0),
        (["fine", "refused"], 1),
        (["bad"], 1),
        (["bad", "fine"], 1),
        (["crash", "fine"], 1),
        (["none"], 1),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_exit_codes_of_read(run: Run, names: list[str], code: int, options: list[str]) -> None:
    assert run("read", *(f"photos/{name}.png" for name in names), *options) == code


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["read"],
        ["batch", "photos"],
        ["fly"],
        ["read", "--bogus", "x"],
        ["read", "photos/fine.png", "--overlay", "o.txt"],
        ["read", "photos/fine.png", "photos/review.png", "--overlay", "o.png"],
    ],
)
def test_wrong_use(run: Run, args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = run(*args)
    except SystemExit as stop:  # argparse ends by itself
        code = int(stop.code or 0)
    assert code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_table_for_people(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches file names taken for markup, and a reading shown without its unit, confidence or reason."""
    run("read", "photos/fine.png", "photos/[red]x.png", "photos/refused.png", "photos/bad.png")
    out, err = capsys.readouterr()
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if "photos/" in line}
    assert rows["photos/fine.png"] == ["00123.4", "m³", "97.0", "%", "accepted"]
    assert "photos/[red]x.png" in rows
    assert "00123.4" not in rows["photos/refused.png"]
    assert " ".join(rows["photos/refused.png"]).endswith("refused the display cannot be read")
    assert err == "meter: photos/bad.png: is not a JPEG, PNG, WebP, BMP, TIFF or HEIC picture\n"


def test_json_is_one_object_a_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["photos/fine.png", "photos/bad.png", "photos/refused.png"]
    run("read", "--json", *names)
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [line["source"] for line in found] == names
    assert [line["status"] for line in found] == ["accepted", "refused", "refused"]
    assert "error" in found[1]
    assert found[2]["readings"][0]["value"] is None
    assert err.count("\n") == 1


def test_overlays(run: Run, picture: Picture) -> None:
    assert run("read", "photos/fine.png", "--overlay", "one.png") == 0
    drawn = cv2.imread("one.png")
    assert drawn is not None
    assert drawn.shape[0] > picture.shape[0]
    Path("other").mkdir()
    Path("other/fine.png").write_bytes(Path("photos/fine.png").read_bytes())
    run("read", "photos/fine.png", "photos/review.png", "photos/bad.png", "other/fine.png", "--overlay", "drawn")
    assert sorted(p.name for p in Path("drawn").iterdir()) == ["fine-1.png", "fine-4.png", "review.png"]
    assert run("read", "photos/fine.png", "--overlay", "none/one.png") == 1


def test_batch(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("batch", "photos", "--out", "r.jsonl") == 1
    assert (
        "6 photos: 2 accepted, 1 to review, 3 refused (2 of them bad files). Results: r.jsonl"
        in capsys.readouterr().out
    )
    assert run("batch", "photos", "--out", "r.jsonl") == 1
    assert "6 photos, 6 of them in an earlier run" in capsys.readouterr().out
    assert run("batch", "photos", "--out", "fine.jsonl", "--pattern", "fine*") == 0
    assert run("batch", "none", "--out", "r.jsonl") == 1
    assert "meter: none: is not a folder" in capsys.readouterr().err


def test_models_are_listed(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m").mkdir()
    assert run("models", "--models-dir", "m") == 1
    assert "m: holds no models" in capsys.readouterr().err
    (tmp_path / "m" / "counter").mkdir()
    (tmp_path / "m" / "counter" / "card.toml").write_text("role = 1")
    assert run("models", "--models-dir", "m") == 1
    assert "m/counter/card.toml: not a model card" in capsys.readouterr().err


def test_a_model_that_does_not_load(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_: Path | None) -> Any:
        raise ModelError("models/counter/model.onnx: cannot be read")

    assert main(["read", "photos/fine.png"], open_reader=broken) == 1
    assert capsys.readouterr().err == "meter: models/counter/model.onnx: cannot be read\n"


@pytest.mark.parametrize(
    ("error", "code", "said"), [(KeyboardInterrupt(), 130, "interrupted"), (RuntimeError("x"), 1, "x")]
)
def test_no_error_escapes(
    run: Run, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    def broken(_: Path | None) -> Any:
        raise error

    assert main(["read", "photos/fine.png"], open_reader=broken) == code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_closed_pipe_is_no_error_message(run: Run) -> None:
    """Catches the BrokenPipeError of ``meter read … --json | head -1``."""
    code = """
import sys
from recognizer.cli import main
from recognizer.domain.reading import Report
class Fake:
    def read(self, photo, *, source): return Report(source, "accepted")
sys.exit(main(["read", "--json", *["x.jpg"] * 20000], open_reader=lambda _: Fake()))
"""
    root = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PYTHONPATH": root}
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(timeout=30) == 1


def test_names_that_are_no_text(run: Run, fake_reader: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a file name in another encoding that cannot be printed."""
    report = Report("photos/\udce9.jpg", "accepted")
    fake_reader.read = lambda photo, *, source: report
    assert run("read", "--json", "photos/\udce9.jpg") == 0
    assert json.loads(capsys.readouterr().out)["source"] == "photos/\udce9.jpg"
