"""Answers that somebody kept, judged one by one: the same questions, cache and budget as in an evaluation.

A judge's answer that cannot be read is asked for once more, as the bench does, and is an error after that. The next run
forgets it first and asks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from promptvc.base.config import Price
from promptvc.base.errors import ProviderError
from promptvc.evaluation.judges.judged import reason_of
from promptvc.evaluation.judges.parse import read
from promptvc.evaluation.judges.prompts import JudgePrompt
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.caller import Caller
from promptvc.evaluation.running.guess import Guess
from promptvc.evaluation.running.runner import run
from promptvc.evaluation.running.spent import Spent
from promptvc.evaluation.running.tasks import Outcome, RunOptions, Task
from promptvc.models.messages import Completion, ImmediateModel, Model

_ATTEMPTS = 2
_LOOKED_UP = 128


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to judge about one answer.

    Attributes:
        id: of the answer, for the caller.
        metric: what is judged, for the caller.
        prompt: asks for ``score``, 0..1, and ``reason``.
        variables: of that prompt.
    """

    id: str
    metric: str
    prompt: JudgePrompt
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Word:
    """What the judge said to a request: ``score`` 0..1, and why on one line."""

    request: Request
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class LoggedEstimate:
    """What judging would take.

    Attributes:
        cached: answers of the judge that are there.
        calls: to be made.
        tokens: about so many, both directions.
        cost: US dollars, about; None without a price.
    """

    cached: int
    calls: int
    tokens: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What was judged.

    Attributes:
        skipped: what this judge had judged before.
        errors: what could not be judged, and why the first could not.
        ids: of the new events, in the spool.
        model: the judge; ``lexical`` where no model was asked.
    """

    skipped: int
    errors: int
    error: str | None
    ids: tuple[str, ...]
    model: str
    spent: Spent
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `judge run --json` prints it."""
        spent = self.spent
        asked = {
            "calls": spent.calls,
            "cached": spent.cached,
            "tokens": spent.tokens.to_json(),
            "cost": spent.cost,
        }
        return {
            "judged": len(self.ids),
            "skipped": self.skipped,
            "errors": self.errors,
            "error": self.error,
            "ids": list(self.ids),
            "judge": {"model": self.model, **asked},
        }


@dataclass(frozen=True, slots=True)
class Estimated:
    """What judging would take, without the judgements that are ``skipped`` because they are made."""

    model: str
    judgements: int
    skipped: int
    takes: LoggedEstimate

    def to_json(self) -> dict[str, Any]:
        """As `judge run --estimate --json` prints it."""
        takes = {key: getattr(self.takes, key) for key in ("cached", "calls", "tokens", "cost")}
        return {"model": self.model, "judgements": self.judgements, "skipped": self.skipped, **takes}


class LoggedJudging:
    """Judges ``requests`` with ``model``. What is done stays here when :meth:`run` is stopped.

    Attributes:
        words: what was said so far.
        errors: why a request got no word.
        spent: what it took.
        exhausted: which bound of the budget was reached, in words.
        warnings: what the cache had to say.
    """

    def __init__(self, requests: Sequence[Request], model: Model, options: RunOptions) -> None:
        self.words: list[Word] = []
        self.errors: list[str] = []
        self.spent = Spent()
        self.exhausted: str | None = None
        self.warnings: list[str] = []
        self._requests = requests
        self._model = model
        self._options = options

    def run(self) -> None:
        """Ask.

        Raises:
            ProviderError, Interrupted: see :func:`promptvc.evaluation.running.runner.run`.
        """
        _forget_unreadable(self._requests, self._model, self._options)
        waiting = self._requests
        for attempt in range(_ATTEMPTS):
            if not waiting or self.exhausted is not None:
                return
            taker = _Taker(self, waiting, last=attempt == _ATTEMPTS - 1)
            options = replace(self._options, taker=taker, total=len(waiting))
            tasks = (_task(request, attempt) for request in waiting)
            result = run(tasks, self._model, options)
            self.spent.add(result.spent)
            self.exhausted = result.exhausted
            if result.warning is not None and result.warning not in self.warnings:
                self.warnings.append(result.warning)
            waiting = taker.unreadable


class _Taker:
    """Reads the judge's answers as they come."""

    waits = False

    def __init__(self, judging: LoggedJudging, requests: Sequence[Request], *, last: bool) -> None:
        self.unreadable: list[Request] = []
        self._judging = judging
        self._requests = requests
        self._last = last

    def take(self, index: int, task: Task, outcome: Outcome) -> None:  # noqa: ARG002 - a Taker's signature
        request = self._requests[index]
        if outcome.completion is None:
            self._judging.errors.append(outcome.error or "no answer")
            return
        try:
            verdict = read(request.prompt, outcome.completion.text)
        except ProviderError as error:
            if self._last:
                self._judging.errors.append(error.message)
            else:
                self.unreadable.append(request)
            return
        self._judging.words.append(Word(request, float(verdict["score"]), reason_of(verdict)))

    async def close(self) -> None:
        return


def estimate(
    requests: Sequence[Request], model: Model, *, cache: Cache | None, price: Price | None
) -> LoggedEstimate:
    """Look at every request without making it."""
    caller = Caller(model, budget=Budget(), cache=cache)
    cached, guess = 0, Guess()
    for request in requests:
        task = _task(request, 0)
        key = caller.key(task.messages, task.parameters, 0)
        if caller.known(key, partial(_reads, request.prompt)) is not None:
            cached += 1
        else:
            guess.call(task.messages, task.parameters, price)
    known = not isinstance(model, ImmediateModel)
    return LoggedEstimate(cached, guess.calls, round(guess.tokens), guess.cost if known else 0.0)


def _forget_unreadable(requests: Sequence[Request], model: Model, options: RunOptions) -> None:
    """Take from the cache what an earlier run got and could not read: that would be an error for ever."""
    caller = Caller(model, budget=Budget(), cache=options.cache)
    if options.cache is None or not caller.cached:
        return
    for start in range(0, len(requests), _LOOKED_UP):
        asked: dict[bytes, JudgePrompt] = {}
        for request in requests[start : start + _LOOKED_UP]:
            for attempt in range(_ATTEMPTS):
                task = _task(request, attempt)
                asked[caller.key(task.messages, task.parameters, attempt)] = request.prompt
        found = caller.known_of(list(asked))
        options.cache.forget([key for key, said in found.items() if not _reads(asked[key], said)])


def _reads(prompt: JudgePrompt, said: Completion) -> bool:
    try:
        read(prompt, said.text)
    except ProviderError:
        return False
    return True


def _task(request: Request, attempt: int) -> Task:
    parameters: Mapping[str, Any] = request.prompt.prompt.parameters
    return Task(
        f"{request.id} {request.metric}", attempt, request.prompt.questions(request.variables), parameters
    )
