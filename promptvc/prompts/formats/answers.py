"""The form of the answer: OpenAI's ``response_format``, which most tools take over, and our ``output``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptvc.prompts.formats.fields import Fields, shown
from promptvc.prompts.model import OutputFormat


def output_of(fields: Fields, key: str) -> OutputFormat:
    """What ``response_format`` under ``key`` asks for: text, JSON, or JSON by a schema. A bare schema is taken too."""
    value = fields.take(key)
    if value is None or value == "text":
        return OutputFormat()
    if value in ("json", "json_object"):
        return OutputFormat("json")
    if not isinstance(value, Mapping):
        fields.losses.add(fields.at(key), shown(value), "it is no form of an answer that is known here")
        return OutputFormat()
    inner = Fields(value, fields.at(key), fields.losses)
    kind = value.get("type")
    if kind == "json_schema":
        inner.take("type")
        holder = inner.fields("json_schema") if isinstance(value.get("json_schema"), Mapping) else inner
        schema = holder.take("schema")
        holder.rest("a schema here has no name and no options")
        inner.rest()
        return OutputFormat("json", dict(schema) if isinstance(schema, Mapping) else None)
    if kind in {"json_object", "text"}:
        inner.take("type")
        inner.rest()
        return OutputFormat("json" if kind == "json_object" else "text")
    if kind in {"object", "array"} or "properties" in value:
        return OutputFormat("json", dict(value))
    fields.losses.add(fields.at(key), shown(value), "it is no form of an answer that is known here")
    return OutputFormat()


def response_format(output: OutputFormat) -> dict[str, Any] | None:
    """The same the other way; None for text."""
    if output.format == "text":
        return None
    if output.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(output.schema)}}
