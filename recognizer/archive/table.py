"""The ledger as a table, one typed row a reading, for what people load results into: CSV, Parquet, DuckDB.

A photo without a reading has one row too, so that nothing disappears on the way.
"""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from recognizer.archive.ledger import Line
from recognizer.errors import InputError, UsageError

Row = dict[str, Any]

COLUMNS = {
    "source": "VARCHAR",
    "path": "VARCHAR",
    "sha256": "VARCHAR",
    "photo_status": "VARCHAR",
    "register": "VARCHAR",
    "unit": "VARCHAR",
    "text": "VARCHAR",
    "value": "DECIMAL(18,9)",
    "confidence": "DOUBLE",
    "status": "VARCHAR",
    "findings": "VARCHAR[]",
    "kind": "VARCHAR",
    "meter_id": "VARCHAR",
    "serial": "VARCHAR",
    "agreement": "VARCHAR",
    "taken_at": "VARCHAR",
    "visit": "VARCHAR",
    "error": "VARCHAR",
    "models": "VARCHAR",
    "rules": "VARCHAR",
}
"""Names and SQL types; a reading has at most nine places on either side of its point."""
AT_ONCE = 10_000


def rows(lines: Iterable[Line]) -> Iterator[Row]:
    """The rows of lines, values as ``Decimal``, findings as lists of codes, None where there is nothing."""
    for line in lines:
        meter, file = line.get("meter", {}), line.get("file", {})
        reasons = [finding["code"] for finding in line.get("findings", [])]
        for reading in line["readings"] or [{}]:
            row = {
                "source": line["source"],
                "path": file.get("path"),
                "sha256": file.get("sha256"),
                "photo_status": line["status"],
                "value": None if reading.get("value") is None else Decimal(reading["value"]),
                "status": reading.get("status", line["status"]),
                "findings": list(dict.fromkeys([f["code"] for f in reading.get("findings", [])] + reasons)),
                "meter_id": meter.get("id"),
                "serial": meter.get("serial"),
                "agreement": meter.get("agreement"),
                "models": json.dumps(line.get("models", {})),
                **{name: reading.get(name) for name in ("register", "unit", "text", "confidence", "kind")},
                **{name: line.get(name) for name in ("taken_at", "visit", "error", "rules")},
            }
            yield {name: plain(row[name]) for name in COLUMNS}


def plain(cell: Any) -> Any:
    """File names need not be text; tables hold nothing else."""
    return cell.encode("utf-8", "backslashreplace").decode() if isinstance(cell, str) else cell


def writer(out: Path) -> Callable[[Iterable[Line]], None] | None:
    """What writes a table to ``out`` by its ending, in one step; None where the ending names no table.

    Raises UsageError when the extra is missing that it takes; the writer raises InputError where it cannot write.
    """
    write = {".csv": _csv, ".parquet": _parquet, ".duckdb": _duckdb}.get(out.suffix.lower())
    if write is None:
        return None
    try:
        if write is _parquet:
            import pyarrow.parquet  # noqa: F401
        if write is _duckdb:
            import duckdb  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{out}: needs an extra ({error.name}): pip install 'meter-recognizer[archive]'") from None

    def whole(lines: Iterable[Line]) -> None:
        spare = out.with_name(f".{out.name}.tmp")
        try:
            spare.unlink(missing_ok=True)
            write(rows(lines), spare)
            os.replace(spare, out)
        except OSError as error:
            raise InputError(f"{out}: cannot be written ({error.strerror or error})") from error
        finally:
            spare.unlink(missing_ok=True)

    return whole


def _csv(found: Iterator[Row], out: Path) -> None:
    with open(out, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for row in found:
            value = None if row["value"] is None else format(row["value"], "f")
            table.writerow(row | {"value": value, "findings": ";".join(row["findings"])})


def _parquet(found: Iterator[Row], out: Path) -> None:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    types = {
        "VARCHAR": pyarrow.string(),
        "DOUBLE": pyarrow.float64(),
        "VARCHAR[]": pyarrow.list_(pyarrow.string()),
        "DECIMAL(18,9)": pyarrow.decimal128(18, 9),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    with ParquetWriter(out, schema) as table:
        while some := list(islice(found, AT_ONCE)):
            table.write_table(pyarrow.Table.from_pylist(some, schema))


def _duckdb(found: Iterator[Row], out: Path) -> None:
    import duckdb

    # Row by row duckdb takes a hundred times as long as it does from a file.
    spare = out.with_name(out.name + ".json")
    try:
        with open(spare, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, default=str) + "\n" for row in found)
        database = duckdb.connect(str(out))
        try:
            database.execute(
                "CREATE TABLE readings AS SELECT * FROM read_json(?, format='newline_delimited', columns=?)",
                [str(spare), COLUMNS],
            )
        except duckdb.Error as error:
            raise OSError(str(error)) from error
        finally:
            database.close()
    finally:
        spare.unlink(missing_ok=True)
