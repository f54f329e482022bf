"""Retention: an event outlives its texts. What was counted stays; what people wrote goes after some days.

Kept are numbers, tags, labels, issues, identifiers, the user's pseudonym and the names of models and frameworks:
everything that a count, a rate or a ranking is made of. Taken out are input, output, corrected, comment, notes, query,
the message of an error, the texts of chunks, a context's words, and every text under a key that is not known here: what
an import brought along may be anything.

``expired`` says when that was due, not when it was done: two clones that do it on different days write the same line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import derived_ulid, is_ulid, ulid_time
from promptvc.base.jsonl import parse_json
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.fields import FIELDS

TEXTS = frozenset({"input", "output", "corrected", "comment", "notes", "query"})
"""Keys that are words and nothing else."""

# Of an inner object only these texts stay, and what is no text.
_INNER: Mapping[str, frozenset[str]] = {
    "context": frozenset(
        {"model", "framework", "technique", "provider", "metric", "prompt", "version", "digest", "judge"}
    ),
    "error": frozenset({"type"}),
    "chunks": frozenset({"id"}),
    "options": frozenset({"name"}),
}
# Identifiers that are no key of an event's own.
_NAMES = frozenset({"external_id", "org"})
_KEPT = (frozenset(FIELDS) | _NAMES) - TEXTS - frozenset(_INNER)
_NOTHING: Mapping[str, str] = MappingProxyType({})
_UNDATED = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Term:
    """How long texts are kept: of what was said ``before`` they go, ``days`` days after it was said."""

    before: datetime
    days: int

    @classmethod
    def ending(cls, now: datetime, days: int) -> Term:
        """The term that has passed ``now``: to the midnight before, so that a day's runs all do the same."""
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(today - timedelta(days=days), days)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Lines after the term: how many lost their texts, and how many could not be read and stay as they are."""

    data: bytes
    expired: int
    unreadable: int


def expire(event: Event, term: Term, marked: str | None = None) -> Event | None:
    """``event`` without its texts; None where there is nothing to take out.

    An event that is marked already and has texts all the same, as after a merge by hand, loses them too. ``marked``
    is when they were due where they were taken out elsewhere.
    """
    left = {key: kept for key, value in event.data.items() if (kept := _left(key, value)) is not _GONE}
    if left == event.data:
        return None
    left.setdefault("expired", marked or format_time(event.time + timedelta(days=term.days)))
    return parse_event(left)


def is_due(event: Event, term: Term) -> bool:
    """Whether ``event`` still has texts that the term takes out."""
    return event.time < term.before and expire(event, term) is not None


def rewrite(data: bytes, term: Term, gone: Mapping[str, str] = _NOTHING) -> Rewritten:
    """The lines of a segment, or of the spool, without what is due; every other line stays byte for byte.

    ``gone``: by id, when the texts of events were due that were taken out elsewhere: they go, however young they are.
    """
    lines, expired, unreadable = [], 0, 0
    for line in data.split(b"\n"):
        changed = None
        if line and not line.isspace():
            try:
                event = _due(line, term, gone)
                changed = None if event is None else expire(event, term, gone.get(event.id))
            except InvalidDocument:
                unreadable += 1
        expired += changed is not None
        lines.append(line if changed is None else changed.line().rstrip(b"\n"))
    return Rewritten(b"\n".join(lines) if expired else data, expired, unreadable)


def renamed(path: str, digest: bytes) -> str:
    """The path of a segment that holds what has the SHA-256 ``digest``, in place of the one at ``path``.

    Segments are written once, so what replaces one has a name of its own; it is made from the content, so that two
    branches that did the same hold the same file, and two that did not hold two.
    """
    folder, _, name = path.rpartition("/")
    ulid = name.removesuffix(".jsonl")
    time = ulid_time(ulid) if is_ulid(ulid) else _UNDATED
    return f"{folder}/{derived_ulid(time, digest, 0)}.jsonl"


def expired_in(data: bytes) -> dict[str, str]:
    """By id, when the texts were due of those events of a segment that have lost them."""
    found: dict[str, str] = {}
    if b'"expired"' not in data:
        return found
    for line in data.split(b"\n"):
        if b'"expired"' in line:
            with contextlib.suppress(InvalidDocument):
                value = parse_json(line, file="segment")
                if isinstance(value, dict) and "expired" in value:
                    event = parse_event(value)
                    found[event.id] = value["expired"]
    return found


def _due(line: bytes, term: Term, gone: Mapping[str, str]) -> Event | None:
    """The event of a line; None where it is not due, which costs no check of all of its keys."""
    value = parse_json(line, file="segment")
    if not isinstance(value, dict):
        raise InvalidDocument("an event is a JSON object", file="segment")
    time, name = value.get("time"), value.get("id")
    # Both are days in UTC, as text.
    if isinstance(time, str) and time[:10] >= f"{term.before:%Y-%m-%d}" and name not in gone:
        return None
    return parse_event(value)


_GONE: Any = object()


def _left(key: str, value: Any) -> Any:
    """What stays of an event's ``value`` under ``key``."""
    if key in _KEPT:
        return value
    if key in TEXTS:
        return _GONE
    return _stripped(value, _INNER.get(key, frozenset()))


def _stripped(value: Any, names: frozenset[str]) -> Any:
    """``value`` without its texts, but for those that it holds under ``names``; nothing where nothing is left."""
    if isinstance(value, str):
        return _GONE
    if isinstance(value, list):
        items = [left for one in value if (left := _stripped(one, names)) is not _GONE]
        return items if items or not value else _GONE
    if isinstance(value, dict):
        inner = {
            name: left
            for name, one in value.items()
            if (left := one if name in names and isinstance(one, str) else _stripped(one, frozenset()))
            is not _GONE
        }
        return inner if inner or not value else _GONE
    return value
