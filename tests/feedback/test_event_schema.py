"""The hand-written checks accept exactly what `schemas/event.json` accepts."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.errors import InvalidDocument
from promptvc.feedback.events import parse_event
from promptvc.feedback.fields import (
    ALWAYS,
    ANY_OF,
    EXPIRING,
    FIELDS,
    KINDS,
    REQUIRED,
    ROLLED,
    SINGLE,
    SOURCES,
)

SCHEMA = json.loads((Path(__file__).parents[2] / "promptvc/schemas/event.json").read_text())
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value) is not None


VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=FORMATS)
ULID = "01JD3M8Z6VQW4N9T2X5KAB7CDE"
# Values at and around every bound, and of every type.
ODD: tuple[Any, ...] = (
    *(
        "",
        "a",
        "a\n",
        "up",
        "down",
        "human",
        "usage",
        "support/triage",
        "a//b",
        "A",
        "x" * 201,
        ULID,
        ULID + "\n",
        "8" + ULID[1:],
    ),
    *("2026-11-20T10:30:00Z", "2026-02-30T00:00:00Z", "2026-11-20T24:00:00Z", "0000-01-01T00:00:00Z"),
    *(
        "2026-11-20T10:30:00.123456789Z",
        "2026-11-20T10:30:00Z\n",
        "٢٠٢٦-11-20T10:30:00Z",
        "2026-11-20 10:30:00Z",
    ),
    *("a" * 40, "a" * 41, "a" * 64, "a" * 40 + "\n"),
    *(
        0,
        1,
        -1,
        5,
        6,
        0.0,
        0.5,
        1.0,
        1.5,
        5.0,
        5.1,
        1e15,
        2e15,
        1e300,
        1e301,
        10**400,
        1e9,
        10**9 + 1,
        5e-324,
    ),
    *(True, False, None),
    *([], ["a"], [""], [1], [None], [{}], [{"name": "a"}], [{"name": "a", "confidence": 2}], [{"name": ""}]),
    *(
        [{"rank": 1}],
        [{"rank": 1.5}],
        [{"rank": 0}],
        [{"rank": 2.0, "relevant": True}],
        [{"rank": 1, "relevant": 1}],
    ),
    *(
        {},
        {"type": "x"},
        {"message": "y"},
        {"message": 1},
        {"input": 1},
        {"input": -1, "output": 2},
        {"tone": 0.5},
    ),
    {"tone": 2},
    *({"count": 1}, {"count": 0}, {"count": 2, "members": "AAAA"}, {"count": 2, "members": "A"}),
    *(
        {"count": 2, "latency": {"120": 2}},
        {"count": 2, "latency": {"007": 2}},
        {"count": 2, "latency": {"7": -1}},
    ),
    *(
        {"count": 2, "units": {"": 2}},
        {"count": 2, "tokens": {"input": 1e19}},
        {"count": 2, "value": {"sum": "1"}},
    ),
)
VALID: dict[str, Any] = {
    "id": ULID,
    "time": "2026-11-20T10:30:00.5Z",
    "prompt": "support/triage",
    "kind": "rating",
    "source": "human",
    "version": 2,
    "digest": "b" * 40,
    "rating": 0.5,
    "effectiveness": 1,
    "stars": 4,
    "thumbs": "up",
    "scores": {"tone": 0.5},
    "issues": ["wrong"],
    "input": {"message": "hello"},
    "output": "billing",
    "corrected": "card_fraud",
    "comment": "c",
    "notes": "n",
    "error": {"type": "Timeout", "message": "late"},
    "latency_ms": 12.5,
    "cost": 0.001,
    "tokens": {"input": 10, "output": 2},
    "name": "csat",
    "value": -3.5,
    "target": ULID,
    "label": "bad",
    "approved": False,
    "reviewer": "ana",
    "experiment": "e",
    "rollout": "r",
    "arm": "a",
    "unit": "u",
    "propensity": 0.5,
    "options": [{"name": "a", "confidence": 0.5}],
    "selected": "a",
    "query": "q",
    "chunks": [{"rank": 1, "relevant": True}],
    "relevant": ["c1"],
    "user": "u-1",
    "session": "s",
    "execution": "x",
    "derived_from": [ULID],
    "tags": ["t"],
    "context": {"model": "offline"},
    "aka": ["u-0"],
    "expired": "2026-11-20T10:30:00Z",
}
ROLLUP: dict[str, Any] = {
    "count": 2,
    "latency_us": 24000,
    "latency": {"12000": 2},
    "tokens": {"input": 3, "output": 4, "count": 2},
    "cost": {"micro": 7, "count": 2},
    "value": {"sum": 3.5, "squares": 7, "low": 1, "high": 2.5},
    "units": {"u-1": 2},
    "members": "AAAAAAAAAAAAAA==",
}


def accepts(value: Any) -> bool:
    try:
        parse_event(value)
    except InvalidDocument:
        return False
    return True


def agree(value: Any) -> bool:
    """Both accept or both refuse ``value``; returns the verdict."""
    verdict = accepts(value)
    assert verdict == VALIDATOR.is_valid(value), value
    return verdict


def test_both_know_the_same_keys_kinds_and_sources() -> None:
    assert set(SCHEMA["properties"]) == set(FIELDS) == set(VALID) | {"rollup"}
    assert tuple(SCHEMA["properties"]["kind"]["enum"]) == KINDS
    assert tuple(SCHEMA["properties"]["source"]["enum"]) == SOURCES
    assert tuple(SCHEMA["required"]) == ALWAYS
    rules = [rule for rule in SCHEMA["allOf"] if "kind" in rule["if"]["required"]]
    plain = [rule for rule in rules if rule["if"].get("not") != {"required": ["rollup"]}]
    by_kind = {rule["if"]["properties"]["kind"]["const"]: rule["then"] for rule in plain}
    single = [rule for rule in rules if rule["if"].get("not") == {"required": ["rollup"]}]
    assert {
        rule["if"]["properties"]["kind"]["const"]: tuple(rule["then"]["required"]) for rule in single
    } == SINGLE
    assert {kind: tuple(then["required"]) for kind, then in by_kind.items() if "required" in then} == REQUIRED
    any_of = {
        kind: tuple(alternative["required"][0] for alternative in then["anyOf"])
        for kind, then in by_kind.items()
        if "anyOf" in then
    }
    assert any_of == ANY_OF
    waived = [rule for rule in rules if rule["if"].get("not") == {"required": ["expired"]}]
    assert {rule["if"]["properties"]["kind"]["const"] for rule in waived} == EXPIRING


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_with_everything_is_accepted(kind: str) -> None:
    assert agree(VALID | {"kind": kind})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_with_one_key_alone(kind: str) -> None:
    head = {key: VALID[key] for key in ALWAYS} | {"kind": kind}
    needed = {key: VALID[key] for key in REQUIRED.get(kind, ())}
    agree(head)
    agree(head | needed)
    for key in FIELDS:
        item = ROLLUP if key == "rollup" else VALID[key]
        agree(head | {key: item})
        agree(head | needed | {key: item})
        agree(head | {"expired": VALID["expired"], key: item})
        agree({name: value for name, value in (head | needed).items() if name != key})


@pytest.mark.parametrize("key", FIELDS)
def test_every_odd_value_of_every_key(key: str) -> None:
    base = VALID | ({"kind": "success"} if key == "rollup" else {})
    verdicts = {agree(base | {key: copy.deepcopy(value)}) for value in ODD}
    assert verdicts == {True, False}, "no odd value tells this key's check from any other"


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(sorted(FIELDS)) | st.text(max_size=3),
        st.sampled_from(ODD)
        | st.sampled_from(sorted(KINDS))
        | st.floats(allow_nan=False)
        | st.text(max_size=3),
        max_size=4,
    ),
    st.sets(st.sampled_from(sorted(FIELDS)), max_size=2),
)
def test_both_agree_on_what_is_made_up(change: dict[str, Any], missing: set[str]) -> None:
    value = {key: item for key, item in (VALID | change).items() if key not in missing}
    agree(value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollup_is_of_kinds_that_come_in_masses_and_needs_no_single_value(kind: str) -> None:
    rolled = {key: value for key, value in VALID.items() if key not in {"value", "unit"}}
    assert agree(rolled | {"kind": kind, "rollup": ROLLUP}) == (kind in ROLLED)


@pytest.mark.parametrize("key", sorted(ROLLUP))
def test_both_agree_on_every_odd_value_within_a_rollup(key: str) -> None:
    event = VALID | {"kind": "usage"}
    verdicts = {agree(event | {"rollup": ROLLUP | {key: copy.deepcopy(value)}}) for value in ODD}
    assert verdicts == {True, False}


@pytest.mark.parametrize("value", [None, 1, "text", [], [VALID]])
def test_an_event_is_an_object(value: Any) -> None:
    assert not agree(value)


@pytest.mark.parametrize("kind", KINDS)
def test_what_expired_needs_no_texts(kind: str) -> None:
    head = {key: VALID[key] for key in ALWAYS} | {"kind": kind, "expired": VALID["expired"]}
    needed = {} if kind in EXPIRING else {key: VALID[key] for key in REQUIRED.get(kind, ())}
    needed |= {"unit": VALID["unit"], "experiment": VALID["experiment"], "value": 1}
    assert agree(head | needed)
    assert not agree(head | needed | {"expired": "yesterday"})
