"""Grading one text by one assertion, as the tests of this folder do."""

from __future__ import annotations

from typing import Any

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade
from promptvc.evaluation.assertions.registry import AT_ONCE, problem
from promptvc.models.messages import Completion


def answer(
    text: str, latency_ms: float = 120.0, cost: float | None = 0.002, finish_reason: str | None = "stop"
) -> Answer:
    return Answer(
        Completion(
            text, tokens_in=5, tokens_out=2, cost=cost, latency_ms=latency_ms, finish_reason=finish_reason
        )
    )


def grade(assertion: Assertion, given: Answer) -> Grade:
    """What its grader says, turned round for a ``not-`` form."""
    found = AT_ONCE[assertion.base].grade(given, assertion)
    return found.negated(assertion.type) if assertion.negated else found


def check(kind: str, value: Any, given: Answer | str, *, holds: bool) -> Grade:
    """An assertion that is 1 or 0, its reason, and its ``not-`` form."""
    given = answer(given) if isinstance(given, str) else given
    assertion = Assertion(kind, value)
    assert problem(assertion) is None
    found = grade(assertion, given)
    assert (found.passed, found.score, found.error) == (holds, float(holds), None), found
    assert bool(found.reason) == (not holds)
    assert "\n" not in found.reason
    opposite = grade(Assertion(f"not-{kind}", value), given)
    assert (opposite.passed, opposite.score, opposite.error) == (not holds, float(not holds), None)
    assert bool(opposite.reason) == holds
    return found


def no_grade(assertion: Assertion, given: Answer | str) -> str:
    """Why there is no grade; the ``not-`` form has none either."""
    given = answer(given) if isinstance(given, str) else given
    found = grade(assertion, given)
    assert found.error is not None
    opposite = grade(Assertion(f"not-{assertion.type}", assertion.value, assertion.threshold), given)
    assert (opposite.passed, opposite.error) == (False, found.error)
    return found.error
