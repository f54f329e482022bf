"""Comments of a file, and which of both sides' a merged text has lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from promptvc.base.nodes import Document
from promptvc.prompts.page import nodes_of
from promptvc.store.merging.conflict import ABSENT, Conflict

COMMENTS = ("comments",)
"""Where a conflict about comments is: no key of a prompt."""
REASON = "a comment has no place any more: the other side changed what it stands at"

_COMMENT = re.compile(r"(?:^|(?<=[ \t\n\r]))#[^\n]*")


def comments_of(document: Document) -> Counter[str]:
    """Every comment, from its ``#`` on, with how often it stands there."""
    if "#" not in document.text:
        return Counter()
    return Counter(found.strip() for found in _comments(document))


def lost_comments(
    base: Document | None, ours: Document, theirs: Document, result: Document
) -> tuple[Conflict, ...]:
    """A conflict about the comments that a side wrote, or both kept, and that ``result`` has not."""
    if not any("#" in one.text for one in (ours, theirs)):
        return ()
    before = Counter[str]() if base is None else comments_of(base)
    mine, other, found = (comments_of(one) for one in (ours, theirs, result))
    lost: list[str | None] = []
    for here, there in ((mine, other), (other, mine)):
        kept = here & there
        missing = (kept | (here - before)) - found
        lost.append("\n".join(missing) or None)
    if not any(lost):
        return ()
    told = [ABSENT if text is None else text for text in lost]
    return (Conflict(COMMENTS, REASON, ABSENT, *told),)


def _comments(document: Document) -> Iterator[str]:
    """What is outside of values: all values are blanked out, so that a ``#`` in one is none."""
    text, at = document.text, 0
    for node in sorted(nodes_of(document.root), key=lambda one: one.start):
        if node.kind != "scalar" or node.alias is not None or node.start < at:
            continue
        yield from _COMMENT.findall(text[at : node.start])
        at = node.end
        if node.style in {"|", ">"}:
            # Behind the sign of a text of several lines, on its own line, there may be one too.
            header = text[node.start : node.end].split("\n", 1)[0]
            yield from _COMMENT.findall(header)
    yield from _COMMENT.findall(text[at:])
