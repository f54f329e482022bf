"""The comments of a YAML document: what is lost where a document is written anew."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from promptvc.base.documents import Document
from promptvc.base.nodes import Node

_MOST = 1000  # comments of one document
_COMMENT = re.compile(r"(?:(?<=[ \t\r\n])|\A)#[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: its line, from 1, and its text with the mark."""

    line: int
    text: str


def comments_of(document: Document) -> tuple[Comment, ...]:
    """The first 1,000 comments, in order. What only looks like one, inside a text, is none."""
    text = document.text
    if "#" not in text:
        return ()
    bodies = sorted(_bodies(document.root, text))
    starts = [start for start, _ in bodies]
    return tuple(itertools.islice(_outside(text, bodies, starts), _MOST))


def _outside(text: str, bodies: list[tuple[int, int]], starts: list[int]) -> Iterator[Comment]:
    line, counted = 1, 0
    for match in _COMMENT.finditer(text):
        at = bisect_right(starts, match.start()) - 1
        if at < 0 or match.start() >= bodies[at][1]:
            line, counted = line + text.count("\n", counted, match.start()), match.start()
            yield Comment(line, match[0].rstrip())


def _bodies(root: Node, text: str) -> Iterator[tuple[int, int]]:
    """Where the content of each scalar is: a literal one may have a comment behind its mark."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.alias is not None:
            continue
        if node.kind == "scalar":
            start = text.find("\n", node.start) if node.style in {"|", ">"} else node.start
            if node.end > start >= 0:
                yield start, node.end
        stack.extend(node.items)
        for pair in node.pairs:
            stack.extend(pair)
