"""Reports: the contract's keys, the words, and the cases that changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from promptvc.evaluation.cases.suite import Suite, load_suite
from promptvc.evaluation.compare import CompareOptions, Comparison, compare
from promptvc.evaluation.grade import grade_outcome
from promptvc.evaluation.reduce import CaseScore, reduce_repeats
from promptvc.evaluation.reports.report import Calibration, Judging, Quality, Rating, Report
from promptvc.evaluation.reports.summary import comparison_json, summary_json
from promptvc.evaluation.reports.terminal import (
    beside_lines,
    changed_cases,
    comparison_lines,
    error_lines,
    failed_cases,
    totals_lines,
    verdict_line,
)
from promptvc.evaluation.running.tasks import Outcome
from promptvc.evaluation.totals import Tally
from promptvc.evidence.runs import CaseResult, Totals
from promptvc.evidence.values import Tokens
from promptvc.models.messages import Completion
from tests.evaluation.reports.makers import report_of

SUITE = load_suite(
    b"cases:\n" + b"".join(b"- {id: q%d, vars: {m: '%d'}, expected: yes}\n" % (n, n) for n in range(5)),
    file="evaluation/yes.yaml",
)


def run(answers: Sequence[str | None], suite: Suite = SUITE, cost: float | None = 0.001) -> list[CaseResult]:
    """Grade one answer a case; None is a provider that failed."""
    return [
        grade_outcome(
            case,
            Outcome(case.id, 0, None, "HTTP 500")
            if text is None
            else Outcome(case.id, 0, Completion(text, 10, 2, cost, 100.0 * (position + 1), "stop")),
        )
        for position, (case, text) in enumerate(zip(suite.cases, answers, strict=True))
    ]


def answered(after: Sequence[str | None], before: Sequence[str | None] | None = None) -> Report:
    """A report of the suite, each case answered once."""
    return report_of(
        SUITE, [[text] for text in after], None if before is None else [[text] for text in before]
    )


def totals_of(results: Sequence[CaseResult]) -> Totals:
    tally = Tally()
    for result in results:
        tally.add(result)
    return tally.totals(reduce_repeats(results))


def scores(passing: int, n: int, prefix: str = "c") -> list[CaseScore]:
    return [CaseScore(f"{prefix}{k}", float(k < passing), k < passing) for k in range(n)]


def improvement(options: CompareOptions | None = None) -> Comparison:
    return compare(scores(190, 200), scores(165, 200), options)


def test_the_totals_of_a_run() -> None:
    results = run(["yes", "no", "yes", None, "yes"])
    totals = totals_of(results)
    assert totals.score == 0.75
    assert (totals.cases, totals.passed, totals.failed, totals.errored) == (5, 3, 1, 1)
    assert (totals.tokens.input, totals.tokens.output) == (40, 8)
    assert totals.cost == pytest.approx(0.004)
    assert totals.latency_p50 == pytest.approx(250)
    assert totals.latency_p95 == pytest.approx(470)
    assert totals_lines(totals) == (
        "score 0.750: 3 of 5 passed, 1 failed, 1 errored",
        "latency p50 250 ms, p95 470 ms; tokens 40 in, 8 out; cost $0.0040",
    )


def test_unknown_is_not_nothing() -> None:
    results = run(["yes"] * 4 + ["no"], cost=None)
    assert totals_of(results).cost is None
    none = run([None] * 5)
    totals = totals_of(none)
    assert (totals.score, totals.cost, totals.tokens.input, totals.latency_p50) == (None, None, None, None)
    assert totals_lines(totals) == (
        "no score: 0 of 5 passed, 0 failed, 5 errored",
        "tokens unknown; cost unknown",
    )


def test_json_has_the_contracts_keys() -> None:
    report = answered(["yes", "no", "yes", "yes", "yes"], ["no", "no", "yes", "yes", "yes"])
    value = json.loads(json.dumps(summary_json(report), allow_nan=False))
    assert list(value)[:11] == [
        "name", "version", "score", "passed", "failed", "errored", "cases", "comparison", "latency", "tokens", "cost",
    ]  # fmt: skip
    assert list(value["comparison"])[:8] == [
        "verdict", "recommendation", "difference", "low", "high", "n", "fixed", "broken",
    ]  # fmt: skip
    assert (value["score"], value["cases"], value["comparison"]["fixed"]) == (0.8, 5, ["q0"])
    assert summary_json(answered(["yes"] * 5))["comparison"] is None


def test_an_incomparable_comparison_is_json_too() -> None:
    comparison = compare(scores(1, 2), scores(1, 3))
    value = json.loads(json.dumps(comparison_json(comparison), allow_nan=False))
    assert value["difference"] is None
    assert value["n"] == 0
    assert verdict_line(comparison) == "incomparable: on one side only: c2"


def test_verdicts_in_words() -> None:
    assert verdict_line(improvement()) == (
        "improvement: 0.825 -> 0.950 (+12.5 points, 90.0 % interval +8.3 .. +16.7, n=200, p<0.0001)"
    )
    worse = compare(scores(40, 60), scores(50, 60), CompareOptions(provisional=True))
    assert verdict_line(worse).startswith("regression (provisional): 0.833 -> 0.667 (-16.7 points, ")
    assert verdict_line(worse).endswith("n=60, p=0.0010)")
    late = compare(scores(190, 200), scores(165, 200), CompareOptions(alpha=0.00001))
    assert "99.998 % interval" in verdict_line(late)
    clustered = [CaseScore(f"c{n}", 1.0, passed=True, cluster=f"u{n // 4}") for n in range(40)]
    assert "n=40 in 10 clusters" in verdict_line(compare(clustered, clustered))


def test_an_inconclusive_comparison_says_what_would_decide() -> None:
    lines = comparison_lines(compare(scores(47, 50), scores(44, 50)))
    assert lines[0].startswith("inconclusive: 0.880 -> 0.940 (+6.0 points")
    assert lines[1].startswith("about ")
    assert lines[1].endswith(" more cases like these would decide, with a chance of 80 %")
    assert lines[2].startswith("power: so many cases find a true difference of ")
    assert lines[-1].startswith("recommendation: test_more (")


def test_guards_removed_and_errored_cases_are_listed() -> None:
    candidate, baseline = scores(190, 200), scores(165, 200)
    candidate[0] = CaseScore("c0", None, passed=False, error="lost")
    options = CompareOptions(guards={"cost": 0.1})
    lines = comparison_lines(compare(candidate, baseline, options, removed=["old"]))
    assert lines[1].startswith("power: ")
    assert lines[2:] == (
        "guard cost does not hold: not known of every case",
        "removed: old",
        "errored: c0",
        "recommendation: hold (better, but cost is not known of every case)",
    )
    measured = [
        CaseScore(f"c{n}", 1.0, True, latency_ms=100.0 + n % 7, metrics={"safety": 1.0}) for n in range(80)
    ]
    slower = [
        CaseScore(f"c{n}", 1.0, True, latency_ms=110.0 + n % 5, metrics={"safety": 1.0}) for n in range(80)
    ]
    guards = comparison_lines(compare(slower, measured, CompareOptions(guards={"latency": 0.2})))
    assert guards[1].startswith("power: ")
    assert guards[2] == "guard latency holds: -8.8 %, lower bound -9.5, allowed -20.0"
    assert guards[3] == "guard safety holds: 0.0 points, no case got worse"


def test_changed_cases_show_both_answers_on_one_line() -> None:
    before = ["yes", "no", "yes", "no\nreally " + "x" * 200, "yes"]
    report = answered(["yes", "yes", "no", "yes", "yes"], before)
    changed = changed_cases(report.rows(), {"broken": 9, "fixed": 9})
    assert [(each.case, each.change, each.expected) for each in changed] == [
        ("q2", "broken", "yes"),
        ("q1", "fixed", "yes"),
        ("q3", "fixed", "yes"),
    ]
    assert (changed[0].before, changed[0].after) == ("yes", "no")
    assert changed[2].before is not None
    assert changed[2].before.startswith("no really xxx")
    assert len(changed[2].before) == 80
    assert [each.case for each in changed_cases(report.rows(), {"broken": 1, "fixed": 1})] == ["q2", "q1"]


def test_failed_cases_say_what_was_expected() -> None:
    report = answered(["yes", "no", None, "maybe", "yes"])
    assert [str(each) for each in failed_cases(report.rows(), 5)] == [
        "failed q1: answered no, expected yes",
        "failed q3: answered maybe, expected yes",
    ]
    assert len(failed_cases(report.rows(), 1)) == 1
    assert error_lines(report) == ("1 case errored; the first, q2: HTTP 500 from the provider, three times",)


def test_what_stands_beside_the_scores() -> None:
    report = answered(["yes"] * 5)
    beside = replace(
        report,
        qualities=(Quality("coherence", 0.9, "lexical", 5), Quality("safety", 1.0, "lexical", 5)),
        ratings=(Rating(report.version, 0.61, 40), Rating(99, 0.1, 3)),
        repeats=3,
        flaky=("q1", "q2", "q3", "q4"),
        judging=Judging("openai:judge", "d", {"llm-rubric": 1}, 12, 3, Tokens(1200, 34), 0.05),
        calibrations=(Calibration("openai:judge", "safety", 41, 0.9, 0.77, 0.96, 0.71, 0.7, {}),),
    )
    assert beside_lines(beside) == (
        "coherence 0.90, safety 1.00 (lexical, of 5 answers)",
        f"users rate {report.candidate.label} 0.61 (n=40)",
        "3 repeats, mean; flaky: q1, q2, q3 and 1 more",
        "judged by openai:judge: 12 calls, 3 from the cache, 1,234 tokens, $0.0500",
        "judge openai:judge on safety: agrees with people in 90% of 41 answers, kappa 0.71",
    )
    assert beside_lines(report) == ("graded without a model, a network or a key",)
