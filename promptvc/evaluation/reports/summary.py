"""A report without its cases, as JSON: the contract of ``evaluate --json``, and the head of every file of results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.stats import mean
from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.reduce import CaseScore
from promptvc.evaluation.reports.report import Report, Side
from promptvc.evidence.values import Tokens


def summary_json(report: Report) -> dict[str, Any]:
    """What ``evaluate --json`` prints of one evaluation.

    The first eleven keys are the contract. Latencies are milliseconds, costs US dollars or null when unknown, times
    RFC 3339 in UTC. ``tokens`` is the sum of both directions, ``tokens_in`` and ``tokens_out`` tell them apart.
    ``judge`` is the digest of the judge that the suite may ask, "" for none; ``judging`` is what asking it took.
    """
    totals = report.totals
    return {
        "name": report.name,
        "version": report.version,
        "score": totals.score,
        "passed": totals.passed,
        "failed": totals.failed,
        "errored": totals.errored,
        "cases": totals.cases,
        "comparison": comparison_json(report.comparison) if report.comparison is not None else None,
        "latency": {"p50": totals.latency_p50, "p95": totals.latency_p95},
        "tokens": token_sum(totals.tokens),
        "cost": totals.cost,
        "tokens_in": totals.tokens.input,
        "tokens_out": totals.tokens.output,
        "of": report.of,
        "model": report.candidate.model,
        "digest": report.candidate.digest,
        "suite": report.suite,
        "repeats": report.repeats,
        "reducer": report.reducer,
        "started": format_time(report.started),
        "ended": format_time(report.ended),
        "baseline": side_json(report.baseline) if report.baseline is not None else None,
        "metrics": metric_means(report.candidate.scores),
        "flaky": list(report.flaky),
        "quarantined": dict(report.quarantined),
        "qualities": {quality.name: quality.to_json() for quality in report.qualities},
        "calibrations": [calibration.to_json() for calibration in report.calibrations],
        "ratings": [rating.to_json() for rating in report.ratings],
        "judging": report.judging.to_json() if report.judging is not None else None,
        "judge": report.judge_digest,
        "pure": report.pure,
        "gate": report.gate.to_json() if report.gate is not None else None,
        "remarks": list(report.remarks),
    }


def side_json(side: Side) -> dict[str, Any]:
    """Which version a side is, and its totals."""
    return {
        "version": side.version,
        "digest": side.digest,
        "model": side.model,
        **side.totals.to_json(),
        "metrics": metric_means(side.scores),
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The keys of ``comparison`` in ``evaluate --json``; the numbers are null when incomparable."""
    score = comparison.score
    return {
        "verdict": comparison.verdict,
        "recommendation": comparison.recommendation,
        "difference": score.difference if score else None,
        "low": score.low if score else None,
        "high": score.high if score else None,
        "n": score.n if score else 0,
        "fixed": list(comparison.fixed),
        "broken": list(comparison.broken),
        "level": score.level if score else None,
        "p": comparison.p,
        "alpha": comparison.alpha,
        "baseline": score.baseline if score else None,
        "candidate": score.candidate if score else None,
        "removed": list(comparison.removed),
        "errored": list(comparison.errored),
        "guards": [guard.to_json() for guard in comparison.guards],
        "needed": comparison.needed,
        "detectable": comparison.detectable,
        "provisional": comparison.provisional,
        "reason": comparison.reason,
    }


def metric_means(scores: Sequence[CaseScore]) -> Mapping[str, float]:
    """Means by name, 0..1, each over the cases in which it was measured."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for score in scores:
        for name, value in score.metrics.items():
            values[name].append(value)
    means = {name: mean(found) for name, found in sorted(values.items())}
    return {name: value for name, value in means.items() if value is not None}


def labels(report: Report) -> tuple[str, ...]:
    """What the sides are called, the baseline first; two of one version are told apart."""
    after = report.candidate.label
    if report.baseline is None:
        return (after,)
    before = report.baseline.label
    return (before, after) if before != after else (f"{before}, baseline", f"{after}, candidate")


def token_sum(tokens: Tokens) -> int | None:
    """Of both directions; None as soon as one is unknown."""
    if tokens.input is None or tokens.output is None:
        return None
    return tokens.input + tokens.output
