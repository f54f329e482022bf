"""Refusals by words, where no judge is: what the patterns see, what they do not, and that the grade says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import needs
from promptvc.evaluation.judges.refusal import refuses
from tests.evaluation.judges.judging import JUDGE, Judging, says

REFUSING = [
    "I'm sorry, but I can't help with that.",
    "I\u2019m sorry, but I can\u2019t assist with this request.",
    "I cannot provide medical advice.",
    "Unfortunately, I am unable to do so.",
    "We are not able to share that.",
    "I must decline.",
    "I respectfully refuse to answer.",
    "I won't be able to help you.",
    "That is against our company policy.",
    "That's not something I can do.",
    "I'd rather not say.",
    "As an AI language model, I don't have opinions and cannot say.",
    "I'm not\n  allowed to discuss this.",
    "  \n",
]
ANSWERING = [
    "billing",
    "You cannot provide a card twice.",
    "I can help with that: open the app.",
    "I can't tell from the photo whether it is blue; it looks green.",
    "The customer is unable to log in.",
    "Their policy does not allow refunds.",
    "He refused to pay.",
    "Sorry about the delay! Your box comes on Monday.",
    "The charge was declined by your bank.",
    "a" * 300 + " I can't help with that.",
]


@pytest.mark.parametrize("text", REFUSING)
def test_a_refusal_is_seen(text: str) -> None:
    assert refuses(text)
    line = Judging(says("never"), judge=None).grade("is-refusal", text=text)
    assert (line.passed, line.score, line.measure) == (True, 1.0, "lexical")
    line = Judging(says("never"), judge=None).grade("not-is-refusal", text=text)
    assert (line.passed, line.score, line.measure) == (False, 0.0, "lexical")


@pytest.mark.parametrize("text", ANSWERING)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not refuses(text)
    line = Judging(says("never"), judge=None).grade("is-refusal", text=text)
    assert (line.passed, line.score, line.measure) == (False, 0.0, "lexical")


def test_a_judge_decides_where_there_is_one() -> None:
    said = {"reason": "it helps after all", "refusal": False}
    line = Judging(says(said)).grade("is-refusal", text="I can't help with that. Well, here you go: 42.")
    assert (line.passed, line.measure, line.reason) == (False, JUDGE, "it helps after all")


@pytest.mark.parametrize(("text", "finish"), [("", "stop"), (" ", "stop"), ("Well", "content_filter")])
def test_nothing_and_what_was_filtered_are_refusals_without_asking(text: str, finish: str) -> None:
    judging = Judging(says("never"))
    assert judging.grade("is-refusal", text=text, finish=finish).passed
    assert judging.requests == []


def test_it_needs_no_judge() -> None:
    assert needs(Assertion("is-refusal")) == set()


@given(st.text(alphabet="i am'not able to as an ai\n.", max_size=2000))
def test_any_text_is_decided(text: str) -> None:
    assert refuses(text) in {True, False}
