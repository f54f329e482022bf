"""A quick yes: whether a value surely keeps a schema, without a validator.

A whole JSON Schema validator is slow to import and slower to run, and nearly every document is valid. This reads the
part of Draft 2020-12 that promptvc's own schemas are made of and answers True only where the validator would find
nothing; False means no more than that the validator has to be asked. What is not known here is never answered True.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_SAYS_NOTHING = frozenset({"$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples",
                           "x-message", "deprecated"})  # fmt: skip


def plain_checker(schema: Mapping[str, Any]) -> Check:
    """A function that is True for values that surely keep ``schema``."""
    return _Plain(schema).check(schema)


class _Plain:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._references: dict[str, Check] = {}

    def check(self, schema: Any) -> Check:
        """What checks one schema of the tree."""
        if not isinstance(schema, Mapping):
            return _always if schema is True else _never
        checks: list[Check] = []
        for keyword, argument in schema.items():
            if keyword in _SAYS_NOTHING or keyword == "additionalProperties":
                continue
            make = getattr(self, f"_{keyword.replace('$', '')}", None)
            if keyword not in _KEYWORDS or make is None:
                return _never
            checks.append(make(argument))
        if "additionalProperties" in schema or "properties" in schema:
            checks.append(self._members(schema))
        if len(checks) == 1:
            return checks[0]
        return lambda value: all([check(value) for check in checks])  # noqa: C419 - a list is faster for few

    def _ref(self, target: str) -> Check:
        if not target.startswith("#/"):
            return _never
        if target not in self._references:
            schema: Any = self._root
            for step in target[2:].split("/"):
                schema = schema[step]
            self._references[target] = _never  # a schema inside itself is for the validator
            self._references[target] = self.check(schema)
        return self._references[target]

    def _type(self, names: str | list[str]) -> Check:
        listed = [names] if isinstance(names, str) else names
        kinds = frozenset(kind for name in listed for kind in _TYPES[name])
        return lambda value: type(value) in kinds

    def _enum(self, values: list[Any]) -> Check:
        if not all(isinstance(value, str) for value in values):
            return _never
        return lambda value: isinstance(value, str) and value in values

    def _required(self, names: list[str]) -> Check:
        return lambda value: not isinstance(value, dict) or all([name in value for name in names])  # noqa: C419

    def _properties(self, _: Any) -> Check:
        return _always  # with `additionalProperties`, in one walk

    def _members(self, schema: Mapping[str, Any]) -> Check:
        named = {name: self.check(part) for name, part in schema.get("properties", {}).items()}
        others = self.check(schema.get("additionalProperties", True))

        def check(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            return all([named.get(key, others)(item) for key, item in value.items()])  # noqa: C419

        return check

    def _propertyNames(self, schema: Any) -> Check:  # noqa: N802 - the keyword's own name
        names = self.check(schema)
        return lambda value: not isinstance(value, dict) or all([names(key) for key in value])  # noqa: C419

    def _items(self, schema: Any) -> Check:
        items = self.check(schema)
        return lambda value: not isinstance(value, list) or all([items(item) for item in value])  # noqa: C419

    def _anyOf(self, schemas: list[Any]) -> Check:  # noqa: N802
        checks = [self.check(schema) for schema in schemas]
        return lambda value: any([check(value) for check in checks])  # noqa: C419

    def _pattern(self, pattern: str) -> Check:
        search = re.compile(pattern).search
        return lambda value: not isinstance(value, str) or search(value) is not None

    def _minLength(self, least: int) -> Check:  # noqa: N802
        return lambda value: not isinstance(value, str) or len(value) >= least

    def _maxLength(self, most: int) -> Check:  # noqa: N802
        return lambda value: not isinstance(value, str) or len(value) <= most

    def _minItems(self, least: int) -> Check:  # noqa: N802
        return lambda value: not isinstance(value, list) or len(value) >= least

    def _maxItems(self, most: int) -> Check:  # noqa: N802
        return lambda value: not isinstance(value, list) or len(value) <= most

    def _minProperties(self, least: int) -> Check:  # noqa: N802
        return lambda value: not isinstance(value, dict) or len(value) >= least

    def _minimum(self, least: float) -> Check:
        return lambda value: not _is_number(value) or value >= least

    def _maximum(self, most: float) -> Check:
        return lambda value: not _is_number(value) or value <= most


_KEYWORDS = frozenset({
    "$ref", "type", "enum", "required", "properties", "propertyNames", "items", "anyOf", "pattern", "minLength",
    "maxLength", "minItems", "maxItems", "minProperties", "minimum", "maximum",
})  # fmt: skip


def _is_number(value: Any) -> bool:
    return type(value) in {int, float}


def _always(_: Any) -> bool:
    return True


def _never(_: Any) -> bool:
    return False
