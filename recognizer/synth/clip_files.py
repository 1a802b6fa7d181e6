"""Clips as MP4 files with their truth beside them."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from recognizer.errors import InputError
from recognizer.synth.clip import Clip, Showing, render_clip
from recognizer.synth.clip_meters import FAMILIES
from recognizer.synth.labels import QuadArray


def write_clips(
    out: Path, number: int, seed: int, size: tuple[int, int] = (640, 480), seconds: float | None = None
) -> Iterator[dict[str, Any]]:
    """Write ``number`` clips and their truth, family after family; gives each truth as it is written.

    ``NNN-family.mp4`` has its truth in ``NNN-family.json``. Without ``seconds`` each shows a whole cycle. The same seed
    gives the same clips, and the first few of them whatever the number. Raises ``InputError`` where the folder cannot
    be written to.
    """
    families = tuple(FAMILIES)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write clips to {out}: {error.strerror}") from error
    for i in range(number):
        family = families[i % len(families)]
        path = out / f"{i:03}-{family}.mp4"
        clip = render_clip(np.random.default_rng((seed, i)), family, size, seconds=seconds)
        yield write_clip(clip, path)


def write_clip(clip: Clip, path: Path) -> dict[str, Any]:
    """Write an MP4 and, beside it, its truth as JSON; gives the truth without that of single frames.

    In the file, ``frames`` holds for each frame the index of its showing, its state (shown, transition, unclear), the
    corners of the glass and those of each row's digits. One frame is in memory at a time.
    """
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), clip.fps, clip.size)
    if not writer.isOpened():
        raise InputError(f"cannot write {path}: the folder is missing or not writable, or OpenCV has no MPEG-4 encoder")
    truth = {
        "file": path.name,
        "family": clip.meter.family,
        "fps": clip.fps,
        "size": list(clip.size),
        "seconds": round(clip.seconds, 3),
        "registers": [_rounded(asdict(register)) for register in clip.registers],
        "showings": [_showing(showing) for showing in clip.showings],
    }
    try:
        with path.with_suffix(".json").open("w", encoding="utf-8") as file:
            file.write(
                "{" + "".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)},\n" for k, v in truth.items())
            )
            file.write('"frames": [')
            for i, frame in enumerate(clip):
                writer.write(frame.image)
                state = "transition" if frame.transition else "shown" if frame.clear else "unclear"
                row = [frame.showing, state, _corners(frame.panel), *map(_corners, frame.rows)]
                file.write(("\n" if i == 0 else ",\n") + json.dumps(row))
            file.write("\n]}\n")
    finally:
        writer.release()
    return truth


def _showing(showing: Showing) -> dict[str, Any]:
    screen = showing.screen
    return _rounded({"start": showing.start, "end": showing.end}) | {
        "kind": screen.kind,
        "rows": [asdict(row) for row in screen.rows],
        "marks": list(screen.marks),
    }


def _rounded(data: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in data.items()}


def _corners(quad: QuadArray) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in quad]
