"""The model that proposes edits, asked through the completion cache and within the budget of the training."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from promptvc.base.config import ModelSettings, OptimizerSettings
from promptvc.base.errors import Interrupted, Usage
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.caller import Caller
from promptvc.evaluation.running.spent import Spent
from promptvc.evaluation.running.writer import Writer
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage, Completion
from promptvc.models.providers import OFFLINE
from promptvc.models.throttle import Throttles


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an optimizer is asked with.

    Attributes:
        settings: of models, from ``promptvc.yaml``; ``environ`` holds endpoints and keys.
        budget: of everything that the training spends; None: there is no bound.
        cache: of completions; None: nothing is kept. Whoever opened it closes it.
        since: accept from the cache only what was stored at this moment or later.
        throttles: of all models of the training, so that those of one account share its rate limits.
    """

    settings: ModelSettings
    environ: Mapping[str, str]
    budget: Budget | None = None
    cache: Cache | None = None
    since: datetime | None = None
    throttles: Throttles | None = field(default=None, compare=False)


def optimizer_model(settings: OptimizerSettings, models: Sequence[str]) -> str | None:
    """The spec of the model that proposes: the settings', else the first of ``models`` that is not offline.

    None when there is none; ``offline`` in the settings says that none is wanted.
    """
    if settings.model is not None:
        return None if settings.model == OFFLINE else settings.model
    return next((spec for spec in models if spec != OFFLINE), None)


def open_optimizer(spec: str, temperature: float, around: Surroundings) -> SessionOptimizer:
    """The optimizer ``spec``, ``provider:model``, ready to be asked; nothing is called yet.

    Raises:
        InputError: the model cannot be opened.
        Usage: the offline responder, or a bound on cost and no price.
    """
    if spec == OFFLINE:
        raise Usage(
            "the offline responder cannot propose edits: it answers with what a prompt shows",
            hint="name a model in training.optimizer.model, or leave it out: edits come from users' words then",
        )
    budget = around.budget or Budget()
    price = around.settings.prices.get(spec)
    if budget.limits.cost is not None and price is None:
        raise Usage(
            f"the cost of {spec} is unknown, so a bound on it cannot be kept",
            hint=f'give its price: models.prices."{spec}" in promptvc.yaml',
        )
    model = open_model(
        spec, settings=around.settings, environ=around.environ, throttles=around.throttles or Throttles()
    )
    caller = Caller(model, budget=budget, cache=around.cache, since=around.since, price=price)
    return SessionOptimizer(caller, temperature, around.cache)


class SessionOptimizer:
    """An :class:`~promptvc.training.scoring.Optimizer`. Nothing stays open between two questions.

    Attributes:
        total: what its answers took, whether they were paid for now or earlier: the same in every run.
    """

    def __init__(self, caller: Caller, temperature: float, cache: Cache | None = None) -> None:
        self.total = Spent()
        self._caller = caller
        self._parameters = {"temperature": temperature}
        self._cache = cache if caller.cached else None

    @property
    def name(self) -> str:
        """``provider:model``."""
        return self._caller.model.name

    @property
    def spent(self) -> Spent:
        """What was paid for now: calls, attempts of retried calls included, tokens and cost."""
        return self._caller.spent

    def ask(self, system: str, text: str, *, sample: int = 0) -> str:
        """See :class:`~promptvc.training.scoring.Optimizer`; works inside a running event loop too.

        Raises:
            ProviderError: after the last retry.
            OverBudget: the budget has no room for the call.
            Interrupted: Ctrl-C; earlier answers are in the cache.
        """
        messages = (ChatMessage("system", system), ChatMessage("user", text))
        try:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                completion = self._run(messages, sample)
            else:
                with ThreadPoolExecutor(1, thread_name_prefix="promptvc-optimizer") as pool:
                    completion = pool.submit(self._run, messages, sample).result()
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted while {self.name} was asked for edits; finished calls are kept",
                hint="run the same command again to go on" if self._cache is not None else None,
            ) from None
        self.total.calls += 1
        self.total.answer(replace(completion, cached=False))
        return completion.text

    def _run(self, messages: Sequence[ChatMessage], sample: int) -> Completion:
        with asyncio.Runner() as runner:
            return runner.run(self._answer(messages, sample))

    async def _answer(self, messages: Sequence[ChatMessage], sample: int) -> Completion:
        writer = Writer(self._cache) if self._cache is not None else None
        try:
            return await self._caller.complete(messages, self._parameters, repeat=sample, writer=writer)
        finally:
            if writer is not None:
                writer.close()
            await self._caller.model.close()
