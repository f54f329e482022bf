"""The split: what training sees is never in the hold-out, in no disguise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.cases.suite import Case, load_suite
from promptvc.training.data import holdout
from promptvc.training.data.holdout import LARGE
from promptvc.training.data.items import Item, build
from promptvc.training.data.split import Split, case_of, match_of
from promptvc.training.data.texts import near_pairs, normalised
from tests.training.makers import a_prompt, corrections, event, questions, text_of

LONG = "my parcel should have been here on monday where is it now please number {}"


def items_of(rows: Sequence[tuple[str, str, str]]) -> tuple[Item, ...]:
    """Items of (input, answer, user)."""
    events = [event(n, input=text, corrected=label, user=user) for n, (text, label, user) in enumerate(rows)]
    return build(events, a_prompt()).items


def suite(*cases: dict[str, Any]) -> Sequence[Case]:
    given_cases = [{"expected": "t1", **case, "vars": {"message": case["vars"]}} for case in cases]
    return load_suite(json.dumps({"cases": given_cases}).encode(), file="evaluation/x.yaml").cases


def divide(items: Sequence[Item], cases: Sequence[Case] | None) -> Split:
    return holdout.divide(items, cases, a_prompt())


def texts(split: Split) -> list[str]:
    return [item.text for item in split.items]


def test_a_suite_is_the_holdout() -> None:
    cases = suite(
        {"id": "one", "vars": "where is my box"},
        {"id": "two", "vars": "can I learn this", "split": "train"},
        {"id": "three", "vars": "where is my milk", "cluster": "milk"},
    )
    items = items_of([("where is my refund", "t1", "u1")])
    split = divide(items, cases)
    assert [case.id for case in split.holdout] == ["one", "three"]
    assert split.items == items
    assert [(case.text, case.output, case.item) for case in split.cases] == [
        ("where is my refund", "t1", 0),
        ("can I learn this", "t1", None),
    ]
    assert (split.holdout_groups, split.promotable) == (2, False)
    assert split.dropped == {}


def test_keys_alone_are_those_of_the_split() -> None:
    cases = suite(
        {"id": "one", "vars": "Where is my box?"},
        {"id": "again", "vars": "where is my BOX"},
        {"id": "two", "vars": "can I learn this", "split": "train"},
        {"id": "three", "vars": "where is my milk"},
    )
    keys = holdout.keys_of(cases, a_prompt())
    assert keys == divide((), cases).holdout_keys
    assert len(keys) == 2
    assert holdout.keys_of(cases[2:3], a_prompt()) == divide((), cases[2:3]).holdout_keys == ()


def test_an_input_of_the_holdout_never_trains() -> None:
    cases = suite(
        {"id": "one", "vars": "Where is my box?"},
        {"id": "two", "vars": LONG.format(1)},
        {"id": "three", "vars": "WHERE is my box", "split": "train"},
        {"id": "four", "vars": "something else", "cluster": "u7"},
        {"id": "five", "vars": "another thing", "cluster": "u7", "split": "train"},
    )
    items = items_of(
        [
            ("where is my  box", "t1", "u1"),
            (LONG.format(2), "t1", "u2"),
            ("where is my milk", "t1", "u3"),
            ("quite new", "t1", "u7"),
        ]
    )
    split = divide(items, cases)
    assert texts(split) == ["where is my milk"]
    assert [case.case.id for case in split.cases if case.item is None] == []
    assert split.dropped == {
        "belong to a cluster of the hold-out": 1,
        "repeat a hold-out input": 2,
        "training cases of a cluster of the hold-out": 1,
        "training cases that repeat a hold-out input": 1,
    }


def test_near_repetitions_in_the_holdout_are_one_group() -> None:
    cases = suite(*({"id": f"c{n}", "vars": LONG.format(n)} for n in range(40)))
    assert divide([], cases).holdout_groups == 1
    different = suite(*({"id": f"c{n}", "vars": text} for n, (text, _) in enumerate(questions(40, 1))))
    assert divide([], different).promotable


def test_without_a_suite_thirty_percent_are_held_out() -> None:
    items = build(corrections(questions(1000, 3)), a_prompt()).items
    split = divide(items, None)
    assert 0.26 < len(split.holdout) / len(items) < 0.34
    assert split.promotable
    assert all(case.split == "train" and case.expected for case in split.holdout)


def test_a_suite_that_only_trains_leaves_the_holdout_to_the_events() -> None:
    rows = questions(100, 8)
    items = build(corrections(rows), a_prompt()).items
    held = text_of(divide(items, None).holdout[0])
    cases = suite(
        {"id": "a", "vars": "quite another thing", "split": "train"},
        {"id": "b", "vars": held.upper(), "split": "train"},
    )
    split = divide(items, cases)
    assert [case.case.id for case in split.cases if case.item is None] == ["a"]
    assert split.holdout == divide(items, None).holdout
    assert split.dropped == {"training cases that repeat a hold-out input": 1}


def test_more_events_do_not_move_an_item_to_the_other_side() -> None:
    rows = [(text, label, f"u{n % 60}") for n, (text, label) in enumerate(questions(200, 5))]
    before, after = divide(items_of(rows[:120]), None), divide(items_of(rows), None)
    held = {text_of(case) for case in after.holdout}
    assert {text_of(case) for case in before.holdout} <= held
    assert not held & set(texts(before))


def test_an_input_of_users_on_both_sides_is_dropped() -> None:
    rows = [(text, label, f"u{n}") for n, (text, label) in enumerate(questions(100, 5))]
    held = {text_of(case) for case in divide(items_of(rows), None).holdout}
    outside = next(user for text, _, user in rows if text in held)
    inside = next(user for text, _, user in rows if text not in held)
    shared = [*rows, ("asked by both", "t1", inside), ("Asked by both!", "t1", outside)]
    split = divide(items_of(shared), None)
    assert split.dropped == {"bridge training and hold-out": 1}
    assert "asked by both" not in {*texts(split), *map(text_of, split.holdout)}


def test_all_of_one_user_is_on_the_side_first_seen() -> None:
    rows = [(text, label, f"u{n // 2}") for n, (text, label) in enumerate(questions(120, 6))]
    split = divide(items_of(rows), None)
    users = {text: user for text, _, user in rows}
    inside = {users[text] for text in texts(split)}
    outside = {users[text_of(case)] for case in split.holdout}
    assert inside
    assert outside
    assert not inside & outside
    assert split.holdout_groups == len(outside)


def test_keys_and_digest_of_the_holdout() -> None:
    one = suite({"id": "a", "vars": "x y"}, {"id": "b", "vars": "v w"})
    renamed = suite({"id": "c", "vars": "x y"}, {"id": "d", "vars": "v w"})
    split, other = divide([], one), divide([], renamed)
    assert split.holdout_keys == other.holdout_keys
    assert len(split.holdout_keys) == 2
    assert split.holdout_digest != other.holdout_digest


def test_cases_of_events_are_held_as_the_suite_does() -> None:
    cases = load_suite(
        b"match: icontains\ncases:\n  - {id: a, vars: {message: x}, expected: t1}\n", file="x.yaml"
    )
    assert match_of(cases.cases) == "icontains"
    assert match_of(()) == "equals"
    split = divide(items_of([("quite new", "t2", "u")]), cases.cases)
    assert [each.type for each in split.cases[0].case.assertions] == ["icontains"]
    (item,) = items_of([("quite new", "t2", "u")])
    assert case_of(item).id == split.cases[0].case.id
    assert len(case_of(item).digest) == 64


_ROWS = st.lists(
    st.tuples(
        st.one_of(
            st.integers(0, 60).map(lambda n: f"question about thing number {n} of {n * n}"),
            st.integers(0, 9).map(LONG.format),
        ),
        st.sampled_from(["t1", "t2"]),
        st.integers(0, 40).map(lambda n: f"u{n}"),
    ),
    max_size=70,
)


@settings(max_examples=60, deadline=None)
@given(_ROWS, st.lists(st.integers(0, 60), min_size=1, max_size=8, unique=True))
def test_nothing_straddles(rows: list[tuple[str, str, str]], held: list[int]) -> None:
    items = items_of(rows)
    cases = suite(*({"id": str(n), "vars": f"Question about thing number {n} of {n * n}!"} for n in held))
    for split in (divide(items, None), divide(items, cases)):
        training = [normalised(text) for text in texts(split)]
        held_out = [normalised(text_of(case)) for case in split.holdout]
        assert near_pairs(training, held_out) == []
        assert [normalised(case.text) for case in split.cases] == training
    split = divide(items, None)
    users = {item.key: item.users for item in items}
    inside = {user for item in split.items for user in item.users}
    outside = {user for case in split.holdout for user in users[normalised(text_of(case))]}
    sizes = Counter(user for item in items for user in item.users)
    large = {user for user, size in sizes.items() if size > max(1, LARGE * len(items))}
    assert inside & outside <= large
    assert len(split.items) + len(split.holdout) + sum(split.dropped.values()) == len(items)


def test_cases_in_quarantine_leave_the_hold_out_and_stay_unseen() -> None:
    cases = suite(
        {"id": "one", "vars": "where is my box"},
        {"id": "two", "vars": "where is my milk", "cluster": "milk"},
    )
    split = divide(items_of([("where is my box", "t1", "u1"), ("where is my cat", "t1", "u2")]), cases)
    aside = split.without({"one"})
    assert [case.id for case in aside.holdout] == ["two"]
    assert aside.clusters == split.clusters[1:]
    assert texts(aside) == texts(split) == ["where is my cat"]
    assert aside.holdout_keys == split.holdout_keys
    assert aside.holdout_digest != split.holdout_digest
    assert split.without(()) == split
