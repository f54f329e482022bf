"""Flaky cases: those whose repeats disagree whether they pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from promptvc.base.stats import wilson
from promptvc.evaluation.reduce import CaseScore

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Flaky:
    """One flaky case.

    Attributes:
        passes: of so many ``repeats``, how many passed; more than none and less than all.
        low, high: Wilson's interval, at 95 %, of the chance (0..1) that a repeat passes.
    """

    case: str
    passes: int
    repeats: int
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """As reports print it."""
        return {name: getattr(self, name) for name in self.__slots__}


def is_flaky(score: CaseScore) -> bool:
    """Whether the repeats of a case disagree. Of an errored case nobody knows: it is not called flaky."""
    return score.error is None and 0 < score.passes < score.repeats


def flaky_cases(scores: Iterable[CaseScore]) -> tuple[Flaky, ...]:
    """The flaky ones of one side's cases, in their order. One repeat shows none."""
    return tuple(
        Flaky(score.case, score.passes, score.repeats, *wilson(score.passes, score.repeats, CONFIDENCE))
        for score in scores
        if is_flaky(score)
    )
