"""How examples would move the answers of a model that follows the closest one, without asking any model.

For each training case it is known how close the closest text with the right answer is, and the closest with
another one, among what the prompt shows already. An example moves the first up for cases with its answer that
are close to it, and the second up for the others. An example says nothing about a case of its own group.
What a real model answered without further examples corrects the picture at the start. Closeness is cosine x
``UNIT`` squared (:mod:`promptvc.models.similarity`); all numbers are whole, so all sums are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from promptvc.models.showing import FULL, Shown
from promptvc.models.similarity import UNIT, Index, Rarity
from promptvc.models.words import features

ONE = UNIT * UNIT
"""The closeness of a text to itself."""

# The nearest of a case's pool that are remembered besides those that could change its answer.
_NEAREST = 24

# Further apart than this, two texts share no more than any two do.
_STRANGER = ONE // 20


@dataclass(frozen=True, slots=True)
class Point:
    """An input with its right answer (None where no single text is), and its group."""

    text: str
    output: str | None
    group: str


class Neighbour(NamedTuple):
    """An example that is close to a case: its position in the pool, how close, whether it has the case's answer."""

    example: int
    close: int
    agrees: bool


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the cases stand before examples are chosen.

    Attributes:
        right, wrong: by case, how close the closest shown text with the right and with another answer is.
        near: by case, the examples of the pool that could change that, closest first.
        weight: by case, what covering it counts: more where the model was wrong.
    """

    right: tuple[int, ...]
    wrong: tuple[int, ...]
    near: tuple[tuple[Neighbour, ...], ...]
    weight: tuple[int, ...]


class Neighbourhood:
    """Cases and a pool of examples with how close they are to each other; computed once."""

    def __init__(self, cases: Sequence[Point], pool: Sequence[Point], shown: Sequence[Shown]) -> None:
        bags: dict[str, dict[str, int]] = {}
        for text in (*(point.text for point in (*pool, *cases)), *(item.text for item in shown)):
            if text not in bags:
                bags[text] = features(text)
        rarity = Rarity([bags[item.text] for item in shown] + [bags[point.text] for point in pool])
        self._cases, self._pool = cases, pool
        self._vectors = {text: _strong(rarity.vector(bag)) for text, bag in bags.items()}
        self._nearest: list[list[tuple[int, int]]] | None = None

    def ground(self, shown: Sequence[Shown], answered_right: Sequence[bool | None]) -> Ground:
        """Where the cases stand when ``shown`` is what the prompt shows.

        Args:
            answered_right: by case, whether the real model was right with this prompt; None where unknown.
        """
        index = Index()
        for item in shown:
            index.add(self._vectors[item.text])
        right, wrong, near, weight = [], [], [], []
        for at, case in enumerate(self._cases):
            best, other = _closest(index.products(self._vectors[case.text]), shown, case.output)
            known = answered_right[at]
            if known is True and best <= other:
                best = other + 1
            elif known is False and best > other:
                other = best
            right.append(best)
            wrong.append(other)
            near.append(self._relevant(at, best, other))
            weight.append(1 if known else 4)
        return Ground(tuple(right), tuple(wrong), tuple(near), tuple(weight))

    def _relevant(self, at: int, right: int, wrong: int) -> tuple[Neighbour, ...]:
        answer = self._cases[at].output
        found = []
        for rank, (example, close) in enumerate(self._close()[at]):
            agrees = answer is not None and self._pool[example].output == answer
            if rank < _NEAREST or close > (right if agrees else wrong):
                found.append(Neighbour(example, close, agrees))
        return tuple(found)

    def _close(self) -> list[list[tuple[int, int]]]:
        """By case, (example, closeness), closest first, without its own group and without strangers."""
        if self._nearest is None:
            index = Index()
            for point in self._pool:
                index.add(self._vectors[point.text])
            groups = [point.group for point in self._pool]
            self._nearest = []
            for case in self._cases:
                products = index.products(self._vectors[case.text])
                pairs = [
                    (example, close)
                    for example, close in enumerate(products)
                    if close > _STRANGER and groups[example] != case.group
                ]
                pairs.sort(key=lambda pair: (-pair[1], pair[0]))
                self._nearest.append(pairs)
        return self._nearest


def _strong(vector: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    # Features with less than a fiftieth of the length, function words above all, take most of the time and add nothing.
    return [(feature, weight) for feature, weight in vector if weight * 50 > UNIT]


def _closest(products: Sequence[int], shown: Sequence[Shown], answer: str | None) -> tuple[int, int]:
    best = other = 0
    for item, product in zip(shown, products, strict=True):
        value = product * item.strength // FULL
        if item.answer == answer:
            best = max(best, value)
        else:
            other = max(other, value)
    return best, other
