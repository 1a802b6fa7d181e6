"""Where the service's parts are put together: ``create_app(settings)`` gives the application."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Protocol

import anyio
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from recognizer.domain.meter import Known
from recognizer.domain.reading import Report
from recognizer.errors import RecognizerError, StoreError
from recognizer.reader import MeterReader
from recognizer.store import Store
from recognizer.store_schema import open_database
from service import fields, meters_routes, problems, readings_routes, schema, visits_routes
from service.access import Access, needs
from service.answers import combined
from service.guard import Guard
from service.idempotency import Answers
from service.intake import Asked, Intake, Reader
from service.keys import Caller, Keys
from service.meter_ids import kept
from service.metrics import Metrics
from service.photos import open_photos
from service.pool import Pool
from service.records import Records
from service.retention import Retention
from service.settings import Settings
from service.visit_live import Evidence
from service.visit_rows import VisitRow, VisitRows
from service.visits import Visits
from service.webhook import Webhook

PAGE = Path(__file__).parent / "page"
log = logging.getLogger("service")


class Outlet(Protocol):
    """What tells the world outside of concluded readings, from a thread of its own."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of, for what plugs in: ``app.state.parts``."""

    settings: Settings
    engine: sa.Engine
    store: Store
    records: Records
    keys: Keys
    access: Access
    intake: Intake
    visits: Visits
    metrics: Metrics
    pool: Pool
    outlets: tuple["Outlet", ...] = ()
    webhook: Webhook | None = None
    retention: Retention | None = None

    def close(self) -> None:
        for outlet in self.outlets:
            outlet.stop()
        self.pool.close()
        self.store.close()
        self.engine.dispose()


def create_app(settings: Settings, reader: Reader | None = None) -> FastAPI:
    """The application; its models are loaded once, here. Raises what MeterReader and Store raise at their start.

    What was opened is closed when the application ends (its lifespan).
    """
    parts = _parts(settings, reader)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for outlet in parts.outlets:
            await anyio.to_thread.run_sync(outlet.start)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_look_after, parts)
            yield
            tasks.cancel_scope.cancel()
        await anyio.to_thread.run_sync(parts.close)

    app = FastAPI(
        title="Meter readings",
        version=_version(),
        summary="Reads utility meters in photos, keeps the readings, and lets people settle the doubtful ones.",
        lifespan=lifespan,
        responses=problems.RESPONSES,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.parts = parts
    problems.install(app)
    _install_visit_problems(app)
    app.include_router(readings_routes.router_of(parts.intake, Answers(parts.engine), settings))
    app.include_router(meters_routes.router_of(parts.intake, parts.visits.forget_meter))
    app.include_router(_visits_router(parts))
    _add_own(app, parts)
    app.add_middleware(
        Guard, settings=settings, access=lambda: parts.access, full=lambda: parts.pool.full, metrics=parts.metrics
    )
    return app


def _parts(settings: Settings, reader: Reader | None) -> Parts:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{settings.data_dir}: cannot be made ({error.strerror})") from error
    if reader is None:
        reader = MeterReader(settings.models_dir)
    engine = open_database(settings.store, create=True)
    try:
        schema.prepare(engine)
        rows = VisitRows(engine)
        store, records, keys, metrics = Store(settings.store), Records(engine), Keys(engine), Metrics()
        pool = Pool(settings.workers, settings.waiting, settings.retry_after)
        photos = open_photos(settings.photos, settings.data_dir)
        intake = Intake(reader, store, records, photos, pool, settings.limits, metrics)
        access = Access(keys, demo=settings.demo, per_minute=settings.per_minute)

        def known_of(row: VisitRow) -> Known:
            return intake.known(Asked(row.owner, row.meter, row.expected, taken_at=row.opened_at))

        visits = Visits(rows, settings.data_dir / "visits", intake.observe, known_of, policy=reader.policy)
        retention, webhook = None, None
        if settings.keep_photos_days is not None:
            retention = Retention(records, photos, settings.keep_photos_days, intake.quiet)
        if settings.webhook_urls:
            private = settings.webhook_private
            webhook = Webhook(engine, settings.webhook_urls, settings.webhook_secret, private=private)
        outlets: list[Outlet] = [] if webhook is None else [webhook]
        if settings.mqtt_url:
            from service.mqtt import Publisher  # its library is an extra

            outlets.append(Publisher(engine, store, settings.mqtt_url))
    except BaseException:
        engine.dispose()
        raise
    inner = store, records, keys, access, intake, visits, metrics, pool
    return Parts(settings, engine, *inner, tuple(outlets), webhook, retention)


def _visits_router(parts: Parts) -> Any:
    submits = needs("submit")

    def owner_of(caller: Annotated[Caller, Depends(submits)]) -> str:
        return caller.owner

    def meter_of(owner: str, name: str) -> str:
        return kept(owner, fields.name(name, "meter"))

    def store(owner: str) -> Any:
        def keep(row: VisitRow, report: Report, evidence: Sequence[Evidence]) -> dict[str, Any]:
            asked = Asked(owner, row.meter, row.expected, tuple(row.wanted or ()))
            parts.intake.ensure_meter(row.meter, owner)
            parts_kept = []
            for e in evidence:
                added = parts.intake.keep(e.photo, e.observation, e.report, asked, e.taken_at)
                parts_kept.append((e.report.to_dict(), added.photo, added.readings, added.duplicate))
            if parts_kept and all(len(part["readings"]) == len(ids) for part, _, ids, _ in parts_kept):
                return combined(parts_kept, asked.want) | {"source": row.id}
            nothing: dict[str, Any] = {
                "id": None,
                "photo_ids": [],
                "reading_ids": [],
                "duplicate": False,
                "links": {},
                "advice": [],
            }
            return report.to_dict() | nothing

        return keep

    return visits_routes.router_of(parts.visits, owner_of, store, meter_of)


def _install_visit_problems(app: FastAPI) -> None:
    async def problem(_: Request, error: Exception) -> JSONResponse:
        status, code, headers = visits_routes.problem_of(error)
        return problems.answer(status, code, str(error), headers)

    for kind in visits_routes.VISIT_ERRORS:
        app.add_exception_handler(kind, problem)


def _add_own(app: FastAPI, parts: Parts) -> None:
    @app.get("/v1/me", tags=["service"])
    def me(caller: Annotated[Caller, Depends(needs())]) -> dict[str, Any]:
        """Who asks, and what the key is good for."""
        return {"name": caller.owner, "scopes": sorted(caller.scopes), "demo": caller.demo, "version": app.version}

    @app.get("/healthz", tags=["service"])
    def healthz() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["service"])
    def readyz() -> dict[str, Any]:
        """Whether the models and the database can be used; 503 otherwise."""
        parts.records.queue_length()
        return {"status": "ready", "demo": parts.access.open_demo}

    @app.get("/metrics", tags=["service"], response_class=Response, include_in_schema=False)
    def metrics() -> Response:
        parts.metrics.waiting.set(parts.pool.taken)
        parts.metrics.queue.set(parts.records.queue_length())
        if parts.webhook is not None:
            for state, number in parts.webhook.counts().items():
                parts.metrics.webhook.labels(state).set(number)
        return Response(parts.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    if PAGE.is_dir():
        app.mount("/static", StaticFiles(directory=PAGE), name="static")

        @app.get("/", include_in_schema=False)
        def page() -> FileResponse:
            return FileResponse(PAGE / "index.html")


async def _look_after(parts: Parts) -> None:
    """Now and then what has run out is ended, whether or not anybody asks."""
    while True:
        try:
            await anyio.to_thread.run_sync(parts.visits.sweep)
            if parts.retention is not None:
                await anyio.to_thread.run_sync(parts.retention.look)
        except RecognizerError as error:
            log.warning("sweep", extra={"error": type(error).__name__})
        await anyio.sleep(60)


def _version() -> str:
    try:
        return version("meter-recognizer")
    except PackageNotFoundError:
        return "0"


__all__ = ["Parts", "create_app"]
