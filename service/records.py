"""What the service asks of the store's tables beyond ``recognizer.store``: who sees what, pages, queue, deletion."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recognizer.domain.meter import Meter
from recognizer.domain.observation import Observation
from recognizer.domain.record import StoredPhoto, StoredReading
from recognizer.store_rows import stored_reading
from recognizer.store_schema import MeterKey, OwnerKey, decisions, meters, photos, readings
from service.schema import move_meter
from service.tables import answers, transaction

MOST_QUEUED = 2000
"""Readings that the queue is ordered among: the least certain ones."""
_OF_PHOTO = [photos.c[name].label(f"photo_{name}") for name in ("meter_id", "taken_at", "received_at", "evidence")]


@dataclass(frozen=True, slots=True)
class Shown:
    """A reading and what of its photo is told with it."""

    reading: StoredReading
    meter: str | None
    taken_at: datetime
    received_at: datetime
    evidence: str | None


class Records:
    """``sees`` is the person who asks; None sees everybody's. What one may not see is as if it were not there.

    Meters are named by their ids as they are kept (``service.meter_ids``).
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def reading(self, reading_id: int, sees: str | None) -> Shown | None:
        query = _visible(_with_photo(), sees).where(readings.c.id == reading_id)
        with transaction(self._engine, writes=False) as db:
            row = db.execute(query).mappings().first()
        return None if row is None else _shown(row)

    def photo(self, photo_id: int, sees: str | None) -> tuple[StoredPhoto, dict[str, Any]] | None:
        """A photo with its observation and readings, and what was concluded of the photo itself."""
        query = _visible(sa.select(photos).select_from(photos.outerjoin(meters)), sees).where(photos.c.id == photo_id)
        with transaction(self._engine, writes=False) as db:
            row = db.execute(query).mappings().first()
            if row is None:
                return None
            of_it = sa.select(readings).where(readings.c.photo_id == photo_id)
            found = db.execute(of_it.order_by(readings.c.place, readings.c.id)).mappings().all()
        observation = Observation.from_dict(json.loads(row["observation"]))
        kept = {key: row[key] for key in ("id", "taken_at", "received_at", "evidence")}
        photo = StoredPhoto(
            **kept,
            meter=row["meter_id"],
            observation=observation,
            readings=tuple(stored_reading(r) for r in found),
        )
        findings = [{"code": f["code"], "message": f["message"]} for f in json.loads(row["findings"])]
        return photo, {"status": row["status"], "findings": findings}

    def same(self, meter: str | None, owner: str | None, sha256: str) -> int | None:
        """The id of the photo of these very bytes that is kept for this meter, or for this person without a meter."""
        whose = MeterKey == (meter or ""), OwnerKey == (owner or "")
        with transaction(self._engine, writes=False) as db:
            return db.execute(sa.select(photos.c.id).where(*whose, photos.c.sha256 == sha256)).scalar()

    def page(
        self,
        meter: str,
        *,
        register: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        status: str | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> list[Shown]:
        """A meter's readings from ``since`` on and before ``until``, oldest first, those behind ``after``."""
        query = _with_photo().where(MeterKey == meter)
        query = query if register is None else query.where(readings.c.register == register)
        query = query if status is None else query.where(readings.c.status == status)
        query = query if since is None else query.where(photos.c.taken_at >= since)
        query = query if until is None else query.where(photos.c.taken_at < until)
        if after is not None:
            time, last = after
            later = sa.and_(photos.c.taken_at == time, readings.c.id > last)
            query = query.where(sa.or_(photos.c.taken_at > time, later))
        query = query.order_by(photos.c.taken_at, readings.c.id).limit(limit)
        with transaction(self._engine, writes=False) as db:
            return [_shown(row) for row in db.execute(query).mappings()]

    def queue(self) -> list[Shown]:
        """What waits for a person: least certain first (in steps of a tenth), then what moves the meter most."""
        earlier, its = readings.alias(), photos.alias()
        last = (
            sa.select(earlier.c.value)
            .join(its, its.c.id == earlier.c.photo_id)
            .where(its.c.meter_id == photos.c.meter_id, earlier.c.register == readings.c.register)
            .where(earlier.c.status.in_(("accepted", "confirmed")), its.c.taken_at <= photos.c.taken_at)
            .order_by(its.c.taken_at.desc(), its.c.id.desc())
            .limit(1)
            .correlate(readings, photos)
            .scalar_subquery()
            .label("last_value")
        )
        query = sa.select(readings, *_OF_PHOTO, last).select_from(readings.join(photos))
        query = query.where(readings.c.status == "review")
        query = query.order_by(readings.c.confidence, readings.c.id).limit(MOST_QUEUED)
        with transaction(self._engine, writes=False) as db:
            rows = db.execute(query).mappings().all()
        return [_shown(row) for row in sorted(rows, key=_rank)]

    def queue_length(self) -> int:
        with transaction(self._engine, writes=False) as db:
            count = sa.select(sa.func.count()).select_from(readings).where(readings.c.status == "review")
            return int(db.execute(count).scalar() or 0)

    def meters(self, sees: str | None, after: str, limit: int) -> list[Meter]:
        query = sa.select(meters.c.record).where(meters.c.id > after).order_by(meters.c.id).limit(limit)
        query = query if sees is None else query.where(meters.c.owner == sees)
        with transaction(self._engine, writes=False) as db:
            return [Meter.from_dict(json.loads(record)) for record in db.execute(query).scalars()]

    def has_meter(self, meter: str) -> bool:
        """Whether there is a meter of that id, as it is kept."""
        with transaction(self._engine, writes=False) as db:
            return db.execute(sa.select(meters.c.id).where(meters.c.id == meter)).first() is not None

    def meters_named(self, name: str) -> list[str]:
        """The ids of everybody's meters of that name; one put there by the command line is nobody's."""
        its = sa.or_(meters.c.id == name, meters.c.id == meters.c.owner + "/" + name)
        with transaction(self._engine, writes=False) as db:
            return list(db.execute(sa.select(meters.c.id).where(its).order_by(meters.c.id)).scalars())

    def give(self, meter: str, owner: str) -> None:
        """Make a meter somebody's."""
        with transaction(self._engine) as db:
            move_meter(db, meter, owner)

    def delete_meter(self, meter: str) -> list[str]:
        """Remove a meter with all that was ever kept of it; returns the photos that nothing names any more."""
        mine = sa.select(photos.c.id).where(photos.c.meter_id == meter)
        its = sa.select(readings.c.id).where(readings.c.photo_id.in_(mine))
        with transaction(self._engine) as db:
            names = set(db.execute(sa.select(photos.c.evidence).where(photos.c.meter_id == meter)).scalars())
            db.execute(decisions.delete().where(decisions.c.reading_id.in_(its)))
            db.execute(readings.delete().where(readings.c.photo_id.in_(mine)))
            db.execute(photos.delete().where(photos.c.meter_id == meter))
            db.execute(meters.delete().where(meters.c.id == meter))
            db.execute(answers.delete().where(answers.c.meter == meter))
            return _unnamed(db, [name for name in names if name])

    def forget_photos(self, received_before: datetime, most: int) -> tuple[int, list[str]]:
        """Take the photos of old readings away, not the readings: how many rows, and which photos nothing names now."""
        old = sa.and_(photos.c.received_at < received_before, photos.c.evidence.is_not(None))
        with transaction(self._engine) as db:
            rows = db.execute(sa.select(photos.c.id, photos.c.evidence).where(old).limit(most)).all()
            db.execute(photos.update().where(photos.c.id.in_([key for key, _ in rows])).values(evidence=None))
            return len(rows), _unnamed(db, list(dict.fromkeys(name for _, name in rows if name)))

    def unnamed(self, names: Iterable[str]) -> list[str]:
        """Those of the names of photos that no row has."""
        with transaction(self._engine, writes=False) as db:
            return _unnamed(db, list(names))


def _unnamed(db: sa.Connection, names: Sequence[str]) -> list[str]:
    gone = []
    for start in range(0, len(names), 200):
        part = names[start : start + 200]
        kept = set(db.execute(sa.select(photos.c.evidence).where(photos.c.evidence.in_(part))).scalars())
        gone += [name for name in part if name not in kept]
    return gone


def _with_photo() -> sa.Select[Any]:
    whole = readings.join(photos).outerjoin(meters, meters.c.id == photos.c.meter_id)
    return sa.select(readings, *_OF_PHOTO).select_from(whole)


def _visible(query: sa.Select[Any], sees: str | None) -> sa.Select[Any]:
    if sees is None:
        return query
    without_meter = sa.and_(photos.c.meter_id.is_(None), photos.c.owner == sees)
    return query.where(sa.or_(meters.c.owner == sees, without_meter))


def _shown(row: Any) -> Shown:
    of_photo = (row[f"photo_{name}"] for name in ("meter_id", "taken_at", "received_at", "evidence"))
    return Shown(stored_reading(row), *of_photo)


def _rank(row: Any) -> tuple[int, float, int]:
    effect = 0.0
    if row["value"] is not None and row["last_value"] is not None:
        effect = abs(float(row["value"]) - float(row["last_value"]))
    return int(row["confidence"] * 10), -effect, row["id"]
