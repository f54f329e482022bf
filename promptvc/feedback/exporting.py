"""Events as lines of a file: JSON Lines as they are kept, or CSV that `feedback import` reads back to the same events.

In CSV an object of texts or numbers is flattened (``input.message``, ``tokens.output``), lists are JSON. What a cell
cannot hold without becoming something else (a text that reads as JSON, an empty text, a number where text is
expected) is in the column ``_rest``, as JSON. A cell that begins with ``=``, ``+``, ``-`` or ``@`` is data and stays:
import the file into a spreadsheet as text.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from promptvc.feedback.columns import REST, to_event
from promptvc.feedback.events import Event
from promptvc.feedback.fields import FIELDS

_FIRST = tuple(FIELDS)
_FLAT = frozenset({"input", "context", "error", "tokens", "scores"})
_COLUMN = re.compile(r"[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)?")
_LONGEST = 100_000
"""Characters of a cell; many programs, Python's among them, refuse longer ones."""


def columns_of(events: Iterable[Event]) -> list[str]:
    """The columns that a table of ``events`` has: known keys in the schema's order, then others, then the rest."""
    names: set[str] = set()
    rest = False
    for event in events:
        cells, more = cells_of(event.data)
        names.update(cells)
        rest = rest or bool(more)
    if not names:
        names.update(_FIRST[:5])
    known = {key: place for place, key in enumerate(_FIRST)}
    ordered = sorted(names, key=lambda name: (known.get(name.partition(".")[0], len(known)), name))
    return [*ordered, REST] if rest else ordered


def csv_lines(events: Iterable[Event], columns: Sequence[str]) -> Iterator[bytes]:
    """A header and a row for each event, by RFC 4180; ``columns`` are those of :func:`columns_of`."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, restval="")
    writer.writeheader()
    for event in events:
        yield _taken(buffer)
        cells, rest = cells_of(event.data)
        writer.writerow(cells | ({REST: json.dumps(rest)} if rest else {}))
    yield _taken(buffer)


def cells_of(data: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The cells of an event by column, and the keys that cells cannot hold: reading both gives the very same event."""
    cells: dict[str, str] = {}
    rest: dict[str, Any] = {}
    for key, value in data.items():
        found = _flattened(key, value)
        if found and _reads_back(found, key, value):
            cells |= found
        else:
            rest[key] = value
    return cells, rest


def _flattened(key: str, value: Any) -> dict[str, str]:
    if key in _FLAT and isinstance(value, dict):
        return {f"{key}.{name}": _cell(item) for name, item in value.items()}
    return {key: _cell(value)}


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _reads_back(cells: Mapping[str, str], key: str, value: Any) -> bool:
    for name, cell in cells.items():
        if not _COLUMN.fullmatch(name) or name == REST or len(cell) > _LONGEST or not _is_unicode(cell):
            return False
    try:
        # An id that is none would become another key.
        back = to_event(cells, {}, typed=False)
    except ValueError:
        return False
    return back.keys() == {key} and _same(back[key], value)


def _same(left: Any, right: Any) -> bool:
    """Equal in value and in type: 1 and 1.0 and true are three values."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
