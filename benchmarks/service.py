"""The service under load: what HTTP, storage and queueing add, whether answers stay right, memory flat, refusals quick.

The service runs in a process of its own and is spoken to over HTTP; the clients are threads of this process on the same
cores, so that their own work is in every time.
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import postgres, service_kill
from benchmarks.archive import Row, draw
from benchmarks.run import ROOT
from benchmarks.service_load import CLIENTS, Answers, Expected, Photos, after, load
from benchmarks.service_run import Client, Service, StandIn, client, form, serving

STORM = 32
"""Clients of the overload: each comes again at once when it has an answer, and soon when it was turned away."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the benchmark is; the defaults are what is published."""

    kills: int = 20
    concurrent: int = 200
    turns: int = 12
    """Of all samples, for the time added."""
    uploads: int = 2000
    """With the stand-in for the reader, for memory."""
    real: int = 300
    """With the real reader."""
    storm_seconds: float = 25.0
    stand_in: bool = False
    """A reader that looks at nothing everywhere: for tests of this benchmark."""


def measure(folder: Path, scale: Scale, seed: int = 0) -> list[Row]:
    """All figures, with ``folder`` for what the services keep."""
    photos = {path.name: path.read_bytes() for path in sorted((ROOT / "samples").glob("*.jpg"))}
    stand_in = StandIn() if scale.stand_in else None
    rows = [service_kill.measure(folder / "killed", None, scale.kills, scale.concurrent, seed)]
    if reason := postgres.missing():
        rows.append(Row("the same on PostgreSQL", f"not measured: {reason}", "the same", False))
    else:
        with postgres.cluster() as url:
            rows.append(service_kill.measure(folder / "killed-pg", url, scale.kills, scale.concurrent, seed))
    read, expected = _library(photos, scale)
    rows.append(added(photos, read, folder / "alone", None, stand_in, scale))
    if postgres.missing() is None:
        with postgres.cluster() as url:
            rows.append(added(photos, read, folder / "alone-pg", url, stand_in, scale))
    with serving(folder / "busy", None, stand_in) as running:
        rows += saturated(running, photos, expected, scale.real)
    with serving(folder / "many", None, StandIn()) as running:
        rows += saturated(running, photos, {}, scale.uploads)
    if not scale.stand_in:
        # One photo each: the same one from two clients at once would rightly be told to be a copy.
        drawn = [path.read_bytes() for path in draw(folder / "drawn", STORM - len(photos), seed)]
        photos |= {f"drawn-{n}.jpg": data for n, data in enumerate(drawn)}
        expected = {name: read(data, name).to_dict() for name, data in photos.items()}
    with serving(folder / "storm", None, stand_in) as running:
        return rows + overloaded(running, photos, expected, scale.storm_seconds, seed)


def _library(photos: Photos, scale: Scale) -> tuple[Callable[[bytes, str], Any], Expected]:
    if scale.stand_in:
        return (lambda _, __: time.sleep(0.005)), {}
    from recognizer.reader import MeterReader

    reader = MeterReader()

    def read(data: bytes, name: str) -> Any:
        return reader.read(data, source=name)

    return read, {name: read(data, name).to_dict() for name, data in photos.items()}


def added(
    photos: Photos, read: Callable[[bytes, str], Any], folder: Path, database: str | None, stand_in: StandIn | None,
    scale: Scale,
) -> Row:  # fmt: skip
    """The library and the service by turns, a photo after the other, nobody else there."""
    bare: dict[str, list[float]] = {name: [] for name in photos}
    whole: dict[str, list[float]] = {name: [] for name in photos}
    with serving(folder, database, stand_in) as service, client(service) as asking:
        for turn in range(scale.turns + 1):  # the first one warms up
            for name, data in photos.items():
                # By turns: the machine may be slower or faster the second time.
                for by_upload in (False, True) if turn % 2 else (True, False):
                    begin = time.perf_counter()
                    if by_upload:
                        _one(asking, name, data)
                    else:
                        read(data, name)
                    if turn:
                        (whole if by_upload else bare)[name].append(time.perf_counter() - begin)
                asking.forget("alone")
    share = statistics.median(statistics.median(whole[n]) / statistics.median(bare[n]) - 1 for n in photos)
    both = [1000 * statistics.median(statistics.median(times[n]) for n in photos) for times in (bare, whole)]
    name = f"added by HTTP, storage and queueing, one client, {'PostgreSQL' if database else 'SQLite'}"
    measured = f"{share:+.1%} (median photo {both[0]:.0f} ms in the library, {both[1]:.0f} ms by upload)"
    return Row(name, measured, "<= 25 % of the library's time (median)", share <= 0.25)


def _one(asking: Client, name: str, data: bytes) -> None:
    status, answer = asking.upload(form(name, data, "alone"))
    if status != 201 or answer["duplicate"]:
        raise AssertionError(f"an upload alone was answered {status}: {answer}")


def saturated(service: Service, photos: Photos, expected: Expected, uploads: int) -> list[Row]:
    """More clients than there are places, until so many uploads are done: answers and memory.

    Without what is expected the reader is a stand-in, and only memory is told.
    """
    answers, memory, pause = Answers(), list[float](), (0.02, 0.1)
    load(service, photos, expected, answers, until=answers.reach(max(CLIENTS, uploads // 10)), pause=pause)
    begin, done = time.perf_counter(), len(answers.taken)
    for part in range(1, 11):
        memory.append(service.memory_mb)
        enough = answers.reach(done + uploads * part // 10)
        load(service, photos, expected, answers, until=enough, pause=pause)
    memory.append(service.memory_mb)
    rate = (len(answers.taken) - done) / (time.perf_counter() - begin)
    growth = max(memory[1:]) / memory[0] - 1
    who = "the reader" if expected else "a stand-in for the reader (5 ms)"
    measured = f"{memory[0]:.0f} MB after {done}, then {memory[-1]:.0f} MB (most {max(memory):.0f} MB, {growth:+.1%})"
    rows = [Row(f"memory over {uploads} uploads, {who}", measured, "<= +10 %", growth <= 0.1)]
    if expected:
        same = f"{len(answers.taken) - len(answers.unlike)} of {len(answers.taken)} answers are the library's own"
        told = f"{same}; {len(answers.refused)} times turned away; {rate:.1f} photos/s"
        good = not answers.unlike and not answers.other
        told += answers.first_wrong
        rows.insert(0, Row(f"{CLIENTS} clients at once", told, "all: readings, status, reasons", good))
    return rows


def overloaded(service: Service, photos: Photos, expected: Expected, seconds: float, seed: int) -> list[Row]:
    """Far more clients than places; those turned away come again after 0.2 to 0.6 s, sooner than they are told to."""
    answers, pause, burden = Answers(), (0.2, 0.6), os.getloadavg()[0]
    load(service, photos, expected, Answers(), until=after(min(1.0, seconds / 5)), pause=pause)
    load(service, photos, expected, answers, until=after(seconds), pause=pause, clients=STORM, seed=seed)
    with client(service) as asking:
        alive = asking.get("/readyz")[0] == 200
    times = sorted(1000 * t for t in answers.refused) or [0.0]
    middle, late = statistics.median(times), times[int(0.95 * (len(times) - 1))]
    name = f"{STORM} clients for 2 workers and 8 that wait: 503"
    measured = f"after {middle:.0f} ms (median), {late:.0f} ms (95 %), {times[-1]:.0f} ms (longest) of {len(times)}"
    lost = len(answers.other) + len(answers.unlike)
    finished = f"{len(answers.taken)} finished after {1000 * statistics.median(answers.taken or [0]):.0f} ms (median), "
    finished += f"{lost} did not or were another's{answers.first_wrong}; load at the start {burden:.1f}"
    all_did = alive and bool(answers.taken) and not lost
    return [
        Row(name, measured, "< 50 ms (median and 95 %)", bool(answers.refused) and max(middle, late) < 50),
        Row("meanwhile, what was accepted", finished, "all finish, answers right", all_did),
    ]


def markdown(rows: Sequence[Row], scale: Scale, where: str) -> str:
    """The report."""
    head = (
        "# The service\n\n`python -m benchmarks service`: the sample photos over HTTP, 2 workers, 8 uploads that wait"
        f"{', a stand-in for the reader' * scale.stand_in}. {where}.\nClients, service and database share these cores; "
        f"the load was {os.getloadavg()[1]:.1f} on {os.cpu_count()} of them at the end. Killed were services with a "
        "stand-in for the reader (5 ms) and room for all uploads at once.\n\n"
        "| figure | measured | wanted | |\n|---|---|---|---|\n"
    )
    met = {None: "", True: "met", False: "missed"}
    return head + "".join(f"| {r.name} | {r.measured} | {r.wanted} | {met[r.met]} |\n" for r in rows)
