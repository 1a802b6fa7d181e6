"""The report tells the right numbers, opens offline, trusts no name, and does not grow with the archive."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.archive import batch
from recognizer.archive.history import Impossible, Unusual, second_pass
from recognizer.archive.ledger import standing_lines
from recognizer.archive.report import MOST_PICTURES, write_report
from recognizer.archive.survey import LEAST_CERTAIN, Survey, read_labels
from recognizer.archive.table import COLUMNS, rows, writer
from recognizer.errors import InputError

Line = dict[str, Any]
HOSTILE = "<img src=x onerror=alert(1)>&\"'.jpg"


def line(source: str, text: str = "00123.4", confidence: float = 0.97, status: str = "accepted", **more: Any) -> Line:
    finding = {"code": "not_legible", "message": "<b>cannot</b> be read"}
    shown = "" if status == "refused" else text
    reading = {
        "register": "total", "unit": None, "text": shown, "value": shown or None, "confidence": confidence,
        "status": status, "findings": [] if status == "accepted" else [finding],
        "box": [[1, 2], [90, 2], [90, 30], [1, 30]],
        "kind": "drum", "candidates": [{"text": text, "probability": confidence}],
    }  # fmt: skip
    line = {
        "source": source, "status": status, "readings": [reading], "meter": {"serial": None, "agreement": "unknown"},
        "codes": [], "findings": [], "models": {}, "file": {"path": f"/nowhere/{source}", "sha256": "0", "bytes": 1},
    }  # fmt: skip
    return line | more


def of(meter: str, day: int, text: str, **more: Any) -> Line:
    told = {"id": meter, "serial": None, "agreement": "unknown"}
    taken = (datetime(2026, 1, 1, 10, tzinfo=UTC) + timedelta(days=day)).isoformat()
    return line(f"{meter}-{day}-{text}.jpg", text, meter=told, taken_at=taken, **more)


def write(path: Path, lines: list[Line]) -> Path:
    path.write_text("".join(json.dumps(found) + "\n" for found in lines))
    return path


class Checked(HTMLParser):
    """Refuses what runs or fetches anything, and tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "object", "link", "form")
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "src":
                assert tag == "img"
                assert (value or "").startswith("data:image/jpeg;base64,")
                self.pictures += 1
            if name == "href":
                assert (value or "").startswith("./")
                self.links.append(value or "")
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def checked(path: Path) -> Checked:
    found = Checked()
    found.feed(path.read_text(encoding="utf-8"))
    assert found.open == []
    return found


def test_a_real_archive(
    picture: NDArray[np.uint8], encode: Callable[..., bytes], tmp_path: Path, fake_reader: Any
) -> None:
    """With pictures and links for files with names that would like to be HTML, a script, a formula."""
    photos = tmp_path / "photos"
    photos.mkdir()
    names = [HOSTILE, "javascript:alert(1).png", "=cmd|x review.png", "refused.png", "crash.png", "a\udcff.png"]
    for name in names:
        (photos / name).write_bytes(encode(picture, "PNG"))
    (photos / "bad.png").write_bytes(b"none")
    batch(fake_reader, photos, tmp_path / "r.jsonl")
    out, queue = tmp_path / "r.html", tmp_path / "q.csv"
    written = write_report(tmp_path / "r.jsonl", out, queue=queue)
    assert (written.photos, written.impossible, written.review) == (7, 0, 4)
    found = checked(out)
    assert found.pictures == 6  # all but the bad file; the crash left nothing to draw but the photo
    assert HOSTILE in found.words
    assert "./photos/javascript%3Aalert%281%29.png" in found.links
    assert any("a\\udcff.png" in words for words in found.words)
    for link in found.links:
        assert "\n" not in link
    with queue.open(encoding="utf-8", newline="") as file:
        reviewed = {row["source"]: row for row in csv.DictReader(file)}
    assert set(reviewed) == {"./=cmd|x review.png", "refused.png", "crash.png", "bad.png"}
    assert reviewed["crash.png"]["reasons"] == "internal_error"
    moved = photos.rename(tmp_path / "moved")
    write_report(tmp_path / "r.jsonl", out, queue=None)
    assert checked(out).pictures == 0
    write_report(tmp_path / "r.jsonl", out, photos=moved, queue=None)
    assert checked(out).pictures == 6


def test_the_numbers(tmp_path: Path) -> None:
    lines = [line(f"a/{n}.jpg", confidence=n / 10) for n in range(10)]
    lines += [line(f"b/{n}.jpg", status="refused", confidence=0.05) for n in range(3)]
    lines += [line("top.jpg", status="review"), line("a/0.jpg", status="review", confidence=0.15)]
    out = tmp_path / "r.html"
    survey = Survey()
    for found in standing_lines(write(tmp_path / "r.jsonl", lines)):
        survey.add(found)
    assert (survey.photos, dict(survey.status)) == (14, {"accepted": 9, "review": 2, "refused": 3})
    assert {name: c.total() for name, c in survey.folders.items()} == {"a": 10, "b": 3, ".": 1}
    assert survey.reasons["not_legible"]["refused"] == 3
    assert sum(c.total() for c in survey.histogram) == 14
    assert [x["source"] for x in survey.least_certain()[:2]] == ["a/1.jpg", "a/0.jpg"]
    assert write_report(tmp_path / "r.jsonl", out, queue=None).photos == 14
    words = " ".join(checked(out).words)
    assert "14" in words
    assert "<b>cannot</b> be read" in words


def test_truth(tmp_path: Path) -> None:
    lines = [line("a.jpg", "00123.4", 0.99), line("b.jpg", "00124.4", 0.95), line("c.jpg", "00100", 0.5, "refused")]
    (tmp_path / "t.csv").write_text('file,reading\na.jpg,123.4\na.jpg,"00123,4"\nb.jpg,00123.4\nc.jpg,00100\nd.jpg,1\n')
    labels = read_labels(tmp_path / "t.csv")
    survey = Survey(labels)
    for found in lines:
        survey.add(found)
    assert sorted(survey.exact) == [(0.5, True), (0.95, False), (0.99, True)]
    assert survey.accepted_wrong == 1
    write_report(write(tmp_path / "r.jsonl", lines), tmp_path / "r.html", labels=labels, queue=None)
    words = " ".join(checked(tmp_path / "r.html").words)
    assert "3 of 4 labelled photos" in words
    assert "66.67%" in words
    (tmp_path / "u.csv").write_text("name,value\n")
    with pytest.raises(InputError, match="columns file and reading"):
        read_labels(tmp_path / "u.csv")


def test_its_size_is_bounded(tmp_path: Path) -> None:
    """Catches a page that grows with the number of photos, folders, reasons or meters."""

    def many(number: int) -> list[Line]:
        lines = []
        for n in range(number):
            codes = [{"code": f"reason_{n}", "message": "x" * 5000}]
            lines.append(line(f"{'d' * 300}{n}/{n}.jpg", status="refused", findings=codes))
            lines += [of(f"m{n}", 1, "00500"), of(f"m{n}", 2, "00400", confidence=n / number)]
        return lines

    sizes = []
    for number in (150, 600):
        write_report(write(tmp_path / "r.jsonl", many(number)), tmp_path / "r.html", queue=None)
        checked(tmp_path / "r.html")
        sizes.append((tmp_path / "r.html").stat().st_size)
    assert sizes[1] < 1.1 * sizes[0] < 1_000_000
    assert MOST_PICTURES >= LEAST_CERTAIN


def test_history_across_an_archive() -> None:
    """Impossible sequences surface, whatever the order of the lines, and one false value does not accuse the rest."""
    lines = [of("m1", 30 * n, f"{1000 + 10 * n:05}") for n in range(6)]
    lines[3] = of("m1", 90, "09030", confidence=0.99)
    lines += [
        of("m2", 0, "00500"),
        of("m2", 30, "00400"),
    ]
    lines += [line("no time.jpg"), of("m4", 0, "00700", status="refused")]
    found = [x for x in second_pass(lines[::-1]) if isinstance(x, Impossible)]
    codes = {x.reading.source: [f.code for f in x.findings] for x in found}
    assert codes["m2-30-00400.jpg"] == ["less_than_previous"]
    assert {source for source in codes if source.startswith("m1")} == {"m1-120-01040.jpg", "m1-150-01050.jpg"}
    # The first true reading after a false one is refused, the second asks whether that one was right.
    assert "previous_reading_doubtful" in codes["m1-150-01050.jpg"]
    assert "no time.jpg" not in codes


def test_unusual_use() -> None:
    values = [1000, 1010, 1020, 1120, 1130, 1130, 1140]
    lines = [of("m", 10 * n, f"{value:05}") for n, value in enumerate(values)]
    found = [x for x in second_pass(lines) if isinstance(x, Unusual)]
    assert [(x.reading.text, x.used, round(x.times)) for x in found] == [
        ("01120", Decimal(100), 10), ("01130", Decimal(0), 0),
    ]  # fmt: skip


def test_rows_of_a_table(tmp_path: Path) -> None:
    two = line("two.jpg")
    two["readings"] *= 2
    lines = [two, line("none.jpg", status="refused", readings=[]), line('é\udcff\n",.jpg', status="review")]
    assert [(r["source"], r["value"]) for r in rows(lines)] == [
        ("two.jpg", Decimal("123.4")), ("two.jpg", Decimal("123.4")), ("none.jpg", None),
        ("é\\udcff\n\",.jpg", Decimal("123.4")),
    ]  # fmt: skip
    assert writer(tmp_path / "r.jsonl") is None
    write = writer(tmp_path / "r.csv")
    assert write is not None
    write(lines)
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["value"] for row in found] == ["123.4", "123.4", "", "123.4"]
    assert found[3]["source"] == 'é\\udcff\n",.jpg'
    assert [p.name for p in tmp_path.iterdir()] == ["r.csv"]


def test_typed_tables(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra archive is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra archive is not installed")
    lines = [line("a'\n\".jpg"), line("b.jpg", status="refused", readings=[])]
    for _ in range(2):  # the second replaces the first
        for name in ("r.parquet", "r.duckdb"):
            write = writer(tmp_path / name)
            assert write is not None
            write(lines)
    wanted = list(rows(lines))
    assert parquet.read_table(tmp_path / "r.parquet").to_pylist() == wanted
    with duckdb.connect(str(tmp_path / "r.duckdb"), read_only=True) as base:
        found = base.execute("SELECT * FROM readings ORDER BY source").fetchall()
    assert [dict(zip(COLUMNS, cells, strict=True)) for cells in found] == wanted
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.duckdb", "r.parquet"]


def test_what_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("")
    with pytest.raises(InputError, match="holds no results"):
        write_report(tmp_path / "r.jsonl", tmp_path / "r.html", queue=None)
    (tmp_path / "r.jsonl").write_text("a,b\n")
    with pytest.raises(InputError, match="line 1 is not a result"):
        write_report(tmp_path / "r.jsonl", tmp_path / "r.html", queue=None)
    with pytest.raises(InputError, match="cannot be read"):
        write_report(tmp_path / "none.jsonl", tmp_path / "r.html", queue=None)
