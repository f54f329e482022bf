"""One JSON object of a record, read field by field: types checked, unknown keys kept, errors with a file."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from promptvc.base.clock import parse_time
from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import is_ulid
from promptvc.base.jsonl import parse_json

T = TypeVar("T")

FORMAT = 1
"""The major number of the format. A reader accepts its own and older ones, with any keys added later."""


def document(value: Mapping[str, Any]) -> bytes:
    """The one text of a record: two spaces of indent, sorted keys, UTF-8, a final newline."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def long_document(value: Mapping[str, Any], key: str, items: Iterable[Mapping[str, Any]]) -> bytes:
    """The same text for ``{**value, key: [*items]}``, whose items are made, written and forgotten one by one."""
    head, empty, tail = document({**value, key: []}).partition(f'\n  "{key}": []'.encode())
    text = io.BytesIO()
    text.write(head + empty[:-1])
    after = b"\n    "
    for item in items:
        # No line of JSON begins inside a text, so that each can be indented as it stands.
        text.write(after + document(item)[:-1].replace(b"\n", b"\n    "))
        after = b",\n    "
    text.write((b"]" if after == b"\n    " else b"\n  ]") + tail)
    return text.getvalue()


class Fields:
    """One JSON object while it is read. What nobody asked for is handed out by :meth:`rest`."""

    def __init__(self, value: Any, *, file: str, key: str = "") -> None:
        if not isinstance(value, dict):
            raise InvalidDocument(f"{key or 'the record'} must be an object", file=file)
        self._value: dict[str, Any] = value
        self._file = file
        self._key = key
        self._read: set[str] = set()

    @classmethod
    def parse(cls, data: bytes, *, file: str, kinds: Mapping[str, T]) -> tuple[Fields, T]:
        """Read a whole record: its fields and the entry of ``kinds`` that its ``record`` key names.

        Raises:
            InvalidDocument: not JSON, not an object, a kind or a major format unknown here.
        """
        fields = cls(parse_json(data, file=file), file=file)
        kind = fields.text("record")
        if kind not in kinds:
            raise fields.wrong("record", f"is {kind!r}, not one of {', '.join(sorted(kinds))}")
        if fields.integer("format") > FORMAT:
            raise InvalidDocument(
                "written by a newer promptvc", file=file, hint="upgrade promptvc to read this record"
            )
        return fields, kinds[kind]

    def wrong(self, key: str, reason: str) -> InvalidDocument:
        """The error for ``key``, to be raised by the caller."""
        return InvalidDocument(f"{self._name(key)} {reason}", file=self._file)

    def text(self, key: str) -> str:
        """A string; must be there."""
        return self._typed(key, str, "text")

    def integer(self, key: str) -> int:
        """A whole number; must be there."""
        return self._typed(key, int, "a whole number")

    def boolean(self, key: str) -> bool:
        """True or false; must be there."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def number(self, key: str) -> float:
        """A finite number; must be there."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.wrong(key, "must be a number")
        return value

    def ulid(self, key: str) -> str:
        """A ULID; must be there."""
        value = self.text(key)
        if not is_ulid(value):
            raise self.wrong(key, "must be a ULID: 26 characters, upper case")
        return value

    def time(self, key: str) -> datetime:
        """An RFC 3339 time; must be there."""
        try:
            return parse_time(self.text(key))
        except ValueError:
            raise self.wrong(key, "must be a time such as 2026-11-20T11:47:16Z") from None

    def mapping(self, key: str) -> dict[str, Any]:
        """An object as it is; must be there."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "must be an object")
        return value

    def mappings(self, key: str) -> tuple[dict[str, Any], ...]:
        """A list of objects as they are; must be there."""
        items = self._list(key)
        if not all(isinstance(item, dict) for item in items):
            raise self.wrong(key, "must be a list of objects")
        return tuple(items)

    def numbers(self, key: str) -> dict[str, float]:
        """An object of numbers; must be there."""
        inner = Fields(self.mapping(key), file=self._file, key=self._name(key))
        return {name: inner.number(name) for name in inner._value}

    def named_texts(self, key: str) -> dict[str, str]:
        """An object of strings; must be there."""
        inner = Fields(self.mapping(key), file=self._file, key=self._name(key))
        return {name: inner.text(name) for name in inner._value}

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; must be there."""
        items = self._list(key)
        if not all(isinstance(item, str) for item in items):
            raise self.wrong(key, "must be a list of texts")
        return tuple(items)

    def many(self, key: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        """A list of objects, each read by ``read``; must be there."""
        return tuple(
            read(Fields(item, file=self._file, key=f"{self._name(key)}[{index}]"))
            for index, item in enumerate(self._list(key))
        )

    def one(self, key: str, read: Callable[[Fields], T]) -> T:
        """An object, read by ``read``; must be there."""
        return read(Fields(self._take(key), file=self._file, key=self._name(key)))

    def optional(self, key: str, read: Callable[[str], T]) -> T | None:
        """What ``read`` makes of ``key``, or None when the key is absent or null."""
        if self._value.get(key) is None:
            self._read.add(key)
            return None
        return read(key)

    def optional_one(self, key: str, read: Callable[[Fields], T]) -> T | None:
        """An object read by ``read``, or None when the key is absent or null."""
        return self.optional(key, lambda name: self.one(name, read))

    def rest(self) -> dict[str, Any]:
        """The keys that were not asked for: written by a newer version, kept as they are."""
        return {key: value for key, value in self._value.items() if key not in self._read}

    def _list(self, key: str) -> list[Any]:
        value = self._take(key)
        if not isinstance(value, list):
            raise self.wrong(key, "must be a list")
        return value

    def _typed(self, key: str, kind: type[T], words: str) -> T:
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, kind):
            raise self.wrong(key, f"must be {words}")
        return value

    def _take(self, key: str) -> Any:
        self._read.add(key)
        if key not in self._value:
            raise self.wrong(key, "is missing")
        return self._value[key]

    def _name(self, key: str) -> str:
        return f"{self._key}.{key}" if self._key else key
