"""Readings for Home Assistant: one sensor for every register of every meter, found by MQTT discovery.

What is published is what the store's history says at that time, so corrections and photos handed in late come out
right: the latest reading of a register that was accepted or confirmed. A register without one has no sensor. Topics
are retained, and only what changed is published; after every connection it is everything, since a broker may forget.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

from recognizer.errors import RecognizerError, UsageError
from recognizer.store import Store
from recognizer.store_schema import decisions, meters, photos, readings
from service.meter_ids import split
from service.outbox import WINDOW
from service.sensors import Sensors
from service.tables import transaction

if TYPE_CHECKING:
    from paho.mqtt.client import Client

ONLINE, OFFLINE = "online", "offline"
SWEPT_EVERY = 600.0
"""Seconds after which every meter is looked at again, for changes that are no decisions: its record, above all."""
ACKNOWLEDGED = 10.0
_LOCK = 827413
log = logging.getLogger("service.mqtt")
metadata = sa.MetaData()
topics = sa.Table(
    "service_mqtt_topics",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("meter", sa.Text, nullable=False),
)
"""What may stand on the broker: a meter deleted while the broker was away is taken off it after a restart, too."""


class Publisher:
    """Publishes to the broker at ``url`` between ``start`` and ``stop``, and connects again whenever it is lost.

    ``url`` is ``mqtt://[user:password@]host[:port]``, or ``mqtts://`` for TLS. Raises UsageError for anything else, and
    where paho-mqtt is not installed.
    """

    def __init__(
        self,
        engine: sa.Engine,
        store: Store,
        url: str,
        *,
        base: str = "meter-recognizer",
        discovery: str = "homeassistant",
        poll: float = 5.0,
    ) -> None:
        self._engine, self._poll = engine, poll
        if not all(part and not set(part) & set("+#\0") for part in (base, discovery)) or poll <= 0:
            raise UsageError("MQTT topics are some text without + and #")
        self._sensors = Sensors(engine, store, base, discovery)
        self._status_topic = self._sensors.status_topic
        self._host, self._port, self._client = _client(url)
        self._client.will_set(self._status_topic, OFFLINE, qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._shown: dict[str, dict[str, str]] = {}
        """What was published by meter and topic, empty where it was so before this connection."""
        self._connections = 0
        self._last = (0, 0)
        self._swept = -SWEPT_EVERY
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, whether or not the broker is there yet."""
        self._ending.clear()
        with transaction(self._engine) as db:
            if db.dialect.name != "sqlite":
                db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            metadata.create_all(db)
            for topic, meter in db.execute(sa.select(topics.c.topic, topics.c.meter)):
                self._shown.setdefault(meter, {})[topic] = ""
        self._client.connect_async(self._host, self._port, keepalive=30)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say that nothing more comes, and end."""
        self._ending.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(ACKNOWLEDGED + 5)
            self._thread = None
        if self._client.is_connected():
            self._send({self._status_topic: OFFLINE})
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("mqtt refused", extra={"why": str(reason)})
            return
        self._connections += 1
        self._wake.set()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not self._ending.is_set():
            log.warning("mqtt connection lost", extra={"why": str(reason)})

    def _run(self) -> None:
        seen = 0
        while not self._ending.is_set():
            self._wake.wait(self._poll)
            self._wake.clear()
            if self._ending.is_set() or not self._client.is_connected():
                continue
            try:
                connection = self._connections
                if connection != seen:
                    self._shown = {meter: dict.fromkeys(shown, "") for meter, shown in self._shown.items()}
                    self._swept = -SWEPT_EVERY
                    if not self._send({self._status_topic: ONLINE}):
                        continue
                if self._publish(self._due()):
                    seen = connection
                else:
                    self._swept = -SWEPT_EVERY  # what was not taken is found again by looking at everything
            except RecognizerError as error:
                self._swept = -SWEPT_EVERY
                log.warning("mqtt", extra={"error": type(error).__name__})
            except Exception:  # a thread that ends in silence would leave old values standing
                self._swept = -SWEPT_EVERY
                log.exception("mqtt")

    def _due(self) -> list[str]:
        """The meters that may have changed, those that were deleted included."""
        with transaction(self._engine, writes=False) as db:
            there = set(db.execute(sa.select(meters.c.id)).scalars())
            top = int(db.execute(sa.select(sa.func.max(decisions.c.id))).scalar() or 0)
            near = sa.select(sa.func.count()).select_from(decisions).where(decisions.c.id > top - WINDOW)
            now = top, int(db.execute(near).scalar() or 0)
            changed: set[str] = set()
            if now != self._last:
                whole = decisions.join(readings).join(photos, photos.c.id == readings.c.photo_id)
                query = sa.select(photos.c.meter_id).select_from(whole).distinct()
                query = query.where(decisions.c.id > min(top, self._last[0]) - WINDOW, photos.c.meter_id.is_not(None))
                changed = set(db.execute(query).scalars())
        self._last = now
        if time.monotonic() - self._swept >= SWEPT_EVERY:
            self._swept = time.monotonic()
            changed = there
        gone = self._shown.keys() - there
        return sorted(gone | (changed & there))

    def _publish(self, due: Iterable[str]) -> bool:
        for meter_id in due:
            if self._ending.is_set():
                return True
            if split(meter_id)[1] is None:
                continue
            wanted, shown = self._sensors.messages(meter_id), self._shown.get(meter_id, {})
            changed = {topic: text for topic, text in wanted.items() if shown.get(topic) != text}
            changed |= {topic: "" for topic in shown if topic not in wanted}  # an empty one is taken off the broker
            self._note(meter_id, wanted.keys() - shown.keys())  # before it is published: it may be the last thing done
            self._shown[meter_id] = dict.fromkeys(wanted, "") | shown
            if not self._send(changed):
                return False
            self._note(None, shown.keys() - wanted.keys())
            self._shown[meter_id] = wanted
            if not wanted:
                del self._shown[meter_id]
        return True

    def _note(self, meter_id: str | None, changed: Collection[str]) -> None:
        """Keep that topics may stand on the broker, or with None that they do no more."""
        if not changed:
            return
        with transaction(self._engine) as db:
            db.execute(topics.delete().where(topics.c.topic.in_(changed)))
            if meter_id is not None:
                db.execute(topics.insert(), [{"topic": topic, "meter": meter_id} for topic in sorted(changed)])

    def _send(self, messages: dict[str, str]) -> bool:
        """Whether the broker acknowledged all."""
        try:
            sent = [self._client.publish(topic, text, qos=1, retain=True) for topic, text in messages.items()]
            until = time.monotonic() + ACKNOWLEDGED
            for info in sent:
                info.wait_for_publish(max(0.01, until - time.monotonic()))
            return all(info.is_published() for info in sent)
        except (ValueError, RuntimeError, OSError) as error:
            log.warning("mqtt not sent", extra={"error": type(error).__name__})
            return False


def _client(url: str) -> "tuple[str, int, Client]":
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("mqtt", "mqtts") or parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError("the MQTT broker is like mqtt://user:password@host:1883, or mqtts://host")
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise UsageError(f"MQTT needs an extra package: pip install 'meter-recognizer[mqtt]' ({error})") from error
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect_timeout = 5.0
    client.reconnect_delay_set(min_delay=1, max_delay=60)
    client.max_queued_messages_set(10_000)
    if parts.scheme == "mqtts":
        client.tls_set()
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password) if parts.password else None)
    return host, port or (8883 if parts.scheme == "mqtts" else 1883), client
