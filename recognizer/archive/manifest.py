"""A manifest: a CSV or Parquet table that names the photos and says what is known of each.

Columns: ``path`` (below the manifest's folder, absolute, or a URL), and of these any: ``meter_id``, ``serial`` (the
expected one), ``taken_at`` (ISO 8601), ``previous`` (an earlier reading, with ``previous_at`` or as VALUE@TIME,
``register`` naming its register), ``visit``.
"""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from recognizer.archive.job import Photo, Told
from recognizer.archive.places import Broken, File, Place, Remote, is_url, open_binary
from recognizer.domain.meter import PastReading
from recognizer.errors import InputError, UsageError

NAMES = {
    "path": ("path", "file", "source", "photo"),
    "meter_id": ("meter_id", "meter"),
    "serial": ("serial", "expected_serial"),
    "taken_at": ("taken_at",),
    "previous": ("previous", "previous_reading"),
    "previous_at": ("previous_at",),
    "register": ("register",),
    "visit": ("visit",),
}
"""Column names that are understood, the one to use first."""


def manifest_photos(where: str) -> Iterator[Photo]:
    """The photos of a manifest, in its order; a row that makes no sense is a ``Broken`` photo.

    Raises InputError when it cannot be read or has no column of paths.
    """
    folder = where.rpartition("/")[0] if is_url(where) else os.path.dirname(where)
    try:
        rows = _parquet(where) if where.lower().endswith(".parquet") else _csv(where)
        for number, row in enumerate(rows, 2):
            yield _photo(row, number, folder, where)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{where}: cannot be read as a manifest ({error})") from error


def _csv(where: str) -> Iterator[dict[str, str]]:
    with open_binary(where) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        table = csv.reader(text)
        columns = _columns(next(table, []), where)
        for cells in table:
            yield {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}


def _parquet(where: str) -> Iterator[dict[str, str]]:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise UsageError(f"{where}: Parquet needs an extra: pip install 'meter-recognizer[archive]'") from None
    try:
        with open_binary(where) as file:
            table = ParquetFile(file)
            names = table.schema_arrow.names
            columns = _columns(names, where)
            for batch in table.iter_batches(10_000, columns=[names[at] for at in columns.values()]):
                for cells in zip(*(batch.column(names[at]).to_pylist() for at in columns.values()), strict=True):
                    yield {name: _text(cell) for name, cell in zip(columns, cells, strict=True)}
    except pyarrow.ArrowException as error:
        raise InputError(f"{where}: is not a Parquet file ({error})") from error


def _text(cell: Any) -> str:
    return "" if cell is None else cell.isoformat() if isinstance(cell, datetime) else str(cell).strip()


def _columns(header: Iterable[str], where: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for at, name in enumerate(header):
        places.setdefault(name.strip().lower(), at)
    columns = {
        name: next(places[other] for other in others if other in places)
        for name, others in NAMES.items()
        if any(other in places for other in others)
    }
    if "path" not in columns:
        raise InputError(f"{where}: a manifest has a column path; this one has {', '.join(places) or 'nothing'}")
    return columns


def _photo(row: Mapping[str, str], number: int, folder: str, where: str) -> Photo:
    path = row["path"]
    if not path:
        return Photo(f"row {number}", Broken(f"{where} row {number}", "names no photo"))
    try:
        told = _told(row)
    except UsageError as error:
        return Photo(path, Broken(f"{where} row {number}", str(error)))
    at = path if is_url(path) or os.path.isabs(path) else f"{folder}/{path}" if folder else path
    place: Place = Remote(at) if is_url(at) else File(at)
    return Photo(path, place, told, row.get("visit") or None)


def _told(row: Mapping[str, str]) -> Told | None:
    told = Told(
        meter=row.get("meter_id") or None,
        serial=row.get("serial") or None,
        taken_at=_time(row["taken_at"]) if row.get("taken_at") else None,
        previous=_previous(row),
    )
    if told.previous and told.taken_at is None:
        raise UsageError("an earlier reading says something only with the time of the photo: give taken_at")
    return None if told == Told() else told


def _previous(row: Mapping[str, str]) -> tuple[PastReading, ...]:
    text, at, when = row.get("previous", "").partition("@")
    if not text:
        return ()
    when = when if at else row.get("previous_at", "")
    if not when:
        raise UsageError(f"previous reading {text} without its time: give previous_at, or previous as VALUE@TIME")
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation as error:
        raise UsageError(f"previous reading {text!r} is not a number") from error
    return (PastReading(row.get("register") or "total", value, _time(when)),)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time: give it as 2026-10-01 or 2026-10-01T09:30+02:00") from error
    return time if time.tzinfo else time.astimezone()
