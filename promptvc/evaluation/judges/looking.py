"""A bench that looks up what is known and asks nobody: it guesses what the calls would take instead.

Graders are used as they are, so that an estimate counts the very questions that a run would ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from promptvc.base.errors import Unfinished
from promptvc.evaluation.judges.bench import BenchOptions, ModelBench
from promptvc.evaluation.running.caller import Caller
from promptvc.evaluation.running.guess import Guess
from promptvc.evaluation.running.tasks import Task
from promptvc.models.embeddings import LOCAL
from promptvc.models.messages import Completion

UNASKED = "not asked: this is an estimate"
_PRETENDED = "what a judge would say to this, in a sentence of the usual length, number "


class Unasked(Unfinished):
    """Only a call could tell."""

    def __init__(self) -> None:
        super().__init__(UNASKED)


class LookingBench(ModelBench):
    """Answers from the cache, and raises :class:`Unasked` for all others.

    Nothing that it does waits, so its coroutines run to their end without an event loop. Similarities that are known
    are 0: no call depends on them.

    Attributes:
        guess: of the calls that would be made, each question once.
    """

    def __init__(self, options: BenchOptions) -> None:
        super().__init__(options)
        self.guess = Guess()
        self._counted: set[bytes] = set()
        self._pretended = 0

    async def ask(
        self, prompt: str, variables: Mapping[str, Any], *, model: str | None = None, sample: int = 0
    ) -> Mapping[str, Any]:
        """As a bench does; where further questions follow from an unknown answer, one that stands for it."""
        try:
            return await super().ask(prompt, variables, model=model, sample=sample)
        except Unasked:
            if prompt == "g-eval-steps":
                return {"steps": [_PRETENDED] * 4}
            if prompt == "answer-relevance":
                self._pretended += 1
                return {"question": f"{_PRETENDED}{self._pretended}"}
            raise

    async def similarities(
        self, text: str, others: Sequence[str], *, model: str | None = None
    ) -> list[float]:
        """0 for each text."""
        name = self.embeddings_name(model)
        unknown = any(other.startswith(_PRETENDED) for other in others)
        if name not in LOCAL:
            for each in (text, *others):
                try:
                    await self._vector(self._embedder(name), each)
                except Unasked:
                    unknown = True
        if unknown:
            raise Unasked
        return [0.0] * len(others)

    async def run_code(self, code: str, output: str, context: Mapping[str, Any]) -> Any:
        """Never: what code does is not known before it runs."""
        del code, output, context
        raise Unasked

    async def _answer(
        self, caller: Caller, task: Task, usable: Callable[[Completion], bool] | None = None
    ) -> Completion:
        key = caller.key(task.messages, task.parameters, task.repeat)
        known = caller.known(key, usable)
        if known is not None:
            return known
        if key not in self._counted:
            self._counted.add(key)
            answered = 0.0 if caller in self._embedders.values() else None
            price = self.options.prices.get(caller.model.name)
            self.guess.call(task.messages, task.parameters, price, answered)
        raise Unasked
