"""Engines: how jobs are done. In this process, or by processes of this machine that may die without harm."""

import contextlib
import logging
import multiprocessing
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from recognizer.archive.job import Done, Job, failure
from recognizer.archive.work import Reader, finished, rules_of, work
from recognizer.errors import RecognizerError

Open = Callable[[], Reader]
"""Makes a reader; for processes and clusters it must be picklable."""

DEATHS = 3
"""Processes that a photo may take with it before it is to blame: one may be killed by whoever is short of memory."""
SECONDS = 300.0
"""The longest that one photo may take."""
START_SECONDS = 300.0
"""The longest that a process may take until it is ready to read."""


class Engine(Protocol):
    """Does jobs, drawing no more of them than it has hands, and gives their outcomes in any order."""

    def run(self, jobs: Iterator[Job]) -> Iterator[Done]: ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """One after the other, here."""

    reader: Reader

    def run(self, jobs: Iterator[Job]) -> Iterator[Done]:
        rules = rules_of(self.reader)
        for job in jobs:
            yield work(self.reader, job, rules)


@dataclass(slots=True)
class _Hand:
    """A process with a reader of its own, and the job that it has."""

    process: BaseProcess
    pipe: Connection
    until: float
    job: Job | None = None
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """Processes of this machine. Each has one job at a time, so that the photo which kills one is known.

    A process that dies is replaced and its photo read again; after ``DEATHS`` the photo is given up, with its reason,
    and so is one that takes longer than ``seconds``. Raises what a reader raises that does not work.
    """

    open_reader: Open
    workers: int
    seconds: float = SECONDS

    def run(self, jobs: Iterator[Job]) -> Iterator[Done]:
        hands: list[_Hand] = []
        again: deque[Job] = deque()
        deaths: dict[str, int] = {}
        stillborn, more = 0, True
        try:
            while True:
                for hand in [h for h in hands if h.ready and h.job is None]:
                    hand.job = again.popleft() if again else next(jobs, None) if more else None
                    if hand.job is None:
                        more = False
                        _dismiss(hand)
                        hands.remove(hand)
                    else:
                        hand.until = time.monotonic() + self.seconds
                        _send(hand)
                wanted = self.workers if more else min(self.workers, len(again) + sum(h.job is not None for h in hands))
                while len(hands) < wanted:
                    hands.append(self._hire())
                if not hands:
                    return
                left = max(0.0, min(h.until for h in hands) - time.monotonic())
                answering = set(wait([h.pipe for h in hands], left))
                for hand in [h for h in hands if h.pipe in answering or time.monotonic() > h.until]:
                    answer = _answer(hand) if hand.pipe in answering else TimeoutError()
                    if isinstance(answer, RecognizerError):
                        raise answer
                    if isinstance(answer, (Done, str)):
                        stillborn, hand.ready = 0, True
                        job, hand.job, hand.until = hand.job, None, float("inf")
                        if isinstance(answer, Done):
                            assert job is not None
                            deaths.pop(job.photo.source, None)
                            yield answer
                        continue
                    hands.remove(hand)
                    code = _end(hand, 0.0 if isinstance(answer, TimeoutError) else 5.0)
                    if hand.job is None:
                        stillborn += 1
                        if stillborn > DEATHS * self.workers:
                            raise RecognizerError(f"reading processes end before they are ready (exit code {code})")
                        continue
                    deaths[hand.job.photo.source] = died = deaths.get(hand.job.photo.source, 0) + 1
                    if isinstance(answer, TimeoutError):
                        yield _given_up(hand.job, "timed_out", f"was not read within {self.seconds:g} seconds")
                    elif died >= DEATHS:
                        why = f"ended the process that read it, {died} times (exit code {code})"
                        yield _given_up(hand.job, "killed_worker", why)
                    else:
                        again.append(hand.job)
        finally:
            for hand in hands:
                _end(hand)

    def _hire(self) -> _Hand:
        context = multiprocessing.get_context("spawn")  # threads of OpenCV and onnxruntime do not survive a fork
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.open_reader), daemon=True)
        with deaf_to_interrupts():
            process.start()
        theirs.close()
        return _Hand(process, ours, time.monotonic() + START_SECONDS)


@contextlib.contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started in here do not hear Ctrl-C, which goes to all: they finish their photo, this one decides."""
    resource_tracker.ensure_running()  # which lets SIGINT through when it is started later, by the first process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, open_reader: Open) -> None:
    """The life of a worker process; it ends with the main process, whose end of the pipe then closes."""
    import cv2

    cv2.setNumThreads(1)
    # What a line says is enough for all but debugging, which the engine in this process is for.
    logging.getLogger("recognizer").addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")
    try:
        reader = open_reader()
        rules = rules_of(reader)
        pipe.send("ready")
        while (job := pipe.recv()) is not None:
            pipe.send(work(reader, job, rules))
    except RecognizerError as error:
        pipe.send(error)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass


def _send(hand: _Hand) -> None:
    # A dead one cannot be told anything; waiting for its answer shows that it died.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        hand.pipe.send(hand.job)


def _answer(hand: _Hand) -> Any:
    """What a worker said; None for one that died."""
    try:
        return hand.pipe.recv()
    except (EOFError, OSError):
        return None


def _dismiss(hand: _Hand) -> None:
    _send(hand)
    _end(hand, 5.0)


def _end(hand: _Hand, patience: float = 0.0) -> int | None:
    hand.pipe.close()
    if patience:
        hand.process.join(patience)
    if hand.process.is_alive():
        hand.process.kill()
    hand.process.join()
    code = hand.process.exitcode
    hand.process.close()
    return code


def _given_up(job: Job, code: str, why: str) -> Done:
    photo = job.photo
    return finished(photo, photo.stamp(), failure(photo.source, code, f"{photo.source}: {why}"), None)
