"""Would catch: a place that is held by a slow sender, or never given back; a rush that costs more than a look."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

Photo = Callable[..., bytes]


def test_slow_senders_hold_no_place_and_broken_uploads_give_theirs_back(serve: Any, photo: Photo) -> None:
    people = serve(workers=1, waiting=0, silence=5.0)
    anna = people.key("anna")
    head = "".join(f"{name}: {value}\r\n" for name, value in anna.items())
    begun = f"POST /v1/readings HTTP/1.1\r\nHost: x\r\n{head}Content-Type: multipart/form-data; boundary=b\r\n"
    with ExitStack() as open_ones:
        for _ in range(3):
            slow = open_ones.enter_context(socket.create_connection(("127.0.0.1", people.port)))
            slow.sendall(f"{begun}Content-Length: 5000\r\n\r\n--b\r\n".encode())
        for broken in (b"", b"no photo", photo(1)[:30]):
            assert 400 <= people.upload(anna, broken).status_code < 500
        assert people.upload(anna, photo(1)).status_code == 201


def test_a_rush_is_turned_away_before_the_key_is_looked_up(serve: Any, photo: Photo) -> None:
    looking, enough = threading.Event(), threading.Event()

    def wait() -> None:
        looking.set()
        assert enough.wait(20)

    people = serve(wait, workers=1, waiting=0)
    anna = people.key("anna")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(people.upload, anna, photo(1))
        assert looking.wait(20)
        finds: list[str] = []
        find = people.app.state.parts.keys.find

        def counted(key: str) -> Any:
            finds.append(key)
            return find(key)

        people.app.state.parts.keys.find = counted
        answers = [people.upload(anna, photo(n)) for n in (2, 3)]
        enough.set()
        assert first.result().status_code == 201
    assert [(a.status_code, a.headers["Retry-After"]) for a in answers] == [(503, "2")] * 2
    assert finds == []
    assert people.upload(anna, photo(2)).status_code == 201
    assert len(finds) == 1
