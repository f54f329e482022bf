"""Changes to block collections: whole lines added and removed, the lines around them untouched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptvc.base.documents import Node
from promptvc.prompts.page import Page, Splice, last_scalar
from promptvc.prompts.styles import Style, dash_offset, dashed, indented


def add_items(page: Page, sequence: Node, values: Sequence[Any], index: int) -> list[Splice]:
    """Insert ``values`` before the item ``index`` (the number of items: at the end)."""
    items = sequence.items
    offset = dash_offset(sequence)
    nearest = sorted(range(len(items)), key=lambda i: (abs(i - index + 0.5), i))
    style = Style(page.text, [items[i] for i in nearest])
    blocks = [dashed(style.lines(value, offset=offset), offset) for value in values]
    if index == 0:
        # At the dash, not at its line: the first dash may follow another one (`- - a`), and comments above it
        # belong to the list.
        margin = page.newline + " " * sequence.column
        texts = [margin.join(block) for block in blocks]
        return [Splice(sequence.start, sequence.start, "".join(text + margin for text in texts))]
    before = items[index - 1]
    neighbour = items[index - 1] if index < len(items) else items[index - 2] if index > 1 else None
    spaced = neighbour is not None and page.blank_line_after(neighbour.end)
    lines = [line for block in blocks for line in (["", *block] if spaced else block)]
    return _lines_after(page, before, indented(lines, sequence.column))


def add_entry(page: Page, mapping: Node, position: int, key: str, value: Any) -> list[Splice]:
    """Insert ``key: value`` after the pair ``position`` of a block mapping."""
    column = mapping.pairs[0][0].column
    before = mapping.pairs[position][1]
    neighbour = position if position + 1 < len(mapping.pairs) else position - 1
    spaced = neighbour >= 0 and page.blank_line_after(mapping.pairs[neighbour][1].end)
    lines = new_entry(page, mapping, key, value)
    end = page.comments_below(before.end, column=column)
    return _lines_after(page, before, indented(["", *lines] if spaced else lines, column), at=end)


def new_entry(page: Page, mapping: Node, key: str, value: Any) -> list[str]:
    """The lines of ``key: value``, with the dashes of a list where the lists beside it have theirs."""
    lines = Style(page.text).entry_lines(key, value, column=0)
    flush = any(
        sibling.kind == "sequence" and sibling.style == "block" and sibling.alias is None
        and sibling.column == name.column
        for name, sibling in mapping.pairs
    )  # fmt: skip
    if flush and len(lines) > 1 and lines[1].startswith("  - "):
        return [lines[0], *(line[2:] for line in lines[1:])]
    return lines


def fill(page: Page, mapping: Node, key: Node, value: Node, items: Sequence[Any]) -> list[Splice]:
    """Give a key that has nothing (``rules:``, ``rules: []``, ``rules: ~``) a block list of ``items``."""
    lines = new_entry(page, mapping, str(key.data), list(items))
    column = mapping.pairs[0][0].column
    colon = page.text.index(":", key.end) + 1
    head = lines[0].split(":", 1)[1] if len(lines) == 1 else ""
    splices = [Splice(colon, value.end, head)]
    if len(lines) > 1:
        end = page.line_end(value.end)
        text = "".join(page.newline + line for line in indented(lines[1:], column))
        splices.append(Splice(end, end, text))
    return splices


def remove_item(page: Page, sequence: Node, index: int, key: Node | None) -> list[Splice]:
    """Take an item away with the comments directly above it, and one of two blank lines around it.

    ``key`` is what the sequence stands under; without items, ``[]`` stands behind it.
    """
    items = sequence.items
    dash = page.dash(sequence, index)
    item = items[index]
    if len(items) == 1:
        return _emptied(page, dash, item, key)
    if index == 0:
        return [Splice(dash, page.dash(sequence, 1), "")] if not page.begins_line(dash) else [
            Splice(page.line_start(dash), page.next_line(item.end), "")
        ]  # fmt: skip
    floor = page.next_line(items[index - 1].end)
    start = page.comments_above(dash, after=floor)
    end = page.next_line(item.end)
    keeps = last_scalar(items[index - 1])
    if keeps.style in {"|", ">"} and "+" in page.text[keeps.start : page.line_end(keeps.start)].split("#")[0]:
        while end < len(page.text) and not page.text[end : page.line_end(end)].strip():
            end = page.next_line(end)  # or they would become part of the text that keeps its blank lines
    elif index == len(items) - 1 or page.blank_line_after(item.end):
        above = page.line_start(start - 1)
        if above >= floor and not page.text[above:start].strip():
            start = above
    if end == len(page.text) and not page.text.endswith("\n"):
        start = page.line_end(start - 1)
    return [Splice(start, end, "")]


def replace_item(page: Page, sequence: Node, index: int, value: Any) -> list[Splice]:
    """Write ``value`` behind the dash of an item."""
    items = sequence.items
    item = items[index]
    dash = page.dash(sequence, index)
    offset = item.column - (dash - page.line_start(dash))
    inline = page.line_start(dash) == page.line_start(item.start) and offset > 1
    if not inline:
        offset = dash_offset(sequence)
    others = [items[i] for i in sorted(range(len(items)), key=lambda i: abs(i - index))]
    first, *rest = Style(page.text, others).lines(value, offset=offset)
    column = dash - page.line_start(dash)
    end = item.end
    if rest:
        # A comment behind the old item would become part of a literal text that ends the new one.
        end = page.line_end(item.end)
        first += page.text[item.end : end].rstrip()
    text = page.newline.join([first, *indented(rest, column + offset)])
    return [Splice(item.start, end, text) if inline else Splice(dash + 1, end, " " * (offset - 1) + text)]


def _emptied(page: Page, dash: int, item: Node, key: Node | None) -> list[Splice]:
    if key is None or not page.begins_line(dash):
        return [Splice(dash, item.end, "[]")]
    colon = page.text.index(":", key.end) + 1
    start, end = page.line_start(dash), page.next_line(item.end)
    if end == len(page.text) and not page.text.endswith("\n"):
        start = page.line_end(start - 1)
        if start <= colon:
            return [Splice(colon, end, " []")]
    return [Splice(colon, colon, " []"), Splice(start, end, "")]


def _lines_after(page: Page, node: Node, lines: list[str], *, at: int | None = None) -> list[Splice]:
    end = page.line_end(node.end) if at is None else at
    splices = [Splice(end, end, "".join(page.newline + line for line in lines))]
    last = last_scalar(node)
    header = page.text[last.start : page.line_end(last.start)]
    if (
        last.style in {"|", ">"}
        and page.line_end(node.end) == len(page.text)
        and "-" not in header.split("#")[0]
    ):
        # At the end of a file without a last line break, `|` has no line break to keep; now it would get one.
        mark = last.start + 1
        splices.append(Splice(mark, mark + (page.text[mark : mark + 1] == "+"), "-"))
    return splices
