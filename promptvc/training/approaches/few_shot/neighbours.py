"""How examples would move the answers of a model that follows the closest one, without asking any model.

For each training case it is known how close the closest text with the right answer is, and the closest with
another one, among what the prompt shows already. An example moves the first up for cases with its answer that
are close to it, and the second up for the others. An example says nothing about a case of its own group.
What a real model answered without further examples corrects the picture at the start. Closeness is of words or of
meaning (:mod:`promptvc.training.approaches.few_shot.measures`); all numbers are whole, so all sums are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from promptvc.models.showing import FULL, Shown
from promptvc.training.approaches.few_shot.measures import Measure, Words

# The nearest of a case's pool that are remembered besides those that could change its answer.
_NEAREST = 24

# Of thousands that are a little alike no more than this are kept for a case: they take memory and decide nothing.
_MOST = 512


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
    """Cases and a pool of examples with how close they are to each other; computed once.

    Without a ``measure`` words are compared, as rare as they are in the pool and in what is ``shown``.
    """

    def __init__(
        self,
        cases: Sequence[Point],
        pool: Sequence[Point],
        shown: Sequence[Shown],
        measure: Measure | None = None,
    ) -> None:
        texts = [item.text for item in shown] + [point.text for point in pool]
        self.measure: Measure = measure or Words(texts)
        self.cases, self.pool = cases, pool
        self._asked = [case.text for case in cases]
        self._nearest: list[list[tuple[int, int]]] | None = None

    def ground(self, shown: Sequence[Shown], answered_right: Sequence[bool | None]) -> Ground:
        """Where the cases stand when ``shown`` is what the prompt shows.

        Args:
            answered_right: by case, whether the real model was right with this prompt; None where unknown.
        """
        close = self.measure.index([item.text for item in shown], self._asked)
        right, wrong, near, weight = [], [], [], []
        for at, case in enumerate(self.cases):
            best, other = _closest(close(case.text), shown, case.output)
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
        answer = self.cases[at].output
        found = []
        for rank, (example, close) in enumerate(self._close()[at]):
            agrees = answer is not None and self.pool[example].output == answer
            if rank < _NEAREST or close > (right if agrees else wrong):
                found.append(Neighbour(example, close, agrees))
        return tuple(found)

    def _close(self) -> list[list[tuple[int, int]]]:
        """By case, (example, closeness), closest first, without its own group and without strangers."""
        if self._nearest is None:
            close = self.measure.index([point.text for point in self.pool], self._asked)
            stranger = self.measure.stranger
            groups = [point.group for point in self.pool]
            self._nearest = []
            for case in self.cases:
                pairs = [
                    (example, value)
                    for example, value in enumerate(close(case.text))
                    if value > stranger and groups[example] != case.group
                ]
                pairs.sort(key=lambda pair: (-pair[1], pair[0]))
                self._nearest.append(pairs[:_MOST])
        return self._nearest


def _closest(products: Sequence[int], shown: Sequence[Shown], answer: str | None) -> tuple[int, int]:
    best = other = 0
    for item, product in zip(shown, products, strict=True):
        value = product * item.strength // FULL
        if item.answer == answer:
            best = max(best, value)
        else:
            other = max(other, value)
    return best, other
