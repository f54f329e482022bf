from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from promptvc.feedback.events import Event, parse_event, stamped
from promptvc.feedback.query.selection import Query, select

START = datetime(2026, 11, 20, tzinfo=UTC)


def make(day: int, **keys: Any) -> Event:
    value = {"prompt": "p", "kind": "rating", "source": "human", "rating": 0.5} | keys
    return parse_event(stamped(value, now=START + timedelta(days=day), random=bytes([day] * 10)))


EVENTS = [
    make(0, version=1, tags=["a"], user="u1"),
    make(1, version=2, tags=["a", "b"], source="code"),
    make(2, kind="suggestion", comment="Too SLOW", prompt="q"),
    make(3, input={"message": "why so slow?"}, version=2),
]


@pytest.mark.parametrize(
    ("query", "days"),
    [
        (Query(), [0, 1, 2, 3]),
        (Query(prompt="q"), [2]),
        (Query(kinds=("suggestion", "error")), [2]),
        (Query(sources=("code",)), [1]),
        (Query(versions=(2,)), [1, 3]),
        (Query(tags=("a",)), [0, 1]),
        (Query(tags=("b", "a")), [1]),
        (Query(since=START + timedelta(days=1)), [1, 2, 3]),
        (Query(until=START + timedelta(days=1)), [0]),
        (Query(since=START + timedelta(days=1), until=START + timedelta(days=3)), [1, 2]),
        (Query(user="u1"), [0]),
        (Query(text="slow"), [2, 3]),
        (Query(text="slow", versions=(2,)), [3]),
        (Query(text="message"), []),
    ],
)
def test_select(query: Query, days: list[int]) -> None:
    assert list(select(EVENTS, query)) == [EVENTS[day] for day in days]
