"""Would catch: an acknowledged reading that is lost, there twice, or without its photo, after ``kill -9``."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

Photo = Callable[..., bytes]
ROOT = Path(__file__).parents[2]
KILLS, UPLOADS, PHOTOS = 3, 40, 60
SERVER = """
import sys, uvicorn
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
from conftest import StandIn
from service.app import create_app
from service.settings import Settings
app = create_app(Settings(Path({data!r}), demo=True, waiting=100, per_minute=10**6), StandIn())
uvicorn.run(app, port={port}, log_config=None)
"""


def start(data: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = SERVER.format(root=str(ROOT), here=str(Path(__file__).parent), data=str(data), port=port)
    server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while time.monotonic() < until:
        try:
            httpx.get(f"{url}/readyz", timeout=5, trust_env=False)
            return server, url
        except httpx.TransportError:
            assert server.poll() is None, "the service did not start"
            time.sleep(0.05)
    raise AssertionError("the service did not start in time")


def test_what_was_acknowledged_is_there_once(tmp_path: Path, photo: Photo) -> None:
    told: dict[int, set[str]] = {}
    for kill in range(KILLS):
        server, url = start(tmp_path)
        lost, answered = threading.Event(), threading.Event()

        def send(n: int, url: str = url, lost: threading.Event = lost, answered: threading.Event = answered) -> None:
            files = [("photo", ("a.png", photo(n)))]
            key = {"Idempotency-Key": str(n)}
            try:
                answer = httpx.post(
                    f"{url}/v1/readings", files=files, data={"meter": "m"}, headers=key, timeout=30, trust_env=False
                )
            except httpx.TransportError:
                lost.set()
                return
            assert answer.status_code == 201, answer.text
            told.setdefault(n, set()).update(answer.json()["reading_ids"])
            answered.set()

        def killed(
            server: subprocess.Popen[bytes] = server, answered: threading.Event = answered, wait: float = 0.1 * kill
        ) -> None:
            answered.wait(30)  # on a busy machine the first answer takes a while
            time.sleep(wait)
            os.kill(server.pid, signal.SIGKILL)

        killer = threading.Thread(target=killed)
        killer.start()
        with ThreadPoolExecutor(16) as pool:
            # Some of every round were sent in the one before: a client that got no answer sends again.
            list(pool.map(send, ((kill * 10 + i) % PHOTOS for i in range(UPLOADS))))
        killer.join()
        server.wait(10)
        assert lost.is_set(), "the kill came too late to show anything"
    assert told
    server, url = start(tmp_path)
    try:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            items = client.get("/v1/meters/m/readings?limit=500").json()["items"]
            kept = {client.get(item["links"]["photo"]).content for item in items}
            assert len(kept) == len(items)  # every reading has its photo, and no photo two readings
            ids = {item["id"] for item in items}
            for n, keys in told.items():
                assert len(keys) == 1, f"photo {n} was told to be the readings {keys}"
                assert keys <= ids
                assert photo(n) in kept
    finally:
        server.kill()
        server.wait(10)
