"""The cases that a page shows: which of many, and each within its share of the page's size."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.plain import dumps, written
from promptvc.evaluation.reports.kinds import KINDS, Kind, change_in_score, kinds_of_row
from promptvc.evaluation.reports.report import Report, Row
from promptvc.evidence.runs import CaseResult, GradeLine

MOST_CASES = 2_000
MOST_BYTES = 16 * 1024 * 1024
_MOST_OF_ONE = 64 * 1024
# Characters of a text and items of a list, tried in this order until a case fits.
_CUTS = ((4000, 60), (1500, 30), (500, 15), (150, 8), (40, 4))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cases of a page.

    Attributes:
        positions: in the suite's order.
        kinds: how many of all cases are of each kind.
    """

    report: Report
    positions: Sequence[int]
    kinds: Mapping[Kind, int]

    def cases(self) -> Iterator[str]:
        """Each case as JSON, read when it is its turn; all of them in at most :data:`MOST_BYTES`."""
        room = min(_MOST_OF_ONE, MOST_BYTES // max(1, len(self.positions)))
        for position in self.positions:
            yield case_text(self.report.row(position), position, room)


def chosen_cases(report: Report, most: int = MOST_CASES) -> Chosen:
    """The ``most`` telling cases: by kind in the order of :data:`~.kinds.KINDS`, then the worst change in score."""
    rank = {kind: place for place, kind in enumerate(KINDS)}
    counts: Counter[Kind] = Counter()

    def ranked() -> Iterator[tuple[int, float, int]]:
        for position, row in enumerate(report.rows()):
            kinds = kinds_of_row(row)
            counts.update(kinds)
            yield rank[kinds[0]], change_in_score(row.score, row.before), position

    chosen = heapq.nsmallest(most, ranked())
    return Chosen(report, sorted(position for _, _, position in chosen), counts)


def case_text(row: Row, position: int, room: int) -> str:
    """One case as JSON of at most ``room`` bytes as they are embedded, its texts cut as far as that takes."""
    for characters, items in _CUTS:
        text = dumps(_case(row, position, characters, items))
        # What is escaped for the page takes six bytes each.
        if len(text.encode()) + 5 * sum(text.count(sign) for sign in "<>&") <= room:
            return text
    short = {"id": _cut(row.case.id, 200), "at": position, "kinds": kinds_of_row(row), "toolarge": True}
    return dumps(short)


def _case(row: Row, position: int, characters: int, items: int) -> dict[str, Any]:
    case, score, before = row.case, row.score, row.before
    found = {
        "id": _cut(case.id, 200),
        "at": position,
        "kinds": kinds_of_row(row),
        "score": score.score,
        "before": before.score if before is not None else None,
        "passes": [each.passes for each in (before, score) if each is not None],
        "repeats": score.repeats,
        "latency": score.latency_ms,
        "cost": score.cost,
        "description": _cut(case.description, characters),
        "cluster": _cut(case.cluster, characters),
        "quarantined": _cut(row.quarantined, characters),
        "expected": None if case.expected is None else _cut(written(case.expected), characters),
        "tags": [_cut(tag, 100) for tag in case.tags[:items]],
        "vars": [
            [_cut(name, 100), _cut(written(value), characters)]
            for name, value in list(case.vars.items())[:items]
        ],
        "answers": _answers(row.results, characters, items),
        "answersBefore": _answers(row.results_before, characters, items),
    }
    return {key: value for key, value in found.items() if value is not None and value != []}


def _answers(results: Sequence[CaseResult], characters: int, items: int) -> list[dict[str, Any]]:
    return [_answer(result, characters, items) for result in results[:items]]


def _answer(result: CaseResult, characters: int, items: int) -> dict[str, Any]:
    found = {
        "repeat": result.repeat,
        "output": _cut(result.output, characters),
        "score": result.score,
        "passed": result.passed,
        "error": _cut(result.error, characters),
        "latency": result.latency_ms,
        "cost": result.cost,
        "tokens": [result.tokens.input, result.tokens.output],
        "grades": [_grade(grade, characters) for grade in result.grades[:items]],
    }
    return {key: value for key, value in found.items() if value is not None and value != []}


def _grade(grade: GradeLine, characters: int) -> dict[str, Any]:
    found = {
        "name": _cut(grade.name, 100),
        "metric": _cut(grade.metric, 100),
        "score": grade.score,
        "passed": grade.passed,
        "weight": grade.weight if grade.weight != 1 else None,
        "reason": _cut(grade.reason, characters) or None,
        "error": _cut(grade.error, characters),
        "measure": _cut(grade.measure, 100),
    }
    return {key: value for key, value in found.items() if value is not None}


def _cut(text: str | None, limit: int) -> str | None:
    if text is None or len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters)"
