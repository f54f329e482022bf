"""From the rows that an engine of SQL answers to the values of :mod:`promptvc.feedback.query.facts`, in their order."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from promptvc.base.jsonl import canonical_json
from promptvc.feedback.query.facts import (
    Cell,
    Choice,
    Count,
    Labelled,
    Latency,
    Said,
    Tally,
    Witnesses,
    middle,
)

Row = Sequence[Any]


def counts(rows: Iterable[Row]) -> list[Count]:
    """Of :meth:`Statements.counts`."""
    found = [(_whole(row[0]), row[1], row[2], _tally(row[3:])) for row in rows]
    return [Count(*row) for row in _ordered(found, 3)]


def cells(rows: Iterable[Row]) -> list[Cell]:
    """Of :meth:`Statements.cells`."""
    found = [(_day(row[0]), row[1], _whole(row[2]), *row[3:8], _tally(row[8:])) for row in rows]
    return [Cell(*row) for row in _ordered(found, 8)]


def labelled(rows: Iterable[Row]) -> list[Labelled]:
    """Of :meth:`Statements.labelled`."""
    found = [(_day(row[0]), row[1], _whole(row[2]), row[3], _tally(row[4:])) for row in rows]
    return [Labelled(*row) for row in _ordered(found, 4)]


def latencies(rows: Iterable[Row]) -> list[Latency]:
    """Of :meth:`Statements.latencies`."""
    found = [(_day(row[0]), row[1], _whole(row[2]), row[3], int(row[4]), int(row[5])) for row in rows]
    return [Latency(*(*row[:4], middle(row[4]), row[5])) for row in _ordered(found, 5)]


def said(rows: Iterable[Row]) -> list[Said]:
    """Of :meth:`Statements.said`."""
    found = [
        Said(
            *(
                *(row[0], _moment(row[1]), row[2], _whole(row[3]), *row[4:10]),
                *(input_text(_json(row[10])), *row[11:14]),
                *(tuple(_json(row[14]) or ()), tuple(_json(row[15]) or ())),
            )
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.time, one.id), reverse=True)


def choices(rows: Iterable[Row]) -> list[Choice]:
    """Of :meth:`Statements.choices`."""
    found = [
        Choice(
            row[0], _moment(row[1]), row[2], row[3], task_text(_json(row[4])), offered(_json(row[5])), row[6]
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.time, one.id))


def witnesses(counted: Any, newest: Iterable[Row]) -> Witnesses:
    """Of :meth:`Statements.count`, its one value, and :meth:`Statements.newest`."""
    found = sorted(((_moment(row[1]), row[0]) for row in newest), reverse=True)
    return Witnesses(int(counted or 0), tuple(key for _, key in found), found[0][0] if found else None)


def input_text(given: Any) -> str | None:
    """An input as one text: of one variable its text, of several the JSON."""
    if isinstance(given, Mapping):
        # One variable is its text: that is what people wrote.
        only = next(iter(given.values())) if len(given) == 1 else None
        return only if isinstance(only, str) else task_text(given)
    return None if given is None else str(given)


def task_text(given: Any) -> str | None:
    """An input as one text: variables as JSON."""
    if isinstance(given, Mapping):
        return canonical_json(given).decode("utf-8", "replace")
    return None if given is None else str(given)


def offered(options: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, float | None], ...]:
    """The options of a selection: name and confidence."""
    return tuple((one["name"], one.get("confidence")) for one in options)


def in_order(key: Sequence[Hashable]) -> tuple[Any, ...]:
    """To sort by: what is not told comes last."""
    return tuple((part is None, part if part is not None else "") for part in key)


def _ordered(rows: list[tuple[Any, ...]], keys: int) -> list[tuple[Any, ...]]:
    """Sorted here and not by the engine, whose collation and place of NULL may be another's."""
    return sorted(rows, key=lambda row: in_order(row[:keys]))


def _tally(values: Row) -> Tally:
    return Tally(*(int(value or 0) for value in values))


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _day(value: Any) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value[:10])
    return value.date() if isinstance(value, datetime) else value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC)


def _json(value: Any) -> Any:
    return None if value is None else json.loads(value)
