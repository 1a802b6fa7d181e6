"""Clients that upload to a running service, all the time, and what they were answered."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from benchmarks.service_run import Client, Service, form

CLIENTS = 12
"""More than two workers take and eight that wait for them, so that some are turned away all the time."""

Photos = dict[str, bytes]
Expected = dict[str, dict[str, Any]]
"""By name of a photo the library's own report."""


@dataclass(slots=True)
class Answers:
    """What clients got, and after how many seconds."""

    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)
    """Answers that are not the library's."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, number: int) -> Callable[[], bool]:
        return lambda: len(self.taken) >= number

    @property
    def first_wrong(self) -> str:
        """For a report; nothing where nothing is wrong."""
        wrong = [*self.other, *self.unlike]
        return f" ({wrong[0]})" if wrong else ""


def after(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def load(
    service: Service, photos: Photos, expected: Expected, answers: Answers, *, until: Callable[[], bool],
    pause: tuple[float, float], clients: int = CLIENTS, seed: int = 0,
) -> None:  # fmt: skip
    """Clients that upload one after the other. Each has a photo and a meter of its own, deleted after every answer, so
    that nothing known of earlier uploads makes the report another than the library's.
    """
    names = list(photos)

    def one(number: int) -> None:
        rng = random.Random(f"{seed} {number}")  # noqa: S311
        name = names[number % len(names)]
        meter, round_number = f"c{number}", 0
        with closing(Client(service.port)) as own:
            while not until():
                round_number += 1
                # Bytes after the end of the picture: another file for the store, the same picture for the reader.
                data = photos[name] + f"{number} {round_number} {time.monotonic_ns()}".encode()
                upload = form(name, data, meter)
                begin = time.perf_counter()
                try:
                    status, answer = own.upload(upload)
                except OSError as error:
                    with answers.lock:
                        answers.other.append(f"no answer: {error}")
                    continue
                seconds = time.perf_counter() - begin
                unlike = status == 201 and [k for k, v in expected.get(name, {}).items() if answer.get(k) != v]
                with answers.lock:
                    if status == 201:
                        answers.taken.append(seconds)
                        answers.unlike += [f"{name}: {', '.join(unlike)}"] if unlike else []
                    elif status == 503:
                        answers.refused.append(seconds)
                    else:
                        answers.other.append(f"{status}: {answer}")
                if status == 201 and expected:
                    own.forget(meter)
                if status != 201:
                    time.sleep(rng.uniform(*pause))

    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(one, number) for number in range(clients)]:
            done.result()
