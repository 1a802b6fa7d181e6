"""``meter batch`` and ``meter report``: what they print, where to, and how they end."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer import cli_batch
from recognizer.archive import InProcess, Pool
from recognizer.archive.run import Progress
from recognizer.cli import main

Run = Callable[..., int]


@pytest.fixture
def run(
    picture: NDArray[np.uint8],
    encode: Callable[..., bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fake_reader: Any,
) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name in ("fine", "more", "review", "refused"):
        Path(f"photos/{name}.png").write_bytes(encode(picture, "PNG"))
    Path("photos/bad.png").write_bytes(b"no picture")
    return lambda *args: main(args, open_reader=lambda _: fake_reader)


def test_a_table_with_its_ledger_beside(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("batch", "photos", "--out", "r.csv") == 1
    assert (
        "5 photos: 2 accepted, 1 to review, 2 refused (1 of them bad files). Results: r.csv" in capsys.readouterr().out
    )
    first = Path("r.csv").read_text()
    assert first.count("\n") == 6
    assert Path("r.csv.jsonl").read_text().count("\n") == 5
    assert run("batch", "photos", "--out", "r.csv") == 1
    assert "5 of them in an earlier run" in capsys.readouterr().out
    assert Path("r.csv").read_text() == first
    assert run("report", "r.csv", "-o", "r.html") == 2
    assert "is made of r.csv.jsonl" in capsys.readouterr().err
    assert run("report", "r.csv.jsonl", "-o", "r.html", "--review", "q.csv") == 0
    said = capsys.readouterr().out
    assert "5 photos, 0 readings impossible in the order of time: r.html; 3 to review: q.csv" in said
    assert Path("r.html").read_text().startswith("<!doctype html>")


def test_quiet_and_machine_readable(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_batch, "JSON_SECONDS", 0)
    assert run("batch", "photos", "--out", "a.jsonl", "--quiet") == 1
    assert capsys.readouterr() == ("", "")
    assert run("batch", "photos", "--out", "b.jsonl", "--progress", "json") == 1
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [t["done"] for t in told] == [1, 2, 3, 4, 5]
    assert all(t["total"] == 5 for t in told)
    last = {key: told[-1][key] for key in ("accepted", "review", "refused", "errors", "left")}
    assert last == {"accepted": 2, "review": 1, "refused": 2, "errors": 1, "left": 0}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_finishes_the_photo_in_hand(
    run: Run, fake_reader: Any, capsys: pytest.CaptureFixture[str], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a photo that was read and not written, and a command that does not say how to go on."""
    read, before = fake_reader.read, signal.getsignal(number)

    def interrupted(photo: Path, *, source: str) -> Any:
        if len(fake_reader.sources) == 2:
            os.kill(os.getpid(), number)
        return read(photo, source=source)

    monkeypatch.setattr(fake_reader, "read", interrupted)
    assert run("batch", "photos", "--out", "r.jsonl") == 130
    out, err = capsys.readouterr()
    assert "3 photos" in out
    assert "the same command goes on from here" in err
    assert Path("r.jsonl").read_text().count("\n") == 3
    assert signal.getsignal(number) == before
    monkeypatch.setattr(fake_reader, "read", read)
    assert run("batch", "photos", "--out", "r.jsonl") == 1
    assert Path("r.jsonl").read_text().count("\n") == 5


def test_errors_are_retried_when_asked(run: Run, fake_reader: Any) -> None:
    run("batch", "photos", "--out", "r.jsonl")
    shutil.copy("photos/fine.png", "photos/other.png")
    fake_reader.sources.clear()
    run("batch", "photos", "--out", "r.jsonl", "--retry", "errors")
    assert fake_reader.sources == ["bad.png", "other.png"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ["batch", "photos", "--out", "r.jsonl", "--engine", "here", "--scheduler", "tcp://x:1"],
            "--scheduler goes with",
        ),
        (["batch", "none.zip", "--out", "r.jsonl"], "is not a folder, nor"),
        (["report", "none.jsonl", "-o", "r.html"], "cannot be read"),
        (["report", "r.jsonl", "-o", "r.html", "--photos", "none"], "is not a folder"),
        (["report", "r.jsonl", "-o", "r.html", "--truth", "none.csv"], "cannot be read"),
    ],
)
def test_wrong_use_is_told(run: Run, capsys: pytest.CaptureFixture[str], args: list[str], said: str) -> None:
    assert run(*args) in (1, 2)
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_missing_extras_are_named_before_anything_is_read(
    run: Run, fake_reader: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyarrow", "pyarrow.parquet", "duckdb", "fsspec", "dask", "dask.distributed"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for args, extra in (
        (("photos", "--out", "r.parquet"), "archive"),
        (("photos", "--out", "r.duckdb"), "archive"),
        (("s3://bucket/photos", "--out", "r.jsonl"), "archive"),
        (("photos", "--out", "r.jsonl", "--engine", "dask"), "cluster"),
    ):
        assert run("batch", *args) == 2
        assert f"meter-recognizer[{extra}]" in capsys.readouterr().err
    assert fake_reader.sources == []


def test_the_engine_fits_the_archive(fake_reader: Any) -> None:
    """Catches processes started for a handful of photos, and a large archive read by one."""
    import argparse

    def chosen(waiting: int | None, **asked: Any) -> Any:
        defaults = {"engine": "auto", "scheduler": None, "workers": 2, "models_dir": None, "photo_seconds": 9.0}
        return cli_batch._engine(argparse.Namespace(**(defaults | asked)), lambda _: fake_reader, fake_reader, waiting)

    assert isinstance(chosen(3), InProcess)
    assert isinstance(chosen(1000), Pool)
    assert isinstance(chosen(None), Pool)
    assert isinstance(chosen(1000, workers=1), InProcess)
    assert isinstance(chosen(3, engine="pool"), Pool)
    assert chosen(1000).workers == 2


def test_time_left() -> None:
    now = Progress("a", done=40, total=100, read=20, seconds=10.0, accepted=40, review=0, refused=0, failed=0)
    assert (now.rate, now.left) == (2.0, 30.0)
    assert cli_batch._as_line(now).startswith("40 of 100  2.0 photos/s  30 s left  40 accepted")
    assert "left" not in cli_batch._as_line(Progress("a", 1, None, 1, 1.0, 1, 0, 0, 0))
