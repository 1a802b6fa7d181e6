"""What is told of a visit: as it stands, as it was kept, and where things are in the frame that was read last."""

from typing import Any

from recognizer.domain.look import Seen
from recognizer.domain.observation import Observation
from recognizer.domain.visit import Visit
from service.meter_ids import name_of
from service.visit_rows import VisitRow

Last = tuple[Observation, list[Seen]]
"""A frame and what its displays read as."""


def shown_of(visit: Visit, *, interrupted: bool) -> dict[str, Any]:
    """What is told of a running visit, and kept of it."""
    report = visit.report
    captured = [
        {
            "register": reading.register,
            "text": reading.text,
            "unit": reading.unit,
            "confidence": round(reading.confidence, 4),
            "status": reading.status,
        }
        for reading in report.readings
    ]
    return {
        "want": list(visit.wanted),
        "captured": captured,
        "missing": list(visit.missing),
        "done": visit.done,
        "report": report.to_dict(),
        "interrupted": interrupted,
    }


def state_of(shown: dict[str, Any]) -> list[tuple[str, ...]]:
    """Of what is shown all that is worth keeping when it changes."""
    return [(c["register"], c["text"], c["status"]) for c in shown["captured"]]


def told_of(row: VisitRow) -> dict[str, Any]:
    """A visit as it is kept, for an answer."""
    counts = {name: getattr(row.counts, name) for name in ("read", "dropped", "repeated", "unreadable")}
    return {"id": row.id, "state": row.state, "meter": name_of(row.meter)} | (row.shown or {}) | {"frames": counts}


def last_of(last: Last | None) -> dict[str, Any] | None:
    """What stands where in the frame that was read last, for drawing over the picture."""
    if last is None:
        return None
    observation, seen = last
    readings = [
        {"box": one.reading.to_dict()["box"], "text": one.reading.text, "register": one.screen.register}
        for one in seen
        if one.reading.status != "refused"
    ]
    return {"width": observation.width, "height": observation.height, "readings": readings}
