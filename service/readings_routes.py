"""Uploads, and one reading: what it is, its pictures, a person's decision, the line for the utility."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from fastapi import APIRouter, Depends, File, Form, Header, Query, UploadFile
from fastapi.responses import JSONResponse, Response
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from recognizer.domain.forms import load_forms
from recognizer.domain.observation import Quad
from recognizer.domain.submission import Answer, submission_text
from recognizer.overlay import draw_overlay
from recognizer.vision.frame import load_frame
from recognizer.vision.rectify import stretched
from service import fields
from service.access import needs
from service.answers import reading_json
from service.idempotency import Answers
from service.intake import Asked, Intake
from service.keys import Caller
from service.meter_ids import name_of
from service.problems import Problem, not_found
from service.records import Shown
from service.settings import Settings
from service.video import frames_of
from service.whose import meant_or_new

CROP_HEIGHT, CROP_WIDTH = 240, 1600
EXAMPLE = {
    "source": "meter.jpg",
    "status": "accepted",
    "readings": [
        {
            "register": "total",
            "unit": "m³",
            "text": "00123.4",
            "value": "00123.4",
            "confidence": 0.991,
            "status": "accepted",
            "findings": [],
            "box": [[10, 10], [200, 10], [200, 60], [10, 60]],
            "kind": "drum",
            "candidates": [{"text": "00123.4", "probability": 0.991}],
        }
    ],
    "meter": {"serial": None, "agreement": "unknown"},
    "codes": [],
    "findings": [],
    "models": {"locator": "0123456789ab"},
    "id": "17",
    "photo_ids": ["17"],
    "reading_ids": ["23"],
    "duplicate": False,
    "links": {"self": "/v1/readings/23", "photo": "/v1/readings/23/photo", "overlay": "/v1/readings/23/overlay"},
    "advice": [],
}


class Decide(BaseModel):
    """What a person decides on a reading: ``value`` goes with ``correct`` alone."""

    action: Literal["confirm", "correct", "reject"] = Field(examples=["correct"])
    value: str | None = Field(None, max_length=32, examples=["123.4"])
    why: str = Field("", max_length=500)


def router_of(intake: Intake, answers: Answers, settings: Settings) -> APIRouter:
    """The routes; ``answers`` are those of repeated uploads."""
    router = APIRouter(prefix="/v1", tags=["readings"])
    store, records = intake.store, intake.records
    forms = load_forms()
    Submits = Annotated[Caller, Depends(needs("submit"))]  # noqa: N806
    Reads = Annotated[Caller, Depends(needs("read", "review"))]  # noqa: N806
    Decides = Annotated[Caller, Depends(needs("submit", "review"))]  # noqa: N806

    def shown_to(caller: Caller, reading_id: int) -> Shown:
        shown = records.reading(reading_id, caller.sees)
        if shown is None:
            raise not_found(f"reading {reading_id}")
        return shown

    def whole(shown: Shown) -> dict[str, Any]:
        return reading_json(shown, store.decisions(shown.reading.id))

    def bytes_of(evidence: str | None) -> bytes:
        data = intake.photos.get(evidence) if evidence else None
        if data is None:
            raise Problem(404, "not_found", "the photo was deleted; the reading is kept")
        return data

    @router.post("/readings", status_code=201, responses={201: {"content": {"application/json": {"example": EXAMPLE}}}})
    def upload(
        caller: Submits,
        photo: Annotated[list[UploadFile] | None, File(description="Photos of one look at one meter")] = None,
        video: Annotated[UploadFile | None, File(description="A clip of up to a minute; 32 frames are read")] = None,
        meter: Annotated[str | None, Form(description="The meter's id; a new one becomes yours")] = None,
        expected_serial: Annotated[list[str] | None, Form(description="Serials, one of which it bears")] = None,
        want: Annotated[list[str] | None, Form(description="Registers that are wanted: 1.8.1, T2")] = None,
        owner: Annotated[str | None, Form(max_length=100, description="Whose meter, for who sees everybody's")] = None,
        taken_at: Annotated[str | None, Form(description="ISO 8601; by default now")] = None,
        previous: Annotated[list[str] | None, Form(description="[REGISTER=]VALUE@TIME")] = None,
        idempotency_key: Annotated[str | None, Header(max_length=1000)] = None,
    ) -> JSONResponse:
        """Read photos or a clip of one look at a meter, keep them, and answer with the readings."""
        files = [(file, "photo") for file in photo or ()] + ([(video, "video")] if video else [])
        kinds = {kind for _, kind in files}
        if len(kinds) != 1 or len(files) > settings.max_photos:
            raise fields.invalid(f"give 1 to {settings.max_photos} files as photo, or one as video")
        named = (meter or "").strip() or None
        asked = Asked(
            caller.owner,
            meant_or_new(records, caller, named, owner or None, scope="review") if named else None,
            fields.names(expected_serial or (), "expected_serial"),
            tuple(fields.register(text) for text in fields.names(want or (), "want")),
            fields.moment(taken_at, "taken_at"),
            tuple(fields.past(text) for text in (previous or ())[:100] if text.strip()),
        )
        data = [(_file_name(file.filename), _bytes(file, kind, settings)) for file, kind in files]
        whose = [owner] if owner else []
        told = [named, asked.serials, asked.want, taken_at, previous, sorted(kinds), *whose]
        digests = [sha256(content).hexdigest() for _, content in data]
        request = sha256(json.dumps([told, digests]).encode()).hexdigest()
        if idempotency_key is not None and (before := answers.find(caller.owner, idempotency_key, request)):
            return JSONResponse(before, 201, {"Idempotency-Replayed": "true"})
        if "video" in kinds:
            name, content = data[0]
            frames = intake.pool.run(lambda: frames_of(content, settings.limits))
            answer = intake.take_video(frames, name, asked)
        else:
            answer = intake.take(data, asked)
        if idempotency_key is not None:
            answer = answers.keep(caller.owner, idempotency_key, request, answer, asked.meter)
        return JSONResponse(answer, 201)

    @router.get("/readings/{reading_id}")
    def reading(reading_id: fields.ReadingId, caller: Reads) -> dict[str, Any]:
        """One reading: what was first concluded, what holds now, and every decision about it."""
        return whole(shown_to(caller, reading_id))

    @router.patch("/readings/{reading_id}")
    def decide(reading_id: fields.ReadingId, body: Decide, caller: Decides) -> dict[str, Any]:
        """Confirm, correct or reject a reading. The original stays, with who decided what, when and why."""
        shown = shown_to(caller, reading_id)
        if (body.value is not None) != (body.action == "correct"):
            raise fields.invalid("a value goes with the action correct, and with no other")
        text = None if body.value is None else fields.displayed(body.value)
        if body.action == "confirm" and not shown.reading.text:
            raise Problem(409, "conflict", "nothing was read here: correct it with the right value, or reject it")
        status: Literal["confirmed", "rejected"] = "rejected" if body.action == "reject" else "confirmed"
        why = "".join(char if char.isprintable() else " " for char in body.why)
        value = None if text is None else Decimal(text)
        store.correct(reading_id, value, status, caller.owner, datetime.now(UTC), why, text=text)
        intake.tell(reading_id)
        return whole(shown_to(caller, reading_id))

    picture: dict[int | str, dict[str, Any]] = {200: {"content": {"image/*": {}}, "description": "A picture"}}

    @router.get("/readings/{reading_id}/photo", response_class=Response, responses=picture)
    def photo_of(reading_id: fields.ReadingId, caller: Reads) -> Response:
        """The photo as it was sent."""
        return _picture(bytes_of(shown_to(caller, reading_id).evidence))

    @router.get("/readings/{reading_id}/overlay", response_class=Response, responses=picture)
    def overlay_of(reading_id: fields.ReadingId, caller: Reads) -> Response:
        """The photo with what was read drawn on it."""
        return drawn(caller, shown_to(caller, reading_id).reading.photo)

    @router.get("/readings/{reading_id}/crop", response_class=Response, responses=picture)
    def crop_of(reading_id: fields.ReadingId, caller: Reads) -> Response:
        """The display alone, straightened."""
        shown = shown_to(caller, reading_id)
        data = bytes_of(shown.evidence)
        return intake.pool.run(lambda: _jpeg(_crop(load_frame(data, limits=settings.limits).pixels, shown.reading.box)))

    @router.get("/photos/{photo_id}", response_class=Response, responses=picture)
    def photo_itself(photo_id: fields.PhotoId, caller: Reads) -> Response:
        """A photo as it was sent, one without a reading too."""
        found = records.photo(photo_id, caller.sees)
        if found is None:
            raise not_found(f"photo {photo_id}")
        return _picture(bytes_of(found[0].evidence))

    @router.get("/photos/{photo_id}/overlay", response_class=Response, responses=picture)
    def photo_overlay(photo_id: fields.PhotoId, caller: Reads) -> Response:
        """A photo with what was read drawn on it."""
        return drawn(caller, photo_id)

    def drawn(caller: Caller, photo_id: int) -> Response:
        found = records.photo(photo_id, caller.sees)
        if found is None:
            raise not_found(f"photo {photo_id}")
        data = bytes_of(found[0].evidence)
        report = intake.as_stored(found[0])
        return intake.pool.run(lambda: _jpeg(draw_overlay(load_frame(data, limits=settings.limits).pixels, report)))

    @router.get("/readings/{reading_id}/submission")
    def submission(
        reading_id: fields.ReadingId,
        caller: Reads,
        format: Annotated[str, Query(max_length=64, description="A name of submission-formats")] = "integer",  # noqa: A002
        unconfirmed: Annotated[bool, Query(description="Also of a reading that waits for a person")] = False,
        account: Annotated[str | None, Query(max_length=64)] = None,
        also: Annotated[
            list[fields.ReadingId] | None, Query(max_length=16, description="Other registers of that visit, in order")
        ] = None,
    ) -> dict[str, str]:
        """The text that a utility takes of a reading, or of several of one meter."""
        if format not in forms:
            raise fields.invalid(f"format: one of {', '.join(forms)}")
        taken = [shown_to(caller, each) for each in dict.fromkeys((reading_id, *(also or ())))]
        if len({shown.meter for shown in taken}) > 1:
            raise fields.invalid("also: readings of one meter go into one text")
        for shown in taken:
            status = shown.reading.status
            if status in ("refused", "rejected") or (status == "review" and not unconfirmed):
                detail = f"reading {shown.reading.id} has the status {status}: a person has to decide first"
                raise Problem(409, "conflict", detail)
        record = store.meter(taken[0].meter) if taken[0].meter else None
        text = submission_text(
            Answer("accepted", tuple((shown.reading.register, shown.reading.text, "accepted") for shown in taken)),
            forms[format],
            registers=[shown.reading.register for shown in taken],
            account=account,
            meter=(record.serials or (name_of(record.id),))[0] if record else None,
        )
        return {"format": format, "text": text}

    @router.get("/submission-formats")
    def formats(_: Annotated[Caller, Depends(needs())]) -> list[dict[str, Any]]:
        """In which forms utilities take readings; ``fields`` end in ``?`` where they may be missing."""
        return [
            {"name": f.name, "about": f.description, "example": f.example, "fields": list(f.fields)}
            for f in forms.values()
        ]

    return router


def _bytes(file: UploadFile, kind: str, settings: Settings) -> bytes:
    most = settings.max_photo if kind == "photo" else settings.max_body
    data = file.file.read(most + 1)
    if len(data) > most:
        raise Problem(413, "too_large", f"a photo has at most {settings.max_photo // 2**20} MiB")
    return data


def _file_name(name: str | None) -> str:
    """Of a path the last part, of which only what can be printed."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:120]


def _picture(data: bytes) -> Response:
    kinds = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp", b"BM": "image/bmp"}
    kind = kinds.get(data[:2], "image/tiff" if data[:2] in (b"II", b"MM") else "application/octet-stream")
    return Response(data, media_type=kind)


def _jpeg(picture: NDArray[np.uint8]) -> Response:
    return Response(cv2.imencode(".jpg", picture)[1].tobytes(), media_type="image/jpeg")


def _crop(pixels: NDArray[np.uint8], box: Quad) -> NDArray[np.uint8]:
    quad = stretched(np.array(box, np.float32), 0.3, 0.3, 0.3)
    across = float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3]))
    down = max(1e-3, float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])))
    width = int(np.clip(CROP_HEIGHT * across / down, 32, CROP_WIDTH))
    target = np.array([[0, 0], [width, 0], [width, CROP_HEIGHT], [0, CROP_HEIGHT]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    cut = cv2.warpPerspective(pixels, matrix, (width, CROP_HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)
