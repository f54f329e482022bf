"""One model, asked through the completion cache and the budget: nothing that is known is paid for again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from promptvc.base.config import Price
from promptvc.base.errors import OverBudget
from promptvc.evaluation.running.budget import Budget, Ticket
from promptvc.evaluation.running.cache import Cache, Keys
from promptvc.evaluation.running.spent import Spent
from promptvc.evaluation.running.writer import Writer
from promptvc.models.messages import ChatMessage, Completion, ImmediateModel, Model, RemoteModel

_CHARACTERS_A_TOKEN = 4
_BLIND = 8


def _allowed_tokens(parameters: Mapping[str, Any]) -> float | None:
    """How long an answer may be; None where the prompt does not say."""
    allowed = parameters.get("max_tokens") or parameters.get("max_completion_tokens")
    return allowed if isinstance(allowed, int | float) else None


class Caller:
    """Asks ``model``. A model that answers at once is never looked up: asking it costs about as much.

    ``purpose`` keeps apart what one name answers to different ends: a chat and a vector.

    Attributes:
        spent: what went through here.
    """

    def __init__(
        self,
        model: Model,
        *,
        budget: Budget,
        cache: Cache | None = None,
        since: datetime | None = None,
        price: Price | None = None,
        purpose: str = "",
    ) -> None:
        self.model = model
        self.spent = Spent()
        self._budget = budget
        self._cache = None if isinstance(model, ImmediateModel) else cache
        self._since = since
        self._price = price
        self._asked: dict[bytes, asyncio.Future[Completion]] = {}
        self._under_way = 0
        self._answers = 0
        self._longest = 0
        self._tokens_a_character = 1 / _CHARACTERS_A_TOKEN
        self._keys = Keys(purpose + model.name, model.location if isinstance(model, RemoteModel) else None)
        if isinstance(model, RemoteModel):
            model.ask_before_retries(self._again)

    @property
    def cached(self) -> bool:
        """Whether answers are looked up and kept."""
        return self._cache is not None

    def key(self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], repeat: int) -> bytes:
        """What the answer is kept under."""
        return self._keys.key(messages, parameters, repeat)

    def known(self, key: bytes, usable: Callable[[Completion], bool] | None = None) -> Completion | None:
        """The answer that the cache has, if it is ``usable``: another one is as good as none."""
        completion = self._cache.get(key, since=self._since) if self._cache is not None else None
        if completion is None or (usable is not None and not usable(completion)):
            return None
        self.spent.answer(completion)
        return completion

    def known_of(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """The answers that the cache has to some hundred keys; they count only when :meth:`taken`."""
        return self._cache.get_many(keys, since=self._since) if self._cache is not None else {}

    def taken(self, completion: Completion) -> None:
        """An answer of :meth:`known_of` is used."""
        self.spent.answer(completion)

    def charge(self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any]) -> Ticket | None:
        """Leave for one call; None when the budget has no room."""
        at_once = isinstance(self.model, ImmediateModel)
        ticket = self._budget.charge(*self.expected(messages, parameters), at_once=at_once)
        if ticket is not None:
            self.spent.calls += 1
        return ticket

    async def leave(self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any]) -> Ticket | None:
        """As :meth:`charge`, waiting for calls under way that may leave room, or may show what a call takes."""
        budget = self._budget
        if budget.measures and _allowed_tokens(parameters) is None:
            while self._under_way >= max(1, min(self._answers, _BLIND)) and not budget.halted:
                if budget.exhausted is not None:
                    break
                await budget.change()
        at_once = isinstance(self.model, ImmediateModel)
        ticket = await budget.leave(*self.expected(messages, parameters), at_once=at_once)
        if ticket is not None:
            self.spent.calls += 1
            self._under_way += 1
        return ticket

    def expected(self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any]) -> tuple[float, float]:
        """Tokens and US dollars that a call may take, for a budget.

        What is asked is estimated by its characters, a quarter of them or what was seen. What is answered is what the
        prompt allows, or as much as the longest answer so far. Where the prompt allows anything the next answer may be
        longer than all before it: then only as many calls are under way as answers were seen, and at most eight.
        """
        asked = sum(len(message.content) for message in messages) * self._tokens_a_character
        allowed = _allowed_tokens(parameters)
        most = self._longest if allowed is None else allowed
        cost = (asked * self._price.input + most * self._price.output) / 1e6 if self._price else 0.0
        return asked + most, cost

    def answer(
        self,
        ticket: Ticket,
        messages: Sequence[ChatMessage],
        parameters: Mapping[str, Any],
        repeat: int,
    ) -> Completion:
        """The answer of a model that answers at once."""
        assert isinstance(self.model, ImmediateModel)
        completion: Completion | None = None
        try:
            completion = self.model.answer(messages, parameters, repeat=repeat)
        finally:
            self._budget.settle(ticket, completion)
        self.spent.answer(completion)
        return completion

    async def call(
        self,
        ticket: Ticket,
        key: bytes,
        messages: Sequence[ChatMessage],
        parameters: Mapping[str, Any],
        *,
        repeat: int,
        writer: Writer | None,
    ) -> Completion:
        """Make a call that has leave; the answer is on the disk before it is given back.

        Raises:
            ProviderError: after the last retry.
        """
        completion: Completion | None = None
        try:
            completion = await self.model.complete(messages, parameters, repeat=repeat)
            self._learn(messages, completion)
        finally:
            self._under_way -= 1
            self._budget.settle(ticket, completion)
        if self.cached and writer is not None:
            await writer.put(key, completion)
        self.spent.answer(completion)
        return completion

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        parameters: Mapping[str, Any],
        *,
        repeat: int,
        writer: Writer | None,
        usable: Callable[[Completion], bool] | None = None,
    ) -> Completion:
        """The answer, from the cache where that has a ``usable`` one, or by a call.

        Raises:
            OverBudget: there is no leave for a call.
            ProviderError: after the last retry.
        """
        key = self.key(messages, parameters, repeat)
        known = self.known(key, usable)
        if known is not None:
            return known
        while (asked := self._asked.get(key)) is not None:
            # Somebody asks just this: wait for that answer, and ask only if it does not come.
            await asyncio.wait([asked])
            if asked.done() and not asked.cancelled() and asked.exception() is None:
                completion = replace(asked.result(), cached=True)
                self.spent.answer(completion)
                return completion
        calling = asyncio.ensure_future(
            self._allowed(key, messages, parameters, repeat=repeat, writer=writer)
        )
        self._asked[key] = calling
        # The first callback, so that it runs before anybody who waits looks again.
        calling.add_done_callback(lambda _: self._asked.pop(key, None))
        try:
            return await calling
        finally:
            calling.cancel()

    def _learn(self, messages: Sequence[ChatMessage], completion: Completion) -> None:
        """What an answer shows of the next ones."""
        self._answers += 1
        self._longest = max(self._longest, completion.tokens_out or 0)
        characters = sum(len(message.content) for message in messages)
        if completion.tokens_in and characters:
            self._tokens_a_character = max(self._tokens_a_character, completion.tokens_in / characters)

    async def _allowed(
        self,
        key: bytes,
        messages: Sequence[ChatMessage],
        parameters: Mapping[str, Any],
        *,
        repeat: int,
        writer: Writer | None,
    ) -> Completion:
        """A call, once the budget has room for it."""
        ticket = await self.leave(messages, parameters)
        if ticket is None:
            raise OverBudget(self._budget.exhausted or "no call is allowed")
        return await self.call(ticket, key, messages, parameters, repeat=repeat, writer=writer)

    def _again(self) -> bool:
        if not self._budget.again():
            return False
        self.spent.calls += 1
        return True
