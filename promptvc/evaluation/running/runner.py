"""Running tasks on a model: so many at once, from the cache where possible, and nothing paid for is lost.

A completion is stored before it counts. On Ctrl-C no further call is made, the answers under way are awaited
for a moment and stored, and running the same tasks again pays for the missing ones only.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.collecting import fewer_collections
from promptvc.base.errors import Interrupted, OverBudget, ProviderError, ProviderRefused
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.caller import Caller
from promptvc.evaluation.running.tasks import Outcome, RunOptions, RunResult, Taker, Task
from promptvc.evaluation.running.writer import Writer
from promptvc.models.messages import Completion, ImmediateModel, Model, RemoteModel

# How many answers from the cache, or of a model that answers at once, are taken before others get a turn.
_SLICE = 256


def run(tasks: Iterable[Task], model: Model, options: RunOptions | None = None) -> RunResult:
    """Run ``tasks`` on ``model``, which is closed afterwards (and can be used again).

    Works inside a running event loop too (a notebook), in a thread of its own.

    Raises:
        Interrupted: Ctrl-C. What was paid for is in the cache.
        ProviderError: a failure that every further call would meet (``ProviderRefused``), or too many in a
            row. A failure of one call is that task's outcome.
        Any error that ``tasks`` raises, after the calls under way have ended.
    """
    state = _Run(tasks, model, options or RunOptions())
    try:
        with fewer_collections():
            if isinstance(model, ImmediateModel) and not state.waits:
                return state.immediate()
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                return _complete(state)
            return _in_thread(state)
    except KeyboardInterrupt:
        raise state.interrupted() from None


def _complete(state: _Run) -> RunResult:
    # The task returns nothing: asyncio writes out a task's result, as text, when it gives the signal handler back.
    with asyncio.Runner() as runner:
        runner.run(state.concurrent())
    return state.result()


def _in_thread(state: _Run) -> RunResult:
    with ThreadPoolExecutor(1, thread_name_prefix="promptvc-run") as pool:
        future = pool.submit(_complete, state)
        try:
            return future.result()
        except KeyboardInterrupt:
            state.cancel()
            raise


@dataclass(frozen=True, slots=True)
class _Miss:
    """A task that takes a call."""

    index: int
    task: Task
    key: bytes


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An answer from the cache that is still to be taken."""

    rest: Awaitable[None]


@dataclass(slots=True)
class _Collected:
    """The taker of a run without one: keeps the outcomes by number."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    waits: bool = False

    def take(self, index: int, task: Task, outcome: Outcome) -> None:  # noqa: ARG002 - a Taker's signature
        self.outcomes[index] = outcome

    async def close(self) -> None:
        return


class _Run:
    """The state of one run. Only the thread that runs it touches it, but for :meth:`cancel`."""

    def __init__(self, tasks: Iterable[Task], model: Model, options: RunOptions) -> None:
        self._tasks = iter(tasks)
        self._model = model
        self._options = options
        self._budget = options.budget or Budget()
        self._cache = None if isinstance(model, ImmediateModel) else options.cache
        self._caller = Caller(
            model, budget=self._budget, cache=options.cache, since=options.since, price=options.price
        )
        self._collected = _Collected()
        self._taker: Taker = options.taker or self._collected
        self._ahead: deque[tuple[Task, bytes, Completion | None]] = deque()
        self._batch = 1
        self._number = self._errors = self._done = self._failed_in_a_row = 0
        self._stopping = self._ending = False
        self._exhausted: str | None = None
        self._writer: Writer | None = None
        self._ended_by: Exception | None = None
        self._main: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    @property
    def waits(self) -> bool:
        """Whether taking the outcomes needs an event loop."""
        return self._taker.waits

    def cancel(self) -> None:
        """Stop, as by Ctrl-C; from any thread."""
        self._stopping = True
        if self._main is not None:
            loop, task = self._main
            loop.call_soon_threadsafe(task.cancel)

    def interrupted(self) -> Interrupted:
        """The error for Ctrl-C, with what was done by then."""
        of = f" of {self._options.total}" if self._options.total is not None else ""
        kept = self._cache is not None and self._cache.warning is None and self._caller.spent.calls > 0
        return Interrupted(
            f"interrupted after {self._done}{of} tasks" + ("; finished calls are kept" if kept else ""),
            hint="run the same command again to go on" if kept else None,
        )

    def immediate(self) -> RunResult:
        """Without an event loop: some microseconds a task."""
        while (miss := self._next()) is not None:
            assert isinstance(miss, _Miss)
            task = miss.task
            ticket = self._caller.charge(task.messages, task.parameters)
            if ticket is None:
                self._exhausted, self._stopping = self._budget.exhausted, True
                break
            try:
                completion = self._caller.answer(ticket, task.messages, task.parameters, task.repeat)
            except ProviderError as error:
                self._failed(miss.index, task, error)
            else:
                self._take_now(miss.index, task, completion)
        return self.result()

    async def concurrent(self) -> None:
        """On the running event loop; the model is closed in the end."""
        current = asyncio.current_task()
        assert current is not None
        self._main = (asyncio.get_running_loop(), current)
        if self._cache is not None:
            self._writer = Writer(self._cache)
        workers = [asyncio.create_task(self._work()) for _ in range(max(1, self._options.concurrency))]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            try:
                await self._wind_down(workers)
            finally:
                self._budget.resume()
                if self._writer is not None:
                    self._writer.close()
                await self._model.close()
                await self._taker.close()
        for worker in workers:
            if not worker.cancelled():
                worker.exception()  # taken, so that asyncio does not tell of it
        if self._ended_by is not None:
            raise self._ended_by

    async def _work(self) -> None:
        """Until there is nothing to do, or something ends the run: the first error does, and is the run's."""
        try:
            await self._take()
        except OverBudget as error:
            self._exhausted, self._stopping = error.message, True
        except Exception as error:
            self._stopping = True
            self._budget.halt()  # at once: others may be about to get leave
            if self._ended_by is None:
                self._ended_by = error
                raise

    async def _take(self) -> None:
        while not self._stopping:
            found = self._next()
            if found is None:
                await asyncio.sleep(0)  # many answers from the cache: let Ctrl-C and the others have a turn
            elif isinstance(found, _Miss):
                await self._ask(found)
            else:
                await found.rest
                self._settled(errored=False)

    async def _ask(self, miss: _Miss) -> None:
        task = miss.task
        ticket = await self._caller.leave(task.messages, task.parameters)
        if ticket is None:
            self._exhausted, self._stopping = self._budget.exhausted, True
            return
        try:
            completion = await self._caller.call(
                ticket,
                miss.key,
                task.messages,
                task.parameters,
                repeat=task.repeat,
                writer=self._writer,
            )
        except ProviderError as error:
            self._failed(miss.index, task, error)
            return
        rest = self._taker.take(miss.index, task, _outcome(task, completion))
        if rest is not None:
            await rest
        self._settled(errored=False)

    def _next(self) -> _Miss | _Waiting | None:
        """The next task that takes a call or a wait; None when there is none, or after a slice from the cache."""
        for _ in range(_SLICE):
            looked = None if self._stopping else self._looked_up()
            if looked is None:
                self._stopping = True
                return None
            task, key, completion = looked
            if completion is not None:
                self._caller.taken(completion)
                rest = self._taker.take(self._count(), task, _outcome(task, completion))
                if rest is not None:
                    return _Waiting(rest)
                self._settled(errored=False)
                continue
            return _Miss(self._count(), task, key)
        return None

    def _looked_up(self) -> tuple[Task, bytes, Completion | None] | None:
        """The next task with its key and what the cache has for it; None when there are no more tasks.

        As long as the cache answers, more and more tasks are looked up at once: one question to it costs what a
        dozen answers do. A miss brings that back to one, so that no task is taken long before its turn.
        """
        if not self._ahead:
            tasks = list(itertools.islice(self._tasks, self._batch))
            if not tasks:
                return None
            if not self._caller.cached:
                self._ahead.extend((task, b"", None) for task in tasks)
            else:
                keys = [self._caller.key(task.messages, task.parameters, task.repeat) for task in tasks]
                known = self._caller.known_of(keys)
                self._ahead.extend((task, key, known.get(key)) for task, key in zip(tasks, keys, strict=True))
                self._batch = min(_SLICE, self._batch * 4) if len(known) == len(set(keys)) else 1
        return self._ahead.popleft()

    def _count(self) -> int:
        self._number += 1
        return self._number - 1

    async def _wind_down(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Begin nothing more, wait for what is being paid for, but not for long."""
        self._stopping = self._ending = True
        pending = {worker for worker in workers if not worker.done()}
        if not pending:
            return
        self._budget.halt()
        if isinstance(self._model, RemoteModel):
            self._model.hurry()
        try:
            _, pending = await asyncio.wait(pending, timeout=self._options.grace_s)
        finally:
            for worker in pending:
                worker.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _take_now(self, index: int, task: Task, completion: Completion) -> None:
        rest = self._taker.take(index, task, _outcome(task, completion))
        assert rest is None
        self._settled(errored=False)

    def _settled(self, *, errored: bool) -> None:
        self._done += 1
        if errored:
            self._errors += 1
        else:
            self._failed_in_a_row = 0
        if self._options.progress is not None:
            self._options.progress(self._done, self._options.total, self._errors)

    def _failed(self, index: int, task: Task, error: ProviderError) -> None:
        """An error is its task's outcome; one that all calls would meet ends the run, and so do many in a row."""
        outcome = Outcome(task.case, task.repeat, None, error.message, error.hint, task.messages)
        rest = self._taker.take(index, task, outcome)
        assert rest is None  # there is no answer to judge
        self._settled(errored=True)
        self._failed_in_a_row += 1
        if self._ending:
            return
        if self._budget.exhausted is not None:
            self._exhausted, self._stopping = self._budget.exhausted, True
            return
        if isinstance(error, ProviderRefused):
            raise error
        if self._failed_in_a_row >= self._options.give_up_after:
            raise ProviderError(
                f"{self._failed_in_a_row} calls in a row failed; the last: {error.message}", hint=error.hint
            )

    def result(self) -> RunResult:
        """What came of it, so far."""
        cache, outcomes = self._cache, self._collected.outcomes
        return RunResult(
            outcomes=tuple(outcomes[index] for index in sorted(outcomes)),
            spent=self._caller.spent,
            errors=self._errors,
            exhausted=self._exhausted,
            warning=cache.warning if cache is not None else None,
        )


def _outcome(task: Task, completion: Completion) -> Outcome:
    return Outcome(task.case, task.repeat, completion, messages=task.messages)
