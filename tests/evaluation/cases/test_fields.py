"""The hand-written checks of rows accept exactly what `schemas/suite.json` accepts of a case."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.evaluation.cases.fields import ASSERTION, CASE, is_case

SCHEMA = json.loads((Path(__file__).parents[3] / "promptvc/schemas/suite.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator({"$ref": "#/$defs/case", "$defs": SCHEMA["$defs"]})
ODD: tuple[Any, ...] = (
    *("", "a", "x" * 100, "x" * 101, "x" * 200, "x" * 201, "train", "holdout"),
    *(0, 1, -1, 2, 0.0, 0.5, 1.0, 1.5, -0.5, 1e300, 10**400, True, False, None),
    *([], ["a"], [""], [1], [None], [{}], [{"type": "a"}], [{"type": ""}], [{"type": 1}], [{"tipe": "a"}]),
    *({}, {"a": 1}, {"type": "a"}),
    *([{"type": "a", "weight": -1}], [{"type": "a", "weight": True}], [{"type": "a", "assert": [{}]}]),
    *(
        [{"type": "a", "assert": [{"type": "b"}]}],
        [{"type": "a", "provider": ""}],
        [{"type": "a", "metric": "m"}],
    ),
    [{"type": "a"}, 7],
)
VALID: dict[str, Any] = {
    "id": "a",
    "description": "d",
    "vars": {"message": "hello"},
    "expected": "billing",
    "assert": [{"type": "equals", "value": None}],
    "threshold": 0.5,
    "tags": ["t"],
    "cluster": 7,
    "split": "train",
    "metadata": {"ticket": 4711},
}
WHOLE: dict[str, Any] = {
    "type": "assert-set",
    "value": {},
    "threshold": 3,
    "weight": 0.5,
    "metric": "m",
    "provider": "openai:gpt-4.1",
    "assert": [{"type": "equals"}],
}


def agree(value: Any) -> bool:
    verdict = is_case(value)
    assert verdict == VALIDATOR.is_valid(value), value
    return verdict


def test_both_know_the_same_keys() -> None:
    assert set(CASE) == set(SCHEMA["$defs"]["case"]["properties"]) == set(VALID)
    assert set(ASSERTION) == set(SCHEMA["$defs"]["assertion"]["properties"]) == set(WHOLE)
    assert agree(VALID | {"assert": [WHOLE]})


@pytest.mark.parametrize("key", [key for key in CASE if key != "expected"])
def test_every_odd_value_of_every_key(key: str) -> None:
    assert {agree(VALID | {key: copy.deepcopy(value)}) for value in ODD} == {True, False}


@pytest.mark.parametrize("key", [key for key in ASSERTION if key != "value"])
def test_every_odd_value_of_every_key_of_an_assertion(key: str) -> None:
    verdicts = {agree({"assert": [WHOLE | {key: copy.deepcopy(value)}]}) for value in ODD}
    assert verdicts == {True, False}


@pytest.mark.parametrize("value", [None, 1, "x.jsonl", [], [VALID], {}])
def test_a_case_is_an_object(value: Any) -> None:
    agree(value)


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(sorted(CASE)) | st.text(max_size=3),
        st.sampled_from(ODD) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
        max_size=4,
    ),
    st.dictionaries(st.sampled_from(sorted(ASSERTION)), st.sampled_from(ODD), max_size=3),
)
def test_both_agree_on_what_is_made_up(change: dict[str, Any], assertion: dict[str, Any]) -> None:
    agree(VALID | {"assert": [WHOLE | assertion]} | change)
