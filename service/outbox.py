"""Conclusions that are still to be told to somebody: rows of ``decisions``, each once for every endpoint.

A delivery names its decision and holds nothing of it, so what is deleted from the store is not told any more. What is
to be done next stands in the table alone: a restart, or a second process, goes on from there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Column, Index, Table

from recognizer.store_schema import UtcTime, decisions, meters, photos, readings
from service.meter_ids import split
from service.tables import transaction

WINDOW = 1000
"""Ids below the cursor that are looked at again: PostgreSQL gives ids before it commits, and commits in any order."""
REMEMBERED = timedelta(days=7)
"""Older decisions are never moved, so which of them were moved need not be kept."""
DEAD_KEPT = timedelta(days=30)
_CURSOR = "webhook"
_LOCK = 827412

metadata = sa.MetaData()
cursors = Table(
    "service_outbox_cursor",
    metadata,
    Column("name", sa.Text, primary_key=True),
    Column("decision_id", sa.Integer, nullable=False),
    Column("since", UtcTime, nullable=False),
)
deliveries = Table(
    "service_outbox",
    metadata,
    Column("id", sa.Text, primary_key=True),
    Column("decision_id", sa.Integer, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    Column("endpoint", sa.Text, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("tries", sa.Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("moved_at", UtcTime, nullable=False),
    Column("why", sa.Text, nullable=False),
)
# SQLite gives the ids of deleted rows again, so the time is part of what a decision is known by.
Index("service_outbox_once", deliveries.c.decision_id, deliveries.c.decided_at, deliveries.c.endpoint, unique=True)
Index("service_outbox_due", deliveries.c.state, deliveries.c.due_at)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One decision for one endpoint, taken to be tried; ``tries`` counts this one. ``content`` is what is told."""

    id: str
    endpoint: str
    tries: int
    content: dict[str, Any]


class Outbox:
    """Every method is one or a few short transactions; StoreError when the database does not work now.

    ``lease`` is after how long a delivery is taken again that was taken and of whose end nothing was heard.
    """

    def __init__(self, engine: sa.Engine, lease: timedelta = timedelta(seconds=60)) -> None:
        self._engine, self._lease = engine, lease

    def create(self, now: datetime) -> None:
        """Make the tables where there are none. What was decided before the first time is never told."""
        with transaction(self._engine) as db:
            if db.dialect.name != "sqlite":
                db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            metadata.create_all(db)
            if db.execute(sa.select(cursors.c.name).where(cursors.c.name == _CURSOR)).first() is None:
                db.execute(cursors.insert().values(name=_CURSOR, decision_id=_top(db), since=now))

    def move(self, endpoints: Collection[str], now: datetime) -> int:
        """Make deliveries of the decisions that conclude a reading and were not moved yet; returns how many were."""
        moved = 0
        while True:
            with transaction(self._engine, writes=False) as db:  # mostly there is nothing: no write lock for that
                last, since = _cursor(db, lock=False)
                top = _top(db)
                if top == last and not db.execute(_fresh(last, top, since).limit(1)).first():
                    return moved
            with transaction(self._engine) as db:
                last, since = _cursor(db, lock=True)
                top = _top(db)
                last = min(last, top)
                upto = min(top, last + WINDOW)
                rows = [
                    {
                        "id": uuid4().hex,
                        "decision_id": key,
                        "decided_at": at,
                        "endpoint": endpoint,
                        "state": "waiting",
                        "tries": 0,
                        "due_at": now,
                        "moved_at": now,
                        "why": "",
                    }
                    for key, at in db.execute(_fresh(last, upto, since))
                    for endpoint in endpoints
                ]
                if rows:
                    db.execute(deliveries.insert(), rows)
                db.execute(cursors.update().where(cursors.c.name == _CURSOR).values(decision_id=upto))
            moved += len(rows)
            if upto == top:
                return moved

    def take(self, endpoints: Collection[str], now: datetime) -> Delivery | None:
        """The delivery that is due longest, for this caller alone until its lease ends."""
        due = sa.select(deliveries).where(deliveries.c.state == "waiting", deliveries.c.due_at <= now)
        due = due.where(deliveries.c.endpoint.in_(endpoints)).order_by(deliveries.c.due_at, deliveries.c.id).limit(1)
        while True:
            with transaction(self._engine, writes=False) as db:
                row = db.execute(due).mappings().first()
            if row is None:
                return None
            same = sa.and_(
                deliveries.c.id == row["id"], deliveries.c.state == "waiting", deliveries.c.due_at == row["due_at"]
            )
            with transaction(self._engine) as db:
                content = _content(db, row["decision_id"], row["decided_at"])
                if content is None:  # deleted from the store since
                    db.execute(deliveries.delete().where(same))
                    continue
                mine = deliveries.update().where(same).values(due_at=now + self._lease, tries=row["tries"] + 1)
                if db.execute(mine).rowcount != 1:
                    continue
            return Delivery(row["id"], row["endpoint"], row["tries"] + 1, content)

    def delivered(self, delivery: Delivery) -> None:
        self._settle(delivery, state="delivered", why="")

    def failed(self, delivery: Delivery, why: str, due_at: datetime | None) -> None:
        """To be tried again at ``due_at``; never again where that is None."""
        again = {"state": "dead"} if due_at is None else {"due_at": due_at}
        self._settle(delivery, why=why[:200], **again)

    def clean(self, now: datetime, longest: timedelta) -> int:
        """Give up what waited for ``longest`` and forget what is old; returns how many were given up."""
        old = sa.and_(deliveries.c.state == "waiting", deliveries.c.moved_at < now - longest)
        finished = deliveries.c.state == "delivered"
        with transaction(self._engine) as db:
            last, since = _cursor(db, lock=True)
            given_up = db.execute(deliveries.update().where(old).values(state="dead", why="waited too long")).rowcount
            if last == _top(db):
                since = max(since, now - REMEMBERED)
                db.execute(cursors.update().where(cursors.c.name == _CURSOR).values(since=since))
            before = deliveries.c.decided_at < since
            db.execute(deliveries.delete().where(before, finished))
            dead = deliveries.c.state == "dead"
            db.execute(deliveries.delete().where(before, dead, deliveries.c.moved_at < now - DEAD_KEPT))
        return given_up

    def counts(self) -> dict[str, int]:
        """How many deliveries are ``waiting`` and ``dead``, those to endpoints that are not configured now included."""
        query = sa.select(deliveries.c.state, sa.func.count()).group_by(deliveries.c.state)
        with transaction(self._engine, writes=False) as db:
            found: dict[str, int] = {row[0]: row[1] for row in db.execute(query)}
        return {state: found.get(state, 0) for state in ("waiting", "dead")}

    def _settle(self, delivery: Delivery, **values: Any) -> None:
        with transaction(self._engine) as db:
            db.execute(deliveries.update().where(deliveries.c.id == delivery.id).values(values))


def _cursor(db: sa.Connection, *, lock: bool) -> tuple[int, datetime]:
    query = sa.select(cursors.c.decision_id, cursors.c.since).where(cursors.c.name == _CURSOR)
    row = db.execute(query.with_for_update() if lock else query).one()
    return row[0], row[1]


def _top(db: sa.Connection) -> int:
    return int(db.execute(sa.select(sa.func.max(decisions.c.id))).scalar() or 0)


def _fresh(last: int, upto: int, since: datetime) -> Any:
    """Decisions that conclude a reading, near the cursor or above, that were not moved."""
    moved = sa.select(deliveries.c.id).where(
        deliveries.c.decision_id == decisions.c.id, deliveries.c.decided_at == decisions.c.at
    )
    return (
        sa.select(decisions.c.id, decisions.c.at)
        .where(decisions.c.id > last - WINDOW, decisions.c.id <= upto, decisions.c.at >= since)
        .where(sa.or_(decisions.c.status == "accepted", decisions.c.by_person), ~moved.exists())
        .order_by(decisions.c.id)
    )


def _content(db: sa.Connection, decision: int, at: datetime) -> dict[str, Any] | None:
    columns: Sequence[Any] = (
        decisions.c.reading_id, photos.c.meter_id, sa.func.coalesce(meters.c.owner, photos.c.owner).label("owner"),
        readings.c.register, readings.c.unit, decisions.c.text, decisions.c.value, decisions.c.status,
        photos.c.taken_at, decisions.c.at, decisions.c.by_person,
    )  # fmt: skip
    whole = decisions.join(readings).join(photos, photos.c.id == readings.c.photo_id).outerjoin(meters)
    query = sa.select(*columns).select_from(whole).where(decisions.c.id == decision, decisions.c.at == at)
    row = db.execute(query).mappings().first()
    if row is None:
        return None
    owner, name = split(row["meter_id"])
    told = {key: row[key] for key in ("register", "unit", "text", "value", "status")}
    return {
        "reading": row["reading_id"],
        "owner": owner or row["owner"],
        "meter": name,
        **told,
        "taken_at": row["taken_at"].isoformat(),
        "decided_at": row["at"].isoformat(),
        "by_person": row["by_person"],
    }
