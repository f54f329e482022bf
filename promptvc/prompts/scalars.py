"""Writing another value in the place of a scalar, in the scalar's own style where that can hold it."""

from __future__ import annotations

import re
from typing import Any

from promptvc.base.documents import Node
from promptvc.prompts.page import Page, Splice
from promptvc.prompts.styles import Style, indented

_HEADER = re.compile(r"[|>]([-+0-9]*)([ \t]+#[^\r\n]*)?")


def replace_scalar(page: Page, parent: Node, node: Node, value: Any, *, flow: bool) -> list[Splice]:
    """Write ``value`` where ``node``, a scalar below ``parent``, stands; ``flow``: inside a flow collection."""
    style = Style(page.text, [node])
    gap = " " if node.end == node.start and page.text[node.start - 1 : node.start] in {":", "-"} else ""
    if flow:
        return [Splice(node.start, node.end, gap + style.one_line(value))]
    first, *rest = style.scalar_lines(value)
    header = _HEADER.match(page.text, node.start) if node.style in {"|", ">"} else None
    comment = (header[2] or "") if header else ""
    column = _content_column(page, parent, node, explicit=first[1:2].isdigit())
    text = page.newline.join([gap + first + comment, *indented(rest, column)])
    if rest and not header:
        return _with_comment_moved(page, node, text)
    return [Splice(node.start, node.end, text)]


def _with_comment_moved(page: Page, node: Node, text: str) -> list[Splice]:
    """A comment after the old value stands behind the header of the new literal one."""
    end = page.line_end(node.end)
    comment = page.text[node.end : end]
    head, rest = text.split(page.newline, 1)
    return [Splice(node.start, end, f"{head}{comment.rstrip()}{page.newline}{rest}")]


def _content_column(page: Page, parent: Node, node: Node, *, explicit: bool) -> int:
    """Where the lines of a literal scalar begin: where the old one's did, else two behind what holds it."""
    if parent.kind == "mapping":
        base = parent.pairs[0][0].column
    else:
        index = next(i for i, item in enumerate(parent.items) if item is node)
        dash = page.dash(parent, index)
        base = dash - page.line_start(dash)
    header = _HEADER.match(page.text, node.start) if node.style in {"|", ">"} else None
    if header and not explicit and not any(character.isdigit() for character in header[1]):
        for line in page.text[node.start : node.end].split("\n")[1:]:
            if line.strip():
                return len(line) - len(line.lstrip(" "))
    return base + 2
