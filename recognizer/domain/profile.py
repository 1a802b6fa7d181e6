"""Meter profiles: what the screens of one family of meters show, as data.

``profiles.toml`` holds those that come along and explains every setting; users add a file of their own.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from recognizer.domain.labels import REASONS, Reason, meaning, plain, unit_of
from recognizer.domain.tables import load_tables
from recognizer.errors import UsageError

_COUNTED = frozenset(("active", "reactive", "apparent", "volume", "heat"))


@dataclass(frozen=True, slots=True)
class ProfileScreen:
    """One screen of the cycle: what stands beside the digits, and the register or why it is no reading."""

    register: str | None = None
    skip: Reason | None = None
    label: str | None = None
    mark: str | None = None
    unit: str | None = None
    digits: int | None = None
    decimals: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.register is None) == (self.skip is None):
            raise ValueError("a screen has either a register or skip, the reason why it is no reading")
        if self.skip is not None and self.skip not in REASONS:
            raise ValueError(f"skip is one of {', '.join(REASONS)}, got {self.skip!r}")
        if self.register is not None and not re.fullmatch(r"total|\d{1,3}\.\d{1,3}\.\d{1,3}", self.register):
            raise ValueError(f'a register is an OBIS group such as "1.8.1", or "total"; got {self.register!r}')
        if self.label is None and self.mark is None and self.unit is None:
            raise ValueError("a screen is told by its label, mark or unit, and none of them is given")
        if any(text is not None and not plain(text) for text in (self.label, self.mark)):
            raise ValueError("label and mark are text")
        unit = unit_of(self.unit) if self.unit is not None else None
        if self.unit is not None and unit is None:
            raise ValueError(f"the unit {self.unit!r} is not known")
        if self.register is None:
            return
        if unit is not None and unit[1] not in _COUNTED:
            raise ValueError(f"{self.unit} is not counted, so it cannot be register {self.register}")
        said = meaning(self.label) if self.label is not None else None
        if unit is None and (said is None or said.tariff is not None):
            # Mercury 200 shows T1 on its power and clock screens too.
            raise ValueError("a tariff mark alone does not prove an energy screen: give the unit, or another label")

    @property
    def told_by(self) -> tuple[str | None, str | None, str | None]:
        """Label, mark and unit in plain form: what this screen is recognised by."""
        unit = unit_of(self.unit) if self.unit is not None else None
        label, mark = (plain(text) if text is not None else None for text in (self.label, self.mark))
        if self.label is not None and mark is None and meaning(self.label).tariff is not None:
            label, mark = None, label
        return label, mark, unit[0] if unit else None


@dataclass(frozen=True, slots=True)
class Profile:
    """One family of meters; ``profiles.toml`` explains every setting."""

    name: str
    family: str
    source: str
    split: bool = False
    seconds: float | None = None
    digits: int | None = None
    decimals: int | None = None
    screens: tuple[ProfileScreen, ...] = ()

    def __post_init__(self) -> None:
        told = [screen.told_by for screen in self.screens]
        twice = next((t for t in told if told.count(t) > 1), None)
        if twice is not None:
            raise ValueError(f"two screens are told by the same {' '.join(t for t in twice if t)}")
        shapes = [(s.seconds, s.digits, s.decimals) for s in self.screens]
        for seconds, digits, decimals in ((self.seconds, self.digits, self.decimals), *shapes):
            if seconds is not None and not 0 < seconds <= 600:
                raise ValueError(f"seconds is how long a screen stays, up to 600; got {seconds}")
            if digits is not None and not 1 <= digits <= 9:
                raise ValueError(f"digits before the point are 1 to 9, got {digits}")
            if decimals is not None and not 0 <= decimals <= 4:
                raise ValueError(f"decimals are 0 to 4, got {decimals}")
        if self.split and any(s.label is None and s.register for s in self.screens):
            raise ValueError("split puts the label on a screen before the value, so every register needs a label")

    @property
    def registers(self) -> tuple[str, ...]:
        """Every register of the cycle, in scroll order."""
        return tuple(dict.fromkeys(screen.register for screen in self.screens if screen.register))

    @property
    def without_labels(self) -> bool:
        """Whether it knows screens, and tells none of them by a label."""
        return bool(self.screens) and all(screen.told_by[0] is None for screen in self.screens)

    def misfit(self, register: str, text: str) -> str | None:
        """In what the text is not of this register's shape; None where it is, or nothing is known of it.

        Leading zeros may be suppressed, so fewer digits are no misfit; a lost decimal point is one.
        """
        screen = next((s for s in self.screens if s.register == register), None)
        digits = screen.digits if screen and screen.digits is not None else self.digits
        decimals = screen.decimals if screen and screen.decimals is not None else self.decimals
        whole, _, rest = text.partition(".")
        if decimals is not None and len(rest) != decimals:
            return f"{len(rest)} decimals, {self.family} shows {decimals}"
        if digits is not None and len(whole) > digits:
            return f"{len(whole)} digits before the point, {self.family} has {digits}"
        return None


def load_profiles(path: Path | None = None) -> dict[str, Profile]:
    """All profiles by name, those of the user's own TOML file among them; UsageError when that file is unusable."""
    return load_tables("profiles.toml", path, _parse, "meter profiles")


def _parse(text: str, source: str) -> dict[str, Profile]:
    profiles = {}
    for name, table in tomllib.loads(text).items():
        try:
            known = _checked(table, Profile, _PROFILE_TYPES)
            screens = known.pop("screens", [])
            built = tuple(_screen(number, screen) for number, screen in enumerate(screens, start=1))
            profiles[name] = Profile(name, screens=built, **known)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{source}: the profile {name!r} cannot be used: {error}") from error
    return profiles


def _screen(number: int, table: Any) -> ProfileScreen:
    try:
        return ProfileScreen(**_checked(table, ProfileScreen, _SCREEN_TYPES))
    except (TypeError, ValueError) as error:
        raise ValueError(f"screen {number}: {error}") from error


_SCREEN_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("register", "skip", "label", "mark", "unit"), (str,)),
    **dict.fromkeys(("digits", "decimals"), (int,)),
    "seconds": (int, float),
}
_PROFILE_TYPES: dict[str, tuple[type, ...]] = {
    **{key: _SCREEN_TYPES[key] for key in ("digits", "decimals", "seconds")},
    **dict.fromkeys(("family", "source"), (str,)),
    "split": (bool,),
    "screens": (list,),
}


def _checked(table: Any, kind: type, types: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise TypeError(f"wanted a table, got {table!r}")
    known = {f.name for f in fields(kind)} - {"name"}
    if unknown := sorted(set(table) - known):
        raise TypeError(f"unknown: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    for key, value in table.items():
        # True is an int in Python, and no number of digits.
        if type(value) not in types[key]:
            raise TypeError(f"{key} is of type {' or '.join(t.__name__ for t in types[key])}, got {value!r}")
    return dict(table)
