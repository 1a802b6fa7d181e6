"""The service's own tables have a number as the store's have: an older database is upgraded, a newer one refused.

It stands in a row of its own in the store's table of versions, which the library does not look at.
"""

import json
from collections.abc import Callable

import sqlalchemy as sa

from recognizer.errors import InputError
from recognizer.store_schema import meters, photos, store
from service import meter_ids
from service.tables import answers, keys, metadata, transaction
from service.visit_rows import metadata as of_visits
from service.visit_rows import visits

SCHEMA = 2
"""Goes up with every change of the service's tables, or of what it keeps in the store's; ``_UPGRADES`` leads there."""
NAME = "meter-service"
_LOCK = 827411  # of PostgreSQL's advisory locks: several processes may start at once


def prepare(engine: sa.Engine) -> None:
    """Make the tables of keys, answers and visits where there are none, or upgrade them, in one transaction.

    Raises InputError for a database that a newer service wrote.
    """
    with transaction(engine, writes=False) as db:
        if _version(db) == SCHEMA:
            return
    with transaction(engine) as db:
        if db.dialect.name != "sqlite":
            db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = _version(db)  # another process may have been quicker
        metadata.create_all(db)
        of_visits.create_all(db)
        for step in range(SCHEMA if found is None else found, SCHEMA):
            _UPGRADES[step](db)
        db.execute(store.delete().where(store.c.name == NAME))
        db.execute(store.insert().values(name=NAME, version=SCHEMA))


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


def _version(db: sa.Connection) -> int | None:
    """None where the service never was; 1 where it was before its tables had a number."""
    version = db.execute(sa.select(store.c.version).where(store.c.name == NAME)).scalar()
    if version is None:
        return 1 if sa.inspect(db).has_table(keys.name) else None
    if version > SCHEMA:
        raise InputError(
            f"the service's database was written by a newer version (schema {version}, this one knows {SCHEMA}); "
            "update the service"
        )
    return int(version)


def _ids_of_owners(db: sa.Connection) -> None:
    """From 1 to 2: a meter's id belonged to whoever named it first; now it is one of its owner's."""
    owned = sa.select(meters.c.id, meters.c.owner).where(meters.c.owner.is_not(None))
    for meter, owner in db.execute(owned).all():
        move_meter(db, meter, owner)


_UPGRADES: dict[int, Callable[[sa.Connection], None]] = {1: _ids_of_owners}
"""From a schema to the next one."""
