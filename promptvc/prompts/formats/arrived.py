"""A prompt that was read: messages, the variables that are declared, and the rest, found acceptable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.format import UNNAMED
from promptvc.prompts.formats.languages import NEEDS_JINJA
from promptvc.prompts.formats.pieces import Turn, messages_of
from promptvc.prompts.jinja import JinjaMissing
from promptvc.prompts.model import Example, Prompt, Role, Variable
from promptvc.prompts.render import placeholders

ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "ai": "assistant", "model": "assistant",
}  # fmt: skip
"""Roles by the words of others."""


def prompt_of(
    turns: Sequence[Turn],
    variables: Mapping[str, Variable] | None = None,
    *,
    file: str,
    examples: Sequence[Example] = (),
    **more: Any,
) -> Prompt:
    """The prompt of these turns; ``more`` are other parts of :class:`Prompt`.

    Args:
        variables: that the file declares, by our names. Those that the text mentions are required where it says none.

    Raises:
        InvalidDocument: there is no message.
    """
    if not turns:
        raise InvalidDocument("it has no message that could come over", file=file)
    messages, template = messages_of(turns)
    prompt = Prompt(UNNAMED, 1, messages, template=template, examples=tuple(examples))
    try:
        used = placeholders(prompt)
    except JinjaMissing as error:
        raise InvalidDocument(NEEDS_JINJA, hint=error.hint, file=file) from None
    except InputError as error:
        raise InvalidDocument(error.message, hint=error.hint, file=file) from None
    declared = {name: variable for name, variable in (variables or {}).items() if variable.name}
    found = tuple(
        declared.get(name) or Variable(name) for name in [*declared, *sorted(used - declared.keys())]
    )
    return Prompt(UNNAMED, 1, messages, template=template, examples=tuple(examples), variables=found, **more)


def role_of(value: Any, path: str, losses: Losses) -> Role | None:
    """Our role; None, which is a loss, where there is none."""
    ours = ROLES.get(value.lower()) if isinstance(value, str) else None
    if ours is None:
        losses.add(path, value, "a message has the role system, user or assistant: it is left out")
    elif value.lower() not in {ours, "human", "ai", "model"}:
        losses.add(path, value, f"the role became {ours}")
    return ours


def text_of(value: Any, path: str, losses: Losses) -> str | None:
    """The content of a chat message: a text, or its text parts; other parts are losses. None where nothing is left."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        losses.add(path, value, "a message's content is text: it is left out")
        return None
    texts = []
    for index, part in enumerate(value):
        text = part.get("text") if isinstance(part, Mapping) else part
        if isinstance(text, str):
            texts.append(text)
            extra = set(part) - {"type", "text"} if isinstance(part, Mapping) else set()
            if extra:
                losses.add(
                    f"{path}[{index}]", ", ".join(sorted(map(str, extra))), "of a part only its text is kept"
                )
        else:
            losses.add(f"{path}[{index}]", part.get("type", "?") if isinstance(part, Mapping) else part,
                       "only text is kept of a message in parts")  # fmt: skip
    if len(texts) > 1:
        losses.add(
            path, f"{len(texts)} parts", "the parts of a message became one text, a line break between two"
        )
    return "\n".join(texts) if texts else None
