"""A year of made-up traffic, day by day: prompts, versions, models, tags; seasons, drifting quality, uneven weeks.

Every prompt has a level of its own that drifts up and down by at most three points, weeks that differ by more than
chance between events has it, and versions and models that differ by a point. Problems are planted on top. The days come
as counts, which stand for events (:mod:`benchmarks.year` writes those) or are asked directly (:class:`Counted`).
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar, cast

from promptvc.feedback.query.facts import Cell, Facts, Label, Labelled, Latency, Tally, bucket, middle, total
from promptvc.feedback.query.selection import Query

TAGS = ("billing", "eu", "us", "refund", "mobile")
TAG_SHARES = (0.34, 0.22, 0.20, 0.14, 0.10)
MODELS = ("openai:small", "openai:large")
ISSUES = ("tone", "wrong_fact", "too_long")
ERRORS = ("Timeout", "RateLimit")
DAYS = 371
EVERYTHING = Query()
Row = TypeVar("Row", Cell, Labelled, Latency)


@dataclass(frozen=True)
class Planted:
    """What goes wrong from ``day`` on, growing for ``slow`` days; ``until``: the day it is over.

    ``by`` is in points of the success rate (or of the error rate), or the factor of the latency.
    """

    measure: str
    prompt: str
    day: int
    by: float
    tag: str | None = None
    model: str | None = None
    error: str | None = None
    slow: int = 0
    until: int = 10_000

    def at(self, day: int) -> float:
        """The share of it that there is on a day."""
        if not self.day <= day < self.until:
            return 0.0
        return min(1.0, (day - self.day + 1) / self.slow) if self.slow else 1.0


@dataclass(frozen=True)
class Plan:
    """How much traffic there is, from which day, and what goes wrong in it."""

    seed: int = 1
    prompts: int = 24
    calls: int = 10_000_000
    rated: float = 0.12
    start: date = date(2025, 10, 27)
    planted: tuple[Planted, ...] = ()
    days: int = DAYS
    between: float = 0.015
    """Standard deviation of the quality of a week, in terms of the rate."""

    def name(self, at: int) -> str:
        """The name of a prompt."""
        return f"team{at % 4}/task{at:02d}"


THREE = (
    Planted("success", "team2/task06", 197, 0.21, tag="refund"),
    Planted("latency", "team3/task03", 120, 1.7, model="openai:large"),
    Planted("success", "team1/task09", 160, 0.13, slow=150),
)


@dataclass(frozen=True)
class Group:
    """One day of one prompt, version, model and tag."""

    day: int
    prompt: str
    version: int
    model: str
    tag: str
    calls: int
    rated: int
    good: int
    corrections: int
    errors: dict[str, int] = field(hash=False)
    issues: dict[str, int] = field(hash=False)
    slow: float
    """The factor of the latency."""


def groups(plan: Plan) -> Iterator[Group]:
    """The days of a year, in order."""
    draw = random.Random(plan.seed)
    prompts = [_Prompt(plan, at, draw) for at in range(plan.prompts)]
    weights = sum(one.weight for one in prompts)
    for day in range(plan.days):
        weekday = (plan.start + timedelta(days=day)).weekday()
        season = 1 + 0.25 * math.sin(2 * math.pi * (day + 40) / 365)
        busy = season * (0.45 if weekday >= 5 else 1.2) * draw.uniform(0.92, 1.08)
        for one in prompts:
            if day % 7 == 0:
                one.new_week(draw)
            yield from one.groups(day, plan.calls / plan.days * busy * one.weight / weights)


class _Prompt:
    def __init__(self, plan: Plan, at: int, draw: random.Random) -> None:
        self.plan, self.name, self.draw = plan, plan.name(at), draw
        self.weight = 1 / (1 + at / 6)
        self.base = draw.uniform(0.72, 0.92)
        self.phase, self.time = draw.uniform(0, 2 * math.pi), draw.choice((180, 270, 365))
        self.models = {model: draw.gauss(0, 0.01) for model in MODELS}
        self.share = draw.uniform(0.3, 0.7)
        self.tags = {tag: draw.gauss(0, 0.03) for tag in TAGS}
        self.versions = sorted(draw.sample(range(20, plan.days - 10), 3))
        self.gain = [draw.gauss(0, 0.008) for _ in range(4)]
        self.failing, self.median = draw.uniform(0.004, 0.02), draw.uniform(300, 1500)
        self.planted = [one for one in plan.planted if one.prompt == self.name]
        self.week = self.wobble = self.pace = 0.0

    def new_week(self, draw: random.Random) -> None:
        self.week = draw.gauss(0, self.plan.between)
        self.wobble = math.exp(draw.gauss(0, 0.12))
        self.pace = math.exp(draw.gauss(0, 0.04))

    def groups(self, day: int, calls: float) -> Iterator[Group]:
        version = sum(day >= first for first in self.versions)
        quality = self.base + 0.03 * math.sin(2 * math.pi * day / self.time + self.phase) + self.week
        quality += self.gain[version]
        for model, share in zip(MODELS, (self.share, 1 - self.share), strict=True):
            for tag, part in zip(TAGS, TAG_SHARES, strict=True):
                yield self._group(day, version + 1, model, tag, calls * share * part, quality)

    def _group(self, day: int, version: int, model: str, tag: str, calls: float, quality: float) -> Group:
        draw = self.draw
        n = _some(draw, calls)
        good = quality + self.models[model] + self.tags[tag]
        slow, failing = self.pace, {kind: self.failing * self.wobble / len(ERRORS) for kind in ERRORS}
        for one in self.planted:
            if one.tag in {None, tag} and one.model in {None, model}:
                if one.measure == "success":
                    good -= one.by * one.at(day)
                elif one.measure == "latency":
                    slow *= 1 + (one.by - 1) * one.at(day)
                else:
                    failing[one.error or ERRORS[0]] += one.by * one.at(day)
        good = min(0.99, max(0.01, good))
        rated = _of(draw, n, self.plan.rated)
        well = _of(draw, rated, good)
        errors = {kind: _of(draw, n, share) for kind, share in failing.items()}
        issues = {kind: _of(draw, rated - well, 0.25) for kind in ISSUES}
        corrected = _of(draw, rated - well, 0.3)
        return Group(day, self.name, version, model, tag, n, rated, well, corrected, errors, issues, slow)


def _some(draw: random.Random, expected: float) -> int:
    return max(0, int(draw.gauss(expected, math.sqrt(expected)) + 0.5))


def _of(draw: random.Random, n: int, share: float) -> int:
    if n * share * (1 - share) > 9:
        return min(n, max(0, int(draw.gauss(n * share, math.sqrt(n * share * (1 - share))) + 0.5)))
    return sum(draw.random() < share for _ in range(n)) if n < 400 else min(n, _poisson(draw, n * share))


def _poisson(draw: random.Random, mean: float) -> int:
    left, count = math.exp(-mean), 0
    product = draw.random()
    while product > left:
        product *= draw.random()
        count += 1
    return count


def medians(plan: Plan) -> dict[str, float]:
    """The median latency of each prompt, in milliseconds."""
    draw = random.Random(plan.seed)
    return {one.name: one.median for one in (_Prompt(plan, at, draw) for at in range(plan.prompts))}


QUANTILES = [
    math.exp(0.5 * z) for z in (-2.0, -1.4, -1.0, -0.7, -0.4, -0.1, 0.1, 0.4, 0.7, 1.0, 1.4, 2.0, 2.6)
]
WEIGHTS = (0.04, 0.07, 0.09, 0.11, 0.12, 0.12, 0.12, 0.11, 0.09, 0.06, 0.04, 0.02, 0.01)


class Counted:
    """The facts of a plan, from its counts; only what a report asks for, of whole days and perhaps one prompt."""

    engine, unread = "counted", 0

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._groups = list(groups(plan))
        self._cells = self._all_cells()
        self._labels: dict[Label, list[Labelled]] = {
            what: self._all_labels(what) for what in ("tag", "issue", "error")
        }
        self._latencies = self._all_latencies(medians(plan))
        self._groups.clear()

    def cells(self, query: Query = EVERYTHING) -> list[Cell]:
        """As :meth:`promptvc.feedback.query.facts.Facts.cells`."""
        return _chosen(self._cells, query)

    def labelled(self, what: Label, query: Query = EVERYTHING) -> list[Labelled]:
        """As :meth:`promptvc.feedback.query.facts.Facts.labelled`."""
        return _chosen(self._labels[what], query)

    def latencies(self, query: Query = EVERYTHING) -> list[Latency]:
        """As :meth:`promptvc.feedback.query.facts.Facts.latencies`."""
        return _chosen(self._latencies, query)

    def _all_cells(self) -> list[Cell]:
        sums: dict[tuple[int, str, int, str, str, str], list[Tally]] = {}
        for one in self._groups:
            failed = sum(one.errors.values())
            timed = Tally(one.calls - failed, timed=one.calls - failed, latency=1000 * (one.calls - failed))
            for kind, source, tally in (
                ("rating", "human", _ratings(one)),
                ("success", "code", timed),
                ("error", "code", Tally(failed)),
                ("correction", "human", Tally(one.corrections)),
            ):
                if tally.n:
                    key = (one.day, one.prompt, one.version, kind, source, one.model)
                    sums.setdefault(key, []).append(tally)
        return [
            Cell(self._date(day), prompt, version, kind, source, model, "plain", None, total(found))
            for (day, prompt, version, kind, source, model), found in sorted(sums.items())
        ]

    def _all_labels(self, what: Label) -> list[Labelled]:
        sums: dict[tuple[int, str, int, str], list[Tally]] = {}
        for one in self._groups:
            found = [(one.tag, _ratings(one))] if what == "tag" else []
            counts = {"issue": one.issues, "error": one.errors}.get(what, {})
            for label, tally in (*found, *((label, Tally(n)) for label, n in counts.items() if n)):
                sums.setdefault((one.day, one.prompt, one.version, label), []).append(tally)
        return [Labelled(self._date(key[0]), *key[1:], total(found)) for key, found in sorted(sums.items())]

    def _all_latencies(self, typical: dict[str, float]) -> list[Latency]:
        found: Counter[tuple[int, str, int, str, float]] = Counter()
        for one in self._groups:
            for factor, weight in zip(QUANTILES, WEIGHTS, strict=True):
                value = middle(bucket(int(1000 * typical[one.prompt] * factor * one.slow)))
                found[one.day, one.prompt, one.version, one.model, value] += round(one.calls * weight)
        return [Latency(self._date(key[0]), *key[1:], n) for key, n in sorted(found.items()) if n]

    def _date(self, day: int) -> date:
        return self._plan.start + timedelta(days=day)


def counted(plan: Plan) -> Facts:
    """The facts of a plan; what a report does not ask for is not there."""
    return cast("Facts", Counted(plan))


def _ratings(one: Group) -> Tally:
    good = one.good * 1_000_000
    return Tally(one.rated, one.rated, one.good, one.rated - one.good, good, good)


def _chosen(rows: list[Row], query: Query) -> list[Row]:
    first = 0 if query.since is None else bisect_left(rows, query.since.date(), key=lambda row: row.day)
    last = (
        len(rows) if query.until is None else bisect_left(rows, query.until.date(), key=lambda row: row.day)
    )
    return [row for row in rows[first:last] if query.prompt in {None, row.prompt}]


def named(told: Sequence[str], planted: Planted) -> bool:
    """Whether one of the sentences names a planted problem."""
    wanted = [planted.prompt, *(one for one in (planted.tag, planted.model, planted.error) if one)]
    return any(all(word in sentence for word in wanted) for sentence in told)
