"""Everything as one JSON object: the summary's keys, and every case under ``results``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from promptvc.base.plain import dumps
from promptvc.evaluation.reports.kinds import kinds_of_row
from promptvc.evaluation.reports.report import Report, Row
from promptvc.evaluation.reports.summary import summary_json


def whole(report: Report) -> Iterator[str]:
    """One JSON object, a case on each line of ``results``; together a document of its own."""
    yield dumps(summary_json(report))[:-1] + ',"results":['
    for position, row in enumerate(report.rows()):
        yield (",\n" if position else "\n") + dumps(row_json(row))
    yield "\n]}\n"


def row_json(row: Row) -> dict[str, Any]:
    """One case: what was asked, both scores, and the answers of both sides by repeat (``before`` is the baseline)."""
    case, score, before = row.case, row.score, row.before
    return {
        "case": case.id,
        "description": case.description,
        "tags": list(case.tags),
        "cluster": case.cluster,
        "vars": dict(case.vars),
        "expected": case.expected,
        "score": score.score,
        "passed": score.passed,
        "passes": score.passes,
        "repeats": score.repeats,
        "error": score.error,
        "metrics": dict(score.metrics),
        "latency_ms": score.latency_ms,
        "cost": score.cost,
        "score_before": before.score if before is not None else None,
        "passed_before": before.passed if before is not None else None,
        "error_before": before.error if before is not None else None,
        "kinds": list(kinds_of_row(row)),
        "change": row.change,
        "flaky": row.flaky,
        "differs": row.differs,
        "quarantined": row.quarantined,
        "answers": [result.to_json() for result in row.results],
        "answers_before": [result.to_json() for result in row.results_before],
    }
