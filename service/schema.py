"""The service's own tables are made and upgraded by Alembic, when it starts; a newer database is refused.

The store's tables are the library's, which upgrades them by itself (``recognizer.store_schema``): it needs no tool.
"""

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from recognizer.errors import InputError
from recognizer.store_schema import meters, photos
from service import meter_ids
from service.tables import answers, keys, transaction
from service.visit_rows import visits

VERSIONS = "service_schema"
"""The table with the number; Alembic's own name may be that of another program in the same database."""
_FIRST = "0001"
_LOCK = 827411  # of PostgreSQL's advisory locks: several processes may start at once
_MIGRATIONS = Path(__file__).parent / "migrations"
_SCRIPTS = ScriptDirectory(_MIGRATIONS)


def prepare(engine: sa.Engine) -> None:
    """Make the tables of keys, answers and visits where there are none, or upgrade them, in one transaction.

    Raises InputError for a database that a newer service wrote.
    """
    with transaction(engine, writes=False) as db:
        if _revision(db) == _SCRIPTS.get_current_head():
            return
    with transaction(engine) as db:
        if db.dialect.name != "sqlite":
            db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config = Config(attributes={"connection": db})
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        if _revision(db) is None and sa.inspect(db).has_table(keys.name):
            command.stamp(config, _FIRST)  # from the time before Alembic
        command.upgrade(config, "head")


def move_meter(db: sa.Connection, meter: str, owner: str) -> None:
    """Make a meter somebody's, with all that is kept of it: its id is another one from then on."""
    name = meter_ids.name_of(meter) or meter
    now = meter_ids.kept(owner, name)
    if now == meter:
        db.execute(meters.update().where(meters.c.id == meter).values(owner=owner))
        return
    record = db.execute(sa.select(meters.c.record).where(meters.c.id == meter)).scalar_one()
    record = json.dumps(json.loads(record) | {"id": now})
    # Photos name their meter all the time, so it is there twice for a moment.
    db.execute(meters.insert().values(id=now, record=record, owner=owner))
    db.execute(photos.update().where(photos.c.meter_id == meter).values(meter_id=now))
    db.execute(meters.delete().where(meters.c.id == meter))
    db.execute(answers.update().where(answers.c.meter == meter).values(meter=now))
    db.execute(visits.update().where(visits.c.meter == meter).values(meter=now))


def _revision(db: sa.Connection) -> str | None:
    """None where the service never was, or was before Alembic."""
    found = MigrationContext.configure(db, opts={"version_table": VERSIONS}).get_current_revision()
    if found is not None and found not in {script.revision for script in _SCRIPTS.walk_revisions()}:
        raise InputError(
            f"the service's database was written by a newer version (schema {found}, this one knows "
            f"{_SCRIPTS.get_current_head()}); update the service"
        )
    return found
