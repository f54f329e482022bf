"""The race: variants of a prompt on training cases, each judged only where it did not learn.

Cases are split into folds by their group. For each fold every variant is fitted on the other folds and scored on
this one, next to the baseline on the same cases (cross-fitting: Stone 1974, Cross-validatory choice and assessment of
statistical predictions). A variant that is clearly behind the leader after two folds or more, two standard errors of
the paired difference, is asked no further. So a gain that is only memory, or noise, does not show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from promptvc.base.paired import paired_test
from promptvc.training.approach import Variant
from promptvc.training.data.items import stable_share
from promptvc.training.task import Scorer, TrainingTask, Tried

FOLDS = 5
BEHIND = 2.0
EQUAL = 0.005
"""Variants this close to the best one are as good; the one with the fewest examples is taken."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline's scores on the cases that take part, by position in the task."""

    scores: dict[int, float]

    @property
    def mean(self) -> float:
        """Over the cases."""
        return math.fsum(self.scores.values()) / len(self.scores)


@dataclass(frozen=True, slots=True)
class Race:
    """How a race ended.

    Attributes:
        winner: the variant that leaves.
        baseline, candidate: means over the winner's cases.
        p: one-sided, paired, by group: the chance of such a gain where there is none, for one variant.
        calls: what the race took.
    """

    winner: Variant
    baseline: float
    candidate: float
    p: float
    cases: int
    calls: int
    tried: tuple[Tried, ...]


class _Runner:
    """One variant while it runs."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.scores: dict[int, float] = {}
        self.examples: list[int] = []

    @property
    def mean(self) -> float:
        return math.fsum(self.scores.values()) / len(self.scores) if self.scores else 0.0


def folds_of(task: TrainingTask, positions: Sequence[int], seed: int) -> list[list[int]]:
    """The positions in folds by their group: the same group, the same fold. Folds without cases are left out."""
    folds: list[list[int]] = [[] for _ in range(FOLDS)]
    for at in positions:
        folds[int(stable_share(task.cases[at].group, f"fold {seed}") * FOLDS)].append(at)
    return [fold for fold in folds if fold]


def race(
    task: TrainingTask, variants: Sequence[Variant], baseline: Baseline, scorer: Scorer, *, seed: int
) -> Race | None:
    """Race ``variants``; None when there are fewer than two folds, or no variant could be scored.

    It takes at most one answer a variant and case of the baseline, times ``scorer.calls_per_case``.
    """
    folds = folds_of(task, sorted(baseline.scores), seed)
    if len(folds) < 2 or not variants:
        return None
    judged = set(baseline.scores)
    runners = [_Runner(variant) for variant in variants]
    running = list(runners)
    calls = 0
    for number, fold in enumerate(folds, 1):
        held = {task.cases[at].group for at in fold}
        learn = [
            at
            for at, case in enumerate(task.cases)
            if case.group not in held and _may_teach(at, judged, task)
        ]
        unchanged: list[float | None] = [baseline.scores[at] for at in fold]
        answered = [(task.prompt, unchanged)]
        for runner in running:
            prompt = runner.variant.fit(learn)
            scores = next((known for other, known in answered if other == prompt), None)
            if scores is None:
                scores = list(scorer.scores(prompt, [task.cases[at].case for at in fold]))
                calls += len(fold) * scorer.calls_per_case
                answered.append((prompt, scores))
            runner.examples.append(len(prompt.examples))
            runner.scores |= {at: score for at, score in zip(fold, scores, strict=True) if score is not None}
        if number >= 2:
            leader = max(running, key=lambda runner: runner.mean)
            running = [runner for runner in running if not _is_behind(runner, leader)]
    best = _best(running)
    return None if best is None else _result(task, best, runners, baseline, calls)


def _may_teach(at: int, judged: set[int], task: TrainingTask) -> bool:
    # A case that was not asked for lack of budget still teaches through its item.
    return at in judged or task.cases[at].item is not None


def _is_behind(runner: _Runner, leader: _Runner) -> bool:
    if runner is leader:
        return False
    both = [at for at in runner.scores if at in leader.scores]
    differences = [runner.scores[at] - leader.scores[at] for at in both]
    n = len(differences)
    if n < 2:
        return False
    mean = math.fsum(differences) / n
    variance = math.fsum((value - mean) ** 2 for value in differences) / (n - 1)
    return mean + BEHIND * math.sqrt(variance / n) < 0


def _best(running: Sequence[_Runner]) -> _Runner | None:
    scored = [runner for runner in running if runner.scores]
    if not scored:
        return None
    highest = max(runner.mean for runner in scored)
    level = [runner for runner in scored if runner.mean >= highest - EQUAL]
    return min(level, key=lambda runner: (sum(runner.examples), -runner.mean))


def _result(
    task: TrainingTask, best: _Runner, runners: Sequence[_Runner], baseline: Baseline, calls: int
) -> Race:
    positions = sorted(best.scores)
    differences = [best.scores[at] - baseline.scores[at] for at in positions]
    test = paired_test(differences, clusters=[task.cases[at].group for at in positions])
    tried = tuple(
        Tried(
            name=runner.variant.name,
            score=runner.mean,
            baseline=_mean(baseline, runner),
            cases=len(runner.scores),
            examples=sum(runner.examples) / len(runner.examples),
            folds=len(runner.examples),
        )
        for runner in runners
    )
    return Race(best.variant, _mean(baseline, best), best.mean, test.p_greater, len(positions), calls, tried)


def _mean(baseline: Baseline, runner: _Runner) -> float:
    return math.fsum(baseline.scores[at] for at in runner.scores) / max(1, len(runner.scores))
