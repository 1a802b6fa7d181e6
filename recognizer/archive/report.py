"""A ledger as people look at it: one HTML file, and a CSV of what a person should decide.

The page is written from front to end with a bounded number of rows and pictures, so that its size does not grow with
the archive.
"""

import base64
import csv
import heapq
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

from recognizer.archive.history import Impossible, Unusual, second_pass
from recognizer.archive.ledger import Line, standing_lines
from recognizer.archive.page import History, Shown, page
from recognizer.archive.places import File, place_of
from recognizer.archive.survey import Label, Survey
from recognizer.archive.table import plain
from recognizer.archive.visit import picture_at
from recognizer.domain.reading import Candidate, Finding, Reading, Report
from recognizer.errors import InputError
from recognizer.vision.pixels import Pixels

MOST_ROWS = 100
"""Impossible readings and unusual uses that the page shows; the CSV has all the impossible ones."""
MOST_PICTURES = 120
PICTURE_WIDTH = 360
REVIEW_COLUMNS = (
    "source", "path", "seconds", "sha256", "meter_id", "taken_at", "register", "unit", "text", "confidence", "status",
    "reasons", "candidates",
)  # fmt: skip
"""``seconds`` are into a clip. ``reasons`` are finding codes, ``candidates`` texts with their probability; semicolons
stand between them."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a report came to."""

    photos: int
    impossible: int
    review: int
    """Rows of the review queue."""


def write_report(
    ledger: Path, out: Path, *, labels: dict[str, Label] | None = None, photos: Path | None = None, queue: Path | None
) -> Written:
    """Write the page to ``out`` and the queue of what to review to ``queue``, each in one step.

    ``photos`` is the folder where the photos lie now, when it is not where they were read. Raises InputError when the
    ledger is none, or a file cannot be written.
    """
    survey = Survey(labels or {})

    def seen() -> Iterator[Line]:
        for line in standing_lines(ledger):
            survey.add(line)
            yield line

    history, against = _history(seen())
    if not survey.photos:
        raise InputError(f"{ledger}: holds no results yet")
    rows = 0
    try:
        if queue is not None:
            spare = queue.with_name(f".{queue.name}.tmp")
            with open(spare, "w", encoding="utf-8", newline="") as file:
                rows = _write_queue(file, standing_lines(ledger), against)
            os.replace(spare, queue)
        spare = out.with_name(f".{out.name}.tmp")
        with open(spare, "w", encoding="utf-8") as file:
            file.writelines(page(ledger.name, survey, history, _Pictures(out, photos).show))
        os.replace(spare, out)
    except OSError as error:
        raise InputError(f"{error.filename or out}: cannot be written ({error.strerror})") from error
    return Written(survey.photos, sum(history.codes.values()), rows)


def _history(lines: Iterable[Line]) -> tuple[History, dict[str, tuple[str, ...]]]:
    """What the second pass shows, and the codes against each source."""
    codes: Counter[str] = Counter()
    against: dict[str, tuple[str, ...]] = {}
    impossible: list[Impossible] = []
    unusual: list[tuple[float, int, Unusual]] = []
    for number, found in enumerate(second_pass(lines)):
        if isinstance(found, Impossible):
            codes[found.findings[0].code] += 1
            against[found.reading.source] = tuple(f.code for f in found.findings)
            if len(impossible) < MOST_ROWS:
                impossible.append(found)
        else:
            heapq.heappush(unusual, (abs(log(max(1e-9, abs(found.times)))), number, found))
            if len(unusual) > MOST_ROWS:
                heapq.heappop(unusual)
    return History(codes, impossible, [u for *_, u in sorted(unusual, key=lambda e: -e[0])]), against


def _write_queue(file: Any, lines: Iterable[Line], against: dict[str, tuple[str, ...]]) -> int:
    table = csv.DictWriter(file, REVIEW_COLUMNS)
    table.writeheader()
    rows = 0
    for line in lines:
        more = against.get(plain(line["source"]), ())
        if line["status"] == "accepted" and not more:
            continue
        for reading in _to_decide(line):
            reasons = [f["code"] for f in (*reading.get("findings", ()), *line["findings"])]
            candidates = [f"{c['text']}:{c['probability']}" for c in reading.get("candidates", ())]
            file = _shows(line, reading.get("register"))
            row = {
                "source": _safe(line["source"]),
                "path": file.get("path"),
                "seconds": file.get("seconds"),
                "sha256": file.get("sha256"),
                "meter_id": line["meter"].get("id"),
                "taken_at": line.get("taken_at"),
                **{name: reading.get(name) for name in ("register", "unit", "text", "confidence")},
                "status": line["status"],
                "reasons": ";".join(dict.fromkeys([*reasons, *more])),
                "candidates": ";".join(candidates),
            }
            table.writerow({name: plain(cell) for name, cell in row.items()})
            rows += 1
    return rows


def _to_decide(line: Line) -> list[dict[str, Any]]:
    """The billed reading of a photo; of a visit, which may show many, those that are not accepted."""
    readings: list[dict[str, Any]] = line["readings"]
    doubtful = [r for r in readings if r["status"] != "accepted"] if "evidence" in line else []
    return doubtful or readings[:1] or [{}]


def _shows(line: Line, register: str | None) -> dict[str, Any]:
    """The file that shows a reading: of a visit the one that does so best."""
    file: dict[str, Any] = line.get("evidence", {}).get(register) or line.get("file", {})
    return file


def _safe(source: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; ``./`` before a path changes nothing else."""
    return f"./{source}" if source.startswith(("=", "+", "-", "@", "\t", "\r")) else source


class _Pictures:
    """Photos as small pictures with what was read drawn on them, as long as there is room."""

    def __init__(self, out: Path, photos: Path | None) -> None:
        self._out, self._photos, self._left = out, photos, MOST_PICTURES

    def show(self, line: Line) -> Shown:
        if self._left <= 0 or not (self._photos or "file" in line):
            return Shown(None, None)
        self._left -= 1
        file = _shows(line, line["readings"][0]["register"] if line["readings"] else None)
        source = file.get("source") or next(iter(line.get("files", ())), line["source"])
        place = File(str(self._photos / source)) if self._photos else place_of(file["path"])
        link = None
        if isinstance(place, File) and os.path.exists(place.name):
            link = os.path.relpath(place.name, self._out.parent)
        try:
            return Shown(link, _drawn(picture_at(source, place, file.get("seconds")), line))
        except InputError:  # the reason stands in the line, which is shown beside it
            return Shown(link, None)


def _drawn(photo: Pixels, line: Line) -> str:
    """A JPEG as base64; what was read is drawn on the photo and written below it."""
    import cv2

    from recognizer.overlay import draw_overlay

    picture = draw_overlay(photo, report_of(_on_one_picture(line)))
    height, width = picture.shape[:2]
    size = (PICTURE_WIDTH, max(1, min(2 * PICTURE_WIDTH, round(height * PICTURE_WIDTH / width))))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return base64.b64encode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes()).decode()


def _on_one_picture(line: Line) -> Line:
    """The line of a visit with the readings that its first one's picture shows: boxes are places in a picture."""
    evidence = line.get("evidence")
    if not evidence or not line["readings"]:
        return line
    shown = evidence.get(line["readings"][0]["register"])
    return line | {"readings": [r for r in line["readings"] if evidence.get(r["register"]) == shown]}


def report_of(line: Line) -> Report:
    """The report that a line was made of, as far as drawing needs it."""
    readings = tuple(
        Reading(
            register=r["register"],
            unit=r["unit"],
            text=r["text"],
            confidence=r["confidence"],
            status=r["status"],
            box=tuple((x, y) for x, y in r["box"]),  # type: ignore[arg-type]
            kind=r.get("kind", ""),
            findings=_findings(r["findings"]),
            candidates=tuple(Candidate(c["text"], c["probability"]) for c in r.get("candidates", ())),
        )
        for r in line["readings"]
    )
    return Report(line["source"], line["status"], readings, _findings(line["findings"]))


def _findings(found: Iterable[dict[str, str]]) -> tuple[Finding, ...]:
    return tuple(Finding(f["code"], f["message"]) for f in found)
