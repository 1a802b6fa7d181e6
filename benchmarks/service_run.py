"""A service in a process of its own, and what talks to it over HTTP: for ``benchmarks.service``.

The client is the standard library's, on a kept connection: what it costs itself is part of every time measured.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.run import ROOT
from recognizer.errors import StoreError

START_SECONDS = 60
TIMEOUT = 60.0
BOUNDARY = "b0undary-0f-the-benchmark"
_STAND_IN = """
import hashlib, json, sys, time
from pathlib import Path
import uvicorn
from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.policy import Policy
from service.app import create_app
from service.logs import to_stderr
from service.settings import Settings

class StandIn:
    policy = Policy()

    def observe(self, frame, *, expected=(), plate=None):
        time.sleep(asked["seconds"])
        number = int(hashlib.sha256(frame.pixels.tobytes()).hexdigest()[:8], 16) % 10**5
        glyphs = [Glyph(((d, 0.9999),), i / 5, (i + 1) / 5) for i, d in enumerate(f"{number:05d}")]
        w, h = frame.width, frame.height
        box = (w * 0.2, h * 0.3), (w * 0.8, h * 0.3), (w * 0.8, h * 0.6), (w * 0.2, h * 0.6)
        displays = (Display("drum", box, 0.99, 0.99, tuple(glyphs)),)
        return Observation(w, h, 10.0, displays, models=(("counter", "0" * 12),), photo=frame.photo)

asked = json.loads(sys.argv[1])
to_stderr()
own = {"waiting": asked["waiting"], "receiving": asked["receiving"]}
settings = Settings(
    Path(asked["data_dir"]), asked["database"], port=asked["port"], demo=True, per_minute=10**7, **own
)
uvicorn.run(create_app(settings, StandIn()), host="127.0.0.1", port=asked["port"], log_config=None, server_header=False)
"""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A reader that looks at nothing, after so many seconds; and limits that the command has no option for."""

    seconds: float = 0.005
    waiting: int = 8
    receiving: int = 64


@dataclass(frozen=True, slots=True)
class Service:
    """A running one."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def memory_mb(self) -> float:
        """What it holds of the machine's memory now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(folder: Path, database: str | None = None, stand_in: StandIn | None = None) -> Iterator[Service]:
    """A service on a data folder, with SQLite in it or ``database``. StoreError where it does not start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    if stand_in is None:
        own = ["-m", "service", "--data-dir", str(folder), "--port", str(port), "--demo", "--per-minute", "10000000"]
    else:
        limits = {"seconds": stand_in.seconds, "waiting": stand_in.waiting, "receiving": stand_in.receiving}
        asked = {"data_dir": str(folder), "database": database, "port": port} | limits
        own = ["-c", _STAND_IN, json.dumps(asked)]
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "PHOTOS_URL")}
    environment |= {"DATABASE_URL": database} if database else {}
    with (folder / "service.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, *own], cwd=ROOT, env=environment, stdout=log, stderr=log)
    service = Service(process, port)
    try:
        _await(service, folder / "service.log")
        yield service
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                service.kill()


def _await(service: Service, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with client(service) as asking:
                if asking.get("/readyz")[0] == 200:
                    return
        except OSError:
            pass
        if service.process.poll() is not None or time.monotonic() > until:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise StoreError(f"the service did not start: {' '.join(last)}")
        time.sleep(0.03)


class Client:
    """One connection. OSError where the service is gone (http.client's own errors as such, too)."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = self._fresh()

    def _fresh(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer."""
        try:
            self._connection.request(method, path, body, dict(headers))
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = self._fresh()
            raise ConnectionError(str(error)) from error

    def get(self, path: str) -> tuple[int, bytes]:
        return self.ask("GET", path, None, {})

    def json(self, path: str) -> Any:
        """What a path answers; StoreError for anything but 200."""
        status, body = self.get(path)
        if status != 200:
            raise StoreError(f"the service answered {status} for {path}: {body[:200]!r}")
        return json.loads(body)

    def upload(self, form: "Form") -> tuple[int, dict[str, Any]]:
        """Status and answer of an upload."""
        status, body = self.ask("POST", "/v1/readings", form.body, form.headers)
        return status, json.loads(body)

    def forget(self, meter: str) -> None:
        """Delete a meter with its photos, so that the same photo is read again as a new one."""
        status, body = self.ask("DELETE", f"/v1/meters/{meter}", None, {})
        if status not in (200, 204):
            raise StoreError(f"the service answered {status} to a deletion: {body[:200]!r}")

    def close(self) -> None:
        self._connection.close()


@contextmanager
def client(service: Service) -> Iterator[Client]:
    made = Client(service.port)
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True, slots=True)
class Form:
    """An upload as it is sent."""

    body: bytes
    headers: Mapping[str, str]


def form(name: str, photo: bytes, meter: str, key: str | None = None) -> Form:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="meter"\r\n\r\n{meter}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    headers |= {"Idempotency-Key": key} if key else {}
    return Form(head.encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode(), headers)
