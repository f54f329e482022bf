"""Slices of the traffic, and what is measured of each, week by week: what the search for problems looks at.

Everything is counted so that more is worse: answers that were not rated good, errors, corrections, reported issues,
slow calls. Weeks are blocks of seven days that end with the period of the report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from promptvc.analysis.rates import percentile_of

Measure = Literal["success", "errors", "corrections", "latency", "issue", "error"]
DAYS = 7


class Slice(NamedTuple):
    """Some of a prompt's events: all of them, or those where ``dimension`` is ``value``.

    ``dimension`` is empty, or ``version``, ``model``, ``framework``, ``technique``, ``tag``, ``issue``, ``error``.
    """

    prompt: str
    dimension: str = ""
    value: str = ""


class Point(NamedTuple):
    """One week of a series: what was measured, and of how many events. ``n`` 0: nothing."""

    value: float
    n: int


class Series(Protocol):
    """One measure of one slice over the year."""

    @property
    def measure(self) -> Measure: ...

    @property
    def slice(self) -> Slice: ...

    def weeks(self) -> Sequence[Point]:
        """Its weeks, oldest first; of a latency the natural logarithm of the 95th percentile."""
        ...

    def level(self, first: int, last: int) -> float | None:
        """What was measured from day ``first`` to before day ``last``; None of nothing. Of a latency: milliseconds."""
        ...

    def n(self, first: int, last: int) -> int:
        """Of how many events."""
        ...


@dataclass(slots=True)
class Rates:
    """``part`` of ``whole``, by day."""

    measure: Measure
    slice: Slice
    part: list[int]
    whole: list[int]
    newcomer: int | None = None
    """The day it came, where the days before are those of what it took the place of."""

    def weeks(self) -> list[Point]:
        """As :meth:`Series.weeks`."""
        return [
            Point(sum(self.part[day : day + DAYS]) / n if n else 0.0, n)
            for day in range(0, len(self.whole), DAYS)
            for n in (sum(self.whole[day : day + DAYS]),)
        ]

    def level(self, first: int, last: int) -> float | None:
        """As :meth:`Series.level`."""
        n = self.n(first, last)
        return sum(self.part[first:last]) / n if n else None

    def n(self, first: int, last: int) -> int:
        """As :meth:`Series.n`."""
        return sum(self.whole[first:last])

    def plus(self, other: Rates, sign: int = 1) -> Rates:
        """The two together; with ``sign`` -1, what is left without the other."""
        part = [a + sign * b for a, b in zip(self.part, other.part, strict=True)]
        whole = [a + sign * b for a, b in zip(self.whole, other.whole, strict=True)]
        return Rates(self.measure, self.slice, part, whole)

    def after(self, parent: Rates, least: int) -> Rates:
        """With the parent's days before the first of its own, if those are at least ``least``: what it replaced."""
        first = next((day for day, n in enumerate(self.whole) if n), 0)
        if first < least or not sum(parent.whole[:first]):
            return self
        part, whole = parent.part[:first] + self.part[first:], parent.whole[:first] + self.whole[first:]
        return Rates(self.measure, self.slice, part, whole, first)


@dataclass(slots=True)
class Times:
    """How many calls took how many milliseconds, by week."""

    slice: Slice
    counts: list[dict[float, int]] = field(repr=False)
    measure: Measure = "latency"
    newcomer: int | None = None

    def weeks(self) -> list[Point]:
        """As :meth:`Series.weeks`."""
        found = ((percentile_of(one, 95), sum(one.values())) for one in self.counts)
        return [Point(0.0 if p95 is None else math.log(max(p95, 0.001)), n) for p95, n in found]

    def level(self, first: int, last: int) -> float | None:
        """As :meth:`Series.level`, of the weeks that begin there."""
        return percentile_of(self.of(first, last), 95)

    def n(self, first: int, last: int) -> int:
        """As :meth:`Series.n`."""
        return sum(self.of(first, last).values())

    def plus(self, other: Times, sign: int = 1) -> Times:
        """As :meth:`Rates.plus`."""
        counts = []
        for mine, theirs in zip(self.counts, other.counts, strict=True):
            week = dict(mine)
            for value, n in theirs.items():
                week[value] = week.get(value, 0) + sign * n
            counts.append({value: n for value, n in week.items() if n})
        return Times(self.slice, counts)

    def after(self, parent: Times, least: int) -> Times:
        """As :meth:`Rates.after`."""
        first = next((week for week, counts in enumerate(self.counts) if counts), 0)
        if first * DAYS < least or not any(parent.counts[:first]):
            return self
        return Times(self.slice, parent.counts[:first] + self.counts[first:], "latency", first * DAYS)

    def of(self, first: int, last: int) -> dict[float, int]:
        """How many calls took how long, in the weeks that begin from day ``first`` to before ``last``."""
        total: dict[float, int] = {}
        for counts in self.counts[math.ceil(first / DAYS) : math.ceil(last / DAYS)]:
            for value, n in counts.items():
                total[value] = total.get(value, 0) + n
        return total
