"""Writing a merged document with the words of both files: whole lines of ours and theirs, comments included.

The text is cut into entries (a key with its value) and items (a dash with its value), each with the comments directly
above it. What is as on one side is taken from there as it is written; only what is on neither is written anew. The
caller reads the result: what it says decides, not how it was put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.nodes import Document, Node
from promptvc.prompts.page import Page, last_scalar
from promptvc.prompts.styles import Style, dashed, indented
from promptvc.store.matching import exact


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a file that holds one value: from ``start`` to ``end``, with ``node`` in it."""

    page: Page
    start: int
    end: int
    node: Node
    key: Node | None = None

    @property
    def text(self) -> str:
        return self.page.text[self.start : self.end]


class Unwritable(Exception):
    """The text is laid out in a way that cannot be cut into lines."""


def compose(ours: Document, theirs: Document, value: dict[str, Any]) -> str:
    """The text of ``value`` in our layout, with their words where it is as theirs.

    Raises:
        Unwritable: one of the files is no plain block mapping.
    """
    our_page, their_page = Page(ours), Page(theirs)
    whole = _Piece(our_page, 0, len(our_page.text), ours.root)
    other = _Piece(their_page, 0, len(their_page.text), theirs.root)
    return _collection(whole, other, value)


def _collection(ours: _Piece, theirs: _Piece | None, value: Any) -> str:
    """The piece ``ours`` with ``value`` in it; ``theirs`` holds the same collection in the other file."""
    mine = _children(ours)
    others = _children(theirs) if theirs is not None and _cuttable(theirs) else []
    column = _column(mine[0])
    head, tail = ours.page.text[ours.start : mine[0].start], ours.page.text[mine[-1].end : ours.end]
    members = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    taken: set[int] = set()
    texts = [_member(key, item, (mine, others), column, taken) for key, item in members]
    return head + _joined(texts, ours.page.newline, ours.text.endswith("\n") or bool(tail)) + tail


def _member(
    key: Any, value: Any, sides: tuple[list[_Piece], list[_Piece]], column: int, taken: set[int]
) -> str:
    """One entry or item: as a side has it, or mixed out of both."""
    mine, others = sides
    like = mine[0]
    found = _find(mine, key, value, taken)
    if found is not None:
        return found.text
    found = _find(others, key, value, taken)
    if found is not None and _column(found) == column:
        return _with_newlines(found.text, like.page.newline)
    if key is not None:
        own = next((piece for piece in mine if piece.key is not None and piece.key.data == key), None)
        other = next((piece for piece in others if piece.key is not None and piece.key.data == key), None)
        if own is not None:
            return _entry(own, other, value)
        return _written(Style(like.page.text).entry_lines(key, value, column=0), column, like.page.newline)
    nodes = [piece.node for piece in sorted(mine, key=lambda piece: _distance(piece.node.data, value))]
    offset = _offset(like)
    lines = dashed(Style(like.page.text, nodes).lines(value, offset=offset), offset)
    return _comments(mine, value) + _written(lines, column, like.page.newline)


def _comments(mine: list[_Piece], value: Any) -> str:
    """The comments above the item of ours that ``value`` is a new form of."""
    for piece in mine:
        old = piece.node.data
        both = isinstance(old, dict) and isinstance(value, dict)
        if both and any(key in old and old[key] == value.get(key) for key in ("text", "input", "content")):
            return piece.page.text[piece.start : piece.page.line_start(_mark(piece))]
    return ""


def _entry(own: _Piece, other: _Piece | None, value: Any) -> str:
    """A key of ours with a value that is on neither side."""
    node, page = own.node, own.page
    same_kind = isinstance(value, (dict, list)) and bool(value) and node.style == "block"
    if same_kind and isinstance(value, dict) == (node.kind == "mapping") and _cuttable(own):
        fits = other is not None and other.node.kind == node.kind and _cuttable(other)
        return _collection(own, other if fits else None, value)
    assert own.key is not None
    if node.style == "block" and (node.items or node.pairs):
        colon = page.text.index(":", own.key.end) + 1
        if not value:
            return f"{page.text[own.start : colon]} {'{}' if isinstance(value, dict) else '[]'}{page.newline}"
        raise Unwritable
    if node.kind == "scalar" and isinstance(value, (dict, list)):
        raise Unwritable
    if "\n" in page.text[node.start : node.end] or (isinstance(value, str) and "\n" in value):
        raise Unwritable
    return (
        page.text[own.start : node.start]
        + Style(page.text, [node]).one_line(value, flow=node.style == "flow")
        + (page.text[node.end : own.end])
    )


def _children(piece: _Piece) -> list[_Piece]:
    """The entries or items of a piece, in its text's order. What stands below the last is not its own.

    Raises:
        Unwritable: they do not begin lines of their own.
    """
    page, node = piece.page, piece.node
    if not _cuttable(piece):
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
        _Piece(page, start, end, value, key)
        for (key, value), start, end in zip(pairs, starts, ends, strict=True)
    ]


def _end(page: Page, node: Node, mark: int) -> int:
    """Where the last entry or item ends: with comments that are indented like it, without blank lines."""
    last = last_scalar(node)
    header = page.text[last.start : page.line_end(last.start)].split("#")[0]
    if last.style in {"|", ">"} and "+" in header:
        return len(page.text)  # blank lines are part of such a text
    column = mark - page.line_start(mark)
    return page.next_line(page.comments_below(node.end, column=column - 1) if column else node.end)


def _cuttable(piece: _Piece) -> bool:
    node = piece.node
    return node.style == "block" and node.alias is None and bool(node.items or node.pairs)


def _mark(piece: _Piece) -> int:
    """Where the key or the dash of a piece stands."""
    if piece.key is not None:
        return piece.key.start
    at = piece.start
    while True:
        line = piece.page.text[at : piece.page.line_end(at)]
        content = line.lstrip()
        if content and not content.startswith("#"):
            return at + len(line) - len(content)
        at = piece.page.next_line(at)


def _column(piece: _Piece) -> int:
    mark = _mark(piece)
    return mark - piece.page.line_start(mark)


def _offset(like: _Piece) -> int:
    """How far the content of an item stands behind its dash."""
    same_line = like.page.line_start(_mark(like)) == like.page.line_start(like.node.start)
    offset = like.node.start - _mark(like)
    return offset if same_line and offset > 1 else 2


def _find(pieces: Iterable[_Piece], key: Any, value: Any, taken: set[int]) -> _Piece | None:
    wanted = exact(value)
    for piece in pieces:
        named = piece.key is None or piece.key.data == key
        if named and id(piece) not in taken and exact(piece.node.data) == wanted:
            taken.add(id(piece))
            return piece
    return None


def _distance(one: Any, other: Any) -> int:
    """0 for items with the same keys, so that a new one is written like its kind."""
    return 0 if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys() else 1


def _written(lines: list[str], column: int, newline: str) -> str:
    return "".join(line + newline for line in indented(lines, column))


def _with_newlines(text: str, newline: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", newline)


def _joined(texts: Sequence[str], newline: str, ended: bool) -> str:  # noqa: FBT001
    """The pieces one after the other; the last one is ``ended`` by a line break, or not, as it was."""
    text = "".join(each if each.endswith("\n") else each + newline for each in texts)
    return text if ended else text.removesuffix(newline)
