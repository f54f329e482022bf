"""OpenTelemetry events: one log record a grade, named as the conventions name it."""

from __future__ import annotations

import json
from typing import Any

from promptvc.evaluation.reports.report import Report
from promptvc.evaluation.reports.telemetry import telemetry
from tests.evaluation.reports.makers import (
    ENDED,
    hostile_report,
    large_report,
    report_of,
    small_report,
    suite_of,
)


def records(report: Report) -> list[dict[str, Any]]:
    """The log records, each of a line of its own, in the shape that OTLP/JSON gives them."""
    found = []
    for line in "".join(telemetry(report)).splitlines():
        line.encode()
        [resource] = json.loads(line)["resourceLogs"]
        assert resource["resource"]["attributes"] == [
            {"key": "service.name", "value": {"stringValue": "promptvc"}}
        ]
        [scope] = resource["scopeLogs"]
        [record] = scope["logRecords"]
        found.append(record)
    return found


def attributes(record: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for pair in record["attributes"]:
        [(kind, value)] = pair["value"].items()
        assert kind in {"stringValue", "doubleValue", "boolValue", "intValue"}
        assert isinstance(value, {"doubleValue": float, "boolValue": bool}.get(kind, str))
        values[pair["key"]] = value
    assert len(values) == len(record["attributes"]), "a key is given once"
    return values


def test_a_grade_is_one_event() -> None:
    found = records(small_report())
    assert {record["eventName"] for record in found} == {"gen_ai.evaluation.result"}
    assert {record["timeUnixNano"] for record in found} == {str(int(ENDED.timestamp()) * 10**9)}
    told = [attributes(record) for record in found]
    [broken] = [
        one for one in told if (one["promptvc.case"], one["promptvc.side"]) == ("broken", "candidate")
    ]
    assert broken["gen_ai.evaluation.name"] == "equals"
    assert broken["gen_ai.evaluation.score.value"] == 0.0
    assert broken["gen_ai.evaluation.score.label"] == "fail"
    assert broken["gen_ai.evaluation.explanation"] == "'billing' is not 'card_fraud'"
    assert broken["gen_ai.prompt.name"] == "support/triage"
    assert broken["gen_ai.prompt.version"] == "4"
    assert broken["promptvc.repeat"] == "0"
    sides = [one["promptvc.side"] for one in told]
    assert (sides.count("candidate"), sides.count("baseline")) == (6, 6)


def test_an_answer_that_never_came_is_an_error_and_no_score() -> None:
    [lost] = [record for record in records(small_report()) if record["severityText"] == "ERROR"]
    told = attributes(lost)
    assert (told["gen_ai.evaluation.name"], told["error.type"]) == ("answer", "provider")
    assert "gen_ai.evaluation.score.value" not in told
    assert "gen_ai.evaluation.score.label" not in told


def test_a_judged_metric_says_who_judged() -> None:
    told = [attributes(record) for record in records(large_report(20))]
    [said, *_] = [one for one in told if one["gen_ai.evaluation.name"] == "helpfulness"]
    assert said["promptvc.assertion"] == "llm-rubric"
    assert said["promptvc.measure"] == "openai:gpt-4.1"
    assert said["promptvc.weight"] == 0.0


def test_a_grader_that_failed_is_an_error_of_its_own() -> None:
    told = [attributes(record) for record in records(hostile_report(["x\ud800"]))]
    failed = [one for one in told if one.get("error.type") == "grader"]
    assert failed
    assert all(one["gen_ai.evaluation.explanation"] == "x\ufffd" for one in failed)
    assert all("gen_ai.evaluation.score.label" in one for one in told if "error.type" not in one)


def test_content_without_a_number_has_no_version() -> None:
    report = report_of(suite_of([{"vars": {"n": 1}, "expected": "yes"}]), [["yes"]])
    unnumbered = report_of(
        suite_of([{"vars": {"n": 1}, "expected": "yes"}]), [["yes"]], candidate=_without_number(report)
    )
    assert all("gen_ai.prompt.version" not in attributes(record) for record in records(unnumbered))


def _without_number(report: Report) -> object:
    side = report.candidate
    return type(side)(None, side.digest, side.model, side.totals, side.scores, side.results)
