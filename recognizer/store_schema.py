"""The store's tables, and how a database that holds them is opened: a SQLite file, or PostgreSQL by URL."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Table

from recognizer.errors import InputError, StoreError, UsageError
from recognizer.store_rows import BANDS

SCHEMA = 2
"""Goes up with every change of the tables; ``_UPGRADES`` says how an older store gets there."""
BUSY_SECONDS = 30
CONNECTIONS = 15
"""Of one process and store at once. All of them stay open once they were needed: what a closed one leaves behind are
holes in the heap of whichever thread used it."""
SQLITE_CACHE_KB = 256
"""Pages that one connection keeps; SQLite's own 2000 times 30 connections of a service would be 60 MB."""
_LOCK = 0x6D65746572  # "meter": of PostgreSQL's advisory locks, so that two processes do not make the tables at once


class UtcTime(sa.TypeDecorator[datetime]):
    """A moment, in UTC where it is kept and where it comes out; SQLite knows no time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()
store = Table(
    "meter_store", metadata, Column("name", sa.Text, primary_key=True), Column("version", sa.Integer, nullable=False)
)
meters = Table(
    "meters",
    metadata,
    Column("id", sa.Text, primary_key=True),
    Column("record", sa.Text, nullable=False),
    Column("owner", sa.Text),
)
photos = Table(
    "photos",
    metadata,
    Column("id", sa.Integer, primary_key=True),
    Column("meter_id", sa.Text, ForeignKey("meters.id")),
    Column("taken_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("sha256", sa.Text, index=True),
    Column("phash", sa.Text),
    *(Column(f"band{i}", sa.Integer, index=True) for i in range(BANDS)),
    Column("camera_time", sa.Text),
    Column("evidence", sa.Text),
    Column("models", sa.Text, nullable=False),
    Column("status", sa.Text, nullable=False),
    Column("findings", sa.Text, nullable=False),
    Column("observation", sa.Text, nullable=False),
    Column("owner", sa.Text),
)
MeterKey = sa.func.coalesce(photos.c.meter_id, sa.literal_column("''"))
"""A meter's id, or nothing: NULLs would be sorted differently by the two databases, and are never equal."""
OwnerKey = sa.func.coalesce(photos.c.owner, sa.literal_column("''"))
"""Whose a photo is; it counts where the photo is of no meter."""
Index("photos_once", MeterKey, OwnerKey, photos.c.sha256, unique=True)
Index("photos_in_order", MeterKey, photos.c.taken_at, photos.c.id)
readings = Table(
    "readings",
    metadata,
    Column("id", sa.Integer, primary_key=True),
    Column("photo_id", ForeignKey("photos.id"), nullable=False, index=True),
    Column("place", sa.Integer, nullable=False),
    Column("box", sa.Text, nullable=False),
    Column("original_text", sa.Text, nullable=False),
    Column("original_value", sa.Text),
    Column("original_status", sa.Text, nullable=False),
    Column("register", sa.Text, nullable=False),
    Column("unit", sa.Text),
    Column("text", sa.Text, nullable=False),
    Column("value", sa.Text),
    Column("status", sa.Text, nullable=False),
    Column("confidence", sa.Float, nullable=False),
    Column("findings", sa.Text, nullable=False),
    Column("by_person", sa.Boolean, nullable=False),
)
decisions = Table(
    "decisions",
    metadata,
    Column("id", sa.Integer, primary_key=True),
    Column("reading_id", ForeignKey("readings.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("who", sa.Text, nullable=False),
    Column("why", sa.Text, nullable=False),
    Column("status", sa.Text, nullable=False),
    Column("text", sa.Text, nullable=False),
    Column("value", sa.Text),
    Column("by_person", sa.Boolean, nullable=False),
    Column("rules", sa.Text, nullable=False),
)

_UPGRADES: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE meters ADD COLUMN owner TEXT",
        "ALTER TABLE photos ADD COLUMN owner TEXT",
        "DROP INDEX photos_once",
        "CREATE UNIQUE INDEX photos_once ON photos (coalesce(meter_id, ''), coalesce(owner, ''), sha256)",
    ),
}
"""From a schema to the next one, in words that SQLite and PostgreSQL share: the library needs no tool for it."""


def open_database(place: str | Path, *, create: bool) -> sa.Engine:
    """An engine on a store's database; with ``create``, the tables are made where there is nothing yet.

    Raises UsageError for what is no path or URL of SQLite or PostgreSQL, InputError where there is no store, another
    program's database, or the store of a newer version, StoreError where the database cannot be worked with.
    """
    url = _url(place)
    name = url.render_as_string(hide_password=True) if url.host else str(url.database)
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and not create and not Path(str(url.database)).is_file():
        raise InputError(f"{name}: there is no store; `meter read --store` makes one")
    # Nothing waits for ever: neither for another writer, nor for a server that does not answer.
    wait: dict[str, Any] = {"timeout": BUSY_SECONDS}
    if not sqlite:
        options = f"-c lock_timeout={BUSY_SECONDS}s -c idle_in_transaction_session_timeout=300s"
        wait = {"connect_timeout": 10, "options": options}
    try:
        pool = {"pool_pre_ping": not sqlite, "pool_size": CONNECTIONS, "max_overflow": 0}
        engine = sa.create_engine(url, connect_args=wait, **pool)
    except ImportError as error:
        raise UsageError(
            f"PostgreSQL needs an extra package: pip install 'meter-recognizer[postgres]' ({error})"
        ) from error
    if sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    try:
        with told(name):
            _check(engine, name, create=create)
            if sqlite:
                _write_ahead(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def told(name: str) -> Iterator[None]:
    """The database's own errors as a StoreError that names the store; IntegrityError passes through."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        if "not a database" in reason:
            raise InputError(f"{name}: is no store; give another file") from error
        raise StoreError(f"{name}: the store cannot be used ({reason})") from error


def _url(place: str | Path) -> sa.URL:
    if "://" not in str(place):
        if str(place) in ("", ":memory:"):
            raise UsageError("a store is a file or a PostgreSQL URL; one in memory would be lost")
        return sa.URL.create("sqlite", database=str(place))
    try:
        url = sa.make_url(str(place))
    except (sa.exc.ArgumentError, ValueError) as error:
        # The text itself may hold a password.
        raise UsageError("the store's URL cannot be understood; it is like postgresql://user@host/database") from error
    backend = url.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    raise UsageError(f"a store is a file or a PostgreSQL URL, not {url.drivername}")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions late, and by itself
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{SQLITE_CACHE_KB}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes then would fail at once where another one wrote in between.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _check(engine: sa.Engine, name: str, *, create: bool) -> None:
    with engine.connect() as db:
        found = _schema(db, name)
    if found == SCHEMA:
        return
    if found is None and not create:
        raise InputError(f"{name}: there is no store; `meter read --store` makes one")
    with engine.execution_options(writes=True).begin() as db:
        if engine.dialect.name != "sqlite":
            db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = _schema(db, name)  # another process may have been quicker
        if found is None:
            metadata.create_all(db)
            db.execute(store.insert().values(name="meter-recognizer", version=SCHEMA))
            return
        for step in range(found, SCHEMA):
            for statement in _UPGRADES[step]:
                db.execute(sa.text(statement))
        db.execute(store.update().where(store.c.name == "meter-recognizer").values(version=SCHEMA))


def _schema(db: sa.Connection, name: str) -> int | None:
    """None where there is nothing yet; InputError where there is something else."""
    tables = set(sa.inspect(db).get_table_names())
    if store.name in tables:
        version = db.execute(sa.select(store.c.version).where(store.c.name == "meter-recognizer")).scalar()
        if version is not None and version > SCHEMA:
            raise InputError(
                f"{name}: was written by a newer version (schema {version}, this one knows {SCHEMA}); "
                "update meter-recognizer"
            )
        if version is not None and version >= min(_UPGRADES):
            return int(version)
    # In PostgreSQL other programs may share the database as long as the names of their tables are others.
    elif not (tables & set(metadata.tables) if db.dialect.name != "sqlite" else tables):
        return None
    raise InputError(f"{name}: is the database of another program; give another")


def _write_ahead(engine: sa.Engine) -> None:
    """Readers and a writer side by side; the file itself keeps this setting."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
                break
            except engine.dialect.loaded_dbapi.OperationalError as error:
                # Here SQLite does not wait for others by itself.
                if "locked" not in str(error) or time.monotonic() > until:
                    raise StoreError(f"{engine.url.database}: the store cannot be used ({error})") from error
                time.sleep(0.1)
        cursor.close()
    finally:
        connection.close()
