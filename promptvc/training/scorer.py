"""Scores from a real run: a prompt rendered for each case, answered by one model or several, and graded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from promptvc.base.errors import OverBudget
from promptvc.evaluation.grade import grade_outcome, reduce_repeats
from promptvc.evaluation.runner import run
from promptvc.evaluation.suite import Case
from promptvc.evaluation.tasks import RunOptions, RunResult, Task
from promptvc.models.messages import ChatMessage, Model
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer


@dataclass(slots=True)
class Spent:
    """What a scorer used so far; ``cost`` in US dollars and tokens are None once one answer's are unknown."""

    calls: int = 0
    cached: int = 0
    tokens_in: int | None = 0
    tokens_out: int | None = 0
    cost: float | None = 0.0


@dataclass(slots=True)
class ModelScorer:
    """Scores prompts on ``models``: a case's score is the mean over models, each over ``repeats``.

    Attributes:
        options: of every run; its ``max_calls`` bounds all runs together.
        spent: the account.
    """

    models: Sequence[Model]
    options: RunOptions = field(default_factory=RunOptions)
    repeats: int = 1
    spent: Spent = field(default_factory=Spent)

    @property
    def calls_per_case(self) -> int:
        """Repeats times models."""
        return self.repeats * len(self.models)

    def scores(self, prompt: Prompt, cases: Sequence[Case]) -> list[float | None]:
        """See :class:`promptvc.training.task.Scorer`."""
        renderer = Renderer(prompt)
        by_model = [self._on(model, renderer, cases) for model in self.models]
        scores: list[float | None] = []
        for case in cases:
            values = [found.get(case.id) for found in by_model]
            known = [value for value in values if value is not None]
            scores.append(sum(known) / len(known) if len(known) == len(values) else None)
        return scores

    def _on(self, model: Model, renderer: Renderer, cases: Sequence[Case]) -> dict[str, float | None]:
        left = None if self.options.max_calls is None else self.options.max_calls - self.spent.calls
        options = replace(self.options, max_calls=left, total=len(cases) * self.repeats)
        result = run(self._tasks(renderer, cases), model, options)
        self._account(result)
        if result.over_budget:
            raise OverBudget(
                f"the {self.options.max_calls} calls that are allowed are used up", hint="raise --max-calls"
            )
        by_id = {case.id: case for case in cases}
        graded = [grade_outcome(by_id[outcome.case], outcome) for outcome in result.outcomes]
        return {score.case: score.score for score in reduce_repeats(graded)}

    def _tasks(self, renderer: Renderer, cases: Sequence[Case]) -> Iterator[Task]:
        for case in cases:
            messages = tuple(ChatMessage(turn.role, turn.content) for turn in renderer.render(case.vars))
            for repeat in range(self.repeats):
                yield Task(case.id, repeat, messages, renderer.prompt.parameters)

    def _account(self, result: RunResult) -> None:
        spent = self.spent
        spent.calls += result.calls
        spent.cached += result.cached
        for outcome in result.outcomes:
            answer = outcome.completion
            if answer is None or answer.cached:
                continue
            spent.tokens_in = _plus(spent.tokens_in, answer.tokens_in)
            spent.tokens_out = _plus(spent.tokens_out, answer.tokens_out)
            spent.cost = None if spent.cost is None or answer.cost is None else spent.cost + answer.cost


def _plus(total: int | None, more: int | None) -> int | None:
    return None if total is None or more is None else total + more
