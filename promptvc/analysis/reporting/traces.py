"""From a figure back to its events: the query that finds them, as data and as the command that counts them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from promptvc.analysis.reporting.periods import midnight
from promptvc.analysis.reporting.slices import Slice
from promptvc.base.clock import format_time
from promptvc.feedback.query.selection import Query

USERS = ("human", "code")
"""Whose scores count: a judge's are no user's."""
CALLS = ("success", "error")
RATED = Query(outcome="rated", sources=USERS)
GOOD = Query(outcome="good", sources=USERS)
_OPTIONS = {
    "kinds": "--kind",
    "sources": "--source",
    "versions": "--version",
    "tags": "--tag",
    "since": "--since",
    "until": "--until",
    "model": "--model",
    "framework": "--framework",
    "technique": "--technique",
    "issue": "--issue",
    "error": "--error-type",
    "outcome": "--outcome",
}


@dataclass(frozen=True, slots=True)
class Count:
    """So many events, and the queries that find them; an event answers one of them at most."""

    n: int
    queries: tuple[Query, ...]

    def to_json(self) -> dict[str, Any]:
        """``{"count", "trace": [{"query", "command"}]}``."""
        trace = [{"query": query_json(one), "command": command_of(one)} for one in self.queries]
        return {"count": self.n, "trace": trace}


def narrowed(query: Query, part: Slice, start: date, end: date) -> Query:
    """``query``, of the events of a slice on the days from ``start`` to before ``end``."""
    found = replace(query, prompt=part.prompt or None, since=midnight(start), until=midnight(end))
    if part.dimension == "version":
        return replace(found, versions=(int(part.value),))
    if part.dimension == "tag":
        return replace(found, tags=(part.value,))
    if part.dimension == "model":
        return replace(found, model=part.value)
    if part.dimension == "framework":
        return replace(found, framework=part.value)
    if part.dimension == "technique":
        return replace(found, technique=part.value)
    if part.dimension == "issue":
        return replace(found, issue=part.value)
    return replace(found, error=part.value) if part.dimension == "error" else found


def query_json(query: Query) -> dict[str, Any]:
    """What a query asks, by name; what it does not ask is left out."""
    return {key: _plain(value) for key, value in _asked(query)}


def command_of(query: Query, *, count: bool = True) -> str:
    """The `promptvc feedback list` that finds the events, for a POSIX shell."""
    words = ["promptvc", "feedback", "list"]
    if query.prompt is not None:
        words.append(query.prompt)
    for key, value in _asked(query):
        if key != "prompt":
            values = value if isinstance(value, tuple) else (value,)
            words += [f"{_OPTIONS[key]}={_worded(one)}" for one in values]
    return shlex.join([*words, *(["--count"] * count)])


def _asked(query: Query) -> Iterator[tuple[str, Any]]:
    for key in ("prompt", *_OPTIONS):
        value = getattr(query, key)
        if value is not None and value != ():
            yield key, value


def _worded(value: Any) -> str:
    """As an option takes it; a midnight by its day."""
    return str(_plain(value)).removesuffix("T00:00:00Z") if isinstance(value, datetime) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
