"""When two inputs are the same, and when they are nearly the same.

Same: equal after Unicode NFKC, case folding and one space for every run of spaces and punctuation. Nearly the
same: the sets of their five-character pieces overlap by at least 0.8 (intersection over union), which is what
MinHash estimates (Broder 1997, On the resemblance and containment of documents). Here it is computed exactly:
two sets that overlap so much share one of their rarest pieces (the prefix filter of Chaudhuri, Ganti and
Kaushik 2006), so few pairs have to be compared. Of two sets the smaller shows itself in even fewer of its pieces
(Xiao et al. 2008, Efficient similarity joins for near duplicate detection).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

NEAR = 0.8
PIECE = 5
MOST_CHARACTERS = 20_000

_GAP = re.compile(r"[\W_]+")
_SPACED = {code: " " for code in range(128) if not chr(code).isalnum()}
_CUTS = [slice(at, at + PIECE) for at in range(MOST_CHARACTERS - PIECE + 1)]
_CROWD = 64  # texts that share a piece, from which on they are looked at by group
_ALL, _LARGER = (4, 5), (8, 9)


def normalised(text: str) -> str:
    """The form in which two inputs are compared; a text of punctuation alone is compared as it is."""
    if text.isascii():  # the same as below, several times as fast
        plain = text.casefold()
        return " ".join(plain.translate(_SPACED).split()) or plain.strip()
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _GAP.sub(" ", plain).strip() or plain.strip()


def pieces(text: str) -> frozenset[str]:
    """The five-character pieces of a normalised text; a shorter text is one piece."""
    return frozenset(_cut(text))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Intersection over union (Jaccard)."""
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def near_pairs(texts: Sequence[str], others: Sequence[str] | None = None) -> list[tuple[int, int]]:
    """Positions of nearly equal normalised texts, sorted.

    (a, b) with a < b within ``texts``; with ``others``, a counts in ``texts`` and b in ``others``.
    """
    index = Nearby(texts if others is None else others)
    return [
        (number, other)
        for number, text in enumerate(texts)
        for other in index.near(text)
        if others is not None or other > number
    ]


class Nearby:
    """Texts to compare many others with. Equal texts are kept once."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._places: dict[str, list[int]] = {}
        for at, text in enumerate(texts):
            self._places.setdefault(text, []).append(at)
        self._texts = list(self._places)
        self._pile = _Pile(self._texts)
        self._holders: dict[int, list[int]] = {}
        for number, row in enumerate(self._pile.rows):
            for piece in row[: _prefix(len(row), _ALL)]:
                self._holders.setdefault(piece, []).append(number)

    def has(self, text: str) -> bool:
        """Whether one of the texts is equal or nearly equal to ``text``."""
        return text in self._places or next(self._found(text), None) is not None

    def near(self, text: str) -> list[int]:
        """The positions of the texts that are, sorted."""
        return sorted(at for number in self._found(text) for at in self._places[self._texts[number]])

    def _found(self, text: str) -> Iterator[int]:
        size, row = self._pile.row(text)
        # What the texts do not have at all is rarest, and is shared with none of them.
        shown = row[: max(0, _prefix(size, _ALL) - (size - len(row)))]
        if not shown:
            return
        bag, rows = frozenset(row), self._pile.rows
        found: set[int] = set()
        for piece in shown:
            # Where there are very many, the first is often near already.
            if piece >= self._pile.crowded and piece in self._holders:
                number = self._holders[piece][0]
                if number not in found and _close(bag, size, rows[number]):
                    found.add(number)
                    yield number
        often = Counter(chain.from_iterable([self._holders.get(piece, ()) for piece in shown]))
        least = _agreeing(-(-size * 4 // 5))
        for number, count in often.items():
            if count >= least and number not in found and _close(bag, size, rows[number]):
                yield number


class Forest:
    """Which of ``size`` things are connected."""

    def __init__(self, size: int) -> None:
        self._root = list(range(size))

    def find(self, at: int) -> int:
        """The smallest position that ``at`` is connected to."""
        root = self._root
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    def join(self, one: int, other: int) -> None:
        """Connect two, and what is connected to them."""
        first, second = self.find(one), self.find(other)
        self._root[max(first, second)] = min(first, second)

    def roots(self) -> list[int]:
        """For each thing :meth:`find`."""
        return [self.find(at) for at in range(len(self._root))]


def gather(texts: Sequence[str], forest: Forest) -> None:
    """Connect in ``forest`` the positions of all ``texts`` that are equal or nearly so.

    The pairs themselves are not listed: of 10,000 texts from one template there are 50 million.
    """
    first: dict[str, int] = {}
    for at, text in enumerate(texts):
        forest.join(first.setdefault(text, at), at)
    gathering = _Gathering(_Pile(list(first)), list(first.values()), forest)
    # From the smallest to the largest: then each may be found by fewer of its pieces.
    for number in sorted(range(len(first)), key=gathering.size):
        gathering.add(number)


class _Gathering:
    """Different texts, by the pieces that they are found by; of those from one template, by what they are joined to."""

    def __init__(self, pile: _Pile, places: Sequence[int], forest: Forest) -> None:
        self._rows, self._crowded, self._shared = pile.rows, pile.crowded, pile.shared
        self._places, self._forest = places, forest
        self._holders: dict[int, list[int]] = {}
        self._crowds: dict[int, dict[int, list[int]]] = {}

    def size(self, number: int) -> int:
        """How many pieces a text has."""
        return len(self._rows[number])

    def add(self, number: int) -> None:
        """Join a text to those before it, of which none is larger."""
        row = self._rows[number]
        bag = frozenset(row)
        for other in self._candidates(number, bag):
            self._join(number, bag, other)
        for piece in row[: _prefix(len(row), _LARGER)]:
            if piece >= self._crowded:
                group = self._forest.find(self._places[number])
                self._crowds.setdefault(piece, {}).setdefault(group, []).append(number)
            elif piece >= self._shared:
                self._holders.setdefault(piece, []).append(number)

    def _candidates(self, number: int, bag: frozenset[int]) -> Iterable[int]:
        """Texts that agree on enough pieces. A crowd that is joined already has nothing to offer."""
        row = self._rows[number]
        agreeing: list[Sequence[int]] = []
        for piece in row[: _prefix(len(row), _ALL)]:
            if piece < self._crowded:
                agreeing.append(self._holders.get(piece, ()))
                continue
            crowds = self._crowds.get(piece, {}).values()
            agreeing += [members for members in crowds if not self._join(number, bag, members[0])]
        often = Counter(chain.from_iterable(agreeing))
        least = _agreeing(-(-len(row) * 4 // 5))
        return [other for other, count in often.items() if count >= least]

    def _join(self, number: int, bag: frozenset[int], other: int) -> bool:
        """Whether two are joined, now or before."""
        place, there = self._places[number], self._places[other]
        if self._forest.find(place) != self._forest.find(there):
            if not _close(bag, len(bag), self._rows[other]):
                return False
            self._forest.join(place, there)
        return True


def connected(size: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of ``size`` things the smallest position that it is connected to by ``pairs``."""
    forest = Forest(size)
    for one, other in pairs:
        forest.join(one, other)
    return forest.roots()


class _Pile:
    """Texts as rows of numbers: of each its pieces, ascending, of which the rarest have the smallest numbers.

    Attributes:
        rows: by text.
        shared: from this number on, a piece is in more than one text; ``crowded``: in very many.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        names: defaultdict[str, int] = defaultdict()
        names.default_factory = names.__len__
        rows = [list(map(names.__getitem__, dict.fromkeys(_cut(text)))) for text in texts]
        counts = Counter(chain.from_iterable(rows))
        # Stable: pieces that are as frequent stand as they were met.
        ranked = sorted(range(len(names)), key=counts.__getitem__)
        rank = [0] * len(names)
        for place, name in enumerate(ranked):
            rank[name] = place
        self.rows = [tuple(sorted(map(rank.__getitem__, row))) for row in rows]
        self.shared = sum(1 for count in counts.values() if count == 1)
        crowd = max(_CROWD, len(texts) // 50)
        self.crowded = sum(1 for count in counts.values() if count <= crowd)
        self._ranks = {piece: rank[name] for piece, name in names.items()}

    def row(self, text: str) -> tuple[int, list[int]]:
        """How many pieces any text has, and those that the texts have too, ascending."""
        bag = pieces(text)
        return len(bag), sorted([rank for piece in bag if (rank := self._ranks.get(piece)) is not None])


def _cut(text: str) -> Iterable[str]:
    text = text[:MOST_CHARACTERS]
    if len(text) <= PIECE:
        return (text,)
    return map(text.__getitem__, _CUTS[: len(text) - PIECE + 1])


def _prefix(size: int, shared: tuple[int, int]) -> int:
    """How many of its rarest pieces a set of ``size`` shows, so that what is near agrees on :func:`_agreeing` of them.

    Args:
        shared: the share of its pieces that what is near it has at least, as a fraction.
    """
    return size - -(-size * shared[0] // shared[1]) + _agreeing(size)


def _agreeing(size: int) -> int:
    """More than one: strangers often have one rare piece in common, and seldom several."""
    return 1 if size < 8 else 2 if size < 16 else 3


def _close(bag: frozenset[int], size: int, row: Sequence[int]) -> bool:
    """Whether a set of ``size`` pieces, of which ``bag`` are known, and ``row`` overlap by 0.8, in whole numbers."""
    total = size + len(row)
    # both / (total - both) >= 4/5; what they share is no more than the smaller.
    return 9 * min(size, len(row)) >= 4 * total and 9 * len(bag.intersection(row)) >= 4 * total
