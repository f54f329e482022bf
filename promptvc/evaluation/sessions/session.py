"""Asking models: a prompt rendered for each case, answered by one model or several, and graded; with one account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from promptvc.base.config import Price
from promptvc.base.errors import OverBudget, ProviderError, ProviderRefused, Refused, Unfinished
from promptvc.evaluation.assertions.assertion import Answer, Assertion, ComparingGrader, Grade
from promptvc.evaluation.assertions.registry import ASSERTIONS
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.grade import Grading
from promptvc.evaluation.judges.bench import ModelBench
from promptvc.evaluation.reduce import MEAN, CaseScore, Reducer, reduce_repeats
from promptvc.evaluation.running.runner import run
from promptvc.evaluation.running.spent import Spent
from promptvc.evaluation.running.tasks import RunOptions, Task
from promptvc.evaluation.sessions.collector import Again, Collector
from promptvc.evidence.runs import CaseResult
from promptvc.models.messages import ChatMessage, ImmediateModel, Model
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import Renderer

Progress = Callable[[int, int], None]

_FEW_ERRORS = 10
_ERRORS_SHARE = 0.02


@dataclass(slots=True)
class Session:
    """Runs prompts on ``models``, each case ``repeats`` times on each.

    Attributes:
        options: of every run; its budget bounds all runs of the session together.
        reducer: makes one score of a case's repeats.
        bench: grades what the answer alone does not decide; None where no case asks for that.
        judging: the bench, there also where no case asks for it.
        prices: by model, for what a call is expected to cost.
        spent: on answers; the bench has its own account.
        warnings: what the cache had to say, each once.
    """

    models: Sequence[Model]
    options: RunOptions = field(default_factory=RunOptions)
    repeats: int = 1
    reducer: Reducer = MEAN
    bench: ModelBench | None = None
    judging: ModelBench | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)
    warnings: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Close the completion cache, and end the processes that run code."""
        for bench in (self.bench, self.judging):
            if bench is not None:
                bench.close()
        if self.options.cache is not None:
            self.options.cache.close()

    @property
    def calls_per_case(self) -> int:
        """Repeats times models."""
        return self.repeats * len(self.models)

    def collect(
        self, prompt: Prompt, cases: Sequence[Case], model: Model, progress: Progress | None = None
    ) -> Collector:
        """Every case answered by ``model`` and graded; comparing assertions are still to be settled.

        Raises:
            OverBudget: the budget of the session is used up; what was paid for is in the cache.
            ProviderError, Interrupted: see :func:`promptvc.evaluation.running.runner.run`.
        """
        collector = Collector(cases, self.repeats, reducer=self.reducer, bench=self.bench)
        self._run(prompt, cases, model, collector, _counted(progress))
        self._again(prompt, cases, model, collector)
        return collector

    def scores(
        self,
        prompt: Prompt,
        cases: Sequence[Case],
        *,
        clusters: Mapping[str, str | None] | None = None,
        progress: Progress | None = None,
        seen: Callable[[CaseResult], None] | None = None,
    ) -> tuple[CaseScore, ...]:
        """One score a case, over repeats and models; ``clusters`` by case id for those that have none.

        The answers of a second model count on as further repeats. ``seen`` is called with each result that counts.

        Raises:
            As :meth:`collect`.
        """
        total = len(cases) * self.calls_per_case
        results = []
        for position, model in enumerate(self.models):
            collector = Collector(cases, self.repeats, bench=self.bench)
            before = position * len(cases) * self.repeats
            self._run(prompt, cases, model, collector, _counted(progress, before, total))
            self._again(prompt, cases, model, collector)
            self.settle([collector])
            first = position * self.repeats
            for one in collector.results:
                results.append(replace(one, repeat=first + one.repeat))
                if seen is not None:
                    seen(results[-1])
            collector.results.close()
        own = {case.id: case.cluster for case in cases}
        return reduce_repeats(results, own | dict(clusters or {}), self.reducer)

    def settle(self, sides: Sequence[Collector]) -> None:
        """Grade what compares the answers of all sides to a case.

        Raises:
            OverBudget, ProviderRefused: from the bench.
        """
        waiting = sorted({index for side in sides for index in side.held})
        if not waiting:
            return
        assert self.bench is not None
        with asyncio.Runner() as runner:
            runner.run(_compare(sides, waiting, self.bench, self.options.concurrency))

    def _run(
        self,
        prompt: Prompt,
        cases: Sequence[Case],
        model: Model,
        collector: Collector,
        progress: Callable[[int, int | None, int], None] | None,
    ) -> None:
        options = replace(
            self.options,
            price=self.prices.get(model.name),
            total=len(cases) * self.repeats,
            progress=progress or self.options.progress,
            taker=collector,
        )
        result = run(self._tasks(Renderer(prompt), cases), model, options)
        self.spent.add(result.spent)
        if result.warning is not None and result.warning not in self.warnings:
            self.warnings.append(result.warning)
        if result.exhausted is not None:
            failed = f"; {result.errors} failed" if result.errors else ""
            if collector.error is not None:
                failed += f", the first: {collector.error}"
            raise OverBudget(f"{result.exhausted}{failed}", hint="raise the bound, or ask fewer cases")

    def _again(self, prompt: Prompt, cases: Sequence[Case], model: Model, collector: Collector) -> None:
        """Ask once more for the few results that are errored: an errored pair can leave a comparison without a verdict.

        Many of them are no accident, and asking again would only cost.
        """
        indices = sorted(collector.errored)
        if not indices or isinstance(model, ImmediateModel):
            return
        total = len(cases) * self.repeats
        if len(indices) > max(_FEW_ERRORS, total * _ERRORS_SHARE) or len(indices) * 2 > total:
            return
        renderer = Renderer(prompt)
        chosen = [(cases[index // self.repeats], index % self.repeats) for index in indices]
        tasks = [
            Task(
                case.id,
                repeat,
                tuple(ChatMessage(turn.role, turn.content) for turn in renderer.render(case.vars)),
                prompt.parameters,
                case,
            )
            for case, repeat in chosen
        ]
        options = replace(
            self.options, price=self.prices.get(model.name), taker=Again(collector, indices), progress=None
        )
        # What fails again stays errored, whatever the reason: the first run went to its end.
        with suppress(ProviderError):
            self.spent.add(run(tasks, model, options).spent)

    def _tasks(self, renderer: Renderer, cases: Sequence[Case]) -> Iterator[Task]:
        parameters = renderer.prompt.parameters
        for case in cases:
            messages = tuple(ChatMessage(turn.role, turn.content) for turn in renderer.render(case.vars))
            for repeat in range(self.repeats):
                yield Task(case.id, repeat, messages, parameters, case)


async def _compare(
    sides: Sequence[Collector], waiting: Sequence[int], bench: ModelBench, concurrency: int
) -> None:
    """One after the other in so many workers; after an end nothing more is asked, and what is under way is kept."""
    indices = iter(waiting)
    ended: list[Unfinished] = []

    async def work() -> None:
        for index in indices:
            if ended:
                return
            there = [side for side in sides if index in side.held]
            try:
                await _compare_one([side.held[index] for side in there], bench)
            except (OverBudget, ProviderRefused) as error:
                ended.append(error)
                return
            for side in there:
                side.settle(index)

    try:
        await asyncio.gather(*(work() for _ in range(concurrency)))
    finally:
        await bench.rest()
    if ended:
        raise ended[0]


async def _compare_one(gradings: Sequence[Grading], bench: ModelBench) -> None:
    answers = [grading.answer for grading in gradings if grading.answer is not None]
    scores = [grading.score_so_far for grading in gradings]
    for number, assertion in gradings[0].comparing():
        grader = ASSERTIONS[assertion.base]
        assert isinstance(grader, ComparingGrader)
        for grading, grade in zip(
            gradings, await _graded(grader, answers, scores, assertion, bench), strict=True
        ):
            grading.compared(number, grade)


async def _graded(
    grader: ComparingGrader,
    answers: Sequence[Answer],
    scores: Sequence[float],
    assertion: Assertion,
    bench: ModelBench,
) -> Sequence[Grade]:
    try:
        return await grader.compare(answers, scores, assertion, bench)
    except (OverBudget, ProviderRefused):
        raise
    except (Unfinished, Refused) as error:
        return [Grade.failed(error.message)] * len(answers)


def _counted(
    progress: Progress | None, before: int = 0, total: int | None = None
) -> Callable[[int, int | None, int], None] | None:
    if progress is None:
        return None
    return lambda done, of, _errors: progress(before + done, total or of or 0)
