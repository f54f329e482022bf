"""How much a text is about a task: BM25 over an inverted index, as a share of what the task's words could give.

A term's weight in a text is idf * tf (k + 1) / (tf + k (1 - b + b length / mean length)), with k = 1.2, b = 0.75 and
idf = ln(1 + (n - df + 0.5) / (df + 0.5)) (Robertson & Zaragoza 2009, "The probabilistic relevance framework: BM25 and
beyond"). Weights are rounded to whole numbers, so that their sums are the same in any order. The similarity is
their sum over the task's terms divided by idf (k + 1) of the same, the most that it could be: 0..1. A term of the task
that no text has counts there, too: a task about something else is like nothing.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from promptvc.analysis.ranking.terms import terms_of

K, B = 1.2, 0.75
UNIT = 1000
"""What 1.0 is in whole numbers."""
MOST_TERMS = 24
"""Of a longer task the rarest terms count: the common ones tell little, and cost most."""

Bag = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """A task as an index understands it.

    Attributes:
        terms: each with its idf; those that count, the rarest first.
        most: the weight of a text that could not be more about them.
    """

    terms: tuple[tuple[str, float], ...]
    most: int


class TextIndex:
    """Texts by number, found by their terms."""

    __slots__ = ("_ids", "_places", "_weights", "mean_length", "size")

    def __init__(
        self,
        size: int,
        mean_length: float,
        places: Mapping[str, tuple[int, int]],
        postings: tuple[array[int], array[int]],
    ) -> None:
        self.size = size
        self.mean_length = mean_length
        self._places = places
        self._ids, self._weights = postings

    @classmethod
    def build(cls, bags: Sequence[Bag]) -> TextIndex:
        """An index of ``bags``; a text's number is its place."""
        lengths = [math.fsum(bag.values()) for bag in bags]
        told = sum(length > 0 for length in lengths)
        mean = math.fsum(lengths) / told if told else 0.0
        found: dict[str, list[tuple[int, float]]] = {}
        for number, bag in enumerate(bags):
            for term, count in bag.items():
                found.setdefault(term, []).append((number, count))
        ids, weights = array("I"), array("I")
        places = {}
        for term in sorted(found):
            holders = found[term]
            places[term] = (len(ids), len(holders))
            rarity = _idf(len(holders), len(bags))
            for number, count in holders:
                ids.append(number)
                weights.append(_weight(rarity, count, lengths[number], mean))
        return cls(len(bags), mean, places, (ids, weights))

    def ask(self, task: str) -> Asked:
        """``task`` as a question to this index."""
        known = {term: self._places.get(term, (0, 0))[1] for term in terms_of(task)}
        rarest = sorted(known, key=lambda term: (known[term], term))[:MOST_TERMS]
        terms = tuple((term, _idf(known[term], self.size)) for term in rarest)
        return Asked(terms, sum(_most(rarity) for _, rarity in terms))

    def similarities(self, asked: Asked) -> list[float]:
        """The similarity of each text, by number."""
        sums = [0] * self.size
        for term, _ in asked.terms:
            start, count = self._places.get(term, (0, 0))
            end = start + count
            for number, weight in zip(self._ids[start:end], self._weights[start:end], strict=True):
                sums[number] += weight
        most = asked.most
        return [total / most for total in sums] if most else [0.0] * self.size

    def matched(self, asked: Asked, number: int, limit: int = 5) -> tuple[str, ...]:
        """The terms of the task that text ``number`` has, those that count most first."""
        found = []
        for term, _ in asked.terms:
            start, count = self._places.get(term, (0, 0))
            at = bisect_left(self._ids, number, start, start + count)
            if at < start + count and self._ids[at] == number:
                found.append((-self._weights[at], term))
        return tuple(term for _, term in sorted(found)[:limit])

    def similarity(self, asked: Asked, bag: Bag) -> float:
        """The similarity of a text that need not be in the index, by the rarity of terms here."""
        length = math.fsum(bag.values())
        weights = (
            _weight(rarity, bag[term], length, self.mean_length)
            for term, rarity in asked.terms
            if term in bag
        )
        return sum(weights) / asked.most if asked.most else 0.0

    def to_bytes(self) -> bytes:
        """The index as a file: a line of JSON, then the postings as whole numbers of this machine's byte order."""
        width = self._ids.itemsize
        head = {
            "order": f"{sys.byteorder}{width}",
            "size": self.size,
            "mean_length": self.mean_length,
            "terms": list(self._places),
            "counts": [count for _, count in self._places.values()],
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        return text + b"\n" + self._ids.tobytes() + self._weights.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> TextIndex:
        """What :meth:`to_bytes` wrote.

        Raises:
            ValueError: it is something else, or of another machine.
        """
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        ids, weights = array("I"), array("I")
        try:
            order, size, mean = head["order"], int(head["size"]), float(head["mean_length"])
            terms, counts = head["terms"], head["counts"]
            ids.frombytes(rest[: len(rest) // 2])
            weights.frombytes(rest[len(rest) // 2 :])
            places, start = {}, 0
            for term, count in zip(terms, counts, strict=True):
                places[term] = (start, count)
                start += count
        except (KeyError, TypeError) as error:
            raise ValueError("no index") from error
        whole = start == len(ids) == len(weights) and all(number < size for number in ids)
        if order != f"{sys.byteorder}{ids.itemsize}" or not whole:
            raise ValueError("no index of this machine")
        return cls(size, mean, places, (ids, weights))


def similar(texts: Iterable[float], inputs: Iterable[float]) -> list[float]:
    """What a prompt says and what it was asked with success, as one: 1 - (1 - a) (1 - b)."""
    return [1 - (1 - text) * (1 - given) for text, given in zip(texts, inputs, strict=True)]


def _idf(holders: int, size: int) -> float:
    # Rounded: the logarithms of C libraries differ in their last digit.
    return round(math.log(1 + (size - holders + 0.5) / (holders + 0.5)), 5)


def _weight(rarity: float, count: float, length: float, mean: float) -> int:
    share = length / mean if mean else 1.0
    return round(UNIT * rarity * count * (K + 1) / (count + K * (1 - B + B * share)))


def _most(rarity: float) -> int:
    return round(UNIT * rarity * (K + 1))
