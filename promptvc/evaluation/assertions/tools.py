"""Assertions about tool calls: is-valid-openai-tools-call and tool-call-f1.

They read the answer's text. A model that calls tools instead of saying something has its calls there, spelled out
(:class:`promptvc.models.messages.Completion`); text beside calls hides them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.assertions.assertion import (
    Answer,
    Assertion,
    Grade,
    Templates,
    no_threshold,
    share_threshold,
    shown,
)
from promptvc.evaluation.assertions.fences import split_fences
from promptvc.evaluation.assertions.json_values import json_values
from promptvc.evaluation.assertions.length import too_long
from promptvc.evaluation.assertions.structure import grade_by_schema, schema_problem
from promptvc.evaluation.assertions.text import as_text

_TOOLS = "needs a list of tools, {type: function, function: {name, parameters}}, as its `value`, or none"


@dataclass(frozen=True, slots=True)
class ValidToolsCall:
    """The whole answer is JSON: tool calls as OpenAI's chat completions give them, one or more.

    A list of ``{type: function, function: {name, arguments}}``, or an object with that list as ``tool_calls``; the
    arguments are an object as JSON text. ``value`` may list the tools as they are sent to the model: then each call is
    of one of them, with arguments that are valid by the schema in ``parameters``.
    """

    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """No value, or a list of tools whose parameters are schemas; and no threshold."""
        value = assertion.value
        if value is None or assertion.threshold is not None:
            return no_threshold(assertion)
        if not isinstance(value, list | tuple) or not value:
            return _TOOLS
        names = []
        for tool in value:
            function = tool.get("function") if isinstance(tool, Mapping) else None
            name = function.get("name") if isinstance(function, Mapping) else None
            if not isinstance(function, Mapping) or not isinstance(name, str) or not name:
                return _TOOLS
            names.append(name)
            what = f"the `parameters` of {shown(name)}"
            wrong = schema_problem(function["parameters"], what) if "parameters" in function else None
            if wrong:
                return wrong
        twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
        return f"has two tools named {shown(twice)}" if twice else None

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0; the reason is the first call that is wrong."""
        unread = too_long(answer)
        if unread is not None:
            return unread
        try:
            value = parse_json(answer.text, file="the answer")
        except InvalidDocument as error:
            return Grade.of(holds=False, reason=error.message)
        calls = value.get("tool_calls") if isinstance(value, dict) else value
        if not isinstance(calls, list) or not calls:
            return Grade.of(holds=False, reason="it is no list of tool calls")
        tools: dict[str, Any] | None = None
        if assertion.value is not None:
            tools = {tool["function"]["name"]: tool["function"].get("parameters") for tool in assertion.value}
        for number, call in enumerate(calls, start=1):
            found = _call(call, tools)
            if not found.passed:
                where = f"tool call {number}: "
                if found.error is not None:
                    return Grade.failed(where + found.error)
                return Grade.of(holds=False, reason=where + found.reason)
        return Grade.of(holds=True)


@dataclass(frozen=True, slots=True)
class ToolCallF1:
    """How well the tools that the answer calls are those in ``value``: F1 of the two sets of names.

    F1 is the harmonic mean of precision and recall, 2 |A and B| / (|A| + |B|) (van Rijsbergen, Information Retrieval,
    1979). The answer is JSON, or text with JSON in it that begins a line; what is in fenced code does not count. Calls
    are understood as OpenAI, Anthropic and Google write them, and as ``{name: ...}`` in a list.
    """

    templates: ClassVar[Templates] = "text"

    def problem(self, assertion: Assertion) -> str | None:
        """One name or more, and a share as the threshold."""
        if not _names(assertion.value):
            return "needs names of tools as its `value`: a list, or a text with commas"
        return share_threshold(assertion)

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """F1; it passes from the threshold on, which is 1 unless said otherwise."""
        unread = too_long(answer)
        if unread is not None:
            return unread
        wanted = _names(assertion.value)
        called = set(_called(answer.text))
        score = 2 * len(wanted & called) / (len(wanted) + len(called))
        threshold = 1.0 if assertion.threshold is None else assertion.threshold
        listed = ", ".join(sorted(called)) or "nothing"
        found = Grade.reaching(score, threshold)
        return (
            found
            if found.passed
            else Grade.reaching(score, threshold, f"F1 {score:.3g}: it calls {shown(listed)}")
        )


def _call(call: Any, tools: Mapping[str, Any] | None) -> Grade:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or call.get("type") != "function":
        return Grade.of(holds=False, reason="it is not {type: function, function: ...}")
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str) or not name:
        return Grade.of(holds=False, reason="its function has no name")
    if not isinstance(arguments, str):
        return Grade.of(holds=False, reason="its `arguments` are no text")
    try:
        value = parse_json(arguments, file="the arguments")
    except InvalidDocument as error:
        return Grade.of(holds=False, reason=f"its `arguments` are {error.message}")
    if not isinstance(value, dict):
        return Grade.of(holds=False, reason="its `arguments` are no JSON object")
    if tools is None:
        return Grade.of(holds=True)
    if name not in tools:
        return Grade.of(holds=False, reason=f"there is no tool {shown(name)}")
    return grade_by_schema(value, tools[name])


def _names(value: Any) -> set[str]:
    """The names of tools in a value; none where it is not only names."""
    if isinstance(value, str):
        texts: list[str | None] = list(value.split(","))
    else:
        texts = [as_text(each) for each in value] if isinstance(value, list | tuple) else []
    return {text.strip() for text in texts if text and text.strip()} if None not in texts else set()


def _called(text: str) -> Iterator[str]:
    try:
        yield from _tools(parse_json(text, file="the answer"))
    except InvalidDocument:
        _, rest = split_fences(text)
        for start, value in json_values(rest):
            at = start
            while at > 0 and rest[at - 1] in " \t":
                at -= 1
            if at == 0 or rest[at - 1] == "\n":
                yield from _tools(value)


def _tools(value: Any) -> Iterator[str]:
    """The names of the tools called in a JSON value, in the forms that providers have for it."""
    if isinstance(value, list):
        for each in value:
            yield from _one(each, named=True)
    elif isinstance(value, dict):
        calls = value.get("tool_calls")
        live = value.get("toolCall")
        if isinstance(calls, list):
            yield from _tools(calls)
        elif isinstance(live, dict) and isinstance(live.get("functionCalls"), list):
            yield from _tools(live["functionCalls"])
        else:
            yield from _one(value, named=False)


def _one(call: Any, *, named: bool) -> Iterator[str]:
    """The name in one call; ``named``: a mapping with no more than a ``name`` is a call, too."""
    if not isinstance(call, dict):
        return
    inner = call.get("function") if isinstance(call.get("function"), dict) else call.get("functionCall")
    if isinstance(inner, dict):
        name = inner.get("name")
    elif named or call.get("type") in {"tool_use", "function_call"}:
        name = call.get("name")
    else:
        return
    if isinstance(name, str):
        yield name
