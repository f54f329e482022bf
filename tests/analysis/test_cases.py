"""Cases from events: one an input, the event that says most, nothing redacted as an answer."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from promptvc.analysis.cases import (
    NO_OUTPUT,
    NO_VARIABLES,
    OUTRANKED,
    PROPOSED,
    REDACTED,
    REJECTED,
    RIGHT,
    TEMPLATE,
    EventCase,
    EventCases,
    documents,
    event_cases,
)
from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import Event
from tests.training.makers import an_id, event


def given(values: str | Mapping[str, Any] | None) -> Mapping[str, str] | None:
    if isinstance(values, str):
        return {"message": values}
    return {"message": str(values["message"])} if values and "message" in values else None


def proposed(*events: Event) -> EventCases:
    return event_cases(events, given, PROPOSED)


def test_what_each_kind_gives() -> None:
    found = proposed(
        event(1, input="a", corrected=" billing ", user="u1", comment="wrong team"),
        event(2, "rating", input={"message": "b"}, output="card", stars=1),
        event(3, "error", input="c", error={"type": "Timeout", "message": "late"}),
        event(4, "rating", input="d", output="card", stars=5),
        event(5, "demonstration", input="e", output="card"),
        event(6, "suggestion", comment="be short"),
        event(7, "usage"),
    )
    assert found.cases == (
        EventCase("correction", {"message": "a"}, "billing", (an_id(1),), "u1", "wrong team"),
        EventCase("disliked", {"message": "b"}, "card", (an_id(2),)),
        EventCase("error", {"message": "c"}, None, (an_id(3),), None, "the call failed: Timeout: late"),
    )
    assert found.skipped == {}


def test_what_says_what_is_right() -> None:
    found = documents(
        [
            event(1, input="a", corrected="billing"),
            event(2, "rating", input="b", output="card", rating=0.7),
            event(3, "demonstration", input="c", output="refund"),
            event(4, "rating", input="d", output="x", rating=0.69),
        ],
        given,
    )
    assert [(one["vars"]["message"], one["expected"]) for one in found] == [
        ("a", "billing"),
        ("b", "card"),
        ("c", "refund"),
    ]


def test_the_bars_are_the_settings() -> None:
    events = [event(1, "rating", input="a", output="x", rating=0.5)]
    assert event_cases(events, given, PROPOSED).cases == ()
    bars = FeedbackSettings(positive=0.9, negative=0.5)
    assert [case.kind for case in event_cases(events, given, PROPOSED, bars).cases] == ["disliked"]


def test_documents_are_cases_as_a_dataset_writes_them() -> None:
    cases = proposed(
        event(1, input="a", corrected="billing", user="u1"),
        event(2, "rating", input="b", output="card", thumbs="down"),
        event(3, "error", input="c", error={"type": "T"}),
    ).cases
    smoke = [{"type": "regex", "value": r"\S"}]
    assert [case.document(smoke) for case in cases] == [
        {
            "id": cases[0].id,
            "vars": {"message": "a"},
            "expected": "billing",
            "cluster": "u1",
            "metadata": {"because": [an_id(1)]},
        },
        {
            "id": cases[1].id,
            "vars": {"message": "b"},
            "assert": [{"type": "not-equals", "value": "card"}],
            "metadata": {"because": [an_id(2)]},
        },
        {
            "id": cases[2].id,
            "description": "the call failed: T",
            "vars": {"message": "c"},
            "assert": smoke,
            "metadata": {"because": [an_id(3)]},
        },
    ]


def test_an_id_is_of_the_input_alone() -> None:
    (one,) = proposed(event(1, input="a", corrected="x")).cases
    (other,) = proposed(event(9, "error", input="a", error={"type": "T"}, user="u")).cases
    assert one.id == other.id == "feedback-5ede4b8026"
    assert proposed(event(1, input="b", corrected="x")).cases[0].id != one.id


def test_of_several_events_the_one_that_says_most_counts_and_those_that_agree_are_cited() -> None:
    found = proposed(
        event(1, input="a", corrected="old"),
        event(2, input="a", corrected="new", user="u2"),
        event(3, input="a", corrected="new", user="u3"),
        event(4, "rating", input="a", output="bad", stars=1),
        event(5, "error", input="a", error={"type": "T"}),
    )
    assert found.cases == (EventCase("correction", {"message": "a"}, "new", (an_id(2), an_id(3)), "u3"),)
    assert found.skipped == {OUTRANKED: 3}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"input": {"other": "a"}, "corrected": "x"}, NO_VARIABLES),
        ({"input": "a", "corrected": "write to [email]"}, REDACTED),
        ({"input": "a", "corrected": "[secret]"}, REDACTED),
        ({"input": "a", "corrected": "Dear {{ name }}"}, TEMPLATE),
        ({"kind": "rating", "input": "a", "output": "call [phone]", "stars": 1}, REDACTED),
        ({"kind": "rating", "input": "a", "stars": 1}, NO_OUTPUT),
        ({"kind": "error", "input": None, "error": {"type": "T"}}, NO_VARIABLES),
    ],
)
def test_what_is_left_out(values: dict[str, Any], reason: str) -> None:
    given_values = {key: value for key, value in values.items() if value is not None}
    found = proposed(event(1, **given_values))
    assert (found.cases, found.skipped) == ((), {reason: 1})


def test_redacted_inputs_stay() -> None:
    (case,) = proposed(event(1, input="my address is [email]", corrected="contact")).cases
    assert case.vars == {"message": "my address is [email]"}


def note(number: int, target: int, **values: Any) -> Event:
    return event(number, "annotation", target=an_id(target), **values)


def test_annotations_outrank_what_they_are_about() -> None:
    first = event(1, input="a", corrected="x")
    assert proposed(first, note(2, 1, approved=False)).skipped == {REJECTED: 1}
    assert proposed(first, note(2, 1, label="reject")).cases == ()
    (corrected,) = proposed(first, note(2, 1, approved=False, corrected="y")).cases
    assert (corrected.answer, corrected.because) == ("y", (an_id(1), an_id(2)))
    (praised,) = proposed(event(1, "rating", input="a", output="x", stars=5), note(2, 1, corrected="z")).cases
    assert (praised.kind, praised.answer) == ("correction", "z")
    (kept,) = proposed(first, note(2, 1, approved=False), note(3, 2, approved=False)).cases
    assert kept.answer == "x"


def test_the_order_of_events_does_not_matter() -> None:
    events = [event(at, input=f"q{at % 5}", corrected=f"a{at % 3}") for at in range(20)]
    events += [event(30 + at, "rating", input=f"q{at}", output="o", stars=1 + at % 5) for at in range(9)]
    expected = event_cases(events, given, PROPOSED | RIGHT)
    for seed in range(5):
        shuffled = events + events[:3]
        random.Random(seed).shuffle(shuffled)
        assert event_cases(shuffled, given, PROPOSED | RIGHT) == expected
