"""Assertions about what an answer took and why it ended."""

from __future__ import annotations

from typing import Any

import pytest

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.limits import FINISH_REASONS
from promptvc.evaluation.assertions.registry import problem
from tests.evaluation.assertions.grading import answer, check, grade, no_grade


@pytest.mark.parametrize(("threshold", "holds"), [(120, True), (119.9, False)])
def test_latency(threshold: float, *, holds: bool) -> None:
    assert grade(Assertion("latency", threshold=threshold), answer("x")).passed == holds
    assert grade(Assertion("not-latency", threshold=threshold), answer("x")).passed != holds


def test_cost_and_unknown_cost() -> None:
    assert grade(Assertion("cost", threshold=0.002), answer("x")).passed
    assert not grade(Assertion("cost", threshold=0.001), answer("x")).passed
    for kind in ("cost", "not-cost"):
        unknown = grade(Assertion(kind, threshold=1.0), answer("x", cost=None))
        assert not unknown.passed
        assert unknown.error == "the cost of this call is unknown"


@pytest.mark.parametrize(
    ("value", "said", "holds"),
    [
        ("stop", "stop", True),
        ("stop", "end_turn", True),
        ("stop", "STOP", True),
        ("stop", "stop_sequence", True),
        ("stop", "length", False),
        ("Length", "max_tokens", True),
        ("length", "MAX_TOKENS", True),
        ("max_tokens", "length", True),
        ("content_filter", "SAFETY", True),
        ("content_filter", "refusal", True),
        ("tool_calls", "tool_use", True),
        ("tool_calls", "function_call", True),
        ("tool_calls", "stop", False),
        ("stop", "a word of tomorrow", False),
    ],
)
def test_finish_reason(value: str, said: str, *, holds: bool) -> None:
    check("finish-reason", value, answer("x", finish_reason=said), holds=holds)


def test_each_word_of_a_provider_is_one_reason_and_an_unknown_reason_is_no_grade() -> None:
    words = [word for reason in FINISH_REASONS.values() for word in reason]
    assert len(words) == len(set(words))
    for said in (None, ""):
        unknown = no_grade(Assertion("finish-reason", "stop"), answer("x", finish_reason=said))
        assert unknown == "the finish reason of this call is unknown"


@pytest.mark.parametrize(
    ("value", "threshold", "message"),
    [
        (None, None, "needs one of stop, length, content_filter, tool_calls"),
        ("done", None, "needs one of stop"),
        (["stop"], None, "needs one of stop"),
        ("stop", 1.0, "takes no `threshold`"),
    ],
)
def test_what_is_wrong_is_said(value: Any, threshold: float | None, message: str) -> None:
    assert message in str(problem(Assertion("finish-reason", value, threshold)))
