"""Hourly rollups: one line for the events of one hour that differ in nothing but numbers.

A rollup is an event whose ``time`` is the hour and whose ``rollup`` holds the sums, in the units of
`feedback/query/facts.py`, so that every sum over rollups is the sum over their events, to the last digit::

    {"count": 12, "latency": {"1200000": 9, "340000": 3}, "latency_us": 11843000,
     "tokens": {"count": 12, "input": 5100, "output": 640}, "cost": {"count": 12, "micro": 8400},
     "value": {"high": 5, "low": 1, "squares": 170, "sum": 40},     of the kind metric
     "units": {"visitor-17": 2},                                    of events that name a unit
     "members": "..."}                                              base64 of the ids' fingerprints, sorted

Only events that say nothing but numbers are rolled up: one with a text, a score or a key that is not listed here stays
as it is, and so does one that has no other to share a line with, and what was imported (`feedback/spool.py`). Whose
call it was is not kept: ``user``, ``session`` and ``execution`` are dropped. Several rollups of one hour add up, and
none is ever changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.ids import derived_ulid
from promptvc.base.jsonl import canonical_json
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.query.facts import MILLION, bucket

FINGERPRINT = 5
"""Bytes of a fingerprint. That a new id meets one of a thousand others by chance: once in a thousand million."""
MOST_MEMBERS = 4_000
"""Events of one line; with their fingerprints and units it stays below the mebibyte that an event may have."""

_KEY = (
    "prompt",
    "kind",
    "source",
    "version",
    "digest",
    "tags",
    "context",
    "name",
    "experiment",
    "rollout",
    "arm",
    "propensity",
    "org",
)
_NUMBERS = ("latency_ms", "tokens", "cost", "value", "unit")
_DROPPED = ("session", "execution", "user", "aka")
_ROLLED = frozenset({*_KEY, *_NUMBERS, *_DROPPED, "id", "time"})
_CONTEXT = frozenset({"model", "framework", "technique"})
_UNIT_BYTES = 128
_KEY_BYTES = 64 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Above these a number is a mistake somewhere: such an event stays alone, and sums stay within 63 bits.
_MOST = {"latency_ms": 1e9, "cost": 1e6, "tokens": 1e12, "value": 1e100}


def fingerprint(event_id: str) -> bytes:
    """The first five bytes of the SHA-256 of an id."""
    return hashlib.sha256(event_id.encode("ascii")).digest()[:FINGERPRINT]


def members(rollup: Mapping[str, Any]) -> frozenset[bytes]:
    """The fingerprints of the events that a rollup (the value of the key ``rollup``) counts."""
    try:
        data = base64.b64decode(rollup.get("members", ""), validate=True)
    except (binascii.Error, ValueError):
        return frozenset()
    return frozenset(data[start : start + FINGERPRINT] for start in range(0, len(data), FINGERPRINT))


def is_member(event_id: str, rollup: Mapping[str, Any]) -> bool:
    """Whether a rollup counts the event with this id. For many questions make a :class:`Counted`."""
    return fingerprint(event_id) in members(rollup)


class Counted:
    """What the rollups among ``events`` count already, to be asked for one event at a time."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._rollups: dict[tuple[str, str, datetime], list[Mapping[str, Any]]] = {}
        self._members: dict[tuple[str, str, datetime], frozenset[bytes]] = {}
        for event in events:
            rollup = event.data.get("rollup")
            if rollup is not None:
                self._rollups.setdefault(_place(event), []).append(rollup)

    def __contains__(self, event: Event) -> bool:
        """Whether a rollup of the event's prompt, kind and hour counts it; a rollup itself is counted by none."""
        place = _place(event)
        rollups = self._rollups.get(place)
        if not rollups or "rollup" in event.data:
            return False
        found = self._members.get(place)
        if found is None:
            found = self._members[place] = frozenset().union(*map(members, rollups))
        return fingerprint(event.id) in found


def roll_up(events: Iterable[Event], kinds: Collection[str]) -> Iterator[Event]:
    """``events`` with those of ``kinds`` that are numbers only as hourly rollups; each must be there once.

    The same events give the same rollups with the same ids, in whatever order they come.
    """
    groups: dict[bytes, tuple[datetime, dict[str, Any], list[Event]]] = {}
    for event in events:
        if event.kind not in kinds or not is_numbers(event):
            yield event
            continue
        hour, key = _hour(event), _key(event)
        name = canonical_json([format_time(hour), key])
        if len(name) > _KEY_BYTES:
            yield event
            continue
        groups.setdefault(name, (hour, key, []))[2].append(event)
    for name in sorted(groups):
        hour, key, found = groups[name]
        found.sort(key=lambda event: event.id)
        for start in range(0, len(found), MOST_MEMBERS):
            part = found[start : start + MOST_MEMBERS]
            yield part[0] if len(part) == 1 else _rollup(hour, key, part)


def is_numbers(event: Event) -> bool:
    """Whether nothing is lost but whose call it was, when ``event`` is rolled up."""
    data = event.data
    if not _ROLLED.issuperset(data) or event.time < _EPOCH:
        return False
    context = data.get("context", {})
    if not isinstance(context, Mapping) or not _CONTEXT.issuperset(context):
        return False
    if not all(isinstance(value, str) and value for value in context.values()):
        return False
    if any(abs(data.get(key, 0)) > _MOST[key] for key in ("latency_ms", "cost", "value")):
        return False
    tokens = data.get("tokens", {})
    if not {"input", "output"}.issuperset(tokens) or any(n > _MOST["tokens"] for n in tokens.values()):
        return False
    if event.kind == "metric":
        # The values of one unit are what an experiment compares: sums by arm would not do.
        return "unit" not in data
    return "value" not in data and len(canonical_json(data.get("unit", ""))) <= _UNIT_BYTES


def _rollup(hour: datetime, key: Mapping[str, Any], events: list[Event]) -> Event:
    prints = b"".join(sorted(fingerprint(event.id) for event in events))
    value = {
        **key,
        "id": derived_ulid(hour, canonical_json(key) + b"\n" + prints, 0),
        "time": format_time(hour),
        "rollup": _sums(events) | {"members": base64.b64encode(prints).decode("ascii")},
    }
    return parse_event(value, file="rollup")


def _sums(events: list[Event]) -> dict[str, Any]:
    found: dict[str, Any] = {"count": len(events)}
    latencies = [
        math.floor(event.data["latency_ms"] * 1000) for event in events if "latency_ms" in event.data
    ]
    if latencies:
        found["latency_us"] = sum(latencies)
        found["latency"] = _counts(str(bucket(one)) for one in latencies)
    tokens = [event.data["tokens"] for event in events if "tokens" in event.data]
    if tokens:
        sums = {key: sum(int(one.get(key, 0)) for one in tokens) for key in ("input", "output")}
        found["tokens"] = sums | {"count": len(tokens)}
    costs = [math.floor(event.data["cost"] * MILLION + 0.5) for event in events if "cost" in event.data]
    if costs:
        found["cost"] = {"micro": sum(costs), "count": len(costs)}
    values = [event.data["value"] for event in events if "value" in event.data]
    if values:
        found["value"] = {
            "sum": math.fsum(values),
            "squares": math.fsum(one * one for one in values),
            "low": min(values),
            "high": max(values),
        }
    if units := _counts(event.data["unit"] for event in events if "unit" in event.data):
        found["units"] = units
    return found


def _key(event: Event) -> dict[str, Any]:
    """What the events of one line have in common, in one spelling."""
    key = {name: event.data[name] for name in _KEY if name in event.data}
    if event.version is not None:
        key["version"] = event.version
    if "tags" in key:
        key["tags"] = sorted(set(event.tags))
    return {name: value for name, value in key.items() if value not in ([], {})}


def _counts(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _hour(event: Event) -> datetime:
    return event.time.replace(minute=0, second=0, microsecond=0)


def _place(event: Event) -> tuple[str, str, datetime]:
    return event.prompt, event.kind, _hour(event)
