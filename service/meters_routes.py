"""Meters: their records, their readings, their end; and the queue of what waits for a person."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from recognizer.domain.meter import Meter
from service import fields
from service.access import needs
from service.answers import csv_lines, reading_json
from service.intake import Intake
from service.keys import Caller
from service.meter_ids import split
from service.problems import not_found
from service.records import Shown
from service.whose import meant, meant_or_new

MeterId = Annotated[str, Path(min_length=1, max_length=fields.LONGEST_NAME, description="The meter's id")]
Whose = Annotated[
    str | None, Query(max_length=100, description="Whose meter, for who sees everybody's; by default your own")
]
Short = Annotated[str, Field(min_length=1, max_length=64)]
Number = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$", examples=["50"])]
Status = Literal["accepted", "confirmed", "review", "rejected", "refused"]
MOST_ROWS = 100_000
"""Of one table: a camera's photos of some years."""


class RegisterBody(BaseModel):
    """One register of a meter's record."""

    code: Short = Field("total", examples=["1.8.1"])
    unit: Short | None = None
    digits: int | None = Field(None, ge=1, le=9)
    decimals: int | None = Field(None, ge=0, le=4)
    max_rate: Number | None = None
    may_fall: bool = False


class MeterBody(BaseModel):
    """A meter's record; ``recognizer.domain.meter`` says what each part is for."""

    serials: list[Short] = Field([], max_length=16, examples=[["12345678"]])
    medium: Literal["electricity", "water", "gas", "heat"] | None = None
    registers: list[RegisterBody] = Field([], max_length=64)


def router_of(intake: Intake, forget_visits: Callable[[str], None] = lambda meter: None) -> APIRouter:
    """The routes; ``forget_visits`` removes the running visits to a meter that is deleted."""
    router = APIRouter(prefix="/v1", tags=["meters"])
    store, records = intake.store, intake.records
    Submits = Annotated[Caller, Depends(needs("submit"))]  # noqa: N806
    Reads = Annotated[Caller, Depends(needs("read", "review"))]  # noqa: N806
    Reviews = Annotated[Caller, Depends(needs("review"))]  # noqa: N806

    def seen(caller: Caller, name: str, owner: str | None, scope: str = "review") -> str:
        """The id, as it is kept, of a meter that is the caller's, or anybody's for who has the scope."""
        return meant(records, caller, name, owner, scope=scope)

    @router.get("/meters")
    def meters(
        caller: Reads,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> dict[str, Any]:
        """The meters that one may see, by owner and id."""
        after = fields.parts_of(cursor, (str,)) or [""]
        last = after[0] if after[0].isprintable() else ""
        found = records.meters(caller.sees, last, limit + 1)
        rest = fields.cursor_of(found[limit - 1].id) if len(found) > limit else None
        return {"items": [meter_json(meter) for meter in found[:limit]], "next": rest}

    @router.get("/meters/{meter_id}")
    def meter(meter_id: MeterId, caller: Reads, owner: Whose = None) -> dict[str, Any]:
        """A meter's record."""
        found = store.meter(seen(caller, meter_id, owner))
        if found is None:
            raise not_found(f"meter {meter_id!r}")
        return meter_json(found)

    @router.put("/meters/{meter_id}")
    def put_meter(meter_id: MeterId, body: MeterBody, caller: Submits, owner: Whose = None) -> dict[str, Any]:
        """Keep a meter's record; a new one becomes the caller's."""
        meter_id = meant_or_new(records, caller, meter_id, owner, scope="admin")
        for text in (*body.serials, *(r.code for r in body.registers), *(r.unit or "-" for r in body.registers)):
            fields.name(text.replace("/", "-"), "serials and registers")
        record = Meter.from_dict({"id": meter_id} | body.model_dump())
        store.put_meter(record, owner=caller.owner)
        return meter_json(record)

    @router.delete("/meters/{meter_id}", status_code=204)
    def delete_meter(meter_id: MeterId, caller: Submits, owner: Whose = None) -> Response:
        """Remove a meter with its readings, decisions and photos, for good."""
        meter_id = seen(caller, meter_id, owner, "admin")
        forget_visits(meter_id)
        with intake.quiet():
            for name in records.delete_meter(meter_id):
                intake.photos.remove(name)
        return Response(status_code=204)

    @router.get(
        "/meters/{meter_id}/readings",
        responses={200: {"content": {"application/json": {}, "text/csv": {}}, "description": "A page, or a table"}},
        response_class=JSONResponse,
    )
    def readings(
        meter_id: MeterId,
        caller: Reads,
        owner: Whose = None,
        register: Annotated[str | None, Query(max_length=64)] = None,
        since: Annotated[str | None, Query(alias="from", max_length=64, description="ISO 8601, included")] = None,
        until: Annotated[str | None, Query(alias="to", max_length=64, description="ISO 8601, not included")] = None,
        status: Status | None = None,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        format: Annotated[Literal["json", "csv"] | None, Query(description="csv gives all as a table")] = None,  # noqa: A002
        accept: Annotated[str | None, Header()] = None,
    ) -> Response:
        """A meter's readings, oldest first: a page of them, or all as a table (``Accept: text/csv``)."""
        meter_id = seen(caller, meter_id, owner)
        wanted = {
            "register": fields.register(register) if register else None,
            "since": fields.moment(since, "from"),
            "until": fields.moment(until, "to"),
            "status": status,
        }

        def page(after: tuple[datetime, int] | None, most: int) -> list[Shown]:
            return records.page(meter_id, after=after, limit=most, **wanted)  # type: ignore[arg-type]

        if format == "csv" or (format is None and (accept or "").startswith("text/csv")):
            headers = {"Content-Disposition": 'attachment; filename="readings.csv"'}
            return StreamingResponse(_table(page), media_type="text/csv; charset=utf-8", headers=headers)
        parts = fields.parts_of(cursor, (str, int))
        after = None
        if parts is not None:
            time = fields.moment(parts[0], "cursor")
            if time is None or not 0 <= parts[1] <= fields.MOST_ID:
                raise fields.invalid("cursor: give the `next` of the page before")
            after = time, parts[1]
        found = page(after, limit + 1)
        rest = None
        if len(found) > limit:
            rest = fields.cursor_of(found[limit - 1].taken_at.isoformat(), found[limit - 1].reading.id)
        return JSONResponse({"items": [reading_json(shown) for shown in found[:limit]], "next": rest})

    @router.get("/review", tags=["review"])
    def review(
        caller: Reviews,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        """What waits for a person: the least certain first, and of these what moves its meter most."""
        queue = records.queue()
        parts = fields.parts_of(cursor, (int,))
        begin = 0 if parts is None else next((i + 1 for i, s in enumerate(queue) if s.reading.id == parts[0]), 0)
        page = queue[begin : begin + limit]
        rest = fields.cursor_of(page[-1].reading.id) if begin + limit < len(queue) else None
        return {"items": [with_candidates(shown) for shown in page], "next": rest, "waiting": len(queue)}

    def with_candidates(shown: Shown) -> dict[str, Any]:
        found = records.photo(shown.reading.photo, None)
        candidates: list[dict[str, Any]] = []
        if found is not None:
            same = [r for r in intake.concluded(found[0]).readings if r.box == shown.reading.box]
            candidates = [{"text": c.text, "chance": round(c.probability, 4)} for r in same for c in r.candidates]
        return reading_json(shown) | {"candidates": candidates}

    return router


def _table(page: Callable[[tuple[datetime, int] | None, int], list[Shown]]) -> Iterator[str]:
    after: tuple[datetime, int] | None = None
    for start in range(0, MOST_ROWS, 500):
        found = page(after, 500)
        yield csv_lines((reading_json(shown) for shown in found), head=start == 0)
        if len(found) < 500:
            return
        after = found[-1].taken_at, found[-1].reading.id


def meter_json(meter: Meter) -> dict[str, Any]:
    """A meter's record as it is told: its id is its name, and ``owner`` is whose it is."""
    record: dict[str, Any] = json.loads(json.dumps(asdict(meter), default=str))
    owner, name = split(meter.id)
    return record | {"id": name, "owner": owner}
