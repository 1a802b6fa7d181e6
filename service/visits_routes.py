"""The routes of live capture. What they stand on is handed in: only the application knows how keys are checked.

Errors leave as the exceptions of ``service.visits`` and ``recognizer.errors``; ``problem_of`` names their answers.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any

import anyio
from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from recognizer.errors import InputError
from service.visit_live import VisitEndedError
from service.visits import Store, VisitBusyError, Visits, VisitUnknownError

THREADS = 16
"""Requests that read or wait for their turn at once; any more are told to come back."""
MOST_STREAMS = 32
BEAT_SECONDS = 15.0
STREAM_SECONDS = 900.0
"""A stream ends after this long; who still listens connects anew."""
SEND_SECONDS = 20.0
PHOTO_BYTES = 20 << 20
RETRY_SECONDS = 5

Short = Annotated[str, Field(min_length=1, max_length=64)]


class NewVisit(BaseModel):
    """What is wanted of a visit: the meter's id, the registers to wait for, serials one of which it should bear."""

    meter: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    want: Annotated[list[Short], Field(max_length=16)] | None = None
    expected_serial: Annotated[list[Short], Field(max_length=16)] = []


def problem_of(error: Exception) -> tuple[int, str, dict[str, str]]:
    """Status, stable code and headers of the answer to an error of ``service.visits``."""
    if isinstance(error, VisitBusyError):
        return 503, "busy", {"Retry-After": str(RETRY_SECONDS)}
    return (404, "not_found", {}) if isinstance(error, VisitUnknownError) else (409, "conflict", {})


VISIT_ERRORS = (VisitBusyError, VisitEndedError, VisitUnknownError)
"""What the application answers by ``problem_of``."""


def router_of(
    visits: Visits,
    owner_of: Callable[..., Any],
    store: Callable[[str], Store],
    meter_of: Callable[[str, str], str] = lambda owner, name: name,
) -> APIRouter:
    """The routes. ``owner_of`` is a dependency that checks the key (scope submit) and gives its id; ``store`` gives,
    for such an id, how a finished visit is kept; ``meter_of`` gives the id under which an owner's meter is kept.
    """
    router = APIRouter(prefix="/v1/visits", tags=["visits"])
    room = CapacityLimiter(THREADS)
    streams = CapacityLimiter(MOST_STREAMS)
    Owner = Annotated[str, Depends(owner_of)]  # noqa: N806

    async def in_thread(call: Callable[..., dict[str, Any]], *args: Any, **options: Any) -> dict[str, Any]:
        if room.available_tokens < 1:
            raise VisitBusyError("too many frames are being read at once; send this one again in some seconds")
        return await anyio.to_thread.run_sync(partial(call, *args, **options), limiter=room)

    @router.post("", status_code=201)
    async def open_visit(wanted: NewVisit, owner: Owner) -> dict[str, Any]:
        """Begin a live capture."""

        def opened() -> dict[str, Any]:
            meter = None if wanted.meter is None else meter_of(owner, wanted.meter)
            return visits.open(owner, meter=meter, wanted=wanted.want, expected=wanted.expected_serial)

        return _linked(await in_thread(opened))

    @router.post("/{visit_id}/frames")
    async def offer_frames(
        visit_id: str,
        owner: Owner,
        photo: Annotated[list[UploadFile], File()],
        at: Annotated[list[float] | None, Form()] = None,
    ) -> dict[str, Any]:
        """Read 1 to 8 frames; ``at`` are their times in seconds into the visit, or one for all."""
        if len(photo) > visits.limits.at_once:
            raise InputError(f"a request holds 1 to {visits.limits.at_once} photos, not {len(photo)}")
        if any((file.size or 0) > PHOTO_BYTES for file in photo):
            raise InputError(f"a photo has at most {PHOTO_BYTES >> 20} MiB")
        data = [await file.read(PHOTO_BYTES) for file in photo]
        return _linked(await in_thread(visits.offer, owner, visit_id, data, at))

    @router.get("/{visit_id}")
    async def get_visit(visit_id: str, owner: Owner) -> dict[str, Any]:
        """The visit as it stands; after it has ended what was last told of it."""
        return _linked(await in_thread(visits.view, owner, visit_id))

    @router.post("/{visit_id}/finish", status_code=201)
    async def finish_visit(visit_id: str, owner: Owner) -> dict[str, Any]:
        """Store what was concluded; finishing again gives the same answer."""
        return await in_thread(visits.finish, owner, visit_id, store(owner))

    @router.get("/{visit_id}/events", response_class=StreamingResponse)
    async def events(visit_id: str, owner: Owner, request: Request) -> StreamingResponse:
        """Server-sent events ``visit``: the visit now and after every change, until it ends."""
        if streams.available_tokens < 1:
            raise VisitBusyError("too many streams are open; ask for the visit itself instead")
        first = await in_thread(visits.view, owner, visit_id)

        async def stream() -> AsyncIterator[str]:
            async with streams:
                loop, changed = asyncio.get_running_loop(), asyncio.Event()

                def heard(which: str) -> None:
                    if which == visit_id:
                        loop.call_soon_threadsafe(changed.set)

                stop = visits.on_change(heard)
                try:
                    view, until = first, loop.time() + STREAM_SECONDS
                    while True:
                        yield f"event: visit\ndata: {json.dumps(_linked(view), ensure_ascii=False)}\n\n"
                        if view["state"] != "open":
                            return
                        # Only the latest counts: what changed meanwhile is one change, so nothing queues up.
                        while not changed.is_set():
                            if loop.time() > until:
                                return
                            try:
                                await asyncio.wait_for(changed.wait(), BEAT_SECONDS)
                            except TimeoutError:
                                yield ": still here\n\n"
                        changed.clear()
                        view = await anyio.to_thread.run_sync(visits.view, owner, visit_id, limiter=room)
                finally:
                    stop()

        return _InTime(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return router


class _InTime(StreamingResponse):
    """A client that stops reading holds nothing: what cannot be sent in time ends the stream."""

    async def stream_response(self, send: Send) -> None:
        async def in_time(message: Message) -> None:
            with anyio.fail_after(SEND_SECONDS):
                await send(message)

        await super().stream_response(in_time)


def _linked(view: dict[str, Any]) -> dict[str, Any]:
    base = f"/v1/visits/{view['id']}"
    links = {"self": base, "frames": f"{base}/frames", "events": f"{base}/events", "finish": f"{base}/finish"}
    return view | {"links": links}
