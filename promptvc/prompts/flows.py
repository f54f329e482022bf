"""Changes to flow collections: ``[a, b]`` and ``{a: 1}``, on one line or on several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptvc.base.documents import Node
from promptvc.prompts.page import Page, Splice
from promptvc.prompts.styles import Style, flow_key


def add_items(page: Page, sequence: Node, values: Sequence[Any], index: int) -> list[Splice]:
    """Insert ``values`` before the item ``index`` (the number of items: at the end)."""
    items = sequence.items
    style = Style(page.text, [sequence]).under(None)
    texts = [style.one_line(value) for value in values]
    if not items:
        blank = not page.text[sequence.start + 1 : sequence.end - 1].strip()
        end = sequence.end - 1 if blank else sequence.start + 1
        return [Splice(sequence.start + 1, end, ", ".join(texts))]
    own_lines = page.begins_line(items[-1].start)
    if index < len(items):
        at = items[index].start
        between = page.newline + " " * items[index].column if page.begins_line(at) else " "
        return [Splice(at, at, "".join(f"{text},{between}" for text in texts))]
    last = items[-1]
    comma = page.comma_after(last.end)
    if not own_lines or not page.rest_is_comment(comma or last.end):
        gap = page.newline + " " * last.column if own_lines else " "
        return [Splice(last.end, last.end, "".join(f",{gap}{text}" for text in texts))]
    # One item a line: the new ones get lines of their own, below the last item and its comment.
    start = page.next_line(last.end)
    margin = " " * last.column
    ends = [","] * (len(texts) - 1) + ["," if comma else ""]
    lines = [f"{margin}{text}{end}{page.newline}" for text, end in zip(texts, ends, strict=True)]
    added = Splice(start, start, "".join(lines))
    return [added] if comma else [Splice(last.end, last.end, ","), added]


def remove_item(page: Page, sequence: Node, index: int) -> list[Splice]:
    """Take an item away with its comma, and its line where it has one of its own."""
    items = sequence.items
    item = items[index]
    comma = page.comma_after(item.end)
    end = comma or item.end
    if len(items) == 1:
        return [Splice(sequence.start, sequence.end, "[]")]
    last = index == len(items) - 1
    if page.begins_line(item.start) and page.rest_is_comment(end):
        line = Splice(page.line_start(item.start), page.next_line(end), "")
        if last and not comma and not _comment_between(page, items[index - 1].end, item.start):
            before = page.comma_after(items[index - 1].end)
            if before:
                return [Splice(items[index - 1].end, before, ""), line]
        return [line]
    if not last:
        after = items[index + 1].start
        return [Splice(item.start, end if _comment_between(page, item.end, after) else after, "")]
    if _comment_between(page, items[index - 1].end, item.start):
        return [Splice(item.start, end, "")]
    return [Splice(items[index - 1].end, item.end, "")]


def replace_item(page: Page, sequence: Node, index: int, value: Any) -> list[Splice]:
    """Write ``value`` in the place of an item."""
    items = sequence.items
    nearest = sorted(range(len(items)), key=lambda i: abs(i - index))
    text = Style(page.text, [items[i] for i in nearest]).one_line(value)
    return [Splice(items[index].start, items[index].end, text)]


def add_entry(page: Page, mapping: Node, key: str, value: Any) -> list[Splice]:
    """Insert ``key: value`` at the end of a flow mapping."""
    text = f"{flow_key(key)}: {Style(page.text).one_line(value)}"
    if not mapping.pairs:
        return [Splice(mapping.start + 1, mapping.start + 1, text)]
    name, last = mapping.pairs[-1]
    gap = page.newline + " " * name.column if page.begins_line(name.start) else " "
    return [Splice(last.end, last.end, f",{gap}{text}")]


def _comment_between(page: Page, start: int, end: int) -> bool:
    return "#" in page.text[start:end]
