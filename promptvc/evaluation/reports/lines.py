"""Results as JSON lines: a header, then one line for each case, side and repeat. What shards are merged from.

::

    {"kind":"promptvc-results","format":1,"name":"support/triage","version":4, ...}
    {"side":"candidate","case":"double-charge","repeat":0,"score":1.0, ...}
    {"side":"baseline","case":"double-charge","repeat":0,"score":0.0, ...}

A line without ``side`` is what :class:`promptvc.evidence.runs.CaseResult` writes and reads. A shard without cases is a
header alone. Where nothing was to be evaluated the file says just that, so that a merge can tell it from a lost one::

    {"kind":"promptvc-results","format":1,"evaluations":0}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from promptvc.base.plain import dumps
from promptvc.evaluation.reports.report import Report
from promptvc.evaluation.reports.summary import summary_json

KIND = "promptvc-results"
FORMAT = 1
CANDIDATE = "candidate"
BASELINE = "baseline"
EVALUATIONS = "evaluations"


def lines(report: Report) -> Iterator[str]:
    """The header, then the lines of the cases in the suite's order, the candidate's before the baseline's."""
    yield dumps(header(report)) + "\n"
    for row in report.rows():
        for side, results in ((CANDIDATE, row.results), (BASELINE, row.results_before)):
            for result in results:
                yield dumps({"side": side, **result.to_json()}) + "\n"


def nothing() -> str:
    """The file of a run that had nothing to evaluate."""
    return dumps({"kind": KIND, "format": FORMAT, EVALUATIONS: 0}) + "\n"


def header(report: Report) -> dict[str, Any]:
    """What kind of file it is, and the summary: which version, suite, model, repeats and reducer the lines are of."""
    return {"kind": KIND, "format": FORMAT, **summary_json(report)}
