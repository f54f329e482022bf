"""Two contenders on the cases that both have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptvc.base.paired import PairedTest, paired_test
from promptvc.training.outcome import Tried
from promptvc.training.search.contender import Contender
from promptvc.training.search.race import Ended
from promptvc.training.task import TrainingTask

_TWO_SIDED = 0.025
"""The level of each side of an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Pair:
    """``one`` against ``other``; cases of one group count together."""

    task: TrainingTask
    one: Contender
    other: Contender

    @property
    def positions(self) -> list[int]:
        """Of the cases that both have answered, in order."""
        return self.one.common(self.other)

    @property
    def gain(self) -> float:
        """The mean of ``one`` minus that of ``other``; 0 without a case."""
        both = self.positions
        return self.one.mean(both) - self.other.mean(both)

    def chance(self) -> float:
        """One-sided: how likely such a gain is where there is none."""
        return self._test(_TWO_SIDED).p_greater if self.positions else 1.0

    def interval(self, alpha: float = _TWO_SIDED) -> tuple[float | None, float | None]:
        """Of the mean difference, at ``alpha`` on each side; None, None with fewer than two cases."""
        if len(self.positions) < 2:
            return None, None
        test = self._test(alpha)
        return test.low, test.high

    def _test(self, alpha: float) -> PairedTest:
        both = self.positions
        differences = [self.one.score(at) - self.other.score(at) for at in both]
        return paired_test(differences, clusters=[self.task.cases[at].group for at in both], alpha=alpha)


def row(pair: Pair, baseline: Contender, ended: Ended, number: int) -> Tried:
    """What a record tells of ``pair.one``, which was raced against ``pair.other`` in round ``number``."""
    one, both = pair.one, pair.positions
    low, high = pair.interval()
    return Tried(
        name=one.variant.name,
        score=one.mean(both),
        parent=pair.other.mean(both),
        baseline=baseline.mean([at for at in both if at in baseline.answers]),
        cases=len(both),
        examples=one.examples,
        approach=one.approach,
        round=number,
        low=low,
        high=high,
        rules=one.rules,
        length=one.length,
        tokens=_average([one.answers[at].tokens for at in both]),
        cost=_average([one.answers[at].cost for at in both]),
        latency_ms=_average([one.answers[at].latency_ms for at in both]),
        blocks=one.blocks,
        ended=ended.how,
        reason=ended.reason,
        calls=one.calls,
    )


def _average(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
