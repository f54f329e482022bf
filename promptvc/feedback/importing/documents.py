"""JSON of any size, one item after the other: an array, an object that holds one, or JSON Lines.

Only the item at hand is in memory. An item that is JSON and breaks a rule of ours (a key twice, NaN) is a bad row;
where the text itself is broken nothing behind it can be trusted, and the file is refused.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.files import storage_errors
from promptvc.base.jsonl import parse_json
from promptvc.feedback.rows import HALF, BadRow

Path_ = tuple[str, ...]
MOST_CHARACTERS = 64 * 1024 * 1024
_CHUNK = 64 * 1024
_SCAN = json.JSONDecoder()
_BLANK = " \t\r\n"


class Item:
    """One item: its ``value``, the ``line`` it begins on, and what the objects around it said before (``head``)."""

    __slots__ = ("head", "line", "value")

    def __init__(self, line: int, value: Any, head: dict[str, Any]) -> None:
        self.line = line
        self.value = value
        self.head = head


def read_items(path: Path, arrays: Collection[Path_] = ()) -> Iterator[Item | BadRow]:
    """The items of ``path``.

    Args:
        arrays: where in a top-level object an array of items may stand: ``("results", "results")``. An object without
            one of them is an item itself.

    Raises:
        InvalidDocument: it is not UTF-8, not JSON, or an item has more than 64 Mi characters.
    """
    with storage_errors(path), path.open("rb") as stream:
        text = _Text(stream, str(path))
        while text.peek():
            if text.peek() == "[":
                yield from _array(text, {})
            elif text.peek() == "{" and arrays:
                yield from _object(text, (), arrays, {})
            else:
                yield _item(text, {})


def _array(text: _Text, head: dict[str, Any]) -> Iterator[Item | BadRow]:
    text.take("[")
    while text.peek() != "]":
        yield _item(text, head)
        if text.peek() != "]":
            text.take(",")
    text.take("]")


def _object(
    text: _Text, place: Path_, arrays: Collection[Path_], head: dict[str, Any]
) -> Iterator[Item | BadRow]:
    line, mine, found = text.line, dict[str, Any](), False
    text.take("{")
    while text.peek() != "}":
        key = text.value()[1]
        if not isinstance(key, str):
            text.broken("a key is a text")
        text.take(":")
        here = (*place, key)
        if here in arrays and text.peek() == "[":
            found = True
            yield from _array(text, head | mine)
        elif text.peek() == "{" and any(len(one) > len(here) and one[: len(here)] == here for one in arrays):
            found = True
            yield from _object(text, here, arrays, head | mine)
        else:
            mine[key] = text.value()[1]
        if text.peek() != "}":
            text.take(",")
    text.take("}")
    if not found and not place:
        yield Item(line, mine, head)


def _item(text: _Text, head: dict[str, Any]) -> Item | BadRow:
    text.peek()
    line = text.line
    try:
        source, value = text.value()
        return Item(line, value if source is None else parse_json(source, file=text.file, line=line), head)
    except _Refused as error:
        return BadRow(line, str(error), error.source)


class _Refused(Exception):
    def __init__(self, reason: str, source: str) -> None:
        super().__init__(reason)
        self.source = source


class _Text:
    """Characters of a stream, of which a window is held."""

    def __init__(self, stream: io.BufferedReader, file: str) -> None:
        self._stream = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        self._window = ""
        self._at = 0
        self._ended = False
        self.file = file
        self.line = 1

    def peek(self) -> str:
        """The next character that is no blank; nothing at the end."""
        while True:
            while self._at < len(self._window):
                character = self._window[self._at]
                if character not in _BLANK:
                    return character
                self.line += character == "\n"
                self._at += 1
            if not self._more(_CHUNK):
                return ""

    def take(self, wanted: str) -> None:
        """Go past one character that has to be there."""
        if self.peek() != wanted:
            self.broken(f"{wanted!r} expected")
        self._at += 1

    def value(self) -> tuple[str | None, Any]:
        """The next value, strictly read.

        Raises:
            _Refused: it is JSON, and no value of ours.
        """
        if not self.peek():
            self.broken("it ends too early")
        size = _CHUNK
        while True:
            end = self._end()
            if end is not None and (end < len(self._window) or self._ended):
                break
            if len(self._window) - self._at > MOST_CHARACTERS:
                self.broken(f"an item of more than {MOST_CHARACTERS:,} characters")
            if not self._more(size) and end is None:
                self.broken("it ends too early, or a character is out of place")
            size *= 2
        source = self._window[self._at : end]
        self._at = end
        line, self.line = self.line, self.line + source.count("\n")
        try:
            return None, parse_json(source, file=self.file, line=line)
        except InvalidDocument as error:
            raise _Refused(error.message, source) from error

    def broken(self, what: str) -> None:
        """
        Raises:
            InvalidDocument: always.
        """
        raise InvalidDocument(f"not JSON: {what}", hint=HALF, file=self.file, line=self.line)

    def _end(self) -> int | None:
        try:
            return _SCAN.raw_decode(self._window, self._at)[1]
        except (json.JSONDecodeError, RecursionError):
            return None

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        try:
            found = self._stream.read(size)
        except UnicodeDecodeError as error:
            raise InvalidDocument(f"not UTF-8: byte {error.start}", file=self.file, line=self.line) from error
        self._window = self._window[self._at :] + found
        self._at = 0
        self._ended = not found
        return bool(found)
