"""A results file loses no line and says nothing twice, and a run reads what it must and nothing else."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognizer.archive import Archive, InProcess, Version, run
from recognizer.archive.job import Done
from recognizer.archive.ledger import Ledger, standing_lines
from recognizer.archive.run import Stop
from recognizer.domain.reading import Finding, Reading, Report, Status
from recognizer.errors import InputError

BOX = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


class Versioned:
    """Reads a name, with models that can be changed; the name also says what is found."""

    def __init__(self, locator: str = "l1", counter: str = "c1") -> None:
        self.models = (("locator", locator), ("counter", counter))
        self.sources: list[str] = []

    def read(self, photo: Any, *, source: str) -> Report:
        self.sources.append(source)
        if "bad" in source:
            raise InputError(f"{source}: is damaged")
        if "none" in source:
            return Report(source, "refused", findings=(Finding("no_meter", "nothing"),), models=self.models)
        reading = Reading("total", None, "00123.4", 0.97, "accepted", BOX, "drum")
        return Report(source, "accepted", (reading,), models=self.models)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    root.mkdir()
    for name in ("a", "b", "bad", "none"):
        (root / f"{name}.jpg").write_bytes(name.encode())
    return root


def read(photos: Path, reader: Versioned, **options: Any) -> list[str]:
    """The sources that a run reads."""
    reader.sources.clear()
    version = Version(dict(reader.models), None)
    run(Archive(str(photos)), photos.parent / "r.jsonl", lambda _: InProcess(reader), version=version, **options)
    lines = [line["source"] for line in standing_lines(photos.parent / "r.jsonl")]
    assert (photos.parent / "r.jsonl").read_bytes().count(b"\n") == len(lines) == len(set(lines)) == 4
    return reader.sources


def test_a_second_run_reads_what_it_must(photos: Path) -> None:
    """Catches a whole archive read anew for one change, and a change that goes unnoticed."""
    assert len(read(photos, Versioned())) == 4
    assert read(photos, Versioned()) == []
    assert read(photos, Versioned(), retry=True) == ["bad.jpg"]
    assert read(photos, Versioned(counter="c2")) == ["a.jpg", "b.jpg"]  # where no display is, nothing was counted
    assert read(photos, Versioned("l2", "c2")) == ["a.jpg", "b.jpg", "none.jpg"]
    (photos / "a.jpg").write_bytes(b"another photo")
    assert read(photos, Versioned("l2", "c2")) == ["a.jpg"]


def test_the_same_bytes_are_not_read_again(photos: Path) -> None:
    """Catches an archive that was copied or moved, and is read from the start."""
    reader = Versioned()
    read(photos, reader)
    for path in photos.iterdir():
        os.utime(path, ns=(1, 1))
    moved = photos.rename(photos.parent / "elsewhere")
    assert read(moved, reader) == ["bad.jpg"]  # nothing stands of it
    paths = {line["file"]["path"] for line in standing_lines(photos.parent / "r.jsonl")}
    assert paths == {str(path) for path in moved.iterdir()}
    assert {line["status"] for line in standing_lines(photos.parent / "r.jsonl")} == {"accepted", "refused"}


def test_other_rules_outdate_what_was_looked_at() -> None:
    line: dict[str, Any] = {"findings": [], "readings": [{}], "models": {"counter": "c"}, "rules": "1"}
    assert not Version({"counter": "c", "dial": "d"}, "1").outdates(line)
    assert Version({"counter": "c"}, "2").outdates(line)
    assert Version({"counter": "d"}, "1").outdates(line)
    assert not Version({"counter": "d"}, "2").outdates(line | {"error": "damaged"})
    # A strip that one network read would come out differently with another one beside it.
    assert Version({"counter": "c", "textline": "t"}, "1").outdates(line)
    nothing = line | {"readings": [], "findings": [{"code": "no_meter"}]}
    assert not Version({"counter": "c", "textline": "t"}, "1").outdates(nothing)


def test_counts_are_of_what_stands(photos: Path) -> None:
    reader, out = Versioned(), photos.parent / "r.jsonl"
    for _ in range(2):
        found = run(Archive(str(photos)), out, lambda _: InProcess(reader), retry=True)
        assert (found.accepted, found.review, found.refused, found.failed, found.total) == (2, 0, 2, 1, 4)


def test_a_stop_leaves_whole_lines_and_the_rest_for_later(photos: Path) -> None:
    reader, out, stop = Versioned(), photos.parent / "r.jsonl", Stop()

    def after_one(_: Any) -> None:
        stop.asked = True

    found = run(Archive(str(photos)), out, lambda _: InProcess(reader), progress=after_one, stop=stop)
    assert (found.stopped, found.total) == (True, 1)
    assert read(photos, reader) == ["b.jpg", "bad.jpg", "none.jpg"]


def done(source: str, status: Status = "accepted", failed: bool = False, **more: Any) -> Done:
    line = {"source": source, "status": status, "file": {"stamp": "1"}} | more
    return Done(source, source, "1", json.dumps(line), status, failed)


def test_a_run_killed_in_the_midst_of_a_change(tmp_path: Path) -> None:
    """Of two lines the later stands, for who looks at the file as well as for the next run, which tidies up."""
    out = tmp_path / "r.jsonl"
    with Ledger(out) as ledger:
        for source in "abc":
            ledger.append(done(source))
    ledger = Ledger(out, lambda line: True)
    ledger.append(done("b", "review"), ledger.find("b"))
    os.close(os.dup(ledger._file.fileno()))
    ledger._file.close()  # as a kill does
    (tmp_path / "r.jsonl.tmp").write_text("what a killed run left")
    assert [(x["source"], x["status"]) for x in standing_lines(out)] == [
        ("a", "accepted"), ("c", "accepted"), ("b", "review"),
    ]  # fmt: skip
    assert out.read_bytes().count(b"\n") == 4
    with Ledger(out) as ledger:
        assert (ledger.earlier, ledger.counts["accepted"], ledger.counts["review"]) == (3, 2, 1)
    assert out.read_bytes().count(b"\n") == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.jsonl"]


def test_two_runs_do_not_write_to_one_file(tmp_path: Path) -> None:
    with Ledger(tmp_path / "r.jsonl"), pytest.raises(InputError, match="another run is writing"):
        Ledger(tmp_path / "r.jsonl")
    with Ledger(tmp_path / "r.jsonl") as ledger:
        ledger.append(done("a"))


def test_a_full_disk_is_told_and_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "r.jsonl"
    ledger = Ledger(out)
    ledger.append(done("a"))
    whole, file = out.read_bytes(), ledger._file

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(file, name)

        def write(self, data: bytes) -> int:
            if file.tell() > len(whole):
                raise OSError(28, "No space left on device")
            return file.write(data[:5])

    monkeypatch.setattr(ledger, "_file", Full())
    with pytest.raises(InputError, match="No space left"):
        ledger.append(done("b"))
    assert out.read_bytes() == whole
    ledger.close()


def test_zeros_after_a_power_failure_are_cut(tmp_path: Path) -> None:
    out = tmp_path / "r.jsonl"
    with Ledger(out) as ledger:
        ledger.append(done("a"))
    whole = out.read_bytes()
    out.write_bytes(whole + b"\0" * 100)
    with Ledger(out) as ledger:
        assert ledger.earlier == 1
    assert out.read_bytes() == whole


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["accepted", "review", "refused"]))), st.data())
def test_wherever_a_file_is_cut_the_last_whole_line_of_a_source_stands(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, Status]], data: st.DataObject
) -> None:
    out = tmp_path_factory.getbasetemp() / "cut.jsonl"
    whole = b"".join((done(source, status).line or "").encode() + b"\n" for source, status in told)
    cut = data.draw(st.integers(0, len(whole)))
    out.write_bytes(whole[:cut])
    stands = dict(told[: whole[:cut].count(b"\n")])
    assert {line["source"]: line["status"] for line in standing_lines(out)} == stands
    with Ledger(out) as ledger:
        assert ledger.earlier == len(stands)
        assert all((ledger.find(s) is not None) == (s in stands) for s in "abcd")
        assert all(ledger.counts[s] == list(stands.values()).count(s) for s in ("accepted", "review", "refused"))
    kept = [json.loads(raw) for raw in out.read_bytes().splitlines()]
    assert {line["source"]: line["status"] for line in kept} == stands
    assert len(kept) == len(stands)
