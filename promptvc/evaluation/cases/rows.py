"""Rows of a dataset: JSON Lines or CSV, each found again by where it begins in the file's bytes.

JSON Lines: one object a line, with the keys of a case. CSV (RFC 4180, commas): :mod:`promptvc.evaluation.cases.columns`
says what the columns are. Both are UTF-8, with a byte order mark or without; lines end in LF or CRLF; a row without
anything in it is none.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from typing import Any, Protocol

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.cases.columns import Columns

_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


class Rows(Protocol):
    """The rows of one file."""

    def scan(self) -> Iterator[tuple[int, Any]]:
        """(line, value) of every row, in order; where they stand is remembered.

        Raises:
            InvalidDocument: with the line, a row that cannot be read.
        """
        ...

    def row(self, position: int) -> tuple[int, Any]:
        """(line, value) of one row that was scanned."""
        ...


class JsonLines:
    """JSON Lines."""

    def __init__(self, data: bytes, file: str) -> None:
        self._data = _text_of(data, file)
        self._file = file
        self._starts = array("Q")
        self._lines = array("L")

    def scan(self) -> Iterator[tuple[int, Any]]:
        """(line, value) of every row."""
        data, line = self._data, 0
        at = _start(data)
        while at < len(data):
            line += 1
            row = self._at(at)
            if not row.isspace() and row:
                self._starts.append(at)
                self._lines.append(line)
                yield line, parse_json(row, file=self._file, line=line)
            at += len(row) + 1

    def row(self, position: int) -> tuple[int, Any]:
        """(line, value) of one row."""
        line = self._lines[position]
        return line, parse_json(self._at(self._starts[position]), file=self._file, line=line)

    def _at(self, start: int) -> bytes:
        end = self._data.find(b"\n", start)
        return self._data[start:] if end < 0 else self._data[start:end]


class Csv:
    """CSV. ``match`` is the suite's: what asserts a text that is expected."""

    def __init__(self, data: bytes, file: str, match: str) -> None:
        self._data = _text_of(data, file)
        self._file = file
        self._match = match
        self._starts = array("Q")
        self._lines = array("L")
        self._columns: Columns | None = None

    def scan(self) -> Iterator[tuple[int, Any]]:
        """(line, value) of every row below the header."""
        lines = _Lines(self._data, _start(self._data), 0, self._file)
        reader = csv.reader(lines, strict=True)
        while True:
            start, line = lines.at, lines.number + 1
            cells = self._cells(reader, line)
            if cells is None:
                break
            if not any(cells):
                continue
            if self._columns is None:
                self._columns = Columns.of(cells, self._match, file=self._file, line=line)
                continue
            self._starts.append(start)
            self._lines.append(line)
            yield line, self._columns.value(cells, line)
        if self._columns is None:
            raise InvalidDocument("has no header", hint="name the columns", file=self._file, line=1)

    def row(self, position: int) -> tuple[int, Any]:
        """(line, value) of one row."""
        line = self._lines[position]
        lines = _Lines(self._data, self._starts[position], line - 1, self._file)
        cells = self._cells(csv.reader(lines, strict=True), line)
        assert cells is not None
        assert self._columns is not None
        return line, self._columns.value(cells, line)

    def _cells(self, reader: Iterator[list[str]], line: int) -> list[str] | None:
        try:
            return next(reader, None)
        except csv.Error as error:
            raise InvalidDocument(_reason(error), file=self._file, line=line) from None


class _Lines:
    """Lines of text for the csv module, which knows how many of them are a row. ``at`` is where the next begins."""

    def __init__(self, data: bytes, at: int, number: int, file: str) -> None:
        self._data = data
        self._file = file
        self.at = at
        self.number = number

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.at >= len(self._data):
            raise StopIteration
        end = self._data.find(b"\n", self.at) + 1
        line = self._data[self.at : end or None]
        self.at += len(line)
        self.number += 1
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            message = f"not UTF-8: byte {error.start}"
            raise InvalidDocument(message, file=self._file, line=self.number) from error


def _text_of(data: bytes, file: str) -> bytes:
    if data.startswith(_WIDE_BOMS):
        raise InvalidDocument("not UTF-8 but UTF-16", hint="save it as UTF-8", file=file, line=1)
    return data


def _start(data: bytes) -> int:
    return len(_BOM) if data.startswith(_BOM) else 0


def _reason(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        return f"a field of more than {csv.field_size_limit():,} characters"
    if "unexpected end" in text:
        return "a quote is opened and never closed"
    if "new-line character" in text:
        return "lines end in CR alone: save the file with LF or CRLF"
    return f"not CSV: {text}"
