"""The cases of a report as tables in Markdown: broken, errored, failed, fixed, flaky, in quarantine."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from promptvc.base.plain import written
from promptvc.base.spans import code, table_head, table_row
from promptvc.evaluation.reports.figures import share
from promptvc.evaluation.reports.kinds import Kind, change_in_score, errors_of, failures_of, kinds_by_score
from promptvc.evaluation.reports.parts import Part
from promptvc.evaluation.reports.report import Report, Row
from promptvc.evaluation.reports.summary import labels
from promptvc.evidence.runs import CaseResult

MOST_ROWS = 200
"""Of one kind; their answers are read, no others."""

MOST_UNCHANGED = 20
"""Rows of failed cases where there is a baseline: both sides fail them, so they do not decide anything."""

_SHARES: dict[Kind, float] = {
    "broken": 0.5,
    "errored": 0.35,
    "failed": 0.4,
    "fixed": 0.5,
    "flaky": 0.6,
    "quarantined": 1.0,
}


def case_parts(report: Report) -> Iterator[Part]:
    """A part for each kind that some case is of, the most telling kind first and in it the worst case first.

    A case stands in one of them, and once more as flaky if it is: what is broken or errored is not listed as failed.
    """
    found: defaultdict[Kind, list[tuple[float, int]]] = defaultdict(list)
    for position, kinds in enumerate(kinds_by_score(report)):
        before = report.baseline.scores[position] if report.baseline is not None else None
        change = change_in_score(report.candidate.scores[position], before)
        shown = next((kind for kind in kinds if kind in _SHARES and kind != "flaky"), None)
        if shown is not None:
            found[shown].append((change, position))
        if "flaky" in kinds and shown != "quarantined":
            found["flaky"].append((change, position))
    for kind, part_share in _SHARES.items():
        if found[kind]:
            most = MOST_UNCHANGED if kind == "failed" and report.baseline is not None else MOST_ROWS
            # The greatest gain first where there is one; a stable order by position in any case.
            sign = -1 if kind == "fixed" else 1
            chosen = heapq.nsmallest(most, [(sign * change, at) for change, at in found[kind]])
            yield _part(report, kind, [at for _, at in chosen], len(found[kind]), part_share)


def _part(report: Report, kind: Kind, positions: Sequence[int], total: int, part_share: float) -> Part:
    columns, cells = _table(report, kind)
    titles: dict[Kind, str] = {"quarantined": "In quarantine", "errored": "Errors"}
    if report.baseline is not None:
        titles["failed"] = "Failed on both sides"
    title = titles.get(kind, kind.capitalize())
    return Part(
        head=f"\n#### {title} ({total:,})\n\n" + table_head(columns),
        rows=(table_row(cells(report.row(position))) for position in positions),
        total=total,
        share=part_share,
    )


def _table(report: Report, kind: Kind) -> tuple[list[str], Callable[[Row], list[str]]]:
    if kind == "errored":
        return ["case", "error"], _error_cells
    if kind == "quarantined":
        return ["case", "score", "why"], _quarantine_cells
    if kind == "flaky":
        return ["case", *_sides(report, "passes")], _flaky_cells
    columns = ["case", "score", "expected", *_sides(report, "answered")]
    return ([*columns, "why"], _failed_cells) if kind != "fixed" else (columns, _answer_cells)


def _sides(report: Report, what: str) -> list[str]:
    return [what] if report.baseline is None else [f"{label} {what}" for label in labels(report)]


def _error_cells(row: Row) -> list[str]:
    said = errors_of(row.results) or errors_of(row.results_before)
    if row.score.score is not None and said:
        return [code(row.case.id), f"baseline: {code(said[0], 200)}"]
    return [code(row.case.id), code(said[0] if said else row.score.error or "no answer", 200)]


def _quarantine_cells(row: Row) -> list[str]:
    return [code(row.case.id), share(row.score.score), code(row.quarantined or "", 200)]


def _flaky_cells(row: Row) -> list[str]:
    scores = [row.score] if row.before is None else [row.before, row.score]
    return [code(row.case.id), *(f"{score.passes} of {score.repeats}" for score in scores)]


def _answer_cells(row: Row) -> list[str]:
    score = share(row.score.score)
    if row.before is not None:
        score = f"{share(row.before.score)} → {score}"
    expected = "-" if row.case.expected is None else code(written(row.case.expected))
    answers = [_answer(row.results)]
    if row.before is not None:
        answers.insert(0, _answer(row.results_before))
    return [code(row.case.id), score, expected, *answers]


def _failed_cells(row: Row) -> list[str]:
    failures = failures_of(row.results)
    return [*_answer_cells(row), code(failures[0], 160) if failures else "below its threshold"]


def _answer(results: Sequence[CaseResult]) -> str:
    """The first answer that failed, else the first."""
    shown = next((result for result in results if result.passed is False), results[0] if results else None)
    return "-" if shown is None or shown.output is None else code(shown.output)
