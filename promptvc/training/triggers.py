"""When a prompt is due for training: by what was said about it since its last training.

The triggers look at new events, and a training asks for nothing but events and the ledger: the answer is the same
wherever the commits are. What an annotation rejected is not looked at, nor what is older than the window or dated in
the future; annotations, and kinds that training never hears (``usage``, ``exposure``, ...), are no events here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Literal

from promptvc.base.clock import format_time
from promptvc.base.config import TriggerSettings
from promptvc.base.ids import ulid_time
from promptvc.evidence.trainings import Training
from promptvc.feedback.events import Event
from promptvc.training.data.claims import ClaimOptions, rejected_in
from promptvc.training.data.signals import HEARD
from promptvc.training.measures import Counts, Said

Trigger = Literal["errors", "ratings", "suggestions", "volume"]

_FAILED = "failed"
_AHEAD = timedelta(days=1)
"""How far clocks may differ: what is dated later is of a clock that is wrong."""


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


def assess(
    new: Sequence[Event],
    last: Training | None,
    settings: TriggerSettings,
    now: datetime,
    *,
    there: int | None = None,
) -> Due:
    """Whether ``new`` events make a training due.

    A rate of few is none: errors and ratings take ``settings.min_events`` new ones. The other triggers count, and take
    as many in all, for a training has to have something to learn from.

    Args:
        new: what :func:`fresh` left.
        last: the newest training that counts, as :func:`last_ended` finds it: two are not within ``settings.hours``.
        there: how many count in all, new or not; None: only the new ones do.
    """
    counts = count(new)
    if not counts.events:
        return Due(due=False, trigger=None, reasons=("no new events",), counts=counts)
    least = settings.min_events
    there = counts.events if there is None else there
    if there < least:
        few = f"{_number(there, 'event')} in all, {least} are the least"
        return Due(due=False, trigger=None, reasons=(few,), counts=counts)
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


def counting(events: Iterable[Event], days: int | None, now: datetime) -> list[Event]:
    """Those of a prompt's ``events`` that count, ordered by id.

    Args:
        events: all that main has now.
        days: only of the last so many before the newest event; None: all.
        now: what is dated more than a day later does not count, nor as the newest event.
    """
    ordered = sorted(events, key=attrgetter("time", "id"))
    there, since, _ = ClaimOptions(days, until=now + _AHEAD).window(ordered)
    rejected = rejected_in(there)
    found = [
        event
        for event in there
        if event.kind in HEARD and event.id not in rejected and (since is None or event.time >= since)
    ]
    return sorted(found, key=attrgetter("id"))


def fresh(there: Iterable[Event], used: Collection[str]) -> list[Event]:
    """Those of the events that count (:func:`counting`) which the last training had not before it, by their ids."""
    return [event for event in there if event.id not in used]


def used_by_time(events: Iterable[Event], training: Training) -> set[str]:
    """Ids of the events that were there when ``training`` was, by their own times.

    For a clone that has not got the commit which the training read. An event of another branch that was merged later
    is taken for used.
    """
    return {
        event.id for event in events if event.time <= training.time and ulid_time(event.id) <= training.time
    }


def last_ended(trainings: Sequence[Training]) -> Training | None:
    """The newest of ``trainings`` (newest first) that learned something, if only that nothing is better.

    One that failed, or that asked nothing, used up no events: what it read stays new, and another need not wait.
    """
    return next((one for one in trainings if not has_failed(one) and has_asked(one)), None)


def has_failed(training: Training) -> bool:
    """Whether something kept it from its end."""
    return training.reason.startswith(_FAILED)


def has_asked(training: Training) -> bool:
    """Whether any answer was asked for, be it from the cache, or the hold-out looked at."""
    return bool(training.calls or training.search.get("calls") or training.look_key is not None)


def _fired(counts: Counts, settings: TriggerSettings) -> list[tuple[Trigger, str]]:
    found: list[tuple[Trigger, str]] = []
    rate, enough = counts.error_rate, counts.events >= settings.min_events
    if enough and rate is not None and rate > settings.error_rate:
        found.append(("errors", f"{_errors(counts)}, more than {settings.error_rate:g}"))
    if enough and counts.rating is not None and counts.rating < settings.rating:
        found.append(("ratings", f"{_rating(counts)}, below {settings.rating:g}"))
    if counts.suggestions >= settings.suggestions:
        of = f"{settings.suggestions} are enough"
        found.append(("suggestions", f"{_number(counts.suggestions, 'new suggestion')}, {of}"))
    if counts.events >= settings.events:
        found.append(("volume", f"{_number(counts.events, 'new event')}, {settings.events} are enough"))
    return found


def _quiet(counts: Counts, settings: TriggerSettings) -> tuple[str, ...]:
    rated, ran = counts.rating is not None, counts.error_rate is not None
    rates: tuple[str, ...] = (
        f"{_errors(counts)}, not more than {settings.error_rate:g}" if ran else "no error rate is known",
        f"{_rating(counts)}, not below {settings.rating:g}" if rated else "nothing new is rated",
    )
    if counts.events < settings.min_events:
        rates = (f"{_number(counts.events, 'new event')}, a rate takes {settings.min_events}",)
    return (
        *rates,
        f"{_number(counts.suggestions, 'new suggestion')} of {settings.suggestions}",
        f"{_number(counts.events, 'new event')} of {settings.events}",
    )


def _errors(counts: Counts) -> str:
    return f"error rate {counts.error_rate or 0.0:.3f} ({counts.errors:,} of {_number(counts.runs, 'run')})"


def _rating(counts: Counts) -> str:
    return f"mean rating {counts.rating or 0.0:.3f} ({counts.rated:,} rated)"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
