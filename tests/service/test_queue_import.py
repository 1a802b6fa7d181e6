"""Would catch: a review queue of an archive that the service does not take, takes twice, or takes for settled."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from recognizer.archive import Archive, InProcess, run
from recognizer.archive.report import write_report
from recognizer.domain.conclude import conclude
from recognizer.domain.meter import NOTHING_KNOWN, Known
from recognizer.domain.reading import Report
from recognizer.errors import InputError
from recognizer.vision.frame import load_frame
from service.queue_import import import_queue


class InArchive:
    """The service's reader as an archive takes it."""

    def __init__(self, reader: Any) -> None:
        self.policy, self.observe = reader.policy, reader.observe

    def read(self, photo: Any, *, source: str, known: Known | None = None) -> Report:
        return conclude(
            self.observe(load_frame(photo)), source=source, policy=self.policy, known=known or NOTHING_KNOWN
        )


def test_the_queue_of_an_archive(serve: Callable[..., Any], photo: Callable[..., bytes], tmp_path: Path) -> None:
    """A doubtful reading, one that is impossible in the order of time, and a photo without any."""
    people = serve()
    intake = people.app.state.parts.intake
    reader = InArchive(intake.reader)
    sure = sorted((photo(n) for n in (1, 2)), key=lambda data: reader.read(data, source="").readings[0].text)
    for name, data in (("late", sure[0]), ("early", sure[1]), ("doubtful", photo(3, 100)), ("none", photo(4, 0))):
        (tmp_path / f"{name}.png").write_bytes(data)
    (tmp_path / "m.csv").write_text(
        "path,meter,taken_at\nearly.png,m1,2026-10-01\nlate.png,m1,2026-11-01\ndoubtful.png,m2,2026-11-01\nnone.png,,\n"
    )
    run(Archive(str(tmp_path / "m.csv")), tmp_path / "out.jsonl", lambda _: InProcess(reader))
    queue = tmp_path / "q.csv"
    assert write_report(tmp_path / "out.jsonl", tmp_path / "r.html", queue=queue).review == 3
    said: list[str] = []
    done = import_queue(intake, queue, "anna", said.append)
    assert asdict(done) == {"kept": 2, "there": 0, "blank": 1, "failed": 0}
    assert not said
    headers = people.key("anna", "read", "review")
    waiting = people.client.get("/v1/review", headers=headers).json()["items"]
    found = {item["meter"]: item for item in waiting}
    assert set(found) == {"m1", "m2"}
    (finding,) = [f for f in found["m1"]["findings"] if f["code"] == "archive_review"]
    assert "less_than_previous" in finding["message"]
    assert found["m1"]["taken_at"].startswith("2026-1")
    assert people.client.get(found["m1"]["links"]["photo"], headers=headers).content == sure[0]
    assert {item["owner"] for item in waiting} == {"anna"}
    assert people.client.get("/v1/meters/m1/readings", headers=people.key("ben", "read")).status_code == 404
    assert asdict(import_queue(intake, queue, "anna", said.append)) == {"kept": 0, "there": 3, "blank": 0, "failed": 0}


def test_rows_that_are_wrong(serve: Callable[..., Any], photo: Callable[..., bytes], tmp_path: Path) -> None:
    """Each is told with its row, and the others are taken."""
    intake = serve().app.state.parts.intake
    (tmp_path / "a.png").write_bytes(photo(1, 100))
    (tmp_path / "bad.png").write_bytes(b"no")
    (tmp_path / "bad.mp4").write_bytes(b"no")
    rows = [
        "a.png,m,,", "bad.png,m,,", "gone.png,m,,", "bad.mp4,m,,", "a.png,a/b,,", "a.png,m2,yesterday,", "bad.mp4,m,,x",
    ]  # fmt: skip
    lines = "".join(f"x,{tmp_path}/{row}\n" for row in rows)
    (tmp_path / "q.csv").write_text("source,path,meter_id,taken_at,seconds\n" + lines)
    said: list[str] = []
    done = import_queue(intake, tmp_path / "q.csv", "anna", said.append)
    assert asdict(done) == {"kept": 1, "there": 0, "blank": 0, "failed": 6}
    assert [text.partition(":")[0] for text in said] == [f"row {n}" for n in range(3, 9)]
    for text in ("", "path\n", "source,file\n"):
        (tmp_path / "q.csv").write_text(text)
        with pytest.raises(InputError, match="has no column"):
            import_queue(intake, tmp_path / "q.csv", "anna", said.append)
