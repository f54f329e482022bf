"""Suites that nobody wrote: from feedback, from examples, from variables; marked, and graded for real."""

from __future__ import annotations

from typing import Any

import pytest

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.cases.case import Case
from promptvc.evaluation.cases.generated import MOST, generated_suite
from promptvc.evaluation.cases.suite import check_variables
from promptvc.evaluation.grade import grade_outcome
from promptvc.evaluation.running.tasks import Outcome
from promptvc.models.messages import Completion
from promptvc.prompts.model import Prompt, load_prompt

HEAD = b"""\
name: support/triage
version: 1
variables:
  message: {description: the customer's own words}
  tone: {default: calm}
messages:
  - {role: system, content: "Be {{ tone }}."}
  - {role: user, content: "{{ message }} {{ order_number }}"}
"""
JSON = b"output: {format: json, schema: {type: object, required: [team]}}\n"
EXAMPLES = b"examples:\n- {input: {message: twice, order_number: '7'}, output: billing}\n"


def a_prompt(more: bytes = b"") -> Prompt:
    return load_prompt(HEAD + more, file="prompts/support/triage.yaml")


def passes(case: Case, answer: str) -> bool | None:
    return grade_outcome(case, Outcome(case.id, 0, Completion(answer, None, None, None, 1.0, "stop"))).passed


def said(number: int, expected: Any = "billing") -> dict[str, Any]:
    return {
        "id": f"feedback-{number}",
        "vars": {"message": f"question {number}", "order_number": "1"},
        "expected": expected,
        "cluster": "user-1",
        "metadata": {"because": ["01JD3M8Z6VQW4N9T2X5KAB7CDE"]},
    }


def test_variables_alone_give_one_case_that_any_answer_passes() -> None:
    suite = generated_suite(a_prompt())
    (case,) = suite.cases
    assert suite.generated
    assert case.id.startswith("generated-")
    assert case.vars == {"message": "the customer's own words", "order_number": "order number"}
    check_variables(suite, ["message", "order_number"])
    assert passes(case, "billing")
    assert not passes(case, " \n")


def test_a_prompt_without_variables_has_a_case() -> None:
    prompt = load_prompt(
        b"name: a\nversion: 1\nmessages: [{role: user, content: Say hello.}]\n", file="prompts/a.yaml"
    )
    assert [dict(case.vars) for case in generated_suite(prompt).cases] == [{}]


def test_json_has_to_be_valid_by_the_schema_of_the_prompt() -> None:
    (case,) = generated_suite(a_prompt(JSON)).cases
    assert passes(case, '{"team": "billing"}')
    assert not passes(case, '{"tea": "billing"}')
    assert not passes(case, "billing")


def test_the_prompts_own_examples_are_inputs() -> None:
    (case,) = generated_suite(a_prompt(EXAMPLES)).cases
    assert case.vars == {"message": "twice", "order_number": "7"}
    assert case.assertions == (Assertion("regex", r"\S"),)


def test_feedback_says_what_is_right() -> None:
    suite = generated_suite(a_prompt(EXAMPLES), [said(1), said(2, "refund")])
    assert [case.expected for case in suite.cases] == ["billing", "refund"]
    first = suite.cases[0]
    assert first.metadata == {"because": ["01JD3M8Z6VQW4N9T2X5KAB7CDE"]}
    assert first.cluster == "user-1"
    assert passes(first, "billing")
    assert not passes(first, "refund")
    assert generated_suite(a_prompt(), [said(2), said(1)]).cases[1].id == first.id


@pytest.mark.parametrize("expected", ["word " * 40, "two\nlines", "{{ message }}", "{{ nobody }}"])
def test_of_a_text_that_nobody_can_repeat_only_an_answer_is_asked(expected: str) -> None:
    (case,) = generated_suite(a_prompt(), [said(1, expected)]).cases
    assert case.assertions == (Assertion("regex", r"\S"),)


def test_json_in_feedback_is_compared_as_a_value() -> None:
    right, broken = generated_suite(a_prompt(JSON), [said(1, '{"team": "x"}'), said(2, "no json")]).cases
    assert passes(right, '{ "team" : "x" }')
    assert not passes(right, '{"team": "y"}')
    assert passes(broken, '{"team": "y"}')


def test_only_so_many_are_asked_and_the_newest() -> None:
    suite = generated_suite(a_prompt(), [said(at) for at in range(MOST + 5)])
    assert len(suite.cases) == MOST
    assert suite.cases[-1].vars["message"] == f"question {MOST + 4}"
