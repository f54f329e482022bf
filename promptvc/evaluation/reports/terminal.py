"""An evaluation as it is printed: the totals, the verdict in words, and the cases that changed.

Values and lines of text only; who prints them decides on colours and tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.base.stats import mean, percentile
from promptvc.evaluation.cases.suite import Suite
from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.grade import CaseScore
from promptvc.evaluation.guards import RELATIVE
from promptvc.evidence.runs import CaseResult, Totals
from promptvc.evidence.values import Guard, Tokens

_OUTPUT_SHOWN = 80


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """A case that one side passes and the other does not, with both answers (None where not kept)."""

    case: str
    change: Literal["fixed", "broken"]
    expected: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A case that was answered and not passed.

    Attributes:
        expected: None where the case has no one right answer.
        failure: the first assertion that failed, and why.
    """

    case: str
    answered: str | None
    expected: str | None
    failure: str

    def __str__(self) -> str:
        reason = f"; {self.failure}" if self.expected is None else f", expected {self.expected}"
        return f"failed {self.case}: answered {self.answered}{reason}"


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation: which version, its totals, and its comparison where there is a baseline."""

    name: str
    version: int | None
    totals: Totals
    comparison: Comparison | None = None

    def to_json(self) -> dict[str, Any]:
        """What ``evaluate --json`` prints: latencies in milliseconds, cost in US dollars, null where unknown."""
        totals = self.totals
        known = totals.tokens.input is not None and totals.tokens.output is not None
        return {
            "name": self.name,
            "version": self.version,
            "score": totals.score,
            "passed": totals.passed,
            "failed": totals.failed,
            "errored": totals.errored,
            "cases": totals.cases,
            "comparison": comparison_json(self.comparison) if self.comparison is not None else None,
            "latency": {"p50": totals.latency_p50, "p95": totals.latency_p95},
            "tokens": (totals.tokens.input or 0) + (totals.tokens.output or 0) if known else None,
            "cost": totals.cost,
        }


def totals_of(results: Sequence[CaseResult], scores: Sequence[CaseScore]) -> Totals:
    """A run in a few numbers.

    The score is the mean over the cases that have one. Latencies, tokens and cost are of all answers, repeats
    included; tokens and cost are None as soon as one answer's are unknown.
    """
    answered = [result for result in results if result.output_digest is not None]
    latencies = [result.latency_ms for result in answered if result.latency_ms is not None]
    errored = sum(score.score is None for score in scores)
    passed = sum(score.passed for score in scores)
    return Totals(
        score=mean(score.score for score in scores if score.score is not None),
        cases=len(scores),
        passed=passed,
        failed=len(scores) - passed - errored,
        errored=errored,
        tokens=Tokens(
            _sum_known([result.tokens.input for result in answered]),
            _sum_known([result.tokens.output for result in answered]),
        ),
        cost=_total([result.cost for result in answered]),
        latency_p50=percentile(latencies, 50),
        latency_p95=percentile(latencies, 95),
    )


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


def totals_lines(totals: Totals) -> tuple[str, ...]:
    """The totals in words, one or two lines."""
    score = "no score" if totals.score is None else f"score {totals.score:.3f}"
    counts = f"{totals.passed} of {totals.cases} passed, {totals.failed} failed, {totals.errored} errored"
    parts = []
    if totals.latency_p50 is not None and totals.latency_p95 is not None:
        parts.append(f"latency p50 {totals.latency_p50:.0f} ms, p95 {totals.latency_p95:.0f} ms")
    tokens = totals.tokens
    parts.append(
        "tokens unknown"
        if tokens.input is None or tokens.output is None
        else f"tokens {tokens.input:,} in, {tokens.output:,} out"
    )
    parts.append("cost unknown" if totals.cost is None else f"cost ${totals.cost:.4f}")
    return f"{score}: {counts}", "; ".join(parts)


def verdict_line(comparison: Comparison) -> str:
    """The verdict in one line: both scores, the difference with its interval, how many cases, how sure."""
    name = comparison.verdict + (" (provisional)" if comparison.provisional else "")
    score = comparison.score
    p = comparison.p_worse if comparison.verdict == "regression" else comparison.p
    if score is None or p is None:
        return f"{name}: {comparison.reason}"
    mostly = comparison.clusters != score.n
    size = f"n={score.n} in {comparison.clusters} clusters" if mostly else f"n={score.n}"
    return (
        f"{name}: {score.baseline:.3f} -> {score.candidate:.3f} ({_points(score.difference)} points, "
        f"{_level(score.level)} interval {_points(score.low)} .. {_points(score.high)}, {size}, {_p(p)})"
    )


def comparison_lines(comparison: Comparison) -> tuple[str, ...]:
    """The comparison in words: verdict, what is still needed, guards, what is left out, recommendation."""
    lines = [verdict_line(comparison)]
    if comparison.needed is not None:
        cases = "case" if comparison.needed == 1 else "cases"
        lines.append(
            f"about {comparison.needed:,} more {cases} like these would decide, with a chance of 80 %"
        )
    if comparison.detectable:
        points = comparison.detectable * 100
        lines.append(
            f"power: so many cases find a true difference of {points:.1f} points with a chance of 80 %"
        )
    lines += [_guard_line(guard) for guard in comparison.guards]
    left_out = {"removed": comparison.removed, "errored": comparison.errored}
    lines += [f"{what}: {', '.join(names)}" for what, names in left_out.items() if names]
    lines.append(f"recommendation: {comparison.recommendation} ({comparison.reason})")
    return tuple(lines)


def changed_cases(
    comparison: Comparison, candidate: Iterable[CaseScore], baseline: Iterable[CaseScore], suite: Suite
) -> tuple[ChangedCase, ...]:
    """The broken cases, then the fixed ones, with what was expected and both answers, each cut to one short line."""
    after = {score.case: score for score in candidate}
    before = {score.case: score for score in baseline}
    expected = {case.id: "" if case.expected is None else str(case.expected) for case in suite.cases}
    changes: tuple[tuple[Literal["fixed", "broken"], tuple[str, ...]], ...] = (
        ("broken", comparison.broken),
        ("fixed", comparison.fixed),
    )
    return tuple(
        ChangedCase(
            case=case,
            change=change,
            expected=shorten(expected.get(case, "")) or "",
            before=shorten(before[case].output),
            after=shorten(after[case].output),
        )
        for change, cases in changes
        for case in cases
    )


def failed_cases(
    scores: Iterable[CaseScore], results: Iterable[CaseResult], suite: Suite
) -> tuple[FailedCase, ...]:
    """The cases that were graded and not passed."""
    expected = {case.id: str(case.expected) for case in suite.cases if case.expected is not None}
    why: dict[str, str] = {}
    for result in results:
        for failure in result.extra.get("failures", ()):
            why.setdefault(result.case, failure)

    return tuple(
        FailedCase(
            case=score.case,
            answered=shorten(score.output),
            expected=shorten(expected.get(score.case)),
            failure=shorten(why.get(score.case)) or "below its threshold",
        )
        for score in scores
        if not score.passed and score.error is None
    )


def errors_line(scores: Sequence[CaseScore], side: str = "") -> str | None:
    """How many cases of a side are errored, and the first error; None when none is."""
    errored = [score for score in scores if score.error is not None]
    if not errored:
        return None
    count = "1 case" if len(errored) == 1 else f"{len(errored)} cases"
    of = f" of the {side}" if side else ""
    return f"{count}{of} errored; the first, {errored[0].case}: {errored[0].error}"


def _guard_line(guard: Guard) -> str:
    word = "holds" if guard.holds else "does not hold"
    if guard.difference is None or guard.margin is None:
        return f"guard {guard.name} {word}: not known of every case"
    unit = "%" if guard.name in RELATIVE else "points"
    measured = f"guard {guard.name} {word}: {_points(guard.difference)} {unit}"
    if guard.extra.get("untouched"):
        return f"{measured}, no case got worse"
    low = "" if guard.low is None else f", lower bound {_points(guard.low)}"
    return f"{measured}{low}, allowed {_points(-guard.margin)}"


def _points(difference: float) -> str:
    """``+9.5``; what rounds to nothing has no sign."""
    text = f"{difference * 100:+.1f}"
    return "0.0" if float(text) == 0 else text


def _level(level: float) -> str:
    """Enough decimals to tell 99.94 % from 100 %."""
    decimals = max(1, -math.floor(math.log10((1 - level) * 100)))
    return f"{level * 100:.{decimals}f} %"


def _p(p: float) -> str:
    return "p<0.0001" if p < 0.0001 else f"p={p:.4f}" if p < 0.01 else f"p={p:.3f}"


def shorten(text: str | None) -> str | None:
    """``text`` as one line of at most 80 characters."""
    if text is None:
        return None
    flat = " ".join(text.split())
    return flat if len(flat) <= _OUTPUT_SHOWN else flat[: _OUTPUT_SHOWN - 1] + "…"


def _sum_known(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None
