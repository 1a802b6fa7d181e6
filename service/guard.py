"""What stands before every request: the key, sizes and times, before anything of the body is taken.

Pure ASGI: it wraps what a request receives and sends, so that a client which stops sending or reading holds nothing.
"""

import asyncio
import logging
import time
from collections.abc import Callable

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recognizer.errors import RecognizerError
from service.access import Access
from service.metrics import Metrics
from service.problems import Problem, answer, busy
from service.settings import Settings

CLOSED_METHODS = ("POST", "PUT", "PATCH")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; "
        b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"permissions-policy", b"camera=(self), geolocation=(), microphone=()"),
)
log = logging.getLogger("service.requests")


class Guard:
    """Around the whole application. ``full`` says whether any more photos can be taken now."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        access: Callable[[], Access],
        full: Callable[[], bool],
        metrics: Metrics,
    ) -> None:
        self._app, self._settings, self._access, self._full, self._metrics = app, settings, access, full, metrics
        self._receiving = 0
        self._at_work = set[int]()
        """Uploads that arrived in full and have no answer yet."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {key for key, _ in message.get("headers", ())}
                extra = [pair for pair in HEADERS if pair[0] not in present]
                if scope["path"].startswith("/v1"):
                    extra.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await asyncio.wait_for(send(message), self._settings.silence)

        try:
            await self._handle(scope, receive, sent)
        except TimeoutError:
            # Whoever does not take the answer is let go: the server closes a connection whose answer is not complete.
            status = status or 499
            log.info("left", extra={"route": _route(scope)})
        except Exception as error:
            log.exception("fault", exc_info=error)
            if not status:
                await answer(500, "internal", "a fault of the service; it was logged")(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - begun
            self._metrics.answered(scope["method"], _route(scope), status, seconds)
            log.info(
                "request",
                extra={
                    "method": scope["method"],
                    "route": _route(scope),
                    "status": status,
                    "ms": round(1000 * seconds, 1),
                },
            )

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        upload = scope["method"] == "POST" and headers.get("content-type", "").startswith("multipart/")
        try:
            if upload and (self._full() or self._crowded):
                # Before all else, the key too: in a rush this is what most requests come to.
                raise self._busy()
            if scope["path"].startswith("/v1/"):
                access = self._access()
                args = headers.get("authorization", ""), headers.get("x-api-key", "")
                scope.setdefault("state", {})["caller"] = await anyio.to_thread.run_sync(access.identify, *args)
            if scope["method"] not in CLOSED_METHODS:
                await self._app(scope, receive, send)
                return
            self._check_length(headers)
            if self._receiving >= self._settings.receiving:
                raise busy("too many uploads at once", self._settings.retry_after)
        except (Problem, RecognizerError) as error:
            problem = error if isinstance(error, Problem) else busy("the database does not work now", 5)
            await self._drain(receive, headers)
            await problem.response()(scope, receive, send)
            return
        self._receiving += 1
        try:
            await self._app(scope, self._bounded(receive, scope if upload else None), send)
        finally:
            self._receiving -= 1
            self._at_work.discard(id(scope))

    def _check_length(self, headers: Headers) -> None:
        length = headers.get("content-length")
        if length is not None and length.isdigit() and int(length) > self._settings.max_body:
            raise self._too_large()

    def _too_large(self) -> Problem:
        return Problem(413, "too_large", f"a request has at most {self._settings.max_body // 2**20} MiB")

    @property
    def _crowded(self) -> bool:
        return len(self._at_work) >= self._settings.workers + self._settings.waiting

    def _busy(self) -> Problem:
        return busy("all workers are busy and enough photos wait", self._settings.retry_after)

    def _bounded(self, receive: Receive, upload: Scope | None) -> Receive:
        settings, taken, until = self._settings, 0, time.monotonic() + self._settings.longest_body
        complete = False

        async def bounded() -> Message:
            nonlocal taken, complete
            if complete:  # from here on it only tells when the client leaves
                return await receive()
            wait = min(settings.silence, until - time.monotonic())
            try:
                message = await asyncio.wait_for(receive(), max(0.001, wait))
            except TimeoutError:
                detail = "nothing more of the request arrived"
                raise Problem(408, "timeout", detail, {"Connection": "close"}) from None
            taken += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if taken > settings.max_body:
                raise self._too_large()
            if complete and upload is not None:
                # Not sooner, so that slow senders hold no place; not later, for the thread it takes is slow to come.
                if self._crowded:
                    raise self._busy()
                self._at_work.add(id(upload))
            return message

        return bounded

    async def _drain(self, receive: Receive, headers: Headers) -> None:
        """Take a little of the body, and forget it: a client that is still sending would not see the answer."""
        length = headers.get("content-length", "0")
        if not length.isdigit() or not 0 < int(length) <= min(self._settings.max_body, 2**23):
            return
        try:
            async with asyncio.timeout(1.0):
                while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                    pass
        except TimeoutError:
            pass


def _route(scope: Scope) -> str:
    """The template of the route, never the path: a path holds ids of meters."""
    route = scope.get("route")
    return str(getattr(route, "path", "")) or ("/static" if scope["path"].startswith("/static") else "other")
