"""Repeats brought together: one score a case.

A reducer makes one number of the numbers of a case's repeats. With the usual ``mean`` a case's score and metrics are
means; it passes when the reducer makes 1 of its passes (1 or 0 each), so under ``mean`` when every repeat passes; it is
errored when one repeat is. Latency and cost are means whatever the reducer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from promptvc.base.stats import mean
from promptvc.evidence.runs import CaseResult

NO_METRICS: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case over all its repeats.

    Attributes:
        score: 0..1, None when errored.
        passed: False when errored.
        cluster: key of the cluster, None for a case by itself.
        error: why there is no score.
        metrics: means by name, of what was measured in every repeat.
        latency_ms, cost: means over the repeats; None when unknown for one.
        passes: how many repeats passed.
    """

    case: str
    score: float | None
    passed: bool
    repeats: int = 1
    cluster: str | None = None
    error: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    latency_ms: float | None = None
    cost: float | None = None
    passes: int = 0
