"""The evaluator itself: it must not say yes where GitHub says no, and must not pass over what it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ci.expressions import Scope, Unknown, condition, evaluate, fill, value_of

CONTEXTS: dict[str, Any] = {
    "github": {"event": {"pull_request": {"number": 7}}, "repository": "acme/prompts"},
    "inputs": {},
    "needs": {"plan": {"result": "skipped", "outputs": {"keys": "true"}}},
}
SCOPE = Scope(CONTEXTS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.event.pull_request.number", 7),
        ("github.event.merge_group.base_sha", None),
        ("inputs.install || 'promptvc'", "promptvc"),
        ("github.repository == 'ACME/prompts'", True),
        ("github.event.pull_request.number == '7'", True),
        ("!inputs.install && 'yes' || 'no'", "yes"),
        ("(true || false) && null", None),
        ("format('refs/heads/{0}', 'main')", "refs/heads/main"),
        ("fromJSON('[1, 2]')", [1, 2]),
        ("'it''s'", "it's"),
        ("needs.plan.result != 'success'", True),
        ("null == 0", True),
        ("'a' == 0", False),
    ],
)
def test_a_value(text: str, value: object) -> None:
    assert evaluate(text, SCOPE) == value


def test_a_slot_is_filled_with_text() -> None:
    assert (
        fill("pr-${{ github.event.pull_request.number }}-${{ inputs.none }}-${{ true }}", SCOPE)
        == "pr-7--true"
    )


def test_text_between_two_slots_stays() -> None:
    assert value_of("${{ true }}/x/${{ 1 }}", SCOPE) == "true/x/1"
    assert value_of("${{ true }}", SCOPE) is True


@pytest.mark.parametrize(
    "text", ["secret.x", "hashFiles('a')", "a b", "github.event[0]", "1 +", "github.'a'"]
)
def test_what_is_not_known_fails(text: str) -> None:
    with pytest.raises(Unknown):
        evaluate(text, SCOPE)


@pytest.mark.parametrize(
    ("given", "status", "holds"),
    [
        (None, "success", True),
        (None, "failure", False),
        ("always()", "failure", True),
        ("needs.plan.outputs.keys == 'true'", "success", True),
        ("needs.plan.outputs.keys == 'true'", "failure", False),
        ("${{ !cancelled() && needs.plan.result == 'skipped' }}", "failure", True),
        ("${{ !cancelled() }}", "cancelled", False),
    ],
)
def test_a_condition_takes_success_unless_it_asks(given: object, status: str, holds: bool) -> None:
    assert condition(given, Scope(CONTEXTS, status)) is holds
