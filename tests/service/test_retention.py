"""Would catch: photos deleted too early, too late or never, a reading lost with its photo, a photo that another reading
still needs, one run that holds up uploads for long, and names or meters in the log.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recognizer.errors import UsageError
from service import retention
from service.__main__ import main
from service.logs import JsonLines
from service.retention import DAY, Retention
from service.settings import Settings

Photo = Callable[..., bytes]


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def scheduled(people: Any, clock: Clock, days: int = 30) -> Retention:
    parts = people.app.state.parts
    return Retention(parts.records, parts.intake.photos, days, parts.intake.quiet, clock)


def test_old_photos_go_once_a_day_and_readings_stay(serve: Any, photo: Photo, caplog: pytest.LogCaptureFixture) -> None:
    people, clock = serve(), Clock()
    anna = people.key("anna")
    key = people.upload(anna, photo(1), meter="cellar").json()["reading_ids"][0]
    kept = scheduled(people, clock)

    def photo_status() -> int:
        status: int = people.client.get(f"/v1/readings/{key}/photo", headers=anna).status_code
        return status

    kept.look()
    clock.now += 29 * DAY
    kept.look()
    assert photo_status() == 200
    clock.now += timedelta(hours=23)
    kept.look()
    assert photo_status() == 200
    clock.now += timedelta(hours=1, seconds=1)
    with caplog.at_level(logging.INFO, "service.retention"):
        kept.look()
    assert photo_status() == 404
    assert not list((people.app.state.parts.settings.data_dir / "photos").glob("??/*"))
    reading = people.client.get(f"/v1/readings/{key}", headers=anna).json()
    assert (reading["status"], reading["links"]["photo"]) == ("accepted", None)
    line = json.loads(JsonLines().format(caplog.records[-1]))
    assert set(line) == {"at", "level", "logger", "event", "photos", "files", "more"}
    assert (line["event"], line["photos"], line["files"], line["more"]) == ("pruned", 1, 0, False)


def test_it_comes_again_after_a_day_and_not_before(serve: Any, photo: Photo) -> None:
    people, clock = serve(), Clock()
    kept = scheduled(people, clock, days=1)
    kept.look()
    anna = people.key("anna")
    link = people.upload(anna, photo(1)).json()["links"]["photo"]
    clock.now += DAY - timedelta(seconds=1)
    kept.look()  # not due
    assert people.client.get(link, headers=anna).status_code == 200
    clock.now += timedelta(hours=1)
    kept.look()
    assert people.client.get(link, headers=anna).status_code == 404


def test_a_photo_that_another_reading_needs_stays(serve: Any, photo: Photo) -> None:
    people = serve()
    anna, ben = people.key("anna"), people.key("ben")
    annas = people.upload(anna, photo(1)).json()["links"]["photo"]
    middle = datetime.now(UTC)
    bens = people.upload(ben, photo(1)).json()["links"]["photo"]
    parts = people.app.state.parts
    retention.prune(parts.records, parts.intake.photos, middle)
    assert people.client.get(annas, headers=anna).status_code == 404
    assert people.client.get(bens, headers=ben).content == photo(1)


def test_a_run_is_bounded_and_the_rest_comes_next(serve: Any, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    people, clock = serve(), Clock()
    anna = people.key("anna")
    for number in range(5):
        people.upload(anna, photo(number))
    monkeypatch.setattr(retention, "PART", 1)
    monkeypatch.setattr(retention, "MOST_PARTS", 2)
    parts, held = people.app.state.parts, list[int]()

    @contextmanager
    def quiet() -> Iterator[None]:
        before = sum(1 for _ in folder.glob("??/*"))
        yield
        held.append(before - sum(1 for _ in folder.glob("??/*")))

    folder = parts.settings.data_dir / "photos"
    kept = Retention(parts.records, parts.intake.photos, 1, quiet, clock)
    clock.now += 2 * DAY
    left = []
    for _ in range(4):
        kept.look()
        left.append(sum(1 for _ in folder.glob("??/*")))
    assert left == [3, 1, 0, 0]
    assert max(held) == 1


def test_files_that_nobody_knows_go_when_they_are_old(serve: Any, photo: Photo, tmp_path: Path) -> None:
    people, clock = serve(), Clock()
    people.upload(people.key("anna"), photo(1))
    folder = people.app.state.parts.settings.data_dir / "photos"
    known = set(folder.glob("??/*"))
    lost, fresh = folder / "ab" / ("ab" * 32), folder / "cd" / ("cd" * 32)
    for file in (lost, fresh):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    long_ago = clock.now.timestamp() - 7200
    for file in (lost, *known):
        os.utime(file, (long_ago, long_ago))
    scheduled(people, clock).look()
    assert set(folder.glob("??/*")) == known | {fresh}


def test_the_running_service_does_it_by_itself(serve: Any, photo: Photo) -> None:
    people = serve()
    anna = people.key("anna")
    link = people.upload(anna, photo(1)).json()["links"]["photo"]
    engine = people.app.state.parts.engine
    with engine.execution_options(writes=True).begin() as db:
        db.exec_driver_sql("UPDATE photos SET received_at = '2020-01-01 00:00:00.000000'")
    people.stop()
    for days, status in ((None, 200), (30, 404)):
        again = serve(keep_photos_days=days)
        kept = again.app.state.parts.retention
        assert (kept is None) == (days is None)
        for _ in range(500):  # it begins at once, in a thread of its own
            if again.client.get(link, headers=anna).status_code == status == 404:
                break
            if days is None:
                break
        assert again.client.get(link, headers=anna).status_code == status
        again.stop()


@pytest.mark.parametrize("days", ["0", "-3", "36501", "soon"])
def test_days_that_cannot_be_are_refused(days: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_PHOTOS_DAYS", days)
    assert main(["--data-dir", str(tmp_path / "d")]) == UsageError("x").exit_code
    assert not (tmp_path / "d").exists()
    with pytest.raises(UsageError, match="days"):
        Settings(tmp_path, keep_photos_days=0)
