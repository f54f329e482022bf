"""How far two sides agree that judged the same things: counts and coefficients, for verdicts and for scores.

One side is the people, whose word counts, the other the judge. Coefficients that a sample cannot give are None: it is
not known that a judge is no better than chance when people said yes to everything.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptvc.base.stats import mean


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of pairs, by what people said and what the judge said.

    Attributes:
        tp: both said yes.
        fp: people said no, the judge yes.
        fn: people said yes, the judge no.
        tn: both said no.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, bool]]) -> Confusion:
        """Count pairs of (people, judge)."""
        counts = Counter(pairs)
        return cls(
            tp=counts[True, True], fp=counts[False, True], fn=counts[True, False], tn=counts[False, False]
        )

    @property
    def n(self) -> int:
        """All pairs."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def agreeing(self) -> int:
        """Pairs with one verdict."""
        return self.tp + self.tn

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa, -1..1: agreement beyond what both sides' shares of yes give by chance.

        ``(p_o - p_e) / (1 - p_e)``: Cohen (1960), "A coefficient of agreement for nominal scales". None where one side
        always says the same: the formula then gives 0 or nothing, however good the judge is.
        """
        if self._constant:
            return None
        people, judge = (self.tp + self.fn) / self.n, (self.tp + self.fp) / self.n
        chance = people * judge + (1 - people) * (1 - judge)
        return (self.agreeing / self.n - chance) / (1 - chance)

    @property
    def mcc(self) -> float | None:
        """Matthews' correlation coefficient, -1..1: the correlation of both sides' verdicts.

        ``(tp tn - fp fn) / sqrt((tp+fp)(tp+fn)(tn+fp)(tn+fn))``: Matthews (1975), "Comparison of the predicted and
        observed secondary structure of T4 phage lysozyme". None where one side always says the same: 0 / 0.
        """
        if self._constant:
            return None
        product = (self.tp + self.fp) * (self.tp + self.fn) * (self.tn + self.fp) * (self.tn + self.fn)
        return (self.tp * self.tn - self.fp * self.fn) / math.sqrt(product)

    @property
    def _constant(self) -> bool:
        sides = (self.tp + self.fn, self.fp + self.tn, self.tp + self.fp, self.fn + self.tn)
        return not all(sides)

    def to_json(self) -> dict[str, int]:
        """The four counts."""
        return {"tp": self.tp, "fp": self.fp, "fn": self.fn, "tn": self.tn}


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """The rank correlation of two lists of equal length, -1..1: Spearman (1904); equal values share their mean rank.

    None where one side always says the same, and of less than two pairs.

    Raises:
        ValueError: the lists differ in length.
    """
    if len(left) != len(right):
        raise ValueError(f"{len(left)} values cannot be paired with {len(right)}")
    return _correlation(_ranks(left), _ranks(right))


def mean_difference(left: Sequence[float], right: Sequence[float]) -> float | None:
    """The mean absolute difference of pairs; None of none.

    Raises:
        ValueError: the lists differ in length.
    """
    return mean(abs(a - b) for a, b in zip(left, right, strict=True))


def _ranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value: whole numbers, since ties give halves."""
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values), 1):
        places.setdefault(value, []).append(place)
    return [places[value][0] + places[value][-1] for value in values]


def _correlation(left: Sequence[int], right: Sequence[int]) -> float | None:
    """Pearson's, in whole numbers up to the last step, so that the order of the pairs cannot matter."""
    n = len(left)
    both = n * sum(a * b for a, b in zip(left, right, strict=True)) - sum(left) * sum(right)
    spreads = [n * sum(a * a for a in side) - sum(side) ** 2 for side in (left, right)]
    return both / math.sqrt(spreads[0] * spreads[1]) if all(spreads) else None
