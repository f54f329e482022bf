"""A judge's answer read strictly: one JSON value that is valid by the judge prompt's schema, and nothing beside it.

A fence of three backticks around the value is accepted, for many models add it whatever they are told. Anything else is
an error and not a guess: a verdict fished out of prose is as often the prompt's own example as the judge's word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from promptvc.base.errors import InvalidDocument, ProviderError
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.assertions.assertion import shown
from promptvc.evaluation.judges.prompts import JudgePrompt, judge_prompt

_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_HINT = "ask again, or take a judge that keeps to a JSON format"


def read(judge: str | JudgePrompt, text: str) -> Mapping[str, Any]:
    """What a judge said, as the mapping that its prompt's schema describes.

    Args:
        judge: a judge prompt, or the name of a built-in one.
        text: the judge's whole answer.

    Raises:
        ProviderError: not one JSON object, or one that the schema refuses. A repository's own prompt must satisfy the
            schema of the built-in prompt too, for that is what the grader reads; there it may hold more.
    """
    prompt = judge_prompt(judge) if isinstance(judge, str) else judge
    body = text.strip()
    if not body:
        raise _unusable(prompt, "nothing")
    fence = _FENCE.fullmatch(body)
    try:
        value = parse_json(fence[1] if fence else body, file="the judge's answer")
    except InvalidDocument as error:
        raise _unusable(prompt, f"{shown(body)}, which is no JSON object alone: {error.message}") from None
    built_in = judge_prompt(prompt.name)
    found = prompt.objections(value)
    if not found and prompt is not built_in and isinstance(value, Mapping):
        value = {key: value[key] for key in value if key in built_in.schema["properties"]}
        found = built_in.objections(value)
    if not found and not isinstance(value, Mapping):
        found = ["the value must be a mapping"]
    if found:
        raise _unusable(prompt, f"JSON that does not fit its schema: {found[0]}")
    result: Mapping[str, Any] = value
    return result


def _unusable(prompt: JudgePrompt, what: str) -> ProviderError:
    return ProviderError(f"the judge `{prompt.name}` answered with {what}", hint=_HINT)
