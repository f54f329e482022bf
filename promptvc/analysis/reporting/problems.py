"""Problem areas: what got worse over the past year, told so that somebody can act on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from promptvc.analysis.rates import percentile_of, rounded, significant
from promptvc.analysis.reporting.figures import Figure
from promptvc.analysis.reporting.grouping import NEAR, Cause, Finding, find_causes
from promptvc.analysis.reporting.slices import DAYS, Measure, Rates, Series, Slice, Times
from promptvc.analysis.reporting.traces import (
    CALLS,
    GOOD,
    RATED,
    USERS,
    Count,
    command_of,
    narrowed,
    query_json,
)
from promptvc.analysis.reporting.year import SPAN, Year
from promptvc.feedback.query.selection import Query

Mark = Callable[[str], str]
"""Makes a text of others fit for where it is shown."""
_SAYING = ("rating", "correction")
WORDS: Mapping[Measure, str] = {
    "success": "success",
    "errors": "error rate",
    "error": "error rate",
    "corrections": "correction rate",
    "issue": "share of ratings that report it",
    "latency": "latency p95",
}
_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version came into an environment on a day; ``commit`` is the full id."""

    day: date
    environment: str
    prompt: str
    version: int | None
    commit: str
    subject: str


@dataclass(frozen=True, slots=True)
class Sign:
    """One measure of one slice that got worse. Of success the figures are the success rate, not its complement."""

    measure: Measure
    slice: Slice
    before: Figure
    now: Figure

    def to_json(self) -> dict[str, Any]:
        """The slice by its parts, and the figures."""
        return {
            "measure": self.measure,
            "prompt": self.slice.prompt,
            "dimension": self.slice.dimension or None,
            "value": self.slice.value or None,
            "before": self.before.to_json(),
            "now": self.now.to_json(),
        }

    def named(self, mark: Mark) -> str:
        """The measure and the slice: ``success tag `eu```; what measure and dimension both say, once."""
        dimension = self.slice.dimension
        if not dimension:
            return self.measure
        what = self.measure if dimension == self.measure else f"{self.measure} {dimension}"
        return f"{what} {mark(self.slice.value)}"

    def told(self) -> str:
        """``from 0.82 to 0.61``."""
        before, now = (shown(self.measure, one.value) for one in (self.before, self.now))
        return f"from {before} to {now}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something got worse.

    Attributes:
        prompts: whose; the worst first.
        values: of the dimension of ``sign.slice``: which ones; empty where it is all of a prompt.
        sign: the measure that names it; of several prompts, all of them together.
        since, until: the first day of it and, if it is over, the day that ended it.
        slow: it came by and by.
        version: that it came with; ``deployments``: about the day it began.
        also: other signs of it.
        p: how often a year like this one without it shows as much, over all that was looked at.
        look: the query of the events to read.
        course: the weeks of the slice that names it, the worst prompt's where there are several.
    """

    prompts: tuple[str, ...]
    values: tuple[str, ...]
    sign: Sign
    since: date
    until: date | None
    slow: bool
    version: int | None
    deployments: tuple[Deployment, ...]
    also: tuple[Sign, ...]
    p: float
    look: tuple[Query, ...]
    course: tuple[float | None, ...] = ()

    @property
    def title(self) -> str:
        """What it is about, without foreign texts."""
        most = ", ".join(self.prompts[:_MOST_NAMED])
        more = len(self.prompts) - _MOST_NAMED
        return f"{most} and {more} more" if more > 0 else most

    def told(self, mark: Mark = lambda text: f"`{text}`") -> str:
        """The problem in one sentence; texts of others go through ``mark``."""
        measure, part = self.sign.measure, self.sign.slice
        what = WORDS[measure]
        if measure == "issue":
            what = f"issue {mark(part.value)}, {what},"
        verb = "fell" if measure == "success" else "rose"
        slowly = " slowly" if self.slow else ""
        begun = "since about" if self.slow or measure == "latency" else "since"
        said = f"{self.title}: {what} {verb}{slowly} {self.sign.told()} {begun} {self.since}"
        if self.values and measure == "error":
            said += f", by errors {_list(self.values, mark)}"
        elif self.values and measure != "issue":
            only = "mostly" if not part.dimension else "only"
            said += f", {only} with {self._dimension} {_list(self.values, mark)}"
        if self.version is not None and part.dimension != "version":
            said += f", which is when v{self.version} came"
        if self.until is not None:
            said += f"; over since {self.until}"
        return said

    @property
    def _dimension(self) -> str:
        return self.sign.slice.dimension or "tag"

    def to_json(self) -> dict[str, Any]:
        """As the report's ``problems`` have it."""
        return {
            "prompts": list(self.prompts),
            "told": self.told(),
            "measure": self.sign.measure,
            "dimension": self.sign.slice.dimension or None,
            "values": list(self.values),
            "since": self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "open": self.until is None,
            "slow": self.slow,
            "version": self.version,
            "deployments": [deployment_json(one) for one in self.deployments],
            "before": self.sign.before.to_json(),
            "now": self.sign.now.to_json(),
            "also": [one.to_json() for one in self.also],
            "p": significant(self.p),
            "look": [
                {"query": query_json(one), "command": command_of(one, count=False)} for one in self.look
            ],
        }


def find_problems(year: Year, deployments: Sequence[Deployment] = ()) -> tuple[Problem, ...]:
    """Every problem of the year: those that are open first, then by how much worse it got."""
    found = [_problem(year, cause, deployments) for cause in find_causes(year)]
    return tuple(
        sorted(found, key=lambda one: (one.until is not None, one.since.toordinal() * -1, one.title))
    )


def shown(measure: Measure, value: float | None) -> str:
    """A value as people read it: a share with two digits, more where it is small; milliseconds."""
    if value is None:
        return "unknown"
    if measure == "latency":
        return f"{value:,.0f} ms"
    return f"{value:.2f}" if measure == "success" or value >= 0.1 else f"{value:.3f}"


def deployment_json(one: Deployment) -> dict[str, Any]:
    """As the report's ``deployments`` have it."""
    return {
        "day": one.day.isoformat(),
        "environment": one.environment,
        "prompt": one.prompt,
        "version": one.version,
        "commit": one.commit,
        "subject": one.subject,
    }


def _problem(year: Year, cause: Cause, deployments: Sequence[Deployment]) -> Problem:
    first = cause.first
    part, shift = first.series.slice, first.shift
    since = year.day(shift.start)
    prompts = tuple(dict.fromkeys(one.series.slice.prompt for one in cause.named))
    values = (part.value, *(one.value for one in cause.also)) if part.dimension else ()
    if not part.dimension and cause.also:
        dimension = cause.also[0].dimension
        values = tuple(one.value for one in cause.also if one.dimension == dimension)
    close = [one for one in deployments if one.prompt in prompts and abs((one.day - since).days) <= NEAR // 2]
    version = cause.version
    if version is None and part.dimension == "version":
        version = int(part.value)
    end = year.day(shift.end)
    return Problem(
        prompts=prompts,
        values=tuple(dict.fromkeys(values)),
        sign=sign_of(year, cause.named),
        since=since,
        until=None if shift.open else end,
        slow=shift.slow,
        version=version,
        deployments=tuple(close),
        also=tuple(sign_of(year, (one,)) for one in cause.signs),
        p=shift.p,
        look=tuple(_look(year, first, one, (since, end)) for one in cause.named),
        course=tuple(_point(first.series.measure, value, n) for value, n in first.series.weeks()),
    )


def _point(measure: Measure, value: float, n: int) -> float | None:
    if not n:
        return None
    return math.exp(value) if measure == "latency" else 1 - value if measure == "success" else value


def _look(year: Year, first: Finding, one: Finding, days: tuple[date, date]) -> Query:
    measure = first.series.measure
    kinds: dict[Measure, Query] = {
        "success": RATED,  # what is not good need not be bad: with three stars it is neither
        "errors": Query(kinds=("error",)),
        "error": Query(kinds=("error",)),
        "corrections": Query(kinds=("correction",)),
        "issue": Query(kinds=("rating",), sources=USERS),
        "latency": Query(kinds=year.timed.get(one.series.slice.prompt, CALLS)),
    }
    return narrowed(kinds[measure], one.series.slice, *days)


def sign_of(year: Year, findings: Sequence[Finding]) -> Sign:
    """The figures of one finding, or of the same finding of several prompts together."""
    first = findings[0]
    sides = [
        _figure(year, [(_side(year, one, past=past), one.past if past else one.now) for one in findings])
        for past in (True, False)
    ]
    return Sign(first.series.measure, first.series.slice, *sides)


def _side(year: Year, one: Finding, *, past: bool) -> Series:
    """The series that the days are of: before a version came, it is the whole prompt's."""
    series = one.series
    newcomer = series.newcomer if isinstance(series, Rates | Times) else None
    parent = year.whole(series.measure, series.slice.prompt)
    return (
        parent if past and newcomer is not None and newcomer >= one.past[1] and parent is not None else series
    )


def _figure(year: Year, sides: Sequence[tuple[Series, tuple[int, int]]]) -> Figure:
    measure = sides[0][0].measure
    if measure == "latency":
        return _latency(year, sides)
    part = whole = 0
    parts: list[Query] = []
    wholes: list[Query] = []
    for series, (first, last) in sides:
        assert isinstance(series, Rates)
        start, end = year.day(first), year.day(last)
        part += sum(series.part[first:last])
        whole += series.n(first, last)
        everyone = Slice(series.slice.prompt)
        calls = year.counted.get(everyone.prompt, ())
        queries = {
            "success": (GOOD, RATED, series.slice),
            "errors": (Query(kinds=("error",)), Query(kinds=calls or CALLS), series.slice),
            "error": (Query(kinds=("error",)), Query(kinds=calls or CALLS), everyone),
            "issue": (
                Query(kinds=("rating",), sources=USERS),
                Query(kinds=("rating",), sources=USERS),
                everyone,
            ),
            "corrections": (Query(kinds=("correction",)), Query(kinds=calls or _SAYING), series.slice),
        }[measure]
        parts.append(narrowed(queries[0], series.slice, start, end))
        wholes.append(narrowed(queries[1], queries[2], start, end))
    if measure == "success":
        part = whole - part
    names = {
        "success": ("good", "rated"),
        "issue": ("reports", "ratings"),
        "corrections": ("corrections", "calls"),
    }
    one, all_ = names.get(measure, ("errors", "calls"))
    counts = {one: Count(part, tuple(parts)), all_: Count(whole, tuple(wholes))}
    return Figure(rounded(part / whole) if whole else None, counts)


def _latency(year: Year, sides: Iterable[tuple[Series, tuple[int, int]]]) -> Figure:
    counts: dict[float, int] = {}
    queries, n = [], 0
    for series, (first, last) in sides:
        assert isinstance(series, Times)
        for value, number in series.of(first, last).items():
            counts[value] = counts.get(value, 0) + number
        # Latencies are kept by week: the days that they are of.
        begin, end = (min(SPAN, -(-day // DAYS) * DAYS) for day in (first, last))
        kinds = year.timed.get(series.slice.prompt, CALLS)
        queries.append(narrowed(Query(kinds=kinds), series.slice, year.day(begin), year.day(end)))
        n += _calls(year, series.slice, begin, end)
    return Figure(percentile_of(counts, 95), {"calls": Count(n, tuple(queries))})


def _calls(year: Year, part: Slice, first: int, last: int) -> int:
    return sum(
        cell.tally.n
        for number in range(first, last)
        for cell in year.cells.get(year.day(number), ())
        if cell.prompt == part.prompt
        and cell.kind in year.timed.get(part.prompt, CALLS)
        and (not part.dimension or str(getattr(cell, part.dimension)) == part.value)
    )


def _list(values: Sequence[str], mark: Mark) -> str:
    shown_ = ", ".join(mark(one) for one in values[:_MOST_NAMED])
    return f"{shown_} and {len(values) - _MOST_NAMED} more" if len(values) > _MOST_NAMED else shown_
