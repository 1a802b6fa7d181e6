"""Would catch: a database of an earlier service that loses something or cannot be opened, and one of a later service
that is written to; on SQLite, and on PostgreSQL where its programs are installed.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from benchmarks import postgres
from recognizer.domain.meter import Meter
from recognizer.domain.observation import Observation
from recognizer.domain.photo_print import PhotoPrint
from recognizer.domain.reading import Reading, Report
from recognizer.domain.record import Entry
from recognizer.errors import InputError
from recognizer.store import Store
from recognizer.store_schema import open_database
from service import tables, visit_rows
from service.idempotency import Answers
from service.records import Records
from service.schema import VERSIONS, prepare
from service.visit_rows import VisitRow, VisitRows

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
TO_THE_TIME_BEFORE_ALEMBIC = f"DROP TABLE {VERSIONS}"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "readings.db")
        return
    if reason := postgres.missing():
        pytest.skip(reason)
    with postgres.cluster() as url:
        yield url


def entry(text: str, meter: str) -> Entry:
    box = ((0.0, 0.0), (9.0, 0.0), (9.0, 2.0), (0.0, 2.0))
    report = Report("a.jpg", "accepted", (Reading("total", "m3", text, 0.99, "accepted", box, "drum"),))
    photo = PhotoPrint(sha256=text.encode().hex().ljust(64, "0"))
    return Entry(Observation(100, 100, 9.0, photo=photo), report, NOW, NOW, meter)


def test_a_database_without_a_number_is_upgraded_once_by_whoever_comes_first(place: str) -> None:
    engine = open_database(place, create=True)
    prepare(engine)
    answer = {"id": "1"}
    with Store(place) as store:
        # As schema 1 kept them: a name was a meter's whole id, whoever's it was.
        store.put_meter(Meter("cellar", ("77",)), owner="anna")
        store.put_meter(Meter("shed"))
        key = store.add(entry("00123", "cellar")).readings[0]
        store.add(entry("00456", "shed"))
        before = store.reading(key)
    Answers(engine).keep("anna", "k", "request", answer, "cellar")
    visit = VisitRow("v", "anna", "cellar", None, (), NOW, NOW, shown={})
    VisitRows(engine).open(visit, most=9, most_of_owner=9)
    with engine.execution_options(writes=True).begin() as db:
        db.execute(sa.text(TO_THE_TIME_BEFORE_ALEMBIC))
        db.execute(sa.text("INSERT INTO meter_store (name, version) VALUES ('meter-service', 1)"))
    engine.dispose()
    together = Barrier(4)

    def start(_: int) -> None:
        own = open_database(place, create=False)
        together.wait()
        prepare(own)
        own.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))
    engine = open_database(place, create=False)
    with Store(place, create=False) as store:
        assert store.meter("anna/cellar") == Meter("anna/cellar", ("77",))
        assert store.meter("cellar") is None
        assert store.meter("shed") == Meter("shed")  # nobody's
        assert [past.value for past in store.history("anna/cellar")] == [123]
        assert [past.value for past in store.history("shed")] == [456]
        assert store.reading(key) == before
    row = VisitRows(engine).get("v")
    assert row is not None
    assert row.meter == "anna/cellar"
    assert Answers(engine).find("anna", "k", "request") == answer
    Records(engine).delete_meter("anna/cellar")  # with the answer that names it
    assert Answers(engine).find("anna", "k", "request") is None
    with engine.connect() as db:
        kept = db.execute(sa.text(f"SELECT version_num FROM {VERSIONS}")).scalars().all()
        numbers = db.execute(sa.text("SELECT name FROM meter_store")).scalars().all()
    assert (kept, numbers) == (["0002"], ["meter-recognizer"])
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_service_uses(place: str) -> None:
    """Catches a column that was added to a table and to no migration."""
    engine = open_database(place, create=True)
    prepare(engine)
    with engine.connect() as db:
        for metadata in (tables.metadata, visit_rows.metadata):
            ours = set(metadata.tables)
            options = {"include_name": lambda name, kind, _, ours=ours: kind != "table" or name in ours}
            assert not compare_metadata(MigrationContext.configure(db, opts=options), metadata)
    engine.dispose()


def test_a_newer_database_is_refused_and_left_alone(place: str) -> None:
    engine = open_database(place, create=True)
    prepare(engine)
    with engine.execution_options(writes=True).begin() as db:
        db.execute(sa.text(f"UPDATE {VERSIONS} SET version_num = '0099'"))
    with pytest.raises(InputError, match=r"newer version \(schema 0099.*update"):
        prepare(engine)
    with engine.connect() as db:
        kept = db.execute(sa.text(f"SELECT version_num FROM {VERSIONS}")).scalar()
    assert kept == "0099"
    engine.dispose()
    with Store(place, create=False) as store:  # the library's own tables are as they were
        store.put_meter(Meter("shed"))


def test_a_librarys_store_becomes_a_services(place: str) -> None:
    with Store(place) as store:
        store.put_meter(Meter("cellar", ("77",)))
        store.add(entry("00123", "cellar"))
    engine = open_database(place, create=False)
    prepare(engine)
    records = Records(engine)
    assert records.meters_named("cellar") == ["cellar"]
    records.give("cellar", "anna")
    assert records.meters_named("cellar") == ["anna/cellar"]
    with engine.connect() as db:
        record = db.execute(sa.text("SELECT record FROM meters WHERE owner = 'anna'")).scalar_one()
    assert json.loads(record)["id"] == "anna/cellar"
    assert [shown.meter for shown in records.page("anna/cellar")] == ["anna/cellar"]
    engine.dispose()
