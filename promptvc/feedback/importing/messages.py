"""What went into a model and what came out, as the tools write it: one text, or messages with roles.

Roles are ``system``, ``user`` and ``assistant`` here; ``human`` and ``ai`` are LangChain's words, ``model`` Google's,
``developer`` OpenAI's. Contents may be text or a list of parts, of which the texts count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json, parse_json

Messages = tuple[tuple[str, str], ...]
Rendered = str | Messages
"""A rendered prompt: a text whose parts nothing tells apart, or (role, text) of each message."""

_ROLES = {
    "system": "system",
    "developer": "system",
    "systemmessage": "system",
    "user": "user",
    "human": "user",
    "humanmessage": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "aimessage": "assistant",
    "model": "assistant",
}
_ANSWERS = ("output", "answer", "content", "text", "result", "response", "completion", "generated_text")


def from_json(value: Any) -> Any:
    """The object or list that a text holds; the value itself when it is no such text."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return parse_json(value.strip(), file="<text>")
        except InvalidDocument:
            return value
    return value


def messages_of(value: Any) -> Messages | None:
    """The messages that ``value`` is or holds; ``None`` when it holds none."""
    value = from_json(value)
    if isinstance(value, Mapping):
        for key in ("messages", "input_messages", "prompts"):
            if key in value:
                return messages_of(value[key])
        return None
    if not isinstance(value, list | tuple) or not value:
        return None
    found = [_message(one) for one in value]
    if len(value) == 1 and found[0] is None and isinstance(value[0], list):
        return messages_of(value[0])
    return None if any(one is None for one in found) else tuple(one for one in found if one is not None)


def rendered_of(value: Any) -> Rendered | None:
    """The rendered prompt that ``value`` is: its messages, else its text."""
    found = messages_of(value)
    if found is not None:
        return found
    return value if isinstance(value, str) and value.strip() else None


def question_of(rendered: Rendered) -> str:
    """What the person asked: the last message of a user, else the whole."""
    if isinstance(rendered, str):
        return rendered
    asked = [text for role, text in rendered if role == "user"]
    return asked[-1] if asked else "\n\n".join(text for _, text in rendered)


def text_of(value: Any) -> str | None:
    """The text of an answer, out of what model clients return; canonical JSON of what holds none."""
    value = from_json(value)
    if value is None or isinstance(value, str):
        return value or None
    found = _answer(value)
    return found if found is not None else canonical_json(value).decode("utf-8", "replace")


def _answer(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        messages = messages_of(value)
        if messages:
            return messages[-1][1]
        return _answer(value[0]) if len(value) == 1 else None
    if not isinstance(value, Mapping):
        return None
    message = _message(value)
    if message is not None:
        return message[1]
    for key in ("choices", "generations", "messages", "message"):
        if key in value and (found := _answer(value[key])) is not None:
            return found
    for key in _ANSWERS:
        if isinstance(value.get(key), str):
            return str(value[key])
    only = next(iter(value.values())) if len(value) == 1 else None
    return only if isinstance(only, str) else _answer(only) if isinstance(only, Mapping | list) else None


def _message(value: Any) -> tuple[str, str] | None:
    if isinstance(value, list | tuple) and len(value) == 2:
        return _role_and_text(*value)
    if not isinstance(value, Mapping):
        return None
    inner = value.get("kwargs") or value.get("data")
    if isinstance(inner, Mapping) and "content" in inner:
        # LangChain's own form: {"id": [..., "HumanMessage"], "kwargs": {"content": ...}}.
        kind = value.get("id")
        named = kind[-1] if isinstance(kind, list) and kind else value.get("type")
        return _role_and_text(named or inner.get("type"), inner["content"])
    if "content" not in value:
        return None
    return _role_and_text(value.get("role") or value.get("type"), value["content"])


def _role_and_text(role: Any, content: Any) -> tuple[str, str] | None:
    known = _ROLES.get(str(role).lower())
    if known is None:
        return None
    if isinstance(content, list):
        parts = [one.get("text") if isinstance(one, Mapping) else one for one in content]
        content = "\n".join(part for part in parts if isinstance(part, str))
    return (known, content) if isinstance(content, str) else None
