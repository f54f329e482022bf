"""The bench: asks judges, embeddings and code for the graders, through the run's cache and within its budget.

Its calls are accounted for apart from the answers. A judge's answer that cannot be read is asked for once more, as
another sample, because the unusable one is in the cache by then; after that the grade is an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from promptvc.base.config import Price
from promptvc.base.errors import ProviderError, Refused
from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.sandbox import Sandbox
from promptvc.evaluation.judges.parse import read
from promptvc.evaluation.judges.prompts import JudgePrompt, judge_prompt
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.caller import Caller
from promptvc.evaluation.running.spent import Spent
from promptvc.evaluation.running.writer import Writer
from promptvc.models.embeddings import LEXICAL, Embedder, similarity
from promptvc.models.messages import ChatMessage, ImmediateModel, Model

_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What a bench works with.

    Attributes:
        judge: the model that judges, None where there is none.
        embeddings: the embedding model, or ``lexical``.
        open_model, open_embeddings: by ``provider:name``.
        prompts: judge prompts of the repository, by name, instead of promptvc's own.
        prices: by model, for what a call is expected to cost.
        cache, since, budget: as in :class:`~promptvc.evaluation.running.tasks.RunOptions`.
        code: runs code of the suite; None where that is not allowed.
    """

    open_model: Callable[[str], Model]
    open_embeddings: Callable[[str], Embedder]
    budget: Budget
    judge: str | None = None
    embeddings: str = LEXICAL
    prompts: Mapping[str, JudgePrompt] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    cache: Cache | None = None
    since: datetime | None = None
    code: Sandbox | None = None


class ModelBench:
    """A :class:`~promptvc.evaluation.assertions.assertion.Bench` that asks models.

    Used on one event loop after another; :meth:`rest` before a loop ends, :meth:`close` in the end.

    Attributes:
        prompts: the judge prompts that were asked with, by name.
    """

    def __init__(self, options: BenchOptions) -> None:
        self.prompts: dict[str, JudgePrompt] = {}
        self._options = options
        self._callers: dict[str, Caller] = {}
        self._embedders: dict[str, Caller] = {}
        self._writer: Writer | None = None

    @property
    def spent(self) -> Spent:
        """What judging took so far."""
        total = Spent()
        for caller in (*self._callers.values(), *self._embedders.values()):
            total.add(caller.spent)
        return total

    @property
    def digest(self) -> str:
        """SHA-256 of the judge and of the prompts that were asked with, as hex; "" when none was."""
        if not self.prompts and not self._embedders:
            return ""
        asked = {name: prompt.digest for name, prompt in self.prompts.items()}
        models = sorted({*self._callers, *self._embedders})
        return hashlib.sha256(canonical_json({"models": models, "prompts": asked})).hexdigest()

    @property
    def versions(self) -> Mapping[str, int]:
        """By name, the version of each judge prompt that was asked with."""
        return {name: found.prompt.version for name, found in sorted(self.prompts.items())}

    def prompt_digest(self, name: str) -> str:
        """The digest of the judge prompt that is asked with: of the repository's own, else of promptvc's."""
        return (self._options.prompts.get(name) or judge_prompt(name)).digest

    def judge_name(self, model: str | None = None) -> str | None:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        return model or self._options.judge

    def embeddings_name(self, model: str | None = None) -> str:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        return model or self._options.embeddings

    async def ask(
        self, prompt: str, variables: Mapping[str, Any], *, model: str | None = None, sample: int = 0
    ) -> Mapping[str, Any]:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        name = self.judge_name(model)
        if name is None:
            raise ProviderError("no model judges here", hint="name one: --judge provider:model")
        found = self._options.prompts.get(prompt) or judge_prompt(prompt)
        self.prompts[prompt] = found
        caller = self._caller(name)
        messages = found.questions(variables)
        for attempt in range(_ATTEMPTS):
            completion = await caller.complete(
                messages,
                found.prompt.parameters,
                repeat=sample * _ATTEMPTS + attempt,
                writer=self._shared_writer(),
            )
            try:
                return read(found, completion.text)
            except ProviderError:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("the loop returns or raises")

    async def similarities(
        self, text: str, others: Sequence[str], *, model: str | None = None
    ) -> list[float]:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        caller = self._embedder(self.embeddings_name(model))
        first, *rest = [await self._vector(caller, each) for each in (text, *others)]
        return [similarity(first, other) for other in rest]

    async def run_code(self, code: str, output: str, context: Mapping[str, Any]) -> Any:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        if self._options.code is None:
            raise Refused("code of a suite does not run without leave", hint="add --allow-code")
        return await self._options.code.run(code, output, context)

    async def rest(self) -> None:
        """Give back connections and write what is left: the event loop is about to end."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        for caller in (*self._callers.values(), *self._embedders.values()):
            await caller.model.close()

    def close(self) -> None:
        """End the processes that run code."""
        if self._options.code is not None:
            self._options.code.close()

    async def _vector(self, caller: Caller, text: str) -> list[float]:
        asked = (ChatMessage("user", text),)
        if isinstance(caller.model, ImmediateModel):  # counts words here: no call, and no account
            completion = caller.model.answer(asked, {})
        else:
            completion = await caller.complete(asked, {}, repeat=0, writer=self._shared_writer())
        vector: list[float] = json.loads(completion.text)
        return vector

    def _caller(self, name: str) -> Caller:
        found = self._callers.get(name)
        if found is None:
            options = self._options
            found = self._callers[name] = Caller(
                options.open_model(name),
                budget=options.budget,
                cache=options.cache,
                since=options.since,
                price=options.prices.get(name),
            )
        return found

    def _embedder(self, name: str) -> Caller:
        found = self._embedders.get(name)
        if found is None:
            options = self._options
            model = options.open_embeddings(name)
            found = self._embedders[name] = Caller(
                model,
                budget=options.budget,
                cache=options.cache,
                since=options.since,
                purpose="embeddings ",
            )
        return found

    def _shared_writer(self) -> Writer | None:
        if self._writer is None and self._options.cache is not None:
            self._writer = Writer(self._options.cache)
        return self._writer
