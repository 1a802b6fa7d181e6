"""What Home Assistant is told of a meter: topics and what stands there, made of the store as it is now.

Home Assistant takes a falling ``total_increasing`` for a new meter where it falls by more than a tenth.
"""

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from recognizer.domain.labels import unit_of
from recognizer.domain.meter import Meter, PastReading
from recognizer.store import Store
from recognizer.store_schema import photos, readings
from service.meter_ids import split
from service.tables import transaction

MOST_PHOTOS = 200


class Sensors:
    """The sensors of every meter; ``base`` and ``discovery`` begin the topics."""

    def __init__(self, engine: sa.Engine, store: Store, base: str, discovery: str) -> None:
        self._engine, self._store, self._base, self._discovery = engine, store, base, discovery

    @property
    def status_topic(self) -> str:
        return f"{self._base}/status"

    def messages(self, meter_id: str) -> dict[str, str]:
        """Topics and what stands there; nothing for a meter that is not there or has no reading that counts."""
        meter = self._store.meter(meter_id)
        if meter is None:
            return {}
        messages = {}
        units = self._units(meter_id)
        for code, reading in self.latest(meter_id).items():
            register = meter.register(code)
            unit = (register.unit if register else None) or units.get(code)
            key = _key(meter_id, code)
            state = f"{self._base}/{key}/state"
            config = sensor(meter, code, unit, may_fall=bool(register and register.may_fall))
            config |= {
                "unique_id": key,
                "state_topic": state,
                "value_template": "{{ value_json.value }}",
                "json_attributes_topic": state,
                "availability_topic": self.status_topic,
            }
            told = {
                "value": format(reading.value, "f"),
                "taken_at": reading.taken_at.isoformat(),
                "status": reading.status,
            }
            messages[f"{self._discovery}/sensor/{key}/config"] = json.dumps(config, ensure_ascii=False)
            messages[state] = json.dumps(told)
        return messages

    def latest(self, meter_id: str) -> dict[str, PastReading]:
        """Of every register the last reading that counts, however many that do not came after it."""
        history = self._store.history(meter_id, most=MOST_PHOTOS)
        latest = {past.register: past for past in history if past.counts}
        if len(history) >= MOST_PHOTOS:
            history = self._store.history(meter_id)
            latest = {past.register: past for past in history if past.counts}
        return latest

    def _units(self, meter_id: str) -> dict[str, str]:
        """The unit last seen beside every register, where the display shows one."""
        query = sa.select(readings.c.register, readings.c.unit).select_from(readings.join(photos)).distinct()
        query = query.where(photos.c.meter_id == meter_id, readings.c.unit.is_not(None))
        query = query.where(readings.c.status.in_(("accepted", "confirmed")))
        with transaction(self._engine, writes=False) as db:
            found: dict[str, set[str]] = {}
            for row in db.execute(query):
                found.setdefault(row[0], set()).add(row[1])
        # A register that was seen with two units has none that could be relied on.
        return {code: units.pop() for code, units in found.items() if len(units) == 1}


def sensor(meter: Meter, code: str, unit: str | None, *, may_fall: bool = False) -> dict[str, Any]:
    """What Home Assistant is to know of a register.

    Without a unit there is no class of device: a reading in an unknown unit would go wrong into the energy dashboard.
    Put the unit into the register of the meter's record.
    """
    _, name = split(meter.id)
    device: dict[str, Any] = {"identifiers": [_key(meter.id)], "name": name}
    if len(meter.serials) == 1:
        device["serial_number"] = meter.serials[0]
    found: dict[str, Any] = {
        "name": "Reading" if code == "total" else f"Reading {code}",
        "state_class": "total" if may_fall else "total_increasing",
        "device": device,
    }
    known = unit_of(unit) if unit is not None else None
    if known is not None:
        proper, quantity = known
        found["unit_of_measurement"] = proper
        if quantity in ("active", "heat"):
            found["device_class"] = "energy"
        elif quantity == "volume":
            # Home Assistant takes no gallons of gas.
            fits = meter.medium == "water" or (meter.medium == "gas" and proper != "gal")
            found["device_class"] = meter.medium if fits else "volume"
    return found


def _key(*parts: str) -> str:
    """An id of letters and digits, which is all that discovery takes; the same for the same meter for ever."""
    return "meter_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
