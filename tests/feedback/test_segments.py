from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.ids import is_ulid, new_ulid
from promptvc.feedback.events import Event, parse_event, stamped
from promptvc.feedback.segments import prompt_of, read_lines, read_segments, seal

ULID = "01M7W831200000000000000000"
START = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)


def make(number: int, prompt: str = "support/triage", **keys: Any) -> Event:
    value = {"prompt": prompt, "kind": "rating", "source": "human", "rating": 0.5} | keys
    return parse_event(
        stamped(value, now=START + timedelta(minutes=number), random=number.to_bytes(10, "big"))
    )


def test_segments_are_by_prompt_and_month_and_sorted_by_id() -> None:
    events = [make(90), make(0), make(70, "a"), make(30)]
    segments = seal(events, ulid=ULID)
    assert segments == {
        f"feedback/a/2026/11/{ULID}.jsonl": events[2].line(),
        f"feedback/support/triage/2026/10/{ULID}.jsonl": events[1].line() + events[3].line(),
        f"feedback/support/triage/2026/11/{ULID}.jsonl": events[0].line(),
    }
    assert seal([], ulid=ULID) == {}


def test_sealing_does_not_depend_on_the_order() -> None:
    events = [make(number) for number in range(20)] + [make(3, rating=0.9)]
    segments = seal(events, ulid=ULID)
    for seed in range(5):
        random.Random(seed).shuffle(events)
        assert seal(events, ulid=ULID) == segments


def test_large_segments_are_split_under_fixed_names() -> None:
    events = [make(number) for number in range(10)]
    size = len(events[0].line())
    segments = seal(events, ulid=ULID, limit=3 * size)
    assert [content.count(b"\n") for content in segments.values()] == [3, 3, 3, 1]
    assert seal(events, ulid=ULID, limit=3 * size) == segments
    names = [path.rsplit("/", 1)[1].removesuffix(".jsonl") for path in segments]
    assert names[0] == ULID
    assert len(set(names)) == 4
    assert all(is_ulid(name) and name[:10] == ULID[:10] for name in names)
    assert read_segments(segments).events == tuple(events)


def test_one_larger_than_the_limit_has_a_segment_of_its_own() -> None:
    events = [make(0), make(1, comment="x" * 1000), make(2)]
    segments = seal(events, ulid=ULID, limit=500)
    assert [content.count(b"\n") for content in segments.values()] == [1, 1, 1]


def test_a_name_that_is_no_ulid() -> None:
    with pytest.raises(ValueError, match="not a ULID"):
        seal([], ulid="../../etc")


@given(st.lists(st.integers(0, 200), max_size=30), st.integers(1, 4))
def test_reading_gives_back_what_was_sealed_once(numbers: list[int], parts: int) -> None:
    events = [make(number, f"p{number % 3}") for number in numbers]
    files: dict[str, bytes] = {}
    for part in range(parts):
        files |= seal(events[part::parts] + events[:1], ulid=new_ulid(START, bytes([part] * 10)))
    reading = read_segments(files)
    assert reading.events == tuple(
        sorted({event.id: event for event in events}.values(), key=lambda event: event.id)
    )
    assert not reading.conflicts
    assert not reading.problems


def test_one_id_with_two_contents_the_smaller_digest_wins() -> None:
    versions = sorted((make(1, rating=rating) for rating in (0.1, 0.2, 0.3)), key=Event.content_digest)
    lines = [event.line() for event in versions]
    other = make(2)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        files = {"feedback/p/2026/10/a.jsonl": lines[order[0]] + other.line() + lines[order[1]]}
        files["feedback/p/2026/10/b.jsonl"] = lines[order[2]]
        reading = read_segments(files)
        assert reading.events == (versions[0], other)
        (conflict,) = reading.conflicts
        assert conflict.id == versions[0].id
        assert conflict.kept == versions[0].content_digest()
        a, b = files
        assert conflict.places == ((a, 1), (a, 3), (b, 1))


def test_equal_copies_are_no_conflict_however_their_keys_are_ordered() -> None:
    event = make(1)
    shuffled = b"{" + b",".join(reversed(event.line()[1:-2].split(b","))) + b"}\n"
    assert shuffled != event.line()
    reading = read_segments({"a.jsonl": event.line() + shuffled})
    assert reading.events == (event,)
    assert reading.conflicts == ()


def test_bad_lines_are_named_and_cost_no_other() -> None:
    good = [make(1), make(2), make(3)]
    data = b"\n".join(
        [
            good[0].line().strip(),
            b'{"id": "x"',
            b"",
            b'{"id": "x"}',
            good[1].line().strip() + b"\r",
            b"\xff\xfe",
            b'{"a": 1, "a": 2}',
            b"[" * 100_000,
            good[2].line().strip(),
        ]
    )
    reading = read_segments({"feedback/p/2026/10/a.jsonl": data})
    assert reading.events == tuple(good)
    assert [(problem.line, problem.message.split(":")[0]) for problem in reading.problems] == [
        (2, "not JSON"),
        (4, "the key 'time' is missing"),
        (6, "not UTF-8"),
        (7, "not JSON"),
        (8, "not JSON"),
    ]
    assert {problem.file for problem in reading.problems} == {"feedback/p/2026/10/a.jsonl"}
    assert reading.problems[0].raw == b'{"id": "x"'


def test_lines_end_at_newlines_only() -> None:
    event = make(1, comment="a\u2028b\u0085c")
    assert list(read_lines(event.line(), file="x")) == [(1, event)]


@pytest.mark.parametrize(
    ("path", "prompt"),
    [
        ("feedback/triage/2026/11/x.jsonl", "triage"),
        ("feedback/support/triage/2026/11/x.jsonl", "support/triage"),
        ("feedback/support/2026/11/2026/11/x.jsonl", "support/2026/11"),
        ("feedback/triage/x.jsonl", None),
        ("feedback/archive.yaml", None),
        ("prompts/triage/2026/11/x.jsonl", None),
    ],
)
def test_whose_segment_a_path_is(path: str, prompt: str | None) -> None:
    assert prompt_of(path) == prompt
