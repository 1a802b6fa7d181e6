"""Would catch: an old or rejected value left standing, a sensor of the wrong class, a meter that was deleted and is
still told, a broker that came late or was restarted and is never told anything again."""

import hashlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import sqlalchemy as sa

from recognizer.domain.meter import Meter, Register
from recognizer.domain.observation import Observation
from recognizer.domain.photo_print import PhotoPrint
from recognizer.domain.reading import Reading, Report, Status
from recognizer.domain.record import Entry
from recognizer.errors import UsageError
from recognizer.store import Store
from recognizer.store_schema import open_database
from service.mqtt import Publisher
from service.records import Records
from service.schema import prepare
from service.sensors import Sensors, sensor

pytest.importorskip("paho.mqtt", reason="the extra is not installed: pip install 'meter-recognizer[mqtt]'")
BROKER = which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:/usr/bin:/usr/local/bin")
needs_broker = pytest.mark.skipif(BROKER is None, reason="mosquitto is not installed: sudo apt-get install mosquitto")
TAKEN = datetime(2026, 10, 1, 12, tzinfo=UTC)
BOX = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))
ROOT = Path(__file__).parents[2]


class Broker:
    """A mosquitto that keeps nothing over its end, and what is retained there."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.seen: list[tuple[str, str]] = []
        self._client: Any = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert BROKER
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen([BROKER, "-c", str(self._config)], **quiet)  # type: ignore[call-overload]

        def answers() -> bool:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                return False
            return True

        until(answers)
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.seen.clear()
        subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _d, message: self.seen.append((message.topic, message.payload.decode()))
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        assert subscribed.wait(5)

    def stop(self) -> None:
        if self._process is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    @property
    def standing(self) -> dict[str, str]:
        """What stands on the broker now, by topic."""
        return {topic: text for topic, text in dict(self.seen).items() if text}

    def state(self, unique_id: str) -> Any:
        text = self.standing.get(f"meter-recognizer/{unique_id}/state")
        return None if text is None else json.loads(text)

    def sensors(self) -> dict[tuple[str, str], Any]:
        """The configurations that discovery finds, by the meter's and the sensor's name."""
        found = {}
        for topic, text in self.standing.items():
            if topic.startswith("homeassistant/"):
                config = json.loads(text)
                assert topic == f"homeassistant/sensor/{config['unique_id']}/config"
                found[config["device"]["name"], config["name"]] = config
        return found


def until(done: Callable[[], object], seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(tmp_path / "s.db", create=True)
    prepare(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine, tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.db") as store:
        registers = (Register("1.8.0", "kWh"), Register("2.8.0", "kWh", may_fall=True))
        store.put_meter(Meter("anna/Keller 1", ("123",), "electricity", registers), owner="anna")
        store.put_meter(Meter("anna/"), owner="anna")
        yield store


@pytest.fixture
def publish(engine: sa.Engine, store: Store, broker: Broker) -> Iterator[Callable[[], Publisher]]:
    running: list[Publisher] = []

    def start() -> Publisher:
        running.append(Publisher(engine, store, broker.url, poll=0.05))
        running[-1]._client.reconnect_delay_set(0.1, 0.1)  # type: ignore[arg-type]
        running[-1].start()
        return running[-1]

    yield start
    for publisher in running:
        publisher.stop()


def add(store: Store, text: str, day: int = 0, status: Status = "accepted", code: str = "1.8.0", **of: Any) -> int:
    reading = Reading(code, of.get("unit"), text, 0.999, status, BOX, "lcd")
    seen = Observation(9, 9, 1.0, photo=PhotoPrint(sha256=hashlib.sha256(f"{text} {day}".encode()).hexdigest()))
    report, meter = Report("a.jpg", status, (reading,)), of.get("meter", "anna/Keller 1")
    entry = Entry(seen, report, TAKEN + timedelta(days=day), datetime.now(UTC), meter, owner="anna")
    return store.add(entry).readings[0]


@needs_broker
def test_what_stands_is_the_latest_that_counts(
    broker: Broker, store: Store, engine: sa.Engine, publish: Callable[[], Publisher]
) -> None:
    broker.start()
    add(store, "00100.5", 1)
    add(store, "00007", 1, code="2.8.0")
    add(store, "00050", 1, meter="anna/")
    publisher = publish()
    until(lambda: len(broker.sensors()) == 2)
    config = broker.sensors()["Keller 1", "Reading 1.8.0"]
    assert (config["device_class"], config["state_class"], config["unit_of_measurement"]) == (
        "energy",
        "total_increasing",
        "kWh",
    )
    assert broker.sensors()["Keller 1", "Reading 2.8.0"]["state_class"] == "total"
    assert config["device"]["serial_number"] == "123"
    assert config["availability_topic"] == "meter-recognizer/status"
    assert config["state_topic"] == f"meter-recognizer/{config['unique_id']}/state"
    assert broker.standing["meter-recognizer/status"] == "online"
    key = config["unique_id"]

    def value() -> Any:
        return (broker.state(key) or {}).get("value")

    until(lambda: value() == "100.5")
    assert broker.state(key) == {"value": "100.5", "taken_at": "2026-10-02T12:00:00+00:00", "status": "accepted"}
    latest = add(store, "00130.0", 3)
    until(lambda: value() == "130.0")
    add(store, "00120.0", 2)  # a photo handed in late
    add(store, "00999.0", 4, "review")
    store.correct(latest, Decimal("131.5"), "confirmed", "ben", datetime.now(UTC))
    until(lambda: value() == "131.5")
    assert broker.state(key)["status"] == "confirmed"
    store.correct(latest, None, "rejected", "ben", datetime.now(UTC))
    until(lambda: value() == "120.0")
    assert not any("999" in text for _, text in broker.seen)
    assert not any(json.loads(text)["value"] == "50" for topic, text in broker.seen if topic.endswith("state"))
    before = len(broker.seen)
    time.sleep(0.2)
    assert len(broker.seen) == before, "what did not change was published again"
    Records(engine).delete_meter("anna/Keller 1")
    until(lambda: set(broker.standing) == {"meter-recognizer/status"})
    publisher.stop()
    until(lambda: broker.standing == {"meter-recognizer/status": "offline"})


@needs_broker
def test_a_broker_that_comes_late_forgets_or_loses_the_connection(
    broker: Broker, store: Store, publish: Callable[[], Publisher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.mqtt.WINDOW", 0)  # else the new decision would bring the old ones along
    store.put_meter(Meter("anna/b"), owner="anna")
    add(store, "00100", 1)
    add(store, "00200", 1, meter="anna/b")
    publisher = publish()  # nobody is there
    broker.start()
    until(lambda: len(broker.standing) == 5)
    broker.stop()
    add(store, "00101", 2)
    broker.start()
    until(lambda: len(broker.standing) == 5)
    assert sorted(json.loads(t)["value"] for k, t in broker.standing.items() if k.endswith("/state")) == ["101", "200"]
    lost = publisher._client.socket()
    assert isinstance(lost, socket.socket)
    lost.shutdown(socket.SHUT_RDWR)
    status = "meter-recognizer/status"
    until(lambda: [text for topic, text in broker.seen if topic == status][-2:] == ["offline", "online"])


@needs_broker
def test_what_was_deleted_meanwhile_is_taken_off_the_broker_after_a_restart(
    broker: Broker, store: Store, engine: sa.Engine, publish: Callable[[], Publisher]
) -> None:
    broker.start()
    store.put_meter(Meter("anna/b"), owner="anna")
    add(store, "00100", 1)
    add(store, "00200", 2, meter="anna/b")
    first = publish()
    until(lambda: len(broker.standing) == 5)
    first.stop()
    Records(engine).delete_meter("anna/b")
    publish()
    until(lambda: len(broker.standing) == 3)
    assert list(broker.sensors()) == [("Keller 1", "Reading 1.8.0")]


@pytest.mark.parametrize(
    ("medium", "unit", "expected"),
    [
        ("electricity", "kWh", ("energy", "kWh")),
        ("electricity", "кВт·ч", ("energy", "kWh")),
        ("electricity", "kvarh", (None, "kvarh")),
        ("heat", "Gcal", ("energy", "Gcal")),
        ("water", "m3", ("water", "m³")),
        ("gas", "m³", ("gas", "m³")),
        ("gas", "gal", ("volume", "gal")),
        (None, "m³", ("volume", "m³")),
        ("water", None, (None, None)),
        ("water", "bushels", (None, None)),
    ],
)
def test_the_classes_of_the_energy_dashboard(
    medium: str | None, unit: str | None, expected: tuple[str | None, str | None]
) -> None:
    found = sensor(Meter("anna/a", medium=medium), "total", unit)
    assert (found.get("device_class"), found.get("unit_of_measurement")) == expected
    assert found["state_class"] == "total_increasing"
    assert found["name"] == "Reading"


def test_the_unit_on_the_display_counts_where_the_record_has_none(engine: sa.Engine, store: Store) -> None:
    store.put_meter(Meter("ben/attic", medium="water"))
    sensors = Sensors(engine, store, "base", "homeassistant")
    add(store, "00001", 1, code="8.1.0", unit="m³", meter="ben/attic")

    def config() -> Any:
        return next(json.loads(t) for k, t in sensors.messages("ben/attic").items() if k.endswith("config"))

    assert (config()["device_class"], config()["unit_of_measurement"]) == ("water", "m³")
    add(store, "00002", 2, code="8.1.0", unit="gal", meter="ben/attic")
    assert "unit_of_measurement" not in config(), "one of the two units is wrong"


def test_a_reading_that_counts_is_found_behind_many_that_do_not(
    engine: sa.Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.sensors.MOST_PHOTOS", 3)
    add(store, "00001", 1)
    for day in range(2, 8):
        add(store, f"0000{day}", day, "review")
    sensors = Sensors(engine, store, "base", "homeassistant")
    assert str(sensors.latest("anna/Keller 1")["1.8.0"].value) == "1"


@pytest.mark.parametrize("url", ["", "127.0.0.1", "http://a", "mqtt://", "mqtt://a:x", "mqtt://a/topic", "mqtt://[::1"])
def test_what_is_no_broker(engine: sa.Engine, store: Store, url: str) -> None:
    with pytest.raises(UsageError, match="mqtt://"):
        Publisher(engine, store, url)
    with pytest.raises(UsageError, match="topics"):
        Publisher(engine, store, "mqtt://a", base="a/#")


def test_paho_is_not_imported_while_mqtt_is_off() -> None:
    code = "import sys, service.mqtt; sys.exit('paho' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0
