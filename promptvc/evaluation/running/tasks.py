"""What a run is given and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from promptvc.base.config import Price
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.spent import Spent
from promptvc.models.messages import ChatMessage, Completion


@dataclass(frozen=True, slots=True)
class Task:
    """One completion to get: the rendered messages of a case, for one repeat. ``subject`` is the case itself."""

    case: str
    repeat: int
    messages: tuple[ChatMessage, ...]
    parameters: Mapping[str, Any]
    subject: Case | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task: a completion, or the error (and what to do about it) after the last retry."""

    case: str
    repeat: int
    completion: Completion | None
    error: str | None = None
    hint: str | None = None
    messages: tuple[ChatMessage, ...] = ()


class Taker(Protocol):
    """What becomes of the outcomes, one by one as they come. On the run's thread."""

    @property
    def waits(self) -> bool:
        """Whether :meth:`take` may give something to await: the run then has an event loop."""
        ...

    def take(self, index: int, task: Task, outcome: Outcome) -> Awaitable[None] | None:
        """Take the outcome of task ``index`` (from 0); what is given back is awaited before it counts as done."""
        ...

    async def close(self) -> None:
        """The loop is about to end: give back connections."""
        ...


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How tasks are run.

    Attributes:
        concurrency: calls under way at once, at most.
        budget: what may be spent; shared by all runs that are given the same one. None: no bounds.
        cache: where completions are looked up and kept; None runs without. A model that answers at once
            (offline) is never cached: asking it again costs about as much as looking it up.
        since: accept from the cache only what was stored at this moment or later (a fresh run, or its
            resumption).
        price: of the model, for what a call is expected to cost.
        total: how many tasks there are, for ``progress``, when known.
        progress: called with (done, total, errors) after each task, on the run's thread; it must be quick.
        grace_s: after Ctrl-C or a refusal, how long to wait for answers that are being paid for.
        give_up_after: stop when this many calls in a row have failed, however often each was tried.
        taker: what takes the outcomes; None: they are collected in the result.
    """

    concurrency: int = 8
    budget: Budget | None = None
    cache: Cache | None = None
    since: datetime | None = None
    price: Price | None = None
    total: int | None = None
    progress: Callable[[int, int | None, int], None] | None = None
    grace_s: float = 10.0
    give_up_after: int = 50
    taker: Taker | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcomes in the order of the tasks (none where a taker took them), and the accounts.

    ``spent`` is what was asked and answered, ``errors`` are outcomes without a completion. ``exhausted``: which bound
    of the budget was reached, in words; tasks from there on have no outcome, and a call that wanted another attempt is
    an error. ``warning``: the cache could not be used.
    """

    outcomes: tuple[Outcome, ...]
    spent: Spent
    errors: int
    exhausted: str | None
    warning: str | None
