"""What the recognizer tells its user: Report, Reading, Finding. The JSON form is a fixed contract.

Numbers are text and ``Decimal``; a float would lose zeros and cents.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from recognizer.domain.code import Code
from recognizer.domain.observation import PlateText, Quad

Status = Literal["accepted", "review", "refused"]
Agreement = Literal["match", "mismatch", "unknown"]
"""Whether the meter in the photo is the one that was expected."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason, under a fixed code (``too_few_digits``, ``not_legible``, …), with a sentence for people."""

    code: str
    message: str
    note: bool = False
    """A note informs; any other finding keeps a reading from being accepted."""

    def to_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible text of a display and the chance that it is the right one."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Decimals:
    """Digits that follow those of the display, read from something else: the pointers (``dial``) beside a drum."""

    source: str
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of one register.

    ``text`` is as displayed, leading zeros kept. When the status is ``refused``, ``text`` is empty and ``value``
    None: a value that was not read is never given. ``confidence`` is the chance that the whole reading is right.
    """

    register: str
    unit: str | None
    text: str
    confidence: float
    status: Status
    box: Quad
    kind: str
    findings: tuple[Finding, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    """The most probable texts, best first, for diagnosis; the first is ``text`` unless refused."""
    decimals_from: Decimals | None = None
    """Decimals beyond the display's own. ``text`` and ``value`` are without them, so that nothing billed, stored or
    compared with earlier readings depends on them; ``finer`` is with them."""

    @property
    def value(self) -> Decimal | None:
        return Decimal(self.text) if self.status != "refused" and self.text else None

    @property
    def finer(self) -> str:
        """``text`` with the decimals that were found beyond it; empty when refused."""
        if self.decimals_from is None or not self.text:
            return self.text
        return self.text + ("" if "." in self.text else ".") + self.decimals_from.text

    def to_dict(self) -> dict[str, Any]:
        value = self.value
        return {
            "register": self.register,
            "unit": self.unit,
            "text": self.text,
            "value": None if value is None else format(value, "f"),
            "confidence": round(self.confidence, 4),
            "status": self.status,
            "findings": [f.to_dict() for f in self.findings],
            "box": [[round(x, 1), round(y, 1)] for x, y in self.box],
            "kind": self.kind,
            "candidates": [{"text": c.text, "probability": round(c.probability, 4)} for c in self.candidates],
            **self._decimals(),
        }

    def _decimals(self) -> dict[str, Any]:
        extra, finer = self.decimals_from, self.finer
        if extra is None or not finer:
            return {}
        value = format(Decimal(finer), "f")
        figures = {"source": extra.source, "text": finer, "value": value, "confidence": round(extra.confidence, 4)}
        return {"decimals_from": figures}


@dataclass(frozen=True, slots=True)
class Report:
    """The answer for one photo: a status, the readings (the billed register's first) and the reasons."""

    source: str
    status: Status
    readings: tuple[Reading, ...] = ()
    findings: tuple[Finding, ...] = ()
    serial: str | None = None
    """The best serial that the photo's codes and print give; with ``match`` the expected one."""
    agreement: Agreement = "unknown"
    codes: tuple[Code, ...] = ()
    models: tuple[tuple[str, str], ...] = ()
    plate: tuple[PlateText, ...] = ()
    missing: tuple[str, ...] | None = None
    """Of a visit, the registers that are wanted and not accepted yet; None for a photo, of which none is wanted."""

    def to_dict(self) -> dict[str, Any]:
        """The contract's JSON object; fields may be added, never renamed."""
        return {
            "source": self.source,
            "status": self.status,
            "readings": [r.to_dict() for r in self.readings],
            "meter": {"serial": self.serial, "agreement": self.agreement},
            "codes": [{k: v for k, v in code.to_dict().items() if k != "raw"} for code in self.codes],
            "findings": [f.to_dict() for f in self.findings],
            "models": dict(self.models),
            **({"plate": [text.to_dict() for text in self.plate]} if self.plate else {}),
            **({} if self.missing is None else {"missing": list(self.missing)}),
        }
