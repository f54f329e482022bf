"""Events as Parquet: a column for what people ask about, and the event itself in ``line``. By DuckDB.

The file is for DuckDB, pandas, Spark and their like. `feedback import` reads ``line``, so the same events come back.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from promptvc.base.errors import InputError
from promptvc.base.files import fsync_directory, storage_errors
from promptvc.base.outputs import regular_place
from promptvc.feedback.columns import LINE
from promptvc.feedback.events import MAX_EVENT_BYTES

INSTALL = "pip install 'promptvc[analytics]'"

_TEXTS = (
    "id", "prompt", "kind", "source", "digest", "thumbs", "output", "corrected", "comment", "notes", "user", "session",
    "execution", "name", "label", "target", "experiment", "rollout", "arm", "unit",
)  # fmt: skip
_NUMBERS = ("rating", "effectiveness", "stars", "latency_ms", "cost", "value", "propensity")
_LISTS = ("tags", "issues")
_INNER = ("context.model", "context.framework", "context.technique", "error.type", "error.message")
_WHOLE = ("tokens.input", "tokens.output")


def write_parquet(lines: Iterable[bytes], file: Path) -> int:
    """Write events, each as its line, to ``file``; how many they were. It is whole or as it was.

    Columns: the keys of an event that hold one text or number, lists of ``tags`` and ``issues``, ``input`` as JSON,
    ``context_model``, ``error_message``, ``tokens_input`` and the like; ``time`` in UTC, without a zone because Python
    takes a library more to read one; then ``line``.

    Raises:
        InputError: DuckDB is not installed, or ``file`` is a folder, a device or a pipe, or has no folder.
        StorageError: the disk is full or read-only.
    """
    if importlib.util.find_spec("duckdb") is None:
        raise InputError("writing Parquet needs DuckDB", hint=INSTALL, file=str(file))
    import duckdb

    place = regular_place(file)
    if place is None:
        raise InputError(f"{file} is no file, and Parquet needs one", hint="name a file")
    config: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    with storage_errors(file), TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as scratch:
        source, made = Path(scratch) / "events.jsonl", Path(scratch) / "events.parquet"
        count = 0
        with source.open("wb") as stream:
            for line in lines:
                stream.write(line)
                count += 1
        with duckdb.connect(":memory:", config=config) as connection:
            connection.execute("SET threads = 1; SET memory_limit = '512MB'; SET TimeZone = 'UTC'")
            connection.execute(f"SET temp_directory = '{_quoted(scratch)}'")
            connection.execute(
                f"COPY (SELECT {_select()} FROM (SELECT json FROM read_json_objects(?, "  # noqa: S608 - our columns
                f"format='newline_delimited', maximum_object_size={4 * MAX_EVENT_BYTES}))) TO "
                f"'{_quoted(str(made))}' (FORMAT parquet, COMPRESSION zstd)",
                [str(source)],
            )
        made.replace(place)
        fsync_directory(place.parent)
    return count


def _select() -> str:
    """The columns; every name in it is one of ours."""
    columns = [f"json->>'$.{key}' AS \"{key}\"" for key in _TEXTS]
    columns.insert(1, "CAST(json->>'$.time' AS TIMESTAMP) AS \"time\"")
    columns.append("CAST(json->>'$.version' AS BIGINT) AS version")
    columns += [f"CAST(json->>'$.{key}' AS DOUBLE) AS \"{key}\"" for key in _NUMBERS]
    columns += [f"CAST(json->'$.{key}' AS VARCHAR[]) AS \"{key}\"" for key in _LISTS]
    columns.append("CAST(json->'$.input' AS VARCHAR) AS input")
    columns += [f"json->>'$.{key}' AS \"{key.replace('.', '_')}\"" for key in _INNER]
    columns += [f"CAST(json->>'$.{key}' AS BIGINT) AS \"{key.replace('.', '_')}\"" for key in _WHOLE]
    return ", ".join((*columns, f"CAST(json AS VARCHAR) AS {LINE}"))


def _quoted(path: str) -> str:
    """A path within a literal of SQL: settings and the target of COPY take no parameters."""
    return path.replace("'", "''")
