"""Would catch: a benchmark of the service that calls a promise kept where something is lost, wrong, slow or growing."""

import hashlib
import sqlite3
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service's extra is not installed: pip install 'meter-recognizer[service]'")

from benchmarks import service, service_kill
from benchmarks.archive import Row
from benchmarks.service_run import StandIn, client, form, serving

SAMPLE = (Path(__file__).parents[1] / "samples" / "02-drum-red-decimals.jpg").read_bytes()


def test_what_is_lost_or_spoilt_is_seen(tmp_path: Path) -> None:
    told = service_kill.Told()
    with serving(tmp_path, None, StandIn(waiting=30)) as running:
        service_kill.round_of(running, list(range(30)), told, after=8)
    assert told.in_flight[0] > 0, "the kill came too late to show anything"
    assert len(told.readings) > 8
    with serving(tmp_path, None, StandIn(0.0)) as running:
        with client(running) as asking:
            for number in (1000, 1001, 1002):
                status, answer = asking.upload(form("a.png", service_kill.photo(number), "m0"))
                assert status == 201
                told.readings[number] = [(answer["reading_ids"][0], answer["readings"][0]["text"])]
        assert service_kill.check(running, tmp_path, None, told) == []
        lost, other = told.readings[1000][0][0], told.readings[1001][0][0]
        damages = (
            (f"UPDATE readings SET original_text = '7' WHERE id = {other}", "as it was told"),
            (f"DELETE FROM decisions WHERE reading_id = {lost}", "without their decision"),
            (f"DELETE FROM readings WHERE id = {lost}", "photos without their reading"),
        )
        for damage, seen in damages:
            with sqlite3.connect(tmp_path / "readings.db") as db:
                db.execute(damage)
            db.close()
            wrong = service_kill.check(running, tmp_path, None, told)
            assert any(seen in line for line in wrong), wrong
        name = hashlib.sha256(service_kill.photo(1002)).hexdigest()
        (tmp_path / "photos" / name[:2] / name).write_bytes(b"half")
        assert any("is not whole" in line for line in service_kill.check(running, tmp_path, None, told))


def test_answers_that_are_not_the_librarys_break_the_promise(tmp_path: Path) -> None:
    photos, wrong = {"a.jpg": SAMPLE}, {"a.jpg": {"source": "a.jpg", "status": "never"}}
    with serving(tmp_path, None, StandIn(0.02)) as running:
        at_once, memory = service.saturated(running, photos, wrong, uploads=10)
        assert at_once.met is False
        assert "a.jpg: status" in at_once.measured
        assert "MB after" in memory.measured
        quick, finished = service.overloaded(running, photos, {}, seconds=0.4, seed=0)
        assert "of 0" not in quick.measured
        assert finished.met, finished


def test_the_report() -> None:
    text = service.markdown([Row("a", "1", "< 2", True), Row("b", "3", "< 2", False)], service.Scale(), "Here")
    assert "| a | 1 | < 2 | met |\n| b | 3 | < 2 | missed |\n" in text
