"""The service with a reader that needs no models, and a client of it that stands for a person."""

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service's extra is not installed: pip install 'meter-recognizer[service]'")
pytest.importorskip("httpx", reason="httpx is not installed: pip install httpx")

import httpx
import uvicorn
from fastapi import FastAPI

from recognizer.domain.observation import Display, Glyph, Observation
from recognizer.domain.policy import Policy
from recognizer.vision.frame import Frame


class StandIn:
    """Looks at the photo as the real reader does, and sees digits that its bytes decide: the same for the same photo.

    A photo whose left edge is black has no display, one whose left edge is grey a doubtful one.
    """

    policy = Policy()

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self._before = before

    def observe(self, frame: Frame, *, expected: Sequence[str] = (), plate: bool | None = None) -> Observation:
        self._before()
        edge = int(frame.pixels[:, :4].mean())
        photo = frame.photo
        seen = Observation(frame.width, frame.height, 10.0, models=(("counter", "0123456789ab"),), photo=photo)
        if edge < 20:
            return seen
        number = int(hashlib.sha256(frame.pixels.tobytes()).hexdigest()[:8], 16) % 10**5
        sure = 0.7 if edge < 140 else 0.99999
        glyphs = [Glyph(((digit, sure), ("0" if digit != "0" else "1", 0.99999 - sure + 1e-6)), i / 5, (i + 1) / 5)
                  for i, digit in enumerate(f"{number:05d}")]  # fmt: skip
        w, h = frame.width * 0.8, frame.height * 0.6
        box = ((w * 0.2, h * 0.3), (w, h * 0.3), (w, h), (w * 0.2, h))
        return Observation(
            frame.width, frame.height, 10.0, (Display("drum", box, 0.99, 0.99, tuple(glyphs)),), photo=photo
        )


def photo_bytes(number: int, edge: int = 255) -> bytes:
    """A PNG that differs for every number."""
    pixels = np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)
    pixels[:, :8] = edge
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def photo() -> Callable[..., bytes]:
    return photo_bytes


class People:
    """A running application and the keys of people who use it."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        until = time.monotonic() + 20
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.01)
        assert self._server.started, "the service did not start"
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)

    def stop(self) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()
        assert not self._thread.is_alive(), "the service did not stop"

    def key(self, name: str, *scopes: str) -> dict[str, str]:
        """Headers with a new key."""
        _, key = self.app.state.parts.keys.create(name, scopes or ("submit", "read"))
        return {"Authorization": f"Bearer {key}"}

    def upload(self, headers: dict[str, str], *photos: bytes, **form: Any) -> Any:
        files = [("photo", ("a.png", data)) for data in photos]
        return self.client.post("/v1/readings", files=files, data=form, headers=headers)


Serve = Callable[..., People]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """``serve(**settings)`` gives a running application, on a real socket, with a data folder of the test's own.

    ``before`` is called before the reader looks at a photo.
    """
    from service.app import create_app
    from service.settings import Settings

    running: list[People] = []

    def start(before: Callable[[], None] = lambda: None, **settings: Any) -> People:
        options: dict[str, Any] = {"data_dir": tmp_path / "data", "per_minute": 100_000}
        people = People(create_app(Settings(**(options | settings)), StandIn(before)))
        running.append(people)
        return people

    yield start
    for people in running:
        people.stop()
