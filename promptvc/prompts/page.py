"""A YAML text as lines: where they begin and end, what stands between two values, what a change does to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from promptvc.base.documents import Document, Node

_COMMA = re.compile(r"[ \t]*,")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?=\n|\Z)")


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace the characters from ``start`` to ``end`` by ``text``."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """``text`` with all ``splices`` made; they must not overlap."""
    for splice in sorted(splices, key=lambda each: (each.start, each.end), reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


class Page:
    """Offsets and lines of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text
        first = self.text.find("\n")
        self.newline = "\r\n" if first > 0 and self.text[first - 1] == "\r" else "\n"

    def line_start(self, offset: int) -> int:
        """Where the line that holds ``offset`` begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Where the line that holds ``offset`` ends, before its line break."""
        end = self.text.find("\n", offset)
        if end < 0:
            return len(self.text)
        return end - 1 if end and self.text[end - 1] == "\r" else end

    def next_line(self, offset: int) -> int:
        """Where the line after the one that holds ``offset`` begins; the end of the text when there is none."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1

    def blank_line_after(self, offset: int) -> bool:
        """Whether the line after the one that holds ``offset`` exists and is blank."""
        start = self.next_line(offset)
        return start < len(self.text) and not self.text[start : self.line_end(start)].strip()

    def begins_line(self, offset: int) -> bool:
        """Whether only blanks stand before ``offset`` on its line."""
        return not self.text[self.line_start(offset) : offset].strip()

    def comma_after(self, offset: int) -> int | None:
        """The end of a comma that follows ``offset`` on the same line, or None."""
        match = _COMMA.match(self.text, offset)
        return match.end() if match else None

    def rest_is_comment(self, offset: int) -> bool:
        """Whether nothing but blanks and a comment follow ``offset`` on its line."""
        return _REST_OF_LINE.match(self.text, offset) is not None

    def dash(self, sequence: Node, index: int) -> int:
        """The offset of the ``-`` of an item of a block sequence."""
        if index == 0:
            return sequence.start
        offset = self.next_line(sequence.items[index - 1].end)
        while True:
            line = self.text[offset : self.line_end(offset)]
            content = line.lstrip()
            if content and not content.startswith("#"):
                return offset + len(line) - len(content)
            offset = self.next_line(offset)

    def comments_above(self, offset: int, *, after: int) -> int:
        """The start of the comment lines that stand directly above the line of ``offset``, in its column."""
        start = self.line_start(offset)
        column = offset - start
        while start > after:
            above = self.line_start(start - 1)
            line = self.text[above : self.line_end(above)]
            if above < after or not line.startswith(" " * column + "#"):
                break
            start = above
        return start

    def comments_below(self, offset: int, *, column: int) -> int:
        """The end of the last comment that follows the line of ``offset`` and is indented beyond ``column``.

        It still belongs to what ends at ``offset``. Without one, the end of that line.
        """
        end = self.line_end(offset)
        at = self.next_line(offset)
        while at < len(self.text):
            line = self.text[at : self.line_end(at)]
            content = line.lstrip(" ")
            if content.startswith("#") and len(line) - len(content) > column:
                end = self.line_end(at)
            elif content.strip():
                break
            at = self.next_line(at)
        return end


def nodes_of(root: Node) -> Iterator[Node]:
    """Every node below ``root`` and itself, keys too, without what aliases repeat."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if node.alias is None:
            stack.extend(node.items)
            for pair in node.pairs:
                stack.extend(pair)


def last_scalar(node: Node) -> Node:
    """The scalar that ends ``node`` (or the empty flow collection that does)."""
    while node.alias is None and node.style == "block" and (node.items or node.pairs):
        node = node.pairs[-1][1] if node.kind == "mapping" else node.items[-1]
    return node
