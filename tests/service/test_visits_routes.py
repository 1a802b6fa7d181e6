"""Would catch: an error of a visit that leaves as something else, times lost between form and visit, a stream that does
not end with its visit or tells nothing of a change, and a burst that is too large for a request."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

import anyio
import httpx
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse

from recognizer.domain.meter import NOTHING_KNOWN
from recognizer.domain.observation import Display, Glyph, Mark, Observation
from recognizer.domain.reading import Report
from recognizer.errors import InputError, RecognizerError
from recognizer.store_schema import open_database
from service.schema import prepare
from service.visit_live import Evidence, VisitLimits
from service.visit_rows import VisitRow, VisitRows
from service.visits import Visits
from service.visits_routes import VISIT_ERRORS, problem_of, router_of


def observe(data: bytes, expected: Sequence[str], plate: bool | None) -> Observation:
    try:
        text, unit, mark = json.loads(data)[:3]
    except ValueError as error:
        raise InputError("not a picture") from error
    glyphs = tuple(Glyph(((c, 0.9999),), i / len(text), (i + 1) / len(text)) for i, c in enumerate(text))
    box = ((200.0, 200.0), (440.0, 200.0), (440.0, 280.0), (200.0, 280.0))
    shown = Display("lcd", box, 0.99, 0.98, glyphs, None, Mark(unit, 0.9999), (Mark(mark, 0.9999),))
    return Observation(640, 480, 10.0, (shown,))


def owner(x_api_key: Annotated[str, Header()]) -> str:
    return x_api_key


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    engine = open_database(tmp_path / "store.db", create=True)
    prepare(engine)
    rows = VisitRows(engine)
    limits = VisitLimits(of_one_key=2)
    visits = Visits(rows, tmp_path / "visits", observe, lambda row: NOTHING_KNOWN, limits=limits)

    def store(key: str) -> Any:
        def keep(row: VisitRow, report: Report, evidence: Sequence[Evidence]) -> dict[str, Any]:
            return report.to_dict() | {"id": "1", "reading_ids": [str(n) for n, _ in enumerate(evidence)]}

        return keep

    app = FastAPI()
    app.include_router(router_of(visits, owner, store))

    async def visit_problem(request: Request, error: Exception) -> JSONResponse:
        status, code, headers = problem_of(error)
        return JSONResponse({"type": code, "detail": str(error)}, status, headers)

    async def problem(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, getattr(error, "http_status", 500))

    for kind in VISIT_ERRORS:
        app.add_exception_handler(kind, visit_problem)
    app.add_exception_handler(RecognizerError, problem)
    return app


def frame(text: str, unit: str, mark: str, n: int = 0) -> tuple[str, tuple[str, bytes]]:
    return "photo", ("f.jpg", json.dumps([text, unit, mark, n]).encode())


def test_a_visit_over_http(app: FastAPI) -> None:
    async def run() -> None:
        headers = {"X-API-Key": "anna"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t", headers=headers) as http:
            opened = await http.post("/v1/visits", json={"want": ["1.8.1", "1.8.2"]})
            assert opened.status_code == 201
            visit = opened.json()
            url = visit["links"]["frames"]
            power = await http.post(url, files=[frame("001.25", "kW", "T1")], data={"at": "0.1"})
            assert power.json()["missing"] == ["1.8.1", "1.8.2"]
            events: list[dict[str, Any]] = []

            async def listen() -> None:
                # This transport hands a stream over once it has ended: it must end by itself.
                answer = await http.get(visit["links"]["events"])
                assert answer.headers["content-type"].startswith("text/event-stream")
                events.extend(json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: "))

            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(listen)
                    await anyio.sleep(0.1)
                    two = [frame("001234.5", "kWh", "T1", 1), frame("001234.5", "kWh", "T1", 2)]
                    first = await http.post(url, files=two, data={"at": ["2.0", "2.6"]})
                    assert first.json()["missing"] == ["1.8.2"], first.text
                    await anyio.sleep(0.1)
                    second = [frame("000777.1", "kWh", "T2", n) for n in range(2)]
                    done = await http.post(url, files=second, data={"at": ["4.2", "4.9"]})
                    assert done.json()["done"], done.text
                    await anyio.sleep(0.1)
                    finished = await http.post(visit["links"]["finish"])
            assert finished.status_code == 201
            assert [r["text"] for r in finished.json()["readings"]] == ["001234.5", "000777.1"]
            assert [e["missing"] for e in events if e["state"] == "open"][-1] == []
            assert (events[0]["missing"], events[-1]["state"]) == (["1.8.1", "1.8.2"], "finished")

    anyio.run(run)


def test_errors_leave_with_their_status(app: FastAPI) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as http:
            anna, ben = {"X-API-Key": "anna"}, {"X-API-Key": "ben"}
            visit = (await http.post("/v1/visits", json={}, headers=anna)).json()
            for way, link in (("GET", "self"), ("GET", "events"), ("POST", "finish"), ("POST", "frames")):
                files = [frame("001234.5", "kWh", "T1")] if link == "frames" else None
                assert (await http.request(way, visit["links"][link], headers=ben, files=files)).status_code == 404
            url = visit["links"]["frames"]
            many = [frame("001234.5", "kWh", "T1", n) for n in range(9)]
            assert (await http.post(url, files=many, headers=anna)).status_code == 422
            late = await http.post(url, files=many[:1], data={"at": "999"}, headers=anna)
            assert late.status_code == 422
            assert "time" in late.json()["detail"]
            assert (await http.post(url, files=[("photo", ("f", b"no"))], headers=anna)).status_code == 422
            assert (await http.post("/v1/visits", json={"want": ["x"] * 17}, headers=anna)).status_code == 422
            await http.post("/v1/visits", json={}, headers=anna)
            full = await http.post("/v1/visits", json={}, headers=anna)
            assert (full.status_code, int(full.headers["Retry-After"]) > 0) == (503, True)
            await http.post(visit["links"]["finish"], headers=anna)
            assert (await http.post(url, files=many[:1], headers=anna)).status_code == 409

    anyio.run(run)
