"""Assertions about JSON in an answer: is-json and contains-json, with or without a schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import parse_json
from promptvc.base.schemas import value_checker
from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, no_threshold
from promptvc.evaluation.assertions.json_values import json_values
from promptvc.evaluation.assertions.length import too_long

_ABOUT_THE_SCHEMA = "the schema"
_MOST_VALUES = 100  # JSON values of one answer that are held against a schema

_Checker = Callable[[Any], list[str]]
_CHECKERS: dict[int, tuple[Any, _Checker]] = {}


def schema_problem(schema: Any, what: str = "its `value`") -> str | None:
    """What is wrong with a schema that is given as ``what``; None where it is one."""
    if not isinstance(schema, Mapping):
        return f"needs a JSON Schema as {what}, or none"
    wrong = next((text for text in value_checker(schema)(None) if text.startswith(_ABOUT_THE_SCHEMA)), None)
    return f"needs a JSON Schema as {what}: {wrong}" if wrong else None


def objections(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What a schema has against a value, as :func:`promptvc.base.schemas.check_value` says it.

    A schema is prepared once, as long as it is the same object: that takes fifty times what checking a value takes.
    """
    known = _CHECKERS.get(id(schema))
    if known is None:
        if len(_CHECKERS) > 500:
            _CHECKERS.clear()
        known = _CHECKERS[id(schema)] = (schema, value_checker(schema))  # kept, so that its id stays its own
    return known[1](value)


def grade_by_schema(value: Any, schema: Mapping[str, Any] | None) -> Grade:
    """1 where a value is valid, 0 with the first thing that is wrong; an error where the schema cannot be applied."""
    found = objections(value, schema) if schema is not None else []
    if found and found[0].startswith(_ABOUT_THE_SCHEMA):
        return Grade.failed(found[0])
    return Grade.of(not found, found[0] if found else "")


@dataclass(frozen=True, slots=True)
class IsJson:
    """The whole answer is one JSON value, and valid by the JSON Schema in ``value`` where there is one."""

    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """No value or a schema that is one, and no threshold."""
        if assertion.value is None or assertion.threshold is not None:
            return no_threshold(assertion)
        return schema_problem(assertion.value)

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0; the reason is the first thing that is wrong."""
        try:
            value = parse_json(answer.text, file="the answer")
        except InvalidDocument as error:
            return Grade.of(holds=False, reason=error.message)
        return grade_by_schema(value, assertion.value)


@dataclass(frozen=True, slots=True)
class ContainsJson:
    """A JSON object or array stands somewhere in the answer, and is valid by the schema where there is one.

    With a schema the first hundred are looked at, outermost ones only.
    """

    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """As for ``is-json``."""
        if assertion.value is None or assertion.threshold is not None:
            return no_threshold(assertion)
        return schema_problem(assertion.value)

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0; the reason is what is wrong with the first JSON in it."""
        unread = too_long(answer)
        if unread is not None:
            return unread
        first: Grade | None = None
        for count, (_, value) in enumerate(json_values(answer.text)):
            if count == _MOST_VALUES:
                return Grade.failed(
                    f"none of the first {_MOST_VALUES} JSON values in it is valid, and there are more"
                )
            found = grade_by_schema(value, assertion.value)
            if found.passed or found.error is not None:
                return found
            first = first or found
        return first or Grade.of(holds=False, reason="there is no JSON object or array in it")
