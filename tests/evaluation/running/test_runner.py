"""Running tasks: order, limits, accounts, errors, and what is kept."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.config import ModelSettings
from promptvc.base.errors import InputError, ProviderError, ProviderRefused
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.cache import FILE, Cache
from promptvc.evaluation.running.runner import run
from promptvc.evaluation.running.tasks import RunOptions, Task
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage, Completion, Model
from promptvc.models.offline import OfflineModel
from promptvc.models.retry import Retry
from tests.servers import Reply, Request, Server, answer, echo, failure


def task(number: int, repeat: int = 0) -> Task:
    return Task(f"case-{number}", repeat, (ChatMessage("user", f"text {number}"),), {"temperature": 0})


def tasks(count: int) -> list[Task]:
    return [task(number) for number in range(count)]


async def no_sleep(seconds: float) -> None:
    return


def opened(server: Server, attempts: int = 1) -> Model:
    retry = Retry(attempts=attempts, sleep=no_sleep)
    return open_model("openai:test", settings=ModelSettings(), environ=server.environ(), retry=retry)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = Cache(tmp_path / "cache")
    yield made
    made.close()


class Slow:
    """A model in this process whose answers arrive in an order of their own choosing."""

    name = "slow:model"

    def __init__(self, order: Sequence[int] = ()) -> None:
        self._order = order
        self.calls = 0
        self.closed = 0

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        self.calls += 1
        for _ in range(self._order[self.calls % len(self._order)] if self._order else 0):
            await asyncio.sleep(0)
        text = messages[-1].content
        if "bad" in text:
            raise ProviderError("slow:model: HTTP 500", hint="later")
        return Completion(f"{text}/{repeat}", 1, 1, None, 1.0, "stop")

    async def close(self) -> None:
        self.closed += 1


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.booleans()), max_size=30),
    st.lists(st.integers(0, 5), min_size=1, max_size=7),
    st.integers(1, 9),
)
def test_outcomes_come_in_the_order_of_the_tasks(
    asked: list[tuple[int, int, bool]], order: list[int], concurrency: int
) -> None:
    given_tasks = [
        Task(str(case), repeat, (ChatMessage("user", "bad" if bad else str(case)),), {})
        for case, repeat, bad in asked
    ]
    told: list[tuple[int, int | None, int]] = []
    model = Slow(order)
    result = run(
        iter(given_tasks),
        model,
        RunOptions(concurrency=concurrency, total=len(asked), progress=lambda *state: told.append(state)),
    )
    assert [(outcome.case, outcome.repeat) for outcome in result.outcomes] == [
        (t.case, t.repeat) for t in given_tasks
    ]
    for outcome, (case, repeat, bad) in zip(result.outcomes, asked, strict=True):
        if bad:
            assert (outcome.completion, outcome.error, outcome.hint) == (
                None,
                "slow:model: HTTP 500",
                "later",
            )
        else:
            assert outcome.completion is not None
            assert outcome.completion.text == f"{case}/{repeat}"
            assert outcome.error is None
    bad_ones = sum(bad for _, _, bad in asked)
    assert (result.spent.calls, result.spent.cached, result.errors) == (len(asked), 0, bad_ones)
    assert [done for done, _, _ in told] == list(range(1, len(asked) + 1))
    assert not told or told[-1] == (len(asked), len(asked), bad_ones)
    assert result.exhausted is None
    assert model.closed == 1


def test_as_many_calls_at_once_as_asked_and_no_more() -> None:
    # Nobody is answered before five are there, so fewer at once would never end.
    def script(request: Request) -> Reply:
        return dataclasses.replace(echo(request), gate=5)

    with Server(script) as server:
        result = run(tasks(20), opened(server), RunOptions(concurrency=5))
    assert result.errors == 0
    assert server.most_at_once == 5


def test_a_second_run_is_answered_by_the_cache(cache: Cache) -> None:
    with Server() as server:
        first = run(tasks(30), opened(server), RunOptions(cache=cache))
        second = run(tasks(30), opened(server), RunOptions(cache=cache))
        more = run(tasks(31), opened(server), RunOptions(cache=cache))
    assert (first.spent.calls, first.spent.cached) == (30, 0)
    assert (second.spent.calls, second.spent.cached) == (0, 30)
    assert (more.spent.calls, more.spent.cached) == (1, 30)
    assert server.count == 31
    for once, again in zip(first.outcomes, second.outcomes, strict=True):
        assert once.completion is not None
        assert again.completion == dataclasses.replace(once.completion, cached=True)


def test_a_repeat_is_a_sample_of_its_own(cache: Cache) -> None:
    with Server() as server:
        run([task(1, repeat) for repeat in range(3)], opened(server), RunOptions(cache=cache))
        result = run([task(1, repeat) for repeat in range(4)], opened(server), RunOptions(cache=cache))
    assert (result.spent.calls, result.spent.cached) == (1, 3)
    assert [outcome.repeat for outcome in result.outcomes] == [0, 1, 2, 3]


def test_two_servers_under_one_name_do_not_share_answers(cache: Cache) -> None:
    with Server(lambda _: answer("one")) as one, Server(lambda _: answer("two")) as two:
        run(tasks(1), opened(one), RunOptions(cache=cache))
        (outcome,) = run(tasks(1), opened(two), RunOptions(cache=cache)).outcomes
    assert outcome.completion is not None
    assert outcome.completion.text == "two"


def test_a_fresh_run_pays_again_once(tmp_path: Path) -> None:
    now = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    cache = Cache(tmp_path, clock=lambda: now[0])
    model = Slow()
    run(tasks(3), model, RunOptions(cache=cache))
    now[0] = began = datetime(2026, 11, 20, 13, tzinfo=UTC)
    run(tasks(2), model, RunOptions(cache=cache, since=began))
    resumed = run(tasks(3), model, RunOptions(cache=cache, since=began))
    assert (resumed.spent.calls, resumed.spent.cached) == (1, 2)
    cache.close()


def test_errors_are_not_kept(cache: Cache) -> None:
    failing = {"text 1", "text 3"}

    def script(request: Request) -> Reply:
        return failure(500, "oops") if request.text in failing else echo(request)

    with Server(script) as server:
        first = run(tasks(5), opened(server), RunOptions(cache=cache))
        failing.clear()
        second = run(tasks(5), opened(server), RunOptions(cache=cache))
    assert [outcome.case for outcome in first.outcomes if outcome.error] == ["case-1", "case-3"]
    assert (second.spent.calls, second.spent.cached, second.errors) == (2, 3, 0)


def test_a_budget_stops_the_run_cleanly_and_the_next_goes_on(cache: Cache) -> None:
    model = Slow([3, 1])
    first = run(tasks(10), model, RunOptions(cache=cache, budget=Budget(Limits(calls=4))))
    assert ((first.exhausted is not None), first.spent.calls, model.calls) == (True, 4, 4)
    assert [outcome.case for outcome in first.outcomes] == [f"case-{number}" for number in range(4)]
    second = run(tasks(10), model, RunOptions(cache=cache, budget=Budget(Limits(calls=6))))
    assert (
        (second.exhausted is not None),
        second.spent.calls,
        second.spent.cached,
        len(second.outcomes),
    ) == (False, 6, 4, 10)
    third = run(tasks(10), model, RunOptions(cache=cache, budget=Budget(Limits(calls=0))))
    assert ((third.exhausted is not None), third.spent.calls, third.spent.cached) == (False, 0, 10)


def test_a_wrong_key_stops_the_run_at_once() -> None:
    with Server(lambda _: failure(401, "wrong key")) as server, pytest.raises(ProviderRefused, match="401"):
        run(tasks(10_000), opened(server), RunOptions(concurrency=4))
    assert server.count <= 4


def test_a_wrong_key_is_an_error_also_when_every_task_is_under_way() -> None:
    with Server(lambda _: failure(401, "wrong key")) as server, pytest.raises(ProviderRefused):
        run(tasks(2), opened(server), RunOptions(concurrency=8))


def test_what_others_paid_for_is_kept_when_one_is_refused(cache: Cache) -> None:
    class Remote(Slow):
        """Four calls are answered only once the fifth's refusal has ended the run."""

        location = None

        def __init__(self) -> None:
            super().__init__()
            self.release = asyncio.Event()

        def hurry(self) -> None:
            self.release.set()

        def ask_before_retries(self, may: Callable[[], bool]) -> None:
            """It never retries."""

        async def complete(
            self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
        ) -> Completion:
            self.calls += 1
            if messages[-1].content == "text 4":
                raise ProviderRefused("no")
            await self.release.wait()
            return Completion("kept", 1, 1, None, 1.0, None)

    model = Remote()
    with pytest.raises(ProviderRefused):
        run(tasks(10), model, RunOptions(cache=cache, concurrency=5))
    assert model.calls == 5
    result = run(tasks(10), Slow(), RunOptions(cache=cache))
    assert (result.spent.cached, result.spent.calls) == (4, 6)


def test_a_provider_that_only_fails_is_given_up() -> None:
    told = r"12 calls in a row failed; the last: .*HTTP 500"
    with Server(lambda _: failure(500, "oops")) as server, pytest.raises(ProviderError, match=told):
        run(tasks(1000), opened(server), RunOptions(concurrency=3, give_up_after=12))
    assert server.count < 20


@pytest.mark.parametrize("concurrency", range(1, 10))
def test_the_first_error_is_the_runs(concurrency: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the others meet before the run has ended."""

    class Failing(Slow):
        async def complete(
            self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
        ) -> Completion:
            # All that are asked together fail in one turn of the loop, the one asked last before the others.
            self.calls += 1
            for _ in range(concurrency - self.calls % concurrency):
                await asyncio.sleep(0)
            raise ProviderError(messages[-1].content)

    with pytest.raises(ProviderError, match=r"^12 calls in a row failed"):
        run(tasks(1000), Failing(), RunOptions(concurrency=concurrency, give_up_after=12))
    gc.collect()
    assert caplog.text == ""  # asyncio tells there of errors that nobody took


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_a_budget_counts_every_attempt(concurrency: int) -> None:
    with Server(lambda _: failure(500, "oops")) as server:
        model = opened(server, attempts=5)
        result = run(tasks(20), model, RunOptions(concurrency=concurrency, budget=Budget(Limits(calls=3))))
        assert (result.spent.calls, (result.exhausted is not None), server.count) == (3, True, 3)
        # The next run has a budget of its own.
        again = run(tasks(1), model, RunOptions(budget=Budget(Limits(calls=10))))
    assert (again.spent.calls, (again.exhausted is not None), server.count) == (5, False, 8)


def test_a_retry_that_helps_is_counted() -> None:
    def script(request: Request) -> Reply:
        return failure(500, "oops") if request.number <= 2 else echo(request)

    with Server(script) as server:
        result = run(tasks(4), opened(server, attempts=5), RunOptions(concurrency=1))
    assert (result.spent.calls, result.errors, server.count) == (6, 0, 6)


def test_one_success_makes_a_provider_worth_more_tries() -> None:
    def script(request: Request) -> Reply:
        return echo(request) if request.number % 5 == 0 else failure(500, "oops")

    with Server(script) as server:
        result = run(tasks(40), opened(server), RunOptions(concurrency=1, give_up_after=5))
    assert result.errors == 32


def test_an_error_of_the_tasks_themselves_ends_the_run(cache: Cache) -> None:
    def broken() -> Iterator[Task]:
        yield from tasks(4)
        raise InputError("case 5 cannot be rendered")

    model = Slow([4])
    with pytest.raises(InputError, match="case 5"):
        run(broken(), model, RunOptions(cache=cache, concurrency=2))
    assert run(tasks(4), model, RunOptions(cache=cache)).spent.cached == 4


def test_tasks_are_taken_as_they_are_needed() -> None:
    taken = 0

    def counted() -> Iterator[Task]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield task(number)

    model = Slow()
    run(counted(), model, RunOptions(concurrency=4, budget=Budget(Limits(calls=10))))
    assert taken == 11


def test_a_cache_that_cannot_be_used_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    result = run(tasks(3), Slow(), RunOptions(cache=Cache(tmp_path)))
    assert (result.spent.calls, result.errors) == (3, 0)
    assert result.warning is not None
    assert "without the completion cache" in result.warning


def test_inside_a_running_event_loop_too() -> None:
    async def notebook() -> int:
        return run(tasks(5), Slow([1])).spent.calls

    assert asyncio.run(notebook()) == 5


def cancel_the_run() -> None:
    """What Ctrl-C does to the run whose model is being called."""
    (main,) = (one for one in asyncio.all_tasks() if "concurrent" in repr(one.get_coro()))
    main.cancel()


def test_being_cancelled_keeps_what_was_under_way(cache: Cache) -> None:
    release = asyncio.Event()

    class Held(Slow):
        async def complete(
            self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
        ) -> Completion:
            self.calls += 1
            if self.calls == 3:
                cancel_the_run()
                asyncio.get_running_loop().call_soon(
                    lambda: asyncio.get_running_loop().call_soon(release.set)
                )
            await release.wait()
            return Completion("kept", 1, 1, None, 1.0, None)

    model = Held()
    with pytest.raises(asyncio.CancelledError):
        run(tasks(50), model, RunOptions(cache=cache, concurrency=3))
    assert model.calls == 3
    assert run(tasks(50), Slow(), RunOptions(cache=cache)).spent.cached == 3


def test_after_the_grace_the_rest_is_let_go(cache: Cache) -> None:
    class Stuck(Slow):
        async def complete(
            self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
        ) -> Completion:
            self.calls += 1
            if self.calls == 2:
                cancel_the_run()
            if self.calls == 1:
                return Completion("kept", 1, 1, None, 1.0, None)
            await asyncio.Event().wait()
            raise AssertionError

    options = RunOptions(cache=cache, concurrency=2, grace_s=0.0)
    with pytest.raises(asyncio.CancelledError):
        run(tasks(50), Stuck(), options)
    assert run(tasks(50), Slow(), RunOptions(cache=cache)).spent.cached == 1


def shown(count: int) -> list[Task]:
    """Tasks that the offline model can answer from what they show."""
    example = (ChatMessage("user", "a refund please"), ChatMessage("assistant", "refunds"))
    return [Task(f"c{n}", 0, (*example, ChatMessage("user", f"refund number {n}")), {}) for n in range(count)]


def test_the_offline_model_runs_without_a_loop_and_without_a_cache(cache: Cache) -> None:
    told: list[tuple[int, int | None, int]] = []
    options = RunOptions(cache=cache, progress=lambda *state: told.append(state))
    result = run(shown(20), OfflineModel(), options)
    assert [outcome.completion.text for outcome in result.outcomes if outcome.completion] == ["refunds"] * 20
    assert (result.spent.calls, result.spent.cached, len(told)) == (20, 0, 20)


def test_the_offline_model_keeps_to_a_budget() -> None:
    result = run(shown(20), OfflineModel(), RunOptions(budget=Budget(Limits(calls=7))))
    assert ((result.exhausted is not None), result.spent.calls, len(result.outcomes)) == (True, 7, 7)
