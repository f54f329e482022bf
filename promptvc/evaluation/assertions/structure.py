"""Assertions about the structure of an answer: is-json, with or without a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.base.schemas import check_value
from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, no_threshold

_ABOUT_THE_SCHEMA = "the schema"


@dataclass(frozen=True, slots=True)
class IsJson:
    """The whole answer is one JSON value, and valid by the JSON Schema in ``value`` where there is one."""

    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """No value or a schema that is one, and no threshold."""
        value = assertion.value
        if value is None or assertion.threshold is not None:
            return no_threshold(assertion)
        if not isinstance(value, Mapping):
            return "needs a JSON Schema as its `value`, or none"
        wrong = next((text for text in check_value(None, value) if text.startswith(_ABOUT_THE_SCHEMA)), None)
        return f"needs a JSON Schema as its `value`: {wrong}" if wrong else None

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0; the reason is the first thing that is wrong."""
        try:
            value = parse_json(answer.text, file="the answer")
        except InvalidDocument as error:
            return Grade.of(holds=False, reason=error.message)
        found = check_value(value, assertion.value) if assertion.value is not None else []
        if found and found[0].startswith(_ABOUT_THE_SCHEMA):
            return Grade.failed(found[0])
        return Grade.of(not found, found[0] if found else "")
