"""Answers that were logged: which events carry one, what was asked, and which of them to take."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from promptvc.feedback.events import Event
from promptvc.prompts.templates import value_text

# An annotation is about another event's answer, and a demonstration's is an expert's and not the prompt's.
_NO_ANSWERS = frozenset({"annotation", "demonstration"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Which answers to take.

    Attributes:
        days: only those of the last so many days before the newest event, annotations aside; None: all.
        limit: only the newest so many; None: all.
        sample: with ``limit`` so many by a hash of their ids, so that a larger sample holds the smaller one.
    """

    days: int | None = None
    limit: int | None = None
    sample: bool = False


def logged_answers(events: Iterable[Event], choice: Choice) -> list[Event]:
    """The events with an input and an output that is the prompt's, oldest first."""
    ordered = sorted(events, key=lambda event: (event.time, event.id))
    since = before_newest(ordered, choice.days)
    answers = [
        event
        for event in ordered
        if event.kind not in _NO_ANSWERS
        and event.input
        and event.output
        and (since is None or event.time >= since)
    ]
    if choice.limit is None or choice.limit >= len(answers):
        return answers
    if not choice.sample:
        return answers[-choice.limit :]
    chosen = {event.id for event in sorted(answers, key=_share)[: choice.limit]}
    return [event for event in answers if event.id in chosen]


def question_of(event: Event) -> str:
    """What went in, as one text: that of the only variable, else a line ``name: text`` for each."""
    given = event.input
    if not isinstance(given, Mapping):
        return given or ""
    texts = {name: "" if value is None else value_text(name, value) for name, value in given.items()}
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "\n".join(f"{name}: {text}" for name, text in texts.items())


def before_newest(events: Sequence[Event], days: int | None) -> datetime | None:
    """``days`` before the newest event that is no annotation; None without days or such events.

    Not before now: the same events give the same answer whenever it is asked. Annotations do not count: who reviews or
    judges old answers must not move the window away from them.
    """
    times = [event.time for event in events if event.kind != "annotation"]
    return max(times) - timedelta(days=days) if times and days is not None else None


def _share(event: Event) -> bytes:
    return hashlib.sha256(event.id.encode()).digest()
