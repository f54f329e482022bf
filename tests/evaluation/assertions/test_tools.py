"""Assertions about tool calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.registry import filled, problem
from tests.evaluation.assertions.grading import answer, check, grade, no_grade

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": CITY}},
    {"type": "function", "function": {"name": "now"}},
]


def call(name: str, arguments: str = "{}", kind: str = "function") -> dict[str, Any]:
    return {"id": "call_1", "type": kind, "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("tools", "given", "reason"),
    [
        (None, [call("anything")], None),
        (None, {"role": "assistant", "tool_calls": [call("a"), call("b", '{"x": [1]}')]}, None),
        (TOOLS, [call("weather", '{"city": "Ulm"}'), call("now")], None),
        (TOOLS, [call("now", '{"any": 1}')], None),
        (TOOLS, [call("weather", '{"town": "Ulm"}')], "tool call 1: `city` is missing"),
        (TOOLS, [call("now"), call("weather", '{"city": 3}')], "tool call 2: `city` must be text"),
        (TOOLS, [call("wether", '{"city": "Ulm"}')], "tool call 1: there is no tool 'wether'"),
        (None, [], "it is no list of tool calls"),
        (None, {}, "it is no list of tool calls"),
        (None, {"tool_calls": {}}, "it is no list of tool calls"),
        (None, 3, "it is no list of tool calls"),
        (None, [3], "tool call 1: it is not {type: function, function: ...}"),
        (None, [call("a", kind="tool")], "tool call 1: it is not {type: function, function: ...}"),
        (
            None,
            [{"type": "function", "function": {"arguments": "{}"}}],
            "tool call 1: its function has no name",
        ),
        (None, [{"type": "function", "function": {"name": "a"}}], "tool call 1: its `arguments` are no text"),
        (
            None,
            [{"type": "function", "function": {"name": "a", "arguments": {}}}],
            "its `arguments` are no text",
        ),
        (None, [call("a", "{")], "tool call 1: its `arguments` are not JSON"),
        (None, [call("a", "[]")], "tool call 1: its `arguments` are no JSON object"),
        (None, [call("a", "")], "tool call 1: its `arguments` are not JSON"),
    ],
)
def test_calls(tools: Any, given: Any, reason: str | None) -> None:
    found = check("is-valid-openai-tools-call", tools, json.dumps(given), holds=reason is None)
    assert (reason or "") in found.reason


@pytest.mark.parametrize(
    "text", ["", "now()", '```json\n[{"type": "function"}]\n```', "[" * 100_000, "[NaN]", "\ud800"]
)
def test_an_answer_that_is_not_json_calls_nothing(text: str) -> None:
    assert "not JSON" in check("is-valid-openai-tools-call", None, text, holds=False).reason


def test_a_schema_that_cannot_be_applied_and_a_long_text_are_no_grade() -> None:
    endless = [{"type": "function", "function": {"name": "a", "parameters": {"$ref": "http://127.0.0.1:1/"}}}]
    error = no_grade(Assertion("is-valid-openai-tools-call", endless), json.dumps([call("a")]))
    assert error.startswith("tool call 1: the schema refers to")
    for kind, value in (("is-valid-openai-tools-call", None), ("tool-call-f1", "a")):
        assert "more than 1,000,000" in no_grade(Assertion(kind, value), " " * 1_000_001)


@pytest.mark.parametrize(
    ("value", "threshold", "message"),
    [
        ("now", None, "needs a list of tools"),
        ([], None, "needs a list of tools"),
        ([3], None, "needs a list of tools"),
        ([{"type": "function"}], None, "needs a list of tools"),
        ([{"function": {"name": ""}}], None, "needs a list of tools"),
        (
            [{"function": {"name": "a", "parameters": 3}}],
            None,
            "needs a JSON Schema as the `parameters` of 'a', or none",
        ),
        (
            [{"function": {"name": "a", "parameters": {"type": "x"}}}],
            None,
            "the schema is not valid at `type`",
        ),
        ([TOOLS[1], TOOLS[1]], None, "has two tools named 'now'"),
        (None, 0.5, "takes no `threshold`"),
    ],
)
def test_what_is_wrong_with_the_tools_is_said(value: Any, threshold: float | None, message: str) -> None:
    assert message in str(problem(Assertion("is-valid-openai-tools-call", value, threshold)))


BOTH = ["weather", "flight"]


@pytest.mark.parametrize(
    ("value", "text", "score"),
    [
        (BOTH, json.dumps([call("weather"), call("flight")]), 1.0),
        (BOTH, json.dumps([call("flight"), call("weather"), call("flight")]), 1.0),
        (BOTH, json.dumps([call("weather")]), 2 / 3),
        (BOTH, json.dumps([call("weather"), call("flight"), call("search")]), 0.8),
        (["weather"], json.dumps([call("flight")]), 0.0),
        ("weather, flight", json.dumps({"tool_calls": [call("weather"), call("flight")]}), 1.0),
        ("weather", '{"type": "function_call", "name": "weather", "arguments": "{}"}', 1.0),
        ("weather", '{"type": "tool_use", "name": "weather", "input": {}}', 1.0),
        ("weather", '[{"type": "text", "text": "so"}, {"type": "tool_use", "name": "weather"}]', 1.0),
        ("weather", '{"functionCall": {"name": "weather", "args": {}}}', 1.0),
        (BOTH, '[{"functionCall": {"name": "weather"}}, {"functionCall": {"name": "flight"}}]', 1.0),
        (BOTH, '{"toolCall": {"functionCalls": [{"name": "weather"}, {"name": "flight"}]}}', 1.0),
        (BOTH, '[{"name": "weather"}, {"name": "flight"}]', 1.0),
        ("weather", '{"name": "weather"}', 0.0),
        (BOTH, 'First\n{"type": "tool_use", "name": "weather"}\n\t[{"name": "flight"}]\nDone', 1.0),
        (BOTH, 'I call {"type": "tool_use", "name": "weather"} now', 0.0),
        ("weather", '```json\n[{"name": "weather"}]\n```', 0.0),
        ("weather", '[{"name": 3}, {"name": null}, 4, "weather"]', 0.0),
        ("weather", "weather", 0.0),
        ("weather", "", 0.0),
        ("weather", "\ud800[", 0.0),
    ],
)
def test_f1(value: Any, text: str, score: float) -> None:
    for threshold in (None, 0.8):
        assertion = Assertion("tool-call-f1", value, threshold)
        assert problem(assertion) is None
        found = grade(assertion, answer(text))
        assert found.score == pytest.approx(score)
        assert found.passed == (score >= (threshold or 1))
        assert bool(found.reason) == (not found.passed)
        opposite = grade(Assertion("not-tool-call-f1", value, threshold), answer(text))
        assert opposite.score == pytest.approx(1 - score)
        assert opposite.passed != found.passed


def test_the_reason_names_what_was_called_and_names_may_be_variables() -> None:
    found = grade(Assertion("tool-call-f1", "weather"), answer('[{"name": "flight"}, {"name": "now"}]'))
    assert found.reason == "F1 0: it calls 'flight, now'"
    assert filled(Assertion("tool-call-f1", ["{{ tool }}"]), {"tool": "now"}).value == ["now"]


@pytest.mark.parametrize(
    ("value", "threshold", "message"),
    [
        (None, None, "needs names of tools"),
        ("", None, "needs names of tools"),
        (" , ", None, "needs names of tools"),
        ([], None, "needs names of tools"),
        ([["a"]], None, "needs names of tools"),
        ({"a": 1}, None, "needs names of tools"),
        ("a", 2.0, "takes a `threshold` from 0 to 1"),
    ],
)
def test_what_is_wrong_with_the_names_is_said(value: Any, threshold: float | None, message: str) -> None:
    assert message in str(problem(Assertion("tool-call-f1", value, threshold)))


@pytest.mark.parametrize(
    "text", ["[]" * 50_000, "[1] " * 50_000, " " * 100_000 + "[x", "```\n" * 50_000], ids=len
)
def test_a_hostile_text_is_read_in_linear_time(text: str) -> None:
    """Going back to the beginning of the line for each of these would take hours."""
    assert grade(Assertion("tool-call-f1", "a"), answer(text)).score == 0
