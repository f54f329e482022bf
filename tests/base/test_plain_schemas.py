"""The quick yes of a schema is never a yes where the validator says no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from promptvc.base.documents import load_yaml
from promptvc.base.plain_schemas import plain_checker

SCHEMAS = {
    path.stem: json.loads(path.read_text()) for path in sorted(Path("promptvc/schemas").glob("*.json"))
}
SAMPLE = [
    path for folder in ("prompts", "tests/prompts/documents") for path in sorted(Path(folder).rglob("*.yaml"))
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-3, 3),
    st.sampled_from(["", "a", "user", "text", "json"]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "version", "role", "content", "text", "rules", "a"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
PROMPT = {"name": "a/b", "version": 1, "messages": [{"role": "user", "content": "x"}]}
KEYS = sorted(SCHEMAS["prompt"]["properties"])


@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=4))
def test_of_prompts(changes: dict[str, Any]) -> None:
    value = PROMPT | changes
    if plain_checker(SCHEMAS["prompt"])(value):
        assert Draft202012Validator(SCHEMAS["prompt"]).is_valid(value)


subschemas = st.recursive(
    st.one_of(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["object", "array", "string", "integer", "number", "null"])}
        ),
        st.fixed_dictionaries({"enum": st.lists(st.sampled_from(["", "a", "user"]), min_size=1)}),
        st.fixed_dictionaries({"minimum": st.integers(-2, 2), "maximum": st.integers(-2, 2)}),
        st.fixed_dictionaries({"minLength": st.integers(0, 2), "maxLength": st.integers(0, 4)}),
        st.fixed_dictionaries({"pattern": st.sampled_from(["^a", "e"])}),
        st.fixed_dictionaries({"multipleOf": st.just(2)}),
        st.fixed_dictionaries({"const": scalars}),
        st.booleans(),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"items": inner, "minItems": st.integers(0, 2)}),
        st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from(["name", "a"]), inner, max_size=2)}
        ),
        st.fixed_dictionaries({"additionalProperties": inner, "required": st.just(["a"])}),
        st.fixed_dictionaries({"propertyNames": inner, "minProperties": st.integers(0, 2)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=5,
)


@given(subschemas, values)
def test_of_any_schema(schema: Any, value: Any) -> None:
    if isinstance(schema, dict) and plain_checker(schema)(value):
        assert Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("path", SAMPLE, ids=str)
def test_it_says_yes_to_the_prompts_there_are(path: Path) -> None:
    """Else every look at them would import and run the validator, which is what it is for to avoid."""
    assert plain_checker(SCHEMAS["prompt"])(load_yaml(path.read_bytes(), file=str(path)).value)


@pytest.mark.parametrize("schema", [{"if": {}}, {"$ref": "other.json"}, {"$ref": "#"}, {"enum": [1]}])
def test_what_is_not_known_is_never_a_yes(schema: dict[str, Any]) -> None:
    assert not plain_checker(schema)(1)


def test_a_schema_inside_itself_ends() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}
    assert plain_checker(schema)([])
    assert not plain_checker(schema)([[]])
