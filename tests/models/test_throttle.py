"""The throttle by itself: its arithmetic, its order, and that no ticket is ever lost."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from promptvc.models.limits import Quota
from promptvc.models.throttle import FIRST, Throttle, Throttles

T = TypeVar("T")


class Time:
    """A clock that moves when told to, and the sleepers that it wakes."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        done = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, done))
        await done

    @property
    def sleepers(self) -> int:
        return sum(not done.done() for _, done in self._sleepers)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        for due, done in self._sleepers:
            if due <= self.now and not done.done():
                done.set_result(None)


def made(ceiling: int | None = None) -> tuple[Throttle, Time]:
    time = Time()
    return Throttle(ceiling=ceiling, clock=time, sleep=time.sleep), time


def requests(remaining: float, reset_s: float = 60.0) -> list[Quota]:
    return [Quota("requests", False, remaining, reset_s)]


def tickets(throttle: Throttle, count: int) -> list[int]:
    """So many tickets, all to be had at once."""
    found = [throttle.ask() for _ in range(count)]
    assert all(isinstance(one, int) for one in found)
    return [one for one in found if isinstance(one, int)]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(scenario: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(scenario)


@pytest.mark.parametrize(("ceiling", "first"), [(None, FIRST), (3, 3), (100, FIRST), (1, 1)])
def test_it_begins_with_a_few_calls(ceiling: int | None, first: int) -> None:
    async def scenario() -> None:
        throttle, _ = made(ceiling)
        tickets(throttle, first)
        assert not isinstance(throttle.ask(), int)

    run(scenario())


def test_success_allows_more_up_to_the_ceiling_and_only_where_it_is_used() -> None:
    async def scenario() -> None:
        throttle, _ = made(ceiling=20)
        throttle.leave(*tickets(throttle, 1), succeeded=True)
        assert throttle.limit == FIRST  # seven places were free: more would prove nothing
        limits = []
        for _ in range(4):
            for ticket in tickets(throttle, throttle.limit):
                throttle.leave(ticket, succeeded=True)
            limits.append(throttle.limit)
        assert limits[0] > FIRST
        assert limits == sorted(limits)
        for _ in range(30):
            for ticket in tickets(throttle, throttle.limit):
                throttle.leave(ticket, succeeded=True)
        assert throttle.limit == 20

    run(scenario())


def test_too_many_halves_once_for_all_that_were_under_way() -> None:
    async def scenario() -> None:
        throttle, _ = made()
        held = tickets(throttle, 8)
        for ticket in held:
            throttle.leave(ticket, limited=True)
        assert throttle.limit == 4
        first, *later = tickets(throttle, 4)
        throttle.leave(first, limited=True)
        assert throttle.limit == 2
        for ticket in later:
            throttle.leave(ticket, limited=True)
        assert throttle.limit == 2

    run(scenario())


def test_calls_begun_before_the_cut_prove_nothing_of_what_came_after() -> None:
    async def scenario() -> None:
        throttle, _ = made()
        first, *later = tickets(throttle, 8)
        throttle.leave(first, limited=True)
        for ticket in later:
            throttle.leave(ticket, succeeded=True)
        assert throttle.limit == 4

    run(scenario())


def test_it_never_falls_below_one_and_comes_back_one_a_round_trip() -> None:
    async def scenario() -> None:
        throttle, _ = made()
        for _ in range(10):
            throttle.leave(*tickets(throttle, 1), limited=True)
        assert throttle.limit == 1
        limits = []
        for _ in range(6):
            for ticket in tickets(throttle, throttle.limit):
                throttle.leave(ticket, succeeded=True)
            limits.append(throttle.limit)
        assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(limits))
        assert limits[-1] >= 3

    run(scenario())


def test_a_failure_of_another_kind_changes_nothing() -> None:
    async def scenario() -> None:
        throttle, _ = made()
        for ticket in tickets(throttle, 8):
            throttle.leave(ticket)
        assert (throttle.limit, throttle.in_flight) == (8, 0)

    run(scenario())


def test_no_more_calls_than_remain_are_under_way() -> None:
    async def scenario() -> None:
        throttle, time = made()
        first, *rest = tickets(throttle, 4)
        throttle.heard(first, requests(5))
        throttle.leave(first, succeeded=True)
        tickets(throttle, 2)  # three are under way, so two more make five
        place = throttle.ask()
        assert not isinstance(place, int)
        throttle.heard(rest[0], requests(4))
        throttle.leave(rest[0], succeeded=True)
        await settle()
        assert not place.done()
        time.pass_(59)
        await settle()
        assert not place.done()
        time.pass_(1)
        await settle()
        assert place.done()

    run(scenario())


def test_an_answer_that_was_overtaken_gives_nothing_back() -> None:
    async def scenario() -> None:
        throttle, _ = made()
        one, two, three = tickets(throttle, 3)
        throttle.heard(two, requests(1))
        throttle.leave(two, succeeded=True)
        throttle.heard(one, requests(2))
        throttle.leave(one, succeeded=True)
        throttle.leave(three, succeeded=True)
        (later,) = tickets(throttle, 1)
        assert not isinstance(throttle.ask(), int)
        throttle.heard(later, requests(50))  # began after the 1 was heard: the provider has refilled
        tickets(throttle, 5)

    run(scenario())


def test_tokens_count_by_what_a_call_takes() -> None:
    async def scenario() -> None:
        throttle, _ = made()
        throttle.leave(*tickets(throttle, 1), succeeded=True, tokens=100)
        (ticket,) = tickets(throttle, 1)
        throttle.heard(ticket, [Quota("tokens", True, 399, 60)])
        throttle.leave(ticket, succeeded=True, tokens=100)
        tickets(throttle, 3)
        assert not isinstance(throttle.ask(), int)

    run(scenario())


def test_retry_after_holds_back_every_call_but_the_one_that_has_waited() -> None:
    async def scenario() -> None:
        throttle, time = made()
        throttle.leave(tickets(throttle, 8)[0], limited=True, retry_after_s=7)
        for ticket in range(2, 9):
            throttle.leave(ticket, succeeded=True)
        place = throttle.ask()
        assert not isinstance(place, int)
        assert isinstance(throttle.ask(again=True), int)
        await settle()
        time.pass_(6.9)
        await settle()
        assert not place.done()
        time.pass_(0.1)
        await settle()
        assert place.done()

    run(scenario())


def test_a_limit_that_is_whole_tomorrow_is_not_waited_for() -> None:
    async def scenario() -> None:
        throttle, _ = made()
        (ticket,) = tickets(throttle, 1)
        throttle.heard(ticket, requests(0, 86400))
        throttle.leave(ticket, limited=True, retry_after_s=86400)
        tickets(throttle, 1)
        assert not isinstance(throttle.ask(), int)  # one at a time

    run(scenario())


def test_further_attempts_go_first_and_the_others_in_their_order() -> None:
    async def scenario() -> None:
        throttle, _ = made(ceiling=1)
        (held,) = tickets(throttle, 1)
        places = [throttle.ask(again=again) for again in (False, False, True, False, True)]
        order = []
        for _ in places:
            throttle.leave(held)
            (at,) = (
                n
                for n, one in enumerate(places)
                if n not in order and isinstance(one, asyncio.Future) and one.done()
            )
            order.append(at)
            place = places[at]
            assert isinstance(place, asyncio.Future)
            held = place.result()
        assert order == [2, 4, 0, 1, 3]

    run(scenario())


def test_a_place_or_a_ticket_given_up_goes_to_the_next() -> None:
    async def scenario() -> None:
        throttle, _ = made(ceiling=1)
        (held,) = tickets(throttle, 1)
        first, second, third = (throttle.ask() for _ in range(3))
        assert isinstance(first, asyncio.Future)
        assert isinstance(second, asyncio.Future)
        assert isinstance(third, asyncio.Future)
        throttle.withdraw(first)
        throttle.leave(held)
        assert second.done()
        throttle.withdraw(second)  # its caller was cancelled in the same moment
        assert third.done()
        throttle.leave(third.result())
        assert (throttle.in_flight, throttle.waiting) == (0, 0)

    run(scenario())


def test_nobody_sleeps_when_nobody_waits() -> None:
    async def scenario() -> None:
        throttle, time = made()
        throttle.leave(*tickets(throttle, 1), limited=True, retry_after_s=7)
        place = throttle.ask()
        assert isinstance(place, asyncio.Future)
        await settle()
        assert time.sleepers == 1
        throttle.withdraw(place)
        await settle()
        assert time.sleepers == 0

    run(scenario())


def test_what_was_under_way_in_a_loop_that_ended_is_forgotten() -> None:
    throttle, _ = made(ceiling=2)

    async def left_behind() -> list[int]:
        return tickets(throttle, 2)

    async def later(old: list[int]) -> None:
        held = tickets(throttle, 2)
        throttle.leave(old[0], succeeded=True)
        assert throttle.in_flight == 2
        for ticket in held:
            throttle.leave(ticket)
        assert throttle.in_flight == 0

    old = run(left_behind())
    run(later(old))


def test_one_provider_at_one_address_has_one_throttle() -> None:
    throttles = Throttles(ceiling=2)
    here = throttles.of("openai", "http://127.0.0.1:1/v1")
    assert throttles.of("openai", "http://127.0.0.1:1/v1") is here
    assert throttles.of("openai", "http://127.0.0.1:2/v1") is not here
    assert throttles.of("anthropic", "http://127.0.0.1:1/v1") is not here
    assert here.limit == 2


class Gate(RuleBasedStateMachine):
    """Any order of calls, endings, headers and time: the bounds hold, and nobody waits for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.time = Time()
        self.throttle = Throttle(ceiling=12, clock=self.time, sleep=self.time.sleep)
        self.held: list[int] = []
        self.places: list[asyncio.Future[int]] = []

    def teardown(self) -> None:
        """Whoever waits gets a ticket when the others end and time passes."""
        for _ in range(10_000):
            if not self.places:
                break
            while self.held:
                self._do(lambda: self.throttle.leave(self.held.pop(0)))
            self.time.pass_(200)
            self._do(lambda: None)
        assert not self.places
        while self.held:
            self._do(lambda: self.throttle.leave(self.held.pop(0)))
        assert (self.throttle.in_flight, self.throttle.waiting) == (0, 0)
        self.loop.close()

    def _do(self, action: Any) -> None:
        async def inside() -> None:
            before = self.throttle.in_flight
            action()
            await settle()
            for place in [one for one in self.places if one.done()]:
                self.places.remove(place)
                self.held.append(place.result())
            known = self.throttle._windows.get("requests")
            if known is not None and self.time.now < known.ends:
                assert self.throttle.in_flight <= max(before, known.floor)

        self.loop.run_until_complete(inside())

    def _ask(self, *, again: bool) -> None:
        found = self.throttle.ask(again=again)
        if isinstance(found, int):
            self.held.append(found)
        else:
            self.places.append(found)

    @rule(again=st.booleans())
    def ask(self, again: bool) -> None:
        self._do(lambda: self._ask(again=again))

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(), ending=st.sampled_from(["succeeded", "limited", "failed"]), tokens=st.integers(0, 90)
    )
    def leave(self, data: st.DataObject, ending: str, tokens: int) -> None:
        ticket = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        before, busy = self.throttle.limit, self.throttle.in_flight
        self._do(
            lambda: self.throttle.leave(
                ticket,
                succeeded=ending == "succeeded",
                limited=ending == "limited",
                retry_after_s=data.draw(st.none() | st.floats(0, 300)) if ending == "limited" else None,
                tokens=tokens,
            )
        )
        assert max(1, min(before, busy) // 2) <= self.throttle.limit <= before + 1
        if ending == "failed":
            assert self.throttle.limit == before

    @precondition(lambda self: self.held)
    @rule(data=st.data(), remaining=st.integers(0, 15), reset=st.floats(0.001, 110))
    def hear(self, data: st.DataObject, remaining: int, reset: float) -> None:
        ticket = data.draw(st.sampled_from(self.held))
        known = self.throttle._windows.get("requests")
        late = known is not None and self.time.now < known.ends and ticket <= known.mark
        self._do(lambda: self.throttle.heard(ticket, requests(remaining, reset)))
        now = self.throttle._windows["requests"].floor
        assert now == (min(remaining, known.floor) if late and known is not None else remaining)

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        place = self.places.pop(data.draw(st.integers(0, len(self.places) - 1)))
        self._do(lambda: self.throttle.withdraw(place))

    @rule(seconds=st.floats(0.001, 130))
    def wait(self, seconds: float) -> None:
        self.time.pass_(seconds)
        self._do(lambda: None)

    @invariant()
    def bounds(self) -> None:
        assert 1 <= self.throttle.limit <= 12
        assert self.throttle.in_flight == len(self.held)
        assert self.throttle.waiting == len(self.places)
        if self.places and not self.held:
            assert self.time.sleepers >= 1  # time alone must let somebody go on


Gate.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_any_order_of_events = Gate.TestCase
