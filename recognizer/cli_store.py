"""What the command line does with a store: reading against it and into it, and replaying it."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter, PastReading
from recognizer.domain.policy import rules_id
from recognizer.domain.reading import Reading, Report
from recognizer.domain.record import GONE, Change, Entry, StoredReading
from recognizer.errors import UsageError
from recognizer.replay import MOST_HISTORY, MOST_LATER, Replayed, replay
from recognizer.store import Store
from recognizer.vision.frame import load_frame

Open = Callable[[Path | None], Any]
"""From a folder of models to a reader with ``observe`` and ``policy``."""
GONE_STATE = {"status": "refused", "text": "", "value": None}
"""What becomes of a reading whose display is none any more; its register, unit and place stay."""


class Keeping:
    """A reader that checks every photo against a store and adds it there."""

    def __init__(
        self, reader: Any, store: Store, meter: Meter | None, taken_at: datetime, plate: bool | None = None
    ) -> None:
        if meter is not None:
            store.put_meter(meter)
        self._reader, self._store, self._meter, self._taken_at, self._plate = reader, store, meter, taken_at, plate

    def read(self, photo: Path, *, source: str) -> Report:
        serials = () if self._meter is None else self._meter.serials
        observation = self._reader.observe(load_frame(photo), expected=serials, plate=self._plate)
        policy = self._reader.policy
        meter_id = None if self._meter is None else self._meter.id
        history: tuple[PastReading, ...] = ()
        if meter_id is not None:
            history = self._store.history(meter_id, until=self._taken_at, most=MOST_HISTORY)
            history += self._store.history(meter_id, since=self._taken_at, most=MOST_LATER)
        now = datetime.now(UTC)
        earlier = self._store.photos(meter_id, like=observation.photo)
        known = Known(self._meter, history, self._taken_at, now, earlier)
        report = conclude(observation, source=source, policy=policy, known=known)
        evidence = str(photo.absolute())
        entry = Entry(observation, report, self._taken_at, now, meter_id, evidence, rules=rules_id(policy))
        added = self._store.add(entry)
        if added.duplicate:
            print(f"meter: {source}: was stored before, as photo {added.photo}; not stored again", file=sys.stderr)
        return report


@contextmanager
def keeping(args: Namespace, known: Known | None, open_reader: Open) -> Iterator[Keeping]:
    """The reader of ``meter read --store``; the store is closed at the end."""
    if args.previous:
        raise UsageError("--store holds the earlier readings: --previous does not go with it")
    taken_at = known.taken_at if known else None
    with Store(args.store) as store:
        reader = open_reader(args.models_dir)
        meter = known.meter if known else None
        yield Keeping(reader, store, meter, taken_at or datetime.now(UTC), True if args.plate else None)


def replay_store(args: Namespace, open_reader: Open) -> int:
    """``meter replay``: one line for every reading that would change, or did with ``--apply``."""
    photos = changed = by_person = 0
    apply_at = datetime.now(UTC) if args.apply else None
    with Store(args.store, create=False) as store:
        if args.meter is not None and store.meter(args.meter) is None:
            raise UsageError(f"there is no meter {args.meter!r} in the store")
        policy = open_reader(args.models_dir).policy
        for done in replay(store, policy, meter_id=args.meter, apply_at=apply_at):
            photos += 1
            changed += len(done.changes)
            by_person += sum(reading.by_person for reading in done.photo.readings)
            for change in done.changes:
                line = _line(done, change, applied=args.apply)
                print(json.dumps(line) if args.json else _sentence(line), flush=True)
    what = "changed" if args.apply else "would change"
    summary = f"{photos} photos replayed: {changed} readings {what}, {by_person} decided by a person stay as they are."
    print(summary, file=sys.stderr if args.json else sys.stdout)
    return 0


def _line(done: Replayed, change: Change, *, applied: bool) -> dict[str, Any]:
    """One changed reading as a JSON object; ``old`` is null for one that was none, a refused one has no value."""
    old, new, photo = change.old, change.new, done.photo
    before = _state(old, old.place) if old else None
    findings = new.findings if new else GONE
    return {
        "reading": old.id if old else None,
        "photo": photo.id,
        "meter": photo.meter,
        "taken_at": photo.taken_at.isoformat(),
        "evidence": photo.evidence,
        "old": before,
        "new": _state(new, change.place) if new else (before or {}) | GONE_STATE,
        "findings": [finding.to_dict() for finding in findings],
        "applied": applied,
    }


def _state(reading: Reading | StoredReading, place: int) -> dict[str, Any]:
    value = None if reading.value is None else format(reading.value, "f")
    what = {"status": reading.status, "register": reading.register, "unit": reading.unit, "text": reading.text}
    return what | {"value": value, "billed": place == 0}


def _sentence(line: dict[str, Any]) -> str:
    """``meter 17, 2026-10-01 09:30, photo 3, /photos/a.jpg: review 00123.4 -> accepted 00123.4 (reasons)``."""
    meter = "no meter" if line["meter"] is None else f"meter {line['meter']}"
    where = f"{meter}, {line['taken_at'][:16].replace('T', ' ')}, photo {line['photo']}, {line['evidence']}"
    before, after = (_words(state, line[other]) for state, other in ((line["old"], "new"), (line["new"], "old")))
    why = "; ".join(dict.fromkeys(finding["message"] for finding in line["findings"]))
    return f"{where}: {before} -> {after}" + (f" ({why})" if why else "")


def _words(state: dict[str, Any] | None, other: dict[str, Any] | None) -> str:
    """A state in a few words; register, unit and place only where the other state has others."""
    if state is None:
        return "none"
    other = other or state
    words = [state["status"], state["text"]]
    words += [str(state[key]) for key in ("register", "unit") if state[key] != other[key]]
    words += ["billed" if state["billed"] else "not billed"] if state["billed"] != other["billed"] else []
    return " ".join(word for word in words if word)
