from __future__ import annotations

from typing import Any

import pytest

from promptvc.feedback.columns import infer_kind, to_event


def cell(key: str, value: str) -> Any:
    """What one cell of CSV becomes."""
    return to_event({key: value}, {}, typed=False)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("rating", " 0.8 ", 0.8),
        ("Stars", "4", 4),
        ("latency_ms", "1e3", 1000.0),
        ("version", "3", 3),
        ("thumbs", "UP", "up"),
        ("thumbs", "1", "up"),
        ("thumbs", "True", "up"),
        ("thumbs", "👍", "up"),
        ("thumbs", "👍🏽", "up"),
        ("thumbs", "-1", "down"),
        ("thumbs", "false", "down"),
        ("thumbs", "👎", "down"),
        ("approved", "yes", True),
        ("approved", "0", False),
        ("tags", "a, b;c|d", ["a", "b", "c", "d"]),
        ("issues", '["x, y"]', ["x, y"]),
        ("error", "timed out", {"message": "timed out"}),
        ("error", '{"type": "T"}', {"type": "T"}),
        ("context", '{"model": "m"}', {"model": "m"}),
        ("context", "{not json", "{not json"),
        ("time", "2026-11-20", "2026-11-20T00:00:00Z"),
        ("time", "2026-11-20 10:30:00", "2026-11-20T10:30:00Z"),
        ("time", "2026-11-20 10:30:00 UTC", "2026-11-20T10:30:00Z"),
        ("time", "2026-11-20T10:30:00.123456+02:00", "2026-11-20T08:30:00.123Z"),
        ("time", "1763634600", "2025-11-20T10:30:00Z"),
        ("time", "1763634600123", "2025-11-20T10:30:00.123Z"),
        ("user", " bob ", "bob"),
        ("comment", " kept ", " kept "),
        ("id", "01jd3m8z6vqw4n9t2x5kab7cde", "01JD3M8Z6VQW4N9T2X5KAB7CDE"),
    ],
)
def test_text_becomes_what_its_key_needs(key: str, value: str, expected: Any) -> None:
    assert cell(key, value) == {key.lower(): expected}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("rating", "good", "'rating' is no number: \"good\""),
        ("rating", "NaN", "is no number"),
        ("rating", "inf", "is no number"),
        ("rating", "0,8", "is no number"),
        ("stars", "٤", "is no number"),
        ("thumbs", "0", "'thumbs' is none of"),
        ("thumbs", "maybe", "'thumbs' is none of"),
        ("time", "20.11.2026", "'time' is no time"),
        ("time", "yesterday", "'time' is no time"),
        ("time", "0001-01-01", "'time' is no time"),
        ("tokens.input", "many", "'tokens.input' is no number"),
    ],
)
def test_nothing_is_guessed(key: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cell(key, value)


def test_inner_keys() -> None:
    row = {
        "prompt_tokens": "10",
        "tokens.output": "2",
        "scores.tone": "0.5",
        "input.message": "hi",
        "a.b": "c",
    }
    assert to_event(row, {"prompt_tokens": "tokens.input"}, typed=False) == {
        "tokens": {"input": 10, "output": 2},
        "scores": {"tone": 0.5},
        "input": {"message": "hi"},
        "a.b": "c",
    }


def test_a_map_renames_and_leaves_out() -> None:
    row = {"Score": "4", "Customer": "Bob", "rating": "0.5", "Colour": "red"}
    columns = {"Score": "stars", "Customer": ""}
    assert to_event(row, columns, typed=False) == {"stars": 4, "rating": 0.5, "Colour": "red"}


def test_two_columns_for_one_key() -> None:
    with pytest.raises(ValueError, match="two columns for 'rating'"):
        to_event({"a": "1", "rating": "0"}, {"a": "rating"}, typed=False)
    with pytest.raises(ValueError, match=r"two columns for 'input\.x'"):
        to_event({"input": "a", "b": "c"}, {"b": "input.x"}, typed=False)


def test_empty_and_null_are_not_given() -> None:
    assert to_event({"comment": "", "rating": None, "stars": 3}, {}, typed=True) == {"stars": 3}


def test_json_keeps_its_types_and_text_keys_take_text() -> None:
    row = {"rating": "0.5", "stars": 4, "output": {"b": 1, "a": [True]}, "user": 42, "tags": "x,y", "a.b": 1}
    assert to_event(row, {}, typed=True) == {
        "rating": 0.5,
        "stars": 4,
        "output": '{"a":[true],"b":1}',
        "user": "42",
        "tags": ["x", "y"],
        "a.b": 1,
    }


def test_an_id_of_another_kind_is_kept_aside() -> None:
    assert to_event({"id": 4711}, {}, typed=True) == {"external_id": "4711"}


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ("target corrected", "annotation"),
        ("input output corrected rating", "correction"),
        ("error rating", "error"),
        ("stars comment", "rating"),
        ("issues", "rating"),
        ("name value", "metric"),
        ("experiment arm unit", "exposure"),
        ("options selected", "selection"),
        ("query chunks", "retrieval"),
        ("comment input output", "suggestion"),
        ("latency_ms input", "success"),
        ("input output", None),
        ("name", None),
        ("", None),
    ],
)
def test_the_kind_that_the_keys_tell(keys: str, kind: str | None) -> None:
    assert infer_kind(dict.fromkeys(keys.split())) == kind
