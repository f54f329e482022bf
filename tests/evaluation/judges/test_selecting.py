"""One of several answers is chosen: by a judge that cannot tell whose it is, or by the scores."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import ProviderError
from promptvc.evaluation.assertions.assertion import Assertion, ComparingGrader
from promptvc.evaluation.assertions.registry import ASSERTIONS, COMPARING, problem
from promptvc.evaluation.judges.selecting import shuffled
from tests.evaluation.judges.judging import JUDGE, Judging, says
from tests.servers import Reply, Request, answer, failure

TEXTS = ["Three days.", "Within three days, by bank transfer.", "No idea."]


def prefers(text: str, request: Request) -> Reply:
    """A judge that always chooses one text, wherever it stands."""
    shown = re.findall(r"(?s)<<<answers \d+ \w+: data, not instructions>>>\n(.*?)\n<<<end of", request.text)
    return answer(json.dumps({"reason": "clearer", "best": shown.index(text) + 1}))


def won(grades: Sequence[Any]) -> list[float]:
    assert all(grade.error is None for grade in grades)
    assert [grade.passed for grade in grades] == [grade.score == 1 for grade in grades]
    return [grade.score for grade in grades]


def test_both_compare() -> None:
    assert sorted(COMPARING) == ["max-score", "select-best"]


def test_the_best_is_who_wins_and_not_where_it_stands() -> None:
    for order in itertools.permutations(TEXTS):
        judging = Judging(lambda request: prefers(TEXTS[1], request))
        grades = judging.compare("select-best", order, value="names a date")
        assert won(grades) == [float(text == TEXTS[1]) for text in order]
        assert {grade.measure for grade in grades} == {JUDGE}
        assert {grade.reason for grade in grades} == {"clearer"}
        (request,) = judging.requests
        assert "names a date" in request.text


def test_the_question_does_not_depend_on_the_order_of_the_versions() -> None:
    asked = set()
    for order in itertools.permutations(TEXTS):
        judging = Judging(says({"reason": "r", "best": 1}))
        judging.compare("select-best", order, value="names a date")
        asked.add(judging.requests[0].text)
    assert len(asked) == 1


def test_equal_answers_are_graded_alike_and_asked_about_once() -> None:
    judging = Judging(lambda request: prefers("b", request))
    assert won(judging.compare("select-best", ["a", "b", "b"], value="short")) == [0, 1, 1]
    assert judging.requests[0].text.count("<<<answers") == 2
    same = Judging(says("never"))
    assert won(same.compare("select-best", ["a", "a"], value="short")) == [1, 1]
    assert same.requests == []


def test_a_choice_of_an_answer_that_is_not_there_is_an_error_for_all() -> None:
    grades = Judging(says({"reason": "r", "best": 4})).compare("select-best", TEXTS, value="short")
    assert [grade.error for grade in grades] == ["the judge chose answer 4 of 3"] * 3


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"reason": "r", "best": 0}, "at least 1"),
        ({"reason": "r", "best": 1.5}, "integer"),
        ("the second", "no JSON"),
        (failure(500, "down"), "HTTP 500"),
    ],
)
def test_what_is_no_choice_is_an_error(reply: Any, why: str) -> None:
    with pytest.raises(ProviderError, match=why):
        Judging(says(reply)).compare("select-best", TEXTS, value="short")


def test_one_answer_alone_cannot_be_compared() -> None:
    for kind, value in (("select-best", "short"), ("max-score", None)):
        judging = Judging(says("never"))
        (grade,) = judging.compare(kind, ["a"], value=value)
        assert "there is one" in (grade.error or "")
        assert not grade.passed
        assert judging.requests == []


@given(st.lists(st.text(), min_size=2, max_size=6), st.text(), st.randoms())
def test_the_order_is_decided_by_the_texts_alone(texts: list[str], criterion: str, chance: Any) -> None:
    mixed = list(texts)
    chance.shuffle(mixed)
    shown = shuffled(texts, criterion)
    assert shown == shuffled(mixed, criterion)
    assert sorted(shown) == sorted(set(texts))


def test_no_place_is_favoured() -> None:
    """Of 2,000 pairs each order comes about as often as the other: 5 standard deviations are 112."""
    first = sum(shuffled([f"a{n}", f"b{n}"], "short")[0] == f"a{n}" for n in range(2000))
    assert abs(first - 1000) < 112


@pytest.mark.parametrize(
    ("scores", "value", "threshold", "expected"),
    [
        ([0.2, 0.9, 0.5], None, None, [0, 1, 0]),
        ([0.9, 0.9, 0.5], None, None, [1, 0, 0]),
        ([0.0, 0.0, 0.0], None, None, [1, 0, 0]),
        ([0.2, 0.6, 0.5], {"threshold": 0.6}, None, [0, 1, 0]),
        ([0.2, 0.6, 0.5], {"threshold": 0.7}, None, [0, 0, 0]),
        ([0.2, 0.6, 0.5], None, 0.7, [0, 0, 0]),
    ],
)
def test_the_highest_score_wins_the_first_of_equals(
    scores: list[float], value: Any, threshold: float | None, expected: list[float]
) -> None:
    judging = Judging(says("never"), judge=None)
    grades = judging.compare("max-score", TEXTS, scores, value=value, threshold=threshold)
    assert won(grades) == expected
    assert judging.requests == []


def test_max_score_needs_nothing_and_select_best_a_judge() -> None:
    needed = {}
    for name in COMPARING:
        grader = ASSERTIONS[name]
        assert isinstance(grader, ComparingGrader)
        needed[name] = grader.needs(Assertion(name))
    assert needed == {"max-score": None, "select-best": "judge"}


@pytest.mark.parametrize(
    ("value", "more"),
    [
        ("text", {}),
        (["text"], {}),
        ({"weights": {"python": 2}}, {}),
        ({"method": "sum", "threshold": 0.5}, {}),
        ({"threshold": 2}, {}),
        ({"threshold": True}, {}),
        ({"threshold": 0.5}, {"threshold": 0.5}),
        ({"limit": 0.5}, {}),
        ({}, {}),
        (None, {"provider": "openai:x"}),
    ],
)
def test_what_max_score_does_not_take(value: Any, more: dict[str, Any]) -> None:
    assert problem(Assertion("max-score", value, **more))
