"""What feedback adds up to: the numbers by which a training becomes due and an approach is chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from promptvc.feedback.events import Event

SERVED = frozenset({"error", "success", "rating", "correction"})
"""Kinds of events that each tell of one call: it failed, it went well, or somebody looked at its answer."""
_JUDGE = "llm_judge"


class Said(NamedTuple):
    """What counts of one event: its kind, its score (0..1; None without one), and the call that it tells of.

    A rollup tells of ``n`` calls.
    """

    kind: str
    score: float | None
    run: str
    n: int = 1

    @classmethod
    def of(cls, event: Event) -> Said:
        """Of an event; a judge's scores and those of reviews are no user's."""
        score = None if event.source == _JUDGE or event.kind == "annotation" else event.score
        return cls(event.kind, score, str(event.data.get("execution") or event.id), event.count)


@dataclass(frozen=True, slots=True)
class Counts:
    """What new events say.

    Attributes:
        events: how many there are.
        runs: calls that they tell of: of each ``error``, ``success``, ``rating`` and ``correction`` one; those with
            the same ``execution`` are one call.
        errors: runs with an ``error``.
        rated: events with a score, a judge's left out: they are no user's. ``rating``: the mean score, 0..1.
        suggestions: of these.
    """

    events: int = 0
    runs: int = 0
    errors: int = 0
    rated: int = 0
    rating: float | None = None
    suggestions: int = 0

    @property
    def error_rate(self) -> float | None:
        """``errors`` / ``runs``, 0..1; None without a run. Errors alone are a rate of 1: nothing else was told."""
        return self.errors / self.runs if self.runs else None

    def to_json(self) -> dict[str, Any]:
        """As `train --status --json` prints it."""
        return {
            "events": self.events,
            "runs": self.runs,
            "error_rate": self.error_rate,
            "rated": self.rated,
            "rating": self.rating,
            "suggestions": self.suggestions,
        }

    @classmethod
    def of(cls, said: Iterable[Said]) -> Counts:
        """Count what was said, each event once; the order does not matter."""
        total = suggestions = rolled = 0
        runs: dict[str, bool] = {}
        scores: list[float] = []
        for one in said:
            total += one.n
            suggestions += one.kind == "suggestion"
            if one.n > 1 and one.kind in SERVED:
                rolled += one.n
            elif one.kind in SERVED:
                runs[one.run] = runs.get(one.run, False) or one.kind == "error"
            if one.score is not None:
                scores.append(one.score)
        mean = math.fsum(scores) / len(scores) if scores else None
        return cls(total, rolled + len(runs), sum(runs.values()), len(scores), mean, suggestions)
