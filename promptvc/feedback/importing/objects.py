"""The objects of a file, whatever holds them: JSON, JSON Lines, CSV or Parquet; and a place to look others up by id."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.files import storage_errors
from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.feedback.importing.documents import Item, Path_, read_items
from promptvc.feedback.query.parquet import is_parquet, read_parquet_rows
from promptvc.feedback.rows import BadRow, Row, read_rows


def read_objects(path: Path, arrays: Collection[Path_] = ()) -> Iterator[Item | BadRow]:
    """The objects of ``path`` as items; what is no object is a bad row."""
    if is_parquet(path):
        for number, values in enumerate(read_parquet_rows(path), 1):
            yield Item(number, values, {})
    elif path.suffix.lower() in {".csv", ".tsv"}:
        for row in read_rows(path):
            yield Item(row.line, row.values, {}) if isinstance(row, Row) else row
    else:
        for item in read_items(path, arrays):
            if isinstance(item, Item) and not isinstance(item.value, dict):
                yield BadRow(item.line, "not a JSON object")
            else:
                yield item


class Expected:
    """Whether a file holds anything of its format: an export of another tool reads as one that says nothing.

    Args:
        what: what is looked for, with the tool: ``Langfuse scores or traces``.
        keys: that such an object has; told to who named the wrong format.
    """

    def __init__(self, path: Path, what: str, keys: str) -> None:
        self._path = path
        self._what = what
        self._keys = keys
        self._seen = 0
        self._known = False

    def saw(self, *, known: bool) -> None:
        """An object was read, of the format or not."""
        self._seen += 1
        self._known = self._known or known

    def check(self) -> None:
        """
        Raises:
            InvalidDocument: there were objects, and none is of the format.
        """
        if self._seen and not self._known:
            raise InvalidDocument(
                f"no {self._what} in it", hint=f"such an object has {self._keys}", file=str(self._path)
            )


class Lookup:
    """Objects by id, on disk, so that memory does not grow with them; gone when it is closed."""

    def __init__(self) -> None:
        # An empty name: a file that SQLite makes, has no name to be read by, and is deleted when it is closed.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("CREATE TABLE objects (id TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")
        self._connection.execute("BEGIN")

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep ``value``, instead of what was kept for this id before."""
        with storage_errors("<temporary file>"):
            self._connection.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?)", (key, canonical_json(value))
            )

    def get(self, key: object) -> dict[str, Any]:
        """What is kept for an id; empty when there is nothing."""
        found = self._connection.execute("SELECT value FROM objects WHERE id = ?", (str(key),)).fetchone()
        value: dict[str, Any] = {} if found is None else parse_json(bytes(found[0]), file="<lookup>")
        return value

    def close(self) -> None:
        """Delete everything."""
        self._connection.close()
