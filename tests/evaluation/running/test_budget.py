"""What a run may spend: bounds that hold whatever calls cost, and in whatever order they end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.running.budget import Budget, Limits, Ticket
from promptvc.models.messages import Completion


def answered(tokens: int = 10, cost: float | None = 0.01) -> Completion:
    return Completion("x", tokens - 1, 1, cost, 1.0, "stop")


def test_without_bounds_everything_is_allowed() -> None:
    budget = Budget()
    assert all(budget.charge() is not None for _ in range(1000))
    assert (budget.calls, budget.exhausted) == (1000, None)


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


def test_a_failed_call_gives_its_reservation_back() -> None:
    budget = Budget(Limits(tokens=30))
    first = budget.charge(tokens=20)
    assert first is not None
    assert budget.charge(tokens=20) is None
    again = Budget(Limits(tokens=30))
    first = again.charge(tokens=20)
    assert first is not None
    again.settle(first, None)
    assert again.charge(tokens=20) is not None


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=60),
    bound=st.integers(1, 800),
    ends=st.lists(st.integers(0, 7), max_size=80),
)
def test_tokens_stay_within_the_bound_but_for_what_was_underestimated(
    sizes: Sequence[int], bound: int, ends: Sequence[int]
) -> None:
    """Calls of known size: begun in order, ended in any order, never more than the bound in all."""
    budget = Budget(Limits(tokens=bound))
    largest = max(sizes)
    flying: list[tuple[Ticket, int]] = []
    spent = 0
    turns = iter(ends)
    for size in sizes:
        ticket = budget.charge(tokens=largest)
        if ticket is None:
            break
        flying.append((ticket, size))
        for _ in range(next(turns, 0)):
            if flying:
                done, used = flying.pop(0)
                budget.settle(done, answered(used))
                spent += used
    for done, used in flying:
        budget.settle(done, answered(used))
        spent += used
    # What is expected of a call is the mean so far: one that takes more can pass the bound by its excess only.
    assert spent <= bound + len(flying) * largest
    if min(sizes) == largest:
        assert spent <= bound
