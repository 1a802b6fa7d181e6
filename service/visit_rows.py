"""Visits in the database: what survives a restart. A visit has one row, and one more for every frame that was read.

The rows of frames hold observations, so that a visit is taken up again by replaying them: its report depends on what
was seen when, and on nothing else.
"""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Table

from recognizer.domain.observation import Observation
from recognizer.store_schema import UtcTime, told

State = Literal["open", "finished", "expired"]

metadata = sa.MetaData()
visits = Table(
    "service_visits",
    metadata,
    Column("id", sa.Text, primary_key=True),
    Column("owner", sa.Text, nullable=False),
    Column("meter", sa.Text),
    Column("asked", sa.Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("touched_at", UtcTime, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("counts", sa.Text, nullable=False),
    Column("shown", sa.Text, nullable=False),
    Column("answer", sa.Text),
)
Index("service_visits_open", visits.c.state, visits.c.touched_at)
frames = Table(
    "service_visit_frames",
    metadata,
    Column("visit_id", ForeignKey("service_visits.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", sa.Text, primary_key=True),
    Column("at", sa.Float, nullable=False),
    Column("observation", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the frames of a visit."""

    read: int = 0
    dropped: int = 0
    """Newer ones came before these could be read."""
    repeated: int = 0
    """The same bytes again: no second look."""
    unreadable: int = 0
    bytes: int = 0
    """Of the frames that were read."""


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit as it is kept. ``shown`` is what was last told of it, ``answer`` what finishing it answered."""

    id: str
    owner: str
    """The key that opened it."""
    meter: str | None
    wanted: tuple[str, ...] | None
    expected: tuple[str, ...]
    """Serials, one of which the meter should bear."""
    opened_at: datetime
    touched_at: datetime
    state: State = "open"
    counts: Counts = Counts()
    shown: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FrameRow:
    """A frame that was read ``at`` seconds into its visit; ``sha256`` is that of the photo's bytes."""

    sha256: str
    at: float
    observation: Observation


class VisitRows:
    """The rows of all visits. Every method is one transaction; raises StoreError when the database does not work."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def open(self, row: VisitRow, *, most: int, most_of_owner: int) -> bool:
        """Keep a new visit, unless so many are open already."""
        with self._db() as db:
            if db.dialect.name != "sqlite":
                # Counting and adding is one step: nobody else adds in between.
                db.execute(sa.text("LOCK TABLE service_visits IN SHARE ROW EXCLUSIVE MODE"))
            count = sa.select(sa.func.count()).select_from(visits).where(visits.c.state == "open")
            if (db.execute(count).scalar() or 0) >= most:
                return False
            if (db.execute(count.where(visits.c.owner == row.owner)).scalar() or 0) >= most_of_owner:
                return False
            asked = json.dumps({"wanted": row.wanted, "expected": row.expected})
            db.execute(visits.insert().values({"id": row.id, "owner": row.owner, "asked": asked} | _now(row)))
        return True

    def get(self, visit_id: str) -> VisitRow | None:
        with self._db(writes=False) as db:
            row = db.execute(sa.select(visits).where(visits.c.id == visit_id)).mappings().first()
        if row is None:
            return None
        asked = json.loads(row["asked"])
        return VisitRow(
            wanted=None if asked["wanted"] is None else tuple(asked["wanted"]),
            expected=tuple(asked["expected"]),
            counts=Counts(**json.loads(row["counts"])),
            shown=json.loads(row["shown"]),
            answer=None if row["answer"] is None else json.loads(row["answer"]),
            **{key: row[key] for key in ("id", "owner", "meter", "opened_at", "touched_at", "state")},
        )

    def frames(self, visit_id: str) -> Iterator[FrameRow]:
        """The frames of a visit that were read, by time."""
        query = sa.select(frames).where(frames.c.visit_id == visit_id).order_by(frames.c.at, frames.c.sha256)
        with self._db(writes=False) as db:
            for row in db.execute(query).mappings():
                seen = Observation.from_dict(json.loads(zlib.decompress(row["observation"])))
                yield FrameRow(row["sha256"], row["at"], seen)

    def observation(self, visit_id: str, sha256: str) -> Observation | None:
        query = sa.select(frames.c.observation)
        query = query.where(frames.c.visit_id == visit_id, frames.c.sha256 == sha256)
        with self._db(writes=False) as db:
            kept = db.execute(query).scalar()
        return None if kept is None else Observation.from_dict(json.loads(zlib.decompress(kept)))

    def save(self, row: VisitRow, frame: FrameRow | None = None) -> None:
        """Keep how the visit stands and the frame that made it so; once it is no longer open its frames go."""
        with self._db() as db:
            db.execute(visits.update().where(visits.c.id == row.id).values(_now(row)))
            if row.state != "open":
                db.execute(frames.delete().where(frames.c.visit_id == row.id))
            elif frame is not None:
                packed = zlib.compress(json.dumps(frame.observation.to_dict()).encode(), 1)
                kept = {"visit_id": row.id, "sha256": frame.sha256, "at": frame.at, "observation": packed}
                db.execute(frames.insert().values(kept))

    def idle(self, before: datetime, opened_before: datetime) -> list[str]:
        """Open visits of which nothing was heard since, or that were opened too long ago."""
        late = sa.or_(visits.c.touched_at < before, visits.c.opened_at < opened_before)
        with self._db(writes=False) as db:
            return list(db.execute(sa.select(visits.c.id).where(visits.c.state == "open", late)).scalars())

    def count_open(self) -> int:
        with self._db(writes=False) as db:
            count = sa.select(sa.func.count()).select_from(visits).where(visits.c.state == "open")
            return int(db.execute(count).scalar() or 0)

    def forget(self, before: datetime) -> None:
        """Remove the visits that ended before then; the readings they gave are kept elsewhere."""
        with self._db() as db:
            db.execute(visits.delete().where(visits.c.state != "open", visits.c.touched_at < before))

    def forget_meter(self, meter: str) -> None:
        """Remove every visit to a meter whose data is to go."""
        with self._db() as db:
            db.execute(visits.delete().where(visits.c.meter == meter))

    @contextmanager
    def _db(self, *, writes: bool = True) -> Iterator[sa.Connection]:
        with told("visits"), self._engine.execution_options(writes=writes).begin() as db:
            yield db


def _now(row: VisitRow) -> dict[str, Any]:
    counts = {name: getattr(row.counts, name) for name in Counts.__slots__}
    return {
        "meter": row.meter,
        "opened_at": row.opened_at,
        "touched_at": row.touched_at,
        "state": row.state,
        "counts": json.dumps(counts),
        "shown": json.dumps(row.shown),
        "answer": None if row.answer is None else json.dumps(row.answer),
    }
