"""Which entry or item of a merged list or mapping is which piece of the base, of ours and of theirs."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from promptvc.store.matching import exact, match
from promptvc.store.merging.pieces import Piece, Three


class Members:
    """The members of the merged ``value``, each with the pieces that it was made from.

    Args:
        base, ours, theirs: the pieces of the same collection; empty where a side has none, or nobody asks for the base.
    """

    def __init__(
        self, base: Sequence[Piece], ours: Sequence[Piece], theirs: Sequence[Piece], value: Any
    ) -> None:
        self._sides = base, ours, theirs
        self._value = value

    def __iter__(self) -> Iterator[tuple[Any, Any, Three]]:
        return self._entries() if isinstance(self._value, dict) else self._items()

    def _entries(self) -> Iterator[tuple[Any, Any, Three]]:
        named = [{one.key.data: one for one in side if one.key is not None} for side in self._sides]
        for key, item in self._value.items():
            yield key, item, Three(*(side.get(key) for side in named))

    def _items(self) -> Iterator[tuple[Any, Any, Three]]:
        """Pieces that say the same; where a side says something else, what the base pairs with it."""
        base, ours, theirs = self._sides
        waiting = [_by_value(side) for side in (ours, theirs)]
        wanted = {exact(item) for item in self._value}
        to_ours, to_theirs = _pairs(base, ours), _pairs(base, theirs)
        from_ours, from_theirs = ({j: i for i, j in pairs.items()} for pairs in (to_ours, to_theirs))
        for item in self._value:
            said = exact(item)
            j, k = (side[said].popleft() if side.get(said) else None for side in waiting)
            if j is None and k is None:
                # A new form of an item of ours: one that shares its words, or its input.
                j, k = _near(ours, item), _near(theirs, item)
            i = from_ours.get(j) if j is not None else from_theirs.get(k) if k is not None else None
            if i is not None:
                j = _other(ours, to_ours.get(i), wanted) if j is None else j
                k = _other(theirs, to_theirs.get(i), wanted) if k is None else k
            yield None, item, Three(_at(base, i), _at(ours, j), _at(theirs, k))


def _by_value(pieces: Sequence[Piece]) -> dict[str, deque[int]]:
    found: dict[str, deque[int]] = defaultdict(deque)
    for at, piece in enumerate(pieces):
        found[piece.said].append(at)
    return found


def _pairs(base: Sequence[Piece], side: Sequence[Piece]) -> dict[int, int]:
    if not base:
        return {}
    found = match([one.node.data for one in base], [one.node.data for one in side], _words)
    return dict((*found.same, *found.moved, *found.changed))


def _other(pieces: Sequence[Piece], at: int | None, wanted: set[str]) -> int | None:
    """The other side's form of an item, if it does not stand in the result by itself."""
    return None if at is None or pieces[at].said in wanted else at


def _near(pieces: Sequence[Piece], item: Any) -> int | None:
    words = _words(item)
    return next(
        (at for at, one in enumerate(pieces) if words is not None and _words(one.node.data) == words), None
    )


def _words(item: Any) -> Hashable:
    """What makes two items the same one."""
    keys = ("text", "input", "content")
    return next((exact(item[key]) for key in keys if key in item), None) if isinstance(item, dict) else None


def _at(pieces: Sequence[Piece], at: int | None) -> Piece | None:
    return None if at is None else pieces[at]
