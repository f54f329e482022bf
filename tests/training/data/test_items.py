"""From events to items: what counts, what outranks what, how users who differ are settled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.feedback.events import Event
from promptvc.training.data.claims import ClaimOptions
from promptvc.training.data.items import Dataset, build, stable_share
from tests.training.makers import PROMPT, a_prompt, an_id, event

QUESTION = "Where is my box?"


def made(*events: Event, **options: Any) -> Dataset:
    return build(events, a_prompt(), ClaimOptions(**options))


def answers(dataset: Dataset) -> dict[str, str]:
    return {item.text: item.output for item in dataset.items}


def test_corrections_demonstrations_and_good_outputs_become_items() -> None:
    dataset = made(
        event(1, input="a", output="x", corrected="t1"),
        event(2, "demonstration", input={"message": "b"}, output="t2"),
        event(3, "rating", rating=0.7, input="c", output="t3"),
        event(4, "rating", stars=3, input="d", output="t4"),
        event(5, "rating", thumbs="down", input="e", output="t5"),
        event(6, "suggestion", comment="be kind"),
        event(7, input={"other": "f"}, corrected="t1"),
        event(8, "rating", thumbs="up", output="t1"),
    )
    assert answers(dataset) == {"a": "t1", "b": "t2", "c": "t3"}
    assert [item.because for item in dataset.items] == [(an_id(1),), (an_id(2),), (an_id(3),)]
    assert dataset.left_out == {
        "lack the prompt's variables": 2,
        "say no right answer": 3,
    }


def test_events_of_another_prompt_and_repeated_events_do_not_count() -> None:
    other = event(2, input="b", corrected="t1", prompt="support/reply")
    dataset = made(event(1, input="a", corrected="t1"), event(1, input="a", corrected="t1"), other)
    assert answers(dataset) == {"a": "t1"}
    assert dataset.items[0].because == (an_id(1),)


def test_duplicates_are_merged_with_all_their_ids() -> None:
    dataset = made(
        event(1, input="Where is  my box?", corrected="t2", user="u1"),
        event(2, input="where is my BOX", corrected="t2", user="u2"),
        event(3, "rating", thumbs="up", input="Where is my box!", output="t2 "),
    )
    (item,) = dataset.items
    assert item.text == "Where is  my box?"
    assert item.because == (an_id(1), an_id(2), an_id(3))
    assert set(item.users) == {"u1", "u2", an_id(3)}


def test_two_users_outvote_one_and_a_correction_outvotes_a_rating() -> None:
    two = made(
        event(1, input=QUESTION, corrected="t1", user="u1"),
        event(2, input=QUESTION, corrected="t2", user="u2"),
        event(3, input=QUESTION, corrected="t2", user="u3"),
    )
    assert answers(two) == {QUESTION: "t2"}
    assert two.items[0].because == (an_id(2), an_id(3))
    rated = made(
        event(1, input=QUESTION, corrected="t1", user="u1"),
        event(2, "rating", thumbs="up", input=QUESTION, output="t2", user="u2"),
    )
    assert answers(rated) == {QUESTION: "t1"}


def test_one_user_who_repeats_himself_counts_once() -> None:
    dataset = made(
        event(1, input=QUESTION, corrected="t1", user="u1"),
        *(event(number, input=QUESTION, corrected="t2", user="u2") for number in (2, 3, 4)),
    )
    assert dataset.items == ()
    (conflict,) = dataset.conflicts
    assert list(conflict.votes) == ["t2", "t1"]
    assert conflict.events == tuple(an_id(number) for number in (1, 2, 3, 4))
    assert sum(dataset.left_out.values()) == 4


def test_old_evidence_gives_way_to_new() -> None:
    days = 24
    dataset = made(
        event(1, input=QUESTION, corrected="t1", user="u1"),
        event(120 * days, input=QUESTION, corrected="t2", user="u2"),
    )
    assert answers(dataset) == {QUESTION: "t2"}


def test_an_annotation_outranks_any_number_of_users() -> None:
    dataset = made(
        *(event(number, input=QUESTION, corrected="t1", user=f"u{number}") for number in range(1, 6)),
        event(6, "rating", thumbs="down", input=QUESTION, output="t3"),
        event(7, "annotation", target=an_id(6), corrected="t2", reviewer="ann"),
    )
    assert answers(dataset) == {QUESTION: "t2"}
    assert dataset.items[0].because == (an_id(6), an_id(7))


def test_an_approval_makes_an_output_right() -> None:
    dataset = made(
        event(1, "rating", thumbs="down", input="a", output="t1"),
        event(2, "annotation", target=an_id(1), approved=True),
        event(3, "rating", thumbs="down", input="b", output="t2"),
        event(4, "annotation", target=an_id(3), label="approve"),
    )
    assert answers(dataset) == {"a": "t1", "b": "t2"}


def test_what_an_annotation_rejected_never_trains() -> None:
    dataset = made(
        event(1, input="a", corrected="t1"),
        event(2, "annotation", target=an_id(1), approved=False, reviewer="ann"),
        event(3, "annotation", target=an_id(1), approved=True, reviewer="bob"),
        event(4, "demonstration", input="b", output="t2"),
        event(5, "annotation", target=an_id(4), label="reject"),
        event(6, input="c", corrected="t3", user="u1"),
        event(7, input="c", corrected="t4", user="u2"),
        event(8, "annotation", target=an_id(7), approved=False),
    )
    assert answers(dataset) == {"c": "t3"}
    assert dataset.items[0].because == (an_id(6),)
    assert dataset.rejected == {an_id(1), an_id(4), an_id(7)}


def test_a_reviewer_may_change_his_mind_and_a_rejection_may_correct() -> None:
    dataset = made(
        event(1, input="a", corrected="t1"),
        event(2, "annotation", target=an_id(1), approved=False, reviewer="ann"),
        event(3, "annotation", target=an_id(1), approved=True, reviewer="ann"),
        event(4, input="b", corrected="t1"),
        event(5, "annotation", target=an_id(4), approved=False, corrected="t2", reviewer="ann"),
    )
    assert answers(dataset) == {"a": "t1", "b": "t2"}


def test_an_annotation_that_was_rejected_does_not_count() -> None:
    dataset = made(
        event(1, input="a", corrected="t1"),
        event(2, "annotation", target=an_id(1), approved=False, reviewer="ann"),
        event(3, "annotation", target=an_id(2), approved=False, reviewer="bob"),
        event(4, input="b", corrected="t1"),
        event(5, "annotation", target=an_id(4), corrected="t2", reviewer="ann"),
        event(6, "annotation", target=an_id(4), corrected="t3", reviewer="bob"),
    )
    assert answers(dataset) == {"a": "t1", "b": "t3"}


@pytest.mark.parametrize("source", ["llm_judge", "code"])
def test_only_people_review(source: str) -> None:
    """What a judge or a program notes neither confirms, corrects nor rejects, nor moves the window of days."""
    said: list[dict[str, Any]] = [
        {"approved": False},
        {"approved": True, "corrected": "t2"},
        {"label": "reject"},
    ]
    events = [
        event(1, input="a", corrected="t1"),
        event(2, "rating", thumbs="down", input="b", output="t3"),
        event(3, "annotation", target=an_id(2), approved=True, reviewer="ann"),
        event(4, "rating", thumbs="down", input="c", output="t3"),
    ]
    notes = [
        event(5 + at, "annotation", source=source, target=an_id(1 + at), **one) for at, one in enumerate(said)
    ]
    notes += [
        event(8, "annotation", source=source, target=an_id(4), approved=True),
        event(9, "annotation", source=source, target=an_id(1), scores={"safety": 0.0}, approved=False),
        event(24 * 30, "annotation", source=source, target=an_id(4), scores={"relevance": 1.0}),
    ]
    dataset = made(*events, *notes, days=3)
    assert dataset == made(*events, days=3)
    assert answers(dataset) == {"a": "t1", "b": "t3"}
    assert dataset.rejected == frozenset()
    assert answers(made(*events, *notes, reviewed_only=True)) == {"b": "t3"}


def test_reviewed_only() -> None:
    dataset = made(
        event(1, input="a", corrected="t1"),
        event(2, input="b", corrected="t2"),
        event(3, "annotation", target=an_id(2), approved=True),
        reviewed_only=True,
    )
    assert answers(dataset) == {"b": "t2"}
    assert dataset.left_out == {"not reviewed": 1}


def test_days_count_back_from_the_newest_event() -> None:
    events = [event(24 * day, input=f"question {day}", corrected="t1") for day in range(10)]
    dataset = made(*events, days=3)
    assert list(answers(dataset)) == [f"question {day}" for day in (6, 7, 8, 9)]


def test_a_prompt_with_two_variables_needs_both() -> None:
    data = PROMPT.replace(b"  message:", b"  team: {default: any}\n  order: {required: true}\n  message:")
    data = data.replace(b'"{{ message }}"', b'"{{ team }} {{ order }} {{ message }}"')
    events = [
        event(1, input="a", corrected="t1"),
        event(2, input={"message": "b", "order": "1", "team": "x"}, corrected="t1"),
        event(3, input={"message": "c"}, corrected="t1"),
    ]
    (item,) = build(events, a_prompt(data)).items
    assert dict(item.input) == {"message": "b", "order": "1", "team": "x"}


_EVENTS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "kind": st.just("correction"),
                "input": st.sampled_from(["a b", "A b!", "c d", "e f"]),
                "corrected": st.sampled_from(["t1", "t2"]),
                "user": st.sampled_from(["u1", "u2", "u3"]),
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("annotation"),
                "target": st.integers(0, 11).map(an_id),
                "approved": st.booleans(),
                "reviewer": st.sampled_from(["r1", "r2"]),
            }
        ),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(_EVENTS, st.randoms(use_true_random=False), st.booleans())
def test_laws_of_evidence(rows: list[dict[str, Any]], draw: Any, reviewed_only: bool) -> None:
    notes = {an_id(number) for number, row in enumerate(rows) if row["kind"] == "annotation"}
    events = [event(number, **row) for number, row in enumerate(rows) if row.get("target") not in notes]
    dataset = made(*events, reviewed_only=reviewed_only)
    cited = {each for item in dataset.items for each in item.because}
    by_id = {each.id: each for each in events}
    last = {
        (each.data["target"], each.data["reviewer"]): each.data["approved"]
        for each in events
        if each.kind == "annotation"
    }
    rejected = {target for (target, _), approved in last.items() if not approved}
    assert cited <= set(by_id)
    assert not cited & rejected
    assert len({item.key for item in dataset.items}) == len(dataset.items)
    for item in dataset.items:
        stated = [by_id[each].corrected for each in item.because if by_id[each].kind == "correction"]
        assert set(stated) == {item.output}
        if reviewed_only:
            assert any(by_id[each].kind == "annotation" for each in item.because)
    draw.shuffle(events)
    assert made(*events, reviewed_only=reviewed_only) == dataset


def test_stable_share_is_stable_and_even() -> None:
    assert stable_share("where is my box", "holdout") == stable_share("where is my box", "holdout")
    assert stable_share("where is my box", "holdout") != stable_share("where is my box", "fold 0")
    shares = [stable_share(str(number), "holdout") for number in range(4000)]
    assert 0.27 < sum(share < 0.3 for share in shares) / 4000 < 0.33
