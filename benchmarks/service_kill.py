"""``kill -9`` while many upload at once, again and again: what was acknowledged is there once, nothing by halves."""

import hashlib
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.archive import Row
from benchmarks.service_run import Client, Service, StandIn, client, form, serving

METERS = 8
FIRST_SEND_AGAIN = 50
"""Of what nobody had an answer to so many are sent again in the next round, with the same key."""
ORPHANS = {
    "photos without their reading": "SELECT count(*) FROM photos p "
    "WHERE NOT EXISTS (SELECT 1 FROM readings r WHERE r.photo_id = p.id)",
    "readings without their decision": "SELECT count(*) FROM readings r "
    "WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.reading_id = r.id)",
    "photos kept twice": "SELECT count(*) FROM (SELECT 1 FROM photos GROUP BY meter_id, sha256 HAVING count(*) > 1) x",
}


@dataclass(slots=True)
class Told:
    """What the service acknowledged: by number of the photo the (id, text) of its reading, as often as it was told."""

    readings: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    unanswered: set[int] = field(default_factory=set)
    in_flight: list[int] = field(default_factory=list)
    """Of each kill: uploads that were sent and had no answer."""
    compared: set[int] = field(default_factory=set)
    """Those whose photo was fetched again since."""
    refused: list[str] = field(default_factory=list)
    """Answers that there should not be."""


def photo(number: int) -> bytes:
    """Small noise, another for every number."""
    import cv2
    import numpy as np

    pixels = np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def measure(folder: Path, database: str | None, kills: int, uploads: int, seed: int = 0) -> Row:
    """So many kills during so many concurrent uploads, on SQLite in ``folder`` or on PostgreSQL."""
    rng, told, number, wrong = random.Random(seed), Told(), 0, list[str]()  # noqa: S311
    where = StandIn(waiting=uploads, receiving=2 * uploads)
    for _ in range(kills):
        again = sorted(told.unanswered)[:FIRST_SEND_AGAIN]
        fresh = range(number, number + uploads - len(again))
        number += len(fresh)
        with serving(folder, database, where) as service:
            wrong += check(service, folder, database, told)
            round_of(service, [*again, *fresh], told, rng.randrange(max(1, uploads * 9 // 10)))
    told.compared.clear()  # once more, all of them
    with serving(folder, database, where) as service:
        wrong += check(service, folder, database, told)
    name = f"kill -9 during {uploads} concurrent uploads, {'PostgreSQL' if database else 'SQLite'}"
    wrong += told.refused
    measured = (
        f"{kills} kills, {min(told.in_flight)} to {max(told.in_flight)} uploads without an answer at each; "
        f"{len(told.readings)} photos acknowledged; "
        + (f"{len(wrong)} wrong: {wrong[0]}" if wrong else "nothing wrong")
    )
    wanted = "after every restart each acknowledged reading once, none half-written"
    return Row(name, measured, wanted, not wrong and min(told.in_flight) > 0)


def round_of(service: Service, numbers: list[int], told: Told, after: int) -> None:
    """All numbers at once; the service is killed when so many have been acknowledged."""
    answered, lock, enough = [0], threading.Lock(), threading.Event()

    def send(number: int) -> None:
        with closing(Client(service.port)) as own:
            upload = form(f"{number}.png", photo(number), f"m{number % METERS}", str(number))
            try:
                status, answer = own.upload(upload)
            except OSError:
                with lock:
                    told.unanswered.add(number)
                return
        with lock:
            if status != 201 or len(answer["readings"]) != 1:
                told.refused.append(f"upload {number} was answered {status}")
            else:
                reading = answer["reading_ids"][0], answer["readings"][0]["text"]
                told.readings.setdefault(number, []).append(reading)
                told.unanswered.discard(number)
            answered[0] += 1
            if answered[0] > after:
                enough.set()

    with ThreadPoolExecutor(len(numbers)) as pool:
        done = [pool.submit(send, number) for number in numbers]
        enough.wait(60)
        time.sleep(0.001 * (after % 7))
        service.kill()
        for one in done:
            one.result()
    told.in_flight.append(len(numbers) - answered[0])


def check(service: Service, folder: Path, database: str | None, told: Told) -> list[str]:
    """What is wrong with what is kept."""
    wrong = []
    with client(service) as asking:
        kept = {item["id"]: item for item in _all(asking)}
        of_photo = [item["photo_id"] for item in kept.values()]
        if len(set(of_photo)) != len(of_photo):
            wrong.append("a photo has two readings")
        for number, readings in told.readings.items():
            (key, text), *others = dict.fromkeys(readings)
            if others:
                wrong.append(f"photo {number} was told to be {readings}")
            elif key not in kept or kept[key]["original"]["text"] != text:
                wrong.append(f"the reading {key} of photo {number} is not there as it was told")
            elif number not in told.compared:
                told.compared.add(number)
                if asking.get(kept[key]["links"]["photo"]) != (200, photo(number)):
                    wrong.append(f"photo {number} of the reading {key} is not there")
    wrong += [f"{count} {what}" for what, query in ORPHANS.items() if (count := _rows(folder, database, query)[0][0])]
    for (name,) in _rows(folder, database, "SELECT DISTINCT evidence FROM photos WHERE evidence IS NOT NULL"):
        file = folder / "photos" / name[:2] / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != name:
            wrong.append(f"the file {name[:12]} of a photo is not whole")
    return wrong


def _all(asking: Client) -> Iterator[dict[str, Any]]:
    for meter in range(METERS):
        status, _ = asking.get(f"/v1/meters/m{meter}")
        cursor: str | None = "" if status == 200 else None
        while cursor is not None:
            answer = asking.json(f"/v1/meters/m{meter}/readings?limit=500" + (f"&cursor={cursor}" if cursor else ""))
            yield from answer["items"]
            cursor = answer["next"]


def _rows(folder: Path, database: str | None, query: str) -> list[Any]:
    if database:
        import psycopg

        with psycopg.connect(database) as server:
            return server.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(folder / "readings.db")) as file:
        return file.execute(query).fetchall()
