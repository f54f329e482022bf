"""How alike texts are: the cosine of weighted features, in whole numbers.

A feature's weight is its count, damped, times its rarity among the texts at hand (tf-idf; Salton and Buckley
1988, Term-weighting approaches in automatic text retrieval). Vectors are scaled to a length of ``UNIT`` and
rounded: products and sums of whole numbers are exact in any order, so an answer does not depend on the
machine, on the Python release or on the seed of its hashes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from promptvc.models.words import KINDS

UNIT = 4096

# A vector: its features, each with a weight.
Vector = Sequence[tuple[str, int]]


class Rarity:
    """What each feature counts among given texts: ``ln(1 + (n + 1) / (df + 0.5))``, to five decimals."""

    __slots__ = ("_unseen", "_weights")

    def __init__(self, texts: Iterable[Mapping[str, int]]) -> None:
        frequency: dict[str, int] = {}
        n = 0
        for n, bag in enumerate(texts, 1):  # noqa: B007 -- n is read after the loop
            for feature in bag:
                frequency[feature] = frequency.get(feature, 0) + 1
        # Rounding removes the last-digit differences between the logarithms of C libraries.
        by_count = {df: round(math.log(1 + (n + 1) / (df + 0.5)), 5) for df in {0, *frequency.values()}}
        self._weights = {feature: by_count[df] for feature, df in frequency.items()}
        self._unseen = by_count[0]

    def vector(self, bag: Mapping[str, int]) -> list[tuple[str, int]]:
        """``bag`` as a vector of length ``UNIT``; empty for a text without words."""
        weights, unseen = self._weights, self._unseen
        weighted = [
            (feature, strength(feature, n) * weights.get(feature, unseen)) for feature, n in bag.items()
        ]
        length = math.sqrt(math.fsum(weight * weight for _, weight in weighted))
        if not length:
            return []
        scale = UNIT / length
        return [(feature, round(weight * scale)) for feature, weight in weighted]

    def query(self, bag: Mapping[str, int]) -> list[tuple[str, int]]:
        """``bag`` for asking which of several vectors is the closest: only known features, not to length."""
        weights = self._weights
        return [
            (feature, round(64 * strength(feature, n) * weights[feature]))
            for feature, n in bag.items()
            if feature in weights
        ]


class Index:
    """Vectors, found by the features they share with another one."""

    __slots__ = ("_postings", "size")

    def __init__(self) -> None:
        self._postings: dict[str, list[tuple[int, int]]] = {}
        self.size = 0

    def add(self, vector: Vector) -> int:
        """Keep ``vector``; its number counts from 0."""
        number = self.size
        for feature, weight in vector:
            if weight:
                self._postings.setdefault(feature, []).append((number, weight))
        self.size += 1
        return number

    def products(self, vector: Vector) -> list[int]:
        """The product of ``vector`` with each one kept, by number. Both of length ``UNIT``: cosine x UNIT^2."""
        sums = [0] * self.size
        postings = self._postings
        for feature, weight in vector:
            found = postings.get(feature)
            if found is not None:
                for number, other in found:
                    sums[number] += weight * other
        return sums


_DAMPED = [0.0, *(round(1 + math.log(count), 5) for count in range(1, 65))]


def strength(feature: str, count: int) -> float:
    """What a feature counts before its rarity: its kind's weight, each further occurrence for less."""
    return KINDS[feature[0]] * _DAMPED[min(count, 64)]
