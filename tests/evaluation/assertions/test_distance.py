"""levenshtein."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import filled, problem
from tests.evaluation.assertions.grading import answer, check, grade, no_grade


@pytest.mark.parametrize(
    ("value", "text", "holds"),
    [
        ("kitten", "sitting", True),
        ("kitten", "kitten\n", True),
        ("kitten", "a cat, perhaps", False),
        ("abcdef", "", False),
        ("abcde", "", True),
        ("", "abcde", True),
        (2026, "2025", True),
        (True, "true", True),
        ("é" * 7, "e" * 7, False),
        ("a", "b" * 900_000, False),
        ("\ud800a", "a", True),
    ],
)
def test_five_edits_unless_said_otherwise(value: Any, text: str, *, holds: bool) -> None:
    check("levenshtein", value, text, holds=holds)


@pytest.mark.parametrize(
    ("threshold", "holds"), [(2, False), (2.9, False), (3, True), (0, False), (1e9, True)]
)
def test_the_threshold_is_the_most_edits(threshold: float, *, holds: bool) -> None:
    found = grade(Assertion("levenshtein", "kitten", threshold), answer("sitting"))
    assert (found.passed, found.score) == (holds, float(holds))
    assert grade(Assertion("not-levenshtein", "kitten", threshold), answer("sitting")).passed != holds
    assert grade(Assertion("levenshtein", "kitten", 0), answer("kitten")).passed


def test_the_reason_and_variables() -> None:
    assert check("levenshtein", "kitten", "nothing of it", holds=False).reason == "more than 5 edits away"
    assert grade(Assertion("levenshtein", "a", 1), answer("bcd")).reason == "more than 1 edit away"
    assert filled(Assertion("levenshtein", "{{ name }}"), {"name": "x"}).value == "x"
    assert "more than 1,000,000" in no_grade(Assertion("levenshtein", "a"), "x" * 1_000_001)


@settings(deadline=None)
@given(st.text("abc", max_size=7), st.text("abc", max_size=7), st.integers(0, 7))
def test_it_is_the_distance_of_the_definition(first: str, second: str, most: int) -> None:
    row = list(range(len(second) + 1))
    for at, letter in enumerate(first, start=1):
        before, row[0] = row[0], at
        for to, other in enumerate(second, start=1):
            before, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, before + (letter != other))
    assert grade(Assertion("levenshtein", first, most), answer(second)).passed == (row[-1] <= most)


@pytest.mark.parametrize("value", [None, ["a"], {"a": 1}])
def test_what_is_wrong_is_said(value: Any) -> None:
    assert "needs a text as its `value`" in str(problem(Assertion("levenshtein", value)))
