"""A file cut into pieces: entries (a key with its value) and items (a dash with its value), with their comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from promptvc.base.nodes import Node
from promptvc.prompts.page import Page, last_scalar
from promptvc.store.matching import exact


class Unwritable(Exception):
    """The text is laid out in a way that cannot be cut into lines."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a file that holds one value.

    Attributes:
        start, middle, end: the comments directly above it stand from ``start`` to ``middle``, the rest up to ``end``.
        node: the value; ``key``: of an entry.
    """

    page: Page
    start: int
    middle: int
    end: int
    node: Node
    key: Node | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return self.page.text[self.start : self.end]

    @property
    def head(self) -> str:
        """The comments above it."""
        return self.page.text[self.start : self.middle]

    @property
    def body(self) -> str:
        """All of it but the comments above."""
        return self.page.text[self.middle : self.end]

    @cached_property
    def said(self) -> str:
        """The value as a text that is equal for equal values."""
        return exact(self.node.data)

    @property
    def mark(self) -> int:
        """Where its key or its dash stands."""
        line = self.page.text[self.middle : self.page.line_end(self.middle)]
        return self.middle + len(line) - len(line.lstrip())

    @property
    def column(self) -> int:
        """How far its key or its dash is indented."""
        return self.mark - self.middle

    @property
    def offset(self) -> int:
        """How far the content of an item stands behind its dash."""
        same_line = self.middle == self.page.line_start(self.node.start)
        offset = self.node.start - self.mark
        return offset if same_line and offset > 1 else 2

    def at(self, like: Piece) -> str | None:
        """The body in the column and with the line ends of ``like``; None where it cannot be moved there."""
        text = self.body.replace("\r\n", "\n").replace("\n", like.page.newline)
        by = like.column - self.column
        if not by:
            return text
        lines = text.split("\n")
        if any(line.strip() and not line.startswith(" " * -by) for line in lines):
            return None
        return "\n".join((" " * by + line)[max(-by, 0) :] if line.strip() else line for line in lines)


@dataclass(frozen=True, slots=True)
class Three:
    """The same piece in the base and on both sides; None where it is not."""

    base: Piece | None
    ours: Piece | None
    theirs: Piece | None

    def __iter__(self) -> Iterator[Piece | None]:
        return iter((self.base, self.ours, self.theirs))

    @property
    def mine(self) -> Piece:
        """Ours, where it is known to be there."""
        assert self.ours is not None
        return self.ours

    def bodies(self) -> Three:
        """The same without the comments above."""
        return Three(*(None if one is None else replace(one, start=one.middle) for one in self))


def children(piece: Piece) -> list[Piece]:
    """The entries or items of a piece, in its text's order. What stands below the last is not its own.

    The comments above the first are the collection's: a file's own words stand there.

    Raises:
        Unwritable: they do not begin lines of their own.
    """
    page, node = piece.page, piece.node
    if not is_cuttable(piece):
        raise Unwritable
    pairs: list[tuple[Node | None, Node]] = (
        list(node.pairs) if node.kind == "mapping" else [(None, each) for each in node.items]
    )
    marks = [key.start if key is not None else page.dash(node, at) for at, (key, _) in enumerate(pairs)]
    starts = []
    for at, mark in enumerate(marks):
        if not page.begins_line(mark):
            raise Unwritable
        after = page.next_line(pairs[at - 1][1].end) if at else page.line_start(mark)
        starts.append(page.comments_above(mark, after=after) if at else page.line_start(mark))
    ends = [*starts[1:], min(piece.end, _end(page, pairs[-1][1], marks[-1]))]
    return [
        Piece(page, start, page.line_start(mark), end, value, key)
        for (key, value), mark, start, end in zip(pairs, marks, starts, ends, strict=True)
    ]


def is_cuttable(piece: Piece) -> bool:
    """Whether a piece is a list or a mapping with lines of their own for what is in it."""
    node = piece.node
    return node.style == "block" and node.alias is None and bool(node.items or node.pairs)


def _end(page: Page, node: Node, mark: int) -> int:
    """Where the last entry or item ends: with comments that are indented like it, without blank lines."""
    last = last_scalar(node)
    header = page.text[last.start : page.line_end(last.start)].split("#")[0]
    if last.style in {"|", ">"} and "+" in header:
        return len(page.text)  # blank lines are part of such a text
    column = mark - page.line_start(mark)
    return page.next_line(page.comments_below(node.end, column=column - 1) if column else node.end)
