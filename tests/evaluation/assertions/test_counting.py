"""word-count."""

from __future__ import annotations

from typing import Any

import pytest

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import problem
from tests.evaluation.assertions.grading import check


@pytest.mark.parametrize(
    ("value", "text", "holds"),
    [
        (3, " one two\n\tthree ", True),
        (3, "one two", False),
        ("3", "one two three", True),
        (3.0, "one two three", True),
        (0, " \n", True),
        (0, "word", False),
        (1, "well-known", True),
        ({"min": 2, "max": 3}, "one two", True),
        ({"min": 2, "max": 3}, "one two three", True),
        ({"min": 2, "max": 3}, "one", False),
        ({"min": 2, "max": 3}, "one two three four", False),
        ({"min": 2}, "one two three four", True),
        ({"min": 2}, "one", False),
        ({"max": 2}, "", True),
        ({"max": 2}, "one two three", False),
        ({"min": "1", "max": "1"}, "one", True),
        (500_000, "a " * 500_000, True),
        (2, "a\u2003b", True),
        (1, "\ud800", True),
    ],
)
def test_words(value: Any, text: str, *, holds: bool) -> None:
    check("word-count", value, text, holds=holds)


def test_the_reason_counts() -> None:
    assert check("word-count", 3, "one", holds=False).reason == "1 word, fewer than 3"
    assert check("word-count", {"max": 1}, "one two", holds=False).reason == "2 words, more than 1"


@pytest.mark.parametrize(
    ("value", "threshold", "message"),
    [
        (None, None, "needs a whole number"),
        ("many", None, "needs a whole number"),
        (-1, None, "needs a whole number"),
        (2.5, None, "needs a whole number"),
        (True, None, "needs a whole number"),
        ([1], None, "needs a whole number"),
        ({}, None, "needs a whole number"),
        ({"min": None}, None, "needs a whole number"),
        ({"min": 1, "most": 2}, None, "takes `min` and `max` in its `value`, not `most`"),
        ({"min": 3, "max": 2}, None, "has a `min` above its `max`"),
        (3, 0.5, "takes no `threshold`"),
    ],
)
def test_what_is_wrong_is_said(value: Any, threshold: float | None, message: str) -> None:
    assert message in str(problem(Assertion("word-count", value, threshold)))
