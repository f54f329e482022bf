"""Rows of a file to import: JSON Lines or CSV, one after the other, each with the line it begins on.

A row that cannot be read is a :class:`BadRow`, never an exception: the caller decides what one bad row costs.
What makes the whole file unreadable (no such file, a JSON array, a header with a name twice) is raised.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.base.files import storage_errors
from promptvc.base.jsonl import parse_json
from promptvc.feedback.events import MAX_EVENT_BYTES

HALF = "if only a part of it was copied, fetch it again"
"""What to do about a file that breaks off."""
_DELIMITERS = (",", ";", "\t", "|")
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
_TOO_LARGE = f"larger than {MAX_EVENT_BYTES:,} bytes"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: names to values. ``typed`` is false for CSV, where every value is text.

    ``loose``: its prompt is what another tool calls it, which may be the name of one here or not.
    """

    line: int
    values: dict[str, Any]
    typed: bool
    loose: bool = False


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why; ``content`` is what there is of it: its values, or its text."""

    line: int
    reason: str
    content: Any = field(default=None, compare=False)


def read_rows(path: Path, format_: str | None = None) -> Iterator[Row | BadRow]:
    """The rows of ``path``: CSV when its name ends in .csv or .tsv, JSON Lines when in .jsonl or .ndjson.

    Any other name: JSON Lines when the first character is a brace. Memory does not grow with the file.

    Args:
        format_: ``csv`` or ``jsonl``, whatever the name.

    Raises:
        NotFound: no such file.
        InvalidDocument: UTF-16, a JSON array, JSON named as CSV, or a header that cannot be one.
        StorageError: it cannot be read.
    """
    if not path.is_file():
        raise NotFound(f"no such file: {path}", hint="give the path of a .jsonl or .csv file")
    with storage_errors(path), path.open("rb") as stream:
        start = stream.read(4096)
        stream.seek(len(_BOM) if start.startswith(_BOM) else 0)
        first = start.removeprefix(_BOM).lstrip()
        if start.startswith(_WIDE_BOMS):
            raise InvalidDocument("not UTF-8 but UTF-16", hint="save it as UTF-8", file=str(path))
        if format_ == "csv" and first[:1] in {b"{", b"["}:
            raise InvalidDocument("not CSV but JSON", hint="leave out --format csv", file=str(path))
        name = path.suffix.lower() if format_ is None else f".{format_}"
        if name in {".csv", ".tsv"} or (
            name not in {".jsonl", ".ndjson", ".json"} and first[:1] not in b"{["
        ):
            yield from _csv_rows(stream, str(path))
        elif first.startswith(b"["):
            hint = "--format says whose export it is; rows are one object a line, for example by: jq -c '.[]'"
            raise InvalidDocument("a JSON array, not JSON Lines", hint=hint, file=str(path), line=1)
        else:
            yield from _json_rows(stream, str(path))


def _json_rows(stream: BinaryIO, file: str) -> Iterator[Row | BadRow]:
    number = 0
    while line := stream.readline(MAX_EVENT_BYTES + 1):
        number += 1
        if len(line) > MAX_EVENT_BYTES and not line.endswith(b"\n"):
            _skip_line(stream)
            yield BadRow(number, _TOO_LARGE)
            continue
        if line.isspace():
            continue
        try:
            value = parse_json(line.rstrip(b"\r\n"), file=file, line=number)
        except InvalidDocument as error:
            yield BadRow(number, error.message, line.decode("utf-8", "replace").rstrip())
            continue
        if isinstance(value, dict):
            yield Row(number, value, typed=True)
        else:
            yield BadRow(number, "not a JSON object", value)


def _skip_line(stream: BinaryIO) -> None:
    while (part := stream.readline(MAX_EVENT_BYTES)) and not part.endswith(b"\n"):
        pass


def _csv_rows(stream: BinaryIO, file: str) -> Iterator[Row | BadRow]:
    """RFC 4180 with any of four delimiters; an empty cell is a value that is not given."""
    lines = _Lines(stream)
    delimiter = _delimiter(lines.first())
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        number = lines.number + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield BadRow(number, _reason(error))
            continue
        if cells is None:
            return
        if lines.bad is not None:
            yield lines.bad
            lines.bad = None
        elif not any(cells):
            continue
        elif header is None:
            header = _header(cells, file, number)
        elif len(cells) != len(header):
            reason = f"{_many(len(cells), 'field')} where the header has {len(header)}"
            yield BadRow(number, reason, cells)
        else:
            yield Row(number, dict(zip(header, cells, strict=True)), typed=False)


class _Lines:
    """Lines of text for the csv module. It counts them, and remembers the first that cannot be used."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: str | None = None
        self.number = 0
        self.bad: BadRow | None = None

    def first(self) -> str:
        """The first line, which stays to be read."""
        self._waiting = self._read()
        return self._waiting

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line, self._waiting = (self._read() if self._waiting is None else self._waiting), None
        if not line:
            raise StopIteration
        self.number += 1
        return line

    def _read(self) -> str:
        line = self._stream.readline(MAX_EVENT_BYTES + 1)
        if len(line) > MAX_EVENT_BYTES and not line.endswith(b"\n"):
            _skip_line(self._stream)
            self.bad = self.bad or BadRow(self.number + 1, _TOO_LARGE)
            return "\n"
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            self.bad = self.bad or BadRow(self.number + 1, f"not UTF-8: byte {error.start}")
            return line.decode(errors="replace")


def _delimiter(header: str) -> str:
    """The delimiter that the header holds most often outside quotes; a comma when it holds none."""
    outside = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _header(cells: list[str], file: str, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    for name in names:
        if not name:
            raise InvalidDocument("a column of the header has no name", file=file, line=line)
        if names.count(name) > 1:
            raise InvalidDocument(f"the header has two columns {name!r}", file=file, line=line)
    return names


def _reason(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        return f"a field of more than {csv.field_size_limit():,} characters"
    if "unexpected end" in text:
        return "a quote is opened and never closed"
    if "new-line character" in text:
        return "lines end in CR alone: save the file with LF or CRLF"
    return f"not CSV: {text}"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
