"""The formats that feedback can be imported from, and how a file tells which it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from promptvc.base.errors import InputError, InvalidDocument, NotFound, Usage
from promptvc.base.files import storage_errors
from promptvc.feedback.importing.langfuse import read_langfuse
from promptvc.feedback.importing.langsmith import read_langsmith
from promptvc.feedback.importing.openai_evals import read_openai_evals
from promptvc.feedback.importing.promptfoo import read_promptfoo
from promptvc.feedback.importing.sqlite import is_sqlite, read_sqlite
from promptvc.feedback.query.parquet import is_parquet, read_parquet_rows
from promptvc.feedback.rows import BadRow, Row, read_rows

Rows = Iterator[Row | BadRow]


@dataclass(frozen=True, slots=True)
class How:
    """How a file is opened.

    Attributes:
        format: a name of :data:`FORMATS`; told by the file when there is none.
        table: of a database.
        beside: a file with the traces or runs that the scores are about.
    """

    format: str | None = None
    table: str | None = None
    beside: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


_TOOLS: Mapping[str, Callable[[Path, Mapping[str, str], Path | None], Rows]] = {
    "langfuse": read_langfuse,
    "langsmith": read_langsmith,
    "openai-evals": read_openai_evals,
    "promptfoo": read_promptfoo,
}
FORMATS = ("jsonl", "csv", "parquet", "sqlite", *_TOOLS)
JOINED = ("langfuse", "langsmith")
"""Formats whose scores are about what another file holds."""
_BINARY = ("parquet", "sqlite")
_SAID = {"jsonl": "JSON Lines", "csv": "CSV", "parquet": "Parquet", "sqlite": "SQLite"}


def check_file(path: Path, hint: str) -> None:
    """
    Raises:
        NotFound: there is nothing there.
        InputError: there is no file, but a folder, a device or a pipe: a file is read more than once.
    """
    if path.is_file():
        return
    if path.name == "-":
        raise InputError("standard input is not read: an import reads its file twice", hint=f"name {hint}")
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint=f"name {hint}")
    if path.exists():
        raise InputError(f"{path} is a device or a pipe, and no file", hint=f"name {hint}")
    raise NotFound(f"no such file: {path}", hint=f"give the path of {hint}")


def format_of(path: Path) -> str:
    """The format that the file itself tells: Parquet and SQLite by their first bytes, else rows of text.

    Raises:
        NotFound, InputError: as :func:`check_file`.
    """
    check_file(path, "a file of rows, or of another tool's export")
    with storage_errors(path):
        if is_parquet(path):
            return "parquet"
        if is_sqlite(path):
            return "sqlite"
    return "csv" if path.suffix.lower() in {".csv", ".tsv"} else "jsonl"


def open_rows(path: Path, how: How) -> Rows:
    """The rows of ``path``. Names of columns are theirs still, but in what a tool exports and in a database.

    Raises:
        NotFound, InputError: as :func:`check_file`.
        Usage: an option that the format has no use for.
        InvalidDocument, StorageError: the file as a whole cannot be read.
    """
    told = format_of(path)
    name = how.format or told
    if how.table is not None and name != "sqlite":
        raise Usage(f"--table is for databases, and {path.name} is read as {name}")
    if how.beside is not None and name not in JOINED:
        raise Usage(f"--with is for {' and '.join(JOINED)}, and {path.name} is read as {name}")
    if how.beside is not None:
        check_file(how.beside, "the file with the traces or runs")
    if name != told and name not in _TOOLS and not {name, told} <= {"csv", "jsonl"}:
        hint = (
            f"leave --format out, or say --format {told}" if told in _BINARY else f"leave out --format {name}"
        )
        raise InvalidDocument(f"it is no file of {_SAID[name]}", hint=hint, file=str(path))
    if (read := _TOOLS.get(name)) is not None:
        return read(path, how.columns, how.beside)
    if name == "sqlite":
        return read_sqlite(path, how.columns, how.table)
    if name == "parquet":
        return (Row(number, values, typed=True) for number, values in enumerate(read_parquet_rows(path), 1))
    return read_rows(path, name if how.format else None)


def is_tool(name: str | None) -> bool:
    """Whether the names in the column map are names of scores, and the readers have mapped them already."""
    return name in _TOOLS
