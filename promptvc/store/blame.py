"""Which content of a prompt first had an item's words: rules, examples and lines, followed through its ancestors.

Pure: contents are known by a key, and what is asked of them are their ancestors. An item is followed into the first
ancestor that has its words, wherever they stand there; where none has them, it is the content's own. What was taken
out and written again later is therefore of the later one, and what a merge brought together is of the side it came
from.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.nodes import Document, Node
from promptvc.store.matching import match

Pairs = Mapping[int, int]
"""Position in the later list -> position in the earlier one of what has the same words; the rest is new."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item comes from: the content that first had it, and its position there, from 0."""

    key: str
    position: int


def origins(
    tip: str,
    positions: Sequence[int],
    parents: Callable[[str], Sequence[str]],
    pairs: Callable[[str, str], Pairs],
) -> dict[int, Origin]:
    """The origin of each of ``positions`` in the content ``tip``.

    Args:
        parents: of a content, those that it was made from, the one that counts first first; never in circles.
        pairs: of an earlier and a later content, what the later one has from the earlier.
    """
    found: dict[int, Origin] = {}
    # (content, {position there: position in the tip})
    waiting: list[tuple[str, dict[int, int]]] = [(tip, {at: at for at in positions})]
    while waiting:
        key, here = waiting.pop()
        left = dict(here)
        for parent in parents(key):
            if not left:
                break
            same = pairs(parent, key)
            gone = {at: start for at, start in left.items() if at in same}
            if gone:
                waiting.append((parent, {same[at]: start for at, start in gone.items()}))
                left = {at: start for at, start in left.items() if at not in gone}
        found |= {start: Origin(key, at) for at, start in left.items()}
    return dict(sorted(found.items()))


def same_items(before: Sequence[Any], after: Sequence[Any]) -> Pairs:
    """What of ``after`` is in ``before`` with the same words, at the same place among the others or moved."""
    found = match(before, after, None)
    return {j: i for i, j in (*found.same, *found.moved)}


def same_lines(before: Sequence[str], after: Sequence[str]) -> Pairs:
    """The lines of ``after`` that a line-by-line comparison finds in ``before``; blanks do not count."""
    one, other = ([" ".join(line.split()) for line in side] for side in (before, after))
    blocks = difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return {j + k: i + k for i, j, size in blocks for k in range(size)}


def words_of(value: Mapping[str, Any], kind: str) -> list[Any]:
    """The items of a prompt's document by their words alone: of ``rules`` the text, of ``examples`` input and output.

    What an item cites is not its words: further evidence for a rule does not make it a new one.
    """
    found = value.get(kind)
    items = found if isinstance(found, list) else []
    keys = ("text",) if kind == "rules" else ("input", "output")
    return [{key: item.get(key) for key in keys} if isinstance(item, Mapping) else item for item in items]


def item_at(document: Document, line: int) -> tuple[str, int | None] | None:
    """What the line (from 1) of a prompt's file is part of: (key, index in its list or None); None for no key's."""
    root = document.root
    for name, node in root.pairs:
        if not name.line <= line <= max(name.line, _last_line(document, node)):
            continue
        for index, item in enumerate(node.items):
            if item.line <= line <= _last_line(document, item):
                return str(name.data), index
        return str(name.data), None
    return None


def _last_line(document: Document, node: Node) -> int:
    return node.line + document.text[node.start : node.end].rstrip().count("\n")
