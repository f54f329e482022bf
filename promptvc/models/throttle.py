"""How many calls a provider is sent at once: as many as it takes, found out while calling.

A throttle begins with a few calls at a time. While calls succeed it allows more, one for each success at first and,
once the provider has said "too many" (429), one for each round trip; "too many" halves it, once for all calls that were
under way together. That is the additive increase and multiplicative decrease of TCP (RFC 5681, with its slow start).
Besides, no call begins that a limit told in the provider's headers has no room for: the calls under way count against
what remains, for nobody knows which of them the provider has counted already. What waits is let go in its order.

Models of one provider at one address share a throttle: a judge and the model under test have one account.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from promptvc.models.limits import Quota

FIRST = 8
"""Calls at a time before anything is known."""

_LONGEST_S = 120.0


@dataclass(slots=True)
class _Window:
    """The least that remained of a limit until it is whole again, at ``ends``; from then on ``most`` may remain.

    ``most`` is the most that was ever seen of it, ``mark`` the last ticket when ``floor`` was told.
    """

    floor: float
    most: float
    per_token: bool
    ends: float
    mark: int


class Throttle:
    """The gate of one endpoint. Used from one event loop after another, not from two at once.

    A call gets a ticket by :meth:`ask` and gives it back by :meth:`leave`. A limit that is whole again only in more
    than two minutes is not waited for: then one call at a time goes through, whose failure tells of it.
    """

    def __init__(
        self,
        *,
        ceiling: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ceiling = math.inf if ceiling is None else max(1, ceiling)
        self._clock = clock
        self._sleep = sleep
        self._limit = min(float(FIRST), self._ceiling)
        self._doubling = True
        self._in_flight = self._issued = self._forgotten = self._cut = 0
        self._paused_until = -math.inf
        self._windows: dict[str, _Window] = {}
        self._tokens = self._counted = 0
        self._again: deque[asyncio.Future[int]] = deque()
        self._first: deque[asyncio.Future[int]] = deque()
        self._alarm: tuple[float, asyncio.Task[None]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def limit(self) -> int:
        """Calls at a time, as of now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Calls that wait for their ticket."""
        return len(self._again) + len(self._first)

    def ask(self, *, again: bool = False) -> int | asyncio.Future[int]:
        """A ticket, or where to wait for one; :meth:`withdraw` a place that is not waited for to its end.

        Args:
            again: another attempt of a call. It goes before the others, and has waited already as the provider asked.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        if (again or not self._first) and not self._again and self._obstacle(again=again) is None:
            return self._grant()
        place: asyncio.Future[int] = loop.create_future()
        (self._again if again else self._first).append(place)
        self._let_go()
        return place

    def withdraw(self, place: asyncio.Future[int]) -> None:
        """Give up a place, or the ticket that it got meanwhile."""
        if place.done() and not place.cancelled():
            self._give_back(place.result())
            return
        place.cancel()
        for queue in (self._again, self._first):
            if place in queue:
                queue.remove(place)
        self._let_go()

    def leave(
        self,
        ticket: int,
        *,
        succeeded: bool = False,
        limited: bool = False,
        retry_after_s: float | None = None,
        tokens: int | None = None,
    ) -> None:
        """The call with ``ticket`` has ended.

        Args:
            succeeded: with an answer.
            limited: the provider said that there are too many calls.
            retry_after_s: for how long it wants none.
            tokens: that the call took, in and out.
        """
        if ticket <= self._forgotten:
            return
        used = self._in_flight >= int(self._limit) or self.waiting > 0
        if limited:
            self._slow_down(ticket, retry_after_s)
        elif succeeded and used and ticket > self._cut:
            self._limit = min(self._ceiling, self._limit + (1.0 if self._doubling else 1.0 / self._limit))
        if tokens is not None:
            self._tokens += tokens
            self._counted += 1
        self._give_back(ticket)

    def heard(self, ticket: int, quotas: Iterable[Quota]) -> None:
        """Take what the answer to the call with ``ticket`` told of the provider's limits.

        Answers overtake one another, so the least that remained counts; more remains only by the word of a call
        that began after that, or when the limit was reset.
        """
        now = self._clock()
        for quota in quotas:
            known = self._windows.get(quota.name)
            if known is None or now >= known.ends or quota.remaining <= known.floor or ticket > known.mark:
                before = quota.remaining + (not quota.per_token)
                self._windows[quota.name] = _Window(
                    floor=quota.remaining,
                    most=before if known is None else max(known.most, before),
                    per_token=quota.per_token,
                    ends=now + quota.reset_s,
                    mark=self._issued,
                )
        if self._again or self._first:
            self._let_go()

    def _slow_down(self, ticket: int, retry_after_s: float | None) -> None:
        if ticket > self._cut:
            self._limit = max(1.0, min(self._limit, self._in_flight) / 2)
            self._doubling = False
            self._cut = self._issued
        if retry_after_s is not None and retry_after_s <= _LONGEST_S:
            self._paused_until = max(self._paused_until, self._clock() + retry_after_s)

    def _obstacle(self, *, again: bool) -> float | None:
        """None: a call may begin. Else the seconds after which to look again, at the end of a call at the latest."""
        if self._in_flight >= int(self._limit):
            return math.inf
        if not self._windows and self._paused_until < 0:
            return None
        now = self._clock()
        if now < self._paused_until and not again:
            return self._paused_until - now
        for window in self._windows.values():
            left = window.ends - now
            if left > 0 and not self._fits(window, window.floor) and (self._in_flight or left <= _LONGEST_S):
                return left
            if left <= 0 and self._in_flight and not self._fits(window, window.most):
                return math.inf  # an answer will tell
        return None

    def _fits(self, window: _Window, remaining: float) -> bool:
        """Whether one more call does, besides those under way."""
        each = 1.0
        if window.per_token and self._counted:
            each = max(1.0, self._tokens / self._counted)
        return remaining >= each * (self._in_flight + 1)

    def _grant(self) -> int:
        self._in_flight += 1
        self._issued += 1
        return self._issued

    def _give_back(self, ticket: int) -> None:
        if ticket > self._forgotten:
            self._in_flight -= 1
            self._let_go()

    def _let_go(self) -> None:
        """Give tickets to those that may begin, in their order; see to it that somebody looks again at the others."""
        wait = math.inf
        for queue, again in ((self._again, True), (self._first, False)):
            while queue:
                if queue[0].done():
                    queue.popleft()
                    continue
                obstacle = self._obstacle(again=again)
                if obstacle is not None:
                    wait = min(wait, obstacle)
                    break
                queue.popleft().set_result(self._grant())
        self._set_alarm(wait if self.waiting else math.inf)

    def _set_alarm(self, seconds: float) -> None:
        if seconds == math.inf:
            if self._alarm is not None:
                self._alarm[1].cancel()
                self._alarm = None
            return
        due = self._clock() + seconds
        if self._alarm is not None:
            if self._alarm[0] <= due:
                return
            self._alarm[1].cancel()
        assert self._loop is not None
        self._alarm = (due, self._loop.create_task(self._ring(seconds)))

    async def _ring(self, seconds: float) -> None:
        await self._sleep(seconds)
        self._alarm = None
        self._let_go()

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """What was under way in another loop ended with it; what is known of the provider stays."""
        self._loop, self._alarm = loop, None
        self._in_flight, self._forgotten = 0, self._issued
        self._again.clear()
        self._first.clear()


class Throttles:
    """The throttles of one piece of work, one for each provider and address. ``ceiling``: see :class:`Throttle`."""

    def __init__(
        self,
        *,
        ceiling: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ceiling = ceiling
        self._clock = clock
        self._sleep = sleep
        self._known: dict[tuple[str, str | None], Throttle] = {}

    def of(self, provider: str, url: str | None) -> Throttle:
        """The throttle of ``provider`` at ``url``; None is an address that only its package knows."""
        key = (provider, url)
        if key not in self._known:
            self._known[key] = Throttle(ceiling=self._ceiling, clock=self._clock, sleep=self._sleep)
        return self._known[key]
