"""What the service answers, as JSON: stored readings, reports of uploads, and advice."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from recognizer.domain.record import Decision
from service.meter_ids import split
from service.records import Shown

ADVICE = {
    "closer": "Go closer, so that the display fills the picture.",
    "glare": "There is glare or blur: tilt the phone a little and hold it still.",
    "wait": "Wait until the display shows the other registers, and take another photo: {missing}.",
    "wrong_meter": "This is another meter than the expected one.",
    "same_photo": "This photo was handed in before: take a new one.",
}
_OF_FINDING = {
    "no_meter": "closer",
    "too_few_digits": "closer",
    "larger_display_unread": "glare",
    "not_legible": "glare",
    "low_confidence": "glare",
    "wrong_meter": "wrong_meter",
    "photo_reused": "same_photo",
}
COLUMNS = ("id", "meter", "register", "unit", "text", "value", "confidence", "status", "taken_at", "received_at")


def decimal(value: Any) -> str | None:
    return None if value is None else format(value, "f")


def time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def reading_json(shown: Shown, decisions: Sequence[Decision] | None = None) -> dict[str, Any]:
    """A stored reading; ``decisions`` are told where it is asked for by itself, ``owner`` is whose its meter is."""
    r, (owner, meter) = shown.reading, split(shown.meter)
    base = f"/v1/readings/{r.id}"
    return {
        "id": str(r.id),
        "photo_id": str(r.photo),
        "meter": meter,
        "owner": owner,
        "register": r.register,
        "unit": r.unit,
        "text": r.text,
        "value": decimal(r.value),
        "confidence": round(r.confidence, 4),
        "status": r.status,
        "by_person": r.by_person,
        "findings": [f.to_dict() for f in r.findings],
        "box": [[round(x, 1), round(y, 1)] for x, y in r.box],
        "taken_at": time(shown.taken_at),
        "received_at": time(shown.received_at),
        "original": {"text": r.original_text, "value": decimal(r.original_value), "status": r.original_status},
        **({} if decisions is None else {"decisions": [_decision(d) for d in decisions]}),
        "links": {
            "self": base,
            # A photo goes when it is old; the reading stays.
            "photo": f"{base}/photo" if shown.evidence else None,
            "overlay": f"{base}/overlay" if shown.evidence else None,
            "crop": f"{base}/crop" if shown.evidence else None,
            "submission": f"{base}/submission",
        },
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "at": time(decision.at),
        "who": decision.who,
        "why": decision.why,
        "status": decision.status,
        "text": decision.text,
        "value": decimal(decision.value),
        "by_person": decision.by_person,
    }


def combined(parts: Sequence[tuple[dict[str, Any], int, Sequence[int], bool]], want: Sequence[str]) -> dict[str, Any]:
    """One answer from the reports of a visit's photos: of each register the best reading.

    ``parts`` are (report, id of the photo, ids of its readings, whether it was there before).
    """
    best: dict[str, tuple[dict[str, Any], int]] = {}
    pairs = [
        (reading, key) for report, _, keys, _ in parts for reading, key in zip(report["readings"], keys, strict=True)
    ]
    if len(parts) > 1:
        for reading, key in pairs:
            known = best.get(reading["register"])
            if known is None or _worth(reading) > _worth(known[0]):
                best[reading["register"]] = reading, key
        pairs = list(best.values())
    first, photo, _, _ = parts[0]
    findings = list({(f["code"], f["message"]): f for report, *_ in parts for f in report["findings"]}.values())
    accepted = {r["register"] for r, _ in pairs if r["status"] in ("accepted", "confirmed")}
    missing = [code for code in want if code not in accepted]
    ranks = {"match": 1, "mismatch": 2}
    meter = max((report["meter"] for report, *_ in parts), key=lambda m: ranks.get(m["agreement"], 0))
    billed = [r["status"] for r, _ in pairs]
    status = first["status"] if len(parts) == 1 else next(iter(billed), "refused")
    if len(parts) > 1 and any(s not in ("accepted", "confirmed") for s in billed):
        status = "review" if any(s != "refused" for s in billed) else "refused"
    if missing and status == "accepted":
        status = "review"
    codes = {(c["kind"], c["text"]): c for report, *_ in parts for c in report["codes"]}
    base = f"/v1/readings/{pairs[0][1]}" if pairs else None
    return first | {
        "status": status,
        "readings": [reading for reading, _ in pairs],
        "meter": meter,
        "codes": list(codes.values()),
        "findings": findings,
        **({"missing": missing} if want else {}),
        "id": str(photo),
        "photo_ids": [str(key) for _, key, _, _ in parts],
        "reading_ids": [str(key) for _, key in pairs],
        "duplicate": all(there for *_, there in parts),
        "links": {
            "self": base or f"/v1/photos/{photo}",
            "photo": f"{base}/photo" if base else f"/v1/photos/{photo}",
            "overlay": f"{base}/overlay" if base else f"/v1/photos/{photo}/overlay",
            "evidence": f"/v1/photos/{photo}",
        },
        "advice": advice([reading for reading, _ in pairs], findings, missing),
    }


def advice(
    readings: Iterable[dict[str, Any]], findings: Iterable[dict[str, Any]], missing: Sequence[str] = ()
) -> list[dict[str, str]]:
    """What the person can do better, from why a reading was not accepted."""
    reasons = [f["code"] for f in findings]
    reasons += [f["code"] for r in readings if r["status"] not in ("accepted", "confirmed") for f in r["findings"]]
    codes = dict.fromkeys(_OF_FINDING[reason] for reason in reasons if reason in _OF_FINDING)
    if missing:
        codes["wait"] = None
    return [{"code": code, "text": ADVICE[code].format(missing=", ".join(missing))} for code in codes]


def csv_lines(items: Iterable[dict[str, Any]], *, head: bool) -> str:
    """Rows of a table; a text that a spreadsheet would take for a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if head:
        writer.writerow((*COLUMNS, "findings"))
    for item in items:
        row = ["" if item[name] is None else str(item[name]) for name in COLUMNS]
        row.append(" ".join(f["code"] for f in item["findings"]))
        writer.writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell for cell in row])
    return out.getvalue()


def _worth(reading: dict[str, Any]) -> tuple[int, float]:
    ranks = {"confirmed": 3, "accepted": 2, "review": 1}
    return ranks.get(reading["status"], 0), reading["confidence"]
