"""What was read, kept: meters, photos with their observation, readings, and every decision about them.

A SQLite file, or PostgreSQL by URL. Any number of threads may share a Store and any number of processes open the same
one; a process opens its own and does not hand it to its children. Values are kept as text, times in UTC. Nothing is
ever overwritten but what holds now: the first conclusion stays, and every decision has a line of its own.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from recognizer.domain.meter import Meter, PastReading
from recognizer.domain.observation import Observation
from recognizer.domain.photo_print import PastPhoto, PhotoPrint
from recognizer.domain.reading import Reading, Report
from recognizer.domain.record import (
    GONE,
    Added,
    Change,
    Decision,
    Entry,
    StoredPhoto,
    StoredReading,
    compare,
    past_readings,
    reasons,
)
from recognizer.errors import UsageError
from recognizer.store_rows import (
    bands,
    clean,
    decision_row,
    findings_json,
    photo_row,
    print_of,
    reading_row,
    stored_decision,
    stored_reading,
)
from recognizer.store_schema import (
    MeterKey,
    OwnerKey,
    UtcTime,
    decisions,
    meters,
    open_database,
    photos,
    readings,
    told,
)

LIGHT = [column for column in photos.c if column.name != "observation"]
"""A photo's columns without the large one."""
PAGE = 200
_DISPLAYED = re.compile(r"[0-9]+(\.[0-9]+)?")
UNSEEN = Observation(0, 0, 0.0)
PRINTS = [photos.c[name] for name in ("id", "meter_id", "taken_at", "sha256", "phash", "camera_time")]
MOST_PHOTOS = 200
"""Earlier photos of a meter that a new one is compared with: the latest; the same file is found however old it is."""


class Store:
    """The store at a path or URL; made there when ``create`` and there is nothing yet. Close it, or use ``with``.

    Raises UsageError for a place that cannot be one, InputError for another program's or a newer database, and, as
    every method, StoreError when the database does not work now.
    """

    def __init__(self, place: str | Path, *, create: bool = True) -> None:
        self._engine = open_database(place, create=create)
        url = self._engine.url
        self._name = url.render_as_string(hide_password=True) if url.host else str(url.database)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    def put_meter(self, meter: Meter, *, owner: str | None = None) -> None:
        """Keep a meter's record; one under the same id is replaced, and stays its ``owner``'s: the first one's."""
        if not meter.id or meter.id != clean(meter.id):
            raise UsageError(f"a meter's id is some text, got {meter.id!r}")
        record = json.dumps(asdict(meter), default=str)
        with self._db(writes=True) as db:
            # In one statement, since two may put the same meter at once.
            if self._engine.dialect.name == "sqlite":
                from sqlalchemy.dialects.sqlite import insert
            else:
                from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
            put = insert(meters).values(id=meter.id, record=record, owner=owner)
            db.execute(put.on_conflict_do_update(index_elements=["id"], set_={"record": record}))

    def meter(self, meter_id: str) -> Meter | None:
        """The record under that id."""
        with self._db() as db:
            record = db.execute(sa.select(meters.c.record).where(meters.c.id == meter_id)).scalar()
        return None if record is None else Meter.from_dict(json.loads(record))

    def add(self, entry: Entry) -> Added:
        """Keep a photo that was read, with its readings. The same file for the same meter is kept once.

        Raises UsageError when the meter is not known here: ``put_meter`` comes first.
        """
        try:
            with self._db(writes=True) as db:
                photo = _insert(db, photos, photo_row(entry))
                ids = tuple(
                    _insert_reading(db, photo, place, reading, entry.received_at, entry.who, "", entry.rules)
                    for place, reading in enumerate(entry.report.readings)
                )
                return Added(photo, ids)
        except sa.exc.IntegrityError as error:
            # The index over meter and checksum, whoever was quicker; or there is no such meter.
            with self._db() as db:
                if earlier := _find_same(db, entry):
                    return earlier
            raise UsageError(f"there is no meter {entry.meter!r} in the store; put its record first") from error

    def correct(
        self,
        reading_id: int,
        value: Decimal | None,
        status: Literal["confirmed", "review", "rejected"],
        who: str,
        when: datetime,
        why: str = "",
        *,
        text: str | None = None,
    ) -> None:
        """A person's decision on a reading, with the right ``value`` if it was another. The original stays.

        ``text`` is that value as it is displayed, with its leading zeros.

        Raises UsageError when there is no such reading, or nothing that could be confirmed.
        """
        if status not in ("confirmed", "review", "rejected"):
            raise UsageError(f"a person confirms, rejects, or leaves for review, not {status!r}")
        if not who or when.tzinfo is None:
            raise UsageError("a decision needs a name and a time with its zone")
        if value is not None and (not value.is_finite() or value < 0 or value.adjusted() > 12 or status == "rejected"):
            raise UsageError(f"a corrected value is a number from 0 on, and a rejected reading has none: {value}")
        if text is not None and (not _DISPLAYED.fullmatch(text) or value is None or Decimal(text) != value):
            raise UsageError(f"the text {text!r} is not the value {value} as a meter displays it")
        with self._db(writes=True) as db:
            row = (
                db.execute(sa.select(readings).where(readings.c.id == reading_id).with_for_update()).mappings().first()
            )
            if row is None:
                raise UsageError(f"there is no reading {reading_id} in the store")
            if text is None:
                text = row["text"] if value is None else format(value, "f")
            if status != "rejected" and not text:
                raise UsageError(f"reading {reading_id} was refused and has no value: give the right one, or reject it")
            now = {
                "text": text,
                "value": row["value"] if value is None else format(value, "f"),
                "status": status,
                "by_person": True,
            }
            db.execute(readings.update().where(readings.c.id == reading_id).values(now))
            _insert(db, decisions, now | decision_row(reading_id, when, who, why, ""))

    def redecide(
        self, photo_id: int, report: Report, *, who: str, when: datetime, why: str = "", rules: str = ""
    ) -> tuple[Change, ...]:
        """A new report on a stored observation: the changes made. What a person decided stays as it is."""
        with self._db(writes=True) as db:
            locked = sa.select(readings).where(readings.c.photo_id == photo_id).order_by(readings.c.id)
            stored = [stored_reading(row) for row in db.execute(locked.with_for_update()).mappings()]
            changes = compare(stored, report)
            for change in changes:
                if change.old is None:
                    assert change.new is not None
                    _insert_reading(db, photo_id, change.place, change.new, when, who, why, rules)
                    continue
                now = reading_row(change.new)
                cause = why or reasons(change.new.findings if change.new else GONE)
                db.execute(
                    readings.update().where(readings.c.id == change.old.id).values(now | {"place": change.place})
                )
                kept = {key: now[key] for key in ("status", "text", "value")}
                _insert(
                    db, decisions, kept | {"by_person": False} | decision_row(change.old.id, when, who, cause, rules)
                )
            concluded = {"status": report.status, "findings": findings_json(report.findings)}
            db.execute(photos.update().where(photos.c.id == photo_id).values(concluded))
        return changes

    def reading(self, reading_id: int) -> StoredReading | None:
        with self._db() as db:
            row = db.execute(sa.select(readings).where(readings.c.id == reading_id)).mappings().first()
        return None if row is None else stored_reading(row)

    def decisions(self, reading_id: int) -> tuple[Decision, ...]:
        """Everything that was decided about a reading, oldest first."""
        query = sa.select(decisions).where(decisions.c.reading_id == reading_id).order_by(decisions.c.id)
        with self._db() as db:
            rows = db.execute(query).mappings().all()
        return tuple(stored_decision(row) for row in rows)

    def history(
        self,
        meter_id: str,
        register: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        most: int | None = None,
        before: int | None = None,
    ) -> tuple[PastReading, ...]:
        """A meter's readings that have a value, as corrected, oldest first; at most one of a register in a photo.

        Only those taken after ``since``, not after ``until``, and added before the photo of the id ``before``. With
        ``most`` those of so many photos: the first after ``since``, otherwise the last.
        """
        query = sa.select(*LIGHT).where(MeterKey == meter_id)
        query = query if since is None else query.where(photos.c.taken_at > since)
        query = query if until is None else query.where(photos.c.taken_at <= until)
        query = query if before is None else query.where(photos.c.id < before)
        order = [photos.c.taken_at, photos.c.id]
        backwards = since is None
        query = query.order_by(*(column.desc() if backwards else column for column in order)).limit(most)
        with self._db() as db:
            rows = list(db.execute(query).mappings())
            found = _with_readings(db, rows[::-1] if backwards else rows)
        past = (reading for photo in found for reading in past_readings(photo))
        return tuple(reading for reading in past if register is None or reading.register == register)

    def photos(
        self, meter_id: str | None = None, *, like: PhotoPrint | None = None, before: int | None = None
    ) -> tuple[PastPhoto, ...]:
        """Earlier photos: the latest of a meter, and of every meter those that may be ``like`` this one, oldest first.

        Of all meters the same file is always found, a similar one where its perceptual hash differs by up to 3 bits,
        and mostly where it differs by more. ``before`` leaves out the photo of that id and those added after it.
        """
        wanted = [MeterKey == meter_id] if meter_id is not None else []
        wanted += [photos.c.sha256 == like.sha256] if like and like.sha256 else []
        if like and like.phash:
            wanted += [photos.c[name] == part for name, part in bands(like.phash).items()]
        found: dict[int, sa.RowMapping] = {}
        values: dict[int, list[tuple[str, Decimal]]] = {}
        with self._db() as db:
            for condition in wanted:
                order = (photos.c.taken_at.desc(), photos.c.id.desc())
                query = sa.select(*PRINTS).where(condition).order_by(*order).limit(MOST_PHOTOS)
                query = query if before is None else query.where(photos.c.id < before)
                found.update((row["id"], row) for row in db.execute(query).mappings())
            for part in _parts(found):
                read = sa.select(readings.c.photo_id, readings.c.register, readings.c.value)
                read = read.where(readings.c.photo_id.in_(part), readings.c.value.is_not(None))
                for photo, register, value in db.execute(read.order_by(readings.c.place)):
                    values.setdefault(photo, []).append((register, Decimal(value)))
        return tuple(
            PastPhoto(print_of(row), row["taken_at"], row["meter_id"], tuple(values.get(key, ())))
            for key, row in sorted(found.items())
        )

    def observations(self, meter_id: str | None = None, *, page: int = PAGE) -> Iterator[StoredPhoto]:
        """All stored photos, or a meter's, by meter and then by time. No transaction stays open meanwhile."""
        order = sa.tuple_(MeterKey, photos.c.taken_at, photos.c.id)
        query = sa.select(photos).order_by(MeterKey, photos.c.taken_at, photos.c.id).limit(page)
        if meter_id is not None:
            query = query.where(MeterKey == meter_id)
        after: StoredPhoto | None = None
        while True:
            rest = query
            if after is not None:
                last = (sa.literal(after.meter or ""), sa.literal(after.taken_at, UtcTime), sa.literal(after.id))
                rest = query.where(order > sa.tuple_(*last))
            with self._db() as db:
                found = _with_readings(db, list(db.execute(rest).mappings()))
            yield from found
            if len(found) < page:
                return
            after = found[-1]

    @contextmanager
    def _db(self, *, writes: bool = False) -> Iterator[sa.Connection]:
        """A transaction; IntegrityError passes through, for ``add`` to look into."""
        with told(self._name), self._engine.execution_options(writes=writes).begin() as db:
            yield db


def _find_same(db: sa.Connection, entry: Entry) -> Added | None:
    photo = entry.observation.photo
    if photo is None or photo.sha256 is None:
        return None
    whose = MeterKey == (entry.meter or ""), OwnerKey == (entry.owner or "")
    same = sa.select(photos.c.id).where(*whose, photos.c.sha256 == photo.sha256)
    photo_id = db.execute(same).scalar()
    if photo_id is None:
        return None
    ids = db.execute(sa.select(readings.c.id).where(readings.c.photo_id == photo_id).order_by(readings.c.place))
    return Added(photo_id, tuple(ids.scalars()), duplicate=True)


def _insert_reading(
    db: sa.Connection, photo: int, place: int, reading: Reading, when: datetime, who: str, why: str, rules: str
) -> int:
    now = reading_row(reading)
    kept = {key: now[key] for key in ("status", "text", "value")}
    original = {f"original_{key}": value for key, value in kept.items()}
    box = json.dumps(reading.box)
    reading_id = _insert(db, readings, now | original | {"photo_id": photo, "place": place, "box": box})
    cause = why or reasons(reading.findings)
    _insert(db, decisions, kept | {"by_person": False} | decision_row(reading_id, when, who, cause, rules))
    return reading_id


def _insert(db: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    key = db.execute(table.insert().values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _parts(ids: Iterable[int]) -> Iterator[list[int]]:
    """SQLite takes no more than some thousand values in one statement.

    Filled up with the last one to 1, 2, 4, 8 … values, since every length is another statement, of which a connection
    keeps 128: after 1,000 uploads to 12 meters SQLite held 16 MB in 15 connections, filled up 4 MB. Connections that
    came and went left holes of that size: over 2,000 uploads a service grew from 119 to 154 MB, now to 129 MB.
    """
    whole = list(ids)
    for start in range(0, len(whole), PAGE):
        part = whole[start : start + PAGE]
        yield part + part[-1:] * ((1 << (len(part) - 1).bit_length()) - len(part))


def _with_readings(db: sa.Connection, rows: Sequence[Any]) -> list[StoredPhoto]:
    """The photos of these rows with their readings; the observation stays empty where the rows are ``LIGHT``."""
    of_photo: dict[int, list[StoredReading]] = {row["id"]: [] for row in rows}
    for part in _parts(of_photo):
        query = sa.select(readings).where(readings.c.photo_id.in_(part)).order_by(readings.c.place, readings.c.id)
        for row in db.execute(query).mappings():
            of_photo[row["photo_id"]].append(stored_reading(row))
    return [
        StoredPhoto(
            id=row["id"],
            meter=row["meter_id"],
            taken_at=row["taken_at"],
            received_at=row["received_at"],
            evidence=row["evidence"],
            observation=Observation.from_dict(json.loads(row["observation"])) if "observation" in row else UNSEEN,
            readings=tuple(of_photo[row["id"]]),
        )
        for row in rows
    ]
