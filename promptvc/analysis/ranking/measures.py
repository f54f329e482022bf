"""What prompts did in plain figures, with nothing faded: ratings with their interval, scores, latencies, calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from promptvc.analysis.ranking.averages import Day
from promptvc.analysis.ranking.evidence import rounded
from promptvc.analysis.ranking.relevance import JUDGE
from promptvc.base.stats import wilson
from promptvc.feedback.query.facts import Cell, Latency, Tally, total


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures of one prompt, or of all.

    Attributes:
        ratings: the sums of people's scores. ``every``: those of all events.
        p50, p95: of latencies, in milliseconds, within five per cent; None where none is told.
        kinds: events by kind. ``last_used``: the day of the newest.
    """

    ratings: Tally
    every: Tally
    p50: float | None
    p95: float | None
    kinds: Counter[str]
    last_used: date | None

    def to_json(self) -> dict[str, Any]:
        """The figures as an object; null is unknown."""
        ratings, every = self.ratings, self.every
        mean = ratings.mean
        low, high = wilson(ratings.positive, ratings.rated) if ratings.rated else (None, None)
        return {
            "events": sum(self.kinds.values()),
            "uses": Day(kinds=self.kinds).uses,
            "rated": ratings.rated,
            "positive": ratings.positive,
            "success": {"rate": rounded(ratings.success), "low": rounded(low), "high": rounded(high)},
            "satisfaction": {"mean": rounded(mean), "stars": None if mean is None else rounded(1 + 4 * mean)},
            "latency_ms": {
                "mean": rounded(every.latency / (1000 * every.timed)) if every.timed else None,
                "p50": rounded(self.p50),
                "p95": rounded(self.p95),
            },
            "last_used": None if self.last_used is None else self.last_used.isoformat(),
        }


def measures(cells: Iterable[Cell], latencies: Iterable[Latency]) -> tuple[Measures, dict[str, Measures]]:
    """The figures of everything, and of each prompt, by name."""
    ratings: dict[str, list[Tally]] = {}
    every: dict[str, list[Tally]] = {}
    kinds: dict[str, Counter[str]] = {}
    last: dict[str, date] = {}
    for cell in cells:
        name = cell.prompt
        kinds.setdefault(name, Counter())[cell.kind] += cell.tally.n
        last[name] = max(cell.day, last.get(name, cell.day))
        if cell.source != JUDGE:
            ratings.setdefault(name, []).append(cell.tally)
        every.setdefault(name, []).append(cell.tally)
    times: dict[str, Counter[float]] = {}
    for one in latencies:
        times.setdefault(one.prompt, Counter())[one.milliseconds] += one.n
    told = {
        name: Measures(
            ratings=total(ratings.get(name, ())),
            every=total(every.get(name, ())),
            p50=_percentile(times.get(name, Counter()), 50),
            p95=_percentile(times.get(name, Counter()), 95),
            kinds=kinds[name],
            last_used=last[name],
        )
        for name in sorted(kinds)
    }
    together: Counter[float] = sum(times.values(), Counter())
    whole = Measures(
        ratings=total(one.ratings for one in told.values()),
        every=total(one.every for one in told.values()),
        p50=_percentile(together, 50),
        p95=_percentile(together, 95),
        kinds=sum((one.kinds for one in told.values()), Counter()),
        last_used=max(last.values(), default=None),
    )
    return whole, told


def _percentile(times: Counter[float], q: int) -> float | None:
    """The least value that ``q`` of a hundred do not exceed."""
    wanted, seen = -(-sum(times.values()) * q // 100), 0
    ordered: Sequence[float] = sorted(times)
    for value in ordered:
        seen += times[value]
        if seen >= wanted:
            return value
    return None
