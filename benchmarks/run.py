"""Read many photos in several processes, and keep the answers as JSON lines so that they can be judged again."""

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recognizer.domain.reading import Report
from recognizer.errors import RecognizerError, UsageError
from recognizer.evaluate import Answer

Read = Callable[[Path], Report]

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out"
DATA = ROOT.parent / "shared" / "data"

_read: Read | None = None
"""The reader of this process: made once, for loading models costs more than reading a photo."""


def meter_reader() -> Read:
    """The real reader; imported late, so that scoring stored answers needs no models."""
    from recognizer.reader import MeterReader

    read: Read = MeterReader().read
    return read


def answer(photos: Sequence[Path], jobs: int = 1, make_read: Callable[[], Read] = meter_reader) -> list[Answer]:
    """The answers to the photos, in their order. With more than one job ``make_read`` runs in each process."""
    _start(make_read)  # with more jobs too: a model that is missing is told once and plainly, not by a broken pool
    if jobs == 1:
        return [_answer(photo) for photo in photos]
    # Spawned, not forked: the threads of OpenCV and onnxruntime do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(make_read,)) as pool:
        return list(pool.map(_answer, photos, chunksize=4))


def _start(make_read: Callable[[], Read]) -> None:
    global _read
    _read = make_read()


def _answer(photo: Path) -> Answer:
    assert _read is not None
    try:
        return Answer.of(_read(photo))
    except RecognizerError as error:
        return Answer("refused", "", "", 0.0, findings=(f"error: {error}",))


def data_folder(folder: Path) -> Path:
    """The folder of photos with its table; UsageError says what is missing."""
    if not (folder / "photos.csv").is_file():
        raise UsageError(f"no photos.csv in {folder}: say where the photos with truth are, with --data FOLDER")
    return folder


def save(path: Path, files: Sequence[str], answers: Sequence[Answer]) -> None:
    """Write one JSON object a line: the file's name and the fields of its Answer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"file": f, **asdict(a)}, ensure_ascii=False) for f, a in zip(files, answers, strict=True))
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def load(path: Path) -> dict[str, Answer]:
    """What ``save`` wrote, by file name; UsageError when it is something else."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {row.pop("file"): _from_json(row) for row in rows}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} holds no predictions of this benchmark: {error}") from error


def _from_json(row: dict[str, Any]) -> Answer:
    row["corners"] = tuple((x, y) for x, y in row["corners"])
    row["findings"] = tuple(row["findings"])
    row["models"] = tuple((role, digest) for role, digest in row["models"])
    return Answer(**row)
