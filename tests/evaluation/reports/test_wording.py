"""Numbers in words, texts on one line, and which kinds a case is of."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.plain import dumps, encodable, for_xml, one_line, written
from promptvc.evaluation.reduce import CaseScore
from promptvc.evaluation.reports.figures import (
    chance,
    counted,
    dollars,
    guard_mean,
    guard_words,
    level,
    milliseconds,
    points,
    share,
    tokens,
)
from promptvc.evaluation.reports.kinds import errors_of, failures_of, kinds_by_score, kinds_of, kinds_of_row
from promptvc.evidence.runs import CaseResult, GradeLine
from promptvc.evidence.values import Guard, Tokens
from tests.evaluation.reports.makers import large_report, small_report

PASSED = CaseScore("c", 1.0, passed=True)
FAILED = CaseScore("c", 0.0, passed=False)
ERRORED = CaseScore("c", None, passed=False, error="HTTP 500")


def test_numbers_as_people_read_them() -> None:
    assert [points(value) for value in (0.095, -0.0004, 0.0, -0.2)] == ["+9.5", "0.0", "0.0", "-20.0"]
    assert [level(value) for value in (0.9, 0.95, 0.9994, 0.99998, 1.0)] == [
        "90.0 %", "95.0 %", "99.94 %", "99.998 %", "100 %",
    ]  # fmt: skip
    assert [chance(value) for value in (0.5, 0.0099, 0.00001)] == ["p=0.500", "p=0.0099", "p<0.0001"]
    assert [dollars(value) for value in (None, 0.00012, 1234.5)] == ["unknown", "$0.0001", "$1,234.50"]
    assert [milliseconds(value) for value in (None, 1234.4)] == ["unknown", "1,234 ms"]
    assert [tokens(value) for value in (Tokens(), Tokens(1200, 34))] == ["unknown", "1,200 in, 34 out"]
    assert [counted(n, "case") for n in (0, 1, 1200)] == ["0 cases", "1 case", "1,200 cases"]
    assert share(None) == "-"


def test_a_guard_in_words_and_units() -> None:
    safety = Guard(
        "safety", holds=False, difference=-0.05, low=-0.09, margin=0.02, baseline=1.0, candidate=0.95
    )
    assert guard_words(safety) == "does not hold: -5.0 points, lower bound -9.0, allowed -2.0"
    assert guard_mean(safety, safety.candidate) == "0.950"
    latency = Guard("latency", holds=True, difference=0.1, margin=0.2, extra={"untouched": True})
    assert guard_words(latency) == "holds: +10.0 %, no case got worse"
    assert guard_mean(latency, 1200.0) == "1,200 ms"
    assert guard_words(Guard("cost", holds=False, margin=0.1)) == "does not hold: not known of every case"
    assert guard_mean(Guard("cost", holds=False), None) == "unknown"


@pytest.mark.parametrize(
    ("score", "before", "options", "kinds"),
    [
        (PASSED, None, {}, ("passed",)),
        (FAILED, None, {"flaky": True}, ("failed", "flaky")),
        (FAILED, PASSED, {"differs": True}, ("broken", "failed", "differing")),
        (PASSED, FAILED, {"differs": True, "flaky": True}, ("flaky", "differing", "fixed", "passed")),
        (ERRORED, PASSED, {"differs": True}, ("errored",)),
        (PASSED, ERRORED, {}, ("errored", "passed")),
        (FAILED, ERRORED, {}, ("errored", "failed")),
        (FAILED, PASSED, {"quarantined": True, "differs": True}, ("quarantined", "differing")),
        (ERRORED, None, {"quarantined": True, "flaky": True}, ("quarantined", "flaky")),
    ],
)
def test_the_kinds_of_a_case(
    score: CaseScore, before: CaseScore | None, options: dict[str, bool], kinds: tuple[str, ...]
) -> None:
    assert kinds_of(score, before, **{"flaky": False, "quarantined": False, **options}) == kinds


def test_the_scores_tell_the_kinds_that_the_answers_tell() -> None:
    for report in (small_report(), large_report(60)):
        rows = [tuple(kind for kind in kinds_of_row(row) if kind != "differing") for row in report.rows()]
        assert list(kinds_by_score(report)) == rows


def test_why_a_case_failed_is_said_once_and_without_what_only_measures() -> None:
    grades = (
        GradeLine("equals", 0.0, passed=False, reason="'a' is not 'b'"),
        GradeLine("contains", 1.0, passed=True, reason="found"),
        GradeLine("latency", 0.0, passed=False, weight=0, reason="too slow"),
        GradeLine("regex", None, passed=None, error="no pattern"),
        GradeLine("is-json", 0.0, passed=False),
    )
    one = CaseResult("c", 0.3, passed=False, grades=grades)
    old = CaseResult("c", 0.3, passed=False, repeat=1, error="HTTP 500", extra={"failures": ["equals: kept"]})
    assert failures_of([one, one]) == ("equals: 'a' is not 'b'", "is-json")
    assert failures_of([one, old])[-1] == "equals: kept"
    assert errors_of([one, old, old]) == ("HTTP 500",)


@given(st.text(st.characters(), max_size=200), st.integers(2, 60))
def test_a_text_on_one_line_is_short_and_seen(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert not any(unicodedata.category(one) in {"Cc", "Cs"} or one in "\u202e\u2028\n" for one in line)
    line.encode()
    if len(" ".join(text.split())) > limit:
        assert line.endswith("…")


@given(st.text(st.characters(), max_size=50))
def test_texts_are_fit_for_what_holds_them(text: str) -> None:
    encodable(text).encode()
    line = dumps({"text": text})
    line.encode()
    assert len(line.splitlines()) == 1
    assert len(for_xml(text)) == len(text)
    if text.isascii() and text.isprintable():
        assert encodable(text) == for_xml(text) == text


def test_values_of_a_suite_as_text() -> None:
    assert [written(value) for value in (None, "a", 1, True, {"é": [1]})] == [
        "",
        "a",
        "1",
        "true",
        '{"é": [1]}',
    ]
