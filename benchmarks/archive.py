"""Archives: what a run costs beside the reading, how it grows, and whether anything is lost when parts of it die.

Photos are drawn by ``recognizer.synth`` and stand under as many names as are wanted (hard links), so their bytes come
from the page cache: what a slow disk or network adds is not measured. Times are compared side by side in one run.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.run import ROOT
from recognizer.archive import Archive, InProcess, Pool, Progress, Reader, run
from recognizer.archive.ledger import standing_lines
from recognizer.domain.observation import Quad
from recognizer.domain.reading import Reading, Report

DISTINCT, SIZE = 60, (1600, 1200)
BLOCK = 20
DAMAGED = 0.05
TEN_MILLION = 10_000_000
BYTES_A_LINE = 75
"""Of the main process's memory while a ledger is opened (measured: 70)."""
_CHILD = "import json, sys; from benchmarks.archive import child; child(**json.loads(sys.argv[1]))"
_BOX: Quad = ((10.0, 10.0), (90.0, 10.0), (90.0, 30.0), (10.0, 30.0))


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the benchmark is; the defaults are what is published."""

    photos: int = 1000
    many: int = 20_000
    kills: int = 30
    workers: int = 2
    stand_in: bool = False
    """A reader that looks at nothing: for tests of this benchmark."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, and whether it is as it must be; None where it is only told."""

    name: str
    measured: str
    wanted: str = ""
    met: bool | None = None


class StandIn:
    """Answers every photo alike, after as long as ``seconds``."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def read(self, photo: Any, *, source: str) -> Report:
        time.sleep(self.seconds)
        reading = Reading("total", None, "00123.4", 0.97, "accepted", _BOX, "drum")
        return Report(source, "accepted", (reading,), models=(("locator", "0" * 12), ("counter", "0" * 12)))


def reader_of(stand_in: bool) -> Reader:
    """A reader, in whichever process this is called."""
    if stand_in:
        return StandIn(0.005)
    from recognizer.reader import MeterReader

    return MeterReader()


def child(where: str, out: str, workers: int, stand_in: bool) -> None:
    """A run in a process of its own; prints its seconds, those between the first and the last photo, the processor
    time of the main process, and peak memory.
    """
    begin, cpu, marks, workers_peak = time.monotonic(), time.process_time(), list[float](), 0.0

    def tell(now: Progress) -> None:
        nonlocal workers_peak
        marks[1 if marks else 0 :] = [time.monotonic()]
        if now.done == now.total or now.read % 50 == 0:
            workers_peak = max(workers_peak, *(_peak_mb(pid) for pid in _children(os.getpid())), 0.0)

    run(Archive(where), Path(out), lambda _: Pool(partial(reader_of, stand_in), workers), progress=tell)
    steady = marks[-1] - marks[0] if marks else 0.0
    figures = {
        "seconds": time.monotonic() - begin,
        "steady": steady,
        "own_cpu": time.process_time() - cpu,
        "own_mb": _peak_mb(os.getpid()),
        "worker_mb": workers_peak,
    }
    print(json.dumps(figures))


def _peak_mb(pid: int) -> float:
    """Peak memory of a process. Not by getrusage, which counts what the parent had when it started this one."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def measure(folder: Path, scale: Scale, seed: int = 0) -> list[Row]:
    """All figures, with ``folder`` for photos and ledgers."""
    drawn = draw(folder / "drawn", min(DISTINCT, scale.photos), seed)
    photos = spread(drawn, folder / "photos", scale.photos)
    calm = folder / "calm.jsonl"
    alone = _run(photos, folder / "alone.jsonl", 1, scale)
    both = _run(photos, calm, scale.workers, scale)
    speedup = alone["steady"] / both["steady"]
    wanted_speedup = f">= 1.8 for 2 (load was {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    rows = [Row(f"{scale.workers} workers against one", f"{speedup:.2f} times", wanted_speedup, speedup >= 1.8)]
    rows += overhead(drawn, folder / "blocks", scale)
    rows += grown(drawn, folder, scale, both)
    rows.append(killed(photos, folder / "killed.jsonl", calm, scale, both["seconds"], seed))
    rows.append(damaged(drawn, folder, scale, seed))
    rows.append(on_dask(photos, folder / "dask.jsonl", calm, scale))
    seconds = alone["steady"] / max(1, scale.photos - 1)
    return rows + on_paper(photos, calm, seconds, both["own_cpu"] / scale.photos)


def draw(folder: Path, number: int, seed: int) -> list[Path]:
    """Rendered photos of meters."""
    import cv2
    import numpy as np

    from recognizer.synth.scene import render_scene

    folder.mkdir(parents=True)
    files = []
    for n in range(number):
        path = folder / f"{n:04}.jpg"
        scene = render_scene(np.random.default_rng((seed, n)), SIZE)
        path.write_bytes(cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
        files.append(path)
    return files


def spread(drawn: Sequence[Path], folder: Path, number: int) -> Path:
    """As many names as wanted, 500 a folder."""
    for n in range(number):
        path = folder / f"{n // 500:03}" / f"{n:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(drawn[n % len(drawn)], path)
    return folder


def overhead(drawn: Sequence[Path], folder: Path, scale: Scale) -> list[Row]:
    """Blocks of photos read bare and as an archive, by turns: processor time and time, beyond the bare reading."""
    reader = reader_of(scale.stand_in)
    reader.read(drawn[0], source="")
    bare, whole = [0.0, 0.0], [0.0, 0.0]
    for number in range(max(2, scale.photos // BLOCK // 4)):
        some = [drawn[(number * BLOCK + n) % len(drawn)] for n in range(BLOCK)]
        block = spread(some, folder / f"{number}", BLOCK)
        bare_first = number % 2 == 0  # by turns: the machine may be slower or faster the second time
        for as_archive in (not bare_first, bare_first):
            with _timed(whole if as_archive else bare):
                if as_archive:
                    out = folder / f"{number}.jsonl"
                    run(Archive(str(block)), out, lambda _: InProcess(reader), progress=lambda _: None)
                else:
                    for path in some:
                        reader.read(path, source=path.name)
    work, clock = (whole[i] / bare[i] - 1 for i in (0, 1))
    name = "cost beside the reader: hashing, ledger, progress"
    return [Row(name, f"{work:.1%} of processor time, {clock:.1%} of time", "<= 5 % of processor time", work <= 0.05)]


@contextmanager
def _timed(total: list[float]) -> Iterator[None]:
    before = time.process_time(), time.perf_counter()
    yield
    total[0] += time.process_time() - before[0]
    total[1] += time.perf_counter() - before[1]


def grown(drawn: Sequence[Path], folder: Path, scale: Scale, few: dict[str, float]) -> list[Row]:
    """Memory of many photos against that of few, and a second run over many."""
    photos, out = spread(drawn, folder / "many", scale.many), folder / "many.jsonl"
    many = _run(photos, out, scale.workers, scale)
    again = _run(photos, out, scale.workers, scale)
    rows = []
    for key, who in (("own_mb", "main process"), ("worker_mb", "largest worker")):
        growth = many[key] / few[key] - 1
        name = f"memory of the {who}, {scale.photos} to {scale.many} photos"
        rows.append(Row(name, f"{few[key]:.0f} to {many[key]:.0f} MB ({growth:+.1%})", "<= +10 %", growth <= 0.1))
    times = many["seconds"] / again["seconds"]
    name = f"second run over {scale.many} photos"
    return [*rows, Row(name, f"{times:.0f} times as fast ({again['seconds']:.1f} s)", ">= 50", times >= 50)]


def killed(photos: Path, out: Path, calm: Path, scale: Scale, seconds: float, seed: int) -> Row:
    """Runs whose main process or a worker is killed, again and again, until so many kills are done."""
    rng, kills, mains = random.Random(seed), 0, 0  # noqa: S311
    running = _start(photos, out, scale.workers, scale)
    before = -1
    while kills < scale.kills:
        # Half a run of work in all, so that the kills come before its end; a restart must have time to read something.
        pause = rng.uniform(0.2, 1.8) * seconds / 2 / scale.kills
        deadline = time.monotonic() + max(0.05, pause)
        while time.monotonic() < deadline or (_lines(out) <= before and running.poll() is None):
            time.sleep(0.02)
        if running.poll() is not None:
            break
        before = _lines(out)
        workers = _children(running.pid)
        if rng.random() < 0.4 or not workers:
            running.kill()
            running.communicate()
            running, mains = _start(photos, out, scale.workers, scale), mains + 1
        else:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(workers), signal.SIGKILL)
        kills += 1
    _finish(running)
    same = _same(out, calm)
    measured = f"{kills} kills, {mains} of them of the main process: the ledger is {'the same' if same else 'ANOTHER'}"
    return Row("kill -9 at random", measured, "the same as undisturbed", same and kills == scale.kills)


def damaged(drawn: Sequence[Path], folder: Path, scale: Scale, seed: int) -> Row:
    """Files of every kind of damage among sound ones."""
    photos = spread(drawn, folder / "damaged", scale.photos)
    names = sorted(p for p in photos.rglob("*.jpg"))
    bad = random.Random(seed).sample(names, max(len(DAMAGES), round(DAMAGED * len(names))))  # noqa: S311
    sound = drawn[0].read_bytes()
    for n, path in enumerate(bad):
        path.unlink()
        DAMAGES[n % len(DAMAGES)](path, sound)
    out = folder / "damaged.jsonl"
    _run(photos, out, scale.workers, scale)
    lines = {line["source"]: line for line in standing_lines(out)}
    marked = {p.relative_to(photos).as_posix() for p in bad}
    calm = {line["source"]: line for line in standing_lines(folder / "calm.jsonl")}
    reasons = sum(bool(lines[s]["findings"]) and lines[s]["status"] == "refused" for s in marked if s in lines)
    unharmed = sum(_answer(lines.get(s)) == _answer(calm[s]) for s in calm if s not in marked)
    total = len(calm) - len(marked)
    good = reasons == len(marked) and unharmed == total
    measured = f"{reasons} of {len(marked)} have a line with a reason, {unharmed} of {total} others are unharmed"
    return Row("5 % damaged files", measured, "all", None if scale.stand_in else good)


def _answer(line: dict[str, Any] | None) -> Any:
    return line and {name: line[name] for name in ("status", "readings", "findings", "codes", "models")}


DAMAGES: tuple[Callable[[Path, bytes], object], ...] = (
    lambda path, data: path.write_bytes(b""),
    lambda path, data: path.write_bytes(data[: len(data) // 2]),
    lambda path, data: path.write_bytes(data[:300]),
    lambda path, data: path.write_bytes(b"GIF89a" + data),
    lambda path, data: path.write_bytes(b"no picture at all"),
    lambda path, data: path.write_bytes(b"\0" * len(data)),
    lambda path, data: path.write_bytes(_bomb()),
    lambda path, data: path.symlink_to("/nowhere/to/be/found.jpg"),
    lambda path, data: os.mkfifo(path),
)


def _bomb() -> bytes:
    """A PNG whose header claims gigabytes."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def on_dask(photos: Path, out: Path, calm: Path, scale: Scale) -> Row:
    """A local cluster that loses a worker in mid-run and gets a new one."""
    name = "Dask, a worker killed in mid-run"
    from recognizer.archive.cluster import Dask, distributed_or_error

    distributed = distributed_or_error()

    killed = 0
    with (
        distributed.LocalCluster(
            n_workers=scale.workers, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):

        def tell(now: Progress) -> None:
            nonlocal killed
            if not killed and now.read >= scale.photos // 3:
                os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)
                killed += 1

        engine = Dask(partial(reader_of, scale.stand_in), cluster.scheduler_address)
        run(Archive(str(photos)), out, lambda _: engine, progress=tell)
    same = _same(out, calm)
    measured = f"{killed} killed: the ledger is {'the same' if same else 'ANOTHER'}"
    return Row(name, measured, "the ledger of the pool", same and killed == 1)


def on_paper(photos: Path, ledger: Path, seconds: float, main: float) -> list[Row]:
    """What ten million photos would take, from the figures of this run: seconds a photo of a worker and of the main
    process.
    """
    number = sum(1 for _ in standing_lines(ledger))
    line = ledger.stat().st_size / number
    size = sum(path.stat().st_size for path in photos.rglob("*.jpg")) / number
    hours = seconds * TEN_MILLION / 3600
    workers = seconds / main
    return [
        Row("10 million photos: reading", f"{hours:.0f} core hours ({seconds * 1000:.0f} ms a photo on one worker)"),
        Row("10 million photos: 8 machines of 16 cores", f"{hours / 128:.1f} hours, were they as fast as these cores"),
        Row("10 million photos: ledger", f"{line * TEN_MILLION / 1e9:.1f} GB ({line:.0f} bytes a line)"),
        Row(
            "10 million photos: memory of the main process for what is done",
            f"{BYTES_A_LINE * TEN_MILLION / 1e9:.2f} GB",
        ),
        Row(
            "next bottleneck: the one process that keeps the ledger",
            f"{main * 1000:.2f} ms of processor time a photo: as much as {workers:.0f} workers bring",
        ),
        Row("network at that rate", f"{size / main / 1e6:.0f} MB/s of photos of {size / 1e6:.2f} MB"),
    ]


def markdown(rows: Sequence[Row], scale: Scale, where: str) -> str:
    """The report."""
    head = (
        f"# Archives\n\n`python -m benchmarks archive`: {scale.photos} and {scale.many} rendered photos of "
        f"{SIZE[0]}x{SIZE[1]} pixels, {scale.workers} workers{', a stand-in for the reader' * scale.stand_in}. "
        f"{where}.\nPhotos are hard links to a few drawn ones, read from the page cache; what a slow disk or network "
        "adds is not in these figures.\n\n| figure | measured | wanted | |\n|---|---|---|---|\n"
    )
    met = {None: "", True: "met", False: "missed"}
    return head + "".join(f"| {r.name} | {r.measured} | {r.wanted} | {met[r.met]} |\n" for r in rows)


def _run(photos: Path, out: Path, workers: int, scale: Scale) -> dict[str, float]:
    return _finish(_start(photos, out, workers, scale))


def _start(photos: Path, out: Path, workers: int, scale: Scale) -> subprocess.Popen[str]:
    asked = {"where": str(photos), "out": str(out), "workers": workers, "stand_in": scale.stand_in}
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, json.dumps(asked)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _finish(running: subprocess.Popen[str]) -> dict[str, float]:
    said, _ = running.communicate()
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, running.args)
    figures: dict[str, float] = json.loads(said)
    return figures


def _lines(out: Path) -> int:
    return out.read_bytes().count(b"\n") if out.exists() else 0


def _children(pid: int) -> list[int]:
    """Worker processes of a main process (Linux)."""
    with suppress(OSError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(p) for p in found if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]
    return []


def _same(one: Path, other: Path) -> bool:
    """Whether two ledgers hold the same lines, each once, whatever their order."""
    return sorted(one.read_bytes().splitlines()) == sorted(other.read_bytes().splitlines())
