"""A run over an archive: photos that need it go to an engine, what comes back goes to the ledger."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from recognizer.archive.job import Done, Job
from recognizer.archive.ledger import Ledger, Line, Standing, key
from recognizer.archive.pool import Engine, InProcess
from recognizer.archive.sources import Archive
from recognizer.archive.work import Reader
from recognizer.errors import InputError
from recognizer.vision.counter import READERS


@dataclass(frozen=True, slots=True)
class Version:
    """The models and rules that a run reads with: other ones may read a photo differently."""

    models: Mapping[str, str]
    """Digests by role."""
    rules: str | None

    def outdates(self, line: Line) -> bool:
        """Whether a line might come out differently now.

        What could not be looked at stays so until it is asked for; a photo without a display met none but the locator.
        """
        if "error" in line:
            return False
        if line.get("rules") != self.rules:
            return True
        changed = {role for role, digest in line["models"].items() if self.models.get(role) != digest}
        changed |= {role for role in READERS if role in self.models and role not in line["models"]}
        no_display = not line["readings"] and any(finding["code"] == "no_meter" for finding in line["findings"])
        return bool(changed.difference(READERS) if no_display else changed)


@dataclass(frozen=True, slots=True)
class Summary:
    """How many photos of a results file ended how, whichever run read them. ``failed`` ones count as refused too."""

    accepted: int
    review: int
    refused: int
    failed: int
    earlier: int
    """Lines that stood there before this run."""
    stopped: bool = False
    """Whether photos are left because somebody asked to stop."""

    @property
    def total(self) -> int:
        return self.accepted + self.review + self.refused


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, after each photo."""

    source: str
    done: int
    """Photos that have their line, earlier ones included."""
    total: int | None
    """None where only reading the whole archive would tell."""
    read: int
    """Photos read in this run."""
    seconds: float
    accepted: int
    review: int
    refused: int
    failed: int

    @property
    def rate(self) -> float:
        """Photos per second."""
        return self.read / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to go at this rate."""
        return None if self.total is None or not self.rate else max(0, self.total - self.done) / self.rate


@dataclass(slots=True)
class Stop:
    """Set to end a run after the photos in hand."""

    asked: bool = False


def run(
    archive: Archive,
    out: Path,
    choose: Callable[[int | None], Engine],
    *,
    version: Version | None = None,
    retry: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: Stop | None = None,
) -> Summary:
    """Read what has no line in ``out`` yet, or one that no longer holds: changed bytes, other models or rules.

    ``choose`` gives the engine for so many photos (None: nobody knows). ``retry`` reads those again that could not be
    looked at. Photos whose stamp is as it was are not opened.

    Raises InputError when there is no such archive, no photo in it, or ``out`` is no results file.
    """
    stop = stop or Stop()
    total = archive.count()
    if total == 0:
        raise InputError(f"{archive.where}: no pictures below this folder")

    def due(line: Line) -> bool:
        return (retry and "error" in line) or (version is not None and version.outdates(line))

    begin, read, met = time.monotonic(), 0, total or 0
    with Ledger(out, due) as ledger:
        known, waiting = ledger.earlier, dict[str, Standing]()

        def jobs() -> Iterator[Job]:
            nonlocal met
            for photo in archive:
                if stop.asked:
                    return
                met += total is None
                standing = ledger.find(photo.source)
                if standing is None:
                    yield Job(photo)
                elif standing.due:
                    waiting[photo.source] = standing
                    yield Job(photo)
                elif standing.stamp != key(photo.stamp()):
                    line = ledger.line(standing)
                    waiting[photo.source] = standing
                    yield Job(photo, _unchanged(line, photo.stamp()))

        for done in choose(None if total is None else max(0, total - ledger.earlier)).run(jobs()):
            read += 1
            standing = waiting.pop(done.source, None)
            known += standing is None
            ledger.append(_moved(ledger, standing, done) if done.line is None else done, standing)
            if progress:
                n = ledger.counts
                progress(Progress(
                    done.source, known, total, read, time.monotonic() - begin,
                    n["accepted"], n["review"], n["refused"], n["failed"],
                ))  # fmt: skip
        n = ledger.counts
        if not met:
            raise InputError(f"{archive.where}: no pictures in this archive")
        return Summary(n["accepted"], n["review"], n["refused"], n["failed"], ledger.earlier, stop.asked)


def _unchanged(line: Line, stamp: str) -> str | None:
    """The SHA-256 with which this line still stands; None where the photo must be read in any case."""
    file = line.get("file", {})
    told = [text.partition(" ")[2] for text in (file.get("stamp", ""), stamp)]
    sha256: str | None = file.get("sha256")
    return sha256 if told[0] == told[1] and "error" not in line else None


def _moved(ledger: Ledger, standing: Standing | None, done: Done) -> Done:
    """The line that stands, with the path and stamp of the file that has the same bytes."""
    assert standing is not None
    line = ledger.line(standing)
    line["file"] |= {"path": done.path, "stamp": done.stamp}
    return replace(done, line=json.dumps(line), status=line["status"])


@contextmanager
def stopping() -> Iterator[Stop]:
    """Ctrl-C and SIGTERM ask to stop; a second one interrupts at once. Only the main thread hears them."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def heard(_: int, __: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def batch(
    reader: Reader,
    root: Path,
    out: Path,
    *,
    pattern: str | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Summary:
    """Read all pictures below ``root`` here, one by one, and append a line for each to ``out``; see ``run``.

    ``source`` of a line is the path below ``root``, with ``/``. Without ``pattern`` the usual picture suffixes
    count; with one, the file names that match it (``*.jpg``). Hidden files and folders are left out.
    ``progress`` is called with (photos done, photos in all, source) after every photo.
    """

    def tell(now: Progress) -> None:
        if progress:
            progress(now.done, now.total or now.done, now.source)

    return run(Archive(str(root), pattern), out, lambda _: InProcess(reader), progress=tell)
