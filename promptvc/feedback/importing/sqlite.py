"""A table of a home-grown system in SQLite, opened read-only.

Columns go where the column map says; those that it does not name, by their usual names (:data:`USUAL`). The scale of
a rating is told by all its values: 0 to 1 is a rating, whole numbers from 1 to 5 with more than 1 among them are stars,
anything else is asked for, and so is a column of nothing but 1, which could be either: a guess that the next row
turns over would make other events of the same rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from promptvc.base.errors import InvalidDocument, NotFound, Usage
from promptvc.feedback.fields import FIELDS
from promptvc.feedback.rows import HALF, BadRow, Row

_MAGIC = b"SQLite format 3\0"
_MANY = 1000
_LONGEST = 64 * 1024 * 1024
_STEPS, _MOST_STEPS = 1_000_000, 1_000
"""Steps of the database's machine between two looks, and so many looks without a row: about a minute."""
_TELLING = ("rating", "stars", "thumbs", "effectiveness", "corrected", "comment", "error", "issues")

USUAL: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "prompt_name", "template", "template_name"),
    "rendered": ("prompt_text", "rendered_prompt", "full_prompt", "messages", "rendered"),
    "input": ("input", "question", "query", "user_input", "request"),
    "output": ("output", "response", "answer", "completion", "reply", "result"),
    "corrected": ("corrected", "correction", "corrected_output", "expected", "ideal"),
    "rating": ("rating", "score", "user_rating"),
    "stars": ("stars", "star_rating"),
    "thumbs": ("thumbs", "thumb", "vote", "liked", "is_positive", "helpful", "thumbs_up"),
    "comment": ("comment", "comments", "feedback", "feedback_text", "remark"),
    "notes": ("notes", "note"),
    "tags": ("tags", "tag", "labels"),
    "issues": ("issues", "issue"),
    "context": ("context", "metadata", "meta"),
    "user": ("user", "user_id", "username", "customer_id"),
    "session": ("session", "session_id", "conversation_id"),
    "time": ("time", "created_at", "timestamp", "created", "date", "ts"),
    "latency_ms": ("latency_ms", "latency", "duration_ms"),
    "cost": ("cost",),
    "id": ("id", "uuid", "feedback_id"),
    "context.model": ("model", "model_name"),
}


def is_sqlite(path: Path) -> bool:
    """Whether the file begins as a database of SQLite does."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def read_sqlite(path: Path, columns: Mapping[str, str], table: str | None) -> Iterator[Row | BadRow]:
    """The rows of a table, numbered from 1, with columns by the names of an event's keys.

    Args:
        columns: theirs to ours; the caller maps by it, and what it names is not guessed here.
        table: the table or view; without one, the only one whose columns tell of feedback.

    Raises:
        NotFound: no such file, or no such table.
        Usage: nothing tells which table it is, or which scale a rating has; a mapped column is not there.
        InvalidDocument: it is no database of SQLite's.
    """
    if not path.is_file():
        raise NotFound(f"no such file: {path}")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            # A view of somebody's database must not call functions with side effects.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            # Nor may one make a value, or go on, without end (https://sqlite.org/security.html).
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            patience = _Patience()
            connection.set_progress_handler(patience.spend, _STEPS)
            name = _table(connection, table, str(path))
            there = _columns_of(connection, name)
            if missing := sorted(columns.keys() - there):
                raise Usage(
                    f"the table {name} has no column {missing[0]!r}",
                    hint=f"its columns are: {', '.join(there)}",
                )
            for row in _rows(connection, name, _plan(connection, name, there, columns)):
                yield row
                patience.renew()
    except sqlite3.Error as error:
        raise InvalidDocument(
            f"not a database that can be read: {error}", hint=HALF, file=str(path)
        ) from error


class _Patience:
    """Ends a statement that finds no row for very long: a view can be made to compute for ever."""

    def __init__(self) -> None:
        self._left = _MOST_STEPS

    def renew(self) -> None:
        """A row was found."""
        self._left = _MOST_STEPS

    def spend(self) -> bool:
        """Whether to stop."""
        self._left -= 1
        return self._left < 0


def _table(connection: sqlite3.Connection, wanted: str | None, file: str) -> str:
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    names = [str(row[0]) for row in connection.execute(query)]
    if wanted is not None:
        if wanted not in names:
            raise NotFound(
                f"there is no table {wanted!r} in {file}", hint=f"its tables are: {', '.join(names)}"
            )
        return wanted
    telling = [name for name in names if _tells(_columns_of(connection, name))]
    if len(telling) != 1:
        said = (
            f"tables that could be: {', '.join(telling)}"
            if telling
            else f"its tables are: {', '.join(names)}"
        )
        raise Usage("which table holds the feedback is not clear; pass --table NAME", hint=said)
    return telling[0]


def _tells(names: Mapping[str, str]) -> bool:
    lowered = {name.lower() for name in names}
    return any(usual in lowered for key in _TELLING for usual in USUAL.get(key, ()))


def _columns_of(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """Column -> declared type, upper case."""
    rows = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    return {str(name): str(kind).upper() for name, kind in rows}


def _plan(
    connection: sqlite3.Connection, table: str, there: Mapping[str, str], columns: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Column -> what the row calls it, and how its values are read (``""``, ``thumbs``)."""
    taken = {ours for ours in columns.values() if ours}
    plan: dict[str, tuple[str, str]] = {}
    lowered = {name.lower(): name for name in there if name not in columns}
    for key, usual in USUAL.items():
        name = next((lowered[one] for one in usual if one in lowered and lowered[one] not in plan), None)
        if name is None or key in taken:
            continue
        plan[name] = (key, "")
        if key == "rating":
            plan[name] = (_scale(connection, table, name), "")
        elif key == "thumbs" and _zero_is_down(connection, table, name):
            plan[name] = (key, "thumbs")
    for name in there:
        plan.setdefault(name, (name if name in columns or name.lower() not in FIELDS else name.lower(), ""))
    return plan


def _scale(connection: sqlite3.Connection, table: str, column: str) -> str:
    name = _quoted(column)
    # Names come out of the schema, and are quoted.
    query = (
        f"SELECT min({name}), max({name}), max({name} <> CAST({name} AS INTEGER)) "  # noqa: S608
        f"FROM {_quoted(table)} WHERE typeof({name}) IN ('integer', 'real')"
    )
    low, high, broken = connection.execute(query).fetchone()
    if low is None:
        return "rating"
    if low >= 0 and high <= 1 and not (low == high == 1):
        return "rating"
    if low >= 1 and 1 < high <= 5 and not broken:
        return "stars"
    raise Usage(
        f"the scale of the column {column!r}, from {low} to {high}, is not clear",
        hint=f"say it: --map {column}=rating (0 to 1), --map {column}=stars (1 to 5), or --map {column}=rating/10",
    )


def _zero_is_down(connection: sqlite3.Connection, table: str, column: str) -> bool:
    """Whether 0 is a thumb down: where there is no -1, and nothing but 0 and 1."""
    query = f"SELECT count(*) FROM {_quoted(table)} WHERE {_quoted(column)} NOT IN (0, 1)"  # noqa: S608 - the same
    return bool(connection.execute(query).fetchone()[0] == 0)


def _rows(
    connection: sqlite3.Connection, table: str, plan: Mapping[str, tuple[str, str]]
) -> Iterator[Row | BadRow]:
    names = ", ".join(map(_quoted, plan))
    cursor = connection.execute(f"SELECT {names} FROM {_quoted(table)}")  # noqa: S608 - the same
    number = 0
    while rows := cursor.fetchmany(_MANY):
        for row in rows:
            number += 1
            values: dict[str, Any] = {}
            for (key, reading), value in zip(plan.values(), row, strict=True):
                values.setdefault(key, _read(value, reading))
            yield Row(number, values, typed=False)


def _read(value: Any, reading: str) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if reading == "thumbs" and value in {0, 1}:
        return "up" if value else "down"
    return value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
