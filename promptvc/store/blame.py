"""Which content of a prompt first had an item's words: rules, examples and lines, followed through its ancestors.

Pure: contents are known by a key, and what is asked of them are their ancestors. An item is followed into the first
ancestor that has its words, wherever they stand there; where none has them, it is the content's own. What was taken
out and written again later is therefore of the later one, and what a merge brought together is of the side it came
from.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.nodes import Document, Node
from promptvc.store.matching import match_keys

Part = tuple[str, int | None]
"""What a line of a prompt's file is part of: a key, and the index in its list or None."""

MOST_LINES = 5_000
"""On a side, between what is equal at both ends; of more only the ends are compared: time grows with the square."""

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


def same_items(before: Sequence[Hashable], after: Sequence[Hashable]) -> Pairs:
    """What of ``after`` is in ``before``, at the same place among the others or moved."""
    return {j: i for i, j in match_keys(before, after)}


def flat(lines: Sequence[str]) -> list[str]:
    """Lines as they are compared: how they are indented and what blanks they hold does not count."""
    return [" ".join(line.split()) for line in lines]


def same_lines(before: Sequence[str], after: Sequence[str]) -> Pairs:
    """The lines of ``after`` that a line-by-line comparison finds in ``before``; both as :func:`flat` gives them."""
    start, end, least = 0, 0, min(len(before), len(after))
    pairs: dict[int, int] = {}
    while start < least and (before[start] == after[start] or _numbers(before[start], after[start])):
        if before[start] == after[start]:
            pairs[start] = start
        start += 1
    while end < least - start and before[-1 - end] == after[-1 - end]:
        end += 1
    inner = before[start : len(before) - end], after[start : len(after) - end]
    if max(map(len, inner)) <= MOST_LINES:
        blocks = difflib.SequenceMatcher(None, *inner, autojunk=False).get_matching_blocks()
        pairs |= {start + j + k: start + i + k for i, j, size in blocks for k in range(size)}
    return pairs | {len(after) - k: len(before) - k for k in range(end, 0, -1)}


def _numbers(before: str, after: str) -> bool:
    """Whether both lines name the version: it differs in any two, and what stands around it mostly does not."""
    return before.startswith("version:") and after.startswith("version:")


def words_of(value: Mapping[str, Any], kind: str) -> list[Any]:
    """The items of a prompt's document by their words alone: of ``rules`` the text, of ``examples`` input and output.

    What an item cites is not its words: further evidence for a rule does not make it a new one.
    """
    found = value.get(kind)
    items = found if isinstance(found, list) else []
    keys = ("text",) if kind == "rules" else ("input", "output")
    return [{key: item.get(key) for key in keys} if isinstance(item, Mapping) else item for item in items]


def parts_of(document: Document) -> dict[int, Part]:
    """Of every line (from 1) of a prompt's file what it is part of; lines that belong to no key are left out."""
    parts: dict[int, Part] = {}
    for name, node in document.root.pairs:
        key, own = str(name.data), range(name.line, max(name.line, _last_line(document, node)) + 1)
        for index, item in enumerate(node.items):
            for line in range(max(item.line, own.start), min(_last_line(document, item) + 1, own.stop)):
                parts.setdefault(line, (key, index))
        for line in own:
            parts.setdefault(line, (key, None))
    return parts


def _last_line(document: Document, node: Node) -> int:
    return node.line + document.text[node.start : node.end].rstrip().count("\n")
