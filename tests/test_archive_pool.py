"""Processes and clusters do what one process does, whatever dies: the ledger is the same, and names who is to blame."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from recognizer.archive import Archive, InProcess, Pool, pool, run
from recognizer.archive.job import Done, Job
from recognizer.archive.ledger import standing_lines
from recognizer.domain.reading import Report
from recognizer.errors import InputError, ModelError, RecognizerError

NAMES = ["a.jpg", "b.jpg", "bad.jpg", "c.jpg", "crash.jpg", "d.jpg"]


class Named:
    """Does what the name of a photo says; ``once`` is a file that remembers that it was done."""

    def __init__(self, once: Path) -> None:
        self.once = once

    def read(self, photo: Path, *, source: str) -> Report:
        if "sleeps" in source:
            time.sleep(60)
        if "kills" in source or ("dies" in source and not self.once.exists()):
            self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if "bad" in source:
            raise InputError(f"{source}: is damaged")
        if "crash" in source:
            raise ZeroDivisionError
        return Report(source, "accepted")


class Watched:
    """An engine that must not take in a whole archive before it gives anything."""

    def __init__(self, engine: Pool, hands: int) -> None:
        self.engine, self.hands = engine, hands

    def run(self, jobs: Iterator[Job]) -> Iterator[Done]:
        drawn = given = 0

        def counted() -> Iterator[Job]:
            nonlocal drawn
            for job in jobs:
                drawn += 1
                assert drawn <= given + self.hands
                yield job

        for done in self.engine.run(counted()):
            yield done
            given += 1


def broken() -> Named:
    raise ModelError("the model is damaged")


def stillborn() -> Named:
    sys.exit(3)


def archive(folder: Path, names: list[str]) -> Archive:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    return Archive(str(folder))


def jobs(found: Archive) -> Iterator[Job]:
    return (Job(photo) for photo in found)


def lines(path: Path) -> list[dict[str, Any]]:
    return sorted(standing_lines(path), key=lambda line: str(line["source"]))


def test_a_pool_survives_its_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a lost photo, one read twice, and a death that ends the run or is blamed on the wrong photo."""
    monkeypatch.setattr(pool, "DEATHS", 2)
    names = [*NAMES, "dies once.jpg", "kills.jpg", "sleeps.jpg"]
    found, opener = archive(tmp_path / "photos", names), partial(Named, tmp_path / "once")
    summary = run(found, tmp_path / "pool.jsonl", lambda _: Watched(Pool(opener, 2, seconds=1), 2))
    assert (summary.total, summary.accepted, summary.failed) == (len(names), 5, 4)
    by_source = {line["source"]: line for line in lines(tmp_path / "pool.jsonl")}
    assert by_source["kills.jpg"]["findings"][0]["code"] == "killed_worker"
    assert "kills.jpg: ended the process that read it, 2 times (exit code -9)" in by_source["kills.jpg"]["error"]
    assert by_source["sleeps.jpg"]["findings"][0]["code"] == "timed_out"
    for name in ("kills.jpg", "sleeps.jpg"):
        (tmp_path / "photos" / name).unlink()
        del by_source[name]
    run(found, tmp_path / "here.jsonl", lambda _: InProcess(Named(tmp_path / "once")))
    assert lines(tmp_path / "here.jsonl") == list(by_source.values())
    assert not multiprocessing.active_children()


def test_what_does_not_work_at_all_is_told_at_once(tmp_path: Path) -> None:
    """Catches a damaged model that would be loaded again for ever."""
    found = archive(tmp_path / "photos", NAMES)
    with pytest.raises(ModelError, match="the model is damaged"):
        list(Pool(broken, 1).run(jobs(found)))
    assert not multiprocessing.active_children()


def test_processes_that_cannot_start_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "DEATHS", 0)
    with pytest.raises(RecognizerError, match=r"end before they are ready \(exit code 3\)"):
        list(Pool(stillborn, 1).run(jobs(archive(tmp_path / "photos", NAMES))))


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_writes_the_same_ledger(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")
    from recognizer.archive.cluster import Dask

    found, opener = archive(tmp_path / "photos", NAMES), partial(Named, tmp_path / "once")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, silence_logs="CRITICAL"
    ) as cluster:
        run(found, tmp_path / "dask.jsonl", lambda _: Dask(opener, cluster.scheduler_address))
        with pytest.raises(ModelError, match="the model is damaged"):
            list(Dask(broken, cluster.scheduler_address).run(jobs(found)))
    run(found, tmp_path / "here.jsonl", lambda _: InProcess(Named(tmp_path / "once")))
    assert lines(tmp_path / "dask.jsonl") == lines(tmp_path / "here.jsonl")


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    from recognizer.archive import cluster

    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.3)
    with pytest.raises(RecognizerError, match="cannot be reached"):
        list(cluster.Dask(broken, "tcp://127.0.0.1:9").run(iter([])))
