"""Errors as they leave the service: problem+json (RFC 9457) with a stable code. Nothing internal is told."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from recognizer.errors import RecognizerError

TITLES = {
    "bad_input": "The input cannot be used",
    "validation": "The request is not as documented",
    "unauthorized": "A key is needed",
    "forbidden": "The key does not allow this",
    "not_found": "There is no such thing, or not for this key",
    "method_not_allowed": "The method is not allowed here",
    "timeout": "The request did not arrive in time",
    "conflict": "Not as things stand",
    "too_large": "Too large",
    "rate_limited": "Too many requests",
    "busy": "Too busy, or the database does not work now",
    "internal": "A fault of the service",
}
_BY_STATUS = {
    400: "bad_input",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "bad_input",
    429: "rate_limited",
    503: "busy",
}
SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "examples": ["urn:meter-recognizer:not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": TITLES[code], "content": {"application/problem+json": {"schema": SCHEMA}}}
    for status, code in (_BY_STATUS | {408: "timeout"}).items()
}
"""What every route may answer, for the OpenAPI document."""

log = logging.getLogger("service")


class Problem(HTTPException):
    """An answer other than the wanted one. FastAPI passes it through wherever it is raised."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code

    def response(self) -> JSONResponse:
        return answer(self.status_code, self.code, str(self.detail), self.headers)


def answer(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"type": f"urn:meter-recognizer:{code}", "title": TITLES[code], "status": status, "detail": _clean(detail)}
    # In the form's own file names and texts anything may stand, half a surrogate pair too.
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


def busy(detail: str, retry_after: int) -> Problem:
    return Problem(503, "busy", detail, {"Retry-After": str(retry_after)})


def not_found(what: str) -> Problem:
    """For what is not there and for what is somebody else's alike, so that nobody learns what others have."""
    return Problem(404, "not_found", f"there is no {what}, or not for this key")


def install(app: FastAPI) -> None:
    """What the routes raise; faults are answered by ``service.guard``."""

    async def problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, StarletteHTTPException)
        code = error.code if isinstance(error, Problem) else _BY_STATUS.get(error.status_code, "bad_input")
        return answer(error.status_code, code, str(error.detail), error.headers)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        parts = [f"{'.'.join(str(p) for p in e['loc'][1:]) or e['loc'][0]}: {e['msg']}" for e in error.errors()[:5]]
        return answer(422, "validation", "; ".join(parts))

    async def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RecognizerError)
        status = error.http_status
        if status >= 500:
            # A path or the database's own words are nobody's business outside.
            log.error("unusable", extra={"error": type(error).__name__, "reason": str(error)})
            return answer(503, "busy", "the database or a model does not work now; try later", {"Retry-After": "5"})
        return answer(status, "bad_input", str(error))

    app.add_exception_handler(StarletteHTTPException, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(RecognizerError, ours)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")[:1000]
