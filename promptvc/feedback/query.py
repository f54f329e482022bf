"""Choosing events: one question, asked of events in memory.

Plain Python: reading the lines costs more than asking. An engine that reads files itself can answer the same
:class:`Query` when there are millions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.feedback.events import Event


@dataclass(frozen=True, slots=True)
class Query:
    """What must hold, all of it; an empty part asks nothing.

    ``since`` is inclusive and ``until`` exclusive. Of ``tags`` every one must be there; of the other lists the
    event's own must be among them. ``text`` is looked for in every text of the event, whatever its case.
    """

    prompt: str | None = None
    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    user: str | None = None
    text: str | None = None


def select(events: Iterable[Event], query: Query) -> Iterator[Event]:
    """The events that answer ``query``, in the order given."""
    return (event for event in events if matches(event, query))


def matches(event: Event, query: Query) -> bool:
    """Whether everything that ``query`` asks holds for ``event``."""
    return (
        (query.prompt is None or event.prompt == query.prompt)
        and (not query.kinds or event.kind in query.kinds)
        and (not query.sources or event.source in query.sources)
        and (not query.versions or event.version in query.versions)
        and (query.since is None or event.time >= query.since)
        and (query.until is None or event.time < query.until)
        and (query.user is None or event.user == query.user)
        and (not query.tags or set(query.tags) <= set(event.tags))
        and (query.text is None or _holds(event.data, query.text.casefold()))
    )


def _holds(value: Any, wanted: str) -> bool:
    if isinstance(value, str):
        return wanted in value.casefold()
    if isinstance(value, dict):
        return any(_holds(item, wanted) for item in value.values())
    if isinstance(value, list):
        return any(_holds(item, wanted) for item in value)
    return False
