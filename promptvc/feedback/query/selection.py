"""Choosing events: what must hold, asked of events in memory or by an engine that reads them itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from promptvc.base.config import FeedbackSettings
from promptvc.base.jsonl import canonical_json
from promptvc.feedback.events import THRESHOLDS, Event

Outcome = Literal["good", "bad", "rated"]
"""By a user's score: at or above the positive threshold, at or below the negative one, any. A review has none."""


@dataclass(frozen=True, slots=True)
class Query:
    """What must hold, all of it; an empty part asks nothing.

    ``since`` is inclusive and ``until`` exclusive. Of ``tags`` every one must be there; of the other lists the
    event's own must be among them. ``text`` is looked for in every text of the event, whatever its case.

    Attributes:
        model, framework, technique: what the event's ``context`` says.
        issue: one of the event's reported ``issues``.
        error: the type of its error.
        outcome: good or bad by its score, or any score at all.
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
    model: str | None = None
    framework: str | None = None
    technique: str | None = None
    issue: str | None = None
    error: str | None = None
    outcome: Outcome | None = None


def select(
    events: Iterable[Event], query: Query, thresholds: FeedbackSettings = THRESHOLDS
) -> Iterator[Event]:
    """The events that answer ``query``, in the order given."""
    return (event for event in events if matches(event, query, thresholds))


def matches(event: Event, query: Query, thresholds: FeedbackSettings = THRESHOLDS) -> bool:
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
        and (query.issue is None or query.issue in event.data.get("issues", ()))
        and (query.error is None or error_type(event) == query.error)
        and _in_context(event, query)
        and (query.outcome is None or _came_out(event, query.outcome, thresholds))
        and (query.text is None or _holds(event.data, query.text.casefold()))
    )


def of_context(event: Event, key: str) -> str | None:
    """What the event's ``context`` says of ``key`` (model, framework, technique), what is no text as its JSON."""
    context = event.data.get("context")
    found = context.get(key) if isinstance(context, Mapping) else None
    if found is None or isinstance(found, str):
        return found or None
    return canonical_json(found).decode("utf-8", "replace")


def error_type(event: Event) -> str | None:
    """The type of an event's error; its message where it has no type, cut to 80 characters."""
    error = event.data.get("error")
    if not isinstance(error, Mapping):
        return None
    found = error.get("type") or error.get("message")
    return str(found)[:80] if found else None


def _in_context(event: Event, query: Query) -> bool:
    wanted = (("model", query.model), ("framework", query.framework), ("technique", query.technique))
    return all(value is None or of_context(event, key) == value for key, value in wanted)


def rating_of(event: Event) -> float | None:
    """The score of an event, 0..1, that is no annotation: what a reviewer gives is no rating by a user."""
    return None if event.kind == "annotation" else event.score


def _came_out(event: Event, outcome: Outcome, thresholds: FeedbackSettings) -> bool:
    rating = rating_of(event)
    if rating is None or outcome == "rated":
        return rating is not None
    return rating >= thresholds.positive if outcome == "good" else rating <= thresholds.negative


def _holds(value: Any, wanted: str) -> bool:
    if isinstance(value, str):
        return wanted in value.casefold()
    if isinstance(value, dict):
        return any(_holds(item, wanted) for item in value.values())
    if isinstance(value, list):
        return any(_holds(item, wanted) for item in value)
    return False
