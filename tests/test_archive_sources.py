"""Which photos an archive holds: the same ones however it is packed, and a line for whatever cannot be looked into."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recognizer.archive import Archive, InProcess, batch, run
from recognizer.archive.job import Photo
from recognizer.archive.ledger import standing_lines
from recognizer.archive.places import Broken, place_of
from recognizer.domain.meter import Known
from recognizer.domain.reading import Report
from recognizer.errors import InputError

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]

NAMES = ["a.jpg", "b/c.png", "b.png", "b/d/e.webp", "é.JPG"]
UNWANTED = [".hidden.jpg", "__MACOSX/a.jpg", "x/.thumbs/a.jpg", "notes.txt"]


class Notes:
    """A reader that answers anything and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple[Any, Known | None]] = {}

    def read(self, photo: Any, *, source: str, known: Known | None = None) -> Report:
        self.asked[source] = (photo, known)
        return Report(source, "accepted")


@pytest.fixture
def data(picture: Picture, encode: Encode) -> bytes:
    return encode(picture, "PNG")


def packed(form: str, where: Path, data: bytes) -> str:
    """The same photos as a folder, a zip, a tar or a compressed tar."""
    if form == "folder":
        for name in [*NAMES, *UNWANTED]:
            path = where / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return str(where / "photos")
    out = where / f"photos.{form}"
    if form == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in [*NAMES, *UNWANTED]:
                archive.writestr(name, data)
    else:
        with tarfile.open(out, "w:gz" if form == "tar.gz" else "w:") as archive:
            for name in [*NAMES, *UNWANTED]:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return str(out)


@pytest.mark.parametrize("form", ["folder", "zip", "tar", "tar.gz"])
def test_all_ways_of_packing_hold_the_same_photos(form: str, tmp_path: Path, data: bytes) -> None:
    archive = Archive(packed(form, tmp_path, data))
    photos = list(archive)
    wanted = sorted(NAMES) if form == "folder" else NAMES  # of an archive the order is its own
    assert [p.source for p in photos] == wanted
    for photo in photos:
        content = photo.place.content()
        found = content.photo.read_bytes() if isinstance(content.photo, Path) else content.photo
        assert (found, content.size) == (data, len(data))
        if form != "tar.gz":
            assert place_of(photo.place.name).content() == content
    assert archive.count() == (None if form == "tar.gz" else len(NAMES))
    assert [p.source for p in Archive(archive.where, "*.png")] == [n for n in wanted if n.endswith(".png")]
    folders = list(dict.fromkeys(n.rpartition("/")[0] or "." for n in wanted))
    assert [(p.source, p.visit) for p in Archive(archive.where, visits=True)] == [(f, f) for f in folders]
    first = photos[0].stamp()
    assert first == next(iter(archive)).stamp()


def test_archives_in_a_folder_and_what_is_wrong_with_them(tmp_path: Path, data: bytes) -> None:
    """Catches an archive that ends the run, is passed over in silence, or blocks it."""
    root = tmp_path / "root"
    root.mkdir()
    for form in ("zip", "tar", "tar.gz"):
        os.rename(packed(form, tmp_path, data), root / f"y.{form}")
    (root / "bad.zip").write_bytes(b"PK no zip")
    (root / "cut.tar.gz").write_bytes((root / "y.tar.gz").read_bytes()[:-300])
    (root / "cut.tar").write_bytes((root / "y.tar").read_bytes()[:1000])
    os.mkfifo(root / "pipe.zip")
    with zipfile.ZipFile(root / "hurt.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.png", data)
        archive.writestr("b.png", data)
    whole = bytearray((root / "hurt.zip").read_bytes())
    whole[100] ^= 255
    (root / "hurt.zip").write_bytes(whole)

    reader = Notes()
    batch(reader, root, tmp_path / "out.jsonl")
    lines = {line["source"]: line for line in standing_lines(tmp_path / "out.jsonl")}
    assert {f"y.{form}/{name}" for form in ("zip", "tar", "tar.gz") for name in NAMES} <= set(lines)
    failed = {source: line["error"] for source, line in lines.items() if "error" in line}
    assert {"bad.zip/", "pipe.zip/", "cut.tar.gz/", "hurt.zip/a.png"} <= set(failed)
    assert any(source.startswith("cut.tar/") for source in failed)
    assert "is damaged in its archive" in failed["hurt.zip/a.png"]
    assert lines["hurt.zip/b.png"]["status"] == "accepted"
    assert set(reader.asked).isdisjoint(failed)


def test_an_archive_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK no zip")
    with pytest.raises(InputError, match="cannot be read to its end"):
        list(Archive(str(tmp_path / "bad.zip")))
    with pytest.raises(InputError, match="is not a folder, nor"):
        list(Archive(str(tmp_path / "none.zip")))


def test_a_name_given_twice_gets_a_line_that_says_so(tmp_path: Path, data: bytes) -> None:
    with tarfile.open(tmp_path / "t.tar", "w:") as archive:
        for content in (data, data[:100]):
            info = tarfile.TarInfo("a.png")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    first, second = Archive(str(tmp_path / "t.tar"))
    assert (first.source, second.source) == ("a.png", "a.png#2")
    assert isinstance(second.place, Broken)


MANIFEST = """file,meter,expected_serial,taken_at,previous,previous_at,visit
a.png,m1,S1,2026-10-01T10:00+02:00,"12,5",2026-09-01T10:00+00:00,
b.png,m2,,2026-10-02T10:00+00:00,7@2026-09-01T10:00+00:00,,
c.png,,,,,,
a.png,m3,,,,,
d.png,m4,,2026-10-02T10:00+00:00,5,,
e.png,m4,,yesterday,,,
,m5,,,,,
f.png,m6,,2026-10-02T10:00+00:00,x@2026-09-01,,
"""


def test_a_manifest_tells_what_is_known(tmp_path: Path, data: bytes) -> None:
    """Catches an earlier reading that is lost, or taken with a time that nobody gave."""
    for name in "abcdef":
        (tmp_path / f"{name}.png").write_bytes(data)
    (tmp_path / "m.csv").write_text(MANIFEST, encoding="utf-8")
    reader, out = Notes(), tmp_path / "out.jsonl"
    run(Archive(str(tmp_path / "m.csv")), out, lambda _: InProcess(reader))
    known = {source: k for source, (_, k) in reader.asked.items()}
    assert set(known) == {"a.png", "b.png", "c.png"}
    assert known["c.png"] is None
    a = known["a.png"]
    assert a is not None
    assert a.meter is not None
    assert (a.meter.id, a.meter.serials, a.history[0].value) == ("m1", ("S1",), Decimal("12.5"))
    assert a.taken_at == datetime(2026, 10, 1, 8, tzinfo=UTC)
    lines = {line["source"]: line for line in standing_lines(out)}
    assert lines["a.png"]["meter"]["id"] == "m1"
    errors = {source: line["error"] for source, line in lines.items() if "error" in line}
    parts = {
        "a.png#4": "a second time",
        "d.png": "previous_at",
        "e.png": "is no time",
        "row 8": "names no photo",
        "f.png": "number",
    }
    assert set(errors) == set(parts)
    assert all(part in errors[source] for source, part in parts.items())
    # Another serial is another question: only that photo is read again.
    (tmp_path / "m.csv").write_text(MANIFEST.replace("S1", "S2"), encoding="utf-8")
    reader.asked.clear()
    run(Archive(str(tmp_path / "m.csv")), out, lambda _: InProcess(reader))
    assert list(reader.asked) == ["a.png"]


def test_manifests_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="has a column path; this one has a"):
        list(Archive(str(tmp_path / "m.csv")))
    (tmp_path / "n.csv").write_bytes(b"path\n\xff\xfe.jpg\n")
    with pytest.raises(InputError, match="cannot be read as a manifest"):
        list(Archive(str(tmp_path / "n.csv")))


def test_a_parquet_manifest(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra archive is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra archive is not installed")
    time = datetime(2026, 10, 1, tzinfo=UTC)
    table = pyarrow.table({"path": ["a.jpg", "b.jpg"], "other": [1, 2], "taken_at": [time, None], "meter_id": [7, 8]})
    parquet.write_table(table, tmp_path / "m.parquet")
    a, b = Archive(str(tmp_path / "m.parquet"))
    assert a.told is not None
    assert b.told is not None
    assert (a.source, a.told.meter, a.told.taken_at, b.told.taken_at) == ("a.jpg", "7", time, None)
    (tmp_path / "n.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(InputError, match="is not a Parquet file"):
        list(Archive(str(tmp_path / "n.parquet")))


def test_photos_at_a_url(tmp_path: Path, data: bytes) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the extra archive is not installed")
    memory = fsspec.filesystem("memory")
    zipped = Path(packed("zip", tmp_path, data)).read_bytes()
    for name, content in {"a.jpg": data, "b/c.png": data, "b/z.zip": zipped, "notes.txt": b""}.items():
        memory.pipe_file(f"/archive-test/{name}", content)
    archive = Archive("memory://archive-test")
    reader, out = Notes(), tmp_path / "out.jsonl"
    run(archive, out, lambda _: InProcess(reader))
    assert set(reader.asked) == {"a.jpg", "b/c.png", *(f"b/z.zip/{name}" for name in NAMES)}
    assert all(found == data for found, _ in reader.asked.values())
    reader.asked.clear()
    run(archive, out, lambda _: InProcess(reader))
    assert not reader.asked
    memory.pipe_file("/archive-test/a.jpg", data + b"more")
    run(archive, out, lambda _: InProcess(reader))
    assert list(reader.asked) == ["a.jpg"]
    with pytest.raises(InputError, match="no such folder"):
        list(Archive("memory://archive-test/none"))


def test_stamps_of_what_is_told_differ(tmp_path: Path) -> None:
    place = Broken("x", "why")
    stamps = {Photo("a", place).stamp(), Photo("a", place, visit="v").stamp(), Photo("a", place, visit="w").stamp()}
    assert len(stamps) == 3
