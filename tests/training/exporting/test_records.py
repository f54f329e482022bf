"""What single events say of answers, how sure that is, and which of them a query wants."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from promptvc.base.errors import Usage
from promptvc.feedback.events import Event
from promptvc.training.exporting.query import DatasetQuery
from promptvc.training.exporting.records import Record, read_records
from tests.training.exporting.events import PROMPT, START, event, note


def read(*events: Event, **query: Any) -> tuple[Record, ...]:
    return read_records(events, PROMPT, DatasetQuery(**query)).records


def left_out(*events: Event, **query: Any) -> dict[str, int]:
    return dict(read_records(events, PROMPT, DatasetQuery(**query)).left_out)


def test_each_kind_says_what_it_says() -> None:
    options = [
        {"name": "a", "output": "first"},
        {"name": "second", "confidence": 0.9},
        {"name": "c", "output": "first"},
    ]
    correction, demonstration, rating, selection = read(
        event(1, "correction", output="wrong", corrected=" right "),
        event(2, "demonstration", output="shown"),
        event(3, "rating", output="so so", stars=2),
        event(4, "selection", options=options, selected="second"),
    )
    assert (correction.good, correction.bad, correction.score) == ("right", ("wrong",), None)
    assert (demonstration.good, demonstration.bad) == ("shown", ())
    assert (rating.good, rating.output, rating.score) == (None, "so so", 0.25)
    assert (selection.good, selection.bad) == ("second", ("first",))
    assert selection.confidence == 0.9
    assert correction.confidence is None


def test_a_correction_that_confirms_has_no_wrong_answer() -> None:
    (record,) = read(event(1, "correction", output="right", corrected="right"))
    assert record.bad == ()


def test_annotations_outrank_what_they_are_about() -> None:
    rated = event(1, "rating", output="poor", thumbs="down")
    served = event(2, "success", output="draft")
    shown = event(3, "demonstration", output="shown")
    liked = event(4, "rating", output="fine", stars=3)
    found = read(
        rated,
        served,
        shown,
        liked,
        note(5, rated, corrected="good", reviewer="r1"),
        note(6, served, corrected="final", reviewer="r1"),
        note(7, shown, approved=False, reviewer="r1"),
        note(8, liked, approved=True, reviewer="r1"),
    )
    assert [(one.kind, one.good, one.bad) for one in found] == [
        ("correction", "good", ("poor",)),
        ("correction", "final", ("draft",)),
        ("rating", "fine", ()),
    ]
    assert all(one.reviewed and one.confidence == 1.0 for one in found)
    assert left_out(shown, note(7, shown, approved=False)) == {"rejected by an annotation": 1}


def test_a_judge_is_no_reviewer() -> None:
    shown = event(1, "demonstration", output="shown")
    (record,) = read(shown, note(2, shown, source="llm_judge", approved=False))
    assert not record.reviewed


def test_confidence_is_the_agreement_of_reviewers_else_what_the_event_says() -> None:
    shown = event(1, "demonstration", output="x", context={"confidence": 0.2})
    assert [one.confidence for one in read(shown)] == [0.2]
    (agreed,) = read(
        shown,
        note(2, shown, corrected="y", reviewer="r1"),
        note(3, shown, approved=True, reviewer="r2"),
        note(4, shown, corrected="z", reviewer="r3"),
        note(5, shown, corrected="z", reviewer="r4"),
    )
    assert (agreed.good, agreed.confidence) == ("z", 0.5)
    assert len(agreed.because) == 3
    strange = event(1, "demonstration", output="x", context={"confidence": "high"})
    assert [one.confidence for one in read(strange)] == [None]


def test_filters() -> None:
    sure = event(1, "demonstration", output="a", context={"confidence": 0.9})
    unsure = event(2, "demonstration", output="b", context={"confidence": 0.4})
    silent = event(3, "correction", output="b", corrected="c")
    everything = (sure, unsure, silent)
    assert [one.id for one in read(*everything, min_confidence=0.9)] == [sure.id]
    assert left_out(*everything, min_confidence=0.9) == {"of less confidence": 1, "of unknown confidence": 1}
    assert [one.id for one in read(*everything, kinds=("correction",))] == [silent.id]
    assert [one.id for one in read(*everything, since=START + timedelta(minutes=3))] == [silent.id]
    assert [one.id for one in read(*everything, until=START + timedelta(minutes=2))] == [sure.id]
    assert read(*everything, reviewed_only=True) == ()
    reviewed = read(*everything, note(4, silent, approved=True), reviewed_only=True)
    assert [one.id for one in reviewed] == [silent.id]


def test_what_says_nothing_is_counted() -> None:
    assert left_out(
        event(1, "rating", stars=5),
        event(2, "rating", output="x", comment="hm"),
        event(3, "correction", input={"other": "x"}, corrected="y"),
        event(4, "selection", options=[{"name": "a"}], selected="b"),
        event(5, "suggestion", comment="be nice"),
    ) == {
        "are ratings without an output or a score": 2,
        "lack the prompt's variables": 1,
        "say no right answer": 1,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": ("correction", "usage")},
        {"kinds": ()},
        {"shares": (0.5, 0.2, 0.2)},
        {"shares": (1.2, -0.2, 0.0)},
        {"min_rating": 0.3},
        {"since": START, "until": START},
    ],
)
def test_a_query_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Usage) as error:
        DatasetQuery(**wrong)
    assert error.value.hint
