"""What a page shows above its cases: the verdict, the numbers, the distribution of scores, metrics, judges, ratings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptvc.base.clock import format_time
from promptvc.evaluation.gate import Gate, named
from promptvc.evaluation.guards import RELATIVE
from promptvc.evaluation.reduce import CaseScore
from promptvc.evaluation.reports.figures import (
    UNKNOWN,
    counted,
    dollars,
    guard_mean,
    guard_words,
    interval,
    level,
    milliseconds,
    share,
    tokens,
)
from promptvc.evaluation.reports.report import Report, Side
from promptvc.evaluation.reports.summary import labels, metric_means

BINS = 20
_MOST_METRICS = 100
_MOST_REMARKS = 50
_TEXT = 500


def head_json(report: Report) -> dict[str, Any]:
    """Everything but the cases. Numbers that are only read are texts already; those that are drawn are numbers."""
    sides = [report.candidate] if report.baseline is None else [report.baseline, report.candidate]
    return {
        "name": report.name,
        "sides": labels(report),
        "models": [side.model for side in sides],
        "verdict": _verdict(report),
        "notes": _notes(report),
        "numbers": _numbers(report, sides),
        "difference": _difference(report),
        "distribution": [_bins(side.scores) for side in sides],
        "unscored": [sum(score.score is None for score in side.scores) for side in sides],
        "metrics": _metrics(report)[:_MOST_METRICS],
        "qualities": [
            [one.name, share(one.score), one.measure[:_TEXT], f"{one.n:,}"] for one in report.qualities
        ],
        "calibrations": [
            {
                "judge": one.judge[:_TEXT],
                "metric": one.metric[:_TEXT],
                "agreement": share(one.agreement),
                "interval": f"{share(one.low)} .. {share(one.high)}",
                "kappa": share(one.kappa),
                "mcc": share(one.mcc),
                "n": f"{one.n:,}",
                "confusion": [one.confusion.get(key, 0) for key in ("tp", "fp", "fn", "tn")],
            }
            for one in report.calibrations
        ],
        "judging": _judging(report),
        "cases": len(report.cases),
        "repeats": report.repeats,
    }


def _verdict(report: Report) -> dict[str, str]:
    comparison = report.comparison
    if comparison is None:
        totals = report.totals
        told = f"{totals.passed:,} of {counted(totals.cases, 'case')} passed"
        return {"name": "evaluated", "title": f"Score {share(totals.score)}", "told": told}
    name = comparison.verdict + (" (provisional)" if comparison.provisional else "")
    told = interval(comparison) or comparison.reason
    if comparison.score is not None:
        told = f"{share(comparison.score.baseline)} → {share(comparison.score.candidate)}: {told}"
    advice = f"{comparison.recommendation.replace('_', ' ')}, {comparison.reason}"
    return {
        "name": comparison.verdict,
        "title": name.capitalize(),
        "told": told[:_TEXT],
        "advice": advice[:_TEXT],
    }


def _notes(report: Report) -> list[str]:
    said = []
    comparison = report.comparison
    if comparison is not None:
        if comparison.needed is not None:
            cases = counted(comparison.needed, "more case")
            said.append(f"About {cases} like these would decide, with a chance of 80 %.")
        if comparison.detectable:
            points = f"{comparison.detectable * 100:.1f} points"
            said.append(f"So many cases find a true difference of {points} with a chance of 80 %.")
        if comparison.removed:
            said.append(f"{counted(len(comparison.removed), 'case')} of the baseline's suite removed.")
    if report.of > len(report.cases):
        said.append(f"Asked {len(report.cases):,} of the suite's {report.of:,} cases.")
    repeats = "once" if report.repeats == 1 else f"{report.repeats} times, reduced by {report.reducer}"
    said.append(f"Each case asked {repeats}; ended {format_time(report.ended)}; suite {report.suite[:12]}.")
    if report.pure:
        said.append("No grading took a model, a network or a key.")
    if report.gate is not None:
        said = [*_gate(report.gate), *said]
    return said + [remark[:_TEXT] for remark in report.remarks[:_MOST_REMARKS]]


def _gate(gate: Gate) -> list[str]:
    said = [f"gate {'open' if gate.open else 'closed'}: {gate.reason}"]
    said += [f"{what}: {len(found):,} ({named(found)})" for what, found in gate.apart]
    if gate.advice is not None:
        said.append(gate.advice)
    return [sentence[:_TEXT] for sentence in said]


def _numbers(report: Report, sides: Sequence[Side]) -> list[list[str]]:
    totals = [side.totals for side in sides]
    rows = [
        ["Score", *(share(one.score) for one in totals)],
        ["Passed", *(f"{one.passed:,} of {one.cases:,}" for one in totals)],
        ["Failed", *(f"{one.failed:,}" for one in totals)],
        ["Errored", *(f"{one.errored:,}" for one in totals)],
    ]
    if report.ratings:
        rows.append(["Mean user rating", *(_rating(report, side) for side in sides)])
    return [
        *rows,
        ["Latency p50", *(milliseconds(one.latency_p50) for one in totals)],
        ["Latency p95", *(milliseconds(one.latency_p95) for one in totals)],
        ["Tokens in", *(_count(one.tokens.input) for one in totals)],
        ["Tokens out", *(_count(one.tokens.output) for one in totals)],
        ["Cost", *(dollars(one.cost) for one in totals)],
    ]


def _rating(report: Report, side: Side) -> str:
    found = next((rating for rating in report.ratings if rating.version == side.version), None)
    return "-" if found is None else f"{share(found.mean)}, n={found.n:,}"


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _difference(report: Report) -> dict[str, Any] | None:
    score = report.comparison.score if report.comparison is not None else None
    if score is None:
        return None
    return {"low": score.low, "high": score.high, "at": score.difference, "level": level(score.level)}


def _bins(scores: Sequence[CaseScore]) -> list[int]:
    """How many cases score in each of :data:`BINS` equal steps of 0..1; the last one has the 1, too."""
    counts = [0] * BINS
    for score in scores:
        if score.score is not None:
            counts[min(BINS - 1, int(score.score * BINS + 1e-9))] += 1
    return counts


def _metrics(report: Report) -> list[dict[str, Any]]:
    """Means of both sides; with its guard where there is one, those first."""
    after = metric_means(report.candidate.scores)
    before = metric_means(report.baseline.scores) if report.baseline is not None else {}
    guards = (
        {guard.name: guard for guard in report.comparison.guards} if report.comparison is not None else {}
    )
    found = []
    for name in sorted({*after, *before, *guards}, key=lambda name: (name not in guards, name)):
        guard = guards.get(name)
        means = [share(after.get(name))]
        if report.baseline is not None:
            means.insert(0, share(before.get(name)))
        if guard is not None and guard.name in RELATIVE:
            means = [guard_mean(guard, guard.baseline), guard_mean(guard, guard.candidate)]
        one: dict[str, Any] = {"name": name[:_TEXT], "means": means}
        if guard is not None:
            told = {"holds": guard.holds, "told": guard_words(guard)}
            drawn = {"at": guard.difference, "low": guard.low, "margin": guard.margin}
            one["guard"] = told | drawn
        found.append(one)
    return found


def _judging(report: Report) -> list[list[str]]:
    judging = report.judging
    if judging is None:
        return []
    prompts = ", ".join(f"{name} v{version}" for name, version in judging.prompts.items())
    return [
        ["Judge", (judging.model or "none: only code or embeddings")[:_TEXT]],
        ["Judge prompts", prompts[:_TEXT] or "-"],
        ["Calls", f"{judging.calls:,}, {judging.cached:,} from the cache"],
        ["Tokens", tokens(judging.tokens)],
        ["Cost", dollars(judging.cost)],
    ]
