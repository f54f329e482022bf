"""An evaluation as it is printed: the totals, the verdict in words, and the cases that changed.

Values and lines of text only; who prints them decides on colours and tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from promptvc.evaluation.compare import Comparison
from promptvc.evaluation.reduce import CaseScore
from promptvc.evaluation.reports.figures import guard_words, interval, share
from promptvc.evaluation.reports.report import Report, Row
from promptvc.evidence.runs import CaseResult, Totals

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


def beside_lines(report: Report) -> tuple[str, ...]:
    """What stands beside the scores: qualities by their measure, users, flaky cases, what judging took."""
    lines = []
    if report.qualities:
        said = ", ".join(f"{one.name} {one.score:.2f}" for one in report.qualities)
        first = report.qualities[0]
        lines.append(f"{said} ({first.measure}, of {first.n:,} answers)")
    rating = next((one for one in report.ratings if one.version == report.version), None)
    if rating is not None:
        lines.append(f"users rate {report.candidate.label} {rating.mean:.2f} (n={rating.n:,})")
    if report.repeats > 1:
        flaky = f"; flaky: {', '.join(report.flaky[:3])}" if report.flaky else ""
        more = f" and {len(report.flaky) - 3} more" if len(report.flaky) > 3 else ""
        lines.append(f"{report.repeats} repeats, {report.reducer}{flaky}{more}")
    lines.append(_graded_by(report))
    lines += [
        f"judge {one.judge} on {one.metric}: agrees with people in {one.agreement:.0%} of {one.n} answers"
        + ("" if one.kappa is None else f", kappa {one.kappa:.2f}")
        for one in report.calibrations
    ]
    return tuple(lines)


def _graded_by(report: Report) -> str:
    judging = report.judging
    if judging is None:
        return "graded without a model, a network or a key" if report.pure else "graded with a model"
    tokens = judging.tokens
    known = tokens.input is not None and tokens.output is not None
    said = f"{(tokens.input or 0) + (tokens.output or 0):,} tokens" if known else "tokens unknown"
    cost = "cost unknown" if judging.cost is None else f"${judging.cost:.4f}"
    model = f"judged by {judging.model}" if judging.model else "graded with a model"
    return f"{model}: {judging.calls:,} calls, {judging.cached:,} from the cache, {said}, {cost}"


def verdict_line(comparison: Comparison) -> str:
    """The verdict in one line: both scores, the difference with its interval, how many cases, how sure."""
    name = comparison.verdict + (" (provisional)" if comparison.provisional else "")
    score = comparison.score
    measured = interval(comparison)
    if score is None or measured is None:
        return f"{name}: {comparison.reason}"
    return f"{name}: {share(score.baseline)} -> {share(score.candidate)} ({measured})"


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
    lines += [f"guard {guard.name} {guard_words(guard)}" for guard in comparison.guards]
    left_out = {"removed": comparison.removed, "errored": comparison.errored}
    lines += [f"{what}: {', '.join(names)}" for what, names in left_out.items() if names]
    lines.append(f"recommendation: {comparison.recommendation} ({comparison.reason})")
    return tuple(lines)


def changed_cases(rows: Iterable[Row], shown: Mapping[str, int]) -> tuple[ChangedCase, ...]:
    """The broken cases, then the fixed ones, at most so many of each, with what was expected and both answers."""
    kept: dict[str, list[ChangedCase]] = {"broken": [], "fixed": []}
    for row in rows:
        if row.change == "same" or row.quarantined is not None or len(kept[row.change]) >= shown[row.change]:
            continue
        kept[row.change].append(
            ChangedCase(
                case=row.case.id,
                change=row.change,
                expected="" if row.case.expected is None else shorten(str(row.case.expected)) or "",
                before=shorten(_telling(row.results_before)),
                after=shorten(_telling(row.results)),
            )
        )
    return tuple(kept["broken"] + kept["fixed"])


def failed_cases(rows: Iterable[Row], most: int) -> tuple[FailedCase, ...]:
    """The first cases that were graded and not passed, at most so many."""
    failed = (
        row for row in rows if not row.score.passed and row.score.error is None and row.quarantined is None
    )
    return tuple(_failed(row) for row in islice(failed, most))


def _failed(row: Row) -> FailedCase:
    failures = [failure for result in row.results for failure in result.extra.get("failures", ())]
    expected = row.case.expected
    return FailedCase(
        case=row.case.id,
        answered=shorten(_telling(row.results)),
        expected=None if expected is None else shorten(str(expected)),
        failure=shorten(failures[0] if failures else None) or "below its threshold",
    )


def _telling(results: Sequence[CaseResult]) -> str | None:
    """The answer of the first repeat that did not pass, else of the first."""
    if not results:
        return None
    return next((result for result in results if not result.passed), results[0]).output


def errors_line(scores: Sequence[CaseScore], side: str = "") -> str | None:
    """How many cases of a side are errored, and the first error; None when none is."""
    errored = [score for score in scores if score.error is not None]
    if not errored:
        return None
    count = "1 case" if len(errored) == 1 else f"{len(errored)} cases"
    of = f" of the {side}" if side else ""
    return f"{count}{of} errored; the first, {errored[0].case}: {errored[0].error}"


def error_lines(report: Report) -> tuple[str, ...]:
    """For each side with errored cases how many there are, and the first error."""
    sides = [("candidate" if report.baseline is not None else "", report.candidate)]
    if report.baseline is not None:
        sides.append(("baseline", report.baseline))
    lines = [errors_line(side.scores, name) for name, side in sides]
    return tuple(line for line in lines if line is not None)


def shorten(text: str | None) -> str | None:
    """``text`` as one line of at most 80 characters."""
    if text is None:
        return None
    flat = " ".join(text.split())
    return flat if len(flat) <= _OUTPUT_SHOWN else flat[: _OUTPUT_SHOWN - 1] + "…"
