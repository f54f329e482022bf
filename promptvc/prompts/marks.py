"""Comments of a prompt's file, and among them the marks of a merge that nobody has resolved yet."""

from __future__ import annotations

import re

from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.prompts.page import nodes_of

SIZE = 7
"""Characters of a mark, as in git."""

_RAW = re.compile(r"(?:<{7,}|>{7,})(?: |\r?$)")
_COMMENT = re.compile(r"[ \t]*# (?:<{7,}|>{7,}) ")


def conflict_markers(text: str) -> tuple[int, ...]:
    """The lines (from 1) with marks of a conflict that is not resolved: ours in comments, or git's own.

    What stands inside a value is text: a prompt may speak of conflicts.
    """
    if "<" * SIZE not in text and ">" * SIZE not in text:
        return ()
    lines = text.split("\n")
    found = [at for at, line in enumerate(lines, 1) if _RAW.match(line) or _COMMENT.match(line)]
    if not found:
        return ()
    try:
        document = load_yaml(text.encode("utf-8", "surrogatepass"), file="")
    except InvalidDocument:
        return tuple(found)
    inside = _inside_values(document)
    return tuple(at for at in found if at not in inside)


def comment_lines(document: Document) -> list[tuple[int, str]]:
    """(line from 1, text) of every line that is a comment and nothing else."""
    inside = _inside_values(document)
    lines = enumerate(document.text.split("\n"), 1)
    return [(at, line.strip()) for at, line in lines if line.lstrip().startswith("#") and at not in inside]


def _inside_values(document: Document) -> set[int]:
    """Lines (from 1) that are the second or a later line of a text of several lines."""
    found: set[int] = set()
    for node in nodes_of(document.root):
        if node.kind == "scalar" and node.alias is None:
            # A block text ends with its last line break: the line after it is not its own.
            more = document.text.count("\n", node.start, max(node.start, node.end - 1))
            found.update(range(node.line + 1, node.line + more + 1))
    return found
