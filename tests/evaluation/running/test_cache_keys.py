"""The laws of cache keys: the same request, the same key; any change in anything, another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from promptvc.evaluation.running.cache import Keys
from promptvc.models.messages import ChatMessage

# Few and short parts, so that equal ones and shifted boundaries ("a" + "bc", "ab" + "c") are common.
words = st.text("a1:#", max_size=3)
messages = st.lists(st.builds(ChatMessage, words, words), max_size=3).map(tuple)
parameters = st.dictionaries(words, st.integers(0, 2) | st.lists(words, max_size=2), max_size=2)
Request = tuple[str, str | None, tuple[ChatMessage, ...], Mapping[str, Any], int]
requests = st.tuples(words, st.none() | words, messages, parameters, st.integers(0, 12))


def key(request: Request) -> bytes:
    model, location, turns, options, repeat = request
    return Keys(model, location).key(turns, options, repeat)


@given(requests, requests)
def test_two_requests_share_a_key_exactly_when_they_are_equal(one: Request, two: Request) -> None:
    assert (key(one) == key(two)) == (one == two)


@given(requests, st.lists(st.tuples(messages, parameters, st.integers(0, 3)), max_size=4))
def test_what_was_asked_before_does_not_matter(
    request: Request, before: list[tuple[tuple[ChatMessage, ...], Mapping[str, Any], int]]
) -> None:
    model, location, turns, options, repeat = request
    keys = Keys(model, location)
    for earlier in before:
        keys.key(*earlier)
    assert keys.key(turns, options, repeat) == key(request)


def test_parameters_changed_in_place_are_noticed() -> None:
    keys, options = Keys("m"), {"stop": ["a"]}
    before = keys.key((), options, 0)
    options["stop"].append("b")
    assert keys.key((), options, 0) != before


def test_the_order_of_parameters_is_no_difference() -> None:
    assert key(("m", None, (), {"a": 1, "b": 2}, 0)) == key(("m", None, (), {"b": 2, "a": 1}, 0))


def test_the_key_of_a_known_request_stays_as_it_is() -> None:
    """A change here makes every cache on every disk worthless: it takes a new format number."""
    turns = (ChatMessage("system", "Answer."), ChatMessage("user", "Grüße"))
    request: Request = ("openai:gpt-x", "https://api.openai.com/v1", turns, {"temperature": 0}, 2)
    assert key(request).hex() == "c0b1bbb1a0b35524ab3637f06a6153aab62cce2395ba2f743c24e2c7f826e3c3"
