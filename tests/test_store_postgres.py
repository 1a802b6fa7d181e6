"""Would catch: a store or a service that works on SQLite and not on a real PostgreSQL, or loses something there when it
is upgraded, cut off or killed.

All tests of the store run there too with METER_TEST_POSTGRES (``test_store``); these need no more than the programs.
"""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks import postgres, service_kill
from recognizer.domain.meter import Meter
from recognizer.domain.observation import Observation
from recognizer.domain.photo_print import PhotoPrint
from recognizer.domain.reading import Reading, Report
from recognizer.domain.record import Entry
from recognizer.store import Store

pytestmark = pytest.mark.skipif(postgres.missing() is not None, reason=str(postgres.missing()))
TIME = datetime(2026, 10, 1, 12, tzinfo=UTC)
# As schema 1 had it.
BACK_TO_SCHEMA_1 = """
DROP INDEX photos_once;
ALTER TABLE photos DROP COLUMN owner;
ALTER TABLE meters DROP COLUMN owner;
CREATE UNIQUE INDEX photos_once ON photos (coalesce(meter_id, ''), sha256);
UPDATE meter_store SET version = 1;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.cluster() as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    import psycopg

    with psycopg.connect(server) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")
    return server


def entry(text: str, meter: str | None = "cellar", owner: str | None = None) -> Entry:
    box = ((0.0, 0.0), (9.0, 0.0), (9.0, 2.0), (0.0, 2.0))
    report = Report("a.jpg", "accepted", (Reading("total", "m3", text, 0.99, "accepted", box, "drum"),))
    photo = PhotoPrint(sha256=text.encode().hex().ljust(64, "0"), phash="ffffffffffffffff")
    return Entry(Observation(100, 100, 9.0, photo=photo), report, TIME, TIME, meter, owner=owner)


def test_a_store_of_schema_1_is_upgraded_by_whoever_comes_first(url: str) -> None:
    import psycopg

    with Store(url) as store:
        store.put_meter(Meter("cellar"))
        key = store.add(entry("00123")).readings[0]
        store.correct(key, Decimal(124), "confirmed", "ann", TIME)
        before = store.history("cellar"), store.reading(key), store.decisions(key)
    with psycopg.connect(url) as db:
        db.execute(BACK_TO_SCHEMA_1.encode())
    together = threading.Barrier(4)

    def open_and_read(_: int) -> object:
        together.wait()
        with Store(url, create=False) as store:
            return store.history("cellar"), store.reading(key), store.decisions(key)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(open_and_read, range(4))) == [before] * 4
    with Store(url, create=False) as store:
        assert store.add(entry("00123")).duplicate
        told = [store.add(entry("00124", None, owner)).duplicate for owner in ("anna", "ben", "anna")]
    assert told == [False, False, True]


def test_the_same_photo_from_many_at_once_is_one_reading(url: str) -> None:
    together = threading.Barrier(8)

    def add(_: int) -> tuple[bool, tuple[int, ...]]:
        together.wait()
        with Store(url) as store:  # which is made by whoever comes first, too
            store.put_meter(Meter("cellar"))
            added = store.add(entry("00123"))
            return added.duplicate, added.readings

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(add, range(8)))
    assert sorted(duplicate for duplicate, _ in told) == [False] + [True] * 7
    assert len({readings for _, readings in told}) == 1


def test_the_tables_of_another_program_are_left_alone(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as db:
        db.execute("CREATE TABLE invoices (id integer)")
    with Store(url) as store:
        store.put_meter(Meter("cellar", ("77",)))
        assert store.meter("cellar") == Meter("cellar", ("77",))
    with psycopg.connect(url) as db:
        names = {name for (name,) in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        assert "invoices" in names
        kept = db.execute("SELECT record FROM meters").fetchone()
    assert kept is not None
    assert json.loads(kept[0])["serials"] == ["77"]


def test_lost_connections_are_made_anew(url: str) -> None:
    import psycopg

    with Store(url) as store:
        store.put_meter(Meter("cellar"))
        with psycopg.connect(url) as db:
            others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            gone = db.execute(f"SELECT pg_terminate_backend(pid) {others}".encode()).fetchall()
        assert gone == [(True,)]
        assert store.meter("cellar") == Meter("cellar")


def test_what_a_killed_service_acknowledged_is_there_once(url: str, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="the service's extra is not installed")
    row = service_kill.measure(tmp_path, url, kills=1, uploads=30)
    assert row.met, row
