"""Asking models: a prompt rendered for each case, answered by one model or several, and graded; with one account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from promptvc.base.errors import OverBudget
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.grade import CaseScore, grade_outcome, reduce_repeats
from promptvc.evaluation.running.runner import run
from promptvc.evaluation.running.tasks import RunOptions, RunResult, Task
from promptvc.evidence.runs import CaseResult
from promptvc.models.messages import ChatMessage, Model
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer


@dataclass(slots=True)
class Spent:
    """What a session used so far, and how many answers it has, cached ones too.

    ``cost`` in US dollars and tokens are None once one answer's are unknown.
    """

    calls: int = 0
    cached: int = 0
    answered: int = 0
    tokens_in: int | None = 0
    tokens_out: int | None = 0
    cost: float | None = 0.0

    def add(self, result: RunResult) -> None:
        """Account for one run. What the cache answered costs nothing now."""
        self.calls += result.calls
        self.cached += result.cached
        self.answered += len(result.outcomes) - result.errors
        for outcome in result.outcomes:
            answer = outcome.completion
            if answer is None or answer.cached:
                continue
            self.tokens_in = _plus(self.tokens_in, answer.tokens_in)
            self.tokens_out = _plus(self.tokens_out, answer.tokens_out)
            self.cost = None if self.cost is None or answer.cost is None else self.cost + answer.cost


@dataclass(slots=True)
class Session:
    """Runs prompts on ``models``, each case ``repeats`` times on each.

    Attributes:
        options: of every run; its ``max_calls`` bounds all runs of the session together.
        warnings: what the cache had to say, each once.
    """

    models: Sequence[Model]
    options: RunOptions = field(default_factory=RunOptions)
    repeats: int = 1
    spent: Spent = field(default_factory=Spent)
    warnings: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Close the completion cache."""
        if self.options.cache is not None:
            self.options.cache.close()

    @property
    def calls_per_case(self) -> int:
        """Repeats times models."""
        return self.repeats * len(self.models)

    def results(
        self,
        prompt: Prompt,
        cases: Sequence[Case],
        progress: Callable[[int, int], None] | None = None,
    ) -> list[CaseResult]:
        """Every case graded; the answers of a second model count on as further repeats.

        Raises:
            OverBudget: the calls of the session are used up; what was paid for is in the cache.
            ProviderError, Interrupted: see :func:`promptvc.evaluation.running.runner.run`.
        """
        renderer = Renderer(prompt)
        total = len(cases) * self.calls_per_case
        results: list[CaseResult] = []
        for position, model in enumerate(self.models):
            asked = _shifted(progress, position * len(cases) * self.repeats, total)
            results += self._on(model, renderer, cases, position * self.repeats, asked)
        return results

    def scores(
        self,
        prompt: Prompt,
        cases: Sequence[Case],
        *,
        clusters: Mapping[str, str | None] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[CaseScore, ...]:
        """One score a case, the mean over repeats and models; ``clusters`` by case id for those that have none."""
        own = {case.id: case.cluster for case in cases}
        return reduce_repeats(self.results(prompt, cases, progress), own | dict(clusters or {}))

    def _on(
        self,
        model: Model,
        renderer: Renderer,
        cases: Sequence[Case],
        first: int,
        progress: Callable[[int, int | None, int], None] | None,
    ) -> Iterator[CaseResult]:
        left = None if self.options.max_calls is None else self.options.max_calls - self.spent.calls
        options = replace(
            self.options,
            max_calls=left,
            total=len(cases) * self.repeats,
            progress=progress or self.options.progress,
        )
        result = run(self._tasks(renderer, cases), model, options)
        self.spent.add(result)
        if result.warning is not None and result.warning not in self.warnings:
            self.warnings.append(result.warning)
        if result.over_budget:
            reason = next((outcome.error for outcome in result.outcomes if outcome.error), None)
            failed = f"; {result.errors} failed, the first: {reason}" if reason else ""
            raise OverBudget(
                f"the {self.options.max_calls} calls that are allowed are used up{failed}",
                hint="raise --max-calls",
            )
        by_id = {case.id: case for case in cases}
        for outcome in result.outcomes:
            yield grade_outcome(by_id[outcome.case], replace(outcome, repeat=first + outcome.repeat))

    def _tasks(self, renderer: Renderer, cases: Sequence[Case]) -> Iterator[Task]:
        for case in cases:
            messages = tuple(ChatMessage(turn.role, turn.content) for turn in renderer.render(case.vars))
            for repeat in range(self.repeats):
                yield Task(case.id, repeat, messages, renderer.prompt.parameters)


def _shifted(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int | None, int], None] | None:
    if progress is None:
        return None
    return lambda done, _of, _errors: progress(before + done, total)


def _plus(total: int | None, more: int | None) -> int | None:
    return None if total is None or more is None else total + more
