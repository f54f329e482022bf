"""Which item of one list is which item of another: rules, examples, messages and tags in two versions."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_CELLS = 1_000_000
_MOST_ITEMS = 5_000  # of more only the equal ends are matched: the time grows with the square
"""Pairs that the longest common subsequence may weigh; above it a common one that need not be the longest."""

_MOST_NEAR = 100_000
"""Pairs of unmatched items that are compared for likeness; lists rewritten beyond that are all new."""

_NEAR = 0.5
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str)
_WORD = re.compile(r"\w+|[^\w\s]")

Identity = Callable[[Any], Hashable]


@dataclass(frozen=True, slots=True)
class Match:
    """Indices of matched items, and what is left over on both sides.

    ``same``: equal and in the same order; ``moved``: equal, elsewhere; ``changed``: the same item, edited.
    """

    same: tuple[tuple[int, int], ...]
    moved: tuple[tuple[int, int], ...]
    changed: tuple[tuple[int, int], ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]


def exact(value: Any) -> str:
    """A text that is equal for equal values and tells 1, 1.0 and true apart."""
    return _ENCODER.encode(value)


def match(before: Sequence[Any], after: Sequence[Any], identity: Identity | None) -> Match:
    """Match items by content first, then by identity, then by likeness (half of the words in common).

    Args:
        identity: what makes two items the same one when their content differs; a None from it stands for
            nothing, and so does no function. None also switches likeness off.
    """
    left = _Left(list(range(len(before))), list(range(len(after))))
    same, moved = _equal([exact(item) for item in before], [exact(item) for item in after], left)
    changed: list[tuple[int, int]] = []
    if identity is not None:
        changed = left.pair_by([identity(item) for item in before], [identity(item) for item in after])
        changed += left.pair_near(before, after)
    return Match(tuple(same), tuple(moved), tuple(sorted(changed)), tuple(left.before), tuple(left.after))


def match_keys(before: Sequence[Hashable], after: Sequence[Hashable]) -> tuple[tuple[int, int], ...]:
    """Index pairs of equal keys, by position in ``after``: what :func:`match` calls the same or moved."""
    left = _Left(list(range(len(before))), list(range(len(after))))
    same, moved = _equal(before, after, left)
    return tuple(sorted((*same, *moved), key=lambda pair: pair[1]))


def _equal(
    before: Sequence[Hashable], after: Sequence[Hashable], left: _Left
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs of equal keys in one order, and those elsewhere; ``left`` is without them then."""
    same = left.take(_common(before, after))
    return same, left.pair_by(before, after)


class _Left:
    """The items not matched yet."""

    def __init__(self, before: list[int], after: list[int]) -> None:
        self.before = before
        self.after = after

    def pair_by(self, before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
        """Match those with equal keys, in order; a key of None matches nothing."""
        waiting: dict[Hashable, list[int]] = defaultdict(list)
        for j in reversed(self.after):
            if after[j] is not None:
                waiting[after[j]].append(j)
        return self.take([(i, waiting[before[i]].pop()) for i in self.before if waiting.get(before[i])])

    def pair_near(self, before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
        """Match the most alike first. Ties go by place so that both directions choose the same pairs."""
        if len(self.before) * len(self.after) > _MOST_NEAR:
            return []
        bags_before = {i: _bag(before[i]) for i in self.before}
        bags_after = {j: _bag(after[j]) for j in self.after}
        scored = []
        for i, bag in bags_before.items():
            for j, other in bags_after.items():
                likeness = _likeness(bag, other)
                if likeness >= _NEAR:
                    scored.append((-likeness, abs(i - j), min(i, j), i, j))
        pairs: list[tuple[int, int]] = []
        taken_before: set[int] = set()
        taken_after: set[int] = set()
        for *_, i, j in sorted(scored):
            if i not in taken_before and j not in taken_after:
                pairs.append((i, j))
                taken_before.add(i)
                taken_after.add(j)
        return self.take(pairs)

    def take(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Leave these out from now on; the pairs themselves."""
        used_before, used_after = {i for i, _ in pairs}, {j for _, j in pairs}
        self.before = [i for i in self.before if i not in used_before]
        self.after = [j for j in self.after if j not in used_after]
        return pairs


def _common(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Index pairs of a longest common subsequence, so that one inserted item never looks like a move."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    pairs = [(i, i) for i in range(start)]
    rows, columns = len(before) - start - end, len(after) - start - end
    inner = before[start : start + rows], after[start : start + columns]
    found = _longest(*inner) if rows * columns <= _MOST_CELLS else _blocks(*inner)
    pairs += [(i + start, j + start) for i, j in found]
    pairs += [(len(before) - k, len(after) - k) for k in range(end, 0, -1)]
    return pairs


def _blocks(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    if max(len(before), len(after)) > _MOST_ITEMS:
        return []
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return [(i + k, j + k) for i, j, size in blocks for k in range(size)]


def _longest(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    lengths = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i in range(len(before) - 1, -1, -1):
        row, below = lengths[i], lengths[i + 1]
        for j in range(len(after) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if before[i] == after[j] else max(below[j], row[j + 1])
    pairs = []
    i = j = 0
    while i < len(before) and j < len(after):
        if before[i] == after[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _bag(item: Any) -> tuple[Counter[str], Any]:
    """The words of an item, and its role: messages of different roles are never the same message."""
    role = item.get("role") if isinstance(item, dict) else None
    return Counter(_WORD.findall(" ".join(_texts(item)))), role


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list | tuple):
        return [text for inner in value for text in _texts(inner)]
    return [str(value)]


def _likeness(one: tuple[Counter[str], Any], other: tuple[Counter[str], Any]) -> float:
    """Dice's coefficient of the words: 1 for the same words, 0 for none in common."""
    total = one[0].total() + other[0].total()
    if one[1] != other[1] or not total:
        return 0.0
    return 2 * (one[0] & other[0]).total() / total
