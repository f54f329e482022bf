"""Splits are stable when events are added, and no group straddles them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.training.data.inputs import Form, alike
from promptvc.training.exporting import splits as module
from promptvc.training.exporting.query import SPLITS, DatasetQuery
from promptvc.training.exporting.splits import divide_records
from tests.training.exporting.events import cases, chosen, event

QUERY = DatasetQuery(shares=(0.5, 0.25, 0.25))
WORDS = (
    "alpha beta gamma delta",
    "one two three four five",
    "where is my parcel today",
    "cancel the whole order",
)
TEXTS = st.builds(
    lambda base, end: WORDS[base] * 3 + "abcdefghijklmnop"[:end], st.integers(0, 3), st.integers(0, 16)
)
"""Many are nearly the same, and of a chain whose ends are not."""
KNOWN = st.lists(
    st.tuples(TEXTS.map(lambda text: Form(text, text)), st.sampled_from((None, "u1", "u2", "u3", "u4"))),
    max_size=25,
)


@given(known=KNOWN, later=KNOWN, by=st.sampled_from(("user", "input")))
def test_what_comes_later_moves_nothing(
    known: list[tuple[Form, str | None]], later: list[tuple[Form, str | None]], by: str
) -> None:
    query = DatasetQuery(shares=QUERY.shares, grouping=by)
    before = divide_records(known, query)
    after = divide_records([*known, *later], query)
    assert {key: after[key] for key in before} == before


@given(known=KNOWN)
def test_no_group_straddles(known: list[tuple[Form, str | None]]) -> None:
    found = {key: side for key, side in divide_records(known, QUERY).items() if side is not None}
    by_user: dict[str, set[str]] = {}
    for (_, owner), side in found.items():
        if owner is not None:
            by_user.setdefault(owner, set()).add(side)
    assert all(len(sides) == 1 for sides in by_user.values())
    listed = list(found)
    forms = [form for form, _ in listed]
    for one, other in alike(forms):
        assert found[listed[one]] == found[listed[other]]


@given(known=KNOWN, size=st.integers(1, 4))
def test_no_crowd_straddles(known: list[tuple[Form, str | None]], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CROWD", size)
        test_no_group_straddles.hypothesis.inner_test(known)  # type: ignore[attr-defined]


def test_without_users_inputs_alone_are_divided() -> None:
    texts = [f"{at} {WORDS[at % 4]} {at * 7919}" for at in range(60)]
    known = [(Form(text, text), "one user") for text in texts]
    assert len(set(divide_records(known, QUERY).values())) == 1
    found = divide_records(known, DatasetQuery(shares=QUERY.shares, grouping="input"))
    assert set(found.values()) == set(SPLITS)


def test_shares_are_kept_and_empty_splits_stay_empty() -> None:
    known = [(Form(f"{at * 7919} text", f"{at * 7919} text"), None) for at in range(2000)]
    counts = [list(divide_records(known, DatasetQuery()).values()).count(name) for name in SPLITS]
    assert 1500 < counts[0] < 1700
    assert all(140 < count < 260 for count in counts[1:])
    assert set(divide_records(known, DatasetQuery(shares=(0.0, 1.0, 0.0))).values()) == {"validation"}


def test_filters_move_nothing() -> None:
    events = [
        event(at, "correction" if at % 2 else "demonstration", output=f"o{at}", corrected="c")
        for at in range(80)
    ]
    whole = chosen(*events, query=DatasetQuery(with_holdout=True))
    part = chosen(*events, query=DatasetQuery(with_holdout=True, kinds=("correction",)))
    for name in SPLITS:
        ids = {record.id for record in whole.splits[name]}
        assert {record.id for record in part.splits[name]} <= ids
    assert sum(map(len, part.splits.values())) > 20


def test_the_hold_out_is_left_out_and_counted() -> None:
    events = [
        event(1, "demonstration", input={"q": "Where is my box?"}, output="a"),
        event(2, "demonstration", input={"q": "cancel it"}, output="b"),
    ]
    suite = cases("where is my box", "else")
    found = chosen(*events, query=DatasetQuery(), suite=suite)
    assert [record.good for record in found.records] == ["b"]
    assert found.left_out == {"repeat a hold-out input": 1}
    both = chosen(*events, query=DatasetQuery(with_holdout=True), suite=suite)
    assert sum(1 for _ in both.records) == 2
    assert both.left_out == {}


def test_without_a_suite_the_events_that_training_holds_out_are_left_out() -> None:
    texts = [f"{at * 7919} {WORDS[at % 4]}" for at in range(100)]
    events = [event(at, "demonstration", input={"q": text}, output="x") for at, text in enumerate(texts)]
    found = chosen(*events, query=DatasetQuery())
    assert 15 < found.left_out["repeat a hold-out input"] < 50


def test_an_input_that_was_dropped_once_still_knows_its_later_relatives() -> None:
    def side(text: str) -> str | None:
        return divide_records([(Form(text, text), None)], QUERY)[Form(text, text), None]

    for seed in range(100):
        base = f"{seed * 7919} words that nobody else would say about it"
        first, middle, last = (Form(text, text) for text in (base, base + " abcde", base + " abcde fghij"))
        if side(first.key) != side(last.key):
            break
    assert alike([first, middle, last]) == [(0, 1), (1, 2)]
    other = next(
        text for text in (f"unrelated {at * 104729}" for at in range(100)) if side(text) != side(first.key)
    )
    known = [(first, None), (Form(other, other), "u"), (middle, "u"), (last, None), (middle, None)]
    found = divide_records(known, QUERY)
    assert found[middle, "u"] is None
    assert found[first, None] != found[last, None]
    assert found[middle, None] is None
