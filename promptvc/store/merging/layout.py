"""Writing a merged document with the words of both files: whole lines of ours and theirs, comments included.

The text is cut into entries (a key with its value) and items (a dash with its value), each with the comments directly
above it. What is as on one side is taken from there as it is written; only what is on neither is written anew. Where
the other side wrote a comment, the lines of both are merged. The caller reads the result: what it says decides, not
how it was put together, and :mod:`comments` counts what is lost all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptvc.base.nodes import Document
from promptvc.prompts.page import Page
from promptvc.prompts.styles import Style, dashed, indented
from promptvc.store.matching import exact
from promptvc.store.merging.lines import clean, lines_of, merge_lines
from promptvc.store.merging.members import Members
from promptvc.store.merging.pieces import Piece, Three, Unwritable, children, is_cuttable


def compose(
    base: Document | None, ours: Document, theirs: Document, value: dict[str, Any], *, by_lines: bool
) -> str:
    """The text of ``value`` in our layout, with their words where it is as theirs.

    Args:
        by_lines: merge the lines of an item whose comments both sides touched. That may say something else; without,
            it is as one side has it.

    Raises:
        Unwritable: one of the files is no plain block mapping.
    """
    # Without a comment on either side there is nothing for the base to decide.
    with_base = base is not None and ("#" in ours.text or "#" in theirs.text)
    whole = Three(_whole(base) if base is not None and with_base else None, _whole(ours), _whole(theirs))
    return _Composing(by_lines).collection(whole, value)


def _whole(document: Document) -> Piece:
    page = Page(document)
    return Piece(page, 0, 0, len(page.text), document.root)


class _Composing:
    """One way of putting a text together."""

    def __init__(self, by_lines: bool) -> None:  # noqa: FBT001
        self.by_lines = by_lines

    def collection(self, three: Three, value: Any) -> str:
        """The piece of ours with ``value`` in it; the others hold the same collection in their files."""
        ours = three.mine
        mine = children(ours)
        parts = [
            children(one) if one is not None and one.node.kind == ours.node.kind and is_cuttable(one) else []
            for one in (three.base, three.theirs)
        ]
        members = Members(parts[0], mine, parts[1], value)
        newline = ours.page.newline
        around = [_around(one, part) for one, part in zip(three, (parts[0], mine, parts[1]), strict=True)]
        head, tail = (_both(each, newline) for each in zip(*around, strict=True))
        texts = [self._member(each, key, item, mine) for key, item, each in members]
        ended = ours.text.endswith("\n")
        body = _joined(texts, newline, ended or bool(tail))
        return head + body + (tail if ended else tail.removesuffix(newline))

    def _member(self, three: Three, key: Any, value: Any, mine: Sequence[Piece]) -> str:
        """One entry or item: as a side has it, or mixed out of both; ``mine`` are all of ours."""
        like = mine[0]
        margin, newline = " " * like.column, like.page.newline
        heads = [
            None
            if one is None
            else "".join(margin + line.strip() + newline for line in one.head.splitlines())
            for one in three
        ]
        return _both(heads, newline) + self._body(three, key, value, mine)

    def _body(self, three: Three, key: Any, value: Any, mine: Sequence[Piece]) -> str:
        wanted, like = exact(value), mine[0]
        base = None if three.base is None else three.base.body
        ours = None if three.ours is None else three.ours.body
        theirs = None if three.theirs is None else three.theirs.at(like)
        ours_is = three.ours is not None and three.ours.said == wanted
        theirs_is = theirs is not None and three.theirs is not None and three.theirs.said == wanted
        if ours_is and theirs_is and ours == base:
            assert theirs is not None
            return theirs  # they wrote only a comment, or laid it out otherwise
        if ours is not None and ours_is and not _says_more(theirs, base, ours):
            return ours
        if theirs is not None and theirs_is and not _says_more(ours, base, theirs):
            return theirs
        if key is not None and three.ours is not None:
            inner = self._inside(three, value)
            if inner is not None:
                return inner
        if self.by_lines and base is not None and ours is not None and theirs is not None:
            stretches = merge_lines(*map(lines_of, (base, ours, theirs)))
            if clean(stretches):
                return "".join(line for one in stretches for line in one.lines)
        if ours is not None and ours_is:
            return ours
        if theirs is not None and theirs_is:
            return theirs
        return _written_anew(three.ours, key, value, mine)

    def _inside(self, three: Three, value: Any) -> str | None:
        """A key of ours whose items are merged one by one; None where it has none that could be."""
        own = three.mine
        is_same = isinstance(value, (dict, list)) and bool(value) and own.node.style == "block"
        if not is_same or isinstance(value, dict) != (own.node.kind == "mapping") or not is_cuttable(own):
            return None
        return self.collection(three.bodies(), value)


def _written_anew(own: Piece | None, key: Any, value: Any, mine: Sequence[Piece]) -> str:
    """One entry or item that is on neither side, after the model of its neighbours."""
    like = mine[0]
    page = like.page
    if key is None:
        nodes = [one.node for one in sorted(mine, key=lambda one: (one is not own, _distance(one, value)))]
        lines = dashed(Style(page.text, nodes).lines(value, offset=like.offset), like.offset)
    elif own is None:
        lines = Style(page.text).entry_lines(key, value, column=0)
    else:
        return _entry(own, value)
    return "".join(line + page.newline for line in indented(lines, like.column))


def _entry(own: Piece, value: Any) -> str:
    """A key of ours with a value that is on neither side, and that is no list or mapping of lines of their own."""
    node, page = own.node, own.page
    assert own.key is not None
    if node.style == "block" and (node.items or node.pairs):
        colon = page.text.index(":", own.key.end) + 1
        if not value:
            return (
                f"{page.text[own.middle : colon]} {'{}' if isinstance(value, dict) else '[]'}{page.newline}"
            )
        raise Unwritable
    if node.kind == "scalar" and isinstance(value, (dict, list)):
        raise Unwritable
    if "\n" in page.text[node.start : node.end] or (isinstance(value, str) and "\n" in value):
        raise Unwritable
    return (
        page.text[own.middle : node.start]
        + Style(page.text, [node]).one_line(value, flow=node.style == "flow")
        + (page.text[node.end : own.end])
    )


def _around(piece: Piece | None, parts: Sequence[Piece]) -> tuple[str | None, str | None]:
    """What stands above the first entry or item of a collection, and below its last."""
    if piece is None or not parts:
        return None, None
    return piece.page.text[piece.start : parts[0].start], piece.page.text[parts[-1].end : piece.end]


def _both(three: Sequence[str | None], newline: str) -> str:
    """Comments and blank lines of both sides. Where both wrote something, ours stand above theirs."""
    base, ours, theirs = three
    if theirs is None or theirs in {ours, base}:
        return ours if ours is not None else theirs or ""
    if ours is None or ours == base:
        return _with_newlines(theirs, newline)
    lines = [
        [line + newline for line in (text or "").splitlines()]
        for text in (base if base is not None else "", ours, theirs)
    ]
    result: list[str] = []
    for one in merge_lines(*lines):
        result += one.lines
        result += [line for line in one.theirs if line.strip() and line not in {*one.lines, *one.base}]
    return "".join(result)


def _says_more(text: str | None, base: str | None, chosen: str) -> bool:
    """Whether a side wrote a comment that ``chosen``, which has the value, may lack."""
    return text is not None and "#" in text and text not in {base, chosen}


def _distance(piece: Piece, value: Any) -> int:
    """0 for items with the same keys, so that a new one is written like its kind."""
    one = piece.node.data
    return 0 if isinstance(one, dict) and isinstance(value, dict) and one.keys() == value.keys() else 1


def _with_newlines(text: str, newline: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", newline)


def _joined(texts: Sequence[str], newline: str, ended: bool) -> str:  # noqa: FBT001
    """The pieces one after the other; the last one is ``ended`` by a line break, or not, as it was."""
    text = "".join(each if each.endswith("\n") else each + newline for each in texts)
    return text if ended else text.removesuffix(newline)
