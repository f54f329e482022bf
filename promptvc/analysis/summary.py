"""The summary of feedback: counts, means and rates, over everything and by version.

A fold over events in one pass: the order of events does not change one bit of the answer, and memory does not
grow with them but for eight bytes a score.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.config import FeedbackSettings
from promptvc.feedback.events import THRESHOLDS, Event

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of events says. A rate whose denominator is unknown is ``None``, never 0.

    ``total``
        All events, of every kind.
    ``by_kind``
        How many of each kind; kinds without any are left out.
    ``rated``, ``rating_mean``
        Events with a score, of whatever kind (effectiveness, else rating, else stars, else thumbs; 0..1), and the
        mean of their scores. A judge's (``source: llm_judge``) are not among them: they are no user's.
    ``success_rate``
        Events with a score at or above the positive threshold / ``rated``.
    ``runs``, ``error_rate``
        ``error`` events / (``error`` + ``success`` events). Unknown when nothing in the whole summary reports runs
        that went well (no ``success`` event): errors alone do not say out of how many.
    """

    total: int
    by_kind: Mapping[str, int]
    rated: int
    rating_mean: float | None
    success_rate: float | None
    runs: int | None
    error_rate: float | None

    def to_json(self) -> dict[str, Any]:
        """The figures as an object, with null for what is unknown."""
        return {
            "total": self.total,
            "by_kind": dict(self.by_kind),
            "rated": self.rated,
            "rating_mean": self.rating_mean,
            "success_rate": self.success_rate,
            "runs": self.runs,
            "error_rate": self.error_rate,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of all events, and of each version; ``None`` is the version of events that name none."""

    figures: Figures
    by_version: Mapping[int | None, Figures]

    def to_json(self) -> dict[str, Any]:
        """The object that `feedback summary --json` prints; versions are text there, ``"unknown"`` for none."""
        versions = {
            UNKNOWN if version is None else str(version): figures.to_json()
            for version, figures in self.by_version.items()
        }
        return self.figures.to_json() | {"by_version": versions}


@dataclass(slots=True)
class _Tally:
    kinds: Counter[str] = field(default_factory=Counter)
    scores: array[float] = field(default_factory=lambda: array("d"))
    positive: int = 0

    def add(self, other: _Tally) -> None:
        self.kinds.update(other.kinds)
        self.scores.extend(other.scores)
        self.positive += other.positive

    def figures(self, *, runs_known: bool) -> Figures:
        rated = len(self.scores)
        runs = self.kinds["error"] + self.kinds["success"] if runs_known else None
        return Figures(
            total=self.kinds.total(),
            by_kind={kind: self.kinds[kind] for kind in sorted(self.kinds) if self.kinds[kind]},
            rated=rated,
            rating_mean=math.fsum(self.scores) / rated if rated else None,
            success_rate=self.positive / rated if rated else None,
            runs=runs,
            error_rate=self.kinds["error"] / runs if runs else None,
        )


def summarize(events: Iterable[Event], thresholds: FeedbackSettings = THRESHOLDS) -> Summary:
    """Summarize ``events``, each of which must be there once (reading segments sees to that)."""
    tallies: dict[int | None, _Tally] = {}
    bar = thresholds.positive
    for event in events:
        tally = tallies.get(event.version)
        if tally is None:
            tally = tallies[event.version] = _Tally()
        tally.kinds[event.kind] += event.count
        score = event.score
        if score is not None and event.source != "llm_judge":
            tally.scores.append(score)
            tally.positive += score >= bar
    whole = _Tally()
    for tally in tallies.values():
        whole.add(tally)
    runs_known = whole.kinds["success"] > 0
    versions = sorted(tallies, key=lambda version: (version is None, version))
    return Summary(
        figures=whole.figures(runs_known=runs_known),
        by_version={version: tallies[version].figures(runs_known=runs_known) for version in versions},
    )
