"""A changed rule over what is stored: every observation concluded anew, each against what was known before it.

No vision runs, and no photo is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter, PastReading
from recognizer.domain.policy import Policy, rules_id
from recognizer.domain.reading import Report
from recognizer.domain.record import Change, StoredPhoto, StoredReading, compare, past_readings
from recognizer.store import Store

MOST_HISTORY, MOST_LATER = 200, 20
"""Earlier and later readings that one is concluded against: more never matter, and a camera takes thousands."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One stored photo, and what the present rules make of it."""

    photo: StoredPhoto
    report: Report
    changes: tuple[Change, ...]


def replay(
    store: Store, policy: Policy, *, meter_id: str | None = None, apply_at: datetime | None = None
) -> Iterator[Replayed]:
    """Conclude all stored observations, or one meter's, in order of time, and say what would change.

    Each is measured against the present record of its meter and against the readings of an earlier time as they come
    out of this very replay, or as a person decided them; and against those of a later time, and the photos, that had
    been handed in before it, as they are stored. With ``apply_at`` the changes are kept as decisions of that time;
    what a person decided stays as it is.
    """
    meter: Meter | None = None
    history: list[PastReading] = []
    for photo in store.observations(meter_id):
        if photo.meter is None or meter is None or photo.meter != meter.id:
            meter = store.meter(photo.meter) if photo.meter is not None else None
            history = []
        earlier = store.photos(photo.meter, like=photo.observation.photo, before=photo.id)
        later = (
            store.history(photo.meter, since=photo.taken_at, most=MOST_LATER, before=photo.id) if photo.meter else ()
        )
        known = Known(meter, (*history, *later), photo.taken_at, photo.received_at, earlier)
        report = conclude(photo.observation, source=photo.evidence or "", policy=policy, known=known)
        if apply_at is None:
            changes = compare(photo.readings, report)
        else:
            changes = store.redecide(photo.id, report, who="replay", when=apply_at, rules=rules_id(policy))
        if photo.meter is not None:
            history += past_readings(_replayed(photo, changes))
            del history[:-MOST_HISTORY]
        yield Replayed(photo, report, changes)


def _replayed(photo: StoredPhoto, changes: tuple[Change, ...]) -> StoredPhoto:
    """The photo with its readings as they are concluded now."""
    readings = {reading.id: reading for reading in photo.readings}
    for number, change in enumerate(changes, 1):
        if change.new is None:
            assert change.old is not None
            del readings[change.old.id]
            continue
        new = change.new
        readings[change.old.id if change.old else -number] = StoredReading(
            id=0,
            photo=photo.id,
            place=change.place,
            box=new.box,
            original_text=new.text,
            original_value=new.value,
            original_status=new.status,
            register=new.register,
            unit=new.unit,
            text=new.text,
            value=new.value,
            status=new.status,
            confidence=new.confidence,
        )
    return replace(photo, readings=tuple(readings.values()))
