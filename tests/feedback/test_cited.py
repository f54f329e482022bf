"""The events that are cited are the same as when everything is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.ids import derived_ulid
from promptvc.feedback.cited import read_cited
from promptvc.feedback.segments import read_segments

IDS = [derived_ulid(datetime(2026, 1, 1, tzinfo=UTC), b"event", at) for at in range(6)]


def line(key: str, stars: int, *, spaced: bool) -> bytes:
    value = {
        "id": key,
        "time": "2026-01-01T00:00:00Z",
        "prompt": "a",
        "kind": "rating",
        "source": "human",
        "stars": stars,
    }
    return json.dumps(value, separators=None if spaced else (",", ":")).encode() + b"\n"


lines = st.lists(st.builds(line, st.sampled_from(IDS), st.integers(1, 5), spaced=st.booleans()), max_size=8)


@given(st.dictionaries(st.sampled_from(["x", "y", "z"]), lines), st.sets(st.sampled_from(IDS)))
def test_only_what_is_cited_is_read_and_nothing_of_it_is_missed(
    written: dict[str, list[bytes]], ids: set[str]
) -> None:
    files = {name: b"".join(content) + b"no event\n" for name, content in written.items()}
    expected = {event.id: event for event in read_segments(files).events if event.id in ids}
    assert read_cited(files, ids) == expected
    assert list(read_cited(files, ids)) == sorted(expected)
