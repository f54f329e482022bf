"""OpenTelemetry: an event ``gen_ai.evaluation.result`` for each grade, as the GenAI semantic conventions name it.

Each line is an OTLP/JSON ``LogsData`` with one log record: what a collector's ``otlpjsonfile`` receiver reads. What the
conventions have no name for stands under ``promptvc.``. A grade is named by its metric, else by the assertion's type.
An answer that never came has no grades: it is one event named ``answer`` with an ``error.type``, so as not to be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from promptvc.base.plain import dumps, encodable
from promptvc.evaluation.reports.report import Report, Side
from promptvc.evidence.runs import CaseResult, GradeLine

EVENT = "gen_ai.evaluation.result"
_INFO = 9
_ERROR = 17


def telemetry(report: Report) -> Iterator[str]:
    """The events in the suite's order, the candidate's before the baseline's; all carry the time the run ended."""
    nanoseconds = str(round(report.ended.timestamp() * 1000) * 1_000_000)
    sides = [("candidate", report.candidate)]
    if report.baseline is not None:
        sides.append(("baseline", report.baseline))
    for row in report.rows():
        for name, side in sides:
            results = row.results if name == "candidate" else row.results_before
            for result in results:
                shared = _of_the_answer(report, side, result) | {"promptvc.side": name}
                for event in _events(result):
                    yield _line(nanoseconds, shared | event)


def _of_the_answer(report: Report, side: Side, result: CaseResult) -> dict[str, Any]:
    return {
        "gen_ai.prompt.name": report.name,
        "gen_ai.prompt.version": None if side.version is None else str(side.version),
        "gen_ai.request.model": side.model,
        "promptvc.digest": side.digest,
        "promptvc.suite": report.suite,
        "promptvc.case": result.case,
        "promptvc.repeat": result.repeat,
        "promptvc.output_digest": result.output_digest,
        "promptvc.case_score": None if result.score is None else float(result.score),
        "promptvc.case_passed": result.passed,
    }


def _events(result: CaseResult) -> Iterator[dict[str, Any]]:
    if result.error is not None and not result.grades:
        yield {
            "gen_ai.evaluation.name": "answer",
            "gen_ai.evaluation.explanation": result.error,
            "error.type": "provider",
        }
    for grade in result.grades:
        yield _event(grade)


def _event(grade: GradeLine) -> dict[str, Any]:
    label = None if grade.passed is None else "pass" if grade.passed else "fail"
    return {
        "gen_ai.evaluation.name": grade.metric or grade.name,
        "gen_ai.evaluation.score.value": None if grade.score is None else float(grade.score),
        "gen_ai.evaluation.score.label": label,
        "gen_ai.evaluation.explanation": grade.error or grade.reason or None,
        "error.type": "grader" if grade.error is not None else None,
        "promptvc.assertion": grade.name,
        "promptvc.weight": float(grade.weight),
        "promptvc.measure": grade.measure,
    }


def _line(nanoseconds: str, attributes: dict[str, Any]) -> str:
    errored = attributes.get("error.type") is not None
    record = {
        "timeUnixNano": nanoseconds,
        "observedTimeUnixNano": nanoseconds,
        "severityNumber": _ERROR if errored else _INFO,
        "severityText": "ERROR" if errored else "INFO",
        "eventName": EVENT,
        "attributes": _pairs(attributes),
    }
    resource = {"attributes": _pairs({"service.name": "promptvc"})}
    scope = {"name": "promptvc.evaluation"}
    logs = {"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [record]}]}
    return dumps({"resourceLogs": [logs]}) + "\n"


def _pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """OTLP's list of typed values; what is None has no entry. Whole numbers are texts, as 64 bits are in its JSON."""
    return [{"key": key, "value": _typed(value)} for key, value in attributes.items() if value is not None]


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": encodable(str(value))}
