"""From answers to scores: weights, thresholds, metrics, errors, repeats."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.suite import Case
from promptvc.evaluation.grade import grade_outcome
from promptvc.evaluation.reduce import reduce_repeats
from promptvc.evaluation.running.tasks import Outcome
from promptvc.evidence.runs import CaseResult
from promptvc.models.messages import Completion


def case(*assertions: Assertion, threshold: float | None = None) -> Case:
    return Case("c", 1, {}, assertions, threshold=threshold)


def outcome(text: str, cost: float | None = None, repeat: int = 0) -> Outcome:
    return Outcome("c", repeat, Completion(text, 10, 3, cost, 40.0, "stop"))


RIGHT = Assertion("contains", "a")
WRONG = Assertion("contains", "z", weight=3)


def test_the_score_is_the_mean_by_weight_and_all_must_pass() -> None:
    result = grade_outcome(case(RIGHT, WRONG), outcome("abc"))
    assert (result.score, result.passed, result.error) == (0.25, False, None)
    assert result.extra["failures"] == ["contains: 'abc' does not contain 'z'"]
    assert (result.output, result.latency_ms, result.cost) == ("abc", 40.0, None)
    assert (result.tokens.input, result.tokens.output) == (10, 3)


@pytest.mark.parametrize(("threshold", "passed"), [(0.25, True), (0.26, False), (0.0, True)])
def test_a_threshold_lets_a_case_pass_in_part(threshold: float, *, passed: bool) -> None:
    assert grade_outcome(case(RIGHT, WRONG, threshold=threshold), outcome("abc")).passed == passed


def test_a_threshold_is_reached_whatever_floating_point_does() -> None:
    parts = case(
        Assertion("contains", "a", weight=0.3), Assertion("contains", "z", weight=0.1), threshold=0.75
    )
    result = grade_outcome(parts, outcome("abc"))
    assert result.score == 0.7499999999999999
    assert result.passed


def test_an_errored_grader_is_an_error_also_when_negated() -> None:
    for kind in ("cost", "not-cost"):
        result = grade_outcome(case(RIGHT, Assertion(kind, threshold=1.0)), outcome("abc"))
        assert (result.score, result.passed) == (None, None)
        assert result.error == f"{kind}: the cost of this call is unknown"
        assert result.output == "abc"


def test_an_errored_task_is_an_errored_case() -> None:
    result = grade_outcome(case(RIGHT), Outcome("c", 2, None, "timed out", "try later"))
    assert (result.repeat, result.score, result.passed, result.error) == (2, None, None, "timed out")


def test_weight_nothing_is_a_metric_only() -> None:
    fast = Assertion("latency", threshold=1.0, weight=0, metric="fast")
    dear = Assertion("cost", threshold=1.0, weight=0, metric="cheap")
    result = grade_outcome(case(RIGHT, fast, dear), outcome("abc"))
    assert (result.score, result.passed, result.error) == (1.0, True, None)
    assert result.metrics == {"fast": 0.0}


def test_metrics_are_means_by_weight() -> None:
    parts = (
        Assertion("contains", "a", weight=1, metric="safety"),
        Assertion("contains", "z", weight=3, metric="safety"),
        Assertion("contains", "b", metric="tone"),
    )
    assert grade_outcome(case(*parts), outcome("abc")).metrics == {"safety": 0.25, "tone": 1.0}


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 100)), min_size=1))
def test_scores_are_shares(parts: list[tuple[bool, float]]) -> None:
    assertions = [Assertion("contains", "a" if holds else "z", weight=weight) for holds, weight in parts]
    result = grade_outcome(case(*assertions), outcome("abc"))
    opposite = grade_outcome(
        case(*(Assertion("not-contains", each.value, weight=each.weight) for each in assertions)),
        outcome("abc"),
    )
    assert result.score is not None
    assert opposite.score is not None
    assert 0 <= result.score <= 1
    assert result.passed == all(holds for holds, _ in parts)
    assert result.score + opposite.score == pytest.approx(1)


def results(scores: Sequence[float | None], name: str = "c") -> list[CaseResult]:
    return [
        CaseResult(
            name,
            score,
            None if score is None else score == 1,
            repeat=repeat,
            error="lost" if score is None else None,
            output=f"answer {repeat}",
            latency_ms=10.0 * (repeat + 1),
            cost=0.5,
            metrics={"safety": 1.0},
        )
        for repeat, score in enumerate(scores)
    ]


def test_repeats_are_averaged_and_must_all_pass() -> None:
    (score,) = reduce_repeats(results([1.0, 0.0, 1.0]), {"c": "user 7"})
    assert score.score == pytest.approx(2 / 3)
    assert (score.passed, score.repeats, score.cluster) == (False, 3, "user 7")
    assert (score.latency_ms, score.cost, score.metrics) == (20.0, 0.5, {"safety": 1.0})
    assert reduce_repeats(results([1.0, 1.0]))[0].passed


def test_one_errored_repeat_makes_the_case_errored() -> None:
    (score,) = reduce_repeats(results([1.0, None]))
    assert (score.score, score.passed, score.error) == (None, False, "lost")


def test_a_repeat_there_twice_is_not_averaged_away() -> None:
    scores = reduce_repeats(results([1.0]) + results([0.0]) + results([1.0], "d"))
    assert [(score.case, score.score) for score in scores] == [("c", 1.0), ("c", 0.0), ("d", 1.0)]
