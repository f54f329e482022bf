"""The calls to one model: let through by a throttle, tried again where that is worth it, hurried along at the end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from promptvc.base.clock import utc_now
from promptvc.base.config import ModelSettings
from promptvc.models.access import Access
from promptvc.models.failures import Failure, classify
from promptvc.models.limits import quotas
from promptvc.models.retry import Retry, parse_retry_after
from promptvc.models.throttle import Throttle

_Raw = TypeVar("_Raw")
_Value = TypeVar("_Value")

# Connections are shared by many calls; this tells which of them a response belongs to.
_TICKET: ContextVar[int] = ContextVar("promptvc_ticket", default=0)


@dataclass(frozen=True, slots=True)
class Answered(Generic[_Value]):
    """A usable answer, and the tokens that it took in and out, None where unknown."""

    value: _Value
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Manners:
    """How calls are made. ``secrets`` may be in no message; ``private`` keeps what is sent from tracing services."""

    name: str
    timeout_s: float
    retry: Retry
    secrets: tuple[str, ...] = ()
    private: bool = False

    @classmethod
    def of(cls, access: Access, settings: ModelSettings, retry: Retry | None) -> Manners:
        """As ``settings`` want it; ``retry`` instead of theirs when given."""
        return cls(
            name=access.spec,
            timeout_s=settings.timeout_s,
            retry=retry or Retry(attempts=settings.attempts),
            secrets=access.secrets,
            private=settings.local_only,
        )


class _Call:
    """One call under way: how often it was tried, and what it waits for."""

    def __init__(self) -> None:
        self.attempts = 0
        self.hurried = False
        self.pause: asyncio.Future[Any] | None = None

    async def wait(self, until: Awaitable[object]) -> bool:
        """Wait; False when hurried, before or meanwhile."""
        self.pause = asyncio.ensure_future(until)
        if self.hurried:
            self.pause.cancel()
        try:
            await self.pause
        except asyncio.CancelledError:
            if not self.hurried:
                raise
        finally:
            self.pause = None
        return not self.hurried


class Calls:
    """Makes calls, each with its retries, in its turn. Waiting for the turn is no part of a call's latency."""

    def __init__(self, manners: Manners, throttle: Throttle) -> None:
        self._manners = manners
        self._throttle = throttle
        self._calls: set[_Call] = set()
        self._may_retry: Callable[[], bool] = _always

    def hurry(self) -> None:
        """Make no further attempt for the calls under way; those that wait for one, or for their turn, give up."""
        for call in self._calls:
            call.hurried = True
            if call.pause is not None:
                call.pause.cancel()

    def ask_before_retries(self, may: Callable[[], bool]) -> None:
        """From now on ask ``may`` before each attempt but a call's first; False: give up. It counts them."""
        self._may_retry = may

    async def make(
        self,
        ask: Callable[[], Awaitable[_Raw]],
        read: Callable[[_Raw, float], Answered[_Value] | Failure],
    ) -> _Value:
        """One call.

        Args:
            ask: makes one attempt.
            read: what came of it, and the milliseconds it took, as an answer.

        Raises:
            ProviderRefused: a failure that every further call would meet: bad key, unknown model, no credit.
            ProviderError: this call failed after its retries, or it was hurried.
        """
        name, retry = self._manners.name, self._manners.retry
        call = _Call()
        self._calls.add(call)
        failure = Failure("not asked any more: the run ends", None, again=False)
        try:
            while True:
                ticket = await self._turn(call)
                if ticket is None:
                    raise failure.error(name, attempts=call.attempts)
                call.attempts += 1
                outcome = await self._attempt(ticket, ask, read)
                if isinstance(outcome, Answered):
                    return outcome.value
                failure = outcome
                seconds = retry.pause(call.attempts, failure.retry_after) if failure.again else None
                again = seconds is not None and await call.wait(retry.sleep(seconds))
                if not again or not self._may_retry():
                    raise failure.error(name, attempts=call.attempts)
        finally:
            self._calls.discard(call)

    async def hear(self, response: Any) -> None:
        """Take the rate limits from the headers of any response: a hook for the connections."""
        found = quotas(response.headers.raw, now=utc_now())
        if found:
            self._throttle.heard(_TICKET.get(), found)

    async def _turn(self, call: _Call) -> int | None:
        """The ticket for an attempt; None when hurried before it was there."""
        place = self._throttle.ask(again=call.attempts > 0)
        if isinstance(place, int):
            return place
        taken = False
        try:
            taken = await call.wait(place)
        finally:
            if not taken:
                self._throttle.withdraw(place)
        return place.result() if taken else None

    async def _attempt(
        self,
        ticket: int,
        ask: Callable[[], Awaitable[_Raw]],
        read: Callable[[_Raw, float], Answered[_Value] | Failure],
    ) -> Answered[_Value] | Failure:
        outcome: Answered[_Value] | Failure | None = None
        mark = _TICKET.set(ticket)
        try:
            outcome = await self._ask(ask, read)
            return outcome
        finally:
            _TICKET.reset(mark)
            if isinstance(outcome, Answered):
                self._throttle.leave(ticket, succeeded=True, tokens=outcome.tokens)
            elif outcome is not None and outcome.limited:
                after = parse_retry_after(outcome.retry_after, now=self._manners.retry.now())
                self._throttle.leave(ticket, limited=True, retry_after_s=after)
            else:
                self._throttle.leave(ticket)

    async def _ask(
        self,
        ask: Callable[[], Awaitable[_Raw]],
        read: Callable[[_Raw, float], Answered[_Value] | Failure],
    ) -> Answered[_Value] | Failure:
        started = time.perf_counter()
        try:
            with self._privacy():
                # The client's own timeouts are per read; this one ends an answer that trickles.
                async with asyncio.timeout(self._manners.timeout_s):
                    raw = await ask()
        except Exception as error:  # noqa: BLE001  each provider's package raises its own
            # The original stays out of the chain: its text may repeat the key.
            return classify(error, secrets=self._manners.secrets)
        return read(raw, (time.perf_counter() - started) * 1000)

    def _privacy(self) -> contextlib.AbstractContextManager[Any]:
        """Keep prompts from LangSmith, which an environment variable can switch on."""
        if not self._manners.private:
            return contextlib.nullcontext()
        tracing: Any = importlib.import_module("langsmith.run_helpers")
        off: contextlib.AbstractContextManager[Any] = tracing.tracing_context(enabled=False)
        return off


def _always() -> bool:
    return True
