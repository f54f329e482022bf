"""Where recorded events go, and how what was taken becomes an event there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, PromptvcError
from promptvc.feedback.columns import infer_kind, to_event
from promptvc.feedback.events import MAX_EVENT_BYTES, Event, parse_event, stamped
from promptvc.feedback.quarantine import LOST, RECORDER, Quarantine, Quarantined
from promptvc.feedback.recording.taken import Taken
from promptvc.feedback.redact import Redactor
from promptvc.feedback.spool import Spool

SAID = frozenset({"rating", "correction", "suggestion", "demonstration", "annotation"})
"""Kinds that people say; everything else a program measured."""
_PEOPLE = ("user", "reviewer")
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, as far as recording needs one.

    Attributes:
        redactor: gives the redactor in force.
        naming: the same, for an event that names a person: with a key, made if there is none.
        name: the prompt of NAME or NAME@REV; raises InputError where that is no name.
        about: its ``version`` and ``digest`` too, as far as they are known; raises InputError where there is no
            such prompt.
        refresh: reads settings and branches anew; called now and then.
    """

    spool: Spool
    quarantine: Quarantine
    redactor: Callable[[], Redactor]
    naming: Callable[[], Redactor]
    name: Callable[[str], str]
    about: Callable[[str], Mapping[str, Any]]
    refresh: Callable[[], None]


def make_event(place: Place, taken: Taken) -> tuple[Event, Mapping[str, int]]:
    """The event of one call, redacted and checked, and what was replaced in it, by category.

    Raises:
        InputError, ValueError: it is none; the text is for people.
        StorageError: there is no key for the pseudonym of a person, and none can be written.
    """
    if taken.refused is not None:
        raise ValueError(taken.refused)
    value = to_event(taken.values, {}, typed=True)
    if "kind" not in value:
        value["kind"] = infer_kind(value)
        if value["kind"] is None:
            raise ValueError("no kind, and no key that tells it, such as stars, corrected or latency_ms")
    told = "version" in value or "digest" in value  # what the application knows that it served
    about = {"prompt": place.name(taken.reference)} if told else place.about(taken.reference)
    value.setdefault("source", "human" if value["kind"] in SAID else "code")
    named = any(key in value for key in _PEOPLE)
    redactor = place.naming() if named else place.redactor()
    clean, found = redactor.event(stamped({**value, **about}, now=taken.time))
    event = parse_event(clean)
    if (size := len(event.line())) > MAX_EVENT_BYTES:
        raise ValueError(f"an event of {size:,} bytes; at most {MAX_EVENT_BYTES:,} are kept")
    return event, found


def refused(place: Place, taken: Taken, error: Exception) -> Quarantined:
    """The row for the quarantine, every text of it redacted; what JSON has no word for is told by its type."""
    reason = error.message if isinstance(error, InputError) else str(error)
    if not isinstance(error, InputError | ValueError):
        reason = f"{type(error).__name__}: {reason}"
    row: dict[str, Any] = {"prompt": taken.reference, "time": format_time(taken.time)}
    whole = taken.refused is None and taken.size <= MAX_EVENT_BYTES
    if taken.size <= MAX_EVENT_BYTES:
        row |= {key: item for key, item in taken.values.items() if key not in _PEOPLE}
    lost: list[str] = []
    # One level down, where nothing is taken for an identifier of ours.
    clean, _ = place.redactor().event({"row": _spoken(row, 0, lost), "reason": reason})
    people = {key: taken.values[key] for key in _PEOPLE if isinstance(taken.values.get(key), str)}
    with contextlib.suppress(PromptvcError):  # without a key nobody is named
        clean["row"] |= place.naming().event(people)[0] if people else {}
    asked = None if whole and not lost else {LOST: True}
    return Quarantined(str(row["time"]), RECORDER, None, clean["reason"], clean["row"], asked)


def _spoken(value: Any, depth: int, lost: list[str]) -> Any:
    """What JSON can say of it; of the rest the type, which is added to ``lost``."""
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float) and value - value == 0:  # neither infinite nor NaN
        return value
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(key): _spoken(item, depth + 1, lost) for key, item in value.items()}
    if isinstance(value, list) and depth < _DEEPEST:
        return [_spoken(item, depth + 1, lost) for item in value]
    lost.append(type(value).__name__)
    return f"<{lost[-1]}>"
