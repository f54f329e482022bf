"""Guards: what an improvement must not cost.

A guard is a metric and a margin. It is measured as a paired difference, candidate minus baseline and up is better, and
holds when its lower bound lies above -margin (non-inferiority, one-sided at 5 %: a guard claims nothing, so it spends
nothing of the looks at a hold-out), or when not one case got worse (``extra["untouched"]``).

A named metric is on the score's scale, 0..1. ``latency`` and ``cost`` are relative: the share of the baseline's mean by
which the candidate is faster or cheaper, so that a margin of 0.2 allows it to take a fifth more. What is not known of
every compared case does not hold. ``extra["worse"]``: shown to be worse, and measured beyond the margin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from promptvc.base.paired import paired_test
from promptvc.base.stats import ALPHA, mean
from promptvc.evaluation.reduce import CaseScore
from promptvc.evidence.values import Guard

SAFETY = "safety"
RELATIVE = ("latency", "cost")
_ROUNDING = 1e-9

Pairs = Sequence[tuple[CaseScore, CaseScore]]
"""Candidate and baseline of each compared case."""


def margins(pairs: Pairs, named: Mapping[str, float], default: float) -> dict[str, float]:
    """The guards of a comparison: those that the suite names, and safety wherever it is measured."""
    measured = any(SAFETY in side.metrics for pair in pairs for side in pair)
    implied = {SAFETY: default} if measured else {}
    return dict(sorted((implied | dict(named)).items()))


def check_guard(name: str, margin: float, pairs: Pairs, *, seed: int) -> Guard:
    """Measure one guard over the pairs in which a named metric is asserted, or over all for latency and cost."""
    values = [(measured(candidate, name), measured(baseline, name)) for candidate, baseline in pairs]
    clusters = [candidate.cluster for candidate, _ in pairs]
    if name not in RELATIVE:
        asserted = [position for position, value in enumerate(values) if value != (None, None)]
        values = [values[position] for position in asserted]
        clusters = [clusters[position] for position in asserted]
    known = [(after, before) for after, before in values if after is not None and before is not None]
    if not known or len(known) < len(values):
        return Guard(name=name, holds=False, margin=margin)
    baseline = mean(before for _, before in known) or 0.0
    candidate = mean(after for after, _ in known) or 0.0
    if name in RELATIVE:
        if baseline == 0:
            return _from_nothing(name, margin, candidate)
        differences = [(before - after) / baseline for after, before in known]
    else:
        differences = [after - before for after, before in known]
    test = paired_test(
        differences,
        clusters=keys(clusters),
        alpha=ALPHA,
        seed=seed,
        bound=None if name in RELATIVE else 1.0,
    )
    untouched = min(differences) >= -_ROUNDING
    worse = test.p_less <= ALPHA and test.mean < -margin
    return Guard(
        name=name,
        holds=untouched or test.low > -margin,
        difference=test.mean,
        low=test.low if math.isfinite(test.low) else None,
        margin=margin,
        baseline=baseline,
        candidate=candidate,
        extra={"level": test.level, "untouched": untouched, "worse": worse},
    )


def measured(score: CaseScore, name: str) -> float | None:
    """A guard's metric of one case; None when it was not measured."""
    if name == "latency":
        return score.latency_ms
    if name == "cost":
        return score.cost
    return score.metrics.get(name)


def keys(clusters: Sequence[str | None]) -> list[tuple[str, str | int]] | None:
    """Keys for the paired test; None when every case stands by itself."""
    if all(cluster is None for cluster in clusters):
        return None
    return [
        ("case", position) if cluster is None else ("cluster", cluster)
        for position, cluster in enumerate(clusters)
    ]


def _from_nothing(name: str, margin: float, candidate: float) -> Guard:
    """A baseline that took nothing has no relative change: only a candidate that takes nothing either holds."""
    return Guard(name=name, holds=candidate == 0, margin=margin, baseline=0.0, candidate=candidate)
