"""Running tasks on a model: so many at once, from the cache where possible, and nothing paid for is lost.

A completion is stored before it counts. On Ctrl-C no further call is made, the answers under way are awaited
for a moment and stored, and running the same tasks again pays for the missing ones only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from promptvc.base.errors import Interrupted, ProviderError, ProviderRefused
from promptvc.evaluation.running.cache import Keys
from promptvc.evaluation.running.tasks import Outcome, RunOptions, RunResult, Task
from promptvc.evaluation.running.writer import Writer
from promptvc.models.messages import ImmediateModel, Model, RemoteModel

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
        if isinstance(model, ImmediateModel):
            return state.immediate(model)
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


class _Run:
    """The state of one run. Only the thread that runs it touches it, but for :meth:`cancel`."""

    def __init__(self, tasks: Iterable[Task], model: Model, options: RunOptions) -> None:
        self._tasks = iter(tasks)
        self._model = model
        self._options = options
        self._cache = None if isinstance(model, ImmediateModel) else options.cache
        self._outcomes: list[Outcome | None] = []
        self._calls = self._cached = self._errors = self._done = self._failed_in_a_row = 0
        self._over_budget = self._stopping = self._ending = False
        self._keys = Keys(model.name, model.location if isinstance(model, RemoteModel) else None)
        self._writer: Writer | None = None
        self._ended_by: Exception | None = None
        self._main: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def cancel(self) -> None:
        """Stop, as by Ctrl-C; from any thread."""
        self._stopping = True
        if self._main is not None:
            loop, task = self._main
            loop.call_soon_threadsafe(task.cancel)

    def interrupted(self) -> Interrupted:
        """The error for Ctrl-C, with what was done by then."""
        of = f" of {self._options.total}" if self._options.total is not None else ""
        kept = self._cache is not None and self._cache.warning is None and self._calls > 0
        return Interrupted(
            f"interrupted after {self._done}{of} tasks" + ("; finished calls are kept" if kept else ""),
            hint="run the same command again to go on" if kept else None,
        )

    def immediate(self, model: ImmediateModel) -> RunResult:
        """Without an event loop: some microseconds a task."""
        while (miss := self._next()) is not None:
            index, task, _ = miss
            try:
                completion = model.answer(task.messages, task.parameters, repeat=task.repeat)
            except ProviderError as error:
                self._failed(index, task, error)
            else:
                self._settle(index, Outcome(task.case, task.repeat, completion))
        return self.result()

    async def concurrent(self) -> None:
        """On the running event loop; the model is closed in the end."""
        current = asyncio.current_task()
        assert current is not None
        self._main = (asyncio.get_running_loop(), current)
        if self._cache is not None:
            self._writer = Writer(self._cache)
        if isinstance(self._model, RemoteModel):
            self._model.ask_before_retries(self._charge)
        workers = [asyncio.create_task(self._work()) for _ in range(max(1, self._options.concurrency))]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            try:
                await self._wind_down(workers)
            finally:
                if self._writer is not None:
                    self._writer.close()
                await self._model.close()
        for worker in workers:
            if not worker.cancelled():
                worker.exception()  # taken, so that asyncio does not tell of it
        if self._ended_by is not None:
            raise self._ended_by

    async def _work(self) -> None:
        """Until there is nothing to do, or something ends the run: the first error does, and is the run's."""
        try:
            await self._take()
        except Exception as error:
            self._stopping = True
            if self._ended_by is None:
                self._ended_by = error
                raise

    async def _take(self) -> None:
        while not self._stopping:
            miss = self._next()
            if miss is None:
                await asyncio.sleep(0)  # many answers from the cache: let Ctrl-C and the others have a turn
                continue
            index, task, key = miss
            try:
                completion = await self._model.complete(task.messages, task.parameters, repeat=task.repeat)
            except ProviderError as error:
                self._failed(index, task, error)
                continue
            if self._writer is not None:
                await self._writer.put(key, completion)
            self._settle(index, Outcome(task.case, task.repeat, completion))

    def _next(self) -> tuple[int, Task, bytes] | None:
        """The next task that takes a call; None when there is none, or after a slice answered by the cache."""
        options, cache = self._options, self._cache
        for _ in range(_SLICE):
            task = None if self._stopping else next(self._tasks, None)
            if task is None:
                self._stopping = True
                return None
            key = b""
            if cache is not None:
                key = self._keys.key(task.messages, task.parameters, task.repeat)
                completion = cache.get(key, since=options.since)
                if completion is not None:
                    self._cached += 1
                    self._outcomes.append(None)
                    self._settle(len(self._outcomes) - 1, Outcome(task.case, task.repeat, completion))
                    continue
            if not self._charge():
                return None
            self._outcomes.append(None)
            return len(self._outcomes) - 1, task, key
        return None

    def _charge(self) -> bool:
        """Account for one more call; False when the budget has none left, which ends the run."""
        if self._options.max_calls is not None and self._calls >= self._options.max_calls:
            self._over_budget = self._stopping = True
            return False
        self._calls += 1
        return True

    async def _wind_down(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Begin nothing more, wait for what is being paid for, but not for long."""
        self._stopping = self._ending = True
        pending = {worker for worker in workers if not worker.done()}
        if not pending:
            return
        if isinstance(self._model, RemoteModel):
            self._model.hurry()
        try:
            _, pending = await asyncio.wait(pending, timeout=self._options.grace_s)
        finally:
            for worker in pending:
                worker.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _settle(self, index: int, outcome: Outcome) -> None:
        self._outcomes[index] = outcome
        self._done += 1
        if outcome.completion is None:
            self._errors += 1
        else:
            self._failed_in_a_row = 0
        if self._options.progress is not None:
            self._options.progress(self._done, self._options.total, self._errors)

    def _failed(self, index: int, task: Task, error: ProviderError) -> None:
        """An error is its task's outcome; one that all calls would meet ends the run, and so do many in a row."""
        self._settle(index, Outcome(task.case, task.repeat, None, error.message, error.hint))
        self._failed_in_a_row += 1
        if self._ending:
            return
        if isinstance(error, ProviderRefused):
            raise error
        if self._failed_in_a_row >= self._options.give_up_after:
            raise ProviderError(
                f"{self._failed_in_a_row} calls in a row failed; the last: {error.message}", hint=error.hint
            )

    def result(self) -> RunResult:
        """What came of it, so far."""
        cache = self._cache
        return RunResult(
            outcomes=tuple(outcome for outcome in self._outcomes if outcome is not None),
            calls=self._calls,
            cached=self._cached,
            errors=self._errors,
            over_budget=self._over_budget,
            warning=cache.warning if cache is not None else None,
        )
