"""What a run may spend: calls, tokens, US dollars and seconds, over everything that it asks.

A bound is hard: a call is begun only if it would stay within the bound even when all calls under way cost what is
expected of them. What a call costs is known when it has ended; until then an estimate stands for it: the mean of the
calls so far, before the first one a quarter of its characters as tokens.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from promptvc.models.messages import Completion


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a run; None is no bound. ``cost`` in US dollars, ``seconds`` from the first call on."""

    calls: int | None = None
    tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave for one call, with what is expected of it."""

    tokens: float
    cost: float


class Budget:
    """The account of a run. Used on one thread.

    Attributes:
        calls: begun so far, attempts of a retried call included.
        exhausted: which bound was reached, as a clause; None while none is.
    """

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits or Limits()
        self.calls = 0
        self.exhausted: str | None = None
        self._clock = clock
        self._started: float | None = None
        self._tokens = self._cost = 0.0
        self._reserved_tokens = self._reserved_cost = 0.0
        self._known = 0

    def charge(self, tokens: float = 0.0, cost: float = 0.0) -> Ticket | None:
        """Leave to make one call; None when the budget has no room for it, and from then on.

        Args:
            tokens, cost: expected of the call, where nothing better is known.
        """
        if self.exhausted is None and self._over(tokens, cost):
            return None
        if self.exhausted is not None:
            return None
        self.calls += 1
        ticket = Ticket(self._expected(self._tokens, tokens), self._expected(self._cost, cost))
        self._reserved_tokens += ticket.tokens
        self._reserved_cost += ticket.cost
        return ticket

    def again(self) -> bool:
        """Leave for a further attempt of a call that has a ticket."""
        limits = self.limits
        if limits.calls is not None and self.calls >= limits.calls:
            self.exhausted = self.exhausted or f"the {limits.calls:,} calls that are allowed are used up"
        if self._late():
            self.exhausted = self.exhausted or f"the {limits.seconds:g} seconds that are allowed are over"
        if self.exhausted is not None:
            return False
        self.calls += 1
        return True

    def settle(self, ticket: Ticket, completion: Completion | None) -> None:
        """The call has ended, with an answer or without."""
        self._reserved_tokens -= ticket.tokens
        self._reserved_cost -= ticket.cost
        if completion is None:
            return
        self._known += 1
        limits = self.limits
        if completion.tokens_in is not None and completion.tokens_out is not None:
            self._tokens += completion.tokens_in + completion.tokens_out
        elif limits.tokens is not None:
            self.exhausted = "the provider does not count tokens, so their bound cannot be kept"
        if completion.cost is not None:
            self._cost += completion.cost
        elif limits.cost is not None:
            self.exhausted = "the cost of a call is unknown, so its bound cannot be kept"

    def _over(self, tokens: float, cost: float) -> bool:
        """Note and tell whether one more call would pass a bound."""
        limits = self.limits
        if self._started is None:
            self._started = self._clock()
        if limits.calls is not None and self.calls >= limits.calls:
            self.exhausted = f"the {limits.calls:,} calls that are allowed are used up"
        elif self._late():
            self.exhausted = f"the {limits.seconds:g} seconds that are allowed are over"
        elif limits.tokens is not None and (
            self._tokens + self._reserved_tokens + self._expected(self._tokens, tokens) > limits.tokens
        ):
            self.exhausted = f"the {limits.tokens:,} tokens that are allowed are used up"
        elif limits.cost is not None and (
            self._cost + self._reserved_cost + self._expected(self._cost, cost) > limits.cost
        ):
            self.exhausted = f"the {limits.cost:g} US dollars that are allowed are used up"
        return self.exhausted is not None

    def _late(self) -> bool:
        seconds, started = self.limits.seconds, self._started
        return seconds is not None and started is not None and self._clock() - started >= seconds

    def _expected(self, spent: float, fallback: float) -> float:
        return spent / self._known if self._known else fallback
