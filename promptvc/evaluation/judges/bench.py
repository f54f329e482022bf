"""The bench: asks judges, embeddings and code for the graders, through the run's cache and within its budget.

Its calls are accounted for apart from the answers. A judge's answer that cannot be read is asked for once more, as
another sample; after that the grade is an error, and so is every grade of this run that asks just this. A later run
asks again: an answer in the cache that cannot be read counts as none. Many questions in a row that one model does not
answer end the run, for it is down, and each answer under test that is asked for meanwhile is spent in vain.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from promptvc.base.config import Price
from promptvc.base.errors import ProviderError, ProviderRefused, Refused
from promptvc.evaluation.assertions.sandbox import Sandbox
from promptvc.evaluation.judges.parse import read
from promptvc.evaluation.judges.prompts import JudgePrompt, judge_prompt
from promptvc.evaluation.running.budget import Budget
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.caller import Caller
from promptvc.evaluation.running.spent import Spent
from promptvc.evaluation.running.tasks import Task
from promptvc.evaluation.running.writer import Writer
from promptvc.models.embeddings import LEXICAL, Embedder, similarity
from promptvc.models.messages import ChatMessage, Completion, ImmediateModel, Model

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
        give_up_after: end the run when so many questions in a row to one model got no usable answer.
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
    give_up_after: int = 50
    code: Sandbox | None = None


class ModelBench:
    """A :class:`~promptvc.evaluation.assertions.assertion.Bench` that asks models.

    Used on one event loop after another; :meth:`rest` before a loop ends, :meth:`close` in the end.

    Attributes:
        prompts: the judge prompts that were asked with, by name.
        options: what it works with.
    """

    def __init__(self, options: BenchOptions) -> None:
        self.prompts: dict[str, JudgePrompt] = {}
        self.options = options
        self._callers: dict[str, Caller] = {}
        self._embedders: dict[str, Caller] = {}
        self._writer: Writer | None = None
        self._unreadable: dict[bytes, ProviderError] = {}
        self._failed_in_a_row: Counter[str] = Counter()

    @property
    def spent(self) -> Spent:
        """What judging took so far."""
        total = Spent()
        for caller in (*self._callers.values(), *self._embedders.values()):
            total.add(caller.spent)
        return total

    @property
    def versions(self) -> Mapping[str, int]:
        """By name, the version of each judge prompt that was asked with."""
        return {name: found.prompt.version for name, found in sorted(self.prompts.items())}

    def prompt_digest(self, name: str) -> str:
        """The digest of the judge prompt that is asked with: of the repository's own, else of promptvc's."""
        return (self.options.prompts.get(name) or judge_prompt(name)).digest

    def judge_name(self, model: str | None = None) -> str | None:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        return model or self.options.judge

    def embeddings_name(self, model: str | None = None) -> str:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        return model or self.options.embeddings

    async def ask(
        self, prompt: str, variables: Mapping[str, Any], *, model: str | None = None, sample: int = 0
    ) -> Mapping[str, Any]:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        name = self.judge_name(model)
        if name is None:
            raise ProviderError("no model judges here", hint="name one: --judge provider:model")
        found = self.options.prompts.get(prompt) or judge_prompt(prompt)
        self.prompts[prompt] = found
        caller = self._caller(name)
        messages = found.questions(variables)
        reading, asked, error = _Reading(found), False, ProviderError("the judge was not asked")
        for attempt in range(_ATTEMPTS):
            task = Task(prompt, sample * _ATTEMPTS + attempt, messages, found.prompt.parameters)
            key = caller.key(task.messages, task.parameters, task.repeat)
            known = self._unreadable.get(key)
            if known is not None:
                error = known
                continue
            completion = await self._answer(caller, task, reading.reads)
            if reading.reads(completion):
                self._answered(caller, completion)
                return reading.verdict
            asked, error = True, reading.error
            self._unreadable[key] = error
        if asked:
            self._failed(caller, error)
        raise ProviderError(error.message, hint=error.hint)

    async def similarities(
        self, text: str, others: Sequence[str], *, model: str | None = None
    ) -> list[float]:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        caller = self._embedder(self.embeddings_name(model))
        first, *rest = [await self._vector(caller, each) for each in (text, *others)]
        return [similarity(first, other) for other in rest]

    async def run_code(self, code: str, output: str, context: Mapping[str, Any]) -> Any:
        """See :class:`~promptvc.evaluation.assertions.assertion.Bench`."""
        if self.options.code is None:
            raise Refused("code of a suite does not run without leave", hint="add --allow-code")
        return await self.options.code.run(code, output, context)

    async def rest(self) -> None:
        """Give back connections and write what is left: the event loop is about to end."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        for caller in (*self._callers.values(), *self._embedders.values()):
            await caller.model.close()

    def close(self) -> None:
        """End the processes that run code."""
        if self.options.code is not None:
            self.options.code.close()

    async def _vector(self, caller: Caller, text: str) -> list[float]:
        asked = (ChatMessage("user", text),)
        if isinstance(caller.model, ImmediateModel):  # counts words here: no call, and no account
            completion = caller.model.answer(asked, {})
        else:
            completion = await self._answer(caller, Task("", 0, asked, {}))
            self._answered(caller, completion)
        vector: list[float] = json.loads(completion.text)
        return vector

    async def _answer(
        self, caller: Caller, task: Task, usable: Callable[[Completion], bool] | None = None
    ) -> Completion:
        """From the cache where that has a ``usable`` one, or by a call."""
        try:
            return await caller.complete(
                task.messages,
                task.parameters,
                repeat=task.repeat,
                writer=self._shared_writer(),
                usable=usable,
            )
        except ProviderRefused:
            raise
        except ProviderError as error:
            self._failed(caller, error)
            raise

    def _answered(self, caller: Caller, completion: Completion) -> None:
        """A usable answer: the model works, unless the answer is an old one."""
        if not completion.cached:
            self._failed_in_a_row[caller.model.name] = 0

    def _failed(self, caller: Caller, error: ProviderError) -> None:
        """One question more without a usable answer.

        Raises:
            ProviderRefused: there were too many in a row.
        """
        name = caller.model.name
        self._failed_in_a_row[name] += 1
        failed = self._failed_in_a_row[name]
        if failed >= self.options.give_up_after:
            raise ProviderRefused(
                f"{name} did not answer {failed} questions in a row; the last: {error.message}",
                hint=error.hint,
            ) from None

    def _caller(self, name: str) -> Caller:
        found = self._callers.get(name)
        if found is None:
            options = self.options
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
            options = self.options
            model = options.open_embeddings(name)
            found = self._embedders[name] = Caller(
                model,
                budget=options.budget,
                cache=options.cache,
                since=options.since,
                price=options.prices.get(name),
                purpose="embeddings ",
            )
        return found

    def _shared_writer(self) -> Writer | None:
        if self._writer is None and self.options.cache is not None:
            self._writer = Writer(self.options.cache)
        return self._writer


class _Reading:
    """Reads what a judge says to one prompt: each answer once, though two ask whether it can be read.

    Attributes:
        verdict: of the answer that was read last.
        error: why it could not be read.
    """

    def __init__(self, prompt: JudgePrompt) -> None:
        self.verdict: Mapping[str, Any] = {}
        self.error = ProviderError("no answer")
        self._prompt = prompt
        self._text: str | None = None
        self._usable = False

    def reads(self, completion: Completion) -> bool:
        """Whether an answer can be read."""
        if completion.text != self._text:
            self._text = completion.text
            try:
                self.verdict, self._usable = read(self._prompt, completion.text), True
            except ProviderError as error:
                self.error, self._usable = error, False
        return self._usable
