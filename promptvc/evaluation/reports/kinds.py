"""What a reader looks for in a case: broken, errored, failed, flaky, differing, fixed, or nothing of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from promptvc.evaluation.reduce import CaseScore
from promptvc.evaluation.reports.report import Report, Row
from promptvc.evidence.runs import CaseResult, GradeLine

Kind = Literal["broken", "errored", "failed", "flaky", "differing", "fixed", "quarantined", "passed"]
KINDS: tuple[Kind, ...] = (
    "broken",
    "errored",
    "failed",
    "flaky",
    "differing",
    "fixed",
    "quarantined",
    "passed",
)
"""The most telling first. A case can be of several: broken and flaky."""


def kinds_of(
    score: CaseScore, before: CaseScore | None, *, flaky: bool, quarantined: bool, differs: bool = False
) -> tuple[Kind, ...]:
    """Every kind that a case is of, the most telling first.

    A case that is errored on a side is neither broken nor fixed: nobody knows. One in quarantine does not count: it is
    that, and perhaps flaky or differing.
    """
    answered = before.score is not None if before is not None else True
    errored = score.score is None or not answered
    compared = before is not None and not errored
    found: dict[Kind, bool] = {
        "broken": compared and before is not None and before.passed and not score.passed,
        "errored": errored,
        "failed": score.score is not None and not score.passed,
        "flaky": flaky,
        "differing": differs and not errored,
        "fixed": compared and before is not None and score.passed and not before.passed,
        "passed": score.passed,
    }
    if quarantined:
        others: tuple[Kind, ...] = ("flaky", "differing")
        return ("quarantined", *(kind for kind in others if found[kind]))
    return tuple(kind for kind in KINDS if found.get(kind))


def kinds_of_row(row: Row) -> tuple[Kind, ...]:
    """Every kind that a row's case is of, the most telling first."""
    return kinds_of(
        row.score,
        row.before,
        flaky=row.flaky,
        quarantined=row.quarantined is not None,
        differs=row.differs,
    )


def kinds_by_score(report: Report) -> Iterator[tuple[Kind, ...]]:
    """The kinds of each case in the suite's order, as the scores tell: no answer is read, so none is ``differing``."""
    flaky = frozenset(report.flaky)
    before = report.baseline.scores if report.baseline is not None else None
    for position, case in enumerate(report.cases):
        yield kinds_of(
            report.candidate.scores[position],
            before[position] if before is not None else None,
            flaky=case.id in flaky,
            quarantined=case.id in report.quarantined,
        )


def change_in_score(score: CaseScore, before: CaseScore | None) -> float:
    """Candidate minus baseline, for sorting: the score itself without a baseline, 0 where one is errored."""
    if score.score is None:
        return 0.0
    if before is None:
        return score.score
    return 0.0 if before.score is None else score.score - before.score


def failures_of(results: Sequence[CaseResult]) -> tuple[str, ...]:
    """Why a case failed, ``TYPE: REASON`` for each assertion that did not hold in a repeat, each said once.

    An assertion of weight 0 is only a metric: it fails nothing.
    """
    said: dict[str, None] = {}
    for result in results:
        if result.grades:
            lines = [_said(grade) for grade in result.grades if grade.passed is False and grade.weight > 0]
        else:
            lines = [str(line) for line in result.extra.get("failures", ())]
        said.update(dict.fromkeys(lines))
    return tuple(said)


def errors_of(results: Sequence[CaseResult]) -> tuple[str, ...]:
    """What went wrong in the repeats of a case, each said once."""
    return tuple(dict.fromkeys(result.error for result in results if result.error))


def _said(grade: GradeLine) -> str:
    return f"{grade.name}: {grade.reason}" if grade.reason else grade.name
