"""Which parts of an event outlive the term, and which line counts where there are two."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.ids import derived_ulid
from promptvc.base.jsonl import canonical_json
from promptvc.feedback.checking import segment_problems
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.fields import FIELDS
from promptvc.feedback.retention import TEXTS, Term, expire, expired_in, renamed, rewrite
from promptvc.feedback.segments import read_segments, seal, winner
from tests.feedback.test_event_schema import VALID

NOW = datetime(2026, 6, 1, 12, 30, 15, 500, tzinfo=UTC)
TERM = Term.ending(NOW, 90)
OLD = "2026-03-02T23:59:59.999Z"
PLACE = "feedback/a/2026/03/01JD3M8Z6VQW4N9T2X5KAB7CDE.jsonl"


def event(number: int = 0, **values: Any) -> Event:
    about = {"id": derived_ulid(NOW, b"%d" % number, 0), "time": OLD, "prompt": "a", "source": "human"}
    return parse_event({**about, "kind": "rating", "stars": 4, **values})


def lines(*events: Event) -> bytes:
    return b"".join(one.line() for one in events)


def test_words_go_and_what_is_counted_stays() -> None:
    whole = VALID | {
        "time": OLD,
        "kind": "retrieval",
        "context": {"model": "m", "ms": 3, "note": "w", "deep": {"model": "w", "n": [1, "w"]}},
        "chunks": [{"rank": 1, "id": "c1", "relevant": True, "text": "w"}],
        "options": [{"name": "a", "confidence": 0.5, "why": "w"}],
        "external_id": "x1",
        "their own": "w",
        "their number": 7,
        "their list": ["w", {"w": "w"}],
    }
    del whole["expired"]
    left = expire(parse_event(whole), TERM)
    assert left is not None
    assert left.data == {
        key: value for key, value in whole.items() if key not in {*TEXTS, "their own", "their list"}
    } | {
        "context": {"model": "m", "ms": 3, "deep": {"n": [1]}},
        "error": {"type": "Timeout"},
        "chunks": [{"rank": 1, "id": "c1", "relevant": True}],
        "options": [{"name": "a", "confidence": 0.5}],
        "expired": "2026-05-31T23:59:59.999Z",
    }
    assert expire(left, TERM) is None
    assert expire(parse_event(left.to_json() | {"comment": "w"}), TERM) == left, (
        "texts that somebody put back"
    )


def test_every_key_of_an_event_is_decided_on() -> None:
    """A new key that holds words belongs among those that go; so that nobody forgets, the others stand here."""
    assert frozenset(FIELDS) - TEXTS - {"context", "error", "chunks", "options"} == {
        *(
            "id",
            "time",
            "prompt",
            "kind",
            "source",
            "version",
            "digest",
            "rating",
            "effectiveness",
            "stars",
            "thumbs",
        ),
        *("scores", "issues", "latency_ms", "cost", "tokens", "name", "value", "target", "label", "approved"),
        *(
            "reviewer",
            "experiment",
            "rollout",
            "arm",
            "unit",
            "propensity",
            "selected",
            "relevant",
            "user",
            "aka",
        ),
        *("session", "execution", "derived_from", "tags", "rollup", "expired"),
    }


@pytest.mark.parametrize(
    "kind", ["correction", "suggestion", "demonstration", "error", "retrieval", "annotation"]
)
def test_a_kind_that_is_all_words_is_an_event_still(kind: str) -> None:
    words: dict[str, Any] = {
        "input": "i",
        "output": "o",
        "corrected": "c",
        "comment": "c",
        "error": {"message": "m"},
        "query": "q",
    }
    data = {key: value for key, value in event(chunks=[{"rank": 1}], **words).data.items() if key != "stars"}
    left = expire(parse_event(data | {"kind": kind, "target": data["id"]}), TERM)
    assert left is not None
    assert left.kind == kind
    assert not left.data.keys() & {*words}
    assert left.words == "(expired)"


def test_lines_that_are_not_due_stay_byte_for_byte() -> None:
    due, young = event(1, comment="c"), event(2, comment="c", time="2026-03-03T00:00:00Z")
    plain, odd = event(3), b'{ "comment": "c", "id": 1}'
    spaced = json.dumps(event(4, tags=["t"]).data).encode() + b"\n"
    data = b"".join((young.line(), b"\n", due.line(), plain.line(), spaced, odd))
    new = rewrite(data, TERM)
    left = expire(due, TERM)
    assert left is not None
    assert new.data == b"".join((young.line(), b"\n", left.line(), plain.line(), spaced, odd))
    assert (new.expired, new.unreadable) == (1, 1)
    assert rewrite(new.data, TERM).data == new.data
    assert rewrite(new.data, TERM).expired == 0
    assert expired_in(new.data) == {due.id: "2026-05-31T23:59:59.999Z"}
    elsewhere = rewrite(lines(young), TERM, {young.id: OLD})
    assert (elsewhere.expired, json.loads(elsewhere.data)["expired"]) == (1, OLD)
    assert expired_in(lines(event(5, comment='"expired"'))) == {}


def test_what_replaces_a_segment_is_named_by_its_content() -> None:
    assert renamed(PLACE, b"a") == renamed(PLACE, b"a") != renamed(PLACE, b"b")
    assert renamed(PLACE, b"a").rpartition("/")[0] == PLACE.rpartition("/")[0]
    assert renamed(PLACE, b"a")[-32:-22] == PLACE[-32:-22], "the time of the one before"
    assert renamed("feedback/a/2026/03/by-hand.jsonl", b"a").endswith(".jsonl")


SOME = [
    event(0, comment="one"),
    event(0, comment="two"),
    event(0),
    event(0, expired=OLD),
    event(0, expired=NOW.strftime("%FT%TZ")),
]


def test_the_content_without_texts_wins_in_any_order_and_is_no_conflict() -> None:
    for size in range(1, 4):
        for chosen in itertools.combinations(SOME, size):
            found = [
                read_segments({f"{at}.jsonl": one.line() for at, one in enumerate(order)})
                for order in itertools.permutations(chosen)
            ]
            readings = {(one.events, bool(one.conflicts), len(one.returned)) for one in found}
            assert len(readings) == 1
            events, conflict, returned = readings.pop()
            expired = [one for one in chosen if "expired" in one.data]
            assert events[0] in (expired or chosen)
            assert conflict == (len(chosen) > 1 and not expired)
            assert returned == (bool(expired) and len(expired) < len(chosen))
            assert seal(chosen, ulid=chosen[0].id) == seal(chosen[::-1], ulid=chosen[0].id)
    assert winner(SOME[0], SOME[3]) is winner(SOME[3], SOME[0]) is SOME[3]


def test_check_tells_where_texts_came_back() -> None:
    problems = list(segment_problems({"x.jsonl": lines(SOME[3]), "y.jsonl": lines(event(1), SOME[0])}))
    assert [(one.rule, one.severity, one.file, one.line) for one in problems] == [
        ("expired-event", "error", "y.jsonl", 2)
    ]
    assert problems[0].hint == "run: promptvc feedback retain"
    assert list(segment_problems({"x.jsonl": lines(SOME[3]), "y.jsonl": lines(SOME[4])})) == []


WORDS = st.text(alphabet='ab"\\n{}:,é', min_size=1, max_size=8).map(lambda text: f"WORD{text}")
VALUES = st.recursive(
    WORDS | st.integers(-5, 5) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80)
@given(
    st.dictionaries(st.sampled_from(["of their own", "context", "theirs"]), VALUES, max_size=3),
    st.dictionaries(st.sampled_from(sorted(TEXTS)), WORDS, max_size=4),
    st.integers(-3, 3),
)
def test_no_word_is_left_and_no_number_is_lost(own: dict[str, Any], texts: dict[str, str], days: int) -> None:
    if not isinstance(own.get("context", {}), dict):
        del own["context"]
    time = (TERM.before + timedelta(days=days)).strftime("%FT%TZ")
    whole = event(1, **own, **texts, time=time)
    new = rewrite(whole.line(), TERM)
    if days >= 0 or "WORD" not in json.dumps(whole.data):
        assert new.data == whole.line()
        return
    left = json.loads(new.data)
    assert b"WORD" not in new.data
    assert left["stars"] == 4
    assert numbers(left) == numbers(whole.data)
    assert rewrite(new.data, TERM).data == new.data == canonical_json(left) + b"\n"


def numbers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in numbers(value[key])]
    if isinstance(value, list):
        return [number for one in value for number in numbers(one)]
    return [] if isinstance(value, str) else [value]
