"""Would catch: a visit whose files are read apart, torn apart, mixed up or lost, agreement that does not help, a broken
file that takes the others with it, a doubtful register that nobody gets to see, and pictures of the wrong file."""

import csv
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from recognizer.archive import Archive, InProcess, run
from recognizer.archive.job import Photo
from recognizer.archive.join import MOST_FILES, joined
from recognizer.archive.ledger import Line, standing_lines
from recognizer.archive.places import Broken, File, Together
from recognizer.archive.report import write_report
from recognizer.archive.visit import picture_at
from recognizer.domain.observation import Display, Glyph, Mark, Observation, Quad
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Report
from recognizer.vision.frame import Frame, load_frame

BOX: Quad = ((40, 30), (120, 30), (120, 50), (40, 50))
SCREENS = {
    200: ("00123.4", "1.8.1", 0.9999),
    210: ("00567.8", "1.8.2", 0.9999),
    220: ("00567.8", "1.8.2", 0.985),
    230: ("00561.8", "1.8.2", 0.985),
    240: ("", None, 1.0),
}
"""What is on the display of a picture so many pixels wide."""


class Widths:
    """A reader that knows what a picture shows by its width."""

    policy = Policy()

    def __init__(self) -> None:
        self.looks: list[int] = []
        self.expected: Sequence[str] = ()

    def observe(self, frame: Frame, *, expected: Sequence[str] = (), **_: Any) -> Observation:
        self.looks.append(frame.width)
        self.expected = expected
        text, label, sure = SCREENS[frame.width]
        n = max(1, len(text))
        glyphs = tuple(Glyph(((char, sure ** (1 / n)),), i / n, (i + 1) / n) for i, char in enumerate(text))
        marks = (Mark(label, 0.9999), Mark("kWh", 0.9999)) if label else (None, None)
        displays = (Display("lcd", BOX, 0.99, 0.98, glyphs, *marks),) if text else ()
        return Observation(frame.width, frame.height, 10.0, displays, models=(("locator", "0" * 12),))

    def read(self, photo: Path, *, source: str, **_: Any) -> Report:
        return Report(source, "accepted")


def put(path: Path, width: int, shade: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, np.full((150, width, 3), shade, np.uint8))[1].tobytes())


def clip(path: Path, *widths: int, seconds: float = 1.0) -> None:
    """A clip of one size: the last width is that of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = widths[-1], 150
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, size)
    for _ in range(int(10 * seconds)):
        video.write(np.full((150, size[0], 3), 90, np.uint8))
    video.release()


def lines_of(archive: Archive, out: Path, reader: Widths | None = None) -> dict[str, Line]:
    run(archive, out, lambda _: InProcess(reader or Widths()))
    return {line["source"]: line for line in standing_lines(out)}


def told(line: Line) -> list[tuple[str, str, str]]:
    return [(r["register"], r["text"], r["status"]) for r in line["readings"]]


def test_the_photos_of_a_folder_are_one_line(tmp_path: Path) -> None:
    """Tariffs on several photos come together, each with the photo that shows it; what agrees is believed more."""
    put(tmp_path / "v1" / "a.png", 200)
    put(tmp_path / "v1" / "b.png", 220)
    put(tmp_path / "v1" / "c" / "d.png", 240)  # another folder in between is another visit
    put(tmp_path / "v1" / "e.png", 220, shade=91)
    lines = lines_of(Archive(str(tmp_path), visits=True), tmp_path / "out.jsonl")
    assert set(lines) == {"v1", "v1/c"}
    v1 = lines["v1"]
    assert told(v1) == [("1.8.1", "00123.4", "accepted"), ("1.8.2", "00567.8", "accepted")]
    assert (v1["status"], v1["visit"], v1["files"]) == ("accepted", "v1", ["v1/a.png", "v1/b.png", "v1/e.png"])
    assert v1["evidence"]["1.8.1"]["source"] == "v1/a.png"
    assert v1["evidence"]["1.8.1"]["path"] == str(tmp_path / "v1" / "a.png")
    assert v1["evidence"]["1.8.2"]["seconds"] is None
    alone = lines_of(Archive(str(tmp_path / "v1"), pattern="b.png", visits=True), tmp_path / "alone.jsonl")["."]
    assert alone["readings"][0]["confidence"] < v1["readings"][1]["confidence"]
    assert lines["v1/c"]["status"] == "refused"


def test_photos_that_disagree_are_for_a_person(tmp_path: Path) -> None:
    """And the register that is doubtful is in the queue, with its photo, though another one is certain."""
    photos = tmp_path / "photos"
    put(photos / "v" / "a.png", 200)
    put(photos / "v" / "b.png", 220)
    put(photos / "v" / "c.png", 230)
    out = tmp_path / "out.jsonl"
    line = lines_of(Archive(str(photos), visits=True), out)["v"]
    assert line["status"] == "review"
    assert {r: s for r, _, s in told(line)} == {"1.8.1": "accepted", "1.8.2": "review"}
    write_report(out, tmp_path / "r.html", queue=tmp_path / "q.csv")
    with (tmp_path / "q.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["register"] == "1.8.2"
    assert Path(row["path"]).name in ("b.png", "c.png")
    assert row["sha256"] == line["evidence"]["1.8.2"]["sha256"]
    assert "data:image/jpeg" in (tmp_path / "r.html").read_text()


def test_copies_count_once_and_broken_files_are_told(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put(tmp_path / "v" / f"{name}.png", 220)
    (tmp_path / "v" / "bad.png").write_bytes(b"\x89PNG no")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "bad.png").write_bytes(b"")
    (tmp_path / "w" / "worse.mp4").write_bytes(b"no video")
    reader = Widths()
    lines = lines_of(Archive(str(tmp_path), visits=True), tmp_path / "out.jsonl", reader)
    assert reader.looks == [220]
    (finding,) = lines["v"]["findings"]
    assert finding["code"] == "file_unusable"
    assert "1 of 4 files could not be used" in finding["message"]
    assert "bad.png" in finding["message"]
    assert lines["w"]["status"] == "refused"
    assert "bad.png: is empty" in lines["w"]["error"]


def test_clips(tmp_path: Path) -> None:
    """A clip is a visit by itself, and one among photos is part of theirs; its pictures are found again."""
    clip(tmp_path / "photos" / "lone.mp4", 200, seconds=2)
    put(tmp_path / "photos" / "v" / "a.png", 210)
    clip(tmp_path / "photos" / "v" / "b.mp4", 200, seconds=2)
    lines = lines_of(Archive(str(tmp_path / "photos")), tmp_path / "apart.jsonl")
    assert set(lines) == {"lone.mp4", "v/a.png", "v/b.mp4"}
    assert told(lines["lone.mp4"]) == [("1.8.1", "00123.4", "accepted")]
    shown = lines["lone.mp4"]["evidence"]["1.8.1"]
    assert 0 <= shown["seconds"] < 2
    assert lines["lone.mp4"]["file"]["sha256"] == shown["sha256"] is not None
    lines = lines_of(Archive(str(tmp_path / "photos"), visits=True), tmp_path / "out.jsonl")
    assert told(lines["v"]) == [("1.8.1", "00123.4", "accepted"), ("1.8.2", "00567.8", "accepted")]
    assert lines["v"]["evidence"]["1.8.2"]["seconds"] is None
    assert 0 <= lines["v"]["evidence"]["1.8.1"]["seconds"] < 2
    write_report(tmp_path / "out.jsonl", tmp_path / "r.html", queue=None)
    assert (tmp_path / "r.html").read_text().count("data:image/jpeg") == 2
    picture = picture_at("b", File(str(tmp_path / "photos" / "v" / "b.mp4")), 1.0)
    assert picture.shape == (150, 200, 3)


def test_a_clip_in_a_zip(tmp_path: Path) -> None:
    clip(tmp_path / "b.mp4", 200, seconds=2)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(tmp_path / "b.mp4", "v/b.mp4")
    line = lines_of(Archive(str(tmp_path / "z.zip")), tmp_path / "out.jsonl")["v/b.mp4"]
    assert told(line) == [("1.8.1", "00123.4", "accepted")]
    place = Archive(str(tmp_path / "z.zip"))
    assert picture_at("b", next(iter(place)).place, None).shape == (150, 200, 3)


def test_visits_of_a_manifest(tmp_path: Path) -> None:
    """Rows of a visit need not follow each other; what is said in one holds for all, and must not contradict."""
    for name, width in (("a", 200), ("b", 210), ("c", 240), ("d", 240)):
        put(tmp_path / f"{name}.png", width)
    (tmp_path / "m.csv").write_text(
        "path,visit,serial,meter,taken_at,previous\n"
        "a.png,v1,S1,m1,2026-10-01T10:00+00:00,\n"
        "c.png,,,,,\n"
        "d.png,v2,,m1,,\n"
        "b.png,v1,,,2026-10-01T09:59+00:00,00100@2026-09-01\n"
        "c.png,v2,,m2,,\n"
    )
    reader = Widths()
    lines = lines_of(Archive(str(tmp_path / "m.csv")), tmp_path / "out.jsonl", reader)
    assert set(lines) == {"v1", "v2", "c.png"}
    assert [text for _, text, _ in told(lines["v1"])] == ["00123.4", "00567.8"]
    assert reader.expected == ("S1",)
    assert (lines["v1"]["meter"]["id"], lines["v1"]["taken_at"]) == ("m1", "2026-10-01T09:59:00+00:00")
    assert "one visit of two meters, m1 and m2" in lines["v2"]["error"]


def test_a_second_run_does_what_changed(tmp_path: Path) -> None:
    """Another file in a visit, or other bytes, are another visit; another time of change alone is not."""
    photos = tmp_path / "photos"
    for visit in ("v", "w"):
        put(photos / visit / "a.png", 200)
        put(photos / visit / "b.png", 210)
    reader, out = Widths(), tmp_path / "out.jsonl"
    archive = Archive(str(photos), visits=True)
    lines_of(archive, out, reader)
    reader.looks.clear()
    lines_of(archive, out, reader)
    assert not reader.looks
    put(photos / "v" / "a.png", 200)
    lines_of(archive, out, reader)
    assert not reader.looks
    put(photos / "v" / "c.png", 240)
    assert lines_of(archive, out, reader)["v"]["files"] == ["v/a.png", "v/b.png", "v/c.png"]
    assert reader.looks == [200, 210, 240]


def test_a_visit_is_no_dump() -> None:
    files = [Photo(f"{n}.png", File(f"{n}.png"), visit="v") for n in range(MOST_FILES + 1)]
    (found,) = joined(files)
    assert isinstance(found.place, Broken)
    assert f"more than {MOST_FILES}" in found.place.reason
    (found,) = joined(files[:-1])
    assert isinstance(found.place, Together)
    assert len(found.place.files) == MOST_FILES


@pytest.mark.parametrize("visits", [False, True])
def test_real_pictures(tmp_path: Path, visits: bool) -> None:
    """The reader itself, on a sample photographed twice, and a drawn clip."""
    from recognizer.reader import MeterReader

    samples = Path(__file__).parents[1] / "samples"
    truth = {row["file"]: row for row in json.loads((samples / "truth.json").read_text())}
    name = "01-lcd-point.jpg"
    whole = load_frame(samples / name).pixels
    for n, light in enumerate((1.0, 0.85)):
        path = tmp_path / "photos" / "v" / f"{n}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".jpg", cv2.convertScaleAbs(whole, alpha=light))[1].tobytes())
    run(Archive(str(tmp_path / "photos"), visits=visits), tmp_path / "out.jsonl", lambda _: InProcess(MeterReader()))
    lines = list(standing_lines(tmp_path / "out.jsonl"))
    assert len(lines) == (1 if visits else 2)
    assert {line["readings"][0]["text"] for line in lines} == {truth[name]["reading"]}
