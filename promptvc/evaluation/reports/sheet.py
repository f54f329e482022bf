"""A table for a spreadsheet: CSV by RFC 4180, one row a case.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula, and what a model answers is no
friend's text. Such a cell gets a ``'`` in front, also where blanks or control characters come before the sign; see
OWASP, "CSV Injection". Numbers are written by promptvc itself and stay numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from promptvc.base.plain import encodable, written
from promptvc.evaluation.reports.kinds import errors_of, failures_of, kinds_of_row
from promptvc.evaluation.reports.report import Report, Row
from promptvc.evidence.runs import CaseResult

COLUMNS = (
    "case",
    "kinds",
    "score",
    "passed",
    "score_before",
    "passed_before",
    "repeats",
    "passes",
    "failures",
    "error",
    "quarantined",
    "expected",
    "output",
    "output_before",
    "vars",
    "tags",
    "cluster",
    "latency_ms",
    "tokens_in",
    "tokens_out",
    "cost",
)
"""After them a column ``metric:NAME`` for each metric of the candidate."""

# Sheets take the full-width forms for the same signs.
_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
_MOST_CHARACTERS = 32_000  # a cell of Excel or LibreOffice holds 32,767


def sheet(report: Report) -> Iterator[str]:
    """The header, then a row for each case; the outputs are those of the first repeat."""
    metrics = sorted({name for score in report.candidate.scores for name in score.metrics})
    yield _line([*COLUMNS, *(f"metric:{name}" for name in metrics)])
    for row in report.rows():
        values = _values(row)
        cells = [values[column] for column in COLUMNS]
        yield _line([*cells, *(row.score.metrics.get(name) for name in metrics)])


def guarded(text: str) -> str:
    """``text`` as a cell that no spreadsheet runs."""
    first = next((character for character in text if character.isprintable() and character != " "), "")
    cut = text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
    return "'" + cut if first and first in _SIGNS else cut


def _values(row: Row) -> dict[str, Any]:
    case, score, before = row.case, row.score, row.before
    return {
        "case": case.id,
        "kinds": " ".join(kinds_of_row(row)),
        "score": score.score,
        "passed": score.passed,
        "score_before": before.score if before is not None else None,
        "passed_before": before.passed if before is not None else None,
        "repeats": score.repeats,
        "passes": score.passes,
        "failures": "\n".join(failures_of(row.results)),
        "error": score.error or "\n".join(errors_of(row.results)),
        "quarantined": row.quarantined,
        "expected": written(case.expected),
        "output": row.results[0].output if row.results else None,
        "output_before": row.results_before[0].output if row.results_before else None,
        "vars": written(dict(case.vars)),
        "tags": " ".join(case.tags),
        "cluster": case.cluster,
        "latency_ms": score.latency_ms,
        "tokens_in": _tokens(row.results, "input"),
        "tokens_out": _tokens(row.results, "output"),
        "cost": score.cost,
    }


def _tokens(results: tuple[CaseResult, ...], direction: str) -> int | None:
    """Of all repeats; None as soon as one is unknown."""
    counts = [getattr(result.tokens, direction) for result in results]
    return None if not counts or None in counts else sum(counts)


def _line(values: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([_cell(value) for value in values])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A reader ends at the first NUL, or refuses the file.
        return guarded(encodable(value).replace("\0", "\ufffd"))
    return value
