"""A file with a head between two lines of ``---``, in YAML, and a body: Prompty and dotprompt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.lost_comments import lose_comments

_HEAD = re.compile(r"\A((?:[ \t]*(?:#[^\n]*)?\n)*+---[ \t]*\n)(.*?\n|)---[ \t]*(?:\n|\Z)", re.DOTALL)


def parted(text: str, file: str, losses: Losses) -> tuple[dict[str, Any], str]:
    """The head's keys, none where there is no head, and the body. The head's comments are losses.

    Raises:
        InvalidDocument: the head is no YAML mapping; with the line in the whole file.
    """
    match = _HEAD.match(text)
    if match is None:
        return {}, text
    above = match[1].count("\n")
    try:
        document = load_yaml(match[2].encode(), file=file)
    except InvalidDocument as error:
        line = None if error.line is None else error.line + above
        raise InvalidDocument(error.message, hint=error.hint, file=file, line=line) from None
    lose_comments(load_yaml(match[1].rpartition("---")[0].encode(), file=file), losses)
    lose_comments(document, losses, above=above)
    value = document.value
    if value is not None and not isinstance(value, Mapping):
        raise InvalidDocument(
            "its head is no mapping", hint="write `key: value` lines", file=file, line=above + 1
        )
    return dict(value or {}), text[match.end() :]


def joined(head: Mapping[str, Any], body: str) -> bytes:
    """The file of a head and a body."""
    return f"---\n{dump_yaml(head) if head else ''}---\n{body}".encode()
