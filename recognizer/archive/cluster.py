"""The engine for a cluster: Dask distributed does the jobs, this process keeps the ledger."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from recognizer.archive.job import Done, Job, failure
from recognizer.archive.pool import SECONDS, Open, deaf_to_interrupts
from recognizer.archive.work import Reader, finished, rules_of, work
from recognizer.errors import RecognizerError, UsageError

AHEAD = 3
"""Jobs that a thread of the cluster has at hand: one to do, the others on their way."""
CONNECT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Dask:
    """Workers of a running cluster, or of one on this machine. They come and go; what a lost one had is done again.

    Every worker needs this package, and the photos under the same paths or URLs. Raises UsageError without the extra
    ``cluster``, and RecognizerError when the cluster cannot be reached or does nothing for ``seconds``.
    """

    open_reader: Open
    scheduler: str | None = None
    """Address of the scheduler, ``tcp://host:8786``; None starts ``workers`` processes here."""
    workers: int = 2
    seconds: float = SECONDS

    def run(self, jobs: Iterator[Job]) -> Iterator[Done]:
        dask = distributed_or_error()
        try:
            cluster = None
            if self.scheduler is None:
                with deaf_to_interrupts():
                    cluster = dask.LocalCluster(
                        n_workers=self.workers, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
                    )
            client = dask.Client(cluster or self.scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise RecognizerError(f"the cluster at {self.scheduler} cannot be reached ({error})") from error
        try:
            yield from self._jobs(client, dask, jobs)
        finally:
            client.close()
            if cluster is not None:
                cluster.close()

    def _jobs(self, client: Any, dask: Any, jobs: Iterator[Job]) -> Iterator[Done]:
        opener = pickle.dumps(self.open_reader)
        pending: dict[Any, Job] = {}
        lost: list[Job] = []
        more = True
        while True:
            # Asked each time: workers join in mid-run.
            hands = max(1, sum(client.nthreads().values())) * AHEAD
            while len(pending) < hands and (lost or more):
                job = lost.pop() if lost else next(jobs, None)
                if job is None:
                    more = False
                else:
                    pending[client.submit(_do, opener, job, pure=False)] = job
            if not pending:
                return
            try:
                with client.as_current():
                    ended, _ = dask.wait(list(pending), timeout=self.seconds, return_when="FIRST_COMPLETED")
            except (TimeoutError, dask.TimeoutError):
                raise RecognizerError(f"the cluster has done nothing for {self.seconds:g} seconds") from None
            for future in ended:
                job = pending.pop(future)
                if future.status == "finished":
                    yield future.result()
                elif future.status == "error":
                    yield _failed(job, future.exception())
                else:  # cancelled or lost: the scheduler itself was restarted
                    lost.append(job)


def _failed(job: Job, error: BaseException) -> Done:
    photo = job.photo
    if type(error).__name__ != "KilledWorker":
        if isinstance(error, RecognizerError):
            raise error
        raise RecognizerError(f"the workers of the cluster cannot do this: {type(error).__name__}: {error}")
    why = failure(photo.source, "killed_worker", f"{photo.source}: ended the processes that read it")
    return finished(photo, photo.stamp(), why, None)


def distributed_or_error() -> Any:
    """Dask's package, or UsageError saying how to get it."""
    try:
        from dask import distributed
    except ImportError:
        raise UsageError("--engine dask needs an extra: pip install 'meter-recognizer[cluster]'") from None
    return distributed


def _do(opener: bytes, job: Job) -> Done:
    """One job on a worker."""
    with _opening:
        reader, rules = _reader(opener)
    return work(reader, job, rules)


@lru_cache(maxsize=1)
def _reader(opener: bytes) -> tuple[Reader, str | None]:
    """The reader of this worker: loading models costs more than reading a photo."""
    import cv2

    cv2.setNumThreads(1)
    reader = pickle.loads(opener)()  # noqa: S301 - what the cluster's own client sent
    return reader, rules_of(reader)


_opening = Lock()
