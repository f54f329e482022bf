"""Answers become results as they come: graded, kept aside, added up, and brought together case by case."""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Sequence

from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.grade import Grading
from promptvc.evaluation.judges.bench import ModelBench
from promptvc.evaluation.reduce import MEAN, CaseScore, Reducer, reduce_case
from promptvc.evaluation.running.results import Results
from promptvc.evaluation.running.tasks import Outcome, Task
from promptvc.evaluation.totals import Tally


class Collector:
    """Takes the outcomes of one version on one model; task number ``case position * repeats + repeat``.

    Attributes:
        results: kept aside, by case and repeat.
        error: the first reason why there was no answer.
        errored: task numbers whose result has no score.
        held: gradings that wait for the other answers to their case, by task number.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        repeats: int,
        *,
        reducer: Reducer = MEAN,
        bench: ModelBench | None = None,
    ) -> None:
        self.results = Results(len(cases), repeats)
        self.tally = Tally()
        self.error: str | None = None
        self.held: dict[int, Grading] = {}
        self._repeats = repeats
        self._reducer = reducer
        self._bench = bench
        self.errored: set[int] = set()
        self._come = array("i", [0]) * len(cases)
        self._scores: list[CaseScore | None] = [None] * len(cases)

    @property
    def waits(self) -> bool:
        """Whether an answer may have to be judged; see :class:`~promptvc.evaluation.running.tasks.Taker`."""
        return self._bench is not None

    def take(self, index: int, task: Task, outcome: Outcome) -> Awaitable[None] | None:
        """Grade one outcome; gives back what is to be awaited where grading takes calls."""
        assert task.subject is not None
        grading = Grading(task.subject, outcome)
        if grading.waits and self._bench is not None:
            return self._judged(index, grading, self._bench)
        self._graded(index, grading)
        return None

    async def close(self) -> None:
        """End of the loop: give back the connections of judges."""
        if self._bench is not None:
            await self._bench.rest()

    def settle(self, index: int) -> None:
        """A held grading has all its grades."""
        self._finish(index, self.held.pop(index))

    @property
    def scores(self) -> tuple[CaseScore, ...]:
        """One score a case, in the order of the cases; those that were not reached are missing."""
        return tuple(score for score in self._scores if score is not None)

    async def _judged(self, index: int, grading: Grading, bench: ModelBench) -> None:
        await grading.judge(bench)
        self._graded(index, grading)

    def _graded(self, index: int, grading: Grading) -> None:
        if grading.compares:
            self.held[index] = grading
        else:
            self._finish(index, grading)

    def _finish(self, index: int, grading: Grading) -> None:
        position, repeat = divmod(index, self._repeats)
        result = grading.result()
        self.results.put(position, repeat, result)
        if result.score is None:
            self.errored.add(index)
            if self.error is None and result.output_digest is None:
                self.error = result.error
        else:
            self.errored.discard(index)
        self.tally.add(result)
        repeats = [result]
        if self._repeats > 1:
            self._come[position] += 1
            if self._come[position] < self._repeats:
                return
            repeats = list(self.results.of(position))
        self._scores[position] = reduce_case(repeats, grading.case.cluster, self._reducer)


class Again:
    """Takes the outcomes of tasks that are tried once more, in the place of those that failed."""

    def __init__(self, collector: Collector, indices: Sequence[int]) -> None:
        self._collector = collector
        self._indices = indices

    @property
    def waits(self) -> bool:
        """See :class:`Collector`."""
        return self._collector.waits

    def take(self, index: int, task: Task, outcome: Outcome) -> Awaitable[None] | None:
        """See :class:`Collector`."""
        return self._collector.take(self._indices[index], task, outcome)

    async def close(self) -> None:
        """See :class:`Collector`."""
        await self._collector.close()
