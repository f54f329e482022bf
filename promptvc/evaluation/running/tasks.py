"""What a run is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.evaluation.running.cache import Cache
from promptvc.models.messages import ChatMessage, Completion


@dataclass(frozen=True, slots=True)
class Task:
    """One completion to get: the rendered messages of a case, for one repeat."""

    case: str
    repeat: int
    messages: tuple[ChatMessage, ...]
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task: a completion, or the error (and what to do about it) after the last retry."""

    case: str
    repeat: int
    completion: Completion | None
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How tasks are run.

    Attributes:
        concurrency: calls under way at once.
        max_calls: how many calls may be made, each attempt of a retried call counted; what the cache answers
            is free.
        cache: where completions are looked up and kept; None runs without. A model that answers at once
            (offline) is never cached: asking it again costs about as much as looking it up.
        since: accept from the cache only what was stored at this moment or later (a fresh run, or its
            resumption).
        total: how many tasks there are, for ``progress``, when known.
        progress: called with (done, total, errors) after each task, on the run's thread; it must be quick.
        grace_s: after Ctrl-C or a refusal, how long to wait for answers that are being paid for.
        give_up_after: stop when this many calls in a row have failed, however often each was tried.
    """

    concurrency: int = 8
    max_calls: int | None = None
    cache: Cache | None = None
    since: datetime | None = None
    total: int | None = None
    progress: Callable[[int, int | None, int], None] | None = None
    grace_s: float = 10.0
    give_up_after: int = 50


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcomes in the order of the tasks, and the accounts.

    ``calls`` were made to the model, retries included, ``cached`` came from the cache, ``errors`` are outcomes
    without a completion. ``over_budget``: ``max_calls`` was reached; tasks from there on have no outcome, and a
    call that wanted another attempt is an error. ``warning``: the cache could not be used.
    """

    outcomes: tuple[Outcome, ...]
    calls: int
    cached: int
    errors: int
    over_budget: bool
    warning: str | None
