"""The search for the version that broke a case: right, and with few questions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.bisecting import (
    MOST_REPEATS,
    Break,
    Search,
    State,
    is_flaky,
    majority,
    repeats_missing,
)

HISTORIES = st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1)))


def searched(search: Search, truth: list[State]) -> list[int]:
    """The versions that were asked about."""
    asked: list[int] = []
    while (at := search.next) is not None:
        assert at not in asked
        asked.append(at)
        search.tell(at, truth[at])
    return asked


def broken_at(count: int, first: int) -> list[State]:
    return ["good" if at < first else "bad" for at in range(count)]


@given(HISTORIES)
def test_the_first_bad_version_is_found_with_few_questions(history: tuple[int, int]) -> None:
    count, first = history
    search = Search(count)
    asked = searched(search, broken_at(count, first))
    assert search.found == Break(first - 1 if first else None, first)
    assert len(asked) <= math.ceil(math.log2(count)) + 1


@given(HISTORIES, st.data())
def test_what_is_known_is_never_asked(history: tuple[int, int], data: st.DataObject) -> None:
    count, first = history
    truth = broken_at(count, first)
    known = {at: truth[at] for at in data.draw(st.sets(st.integers(0, count - 1)))}
    search = Search(count, known)
    asked = searched(search, truth)
    assert not set(asked) & set(known)
    found = search.found
    assert found is not None
    assert found.first_bad == first
    left = len([at for at in range(count) if at not in known])
    assert len(asked) <= (math.ceil(math.log2(left + 1)) + 1 if left else 0)


@given(HISTORIES, st.data())
def test_skipped_versions_leave_exactly_the_range_that_cannot_be_told_apart(
    history: tuple[int, int], data: st.DataObject
) -> None:
    count, first = history
    truth = broken_at(count, first)
    skipped = data.draw(st.sets(st.integers(0, count - 1))) - {count - 1}
    for at in skipped:
        truth[at] = "skipped"
    upfront = data.draw(st.booleans())
    search = Search(count, dict.fromkeys(skipped, "skipped") if upfront else None)
    asked = searched(search, truth)
    goods = [at for at in range(count) if truth[at] == "good"]
    bads = [at for at in range(count) if truth[at] == "bad"]
    last_good = max(goods, default=None)
    between = range(-1 if last_good is None else last_good, min(bads))
    assert search.found is not None
    assert (search.found.last_good, search.found.first_bad) == (last_good, min(bads))
    told = [at for at in between[1:] if upfront or at in asked]
    assert list(search.found.skipped) == told == list(between[1:])
    if upfront:
        assert len(asked) <= math.ceil(math.log2(count)) + 1


@pytest.mark.parametrize("state", ["good", "skipped"])
def test_nothing_more_is_asked_where_the_newest_is_not_bad(state: State) -> None:
    search = Search(50)
    truth = broken_at(49, 49)
    truth.append(state)
    assert searched(search, truth) == [49]
    assert search.found is None


def test_of_several_breaks_that_are_known_the_last_is_found() -> None:
    known: dict[int, State] = {0: "good", 3: "bad", 5: "good", 9: "bad"}
    search = Search(10, known)
    assert searched(search, broken_at(10, 8)) == [7, 8]
    assert search.found == Break(7, 8)


def test_an_empty_history_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing to search"):
        Search(0)


@pytest.mark.parametrize(
    ("passes", "repeats", "missing"),
    [
        ("", 1, 1),
        ("", 3, 3),
        ("1", 3, 2),
        ("1", 1, 0),
        ("111", 3, 0),
        ("000", 3, 0),
        ("110", 3, 3),
        ("110110", 3, 1),
        ("1101101", 3, 0),
        ("11010100", 3, 1),
        ("110101001", 3, 0),
        ("10", 2, 4),
        ("1" * 6 + "0" * 6, 12, 0),
    ],
)
def test_repeats_that_disagree_ask_for_more(passes: str, repeats: int, missing: int) -> None:
    assert repeats_missing([one == "1" for one in passes], repeats) == missing


@given(st.lists(st.booleans(), min_size=40, max_size=40), st.integers(1, 12))
def test_asking_ends_with_a_majority(answers: list[bool], repeats: int) -> None:
    passes: list[bool] = []
    while (missing := repeats_missing(passes, repeats)) > 0:
        passes += answers[len(passes) : len(passes) + missing]
    most = max(repeats, MOST_REPEATS)
    assert repeats <= len(passes) <= most
    if is_flaky(passes):
        # No further repeat could have changed it.
        whole = answers[: max(len(passes), most)]
        assert majority(passes) == majority(whole) or len(passes) % 2 == 0
    else:
        assert len(passes) == repeats


def test_a_draw_is_no_pass() -> None:
    assert majority([True, False]) == "bad"
    assert majority([True, True, False]) == "good"
    assert majority([]) == "bad"
