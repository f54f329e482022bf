from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.config import FeedbackSettings
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.feedback.events import Event, parse_event, stamped

ULID = "01JD3M8Z6VQW4N9T2X5KAB7CDE"
HEAD: dict[str, Any] = {
    "id": ULID,
    "time": "2026-11-20T10:30:00Z",
    "prompt": "support/triage",
    "kind": "rating",
    "source": "human",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def rating(**keys: Any) -> Event:
    return parse_event(HEAD | keys)


def test_an_event_knows_its_parts() -> None:
    event = rating(rating=0.8, version=3, digest="a" * 40, tags=["x"], user="u-1", comment="fine", extra=[1])
    assert (event.id, event.prompt, event.kind, event.source) == (ULID, "support/triage", "rating", "human")
    assert event.time == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    assert (event.version, event.digest, event.tags, event.user) == (3, "a" * 40, ("x",), "u-1")
    assert (event.comment, event.input, event.output, event.corrected) == ("fine", None, None, None)
    assert event.data["extra"] == [1]


@pytest.mark.parametrize(
    ("keys", "score"),
    [
        ({"effectiveness": 0.9, "rating": 0.1, "stars": 1, "thumbs": "down"}, 0.9),
        ({"rating": 0.1, "stars": 5, "thumbs": "up"}, 0.1),
        ({"stars": 1, "thumbs": "up"}, 0.0),
        ({"stars": 3}, 0.5),
        ({"stars": 4.5}, 0.875),
        ({"thumbs": "up"}, 1.0),
        ({"thumbs": "down"}, 0.0),
        ({"rating": 0}, 0.0),
        ({"comment": "no number"}, None),
    ],
)
def test_the_score_is_effectiveness_else_rating_else_stars_else_thumbs(
    keys: dict[str, Any], score: float | None
) -> None:
    assert rating(**keys).score == score


def test_thresholds_are_inclusive_and_configurable() -> None:
    assert rating(rating=0.7).is_positive()
    assert not rating(rating=0.69).is_positive()
    assert rating(rating=0.3).is_negative()
    assert not rating(rating=0.31).is_negative()
    assert not rating(comment="x").is_positive()
    assert not rating(comment="x").is_negative()
    strict = FeedbackSettings(positive=0.9, negative=0.1)
    assert not rating(rating=0.8).is_positive(strict)
    assert not rating(rating=0.2).is_negative(strict)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "x"}, "'id' must be a ULID"),
        ({"time": "2026-11-20T10:30:00+01:00"}, "'time' must be a time in UTC"),
        ({"time": "2026-02-30T10:30:00Z"}, "'time' is no such day"),
        ({"prompt": "../etc"}, "'prompt' must be a prompt's name"),
        ({"kind": "opinion"}, "'kind' must be one of rating, correction"),
        ({"source": "cat"}, "'source' must be one of human"),
        ({"rating": 1.5}, "'rating' must be a number from 0 to 1"),
        ({"rating": True}, "'rating' must be a number from 0 to 1"),
        ({"rating": "0.5"}, "'rating' must be a number from 0 to 1"),
        ({"stars": 0}, "'stars' must be a number from 1 to 5"),
        ({"version": 0}, "'version' must be a whole number, 1 or more"),
        ({"scores": {"tone": 7}}, "'scores' 'tone' must be a number from 0 to 1"),
        ({"tokens": {"input": 1.5}}, "'tokens' 'input' must be a whole number"),
        ({"tags": "a"}, "'tags' must be a list of texts"),
        ({"options": [{"confidence": 1}]}, "'options' item 1 needs name"),
        ({"kind": "correction"}, "the key 'input' is missing: a correction needs it"),
        ({"kind": "exposure", "arm": "a", "unit": "u"}, "needs at least one of experiment, rollout"),
        ({"kind": "error", "error": {}}, "'error' needs type or message"),
    ],
)
def test_errors_name_the_key_and_the_place(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_event(HEAD | {"rating": 0.5} | change, file="feedback/a.jsonl", line=7)
    assert words in caught.value.message
    assert str(caught.value).startswith("feedback/a.jsonl:7: ")


@pytest.mark.parametrize("key", ["id", "time", "prompt", "kind", "source"])
def test_what_every_event_has_is_required(key: str) -> None:
    value = HEAD | {"rating": 0.5}
    del value[key]
    with pytest.raises(InvalidDocument, match=f"the key '{key}' is missing"):
        parse_event(value)


def test_a_rating_says_something() -> None:
    with pytest.raises(InvalidDocument, match="a rating needs at least one of rating, stars"):
        parse_event(HEAD)


@given(st.dictionaries(st.text(min_size=1).filter(lambda key: not key.isascii()), JSON, max_size=4))
def test_round_trip(unknown: dict[str, Any]) -> None:
    event = rating(rating=0.5, **unknown)
    assert parse_event(event.to_json()) == event
    again = parse_event(parse_json(event.line(), file="x"))
    assert again == event
    assert again.line() == event.line()
    assert event.line().endswith(b"\n")
    assert event.line().count(b"\n") == 1


def test_the_line_is_canonical_whatever_the_order_of_keys() -> None:
    event = rating(rating=0.5, comment="Grüße")
    shuffled = parse_event(dict(reversed(list(event.data.items()))))
    assert event.line() == shuffled.line() == canonical_json(event.data) + b"\n"
    assert event.content_digest() == shuffled.content_digest()
    assert event.content_digest() != rating(rating=0.5).content_digest()


def test_half_a_surrogate_pair_survives() -> None:
    event = rating(comment=json.loads('"\\ud83d"'))
    event.line().decode()
    assert parse_event(parse_json(event.line(), file="x")) == event


def test_stamped_fills_in_what_is_missing_only() -> None:
    now = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    made = stamped({"prompt": "p"}, now=now, random=bytes(10))
    assert made == {"prompt": "p", "time": "2026-11-20T10:30:00Z", "id": "01M7W831200000000000000000"}
    assert stamped(HEAD, now=now) == HEAD


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"corrected": "refunds", "notes": "money back"}, "-> refunds (money back)"),
        ({"approved": False}, "rejected"),
        ({"approved": True, "notes": "fine"}, "approved (fine)"),
        ({"label": "wrong_team"}, "wrong_team"),
        ({"scores": {"tone": 0.5}}, ""),
    ],
)
def test_an_annotation_says_its_verdict_and_its_words(given: dict[str, Any], words: str) -> None:
    value = {
        "id": "01JD3M8Z6VQW4N9T2X5KAB7CDE",
        "time": "2026-11-01T10:00:00Z",
        "prompt": "a/b",
        "kind": "annotation",
        "source": "human",
        "target": "01JD3M9C2K8P0R4S6T1VWXYZ23",
        **given,
    }
    assert parse_event(value).words == words
