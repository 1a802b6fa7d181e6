"""The forms in which utilities take readings, as data.

``submission.toml`` holds those that come along and explains every setting; users add a file of their own.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from recognizer.domain.tables import load_tables
from recognizer.errors import UsageError

_FIELDS = ("account", "meter", "readings")


@dataclass(frozen=True, slots=True)
class Form:
    """One form in which a utility takes readings; ``submission.toml`` explains every setting."""

    name: str
    description: str
    example: str
    style: Literal["text", "csv", "json", "spoken"]
    fields: Sequence[str]
    decimals: int | Literal["shown"]
    zeros: Literal["strip", "keep"]
    separator: str = ","
    point: str = "."
    words: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [name.removesuffix("?") for name in self.fields]
        if "readings" not in self.fields or len(set(names)) < len(names) or not set(names) <= set(_FIELDS):
            raise ValueError(f"fields are of {_FIELDS}, each once and readings among them, got {list(self.fields)}")
        if self.style not in {"text", "csv", "json", "spoken"} or self.zeros not in {"strip", "keep"}:
            raise ValueError(f"style {self.style!r} or zeros {self.zeros!r} is unknown")
        if self.decimals != "shown" and (type(self.decimals) is not int or self.decimals < 0):
            raise ValueError(f'decimals is 0 or more or "shown", got {self.decimals!r}')
        if self.style == "csv" and (len(self.separator) != 1 or self.separator in '"\r\n'):
            raise ValueError(f"the separator of a table is one character, no quote and no line end: {self.separator!r}")
        if not self.separator or re.search("[0-9]", self.separator):
            raise ValueError(f"a separator holds no digits, got {self.separator!r}")
        if self.style == "text" and self.decimals != 0 and self.separator == self.point:
            raise ValueError(f"{self.point!r} cannot both part readings and be the decimal point")
        if self.style != "spoken" and self.point not in {".", ","}:
            # Without one, 5778.3 would go out as 57783.
            raise ValueError(f"the point is . or , got {self.point!r}")
        if self.style == "spoken" and (len(set(self.words) - {""}) != 10 or len(self.words) != 10 or not self.point):
            raise ValueError(f"words are the ten digits from 0, with a word for the point, got {list(self.words)}")


def load_forms(path: Path | None = None) -> dict[str, Form]:
    """All forms by name, those of the user's own TOML file among them; UsageError when that file is unusable."""
    return load_tables("submission.toml", path, _parse, "forms")


def _parse(text: str, source: str) -> dict[str, Form]:
    forms = {}
    for name, table in tomllib.loads(text).items():
        try:
            _check_types(table)
            forms[name] = Form(name, **table)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{source}: the form {name!r} cannot be used: {error}") from error
    return forms


def _check_types(table: Any) -> None:
    if not isinstance(table, dict):
        raise TypeError(f"a form is a table, got {table!r}")
    known = {f.name for f in fields(Form)} - {"name"}
    if unknown := sorted(set(table) - known):
        raise TypeError(f"unknown: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    for key, value in table.items():
        kind = {"fields": list, "words": list, "labels": dict}.get(key, str)
        parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if key != "decimals" and not (isinstance(value, kind) and all(isinstance(part, str) for part in parts)):
            raise TypeError(f"{key} is of type {kind.__name__} and holds text, got {value!r}")
