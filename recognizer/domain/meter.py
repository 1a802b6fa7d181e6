"""What is known of a meter beforehand: its record and the readings it gave before. Nothing here is read by vision."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from recognizer.domain.photo_print import PastPhoto
from recognizer.errors import UsageError

PastStatus = Literal["accepted", "confirmed", "review", "rejected"]
"""``accepted`` by the recognizer, ``confirmed`` by a person, waiting in ``review``, or ``rejected`` by a person."""


@dataclass(frozen=True, slots=True)
class Register:
    """One register of a meter as its record describes it; ``None`` where the record does not say."""

    code: str = "total"
    """OBIS group C.D.E (``1.8.1``), or ``total`` where the display states none."""
    unit: str | None = None
    digits: int | None = None
    """Places before the point: a register of five rolls over from 99999."""
    decimals: int | None = None
    max_rate: Decimal | None = None
    """Most that can be used in a day, in the register's unit."""
    may_fall: bool = False
    """Export, net and photovoltaic registers may run backwards, where the record says so."""

    def __post_init__(self) -> None:
        if self.digits is not None and not 1 <= self.digits <= 9:
            raise UsageError(f"a register has 1 to 9 places before the point, got {self.digits}")
        if self.decimals is not None and not 0 <= self.decimals <= 4:
            raise UsageError(f"a register has 0 to 4 decimals, got {self.decimals}")
        if self.max_rate is not None and self.max_rate <= 0:
            raise UsageError(f"max_rate is the most used in a day and above zero, got {self.max_rate}")


@dataclass(frozen=True, slots=True)
class PastReading:
    """An earlier (or, for a photo handed in late, a later) reading of the same meter."""

    register: str
    value: Decimal
    taken_at: datetime
    status: PastStatus = "accepted"
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if self.taken_at.tzinfo is None:
            raise UsageError(f"taken_at needs a time zone, got {self.taken_at.isoformat()}")
        if not self.value.is_finite():
            raise UsageError(f"a reading is a finite number, got {self.value}")

    @property
    def counts(self) -> bool:
        """Whether later readings are measured against this one."""
        return self.status in ("accepted", "confirmed")


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter's record."""

    id: str
    serials: tuple[str, ...] = ()
    medium: str | None = None
    """``electricity``, ``water``, ``gas`` or ``heat``."""
    registers: tuple[Register, ...] = ()

    def register(self, code: str) -> Register | None:
        """The register under that code. A record with a single register means it, whatever the display calls it."""
        for register in self.registers:
            if register.code == code:
                return register
        if len(self.registers) == 1 and "total" in (code, self.registers[0].code):
            return self.registers[0]
        return None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Meter":
        """From JSON or TOML; numbers may be strings. Raises UsageError naming what is wrong."""
        try:
            registers = tuple(
                Register(**{**r, "max_rate": None if r.get("max_rate") is None else Decimal(str(r["max_rate"]))})
                for r in data.get("registers", ())
            )
            return cls(
                id=str(data["id"]),
                serials=tuple(str(s) for s in data.get("serials", ())),
                medium=data.get("medium"),
                registers=registers,
            )
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise UsageError(
                f"not a meter record ({error}): it needs id, and may have serials, medium, registers"
            ) from error


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides the photo."""

    meter: Meter | None = None
    history: tuple[PastReading, ...] = ()
    taken_at: datetime | None = None
    """When the photo was taken: what the history says depends on it."""
    now: datetime | None = None
    photos: tuple[PastPhoto, ...] = ()
    """Photos handed in before, of this meter and of others: a new one must not be one of them again."""

    def __post_init__(self) -> None:
        if self.history and self.taken_at is None:
            raise UsageError("earlier readings say something only when it is known when the photo was taken")

    def register(self, code: str) -> Register | None:
        """The register of the record under that code; one without limits where only a history is known."""
        if self.meter is not None and self.meter.registers:
            return self.meter.register(code)
        return Register(code) if self.history else None

    def earlier(self, code: str) -> tuple[PastReading, ...]:
        """The readings of one register, oldest first."""
        return tuple(sorted((p for p in self.history if p.register == code), key=lambda p: p.taken_at))


NOTHING_KNOWN = Known()
