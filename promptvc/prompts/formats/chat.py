"""Chat messages as JSON, ``[{role, content}]``, with ``{{ name }}`` in their texts: what most tools share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptvc.base.errors import InputError
from promptvc.base.losses import Losses
from promptvc.prompts.formats.arrived import role_of, text_of
from promptvc.prompts.formats.fields import Fields, shown
from promptvc.prompts.formats.languages import braces
from promptvc.prompts.formats.pieces import Names, Turn, simple_text
from promptvc.prompts.model import Prompt


def turns_of(value: Any, path: str, names: Names, losses: Losses) -> list[Turn]:
    """The turns of a list of messages. What is no text, and keys beside role and content, are losses."""
    if isinstance(value, str):
        return [Turn("user", braces(value, path, names))]
    if not isinstance(value, list):
        if value is not None:
            losses.add(path, shown(value), "it is no list of messages")
        return []
    found = []
    for index, one in enumerate(value):
        here = f"{path}[{index}]"
        if not isinstance(one, Mapping):
            losses.add(here, shown(one), "it is no message")
            continue
        message = Fields(one, here, losses)
        kind = message.take("type")
        if kind == "placeholder" or (
            kind not in {None, "message", "chatmessage"} and "content" not in message
        ):
            losses.add(here, shown(dict(one)), "there is no place for messages of a conversation here")
            continue
        role = role_of(message.take("role"), f"{here}.role", losses)
        text = text_of(message.take("content"), f"{here}.content", losses)
        message.rest("a message has a role and a content, no more")
        if role is not None and text is not None:
            found.append(Turn(role, braces(text, f"{here}.content", names)))
    return found


def chat_json(turns: Sequence[Turn], prompt: Prompt) -> list[dict[str, str]]:
    """The turns as messages.

    Raises:
        InputError: there is Jinja in them, or a text that would be read as a place.
    """
    found = []
    for turn in turns:
        text = simple_text(turn.pieces)
        if text is None:
            raise InputError(
                f"{prompt.name} cannot be said with {{{{ name }}}} alone",
                hint="it has Jinja, or a text in double braces: export it as prompty, langchain or promptfoo",
            )
        found.append({"role": turn.role, "content": text})
    return found
