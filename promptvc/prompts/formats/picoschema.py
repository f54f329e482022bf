"""Picoschema, dotprompt's short schemas, as JSON Schema.

::

    title: string, what it is called
    year?: integer
    tags(array, at most three): string
    author(object): {name: string}
    kind(enum): [NEW, OLD]
    (*): any

Source: https://google.github.io/dotprompt/reference/picoschema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from promptvc.base.losses import Losses
from promptvc.prompts.formats.fields import shown

_SCALARS = frozenset({"any", "boolean", "integer", "null", "number", "string"})
_KEY = re.compile(r"([^(]+?)(\?)?(?:\(([a-z]+)(?:, *(.*))?\))?", re.DOTALL)
_DEPTH = 50


def json_schema(value: Any, path: str, losses: Losses, depth: int = 0) -> dict[str, Any]:
    """The JSON Schema that ``value`` means: Picoschema, or JSON Schema as it is. A name of a schema is a loss."""
    if depth > _DEPTH:
        losses.add(path, "...", "it is nested too deeply")
        return {}
    if isinstance(value, str):
        return _scalar(value, path, losses)
    if not isinstance(value, Mapping):
        losses.add(path, shown(value), "it is no schema")
        return {}
    if value.get("type") in {*_SCALARS, "object", "array"}:
        return dict(value)
    if isinstance(value.get("properties"), Mapping):
        return {"type": "object", **value}
    found: dict[str, Any] = {"type": "object", "properties": {}}
    required = []
    more: Any = False
    for key, content in value.items():
        here = f"{path}.{key}"
        if key == "(*)":
            more = json_schema(content, here, losses, depth + 1)
            continue
        match = _KEY.fullmatch(str(key))
        if match is None:
            losses.add(here, shown(content), "it is no property")
            continue
        name, optional, kind, description = match.groups()
        schema = _typed(kind, content, here, losses, depth)
        if optional:
            schema = _nullable(schema)
        else:
            required.append(name)
        if description:
            schema["description"] = description
        found["properties"][name] = schema
    if required:
        found["required"] = required
    found["additionalProperties"] = more
    return found


def _typed(kind: str | None, content: Any, path: str, losses: Losses, depth: int) -> dict[str, Any]:
    if kind == "array":
        return {"type": "array", "items": json_schema(content, path, losses, depth + 1)}
    if kind == "enum":
        return {"enum": list(content) if isinstance(content, list) else [content]}
    if kind not in {None, "object"}:
        losses.add(path, kind, "a type in parentheses is array, object or enum")
    return json_schema(content, path, losses, depth + 1)


def _scalar(text: str, path: str, losses: Losses) -> dict[str, Any]:
    kind, comma, description = text.partition(",")
    found: dict[str, Any] = {}
    if kind not in _SCALARS:
        losses.add(path, kind, "a schema that has a name elsewhere is not read")
    elif kind != "any":
        found["type"] = kind
    if comma:
        found["description"] = description.strip()
    return found


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema and None not in schema["enum"]:
        return {**schema, "enum": [*schema["enum"], None]}
    return schema
