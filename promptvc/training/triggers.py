"""When a prompt is due for training: by what was said about it since its last training.

The triggers look at new events only, and a training asks for nothing but them and the ledger: the answer is the same
wherever the commits are. What an annotation rejected is not looked at, nor what is older than the window; annotations,
and kinds that training never hears (``usage``, ``exposure``, ...), are no events here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from promptvc.base.clock import format_time
from promptvc.base.config import TriggerSettings
from promptvc.base.ids import ulid_time
from promptvc.evidence.trainings import Training
from promptvc.feedback.events import Event
from promptvc.training.data.signals import HEARD
from promptvc.training.measures import Counts, Said

Trigger = Literal["errors", "ratings", "suggestions", "volume"]

_FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a prompt is due.

    Attributes:
        trigger: the first that fired, of errors, ratings, suggestions and volume; None when it is not due.
        reasons: why, or why not, each a clause with its numbers.
        counts: of the new events.
    """

    due: bool
    trigger: Trigger | None
    reasons: tuple[str, ...]
    counts: Counts = field(default_factory=Counts)


def assess(new: Sequence[Event], last: Training | None, settings: TriggerSettings, now: datetime) -> Due:
    """Whether ``new`` events make a training due.

    Args:
        new: what :func:`fresh` left.
        last: the newest training, failed or not: two are not begun within ``settings.hours``.
    """
    counts = count(new)
    if counts.events < settings.min_events:
        least = f"{_number(counts.events, 'new event')}, {settings.min_events} are the least"
        return Due(due=False, trigger=None, reasons=(least,), counts=counts)
    fired = _fired(counts, settings)
    if not fired:
        return Due(due=False, trigger=None, reasons=_quiet(counts, settings), counts=counts)
    reasons = tuple(reason for _, reason in fired)
    if last is not None and now - last.time < timedelta(hours=settings.hours):
        following = format_time(last.time + timedelta(hours=settings.hours))
        waits = f"trained at {format_time(last.time)}, at most once in {settings.hours:g} h: not before {following}"
        return Due(due=False, trigger=None, reasons=(waits, *reasons), counts=counts)
    return Due(due=True, trigger=fired[0][0], reasons=reasons, counts=counts)


def count(events: Iterable[Event]) -> Counts:
    """Count ``events``, each of which is there once; the order does not matter."""
    return Counts.of(Said.of(event) for event in events)


def fresh(
    events: Iterable[Event], used: Collection[str], rejected: Collection[str], days: int | None
) -> list[Event]:
    """Those of a prompt's ``events`` that are new, ordered by id.

    Args:
        events: all that main has now.
        used: ids of those that the last training had before it.
        rejected: ids of those that an annotation rejected.
        days: only of the last so many before the newest event; None: all.
    """
    mine = list(events)
    newest = max((event.time for event in mine), default=None)
    since = None if newest is None or days is None else newest - timedelta(days=days)
    found = [
        event
        for event in mine
        if event.kind in HEARD
        and event.id not in used
        and event.id not in rejected
        and (since is None or event.time >= since)
    ]
    return sorted(found, key=lambda event: event.id)


def used_by_time(events: Iterable[Event], training: Training) -> set[str]:
    """Ids of the events that were there when ``training`` was, by their own times.

    For a clone that has not got the commit which the training read. An event of another branch that was merged later
    is taken for used.
    """
    return {
        event.id for event in events if event.time <= training.time and ulid_time(event.id) <= training.time
    }


def last_ended(trainings: Sequence[Training]) -> Training | None:
    """The newest of ``trainings`` (newest first) that came to an end: what a failed one read stays new."""
    return next((one for one in trainings if not one.reason.startswith(_FAILED)), None)


def _fired(counts: Counts, settings: TriggerSettings) -> list[tuple[Trigger, str]]:
    found: list[tuple[Trigger, str]] = []
    rate = counts.error_rate
    if rate is not None and rate > settings.error_rate:
        found.append(("errors", f"{_errors(counts)}, more than {settings.error_rate:g}"))
    if counts.rating is not None and counts.rating < settings.rating:
        found.append(("ratings", f"{_rating(counts)}, below {settings.rating:g}"))
    if counts.suggestions >= settings.suggestions:
        of = f"{settings.suggestions} are enough"
        found.append(("suggestions", f"{_number(counts.suggestions, 'new suggestion')}, {of}"))
    if counts.events >= settings.events:
        found.append(("volume", f"{_number(counts.events, 'new event')}, {settings.events} are enough"))
    return found


def _quiet(counts: Counts, settings: TriggerSettings) -> tuple[str, ...]:
    rated, ran = counts.rating is not None, counts.error_rate is not None
    return (
        f"{_errors(counts)}, not more than {settings.error_rate:g}" if ran else "no error rate is known",
        f"{_rating(counts)}, not below {settings.rating:g}" if rated else "nothing new is rated",
        f"{_number(counts.suggestions, 'new suggestion')} of {settings.suggestions}",
        f"{_number(counts.events, 'new event')} of {settings.events}",
    )


def _errors(counts: Counts) -> str:
    return f"error rate {counts.error_rate or 0.0:.3f} ({counts.errors:,} of {_number(counts.runs, 'run')})"


def _rating(counts: Counts) -> str:
    return f"mean rating {counts.rating or 0.0:.3f} ({counts.rated:,} rated)"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
