"""A batch gives one line a photo, survives bad files and its own death, and goes on where it stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.archive import DAMAGES
from recognizer.archive import batch
from recognizer.domain.reading import Report
from recognizer.errors import InputError, ModelError

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]

SOURCES = ["a.jpg", "bad.png", "crash.jpg", "review.png", "sub/deeper/refused.JPG", "sub/й\t'x'.webp"]


@pytest.fixture
def photos(picture: Picture, encode: Encode, tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for source in [*SOURCES, ".hidden.jpg", ".thumbs/x.jpg"]:
        path = root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(picture, "PNG"))
    (root / "bad.png").write_bytes(b"no picture")
    (root / "truth.json").write_text("{}")
    return root


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_one_line_a_photo(photos: Path, tmp_path: Path, fake_reader: Any) -> None:
    """Catches photos left out, and a bad file or a fault of ours that ends the run."""
    out = tmp_path / "results.jsonl"
    calls: list[tuple[int, int, str]] = []
    summary = batch(fake_reader, photos, out, progress=lambda *call: calls.append(call))
    found = {line["source"]: line for line in lines(out)}
    assert list(found) == SOURCES
    assert calls == [(n, len(SOURCES), source) for n, source in enumerate(SOURCES, 1)]
    assert (summary.accepted, summary.review, summary.refused, summary.failed) == (2, 1, 3, 2)
    assert (summary.total, summary.earlier) == (6, 0)
    assert found["a.jpg"]["readings"][0]["value"] == "123.4"
    keys = {"source", "status", "readings", "meter", "codes", "findings", "models", "file"}
    assert all(set(line) - {"error"} == keys for line in found.values())


def test_what_a_failed_photo_says(photos: Path, tmp_path: Path, fake_reader: Any) -> None:
    out = tmp_path / "results.jsonl"
    batch(fake_reader, photos, out)
    found = {line["source"]: line for line in lines(out)}
    for source, code, part in (("bad.png", "bad_input", "is not a JPEG"), ("crash.jpg", "internal_error", "ZeroDiv")):
        line = found[source]
        assert (line["status"], line["readings"]) == ("refused", [])
        assert line["findings"] == [{"code": code, "message": line["error"]}]
        assert part in line["error"]
        assert "Traceback" not in json.dumps(line)


def test_every_kind_of_damage_has_a_line_with_its_reason(
    picture: Picture, encode: Encode, tmp_path: Path, fake_reader: Any
) -> None:
    """Catches a damaged file that ends, blocks or floods the run, or harms the photo after it."""
    sound, root = encode(picture, "JPEG"), tmp_path / "photos"
    root.mkdir()
    for number, damage in enumerate(DAMAGES):
        damage(root / f"{number}.jpg", sound)
        (root / f"{number} sound.jpg").write_bytes(sound)
    batch(fake_reader, root, tmp_path / "r.jsonl")
    for line in lines(tmp_path / "r.jsonl"):
        bad = "sound" not in line["source"]
        assert (line["status"], [f["code"] for f in line["findings"]]) == (
            ("refused", ["bad_input"]) if bad else ("accepted", [])
        )
    assert len(lines(tmp_path / "r.jsonl")) == 2 * len(DAMAGES)


def test_a_cut_file_is_continued_wherever_it_was_cut(photos: Path, tmp_path: Path, fake_reader: Any) -> None:
    """Catches lines lost, doubled or glued together after a kill in the middle of a write."""
    out = tmp_path / "results.jsonl"
    batch(fake_reader, photos, out)
    whole = out.read_bytes()
    for cut in [*range(0, len(whole), len(whole) // 17), len(whole) - 1, len(whole)]:
        out.write_bytes(whole[:cut])
        fake_reader.sources.clear()
        summary = batch(fake_reader, photos, out)
        assert out.read_bytes() == whole, cut
        assert summary.earlier == whole[:cut].count(b"\n")
        assert summary.total == 6
        assert len(fake_reader.sources) == 6 - summary.earlier


def test_a_killed_run_is_completed(photos: Path, tmp_path: Path, fake_reader: Any) -> None:
    """The same with a real process and a real SIGKILL: what was read before is on disk."""
    out = tmp_path / "results.jsonl"
    code = """
import sys, time
from pathlib import Path
from benchmarks.archive import DAMAGES
from recognizer.archive import batch
from recognizer.domain.reading import Report
class Slow:
    def read(self, photo, *, source):
        if "review" in source: time.sleep(60)
        return Report(source, "accepted")
batch(Slow(), Path(sys.argv[1]), Path(sys.argv[2]))
"""
    child = subprocess.Popen([sys.executable, "-c", code, str(photos), str(out)])
    try:
        deadline = time.monotonic() + 30
        while (not out.exists() or out.read_bytes().count(b"\n") < 3) and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert len(lines(out)) == 3
    assert batch(fake_reader, photos, out).earlier == 3
    assert [line["source"] for line in lines(out)] == SOURCES


@pytest.mark.parametrize("content", [b"\xff\xd8 a photo", b"a,b\n1,2\n", b"[1]\n", b"3", b'{"source": "a"}\n'])
def test_other_files_are_left_alone(photos: Path, tmp_path: Path, fake_reader: Any, content: bytes) -> None:
    """Catches ``--out`` on a wrong file that would be cut or written to."""
    out = tmp_path / "other"
    out.write_bytes(content)
    with pytest.raises(InputError, match="is not a result"):
        batch(fake_reader, photos, out)
    assert out.read_bytes() == content


def test_what_cannot_be_a_batch(photos: Path, tmp_path: Path, fake_reader: Any) -> None:
    (tmp_path / "void").mkdir()
    with pytest.raises(InputError, match="is not a folder"):
        batch(fake_reader, tmp_path / "none", tmp_path / "o.jsonl")
    with pytest.raises(InputError, match="no pictures below"):
        batch(fake_reader, tmp_path / "void", tmp_path / "o.jsonl")
    with pytest.raises(InputError, match="cannot be written"):
        batch(fake_reader, photos, tmp_path / "none" / "o.jsonl")
    with pytest.raises(InputError, match="cannot be written"):
        batch(fake_reader, photos, tmp_path)


def test_a_pattern_chooses_files(photos: Path, tmp_path: Path, fake_reader: Any) -> None:
    batch(fake_reader, photos, tmp_path / "o.jsonl", pattern="re*")
    assert [line["source"] for line in lines(tmp_path / "o.jsonl")] == ["review.png", "sub/deeper/refused.JPG"]


def test_a_broken_model_ends_the_run(photos: Path, tmp_path: Path) -> None:
    """Catches an archive full of "refused" because a model was damaged."""

    class Broken:
        def read(self, photo: Path, *, source: str) -> Report:
            raise ModelError("the model is damaged")

    with pytest.raises(ModelError):
        batch(Broken(), photos, tmp_path / "o.jsonl")
    assert (tmp_path / "o.jsonl").read_text() == ""
