"""What feedback adds up to: the numbers by which a training becomes due and an approach is chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promptvc.base.stats import mean

SERVED = frozenset({"error", "success", "rating", "correction"})
"""Kinds of events that each tell of one call: it failed, it went well, or somebody looked at its answer."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Counts over some events.

    Attributes:
        events: all of them.
        served: those that tell of one call; ``errors``: those that say it failed.
        ratings: with a score; ``rating``: the mean score, 0..1; None without any.
        suggestions: events of that kind.
    """

    events: int
    served: int
    errors: int
    ratings: int
    rating: float | None
    suggestions: int

    @property
    def error_rate(self) -> float | None:
        """Errors among the calls that events tell of, 0..1; None where they tell of none."""
        return self.errors / self.served if self.served else None

    @classmethod
    def of(cls, events: Iterable[tuple[str, float | None]]) -> Measures:
        """Of (kind, score) a event; the score is 0..1, None without one."""
        total = served = errors = suggestions = 0
        scores: list[float] = []
        for kind, score in events:
            total += 1
            served += kind in SERVED
            errors += kind == "error"
            suggestions += kind == "suggestion"
            if score is not None:
                scores.append(score)
        return cls(total, served, errors, len(scores), mean(scores), suggestions)
