"""Figures of a set of events: rates and means with intervals, latency, tokens, cost; of all, and by what they share.

A fold over what :class:`Facts` answers, never over events. What a judge scored (``source: llm_judge``) is counted
among ``events`` and nowhere else: it is no user's word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from promptvc.analysis.rates import (
    Estimate,
    Z,
    mean_of,
    optional,
    percentile_of,
    rounded,
    share,
)
from promptvc.analysis.reporting.tails import Between, unevenness
from promptvc.feedback.query.facts import MILLION, Cell, Labelled, Latency, Tally, total

USERS = ("human", "code")
"""The sources whose scores count as users'."""

UNKNOWN = "unknown"
BY_CELL = ("prompt", "version", "framework", "model", "technique", "day", "week")
_TIMED = frozenset({"prompt", "version", "model", "day", "week"})
_FEWEST_DAYS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """What some events say. A rate whose denominator is unknown is None, never 0.

    Attributes:
        key: what they share; empty for all events.
        events: all of them; a rollup counts for as many as it stands for.
        rated: those with a user's score.
        success: the share of scores at or above the positive threshold, of ``rated``.
        mean: the mean score, 0..1.
        runs, error_rate: ``error`` events of (``error`` + ``success``) events; None when no run that went well is
            reported anywhere in the window: errors alone do not say out of how many.
        p50_ms, p95_ms: latency within five per cent; None where unknown, and where it is not told by this key.
        mean_ms: mean latency.
        tokens_in, tokens_out: means over the calls that tell.
        cost, priced: US dollars in all, and of how many events; None where none tells.
    """

    key: str
    events: int
    rated: int
    success: Estimate | None
    mean: Estimate | None
    runs: int | None
    error_rate: Estimate | None
    p50_ms: float | None
    p95_ms: float | None
    mean_ms: float | None
    tokens_in: float | None
    tokens_out: float | None
    cost: float | None
    priced: int

    def to_json(self) -> dict[str, Any]:
        """The figures as an object, with null for what is unknown."""
        return {
            "key": self.key,
            "events": self.events,
            "rated": self.rated,
            "success": optional(self.success),
            "mean": optional(self.mean),
            "runs": self.runs,
            "error_rate": optional(self.error_rate),
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "mean_ms": self.mean_ms,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost": self.cost,
            "priced": self.priced,
        }


@dataclass(frozen=True, slots=True)
class Material:
    """What the figures of one window are made of, as ``Facts`` answers it.

    Attributes:
        cells, latencies: of every event.
        tags: of events whose source is one of :data:`USERS`; ``failed`` and ``ran``: the same of ``error`` and of
            ``success`` events alone.
    """

    cells: Sequence[Cell]
    latencies: Sequence[Latency] = ()
    tags: Sequence[Labelled] = ()
    failed: Sequence[Labelled] = ()
    ran: Sequence[Labelled] = ()


@dataclass(slots=True)
class _Pile:
    """Tallies under construction: of all events, of those that users scored, and of calls."""

    every: list[Tally] = field(default_factory=list)
    users: list[Tally] = field(default_factory=list)
    errors: int = 0
    successes: int = 0
    times: dict[float, int] = field(default_factory=dict)

    def add(self, cell: Cell) -> None:
        self.every.append(cell.tally)
        if cell.source in USERS:
            self.users.append(cell.tally)
        self.errors += cell.tally.n * (cell.kind == "error")
        self.successes += cell.tally.n * (cell.kind == "success")

    def figure(self, key: str, *, runs_known: bool) -> Figure:
        every, users = total(self.every), total(self.users)
        runs = self.errors + self.successes if runs_known else None
        return Figure(
            key=key,
            events=every.n,
            rated=users.rated,
            success=share(users.positive, users.rated),
            mean=mean_of(users),
            runs=runs,
            error_rate=share(self.errors, runs) if runs else None,
            p50_ms=percentile_of(self.times, 50),
            p95_ms=percentile_of(self.times, 95),
            mean_ms=_ratio(every.latency, every.timed, 1000),
            tokens_in=_ratio(every.tokens_in, every.metered),
            tokens_out=_ratio(every.tokens_out, every.metered),
            cost=every.cost / MILLION if every.priced else None,
            priced=every.priced,
        )


def whole(material: Material) -> Figure:
    """The figures of all events of a window."""
    pile = _Pile()
    for cell in material.cells:
        pile.add(cell)
    for one in material.latencies:
        pile.times[one.milliseconds] = pile.times.get(one.milliseconds, 0) + one.n
    return pile.figure("", runs_known=pile.successes > 0)


def grouped(material: Material) -> dict[str, tuple[Figure, ...]]:
    """The figures by prompt, or by version of the only one, and by framework, model, technique, day, week and tag.

    In the order of their keys, versions by number, ``unknown`` last. A dimension of which nothing is told is empty.
    """
    known = any(cell.kind == "success" for cell in material.cells)
    several = len({cell.prompt for cell in material.cells}) > 1
    groups = {by: tuple(_by(by, material, runs_known=known)) for by in BY_CELL}
    # Version 3 of one prompt and of another have nothing in common.
    groups["version" if several else "prompt"] = ()
    return groups | {"tag": tuple(_by_tag(material, runs_known=known))}


def daily(cells: Iterable[Cell]) -> dict[date, Tally]:
    """What users scored, by day, in order."""
    days: dict[date, list[Tally]] = {}
    for cell in cells:
        if cell.source in USERS and cell.tally.rated:
            days.setdefault(cell.day, []).append(cell.tally)
    return {day: total(days[day]) for day in sorted(days)}


def trend(days: dict[date, Tally]) -> Estimate | None:
    """The change of the mean score in a week, by least squares over all scores; None with fewer than four days.

    Its error is the larger of two: that of independent scores, and that of days which differ among themselves, so
    that scores of one day are alike (Liang and Zeger 1986, the sandwich by clusters, with the factor D / (D - 2)); and
    what weeks differ beyond that comes on top (:func:`promptvc.analysis.reporting.tails.unevenness`). The quantile is
    Student's with D - 2 degrees, or with those of the weeks where they are fewer, by Abramowitz and Stegun 26.7.5.
    """
    if len(days) < _FEWEST_DAYS:
        return None
    first = min(days)
    points = [((day - first).days / 7, tally) for day, tally in days.items()]
    n = sum(tally.rated for _, tally in points)
    scores = [tally.score / MILLION for _, tally in points]
    middle = math.fsum(at * tally.rated for at, tally in points) / n
    mean = math.fsum(scores) / n
    spread = math.fsum(tally.rated * (at - middle) ** 2 for at, tally in points)
    slope = math.fsum((at - middle) * score for (at, _), score in zip(points, scores, strict=True)) / spread
    squares = math.fsum(tally.squares / MILLION for _, tally in points)
    left = max(0.0, squares - n * mean * mean - slope * slope * spread) / max(1, n - 2)
    off = (
        (at - middle) * (score - tally.rated * (mean + slope * (at - middle)))
        for (at, tally), score in zip(points, scores, strict=True)
    )
    degrees = len(points) - 2
    clustered = math.fsum(one * one for one in off) / spread**2 * len(points) / degrees
    between, weekly = _between_weeks(days, middle, left)
    half = _student(min(degrees, between.degrees)) * math.sqrt(
        max(left / spread, clustered) + between.variance * weekly / spread**2
    )
    return Estimate(rounded(slope), rounded(slope - half), rounded(slope + half))


def _between_weeks(days: Mapping[date, Tally], middle: float, variance: float) -> tuple[Between, float]:
    """How weeks differ, and the squares of their weights in the slope."""
    first = min(days)
    weeks: dict[int, tuple[float, int]] = {}
    weights: dict[int, float] = {}
    for day, tally in days.items():
        week = (day - first).days // 7
        score, rated = weeks.get(week, (0.0, 0))
        weeks[week] = score + tally.score / MILLION, rated + tally.rated
        weights[week] = weights.get(week, 0.0) + tally.rated * ((day - first).days / 7 - middle)
    between = unevenness([weeks[week] for week in sorted(weeks)], variance)
    return between, math.fsum(weight * weight for weight in weights.values())


def _student(degrees: float) -> float:
    z, v = Z, degrees
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / v ** (at + 1) for at, term in enumerate(terms))


def _by(by: str, material: Material, *, runs_known: bool) -> Iterator[Figure]:
    piles: dict[str, _Pile] = {}
    for cell in material.cells:
        piles.setdefault(_key(cell, by), _Pile()).add(cell)
    if by in _TIMED:
        for one in material.latencies:
            times = piles.setdefault(_key(one, by), _Pile()).times
            times[one.milliseconds] = times.get(one.milliseconds, 0) + one.n
    if set(piles) <= {UNKNOWN}:
        return
    for key in sorted(piles, key=lambda key: _order(by, key)):
        yield piles[key].figure(key, runs_known=runs_known)


def _by_tag(material: Material, *, runs_known: bool) -> Iterator[Figure]:
    piles: dict[str, _Pile] = {}
    for one in material.tags:
        pile = piles.setdefault(one.label, _Pile())
        pile.every.append(one.tally)
        pile.users.append(one.tally)
    for one in material.failed:
        piles.setdefault(one.label, _Pile()).errors += one.tally.n
    for one in material.ran:
        piles.setdefault(one.label, _Pile()).successes += one.tally.n
    for key in sorted(piles):
        yield piles[key].figure(key, runs_known=runs_known)


def _key(one: Cell | Latency, by: str) -> str:
    if by == "week":
        # The Monday that the week begins with (ISO 8601).
        return (one.day - timedelta(days=one.day.weekday())).isoformat()
    value = getattr(one, by)
    return UNKNOWN if value is None else str(value)


def _order(by: str, key: str) -> tuple[bool, int, str]:
    return key == UNKNOWN, int(key) if by == "version" and key.isdigit() else 0, key


def _ratio(total_: int, count: int, unit: int = 1) -> float | None:
    return rounded(total_ / (unit * count), 3) if count else None
