"""Clusters of inputs that share most of their words, as candidates: by leaders, in one pass.

A text joins the leader whose words overlap most with its own (intersection over union, at least a half), or else
leads a cluster of its own (Hartigan 1975, Clustering Algorithms, chapter 3). Only leaders that share one of its
rarest words are looked at, and of each word only the first few: time does not grow with the square of the texts. Words
are the frequent ones that :func:`promptvc.analysis.patterns.phrases.phrases` found; those of half of all texts say
nothing of what a text is about. Texts come in one order, so the clusters are the same every time.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from promptvc.analysis.patterns.block import NOWHERE, Block, Candidate

NEAR = (1, 2)
"""The overlap of a cluster, as a fraction."""

MOST_TEXTS = 20_000
"""Different inputs, the newest; of the others nothing is said."""

_SHOWN = 120
_RAREST = 4
_CROWD = 8


def clusters(texts: Sequence[str | None], phrases: Block, support: int) -> Block:
    """The clusters of at least ``support`` events.

    Args:
        texts: of the events.
        phrases: of the same texts.
    """
    single = {at for at, one in enumerate(phrases.candidates) if one.text and " " not in one.text}
    bags = [single.intersection(row) for row in phrases.rows[:MOST_TEXTS]]
    often = Counter(word for bag in bags for word in bag)
    telling = {word for word, count in often.items() if 2 * count <= len(bags)}
    leaders = _Leaders(often)
    led = [leaders.of(frozenset(telling.intersection(bag))) for bag in bags]
    of = array("i", (row if row < MOST_TEXTS else NOWHERE for row in phrases.of))
    sizes = Counter(leader for row in of if row != NOWHERE and (leader := led[row]) is not None)
    kept = [leader for leader, size in sorted(sizes.items()) if size >= support]
    first: dict[int, str] = {}
    for text, row in zip(texts, of, strict=True):
        if row != NOWHERE and (leader := led[row]) is not None and text is not None:
            first.setdefault(leader, " ".join(text.split())[:_SHOWN])
    numbers = {leader: at for at, leader in enumerate(kept)}
    rows = [(numbers[leader],) if leader is not None and leader in numbers else () for leader in led]
    return Block([Candidate("cluster", "input", first[leader]) for leader in kept], rows, of)


class _Leaders:
    """Leaders by the words that they are found by."""

    def __init__(self, often: Counter[int]) -> None:
        ranked = sorted(often, key=lambda word: (often[word], word))
        self._rank = {word: at for at, word in enumerate(ranked)}.__getitem__
        self._bags: list[frozenset[int]] = []
        self._holders: dict[int, list[int]] = {}

    def of(self, bag: frozenset[int]) -> int | None:
        """The leader of a text, which may be itself; None of a text without any word that tells."""
        if not bag:
            return None
        size, best, overlap = len(bag), None, (0, 1)
        rarest = sorted(bag, key=self._rank)[:_RAREST]
        for leader in dict.fromkeys(chain.from_iterable(self._holders.get(word, ()) for word in rarest)):
            other = self._bags[leader]
            least = min(size, len(other)) * NEAR[1]
            if least < max(size, len(other)) * NEAR[0]:
                continue
            both = len(bag & other)
            union = size + len(other) - both
            if both * NEAR[1] >= union * NEAR[0] and both * overlap[1] > overlap[0] * union:
                best, overlap = leader, (both, union)
        return self._new(bag, rarest) if best is None else best

    def _new(self, bag: frozenset[int], rarest: Sequence[int]) -> int:
        self._bags.append(bag)
        number = len(self._bags) - 1
        for word in rarest:
            holders = self._holders.setdefault(word, [])
            if len(holders) < _CROWD:
                holders.append(number)
        return number
