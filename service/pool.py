"""Reading photos: so many at a time, and so many that wait. Whoever comes when it is full is told so at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from service.problems import busy

T = TypeVar("T")


class Pool:
    """``workers`` threads for vision, apart from those that serve requests."""

    def __init__(self, workers: int, waiting: int, retry_after: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="vision")
        self._places = BoundedSemaphore(workers + waiting)
        self._most, self._taken, self._retry_after = workers + waiting, 0, retry_after

    @property
    def taken(self) -> int:
        return self._taken

    @property
    def full(self) -> bool:
        return self._taken >= self._most

    def run(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, from a worker; Problem 503 where too many wait already."""
        if not self._places.acquire(blocking=False):
            raise busy("all workers are busy and enough photos wait", self._retry_after)
        self._taken += 1
        try:
            return self._threads.submit(work).result()
        finally:
            self._taken -= 1
            self._places.release()

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
