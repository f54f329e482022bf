"""What a run may spend: calls, tokens, US dollars and seconds, over everything that it asks.

A call is begun only if the bound holds even when every call under way takes as much as is expected of it: as the
longest one so far of its kind, or as the prompt's ``max_tokens`` allow. Before anything is known of a kind one call
goes ahead and the others wait for it; where room is short a call waits for those under way, which may take less. So a
bound on tokens or dollars can be passed only by what a call takes beyond all before it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from promptvc.base.errors import Usage
from promptvc.models.messages import Completion


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a run; None is no bound. ``cost`` in US dollars, ``seconds`` from the first call on."""

    calls: int | None = None
    tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what bounds nothing.

        Raises:
            Usage: not a number, or no end.
        """
        for name, bound in (("cost", self.cost), ("time", self.seconds)):
            if bound is not None and not math.isfinite(bound):
                raise Usage(f"{bound} is no bound on {name}", hint="give a number, or leave it out")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave for one call, with what is set aside for it."""

    tokens: float
    cost: float


class Budget:
    """The account of a run. Used on one thread, and on one event loop at a time.

    Attributes:
        calls: begun so far, attempts of a retried call included.
        exhausted: which bound was reached, as a clause; None while none is.
    """

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits or Limits()
        self.calls = 0
        self.exhausted: str | None = None
        self._halted = False
        self._clock = clock
        self._started: float | None = None
        self._tokens = self._cost = 0.0
        self._reserved_tokens = self._reserved_cost = 0.0
        self._under_way = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def measures(self) -> bool:
        """Whether what a call takes matters, not only that it is made."""
        return self.limits.tokens is not None or self.limits.cost is not None

    def charge(self, tokens: float = 0.0, cost: float = 0.0, *, at_once: bool = False) -> Ticket | None:  # noqa: ARG002 - for who minds
        """Leave to make one call that takes at most about so much; None when there is no room, and from then on.

        Args:
            at_once: whether a model in this process answers; a bound does not mind,
                :class:`~promptvc.evaluation.running.cached_only.CachedOnly` does.
        """
        if self._halted:
            return None
        if self.exhausted is None:
            self.exhausted = self._counted() or self._lacking(tokens, cost)
        if self.exhausted is not None:
            return None
        self.calls += 1
        self._under_way += 1
        self._reserved_tokens += tokens
        self._reserved_cost += cost
        return Ticket(tokens, cost)

    async def leave(self, tokens: float = 0.0, cost: float = 0.0, *, at_once: bool = False) -> Ticket | None:
        """As :meth:`charge`; while calls are under way that may leave room, it waits for them."""
        while self.exhausted is None and self._counted() is None and self._lacking(tokens, cost) is not None:
            if self._under_way == 0 or self._halted:
                break
            await self.change()
        return self.charge(tokens, cost, at_once=at_once)

    async def change(self) -> None:
        """Return when a call has ended."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(ended)
        await ended

    def again(self) -> bool:
        """Leave for a further attempt of a call that has a ticket."""
        if self.exhausted is None:
            self.exhausted = self._counted()
        if self.exhausted is not None or self._halted:
            return False
        self.calls += 1
        return True

    def settle(self, ticket: Ticket, completion: Completion | None) -> None:
        """The call has ended, with an answer or without."""
        self._under_way -= 1
        self._reserved_tokens -= ticket.tokens
        self._reserved_cost -= ticket.cost
        if completion is not None:
            self._spend(completion)
        self._wake()

    @property
    def halted(self) -> bool:
        """Whether a run is ending: no call is begun, and what waits for room goes home."""
        return self._halted

    def halt(self) -> None:
        """Let no call begin any more, until :meth:`resume`."""
        self._halted = True
        self._wake()

    def resume(self) -> None:
        """The run has ended; another one may spend what is left."""
        self._halted = False

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for ended in waiting:
            if not ended.done():
                ended.set_result(None)

    def _spend(self, completion: Completion) -> None:
        limits = self.limits
        if completion.tokens_in is not None and completion.tokens_out is not None:
            self._tokens += completion.tokens_in + completion.tokens_out
        elif limits.tokens is not None:
            self.exhausted = "the provider does not count tokens, so their bound cannot be kept"
        if completion.cost is not None:
            self._cost += completion.cost
        elif limits.cost is not None:
            self.exhausted = "the cost of a call is unknown, so its bound cannot be kept"

    def _counted(self) -> str | None:
        """Which of calls and time is used up; None while neither is."""
        limits = self.limits
        if self._started is None:
            self._started = self._clock()
        if limits.calls is not None and self.calls >= limits.calls:
            calls = (
                "1 call that is allowed is"
                if limits.calls == 1
                else f"{limits.calls:,} calls that are allowed are"
            )
            return f"the {calls} used up"
        if limits.seconds is not None and self._clock() - self._started >= limits.seconds:
            return f"the {limits.seconds:g} seconds that are allowed are over"
        return None

    def _lacking(self, tokens: float, cost: float) -> str | None:
        """Which of tokens and cost has no room for one more call; None while both have."""
        limits = self.limits
        if limits.tokens is not None and self._tokens + self._reserved_tokens + tokens > limits.tokens:
            used = f"{self._tokens:,.0f} are used and the next call may take {tokens:,.0f}"
            return f"the {limits.tokens:,} tokens that are allowed have no room: {used}"
        if limits.cost is not None and self._cost + self._reserved_cost + cost > limits.cost + 1e-12:
            used = f"${self._cost:.4f} are spent and the next call may take ${cost:.4f}"
            return f"the {limits.cost:g} US dollars that are allowed have no room: {used}"
        return None
