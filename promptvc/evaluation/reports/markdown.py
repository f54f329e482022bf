"""A report for a pull request's comment: the verdict in one line, the numbers, and the cases that matter, worst first.

At most :data:`LIMIT` bytes, whatever the texts: forges refuse longer comments (GitHub above 65,536 characters). Each
part has its share; what does not fit is left out row by row, and counted. Foreign text is inert (:mod:`.spans`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptvc.base.clock import format_time
from promptvc.base.spans import code, table_head, table_row, words
from promptvc.evaluation.gate import NAMED, Gate
from promptvc.evaluation.guards import RELATIVE
from promptvc.evaluation.reports.figures import (
    counted,
    dollars,
    guard_mean,
    guard_words,
    interval,
    milliseconds,
    share,
    tokens,
)
from promptvc.evaluation.reports.parts import Part
from promptvc.evaluation.reports.report import Report, Side
from promptvc.evaluation.reports.summary import labels, metric_means
from promptvc.evaluation.reports.telling import case_parts

LIMIT = 65_000


def markdown(report: Report) -> Iterator[str]:
    """The comment, part by part."""
    room = LIMIT
    ends = [part.fitted(round(LIMIT * part.share)) for part in _ends(report)]
    room -= sum(len(end.encode()) for end in ends)
    for part in _begins(report):
        text = part.fitted(round(LIMIT * part.share))
        room -= len(text.encode())
        yield text
    for part in case_parts(report):
        text = part.fitted(round(room * part.share))
        room -= len(text.encode())
        yield text
    yield from ends


def _begins(report: Report) -> Iterator[Part]:
    yield Part(
        head=_verdict(report) + _numbers(report) + _remarks_on_the_comparison(report),
        rows=(),
        total=0,
        share=0.2,
    )
    if report.gate is not None:
        yield from _gate(report.gate)
    yield from _metrics(report)


def _gate(gate: Gate) -> Iterator[Part]:
    """Each regression against the approved baseline; of what stands apart how many there are, and the first."""
    head = f"\n#### Gate {'open' if gate.open else 'closed'}: {words(gate.reason)}\n\n"
    rows = [
        f"- {code(one.case)} {one.kind}" + (f": {words(one.error)}" if one.error else "") + "\n"
        for one in gate.regressions
    ]
    yield Part(head=head, rows=rows, total=len(rows), noun="regression", share=0.15)
    told = [_apart(what, found) for what, found in gate.apart]
    if gate.advice is not None:
        told.append(f"- {words(gate.advice)}\n")
    if told:
        yield Part(head="\nBeside that:\n\n", rows=told, total=len(told), noun="line", share=0.08)


def _apart(what: str, found: Sequence[str]) -> str:
    more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return f"- {what}: {len(found):,}, {', '.join(code(one) for one in found[:NAMED])}{more}\n"


def _ends(report: Report) -> Iterator[Part]:
    if report.qualities:
        rows = [
            table_row([code(one.name), share(one.score), code(one.measure), f"{one.n:,}"])
            for one in report.qualities
        ]
        head = "\n#### Qualities\n\n" + table_head(["quality", "score", "measured by", "answers"])
        yield Part(head=head, rows=rows, total=len(rows), noun="quality measure", share=0.05)
    if report.calibrations:
        rows = [
            table_row(
                [
                    code(one.judge),
                    code(one.metric),
                    f"{share(one.agreement)} ({share(one.low)} .. {share(one.high)})",
                    share(one.kappa),
                    share(one.mcc),
                    f"{one.n:,}",
                ]
            )
            for one in report.calibrations
        ]
        head = "\n#### How far the judge agrees with people\n\n" + table_head(
            ["judge", "metric", "agreement (95 % interval)", "kappa", "MCC", "answers"]
        )
        yield Part(head=head, rows=rows, total=len(rows), noun="calibration", share=0.08)
    if report.remarks:
        yield Part(
            head="\n#### Remarks\n\n",
            rows=[f"- {words(remark)}\n" for remark in report.remarks],
            total=len(report.remarks),
            noun="remark",
            share=0.08,
        )
    yield Part(head=_footer(report), rows=(), total=0, share=0.05)


def _verdict(report: Report) -> str:
    comparison = report.comparison
    which = f"{code(report.name)} {report.candidate.label}"
    if comparison is None or report.baseline is None:
        totals = report.totals
        counts = f"{totals.passed:,} of {counted(totals.cases, 'case')} passed, {totals.failed:,} failed"
        mean = "no score" if totals.score is None else f"score {share(totals.score)}"
        return f"### {which}: {mean}, {counts}, {totals.errored:,} errored\n"
    name = comparison.verdict + (" (provisional)" if comparison.provisional else "")
    told = f"### {name}: {which} against {report.baseline.label}"
    measured = interval(comparison)
    if comparison.score is None or measured is None:
        return f"{told}; {words(comparison.reason)}\n"
    score = comparison.score
    return f"{told}, {share(score.baseline)} → {share(score.candidate)} ({measured})\n"


def _numbers(report: Report) -> str:
    sides = [report.candidate] if report.baseline is None else [report.baseline, report.candidate]
    rows = {
        "model": [code(side.model) for side in sides],
        "score": [share(side.totals.score) for side in sides],
        "passed": [f"{side.totals.passed:,} of {side.totals.cases:,}" for side in sides],
        "failed": [f"{side.totals.failed:,}" for side in sides],
        "errored": [f"{side.totals.errored:,}" for side in sides],
        "latency p50": [milliseconds(side.totals.latency_p50) for side in sides],
        "latency p95": [milliseconds(side.totals.latency_p95) for side in sides],
        "tokens": [tokens(side.totals.tokens) for side in sides],
        "cost": [dollars(side.totals.cost) for side in sides],
    }
    if report.ratings:
        rows["mean user rating"] = [_rating(report, side) for side in sides]
    head = "\n" + table_head(["", *labels(report)])
    return head + "".join(table_row([name, *cells]) for name, cells in rows.items())


def _rating(report: Report, side: Side) -> str:
    found = next((rating for rating in report.ratings if rating.version == side.version), None)
    return "-" if found is None else f"{share(found.mean)} ({counted(found.n, 'rating')})"


def _remarks_on_the_comparison(report: Report) -> str:
    said = []
    comparison = report.comparison
    if comparison is not None:
        said.append(
            f"Recommendation: **{comparison.recommendation.replace('_', ' ')}**, {words(comparison.reason)}."
        )
        if comparison.needed is not None:
            cases = counted(comparison.needed, "more case")
            said.append(f"About {cases} like these would decide, with a chance of 80 %.")
        elif comparison.detectable:
            least = f"{comparison.detectable * 100:.1f} points"
            said.append(f"So many cases find a true difference of {least} with a chance of 80 %.")
        if comparison.removed:
            said.append(f"{counted(len(comparison.removed), 'case')} of the baseline's suite removed.")
    if report.of > len(report.cases):
        said.append(f"Asked {len(report.cases):,} of the suite's {report.of:,} cases.")
    judging = report.judging
    if judging is not None:
        judge = "Grading" if judging.model is None else f"The judge {code(judging.model)}"
        calls = f"{counted(judging.calls, 'call')}, {judging.cached:,} from the cache"
        spent = f"tokens {tokens(judging.tokens)}, cost {dollars(judging.cost)}"
        said.append(f"{judge} took {calls}: {spent}; apart from the answers.")
    return "".join(f"\n{sentence}\n" for sentence in said)


def _metrics(report: Report) -> Iterator[Part]:
    """Means of both sides by metric, and how the guard on it went."""
    after = metric_means(report.candidate.scores)
    before = metric_means(report.baseline.scores) if report.baseline is not None else {}
    guards = (
        {guard.name: guard for guard in report.comparison.guards} if report.comparison is not None else {}
    )
    names = sorted({*after, *before, *guards}, key=lambda name: (name not in guards, name))
    if not names:
        return
    rows = []
    for name in names:
        guard = guards.get(name)
        means = [share(after.get(name))]
        if report.baseline is not None:
            means.insert(0, share(before.get(name)))
        if guard is not None and guard.name in RELATIVE:
            means = [guard_mean(guard, guard.baseline), guard_mean(guard, guard.candidate)]
        told = [] if report.baseline is None else ["-" if guard is None else guard_words(guard)]
        rows.append(table_row([code(name), *means, *told]))
    columns = [*labels(report)] if report.baseline is None else [*labels(report), "guard"]
    head = "\n#### Metrics\n\n" + table_head(["metric", *columns])
    yield Part(head=head, rows=rows, total=len(rows), noun="metric", share=0.12)


def _footer(report: Report) -> str:
    repeats = "once" if report.repeats == 1 else f"{report.repeats} times, reduced by {report.reducer}"
    needs = "No grading took a model, a network or a key." if report.pure else ""
    return (
        f"\nSuite {code(report.suite[:12])}, {counted(len(report.cases), 'case')}, each asked {repeats}; "
        f"{format_time(report.ended)}. {needs}".rstrip()
        + "\n"
    )
