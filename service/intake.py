"""From uploaded photos to stored readings and an answer. Knows no HTTP."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import Any, Protocol, cast

from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter, PastReading
from recognizer.domain.observation import Observation
from recognizer.domain.photo_print import PastPhoto, PhotoPrint
from recognizer.domain.policy import Policy, rules_id
from recognizer.domain.reading import Reading, Report, Status
from recognizer.domain.record import Added, Entry, StoredPhoto
from recognizer.domain.visit import Visit
from recognizer.errors import UsageError
from recognizer.replay import MOST_HISTORY, MOST_LATER
from recognizer.store import Store
from recognizer.vision.frame import Frame, Limits, load_frame
from service.answers import combined
from service.meter_ids import name_of
from service.metrics import Metrics
from service.photos import Photos
from service.pool import Pool
from service.records import Records

_AS_DRAWN: dict[str, Status] = {"confirmed": "accepted", "rejected": "refused"}


class Reader(Protocol):
    """What the service takes of a MeterReader."""

    @property
    def policy(self) -> Policy: ...

    def observe(self, frame: Frame, *, expected: Sequence[str] = (), plate: bool | None = None) -> Observation: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What came with an upload."""

    owner: str
    meter: str | None = None
    """Its id as it is kept (``service.meter_ids``)."""
    serials: tuple[str, ...] = ()
    want: tuple[str, ...] = ()
    taken_at: datetime | None = None
    previous: tuple[PastReading, ...] = ()


class Intake:
    """Reads, concludes, keeps, answers; for any number of threads."""

    def __init__(
        self,
        reader: Reader,
        store: Store,
        records: Records,
        photos: Photos,
        pool: Pool,
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        self.reader, self.store, self.records, self.photos, self.pool = reader, store, records, photos, pool
        self._limits, self._metrics = limits, metrics
        self._writing = Lock()
        self._heard: list[Callable[[int], None]] = []

    def listen(self, heard: Callable[[int], None]) -> None:
        """Have ``heard`` called with the id of every reading that was accepted or decided by a person, once kept."""
        self._heard.append(heard)

    def observe(self, data: bytes, expected: Sequence[str], plate: bool | None) -> Observation:
        """What is seen in a photo's bytes, from one of the workers. InputError, or Problem 503 where all are busy."""

        def look() -> Observation:
            with self._metrics.inference.time():
                return self.reader.observe(load_frame(data, limits=self._limits), expected=expected, plate=plate)

        return self.pool.run(look)

    def take(self, photos: Sequence[tuple[str, bytes]], asked: Asked) -> dict[str, Any]:
        """Read the (name, bytes) photos of one look at a meter, keep each; answers with the best of each register."""
        self.ensure_meter(asked.meter, asked.owner)
        known = self.known(asked)
        parts = []
        for name, data in photos:
            there = self.records.same(asked.meter, _owner(asked), sha256(data).hexdigest())
            if there is not None:
                parts.append(self._again(there, name))
                continue
            serials = known.meter.serials if known.meter else ()
            observation = self.observe(data, serials, None)
            like = self.store.photos(asked.meter, like=observation.photo)
            others = tuple(_as_known(past, asked.meter) for past in like)
            report = conclude(observation, source=name, policy=self.reader.policy, known=replace(known, photos=others))
            added = self.keep(data, observation, report, asked, known.taken_at or datetime.now(UTC))
            parts.append(
                self._again(added.photo, name)
                if added.duplicate
                else (report.to_dict(), added.photo, added.readings, False)
            )
        return combined(parts, asked.want)

    def take_video(self, frames: Sequence[tuple[bytes, float]], name: str, asked: Asked) -> dict[str, Any]:
        """Fold the (photo, seconds) frames of a clip into one visit; kept are those that show its readings best."""
        self.ensure_meter(asked.meter, asked.owner)
        known = self.known(asked)
        visit = Visit(source=name, wanted=asked.want or None, policy=self.reader.policy, known=known)
        seen: dict[float, tuple[bytes, Observation]] = {}
        serials = known.meter.serials if known.meter else ()
        for data, at in frames:
            seen[at] = data, self.observe(data, serials, None if not seen else False)
            visit.offer(seen[at][1], at)
        report = visit.report
        by_frame: dict[float, list[Reading]] = {}
        for reading in report.readings:
            by_frame.setdefault(visit.evidence[reading.register], []).append(reading)
        if not by_frame:
            by_frame[max(seen, key=lambda at: seen[at][1].sharpness)] = []
        begin, parts = known.taken_at or datetime.now(UTC), []
        for at, readings in sorted(by_frame.items()):
            data, observation = seen[at]
            status = readings[0].status if readings else report.status
            part = replace(report, status=status, readings=tuple(readings), missing=None)
            added = self.keep(data, observation, part, asked, begin)
            parts.append(
                self._again(added.photo, name)
                if added.duplicate
                else (part.to_dict(), added.photo, added.readings, False)
            )
        return combined(parts, asked.want)

    def keep(self, data: bytes, observation: Observation, report: Report, asked: Asked, taken_at: datetime) -> Added:
        """Keep a photo and what was concluded of it. The photo lasts before any row names it."""
        # By its bytes the photo is known again when it is sent again, whatever the reader noted.
        photo = replace(observation.photo or PhotoPrint(), sha256=sha256(data).hexdigest())
        observation = replace(observation, photo=photo)
        with self._writing:
            entry = Entry(
                observation,
                report,
                taken_at,
                datetime.now(UTC),
                asked.meter,
                self.photos.put(data),
                rules=rules_id(self.reader.policy),
                owner=_owner(asked),
            )
            added = self.store.add(entry)
        if not added.duplicate:
            self._metrics.concluded([report])
            for reading, key in zip(report.readings, added.readings, strict=True):
                if reading.status == "accepted":
                    self.tell(key)
        return added

    def tell(self, reading_id: int) -> None:
        for heard in self._heard:
            heard(reading_id)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While photos are taken away nothing is kept: the same photo may be coming in for another meter."""
        with self._writing:
            yield

    def ensure_meter(self, meter: str | None, owner: str) -> None:
        """A meter that is new becomes the sender's."""
        if meter is not None and not self.records.has_meter(meter):
            self.store.put_meter(Meter(meter), owner=owner)

    def known(self, asked: Asked, *, before: int | None = None) -> Known:
        """What is known besides the photo; ``before`` is the id of the photo that it was known before."""
        now = datetime.now(UTC)
        taken_at = asked.taken_at or now
        meter = self.store.meter(asked.meter) if asked.meter is not None else None
        if meter is not None or asked.serials:
            # By its name, which is what messages tell.
            meter = replace(meter or Meter(""), id=name_of(asked.meter) or "")
        if meter is not None and asked.serials:
            meter = replace(meter, serials=asked.serials)
        history = asked.previous
        if asked.meter is not None:
            history += self.store.history(asked.meter, until=taken_at, most=MOST_HISTORY, before=before)
            history += self.store.history(asked.meter, since=taken_at, most=MOST_LATER, before=before)
        return Known(meter, history, taken_at, now)

    def concluded(self, photo: StoredPhoto, source: str = "") -> Report:
        """What the rules make of a stored photo by what was known before it: for what is not stored, the candidates."""
        asked = Asked("", photo.meter, taken_at=photo.taken_at)
        known = self.known(asked, before=photo.id)
        return conclude(photo.observation, source=source, policy=self.reader.policy, known=known)

    def as_stored(self, photo: StoredPhoto) -> Report:
        """A report for drawing: the readings as they hold now."""
        readings = tuple(
            Reading(
                register=r.register,
                unit=r.unit,
                text=r.text,
                confidence=r.confidence,
                status=_AS_DRAWN.get(r.status, cast("Status", r.status)),
                box=r.box,
                kind="",
                findings=() if r.by_person else r.findings,
            )
            for r in photo.readings
        )
        return Report("", readings[0].status if readings else "refused", readings)

    def _again(self, photo_id: int, name: str) -> tuple[dict[str, Any], int, Sequence[int], bool]:
        """The report on a photo that was there before, with its readings as they hold now."""
        found = self.records.photo(photo_id, None)
        if found is None:
            raise UsageError("the photo was deleted at the same time; send it again")
        photo, whole = found
        report = self.concluded(photo, name).to_dict()
        fresh = {_box(reading["box"]): reading for reading in report["readings"]}
        readings = []
        for r in photo.readings:
            box = [[round(x, 1), round(y, 1)] for x, y in r.box]
            now = {
                "register": r.register,
                "unit": r.unit,
                "text": r.text,
                "value": None if r.value is None else format(r.value, "f"),
                "confidence": round(r.confidence, 4),
                "status": r.status,
                "findings": [f.to_dict() for f in r.findings],
                "box": box,
            }
            readings.append({"kind": None, "candidates": []} | fresh.get(_box(box), {}) | now)
        return report | whole | {"readings": readings}, photo_id, [r.id for r in photo.readings], True


def _as_known(past: PastPhoto, meter: str | None) -> PastPhoto:
    """A photo of this very meter bears its name, as its record does; one of another keeps an id that is no name."""
    if past.meter is None:
        return past
    return replace(past, meter=name_of(meter) if past.meter == meter else f"/{past.meter}")


def _owner(asked: Asked) -> str | None:
    return asked.owner if asked.meter is None else None


def _box(box: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(value for corner in box for value in corner)
