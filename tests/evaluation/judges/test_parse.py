"""A judge's answer is one JSON object by the schema, or an error that says what was wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import ProviderError
from promptvc.evaluation.judges.parse import read

GOOD = '{"reason": "fine", "score": 0.5}'
SAID = {"reason": "fine", "score": 0.5}


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\n",
        f"```JSON \n\n{GOOD}\n  ```",
        json.dumps(SAID, indent=2),
    ],
)
def test_one_value_is_read_with_a_fence_or_without(text: str) -> None:
    assert read("coherence", text) == SAID


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing"),
        (" \n", "nothing"),
        ("fine", "no JSON object alone"),
        (f"Here it is: {GOOD}", "no JSON object alone"),
        (f"{GOOD}\nHope this helps!", "no JSON object alone"),
        (f"{GOOD}{GOOD}", "no JSON object alone"),
        (f"```json\n{GOOD}\n```\n{GOOD}", "no JSON object alone"),
        (f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```", "no JSON object alone"),
        (f"```python\n{GOOD}\n```", "no JSON object alone"),
        (GOOD[:-1], "no JSON object alone"),
        ('{"reason": "fine", "score": NaN}', "NaN"),
        ('{"reason": "fine", "score": 1e999}', "too large"),
        ('{"reason": "fine", "score": 0, "score": 1}', "twice"),
        ("[" * 100_000, "no JSON object alone"),
        ("[1]", "must be a mapping"),
        ("null", "must be a mapping"),
        ('"fine"', "must be a mapping"),
        ('{"reason": "fine"}', "`score` is missing"),
        ('{"reason": "fine", "score": "0.5"}', "`score` must be a number"),
        ('{"reason": "fine", "score": true}', "`score` must be a number"),
        ('{"reason": "fine", "score": 1.01}', "at most 1"),
        ('{"reason": "fine", "score": -1}', "at least 0"),
        ('{"reason": "fine", "score": 0.5, "pass": true}', "`pass`"),
    ],
)  # fmt: skip
def test_anything_else_is_an_error_that_says_why(text: str, why: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read("coherence", text)
    assert caught.value.message.startswith("the judge `coherence` answered with ")
    assert why in caught.value.message
    assert len(caught.value.message) < 400
    assert caught.value.hint


@given(reason=st.text(), score=st.floats(0, 1), around=st.text(min_size=1))
def test_what_is_written_is_read_and_nothing_may_stand_beside_it(
    reason: str, score: float, around: str
) -> None:
    said = {"reason": reason, "score": score}
    text = json.dumps(said)
    assert read("coherence", text) == said
    for mixed in (around + text, text + around):
        if mixed.strip() != text:
            with pytest.raises(ProviderError):
                read("coherence", mixed)
