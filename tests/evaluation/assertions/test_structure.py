"""Assertions about JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.json_values import json_values
from promptvc.evaluation.assertions.registry import problem
from promptvc.evaluation.assertions.structure import objections
from tests.evaluation.assertions.grading import check, no_grade

TEAM = {"type": "object", "required": ["team"]}
MANY = 50_000


@pytest.mark.parametrize(
    ("kind", "value", "text", "holds"),
    [
        ("is-json", None, '{"a": [1, 2]}', True),
        ("is-json", None, "```json\n{}\n```", False),
        ("is-json", None, '{"a": 1, "a": 2}', False),
        ("is-json", None, "[NaN]", False),
        ("is-json", {"type": "object", "required": ["team"]}, '{"team": "x"}', True),
        ("is-json", {"type": "object", "required": ["team"]}, '{"tem": "x"}', False),
        ("is-json", None, "", False),
        ("is-json", None, "3", True),
        ("is-json", None, "[" * MANY, False),
        ("contains-json", None, 'Here it is: {"team": "x"}. Anything else?', True),
        ("contains-json", None, '```json\n{"team": "x"}\n```', True),
        ("contains-json", None, "[1]", True),
        ("contains-json", None, "see [this] and {that}", False),
        ("contains-json", None, "3, true and null", False),
        ("contains-json", None, "", False),
        ("contains-json", None, '{"a": 1, "a": 2}', False),
        ("contains-json", None, "[NaN]", False),
        ("contains-json", None, "[1e999]", False),
        ("contains-json", None, '{"a": [1, 2], oops}', True),
        ("contains-json", None, "{'a': [1]}", True),
        ("contains-json", TEAM, 'not [1] nor {"a": 2} but {"team": 3}', True),
        ("contains-json", TEAM, '{"inner": {"team": 3}}', False),
        ("contains-json", TEAM, '{"inner": {"team": 3}, oops}', True),
        ("contains-json", TEAM, '{"tem": 3}', False),
        ("contains-json", TEAM, '[oops [1, {"team": 3},]', True),
        ("contains-json", TEAM, '[oops {"x": {"team": 3},}', True),
        ("contains-json", TEAM, '[oops [{"team": 3}: 1]', True),
        ("contains-json", {"type": "array"}, '{"a": []}', False),
        ("contains-json", {"const": [[1]]}, 'x [[1]] "', True),
    ],
)
def test_answers(kind: str, value: Any, text: str, *, holds: bool) -> None:
    check(kind, value, text, holds=holds)


def test_the_reason_is_the_first_thing_that_is_wrong() -> None:
    assert check("is-json", TEAM, '{"tem": 1}', holds=False).reason == "`team` is missing"
    assert "team" in check("contains-json", TEAM, 'a {"tem": 1} and [2]', holds=False).reason
    assert check("contains-json", None, "no", holds=False).reason == "there is no JSON object or array in it"


@pytest.mark.parametrize("kind", ["is-json", "contains-json"])
@pytest.mark.parametrize(
    ("value", "threshold", "message"),
    [
        ("x", None, "needs a JSON Schema"),
        ([], None, "needs a JSON Schema"),
        ({"type": "nothing"}, None, "the schema is not valid"),
        ({"pattern": "(a+)+$"}, None, "may never end"),
        (None, 0.5, "takes no `threshold`"),
    ],
)
def test_what_is_wrong_with_a_schema_is_said(
    kind: str, value: Any, threshold: float | None, message: str
) -> None:
    assert message in str(problem(Assertion(kind, value, threshold)))


def test_a_schema_that_cannot_be_applied_is_no_grade() -> None:
    for kind in ("is-json", "contains-json"):
        assert "nothing is ever fetched" in no_grade(Assertion(kind, {"$ref": "http://127.0.0.1:1/x"}), "[1]")
        assert "without end" in no_grade(Assertion(kind, {"$ref": "#"}), "[1]")


def test_a_schema_is_told_apart_from_another_and_from_itself_changed_into_a_copy() -> None:
    first, second = {"type": "object"}, {"type": "array"}
    for _ in range(2):
        assert objections([], first)
        assert not objections([], second)
        assert not objections([], dict(second))


@pytest.mark.parametrize(
    "text",
    [
        "[" * MANY,
        "{" * MANY,
        "[1," * MANY,
        '{"a":' * MANY,
        '["' * MANY,
        '["\\"' * MANY,
        "[" * 900 + "1," * MANY,
        "[NaN," * MANY,
        "[" + "9" * MANY,
        '["' + "a" * MANY,
        '{"a":1,"a":2},' * (MANY // 10),
        "[" * MANY + "]" * MANY,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_text_made_of_false_starts_is_read_in_one_pass(text: str) -> None:
    """A search that begins anew at each bracket would take hours for these."""
    check("contains-json", None, text, holds=False)


def test_a_long_text_and_many_values_are_no_grade() -> None:
    assert "1,000,001 characters" in no_grade(Assertion("contains-json"), "x" * 1_000_001)
    check("contains-json", None, "x" * 999_998 + "[]", holds=True)
    check("contains-json", TEAM, "[]" * 99 + '{"team": 1}', holds=True)
    check("contains-json", TEAM, "[]" * 100, holds=False)
    assert "none of the first 100" in no_grade(Assertion("contains-json", TEAM), "[]" * 100 + '{"team": 1}')


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
containers = st.one_of(st.lists(values, max_size=3), st.dictionaries(st.text(max_size=4), values, max_size=3))
prose = st.text(st.characters(exclude_characters="[{", exclude_categories=["Cs"]), max_size=12)


@settings(deadline=None)
@given(st.lists(st.tuples(prose, containers), max_size=4), prose, st.sampled_from([None, 2]))
def test_all_json_in_a_text_is_found_where_it_stands(
    given: list[tuple[str, Any]], rest: str, indent: int | None
) -> None:
    text, places = "", []
    for before, value in given:
        text += before
        places.append(len(text))
        text += json.dumps(value, indent=indent)
    text += rest
    assert list(json_values(text)) == list(zip(places, [value for _, value in given], strict=True))


@settings(deadline=None)
@given(
    st.lists(containers, max_size=4),
    st.sampled_from(["[oops ", "{1: ", '["a" "b" ', "[1,, ", '{"a" ', "[01"]),
)
def test_what_is_whole_inside_something_broken_is_found(whole: list[Any], broken: str) -> None:
    """The same by both ways of reading: the quick one for what is well-formed, and the one that follows a fault."""
    text = broken + " | ".join(json.dumps(value) for value in whole)
    assert [value for _, value in json_values(text)] == whole
