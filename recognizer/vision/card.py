"""The card beside every model: what goes in, what comes out, what it was made from and how good it is.

One type for training, which writes it, and inference, which reads it.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from recognizer.errors import ModelError

CARD_NAME = "card.toml"
REQUIRED = ("role", "sha256", "input", "data", "licences", "scores", "recipe")


@dataclass(frozen=True, slots=True)
class Card:
    """``settings`` is the whole of ``card.toml``; the properties name what this version relies on."""

    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        missing = [key for key in REQUIRED if key not in self.settings]
        if missing:
            raise ValueError(f"the card lacks {', '.join(missing)}")
        if not re.fullmatch("[0-9a-f]{64}", str(self.settings["sha256"])):
            raise ValueError(f"sha256 has 64 hexadecimal digits, got {self.settings['sha256']!r}")
        if not isinstance(self.settings["input"], Mapping) or not isinstance(self.settings["scores"], Mapping):
            raise ValueError("input and scores are tables")

    @property
    def role(self) -> str:
        """What the model is for, which is also the name of its folder: ``locator``, ``counter``."""
        return str(self.settings["role"])

    @property
    def sha256(self) -> str:
        """SHA-256 of ``model.onnx``, lower-case hexadecimal."""
        return str(self.settings["sha256"])

    @property
    def digest(self) -> str:
        """First 12 digits of the SHA-256: how reports name the model."""
        return self.sha256[:12]

    @property
    def input(self) -> Mapping[str, Any]:
        """``height``, ``width``, ``channels`` and whatever else the preprocessing of this role needs."""
        return dict(self.settings["input"])

    @property
    def scores(self) -> Mapping[str, Any]:
        """Figures measured by the training run, by name."""
        return dict(self.settings["scores"])


def read_card(folder: Path) -> Card:
    """The card in a model's folder; ModelError when it is missing or is not a card of that role."""
    path = folder / CARD_NAME
    try:
        card = Card(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ModelError(f"{path}: the model card is missing; reinstall meter-recognizer or retrain") from None
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, not TOML, not a card
        raise ModelError(f"{path}: not a model card ({error}); reinstall meter-recognizer or retrain") from error
    if card.role != folder.name:
        raise ModelError(f"{path}: is the card of {card.role!r}, in the folder of {folder.name!r}")
    return card


def write_card(folder: Path, card: Card) -> None:
    """Write ``card.toml``; what ``read_card`` then returns is equal to ``card``."""
    text = "\n".join(_table("", card.settings)) + "\n"
    if tomllib.loads(text) != card.settings:
        raise ValueError("the card holds values that TOML cannot keep")
    (folder / CARD_NAME).write_text(text, encoding="utf-8")


def _table(name: str, settings: Mapping[str, Any]) -> list[str]:
    tables = {key: value for key, value in settings.items() if isinstance(value, Mapping)}
    lines = [f"\n[{name}]"] if name else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in settings.items() if key not in tables]
    for key, value in tables.items():
        lines += _table(f"{name}.{_key(key)}" if name else _key(key), value)
    return lines


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    # What is left is written alike in JSON and TOML, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
