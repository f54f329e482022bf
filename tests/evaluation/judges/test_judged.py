"""What each assertion that a judge grades makes of the judge's word, and of no usable word at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from promptvc.base.errors import ProviderRefused
from promptvc.evaluation.assertions.assertion import NEGATION, Assertion, JudgedGrader
from promptvc.evaluation.assertions.registry import ASSERTIONS, problem
from promptvc.evaluation.cases.suite import load_suite
from tests.evaluation.judges.judging import JUDGE, QUESTION, TEXT, Judging, says
from tests.servers import Reply, failure

CONTEXT = {
    "context": [
        "The second charge was an error. It is paid back in three days.",
        "We sell boxes. Boxes are blue.",
    ]
}
ITS_QUESTION = {"question": QUESTION}


def verdict(**said: Any) -> dict[str, Any]:
    return {"reason": "because", **said}


def claims(*supported: bool) -> dict[str, Any]:
    return {"claims": [{"claim": f"claim {at}", "supported": one} for at, one in enumerate(supported)]}


def statements(*attributed: bool) -> dict[str, Any]:
    return {
        "statements": [{"statement": f"line {at}", "attributed": one} for at, one in enumerate(attributed)]
    }


STEPS = {"steps": ["Read the answer.", "Look for the date."]}

# type, value, what the judge says, threshold, whether it holds, score
TABLE: list[tuple[str, Any, list[Any], float | None, bool, float]] = [
    ("llm-rubric", "is polite", [verdict(score=0.9, **{"pass": True})], None, True, 0.9),
    ("llm-rubric", "is polite", [verdict(score=0.9, **{"pass": False})], None, False, 0.9),
    ("llm-rubric", "is polite", [verdict(score=0.2, **{"pass": True})], None, True, 0.2),
    ("llm-rubric", "is polite", [verdict(score=0.6, **{"pass": True})], 0.7, False, 0.6),
    ("llm-rubric", "is polite", [verdict(score=0.7, **{"pass": True})], 0.7, True, 0.7),
    ("llm-rubric", "is polite", [verdict(score=0.8, **{"pass": False})], 0.7, False, 0.8),
    ("g-eval", "names a date", [STEPS, verdict(score=7)], None, True, 0.7),
    ("g-eval", "names a date", [STEPS, verdict(score=6.9)], None, False, 0.69),
    ("g-eval", "names a date", [STEPS, verdict(score=3)], 0.3, True, 0.3),
    ("g-eval", ["a date", "a name"], [STEPS, verdict(score=10), STEPS, verdict(score=2)], None, False, 0.6),
    ("g-eval", ["a date", "a name"], [STEPS, verdict(score=10), STEPS, verdict(score=5)], 0.75, True, 0.75),
    ("factuality", "billed twice", [verdict(category="A")], None, True, 1.0),
    ("factuality", "billed twice", [verdict(category="B")], None, True, 1.0),
    ("factuality", "billed twice", [verdict(category="C")], None, True, 1.0),
    ("factuality", "billed twice", [verdict(category="D")], None, False, 0.0),
    ("factuality", "billed twice", [verdict(category="E")], None, True, 1.0),
    ("model-graded-closedqa", "names a date", [verdict(verdict="Y")], None, True, 1.0),
    ("model-graded-closedqa", "names a date", [verdict(verdict="N")], None, False, 0.0),
    ("answer-relevance", None, [ITS_QUESTION], 0.9, True, 1.0),
    ("answer-relevance", None, [{"question": "Where is Lima?"}], None, True, 0.0),
    ("answer-relevance", None, [{"question": "Where is Lima?"}], 0.1, False, 0.0),
    ("answer-relevance", None, [ITS_QUESTION, {"question": "Is Lima big?"}, ITS_QUESTION], 0.66, True, 2 / 3),
    ("context-faithfulness", None, [claims(True, True, False, False)], None, True, 0.5),
    ("context-faithfulness", None, [claims(True, True, False, False)], 0.6, False, 0.5),
    ("context-faithfulness", None, [claims()], 1.0, True, 1.0),
    ("context-recall", "It is paid back.", [statements(True, False)], None, True, 0.5),
    ("context-recall", "It is paid back.", [statements(True, False)], 0.51, False, 0.5),
    ("context-recall", "It is paid back.", [statements(True)], 1.0, True, 1.0),
    ("context-relevance", None, [{"relevant": [2]}], None, True, 0.25),
    ("context-relevance", None, [{"relevant": [1, 2]}], 0.6, False, 0.5),
    ("context-relevance", None, [{"relevant": []}], 0.1, False, 0.0),
    ("classifier", "Complaint", [{"scores": {"complaint": 0.6, "praise": 0.4}}], None, True, 0.6),
    ("classifier", "complaint", [{"scores": {"complaint": 0.4}}], None, False, 0.4),
    ("classifier", "complaint", [{"scores": {"complaint": 0.4}}], 0.3, True, 0.4),
    ("moderation", None, [verdict(flagged=[])], None, True, 1.0),
    ("moderation", None, [verdict(flagged=["hate"])], None, False, 0.0),
    ("moderation", ["spam"], [verdict(flagged=["Spam"])], None, False, 0.0),
    ("is-refusal", None, [verdict(refusal=True)], None, True, 1.0),
    ("is-refusal", None, [verdict(refusal=False)], None, False, 0.0),
]  # fmt: skip
FIRST = {kind: (kind, value, said) for kind, value, said, _, _, _ in reversed(TABLE)}
JUDGED = sorted(FIRST)


def test_the_table_knows_every_assertion_that_needs_a_judge() -> None:
    asking = {name for name, grader in ASSERTIONS.items() if isinstance(grader, JudgedGrader)}
    assert asking == {*JUDGED, "similar", "python"}


@pytest.mark.parametrize(("kind", "value", "said", "threshold", "holds", "score"), TABLE)
def test_a_verdict_becomes_a_grade_and_its_negation(
    kind: str, value: Any, said: list[Any], threshold: float | None, holds: bool, score: float
) -> None:
    plain = Judging(says(*said)).grade(kind, value, threshold=threshold, vars=CONTEXT)
    assert plain.error is None
    assert plain.passed is holds
    assert plain.score == pytest.approx(score, abs=1e-3)
    assert (plain.measure or "").startswith(JUDGE)
    opposite = Judging(says(*said)).grade(NEGATION + kind, value, threshold=threshold, vars=CONTEXT)
    assert opposite.passed is not holds
    assert opposite.score == pytest.approx(1 - score, abs=1e-3)


@pytest.mark.parametrize(("kind", "value", "said"), FIRST.values(), ids=FIRST)
@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ('Sure! {"reason": "fine", "score": 1, "pass": true}', "no JSON"),
        ("{}", "is missing"),
        (failure(500, "down"), "HTTP 500"),
    ],
)
def test_no_usable_answer_is_an_error_and_no_pass(
    kind: str, value: Any, said: list[Any], reply: Any, why: str
) -> None:
    for prefix in ("", NEGATION):
        line = Judging(says(reply)).grade(prefix + kind, value, vars=CONTEXT)
        assert why in (line.error or "")
        assert line.passed is None
        assert line.score is None


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "empty"),
        ("It passes.", "no JSON"),
        ("[]", "mapping"),
        ('{"reason": "fine", "score": 1, "pass": true} as I said', "no JSON"),
        ('{"reason": "a", "score": 1, "pass": true}{"reason": "b", "score": 0, "pass": false}', "no JSON"),
        ('{"reason": "a", "score": NaN, "pass": true}', "no JSON"),
        ('{"reason": "a", "score": 0, "score": 1, "pass": true}', "twice"),
        (failure(400, "too long"), "HTTP 400"),
        (failure(429, "slow down"), "HTTP 429"),
        (Reply(body=b"<html>"), "JSON"),
    ],
)
def test_every_kind_of_unusable_answer_is_an_error(reply: Any, why: str) -> None:
    line = Judging(says(reply)).grade("llm-rubric", "is polite")
    assert why in (line.error or "")
    assert line.passed is None


@pytest.mark.parametrize(("kind", "value", "said"), FIRST.values(), ids=FIRST)
def test_an_answer_with_more_in_it_than_the_schema_allows_is_an_error(
    kind: str, value: Any, said: list[Any]
) -> None:
    line = Judging(says(said[0] | {"note": "x"})).grade(kind, value, vars=CONTEXT)
    assert "schema" in (line.error or "")


@pytest.mark.parametrize(("kind", "value", "said"), FIRST.values(), ids=FIRST)
def test_a_provider_that_refuses_ends_the_run(kind: str, value: Any, said: list[Any]) -> None:
    with pytest.raises(ProviderRefused):
        Judging(says(failure(401, "no such key"))).grade(kind, value, vars=CONTEXT)


@pytest.mark.parametrize(
    ("kind", "value", "reply", "why"),
    [
        ("context-relevance", None, {"relevant": [5]}, "sentence 5, and the context has 4"),
        ("classifier", "complaint", {"scores": {"praise": 1}}, "no score for the class 'complaint'"),
        ("moderation", ["spam"], verdict(flagged=["hate"]), "'hate', which is none of the categories"),
        ("llm-rubric", "x", verdict(score=1.5, **{"pass": True}), "at most 1"),
        ("llm-rubric", "x", {"reason": "r", "score": "1", "pass": True}, "number"),
        ("llm-rubric", "x", {"reason": "r", "score": 1, "pass": "yes"}, "true or false"),
        ("g-eval", "x", {"steps": []}, "steps"),
        ("factuality", "x", verdict(category="F"), "category"),
        ("model-graded-closedqa", "x", verdict(verdict="yes"), "verdict"),
        ("context-recall", "x", {"statements": []}, "statements"),
    ],
)
def test_an_answer_that_means_nothing_is_an_error(kind: str, value: Any, reply: Any, why: str) -> None:
    line = Judging(says(reply)).grade(kind, value, vars=CONTEXT)
    assert why in (line.error or "")
    assert line.passed is None


@pytest.mark.parametrize("kind", ["context-faithfulness", "context-recall", "context-relevance"])
@pytest.mark.parametrize(
    "given", [{}, {"context": ""}, {"context": [" "]}, {"context": []}, {"context": {"a": 1}}]
)
def test_without_a_context_nothing_is_asked(kind: str, given: dict[str, Any]) -> None:
    judging = Judging(says("never"))
    line = judging.grade(kind, "a reference" if kind == "context-recall" else None, vars=given)
    assert "`context`" in (line.error or "")
    assert judging.requests == []


def test_without_a_question_there_is_no_relevance() -> None:
    judging = Judging(says(ITS_QUESTION))
    assert "no question" in (judging.grade("answer-relevance", question=None).error or "")
    assert judging.requests == []


@pytest.mark.parametrize(
    ("kind", "value", "said", "asked"),
    [
        ("llm-rubric", "is polite", [verdict(score=1, **{"pass": True})], [[QUESTION, TEXT, "is polite"]]),
        ("g-eval", "is polite", [STEPS, verdict(score=1)], [["is polite"], [QUESTION, TEXT, "is polite", "2. Look"]]),
        ("factuality", "twice", [verdict(category="C")], [[QUESTION, TEXT, "twice"]]),
        ("model-graded-closedqa", "polite", [verdict(verdict="Y")], [[QUESTION, TEXT, "polite"]]),
        ("answer-relevance", None, [ITS_QUESTION], [[TEXT]] * 3),
        ("context-faithfulness", None, [claims(True)], [["Why twice?", TEXT, *CONTEXT["context"]]]),
        ("context-recall", "the truth", [statements(True)], [["the truth", *CONTEXT["context"]]]),
        ("context-relevance", None, [{"relevant": []}], [["Why twice?", "sentences 4", "Boxes are blue."]]),
        ("classifier", "complaint", [{"scores": {"complaint": 1}}], [[TEXT, "complaint"]]),
        ("moderation", None, [verdict(flagged=[])], [[QUESTION, TEXT, "self-harm/intent"]]),
        ("is-refusal", None, [verdict(refusal=True)], [[QUESTION, TEXT]]),
    ],
)  # fmt: skip
def test_what_the_judge_is_asked(kind: str, value: Any, said: list[Any], asked: list[list[str]]) -> None:
    judging = Judging(says(*said))
    judging.grade(kind, value, vars=CONTEXT | {"query": "Why twice?"})
    assert len(judging.requests) == len(asked)
    for request, parts in zip(judging.requests, asked, strict=True):
        for part in parts:
            assert part in request.text
        assert TEXT not in request.body["messages"][0]["content"]
        assert request.body["model"] == "judge"


def test_the_question_is_what_was_asked_where_no_query_is_given() -> None:
    judging = Judging(says({"relevant": [1]}))
    judging.grade("context-relevance", vars=CONTEXT)
    assert QUESTION in judging.requests[0].text


def test_an_assertion_may_name_its_own_judge() -> None:
    judging = Judging(says(verdict(verdict="Y")), judge=None)
    line = judging.grade("model-graded-closedqa", "polite", provider="openai:other")
    assert (line.passed, line.measure) == (True, "openai:other")
    assert judging.requests[0].body["model"] == "other"


def test_without_a_judge_there_is_no_grade() -> None:
    line = Judging(says(verdict(verdict="Y")), judge=None).grade("model-graded-closedqa", "polite")
    assert line.error
    assert line.passed is None


def test_a_judges_words_are_one_printable_line_of_bounded_length() -> None:
    said = verdict(verdict="Y") | {"reason": "fine\n\x1b[31mred\x07 " + "a" * 2000}
    line = Judging(says(said)).grade("model-graded-closedqa", "polite")
    assert line.reason.startswith("fine [31mred aaa")
    assert line.reason.isprintable()
    assert len(line.reason) == 500


def test_a_score_says_what_was_missing() -> None:
    line = Judging(says(claims(True, False))).grade("context-faithfulness", vars=CONTEXT, threshold=1.0)
    assert line.reason == "1 of 2 claims supported; not: claim 1"


@pytest.mark.parametrize("kind", [*JUDGED, "similar", "select-best", "max-score"])
@pytest.mark.parametrize("prefix", ["", NEGATION])
def test_what_is_wrong_with_an_assertion_is_found_before_anything_is_asked(kind: str, prefix: str) -> None:
    takes_text = FIRST.get(kind, (kind, None if kind == "max-score" else "x", None))[1]
    assert problem(Assertion(prefix + kind, takes_text)) is None
    wrong: list[Any] = [{"a": 1}, "", [""], ["  "], [{"a": 1}], []]
    if takes_text is None:
        wrong = ["x", {"a": 1}]
        wrong += [] if kind == "moderation" else [["x"]]
        wrong = [one for one in wrong if not (kind == "moderation" and isinstance(one, str))]
    else:
        wrong.append(None)
    for value in wrong:
        assert problem(Assertion(prefix + kind, value)), value
    strict = {"factuality", "model-graded-closedqa", "moderation", "is-refusal", "select-best"}
    within = problem(Assertion(prefix + kind, takes_text, threshold=0.5))
    assert (within is not None) == (kind in strict)
    assert problem(Assertion(prefix + kind, takes_text, threshold=1.5))


def test_a_suite_may_name_them_all_with_variables_and_judges_of_their_own() -> None:
    asserted = [
        {"type": kind, "value": "about {{ topic }}: {{ expected }}"}
        for kind in (
            "llm-rubric",
            "g-eval",
            "factuality",
            "model-graded-closedqa",
            "context-recall",
            "similar",
        )
    ]
    asserted += [{"type": kind} for kind in JUDGED if FIRST[kind][1] is None]
    asserted += [
        {"type": "classifier", "value": "{{ topic }}"},
        {"type": "select-best", "value": "{{ topic }}"},
    ]
    document = {
        "cases": [
            {
                "vars": {"topic": "cards"},
                "expected": "three days",
                "assert": [one | {"provider": JUDGE, "metric": "good"} for one in asserted],
            }
        ]
    }
    (case,) = load_suite(json.dumps(document).encode(), file="evaluation/x.yaml").cases
    filled = {each.type: each.value for each in case.assertions}
    assert filled["llm-rubric"] == filled["similar"] == "about cards: three days"
    assert filled["classifier"] == filled["select-best"] == "cards"
    assert {each.provider for each in case.assertions} == {JUDGE}
