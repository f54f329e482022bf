"""What a run may spend: bounds that hold whatever calls cost, and in whatever order they end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.config import Price
from promptvc.base.errors import ProviderRefused
from promptvc.evaluation.running.budget import Budget, Limits
from promptvc.evaluation.running.runner import run
from promptvc.evaluation.running.tasks import RunOptions, RunResult, Task
from promptvc.models.messages import ChatMessage, Completion


class Meter:
    """A model whose answers take known tokens, out of order; a token costs a dollar."""

    name = "meter:one"
    location = None

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self.calls = self.under_way = self.most_at_once = self.spent = 0

    async def complete(
        self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
    ) -> Completion:
        del messages, parameters, repeat
        size = self.sizes[self.calls % len(self.sizes)]
        self.calls += 1
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        for _ in range(self.calls % 5):
            await asyncio.sleep(0)
        self.under_way -= 1
        self.spent += size
        return Completion("x", 0, size, float(size), 1.0, "stop")

    def hurry(self) -> None:
        return

    def ask_before_retries(self, may: Any) -> None:
        del may

    async def close(self) -> None:
        return


def spend(meter: Meter, limits: Limits, *, concurrency: int = 16, count: int = 60) -> RunResult:
    tasks = [Task(f"c{at}", 0, (ChatMessage("user", "?"),), {}) for at in range(count)]
    options = RunOptions(
        concurrency=concurrency, budget=Budget(limits), price=Price(input=0.0, output=1_000_000.0)
    )
    return run(tasks, meter, options)


def test_without_bounds_everything_is_allowed() -> None:
    meter = Meter([7])
    assert spend(meter, Limits()).exhausted is None
    assert (meter.calls, meter.most_at_once) == (60, 16)


@pytest.mark.parametrize("limits", [Limits(cost=100.0), Limits(tokens=100)])
def test_calls_of_one_size_use_the_bound_to_the_last_and_never_pass_it(limits: Limits) -> None:
    meter = Meter([7])
    done = spend(meter, limits)
    assert done.exhausted is not None
    assert "98" in done.exhausted
    assert "the next call may take 7" in done.exhausted or "may take $7.0000" in done.exhausted
    assert meter.spent == 98
    assert meter.most_at_once > 1, "calls do not wait for one another while there is room"


def test_nothing_is_known_before_the_first_answer_which_goes_ahead_alone() -> None:
    meter = Meter([500])
    done = spend(meter, Limits(tokens=1001))
    assert (meter.calls, meter.spent) == (2, 1000)
    assert done.exhausted is not None


def test_what_the_prompt_allows_is_set_aside() -> None:
    meter = Meter([3])
    tasks = [Task(f"c{at}", 0, (ChatMessage("user", "?"),), {"max_tokens": 40}) for at in range(30)]
    options = RunOptions(
        concurrency=16, budget=Budget(Limits(cost=100.0)), price=Price(input=0.0, output=1_000_000.0)
    )
    done = run(tasks, meter, options)
    assert meter.most_at_once <= 2
    assert meter.spent <= 100
    assert meter.calls > 20, "what a call did not take is there for the next one"
    assert done.exhausted is not None or meter.calls == 30


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=20),
    bound=st.integers(1, 800),
    concurrency=st.integers(1, 20),
)
def test_a_bound_is_passed_only_by_what_a_call_takes_beyond_all_before_it(
    sizes: Sequence[int], bound: int, concurrency: int
) -> None:
    meter = Meter(sizes)
    done = spend(meter, Limits(tokens=bound), concurrency=concurrency)
    assert meter.spent <= bound + concurrency * (max(sizes) - min(sizes)) + max(sizes)
    if len(set(sizes)) == 1:
        assert meter.spent <= max(bound, sizes[0])
    if done.exhausted is None:
        assert meter.calls == 60


def test_calls_and_their_attempts_are_counted_together() -> None:
    budget = Budget(Limits(calls=3))
    assert budget.charge() is not None
    assert budget.again()
    assert budget.charge() is not None
    assert not budget.again()
    assert budget.charge() is None
    assert budget.exhausted == "the 3 calls that are allowed are used up"


def test_time_counts_from_the_first_call() -> None:
    now = [100.0]
    budget = Budget(Limits(seconds=5), clock=lambda: now[0])
    now[0] = 200.0
    assert budget.charge() is not None
    now[0] = 204.9
    assert budget.charge() is not None
    assert budget.again()
    now[0] = 205.0
    assert not budget.again()
    assert budget.charge() is None
    assert budget.exhausted == "the 5 seconds that are allowed are over"


@pytest.mark.parametrize(
    ("limits", "completion", "words"),
    [
        (Limits(tokens=100), Completion("x", None, None, 0.1, 1.0, None), "does not count tokens"),
        (Limits(cost=1.0), Completion("x", 1, 1, None, 1.0, None), "the cost of a call is unknown"),
    ],
)
def test_a_bound_that_cannot_be_kept_ends_the_run(limits: Limits, completion: Completion, words: str) -> None:
    budget = Budget(limits)
    ticket = budget.charge()
    assert ticket is not None
    budget.settle(ticket, completion)
    assert budget.charge() is None
    assert words in (budget.exhausted or "")


def test_a_failed_call_gives_back_what_was_set_aside() -> None:
    budget = Budget(Limits(tokens=30))
    first = budget.charge(tokens=20)
    assert first is not None
    budget.settle(first, None)
    assert budget.charge(tokens=20) is not None
    assert budget.charge(tokens=20) is None


@pytest.mark.parametrize("small", [1, 3, 8, 20])
def test_a_wave_of_calls_is_not_sent_on_the_word_of_a_few_short_answers(small: int) -> None:
    """Without ``max_tokens`` an answer may be longer than all before it: few calls are under way at a time."""
    meter = Meter([10] * small + [5000] * 200)
    done = spend(meter, Limits(tokens=50_000), concurrency=64, count=200)
    assert done.exhausted is not None
    assert meter.most_at_once <= 8
    assert meter.spent <= 50_000 + 8 * 5000
    assert meter.spent > 40_000


def test_a_run_that_ends_begins_no_call_for_those_that_waited_for_room() -> None:
    class Refusing(Meter):
        async def complete(
            self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], *, repeat: int = 0
        ) -> Completion:
            if self.calls == 1:
                self.calls += 1
                raise ProviderRefused("the key is wrong")
            return await super().complete(messages, parameters, repeat=repeat)

    meter = Refusing([10])
    with pytest.raises(ProviderRefused):
        spend(meter, Limits(tokens=100_000), concurrency=16)
    assert meter.calls == 2
