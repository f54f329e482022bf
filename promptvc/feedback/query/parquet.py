"""Rows of a Parquet file, by DuckDB: one after the other, with values that JSON has words for."""

from __future__ import annotations

import glob
import importlib.util
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, InvalidDocument, NotFound
from promptvc.base.files import storage_errors
from promptvc.feedback.rows import HALF

_MAGIC = b"PAR1"
_VECTOR = 2048
_ZONED = "TIMESTAMP WITH TIME ZONE"
_MOST_BYTES = 256 * 1024 * 1024


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet does."""
    if not path.is_file():
        return False
    with storage_errors(path), path.open("rb") as stream:
        return stream.read(4) == _MAGIC


def read_parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of ``path`` in their order; times become RFC 3339, a time without a zone is UTC.

    Raises:
        NotFound: there is no such file.
        InputError: DuckDB is not installed.
        InvalidDocument: it is no Parquet file, or a broken one.
    """
    if importlib.util.find_spec("duckdb") is None:
        raise InputError(
            "reading Parquet needs DuckDB", hint="pip install 'promptvc[analytics]'", file=str(path)
        )
    import duckdb

    if not path.is_file():
        raise NotFound(f"no such file: {path}")
    # Nothing may be fetched because a file's schema asks for it.
    config: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET threads = 1; SET memory_limit = '512MB'; SET TimeZone = 'UTC'")
        try:
            # The parameter is a pattern: what stands for others in one is put in brackets.
            pattern = glob.escape(str(path.absolute()))
            refuse_swollen(connection, pattern, file=str(path))
            shown = _without_zones(connection, pattern)
            result = connection.execute(f"SELECT {shown} FROM read_parquet(?)", [pattern])  # noqa: S608 - names are quoted
            names = [column[0] for column in result.description or ()]
            # One after the other: of what is alike a small file can hold more than there is memory.
            while row := result.fetchone():
                yield {
                    name: _plain(value) for name, value in zip(names, row, strict=True) if value is not None
                }
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
            raise InvalidDocument(
                f"not a Parquet file that can be read: {first}", hint=HALF, file=str(path)
            ) from error


def _without_zones(connection: Any, pattern: str) -> str:
    """The columns to select. Of a time with a zone DuckDB makes a datetime only where pytz is installed.

    The connection's zone is UTC: so is what a cast to a time without one gives. The type is DuckDB's own text, in
    which names of a structure are quoted.
    """
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [pattern]).fetchall()
    columns = []
    for name, kind, *_ in described:
        quoted = _quoted(name)
        plain = str(kind).replace(_ZONED, "TIMESTAMP")
        columns.append(quoted if plain == kind else f"CAST({quoted} AS {plain}) AS {quoted}")
    return ", ".join(columns)


def _quoted(name: str) -> str:
    return f'"{name.replace(chr(34), 2 * chr(34))}"'


def refuse_swollen(connection: Any, pattern: str, *, file: str) -> None:
    """Refuse a file whose texts are more than memory holds: what is alike is in it once, however often it comes.

    DuckDB makes as many rows as a vector has before the first is seen, and heeds no limit of memory at that. Only
    lengths are looked at here, which takes neither. Lists and structures are not looked into.

    Raises:
        InvalidDocument: that many rows hold more than 256 MiB.
    """
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [pattern]).fetchall()
    measures = {"VARCHAR": "strlen", "BLOB": "octet_length"}
    # Names come out of the file, and are quoted.
    lengths = [
        f"COALESCE({measures[kind]}({_quoted(name)}), 0)" for name, kind, *_ in described if kind in measures
    ]
    if not lengths:
        return
    sql = (
        f"SELECT MAX(n) FROM (SELECT SUM({' + '.join(lengths)}) AS n "  # noqa: S608 - the same
        f"FROM read_parquet(?, file_row_number=true) GROUP BY file_row_number // {_VECTOR})"
    )
    most = connection.execute(sql, [pattern]).fetchone()[0]
    if most is not None and most > _MOST_BYTES:
        raise InvalidDocument(
            f"{_VECTOR:,} rows hold {most:,} bytes of text; at most {_MOST_BYTES:,} are read", file=file
        )


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool | int | float | None):
        return value
    if isinstance(value, datetime):
        return format_time(value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, date | time | timedelta | UUID):
        return str(value)
    return str(value)
