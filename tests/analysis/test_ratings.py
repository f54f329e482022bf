"""Users' ratings by version: theirs only, and the same in any order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.analysis.ratings import Rating, ratings
from tests.analysis.answers import event, judgement, note


def test_the_mean_rating_of_each_version() -> None:
    events = [
        event(1, "rating", stars=5, version=2),
        event(2, "rating", rating=0.5, version=2),
        event(3, "rating", thumbs="down", version=1),
        event(4, "success", effectiveness=0.8),
        event(5, "suggestion", comment="be kind", version=3),
    ]
    assert ratings(events) == (Rating(1, 0.0, 1), Rating(2, 0.75, 2), Rating(None, 0.8, 1))
    assert ratings([]) == ()


def test_judges_programs_and_reviewers_are_no_users() -> None:
    events = [
        event(1, "rating", source="llm_judge", rating=1),
        event(2, "rating", source="code", rating=1),
        judgement(3, 1, 1.0, rating=1.0),
        note(4, 1, approved=True, stars=5),
    ]
    assert ratings(events) == ()


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 3)), max_size=20), st.randoms(use_true_random=False)
)
def test_the_order_changes_nothing(rows: list[tuple[float, int]], chance: random.Random) -> None:
    events = [
        event(at, "rating", rating=rating, version=version) for at, (rating, version) in enumerate(rows)
    ]
    found = ratings(events)
    chance.shuffle(events)
    assert ratings(events) == found
    for one in found:
        mine = [rating for rating, version in rows if version == one.version]
        assert one.n == len(mine)
        assert one.mean == pytest.approx(sum(mine) / len(mine))
