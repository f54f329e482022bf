"""Repeats brought together: the laws of the reducers, and the two chances against counting every draw."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import Usage
from promptvc.evaluation.reduce import (
    MEAN,
    CaseScore,
    Reducer,
    parse_reducer,
    pass_at_k,
    pass_k,
    reduce_case,
    reduce_repeats,
)
from promptvc.evidence.runs import CaseResult

outcomes = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), min_size=1, max_size=8)


def repeats(of: Sequence[tuple[float | None, bool | None]], case: str = "c") -> list[CaseResult]:
    return [CaseResult(case, score, passed, repeat=n) for n, (score, passed) in enumerate(of)]


def passes(*of: int, reducer: str = "mean") -> CaseScore:
    return reduce_case(repeats([(float(one), bool(one)) for one in of]), None, parse_reducer(reducer))


@pytest.mark.parametrize(
    ("reducer", "of", "score", "passed"),
    [
        ("mean", (1, 1, 0), 2 / 3, False),
        ("mean", (1, 1, 1), 1, True),
        ("median", (1, 1, 0), 1, True),
        ("median", (1, 0), 0.5, False),
        ("mode", (1, 0, 1), 1, True),
        ("mode", (1, 0), 0, False),
        ("max", (0, 0, 1), 1, True),
        ("max", (0, 0), 0, False),
        ("pass_at_k:2", (1, 0, 0), 2 / 3, False),
        ("pass_at_k:2", (1, 1, 0), 1, True),
        ("pass_k:2", (1, 1, 0), 1 / 3, False),
        ("pass_k:2", (1, 1, 1), 1, True),
        ("at_least_k:2", (1, 1, 0), 1, True),
        ("at_least_k:2", (1, 0, 0), 0, False),
    ],
)
def test_what_each_reducer_makes_of_passes(
    reducer: str, of: tuple[int, ...], score: float, *, passed: bool
) -> None:
    found = passes(*of, reducer=reducer)
    assert found.score == pytest.approx(score)
    assert found.passed is passed
    assert (found.passes, found.repeats) == (sum(of), len(of))


@given(st.integers(1, 9), st.data())
def test_the_chances_are_those_of_drawing_k_repeats(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    drawn = list(itertools.combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(any(one) for one in drawn) / len(drawn))
    assert pass_k(n, c, k) == pytest.approx(sum(all(one) for one in drawn) / len(drawn))


@given(
    outcomes, st.sampled_from(["mean", "median", "mode", "max", "pass_at_k:1", "pass_k:1", "at_least_k:1"])
)
def test_the_order_of_repeats_does_not_matter_and_a_score_is_a_score(
    of: list[tuple[float, bool]], name: str
) -> None:
    reducer = parse_reducer(name)
    found = reduce_case(repeats(of), None, reducer)
    assert found == reduce_case(repeats(of[::-1]), None, reducer)
    assert found.score is not None
    assert 0 <= found.score <= 1
    if all(passed for _, passed in of):
        assert found.passed
    if not any(passed for _, passed in of):
        assert not found.passed


@given(outcomes)
def test_harder_reducers_pass_less(of: list[tuple[float, bool]]) -> None:
    n = len(of)
    by_k = [reduce_case(repeats(of), None, Reducer("at_least_k", k)).passed for k in range(1, n + 1)]
    assert by_k == sorted(by_k, reverse=True)
    at_k = [reduce_case(repeats(of), None, Reducer("pass_at_k", k)).score or 0 for k in range(1, n + 1)]
    all_k = [reduce_case(repeats(of), None, Reducer("pass_k", k)).score or 0 for k in range(1, n + 1)]
    assert at_k == sorted(at_k)
    assert all_k == sorted(all_k, reverse=True)
    assert at_k[0] == pytest.approx(all_k[0])
    mean = reduce_case(repeats(of), None, MEAN)
    best = reduce_case(repeats(of), None, Reducer("max"))
    assert best.score is not None
    assert mean.score is not None
    assert mean.score <= best.score
    assert mean.passed <= best.passed


@given(st.sampled_from([0.0, 0.5, 1.0]), st.booleans(), st.sampled_from(["mean", "median", "mode", "max"]))
def test_one_repeat_is_what_it_is(score: float, passed: bool, name: str) -> None:
    (result,) = repeats([(score, passed)])
    found = reduce_case([result], "u7", parse_reducer(name))
    assert (found.score, found.passed, found.cluster, found.repeats) == (score, passed, "u7", 1)


def test_one_errored_repeat_leaves_no_score() -> None:
    for name in ("mean", "max", "pass_at_k:2"):
        found = reduce_case(
            [CaseResult("c", 1.0, True), CaseResult("c", None, None, repeat=1, error="lost")],
            None,
            parse_reducer(name),
        )
        assert (found.score, found.passed, found.error, found.passes) == (None, False, "lost", 1)
    assert reduce_case([CaseResult("c", None, None)]).error == "no score"


def test_a_case_with_too_few_repeats_is_errored() -> None:
    found = passes(1, reducer="pass_k:2")
    assert (found.score, found.passed) == (None, False)
    assert found.error == "1 of the 2 repeats that pass_k:2 asks for"


def test_metrics_latency_and_cost_are_means_whatever_the_reducer() -> None:
    results = [
        CaseResult("c", 1.0, True, latency_ms=10, cost=0.5, metrics={"tone": 1.0, "once": 1.0}),
        CaseResult("c", 0.0, False, repeat=1, latency_ms=20, cost=1.0, metrics={"tone": 0.0}),
    ]
    found = reduce_case(results, None, Reducer("max"))
    assert (found.score, found.latency_ms, found.cost, found.metrics) == (1.0, 15, 0.75, {"tone": 0.5})
    unknown = reduce_case([results[0], CaseResult("c", 0.0, False, repeat=1)])
    assert (unknown.latency_ms, unknown.cost) == (None, None)


@given(st.randoms(use_true_random=False))
def test_a_case_is_the_same_alone_and_among_others(source: random.Random) -> None:
    cases = {
        name: repeats([(source.random(), source.random() < 0.5) for _ in range(3)], name) for name in "abcd"
    }
    together = [result for group in zip(*cases.values(), strict=True) for result in group]
    scores = reduce_repeats(together, {"b": "u1"}, MEAN)
    assert [score.case for score in scores] == list("abcd")
    for score in scores:
        assert score == reduce_case(cases[score.case], "u1" if score.case == "b" else None)


def test_a_repeat_that_is_there_twice_stands_by_itself() -> None:
    scores = reduce_repeats([*repeats([(1.0, True)]), *repeats([(0.0, False)]), *repeats([(1.0, True)], "d")])
    assert [(score.case, score.score) for score in scores] == [("c", 1.0), ("c", 0.0), ("d", 1.0)]


@pytest.mark.parametrize(
    "text", ["mean", "median", "mode", "max", "pass_at_k:2", "pass_k:10", "at_least_k:1"]
)
def test_a_reducer_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_reducer(text)) == text


@pytest.mark.parametrize(
    "text", ["", "average", "mean:2", "pass_k", "pass_k:0", "pass_k:-1", "pass_k:two", "pass_k:²"]
)
def test_what_is_no_reducer(text: str) -> None:
    with pytest.raises(Usage) as caught:
        parse_reducer(text)
    assert caught.value.hint is not None


def test_k_is_held_against_the_repeats() -> None:
    parse_reducer("pass_k:3").check(3)
    MEAN.check(1)
    with pytest.raises(Usage, match="asks for 3 of 2 repeats") as caught:
        parse_reducer("pass_k:3").check(2)
    assert caught.value.hint is not None
    assert "--repeat 3" in caught.value.hint
