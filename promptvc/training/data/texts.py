"""When two inputs are the same, and when they are nearly the same.

Same: equal after Unicode NFKC, case folding and one space for every run of spaces and punctuation. Nearly the
same: the sets of their five-character pieces overlap by at least 0.8 (intersection over union), which is what
MinHash estimates (Broder 1997, On the resemblance and containment of documents). Here it is computed exactly:
two sets that overlap so much share one of their rarest pieces (the prefix filter of Chaudhuri, Ganti and
Kaushik 2006), so few pairs have to be compared.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

NEAR = 0.8
PIECE = 5
MOST_CHARACTERS = 20_000

_GAP = re.compile(r"[\W_]+")


def normalised(text: str) -> str:
    """The form in which two inputs are compared; a text of punctuation alone is compared as it is."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _GAP.sub(" ", plain).strip() or plain.strip()


def pieces(text: str) -> frozenset[int]:
    """The five-character pieces of a normalised text, as checksums; a shorter text is one piece."""
    text = text[:MOST_CHARACTERS]
    if len(text) <= PIECE:
        return frozenset((zlib.crc32(text.encode("utf-8", "surrogatepass")),))
    return frozenset(
        zlib.crc32(text[at : at + PIECE].encode("utf-8", "surrogatepass"))
        for at in range(len(text) - PIECE + 1)
    )


def overlap(one: frozenset[int], other: frozenset[int]) -> float:
    """Intersection over union (Jaccard)."""
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def near_pairs(texts: Sequence[str], others: Sequence[str] | None = None) -> list[tuple[int, int]]:
    """Positions of nearly equal normalised texts, sorted.

    (a, b) with a < b within ``texts``; with ``others``, a counts in ``texts`` and b in ``others``.
    """
    left = [pieces(text) for text in texts]
    right = left if others is None else [pieces(text) for text in others]
    frequency = Counter(piece for bag in (left if others is None else left + right) for piece in bag)
    rarest: dict[int, list[int]] = {}
    for number, bag in enumerate(right):
        for piece in _prefix(bag, frequency):
            rarest.setdefault(piece, []).append(number)
    pairs = []
    for number, bag in enumerate(left):
        candidates = {other for piece in _prefix(bag, frequency) for other in rarest.get(piece, ())}
        for other in candidates:
            if others is None and other <= number:
                continue
            sizes = sorted((len(bag), len(right[other])))
            if sizes[0] >= NEAR * sizes[1] and overlap(bag, right[other]) >= NEAR:
                pairs.append((number, other))
    return sorted(pairs)


def _prefix(bag: frozenset[int], frequency: Counter[int]) -> list[int]:
    # ceil(0.8 n) in whole numbers
    needed = -(-len(bag) * 4 // 5)
    return sorted(bag, key=lambda piece: (frequency[piece], piece))[: len(bag) - needed + 1]


def connected(size: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of ``size`` things the smallest position that it is connected to by ``pairs``."""
    root = list(range(size))

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    for one, other in pairs:
        first, second = find(one), find(other)
        root[max(first, second)] = min(first, second)
    return [find(at) for at in range(size)]
