"""Structured logs: an event name that never changes its meaning, and values; one JSON object a line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TextIO

from promptvc.base.clock import format_time
from promptvc.base.jsonl import canonical_json

Value = str | int | float | bool | None


class Log(Protocol):
    """Takes what happened; never raises for it."""

    def event(self, name: str, /, **values: Value) -> None:
        """Note that ``name`` happened, such as ``git.committed``."""


class Silent:
    """Keeps nothing."""

    def event(self, name: str, /, **values: Value) -> None:
        """Drop it."""


class JsonLines:
    """Writes ``{"event": ..., "time": ..., ...}`` lines to a stream."""

    def __init__(self, stream: TextIO, clock: Callable[[], datetime]) -> None:
        self._stream = stream
        self._clock = clock

    def event(self, name: str, /, **values: Value) -> None:
        """Write one line and flush it."""
        line = canonical_json({"event": name, "time": format_time(self._clock()), **values})
        self._stream.write(line.decode("utf-8", "replace") + "\n")
        self._stream.flush()
