"""From what an evaluation found to the evidence that is kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from promptvc.evaluation.compare import Comparison
from promptvc.evidence.records import ComparisonRecord, RunRecord, Totals, VersionRef
from promptvc.evidence.runs import CaseResult


@dataclass(frozen=True, slots=True)
class Facts:
    """What a record says besides its numbers.

    Attributes:
        id: ULID of the record.
        suite: digest of the suite.
        model: spec, or several with commas between them.
        holdout, look, approach, training: of a training's look at its hold-out; None for an evaluation by hand.
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


def run_record(facts: Facts, results: Sequence[CaseResult], totals: Totals) -> RunRecord:
    """The record of a run without a baseline."""
    return RunRecord(
        id=facts.id,
        prompt=facts.prompt,
        version=facts.candidate.version,
        digest=facts.candidate.digest,
        suite=facts.suite,
        model=facts.model,
        started=facts.started,
        ended=facts.ended,
        cases=tuple(results),
        totals=totals,
        parameters=facts.parameters,
        repeats=facts.repeats,
        seed=facts.seed,
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
        parameters=facts.parameters,
        repeats=facts.repeats,
        seed=facts.seed,
    )
