"""Would catch: a conclusion told twice, never, unsigned, to a private address or behind a redirect; one that is lost in
a restart; a receiver that holds the worker, or the other receivers, for ever."""

import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from recognizer.domain.meter import Meter
from recognizer.domain.observation import Observation
from recognizer.domain.photo_print import PhotoPrint
from recognizer.domain.reading import Reading, Report, Status
from recognizer.domain.record import Entry
from recognizer.errors import UsageError
from recognizer.store import Store
from recognizer.store_schema import decisions, open_database
from service import outbox as outboxes
from service.outbox import Outbox, deliveries
from service.outward import UnsentError, permitted, post, target
from service.webhook import Webhook, wait

SECRET = "a secret of the tests"
TAKEN = datetime(2026, 10, 1, 12, tzinfo=UTC)
BOX = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))


@dataclass
class Receiver:
    """An HTTP server that answers ``status`` and keeps what came."""

    status: Callable[[int], int] = lambda n: 204
    context: ssl.SSLContext | None = None
    got: list[tuple[dict[str, str], bytes, str]] = field(default_factory=list)

    def __enter__(self) -> "Receiver":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body, self.path))
                self.send_response(outer.status(len(outer.got)))
                self.send_header("Location", f"http://127.0.0.1:{outer.port}/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        if self.context is not None:
            self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=mine"


Hooks = Callable[..., Webhook]


@pytest.fixture
def webhooks(engine: sa.Engine) -> Iterator[Hooks]:
    """``webhooks(url, …)`` starts one; it is stopped whatever becomes of the test."""
    started: list[Webhook] = []

    def start(*urls: str, tries: int = 12) -> Webhook:
        started.append(Webhook(engine, urls, SECRET, tries=tries, poll=0.01, first_wait=0.02, seconds=2.0))
        started[-1].start()
        return started[-1]

    yield start
    for webhook in started:
        webhook.stop()


def until(done: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.005)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(tmp_path / "s.db", create=True)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine, tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.db") as store:
        store.put_meter(Meter("anna/cellar"), owner="anna")
        yield store


def add(store: Store, text: str, status: Status = "accepted", meter: str | None = "anna/cellar") -> int:
    reading = Reading("1.8.0", "kWh", text, 0.999, status, BOX, "lcd")
    seen = Observation(9, 9, 1.0, photo=PhotoPrint(sha256=hashlib.sha256(text.encode()).hexdigest()))
    owner = None if meter else "anna"
    entry = Entry(seen, Report("a.jpg", status, (reading,)), TAKEN, datetime.now(UTC), meter, owner=owner)
    return store.add(entry).readings[0]


def test_a_conclusion_is_told_once_and_signed(webhooks: Hooks, store: Store) -> None:
    add(store, "00001")  # before the webhook was first switched on
    with Receiver() as receiver:
        webhook = webhooks(receiver.url)
        key = add(store, "00123.4")
        doubtful = add(store, "00124.0", "review")
        until(lambda: len(receiver.got) == 1)
        headers, body, path = receiver.got[0]
        told = json.loads(body)
        at = told.pop("decided_at")
        assert abs(datetime.fromisoformat(at) - datetime.now(UTC)) < timedelta(seconds=60)
        assert told == {
            "reading": key, "owner": "anna", "meter": "cellar", "register": "1.8.0", "unit": "kWh", "text": "00123.4",
            "value": "123.4", "status": "accepted", "taken_at": TAKEN.isoformat(), "by_person": False,
        }  # fmt: skip
        assert path == "/hook?of=mine"
        assert headers["Host"] == f"127.0.0.1:{receiver.port}"
        stamp = headers["X-Meter-Timestamp"]
        assert abs(int(stamp) - time.time()) < 60
        digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["X-Meter-Signature"] == f"sha256={digest}"
        store.correct(doubtful, Decimal(125), "confirmed", "ben", datetime.now(UTC))
        until(lambda: len(receiver.got) == 2)
        by_hand = json.loads(receiver.got[1][1])
        assert (by_hand["reading"], by_hand["value"], by_hand["status"]) == (doubtful, "125", "confirmed")
        assert by_hand["by_person"] is True
        until(lambda: webhook.counts()["delivered"] == 2)
        assert webhook.counts() == {"waiting": 0, "dead": 0, "delivered": 2, "failures": 0}
        webhook.stop()
        again = webhooks(receiver.url)
        add(store, "00777", meter=None)
        until(lambda: len(receiver.got) == 3)
        again.stop()
        last = json.loads(receiver.got[2][1])
        assert (last["owner"], last["meter"]) == ("anna", None)
        assert len({h["X-Meter-Delivery"] for h, _, _ in receiver.got}) == 3


def test_what_fails_is_tried_again_under_its_id_and_after_a_restart(webhooks: Hooks, store: Store) -> None:
    with Receiver(lambda n: 500 if n == 1 else 307 if n == 2 else 200) as receiver:
        webhook = webhooks(receiver.url)
        add(store, "00123")
        until(lambda: webhook.counts()["failures"] >= 1)
        webhook.stop()
        again = webhooks(receiver.url)
        until(lambda: again.counts()["delivered"] == 1)
        again.stop()
        assert [path for _, _, path in receiver.got] == ["/hook?of=mine"] * 3, "a redirect was followed"
        assert len({headers["X-Meter-Delivery"] for headers, _, _ in receiver.got}) == 1
        assert again.counts()["waiting"] == again.counts()["dead"] == 0


def test_it_is_dead_after_so_many_tries_and_holds_up_nobody_else(
    webhooks: Hooks, engine: sa.Engine, store: Store
) -> None:
    with Receiver(lambda n: 500) as bad, Receiver() as good:
        webhook = webhooks(bad.url, good.url, tries=3)
        for number in range(4):
            add(store, f"0012{number}")
        until(lambda: webhook.counts() == {"waiting": 0, "dead": 4, "delivered": 4, "failures": 12})
        time.sleep(0.05)
        webhook.stop()
        assert len(bad.got) == 12
        with engine.connect() as db:
            assert set(db.execute(sa.select(deliveries.c.why).where(deliveries.c.state == "dead")).scalars()) == {
                "status 500"
            }


def test_deleted_readings_are_not_told_and_their_ids_come_again(engine: sa.Engine, store: Store) -> None:
    outbox, now = Outbox(engine), datetime.now(UTC)
    outbox.create(now - timedelta(seconds=1))
    for number in range(3):
        add(store, f"0012{number}")
    assert outbox.move(["a"], datetime.now(UTC)) == 3
    add(store, "00123")
    while (taken := outbox.take(["a"], datetime.now(UTC))) is not None:
        outbox.delivered(taken)
    assert outbox.move(["a"], datetime.now(UTC)) == 1
    with engine.begin() as db:
        db.execute(decisions.delete())
    assert outbox.take(["a"], datetime.now(UTC)) is None
    assert outbox.counts()["waiting"] == 0
    key = add(store, "00900")
    with engine.connect() as db:
        assert db.execute(sa.select(decisions.c.id)).scalar() == 1, "SQLite gives the id again"
    assert outbox.move(["a"], datetime.now(UTC)) == 1
    found = outbox.take(["a"], datetime.now(UTC))
    assert found is not None
    assert found.content["reading"] == key


def test_ids_that_are_committed_late_are_moved_once(
    engine: sa.Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outboxes, "WINDOW", 5)
    outbox = Outbox(engine)
    outbox.create(datetime.now(UTC) - timedelta(seconds=1))
    reading = add(store, "00123")
    row = {"reading_id": reading, "who": "x", "why": "", "status": "accepted", "text": "1", "value": "1", "rules": ""}
    row |= {"by_person": False, "at": datetime.now(UTC)}

    def insert(*ids: int) -> None:
        with engine.begin() as db:
            db.execute(decisions.insert(), [row | {"id": key} for key in ids])

    insert(*range(3, 40))
    assert outbox.move(["a", "b"], datetime.now(UTC)) == 2 * 38
    insert(2)  # too late: below the window
    assert outbox.move(["a", "b"], datetime.now(UTC)) == 0
    insert(45)
    assert outbox.move(["a", "b"], datetime.now(UTC)) == 2
    insert(42, 44)
    assert outbox.move(["a", "b"], datetime.now(UTC)) == 4
    assert outbox.move(["a", "b"], datetime.now(UTC)) == 0
    with engine.connect() as db:
        moved = db.execute(sa.select(deliveries.c.decision_id).where(deliveries.c.endpoint == "a")).scalars().all()
    assert sorted(moved) == [1, *range(3, 40), 42, 44, 45]
    with engine.begin() as db:
        db.execute(decisions.delete())
    row["at"] = datetime.now(UTC)
    insert(1, 2, 3)  # a meter was deleted, and SQLite goes on far below the cursor
    assert outbox.move(["a", "b"], datetime.now(UTC)) == 6


def test_two_workers_share_deliveries_and_a_killed_one_loses_none(engine: sa.Engine, store: Store) -> None:
    outbox, now = Outbox(engine), datetime.now(UTC)
    outbox.create(now - timedelta(seconds=1))
    for number in range(20):
        add(store, f"001{number:02d}")
    now = datetime.now(UTC)
    movers = [threading.Thread(target=outbox.move, args=(["a"], now)) for _ in range(4)]
    for thread in movers:
        thread.start()
    for thread in movers:
        thread.join()
    taken: list[str] = []

    def take() -> None:
        while (delivery := outbox.take(["a"], now)) is not None:
            taken.append(delivery.id)

    takers = [threading.Thread(target=take) for _ in range(4)]
    for thread in takers:
        thread.start()
    for thread in takers:
        thread.join()
    assert len(taken) == len(set(taken)) == 20
    later = outbox.take(["a"], now + timedelta(seconds=61))  # nothing was heard of how it ended
    assert later is not None
    assert later.tries == 2


def test_the_table_does_not_grow_for_ever(engine: sa.Engine, store: Store) -> None:
    outbox, now = Outbox(engine), datetime.now(UTC)
    outbox.create(now - timedelta(seconds=1))
    add(store, "00123")
    add(store, "00124")
    assert outbox.move(["a"], datetime.now(UTC)) == 2
    delivery = outbox.take(["a"], datetime.now(UTC))
    assert delivery is not None
    outbox.delivered(delivery)
    assert outbox.clean(now + timedelta(days=2), timedelta(days=3)) == 0
    assert outbox.clean(now + timedelta(days=4), timedelta(days=3)) == 1
    assert outbox.counts() == {"waiting": 0, "dead": 1}
    outbox.clean(now + timedelta(days=31), timedelta(days=3))
    with engine.connect() as db:
        assert db.execute(sa.select(sa.func.count()).select_from(deliveries)).scalar() == 0
    assert outbox.move(["a"], now + timedelta(days=31)) == 0, "what was forgotten is not moved again"


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "ftp://example.org", "https://", "https://u:p@example.org/", "https://example.org/#a",
     "http://127.0.0.1.example.org/", "https://exam ple.org", "https://example.org:99999/", "http://[::1", "file:///a",
     "https://example.org/\r\nX: y", "http://2130706433/", "http://192.168.0.1/"],
)  # fmt: skip
def test_only_https_or_this_machine(url: str) -> None:
    with pytest.raises(UsageError):
        target(url)
    assert target("http://[::1]:80/a?b=c").path == "/a?b=c"
    assert "token" not in repr(target("https://example.org/token"))


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "192.168.1.1", "172.16.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
     "64:ff9b::a00:1", "2002:a00:1::", "::ffff:127.0.0.1", "fec0::1"],
)  # fmt: skip
def test_private_addresses_are_refused(address: str) -> None:
    assert not permitted(ip_address(address), loopback=False, private=False)
    assert permitted(ip_address("64:ff9b::5db8:d70e"), loopback=False, private=False), "public, behind NAT64"
    never = {"127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0"}
    if address in never:
        assert not permitted(ip_address(address), loopback=False, private=True)


@given(st.ip_addresses())
def test_what_is_permitted(address: IPv4Address | IPv6Address) -> None:
    if permitted(address, loopback=False, private=False):
        assert address.is_global
        assert permitted(address, loopback=False, private=True)
    assert not permitted(address, loopback=True, private=True) or not permitted(address, loopback=False, private=True)
    if isinstance(address, IPv4Address):
        mapped = IPv6Address(f"::ffff:{address}")
        assert permitted(mapped, loopback=False, private=False) == permitted(address, loopback=False, private=False)


def test_the_address_that_was_checked_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers first a public address, then a private one."""
    asked, connected = [], []
    real = socket.socket.connect

    def look_up(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        address = "192.0.2.1" if len(asked) > 1 else "93.184.215.14"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(self: socket.socket, place: Any) -> None:
        connected.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(UnsentError, match="no connection"):
        post(target("https://example.org/"), b"", {})
    assert (asked, connected) == (["example.org"], [("93.184.215.14", 443)])
    with pytest.raises(UnsentError, match="not allowed"):
        post(target("https://example.org/"), b"", {}, private=False)
    assert len(connected) == 1
    monkeypatch.setattr(socket.socket, "connect", real)


def test_localhost_that_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: elsewhere)
    with pytest.raises(UnsentError, match="not allowed"):
        post(target("http://localhost/"), b"", {}, private=True)


@pytest.mark.parametrize("drip", [b"", b"H"])
def test_a_receiver_that_never_ends_is_left(drip: bytes) -> None:
    """One that is silent, and one that sends a byte now and then."""
    ended = threading.Event()

    def serve(server: socket.socket) -> None:
        other, _ = server.accept()
        with other:
            try:
                other.sendall(b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.02):
                    other.sendall(drip)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        begin = time.monotonic()
        with pytest.raises(UnsentError, match="timeout"):
            post(target(f"http://127.0.0.1:{server.getsockname()[1]}/"), b"{}", {}, seconds=0.3)
        assert time.monotonic() - begin < 1.5
        ended.set()
        thread.join()


@pytest.mark.skipif(which("openssl") is None, reason="openssl is not installed: no certificate for the test")
def test_the_certificate_is_checked_against_the_name(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=DNS:localhost"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(cert, key)
    trusting = ssl.create_default_context(cafile=str(cert))
    with Receiver(context=served) as receiver:
        receiver.server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
        assert post(target(f"https://localhost:{receiver.port}/"), b"{}", {}, context=trusting) == 204
        for url, context in (("https://127.0.0.1", trusting), ("https://localhost", None)):
            with pytest.raises(UnsentError, match="certificate"):
                post(target(f"{url}:{receiver.port}/"), b"{}", {}, context=context)
        assert len(receiver.got) == 1


@given(st.integers(1, 10_000), st.floats(0.01, 60))
def test_waits_double_up_to_a_bound(tries: int, first: float) -> None:
    whole = min(3600.0, first * 2.0 ** min(tries - 1, 30))
    assert whole / 2 <= wait(tries, first) <= whole


def test_what_cannot_be_configured(engine: sa.Engine) -> None:
    with pytest.raises(UsageError, match="secret"):
        Webhook(engine, ["https://example.org"], "short")
    with pytest.raises(UsageError, match="URL"):
        Webhook(engine, [], SECRET)
