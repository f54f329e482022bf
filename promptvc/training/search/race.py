"""The race: variants and their parent on the same training cases, block by block, until it is clear who leads.

After each block every variant is compared in pairs, by group, with its parent and with the leader. One whose upper
bound is not above the parent, or whose upper bound is below the leader, is asked no further; bounds are at 0.05 shared
by all variants and blocks of the race (Bonferroni; paired races: Moore & Lee 1994, Efficient algorithms for minimizing
cross validation error). A pool that is larger than wanted is also halved at each rung, after 1, 2, 4 ... blocks
(Jamieson & Talwalkar 2016, Non-stochastic best arm identification). When half of the blocks are through, those that
show no gain are let go (futility), and the race ends when its leader is clearly better than the parent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from promptvc.training.search.account import Exhausted
from promptvc.training.search.blocks import Block
from promptvc.training.search.contender import Ask, Contender
from promptvc.training.task import TrainingTask

LEVEL = 0.05
EQUAL = 0.005
"""Variants this close to the best one are as good; the shortest is taken."""

FEWEST_PAIRS = 10

FEWEST_IN_A_RUNG = 30
"""With fewer pairs a pool is not halved: one case more or less would decide."""

_FIRST_CHECK = 2


@dataclass(frozen=True, slots=True)
class Gap:
    """The mean of paired differences, one minus other, with bounds at the level of a race; None with too few pairs."""

    mean: float
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How the race was over for one: ``won``, ``behind``, ``equal`` or ``stopped``, and what there is to say."""

    how: str
    reason: str = ""


class Race:
    """One race under way.

    Attributes:
        ended: how it was over, by position of the variant.
        raced: how many blocks were asked.
    """

    def __init__(
        self,
        task: TrainingTask,
        blocks: Sequence[Block],
        parent: Contender,
        field: Sequence[Contender],
        wanted: int,
    ) -> None:
        self.ended: dict[int, Ended] = {}
        self.raced = 0
        self._task = task
        self._blocks = blocks
        self._parent = parent
        self._field = field
        self._wanted = wanted
        # All comparisons that could decide: with the parent and with the leader, both ways.
        comparisons = max(1, len(field)) * len(blocks) * 2
        self._z = -NormalDist().inv_cdf(LEVEL / comparisons)

    def run(self, ask: Ask, spent: Callable[[], int], most: int | None = None) -> None:
        """Race over at most ``most`` blocks.

        Args:
            spent: how many calls the training has asked for.

        Raises:
            Exhausted: a bound was reached; whole blocks count, and those still running are ``stopped``.
            ProviderError, OverBudget, Interrupted: from ``ask``.
        """
        for block in self._blocks[:most]:
            running = self._running
            if not running:
                break
            try:
                self._ask(block, running, ask)
            except Exhausted:
                self.stop(spent())
                raise
            self.raced += 1
            for at in running:
                self._field[at].blocks += 1
            self._let_go()
            for at in running:
                self._field[at].calls = spent()
            if self._is_clear():
                break

    def stop(self, spent: int = 0) -> None:
        """Nothing more can be asked."""
        for at in self._running:
            self.ended[at] = Ended("stopped", "the bounds were reached")
            self._field[at].calls = self._field[at].calls or spent

    def winner(self) -> Contender | None:
        """The best of those that ran to the end; of those as good, the shortest. None when none did."""
        there = [at for at in self._running if self._field[at].answers]
        there += [
            at for at, ended in self.ended.items() if ended.how == "stopped" and self._field[at].answers
        ]
        if not there:
            return None
        gains = {at: self._gain(at) for at in there}
        highest = max(gains.values())
        level = [at for at in there if gains[at] >= highest - EQUAL]
        best = min(level, key=lambda at: (self._field[at].length, -gains[at], at))
        for at in there:
            self.ended[at] = Ended("won") if at == best else Ended("equal" if at in level else "behind")
        return self._field[best]

    @property
    def _running(self) -> list[int]:
        return [at for at in range(len(self._field)) if at not in self.ended]

    def _ask(self, block: Block, running: Sequence[int], ask: Ask) -> None:
        answered: list[Contender] = []
        asked: list[tuple[Contender, list[int]]] = []
        for one in (self._parent, *(self._field[at] for at in running)):
            positions = one.missing(block)
            twin = next((other for other in answered if other.prompt(block) == one.prompt(block)), None)
            answered.append(one)
            if not positions:
                continue
            asked.append((one, positions))
            if twin is not None:
                one.copy(twin, positions)
                continue
            try:
                one.take(positions, ask(one.prompt(block), [self._task.cases[at].case for at in positions]))
            except Exhausted:
                for each, places in asked:
                    each.forget(places)
                raise

    def _let_go(self) -> None:
        if self.raced >= _FIRST_CHECK:
            self._drop_behind()
        if self.raced & (self.raced - 1) == 0:
            self._halve()

    def _drop_behind(self) -> None:
        leader = self._leader()
        if leader is None:
            return
        for at in self._running:
            gap = gap_of(self._field[at], self._parent, self._task, self._z)
            shorter = self._field[at].length < self._parent.length
            if gap.high is not None and gap.high < (-EQUAL if shorter else EQUAL):
                self.ended[at] = Ended("behind", "it gains nothing over what it started from")
                continue
            if self.raced * 2 >= len(self._blocks) and not shorter and self._changes_nothing(at):
                self.ended[at] = Ended("equal", "it changed no answer for better or worse")
                continue
            if self.raced * 2 >= len(self._blocks) and gap.mean < (-EQUAL if shorter else EQUAL):
                self.ended[at] = Ended("behind", "half of the cases show no gain")
                continue
            if at == leader:
                continue
            gap = gap_of(self._field[at], self._field[leader], self._task, self._z)
            if gap.high is not None and gap.high < 0:
                self.ended[at] = Ended("behind", f"{self._field[leader].variant.name} is clearly better")

    def _changes_nothing(self, at: int) -> bool:
        one, parent = self._field[at], self._parent
        return all(one.score(place) == parent.score(place) for place in one.common(parent))

    def _halve(self) -> None:
        """Keep the better half of a pool that is larger than wanted."""
        running = self._running
        pairs = min((len(self._field[at].common(self._parent)) for at in running), default=0)
        if len(running) <= self._wanted or pairs < FEWEST_IN_A_RUNG:
            return
        ranked = sorted(running, key=lambda at: (-self._gain(at), self._field[at].length, at))
        for at in ranked[max(self._wanted, -(-len(running) // 2)) :]:
            self.ended[at] = Ended("behind", "others of a large pool did better")

    def _is_clear(self) -> bool:
        """Whether the leader is better than the parent beyond doubt, and it had time to part from the others."""
        leader = self._leader()
        if leader is None or self.raced * 2 < len(self._blocks):
            return False
        gap = gap_of(self._field[leader], self._parent, self._task, self._z)
        return gap.low is not None and gap.low > 0

    def _leader(self) -> int | None:
        running = self._running
        return (
            max(running, key=lambda at: (self._gain(at), -self._field[at].length, -at)) if running else None
        )

    def _gain(self, at: int) -> float:
        both = self._field[at].common(self._parent)
        return self._field[at].mean(both) - self._parent.mean(both)


def gap_of(one: Contender, other: Contender, task: TrainingTask, z: float) -> Gap:
    """How far ``one`` is ahead of ``other``, with bounds ``z`` standard errors away.

    The error of the mean counts groups, not cases: n differences d in groups with the sums S_g give
    G / (G - 1) * sum of (S_g - n_g * mean)^2 / n^2.
    """
    both = one.common(other)
    n = len(both)
    if n == 0:
        return Gap(0.0, None, None, 0)
    sums: dict[str, list[float]] = {}
    for at in both:
        sums.setdefault(task.cases[at].group, []).append(one.score(at) - other.score(at))
    mean = math.fsum(value for values in sums.values() for value in values) / n
    groups = len(sums)
    if n < FEWEST_PAIRS or groups < 2:
        return Gap(mean, None, None, n)
    spread = math.fsum((math.fsum(values) - len(values) * mean) ** 2 for values in sums.values())
    error = math.sqrt(spread * groups / (groups - 1)) / n
    # Where hardly any pair differs the spread says less than it seems: a rule of three for what was not seen yet.
    reach = max(z * error, 3 / n if error == 0 else 0.0)
    return Gap(mean, mean - reach, mean + reach, n)
