"""Lists of typed properties, as Prompty and others write outputs, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptvc.base.losses import Losses
from promptvc.prompts.formats.fields import Fields, shown

_TYPES = {"string": "string", "str": "string", "integer": "integer", "int": "integer", "float": "number",
          "number": "number", "boolean": "boolean", "bool": "boolean", "array": "array", "list": "array",
          "object": "object", "dict": "object"}  # fmt: skip
_DEPTH = 20


def properties_schema(
    named: Sequence[tuple[str, Any]], path: str, losses: Losses, depth: int = 0
) -> dict[str, Any] | None:
    """A schema of an object with these properties; None where there are none."""
    if not named or depth > _DEPTH:
        return None
    properties = {}
    required = []
    for name, content in named:
        here = f"{path}.{name}"
        schema, needed = _one(content, here, losses, depth)
        properties[name] = schema
        if needed:
            required.append(name)
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _one(content: Any, path: str, losses: Losses, depth: int) -> tuple[dict[str, Any], bool]:
    if not isinstance(content, Mapping):
        losses.add(path, shown(content), "a value is no type")
        return {}, False
    fields = Fields(content, path, losses)
    kind = fields.take("kind") or fields.take("type")
    fields.drop("type")
    found: dict[str, Any] = {}
    if isinstance(kind, str) and kind in _TYPES:
        found["type"] = _TYPES[kind]
    elif kind is not None:
        losses.add(f"{path}.kind", shown(kind), "JSON has no such type")
    for theirs, ours in (
        ("description", "description"),
        ("enumValues", "enum"),
        ("enum", "enum"),
        ("default", "default"),
    ):
        value = fields.take(theirs)
        if value is not None and value != []:
            found[ours] = value
    items = fields.take("items")
    if isinstance(items, Mapping):
        found["items"] = _one(items, f"{path}.items", losses, depth + 1)[0]
    elif items is not None:
        losses.add(f"{path}.items", shown(items), "it is no property")
    inner = fields.take("properties")
    if inner is not None:
        parts = list(inner.items()) if isinstance(inner, Mapping) else _of_list(inner, path, losses)
        nested = properties_schema(parts, path, losses, depth + 1)
        found |= {key: value for key, value in (nested or {}).items() if key != "type"}
    needed = fields.take("required") is True
    fields.rest()
    return found, needed


def _of_list(inner: Any, path: str, losses: Losses) -> list[tuple[str, Any]]:
    found = []
    for one in inner if isinstance(inner, list) else [inner]:
        if isinstance(one, Mapping) and isinstance(one.get("name"), str):
            found.append((one["name"], {key: part for key, part in one.items() if key != "name"}))
        else:
            losses.add(f"{path}.properties", shown(one), "it is no property")
    return found
