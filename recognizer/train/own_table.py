"""A user's own photos: the table of their readings, and which of them no network shall see before it is judged.

Columns: ``file`` (below the folder of photos) and ``reading``; and of these any: ``legible`` (1 or 0), ``kind`` (lcd or
drum) and ``meter`` (any name; the photos of one meter stay together).
"""

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from recognizer.errors import InputError
from recognizer.evaluate import Truth

MOST_DIGITS = 9
MOST_LEADING, MOST_DECIMALS = 5, 3
"""Zeros that a spreadsheet may have dropped before a reading, and digits after the point up to which it may have."""
MOST_NAMED = 10
"""Bad lines named in one message."""
YES, NO = ("1", "yes", "true"), ("0", "no", "false")


@dataclass(frozen=True, slots=True)
class OwnPhoto:
    """One line of the table. ``reading`` has a decimal point; it is empty where nothing can be read."""

    file: str
    path: Path
    reading: str
    legible: bool = True
    kind: str = ""
    meter: str = ""

    @property
    def truth(self) -> Truth:
        return Truth(self.file, "own", "", self.kind, "", self.reading, self.legible)

    @property
    def group(self) -> str:
        """What keeps photos on one side: their meter, or else the number that they show."""
        if self.meter:
            return f"meter {self.meter}"
        return f"number {_plain(self.reading)}" if self.reading else f"file {self.file}"


def read_own(photos: Path, table: Path) -> list[OwnPhoto]:
    """All photos of a table (CSV with commas or semicolons, UTF-8).

    Raises InputError when it or the folder cannot be read, lacks a column, or has bad lines; these are named by number.
    """
    if not photos.is_dir():
        raise InputError(f"{photos}: is not a folder")
    found: dict[Path, OwnPhoto] = {}
    bad = []
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            rows = csv.DictReader(file, delimiter=";" if ";" in head else ",", skipinitialspace=True)
            names = [name.strip().lower() for name in rows.fieldnames or ()]
            rows.fieldnames = names
            if missing := [name for name in ("file", "reading") if name not in names]:
                raise InputError(
                    f"{table}: has no column {' and '.join(missing)}, only {', '.join(names) or 'nothing'}"
                )
            for row in rows:
                try:
                    if None in row:
                        raise ValueError("has more cells than the header; a decimal comma stands in quotes")
                    photo = _photo(photos, {name: (row.get(name) or "").strip() for name in names})
                    if photo.path in found:
                        raise ValueError(f"{photo.file} stands in an earlier line, too")
                    found[photo.path] = photo
                except ValueError as error:
                    bad.append(f"line {rows.line_num}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: cannot be read as a table of readings ({error})") from error
    if bad:
        more = f"; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
        raise InputError(f"{table}: {'; '.join(bad[:MOST_NAMED])}{more}")
    return list(found.values())


def _photo(photos: Path, row: dict[str, str]) -> OwnPhoto:
    """Raises ValueError, saying what is wrong with the line."""
    if not row["file"]:
        raise ValueError("names no file")
    path = photos / row["file"]
    if not path.is_file():
        raise ValueError(f"there is no photo {path}")
    legible = row.get("legible", "").lower()
    if legible not in ("", *YES, *NO):
        raise ValueError(f"legible is 1 or 0, not {legible!r}")
    kind = row.get("kind", "").lower()
    if kind not in ("", "lcd", "drum"):
        raise ValueError(f"kind is lcd or drum, not {kind!r}")
    readable = legible not in NO
    reading = row["reading"].replace(" ", "").replace(",", ".") if readable else ""
    if readable and not re.fullmatch(r"\d+(\.\d+)?", reading):
        raise ValueError(f"reading {row['reading']!r} is no number; where nothing can be read, legible is 0")
    if len(reading.replace(".", "")) > MOST_DIGITS:
        raise ValueError(f"reading {row['reading']!r} has more than the {MOST_DIGITS} digits a counter has")
    return OwnPhoto(row["file"], path, reading, readable, kind, row.get("meter", ""))


def shown_texts(reading: str) -> tuple[str, ...]:
    """What a display may show for a reading, as written first; then with zeros that a spreadsheet drops at both ends.

    A number that is written with zeros at an end has lost none there.
    """
    whole, point, part = reading.partition(".")
    leading = range(MOST_LEADING + 1) if len(whole) == 1 or whole[0] != "0" else (0,)
    trailing = range(max(0, MOST_DECIMALS - len(part)) + 1) if point and not part.endswith("0") else (0,)
    texts = (f"{'0' * before}{reading}{'0' * after}" for after, before in product(trailing, leading))
    return tuple(t for t in texts if len(t.replace(".", "")) <= MOST_DIGITS)


def hold_back(photos: Sequence[OwnPhoto], share: float, seed: int) -> tuple[list[OwnPhoto], list[OwnPhoto]]:
    """The photos to train on, and about ``share`` of all to judge by: whole meters, or all photos of one reading.

    Which are held back depends on ``seed`` and the groups' names alone. Raises InputError when there is but one group.
    """
    groups: dict[str, list[OwnPhoto]] = {}
    for photo in photos:
        groups.setdefault(photo.group, []).append(photo)
    if len(groups) < 2:
        raise InputError(
            "all photos are of one meter or show one reading, so none can be held back; without the column meter "
            "photos are kept apart by their readings"
        )
    wanted = share * len(photos)
    held: set[str] = set()
    count = 0
    for name in sorted(groups, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()):
        size = len(groups[name])
        if count < wanted and count + size <= max(1.5 * wanted, 1):  # one large meter must not take nearly all
            held.add(name)
            count += size
    if not held:
        held.add(min(groups, key=lambda name: (len(groups[name]), name)))
    return [p for p in photos if p.group not in held], [p for p in photos if p.group in held]


def _plain(reading: str) -> str:
    """A reading as a number: without zeros at its ends."""
    whole, _, part = reading.partition(".")
    return f"{whole.lstrip('0') or '0'}.{part.rstrip('0')}"
