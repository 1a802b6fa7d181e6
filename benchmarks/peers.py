"""Ours and what a user would pick instead, on the same real photos, one after another on each.

Every answer is kept as a line of JSON as soon as it is there, so that a killed run goes on; the photos come source by
source in turn, so that one that is stopped early has seen all sources.
"""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2

from benchmarks.peer_cuts import read_ours, write_cuts
from benchmarks.peer_scores import Line
from benchmarks.peer_tools import Heard, open_peers
from recognizer.domain.reading import Status
from recognizer.errors import UsageError
from recognizer.evaluate import Answer, Truth
from recognizer.reader import MeterReader

OURS = "meter-recognizer"
REGION_MODELS = ("locator", "counter", "textline")
"""They decide which region and which positions the peers get."""


@dataclass(frozen=True)
class Row:
    """What one reader said of one photo, and how long ours took for it in the same pass."""

    file: str
    reader: str
    """Name and version, and what it was given; of ours, its models."""
    heard: Heard
    ours_seconds: float
    answer: Answer | None = None
    """Ours only."""


Rows = dict[tuple[str, str], Row]


def sample(truths: Iterable[Truth], most: int, seed: int) -> list[Truth]:
    """At most so many photos of each source that show a reading; one of each source, then a second of each, …

    A larger sample with the same seed holds the smaller one.
    """
    groups: dict[str, list[Truth]] = {}
    for truth in sorted(truths, key=lambda truth: truth.file):
        if truth.demand == "reading":
            groups.setdefault(truth.source, []).append(truth)
    for source, group in groups.items():
        random.Random(f"{seed} {source}").shuffle(group)  # noqa: S311
    return [groups[s][turn] for turn in range(most) for s in sorted(groups) if turn < len(groups[s])]


def measure(
    truths: Sequence[Truth], data: Path, kept: Path, environments: Path, pythons: Mapping[str, Path]
) -> tuple[Rows, dict[str, str]]:
    """The rows of all photos and readers that could be had, and why the others could not.

    What ``kept`` holds of a photo stands as long as our models are the same: the peers work on what they find. Raises
    UsageError where the photos are missing.
    """
    cv2.setNumThreads(1)
    reader = MeterReader()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="peers-")))
        if not truths or not (first := data / truths[0].file).is_file():
            raise UsageError(f"no photos with a reading in {data}: say where they are, with --data FOLDER")
        peers, missing = open_peers(environments, pythons, stack)
        warm, _, _ = read_ours(reader, first)  # the first one loads the models, and tells which they are
        ours = ours_of(warm)
        rows = load(kept)
        for truth in truths:
            fresh = (truth.file, ours) not in rows
            able = [peer for peer in peers if truth.kind == "lcd" or not peer.lcd_only]
            asked = [peer for peer in able if fresh or not _answered(rows, truth.file, peer.key)]
            if not asked and not fresh:
                continue
            answer, display, seconds = read_ours(reader, data / truth.file)
            given = write_cuts(data / truth.file, display, folder)
            for peer in asked:
                _keep(rows, kept, Row(truth.file, peer.key, peer.hear(given), seconds))
            # Ours last: it says that the photo is done.
            said = Heard((Line(answer.guess, answer.confidence),), seconds)
            _keep(rows, kept, Row(truth.file, ours, said, seconds, answer))
    return rows, missing


def _answered(rows: Rows, file: str, reader: str) -> bool:
    """Where a peer failed it is asked once more."""
    row = rows.get((file, reader))
    return row is not None and not row.heard.error


def ours_of(answer: Answer) -> str:
    """Our reader's name with its models."""
    return f"{OURS}, {', '.join(f'{role} `{digest}`' for role, digest in answer.models if role in REGION_MODELS)}"


def load(kept: Path) -> Rows:
    """What a run kept, the last line for each photo and reader; a line that a kill cut short counts for nothing."""
    rows: Rows = {}
    for text in kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else ():
        try:
            row = _from_json(json.loads(text))
        except (ValueError, TypeError, KeyError):
            continue
        rows[row.file, row.reader] = row
    return rows


def _keep(rows: Rows, kept: Path, row: Row) -> None:
    rows[row.file, row.reader] = row
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a+b") as file:
        if file.seek(0, 2) and (file.seek(-1, 2), file.read(1))[1] != b"\n":
            file.write(b"\n")
        file.write((json.dumps(asdict(row), ensure_ascii=False) + "\n").encode())


def _from_json(row: dict[str, Any]) -> Row:
    said, answer = row["heard"], row["answer"]
    lines = tuple(Line(x["text"], x["confidence"], tuple(x["box"]) if x["box"] else None) for x in said["lines"])
    return Row(
        row["file"],
        row["reader"],
        Heard(lines, said["seconds"], said["error"]),
        row["ours_seconds"],
        _answer(answer) if answer else None,
    )


def _answer(row: dict[str, Any]) -> Answer:
    status: Status = row["status"]
    return Answer(status, row["text"], row["guess"], row["confidence"])
