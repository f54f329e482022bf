"""Results as JSON, JSON lines and CSV: the contract, what is read back, and what a spreadsheet must not run."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.jsonl import parse_json
from promptvc.evaluation.reports.lines import lines
from promptvc.evaluation.reports.report import Report
from promptvc.evaluation.reports.sheet import COLUMNS, guarded, sheet
from promptvc.evaluation.reports.summary import summary_json
from promptvc.evaluation.reports.whole import whole
from promptvc.evidence.fields import Fields
from promptvc.evidence.runs import CaseResult
from tests.evaluation.reports.makers import hostile_report, large_report, report_of, small_report, suite_of

CONTRACT = [
    "name", "version", "score", "passed", "failed", "errored", "cases", "comparison", "latency", "tokens", "cost",
]  # fmt: skip


def table_of(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(sheet(report)), newline="")))


def read_lines(report: Report) -> tuple[dict[str, Any], dict[str, list[CaseResult]]]:
    """The header and the results of both sides, read as a merge reads them."""
    head, *rest = "".join(lines(report)).splitlines()
    found: dict[str, list[CaseResult]] = {"candidate": [], "baseline": []}
    for line in rest:
        fields = Fields(parse_json(line, file="results.jsonl"), file="results.jsonl")
        found[fields.text("side")].append(CaseResult.read(fields))
    return json.loads(head), found


def test_json_begins_with_the_keys_of_the_contract() -> None:
    value = summary_json(small_report())
    assert list(value)[: len(CONTRACT)] == CONTRACT
    assert list(value["comparison"])[:8] == [
        "verdict", "recommendation", "difference", "low", "high", "n", "fixed", "broken",
    ]  # fmt: skip
    assert (value["name"], value["version"], value["score"], value["cases"]) == ("support/triage", 4, 0.5, 5)
    assert value["tokens"] == value["tokens_in"] + value["tokens_out"] == 544
    assert value["baseline"]["version"] == 3
    assert value["quarantined"] == {"aside": "waits for the new mail provider"}
    alone = report_of(suite_of([{"vars": {"n": 1}, "expected": "yes"}]), [[None]])
    value = summary_json(alone)
    assert (value["comparison"], value["baseline"], value["tokens"], value["cost"]) == (
        None,
        None,
        None,
        None,
    )
    assert (value["score"], value["errored"]) == (None, 1)


def test_json_has_every_case_with_both_answers() -> None:
    report = small_report()
    value = json.loads("".join(whole(report)))
    assert {key: value[key] for key in summary_json(report)} == json.loads(json.dumps(summary_json(report)))
    by_case = {case["case"]: case for case in value["results"]}
    assert list(by_case) == [case.id for case in report.cases]
    broken = by_case["broken"]
    assert (broken["score"], broken["score_before"], broken["change"]) == (0.0, 1.0, "broken")
    assert broken["kinds"] == ["broken", "failed", "differing"]
    assert broken["answers"][0]["output"] == "billing"
    assert broken["answers_before"][0]["output"] == "card_fraud"
    assert broken["answers"][0]["grades"][0]["reason"]
    assert by_case["errored"]["error"] == "HTTP 500 from the provider, three times"
    assert by_case["aside"]["quarantined"]
    assert by_case["aside"]["kinds"] == ["quarantined", "differing"]


def test_lines_give_back_every_result_of_both_sides() -> None:
    report = large_report(40)
    head, found = read_lines(report)
    assert (head["kind"], head["format"], head["repeats"], head["of"]) == ("promptvc-results", 1, 3, 40)
    assert head["baseline"]["digest"] == "03" * 20
    assert head["suite"] == report.suite
    assert report.baseline is not None
    assert found == {
        "candidate": list(report.candidate.results),
        "baseline": list(report.baseline.results),
    }
    assert len(found["candidate"]) == 120
    assert any(result.grades for result in found["candidate"])


@given(st.lists(st.text(st.characters(), max_size=20), min_size=1, max_size=6))
def test_any_text_comes_back_from_lines_and_json(texts: list[str]) -> None:
    """Also half of a surrogate pair, which UTF-8 cannot hold."""
    report = hostile_report(texts)
    text = "".join(lines(report))
    text.encode()
    assert text.count("\n") == len(report.candidate.results) * 2 + 1 - _missing(report)
    _, found = read_lines(report)
    kept = [result.to_json() for result in report.candidate.results]
    assert [result.to_json() for result in found["candidate"]] == kept
    whole_text = "".join(whole(report))
    whole_text.encode()
    cases = [case["case"] for case in json.loads(whole_text)["results"]]
    assert cases == [case.id for case in report.cases]


def _missing(report: Report) -> int:
    assert report.baseline is not None
    return len(report.candidate.results) - len(report.baseline.results)


def test_a_sheet_has_a_row_for_each_case() -> None:
    rows = table_of(small_report())
    assert list(rows[0])[: len(COLUMNS)] == list(COLUMNS)
    by_case = {row["case"]: row for row in rows}
    assert by_case["broken"]["kinds"] == "broken failed differing"
    assert (by_case["broken"]["output"], by_case["broken"]["output_before"]) == ("billing", "card_fraud")
    assert by_case["broken"]["failures"] == "equals: 'billing' is not 'card_fraud'"
    assert by_case["errored"]["score"] == ""
    assert by_case["errored"]["error"].startswith("HTTP 500")
    assert json.loads(by_case["fixed"]["vars"]) == {"message": "I was charged twice"}
    assert float(by_case["passed"]["score"]) == 1
    judged = table_of(large_report(40))
    assert {"metric:helpfulness", "metric:safety"} <= set(judged[0])
    assert {row["metric:safety"] for row in judged} <= {"1.0", ""}


def test_a_cell_is_never_a_formula() -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r\n=1", "\x00=1", "＝1+1", "\u00a0-1"):
        assert guarded(text) == "'" + text
    for text in ("1-1", "a=b", "", " ", "user@host", "'=1"):
        assert guarded(text) == text
    assert len(guarded("=" * 100_000)) < 32_768


@given(st.lists(st.one_of(st.text(max_size=20), st.sampled_from("=+-@")), min_size=1, max_size=6))
def test_no_text_of_a_sheet_is_a_formula_or_moves_a_cell(texts: list[str]) -> None:
    report = hostile_report(texts)
    rows = list(csv.reader(io.StringIO("".join(sheet(report)), newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == 9
    numbers = {"score", "score_before", "latency_ms", "cost", "repeats", "passes", "tokens_in", "tokens_out"}
    for row in rows:
        for name, cell in zip(rows[0], row, strict=True):
            if name not in numbers:
                assert cell.strip()[:1] not in set("=+-@")
