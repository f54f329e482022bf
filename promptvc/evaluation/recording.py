"""From what an evaluation found to the evidence that is kept of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from promptvc.evaluation.cases.suite import Suite
from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.reports.report import Report
from promptvc.evidence.records import ComparisonRecord, RunRecord, Totals, VersionRef
from promptvc.evidence.runs import CaseResult, evident
from promptvc.evidence.values import MEAN


@dataclass(frozen=True, slots=True)
class Facts:
    """What a record says besides its numbers.

    Attributes:
        id: ULID of the record.
        suite: digest of the suite.
        model: spec, or several with commas between them.
        holdout, look, approach, training: of a training's look at its hold-out; None for an evaluation by hand.
        reducer, judge, datasets, quarantined, clusters: see :class:`~promptvc.evidence.runs.RunRecord`.
    """

    id: str
    prompt: str
    candidate: VersionRef
    suite: str
    model: str
    started: datetime
    ended: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeats: int = 1
    seed: int | None = None
    holdout: str | None = None
    look: int | None = None
    approach: str | None = None
    training: str | None = None
    reducer: str = MEAN
    judge: str | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    quarantined: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, report: Report, identifier: str, suite: Suite, parameters: Mapping[str, Any]) -> Facts:
        """The facts of an evaluation by hand."""
        side = report.candidate
        return cls(
            id=identifier,
            prompt=report.name,
            candidate=VersionRef(side.version, side.digest),
            suite=report.suite,
            model=side.model,
            started=report.started,
            ended=report.ended,
            parameters=parameters,
            repeats=report.repeats,
            reducer=report.reducer,
            judge=(report.judging.digest if report.judging is not None else None) or None,
            datasets={one.path: one.digest for one in suite.datasets},
            quarantined=tuple(report.quarantined),
            clusters={score.case: score.cluster for score in side.scores if score.cluster is not None},
        )


def record_of(facts: Facts, report: Report) -> RunRecord | ComparisonRecord:
    """The record of an evaluation by hand: of the comparison where there is one, else of the run."""
    base = report.baseline
    if report.comparison is None or base is None:
        return run_record(facts, report.candidate.results, report.totals)
    return comparison_record(facts, VersionRef(base.version, base.digest), report.comparison)


class _Evident(Collection[CaseResult]):
    """The results of a run as evidence has them, read anew each time: a hundred thousand are not held in memory."""

    def __init__(self, results: Collection[CaseResult], cases: int) -> None:
        self._results = results
        self._cases = cases

    def __iter__(self) -> Iterator[CaseResult]:
        return evident(self._results, self._cases)

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, result: object) -> bool:
        return any(each == result for each in self)


def run_record(facts: Facts, results: Collection[CaseResult], totals: Totals) -> RunRecord:
    """The record of a run without a baseline; it reads ``results``, as evidence has them, whenever it is written."""
    return RunRecord(
        id=facts.id,
        prompt=facts.prompt,
        version=facts.candidate.version,
        digest=facts.candidate.digest,
        suite=facts.suite,
        model=facts.model,
        started=facts.started,
        ended=facts.ended,
        cases=_Evident(results, totals.cases),
        totals=totals,
        parameters=facts.parameters,
        repeats=facts.repeats,
        seed=facts.seed,
        reducer=facts.reducer,
        judge=facts.judge,
        datasets=facts.datasets,
        quarantined=facts.quarantined,
        clusters=facts.clusters,
    )


def comparison_record(facts: Facts, baseline: VersionRef, comparison: Comparison) -> ComparisonRecord:
    """The record of a comparison with ``baseline``."""
    return ComparisonRecord(
        id=facts.id,
        time=facts.ended,
        prompt=facts.prompt,
        candidate=facts.candidate,
        baseline=baseline,
        suite=facts.suite,
        model=facts.model,
        verdict=comparison.verdict,
        recommendation=comparison.recommendation,
        score=comparison.score,
        p=comparison.p,
        alpha=comparison.alpha,
        pairs=comparison.pairs,
        guards=comparison.guards,
        fixed=comparison.fixed,
        broken=comparison.broken,
        removed=comparison.removed,
        holdout=facts.holdout,
        look=facts.look,
        provisional=comparison.provisional,
        approach=facts.approach,
        training=facts.training,
        reason=comparison.reason,
        took=comparison.took,
        parameters=facts.parameters,
        repeats=facts.repeats,
        seed=facts.seed,
        reducer=facts.reducer,
        judge=facts.judge,
        datasets=facts.datasets,
        quarantined=facts.quarantined,
        clusters=facts.clusters,
    )
