"""The year behind a report: its traffic by day and slice, asked of the facts once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from promptvc.analysis.reporting.periods import WEEKS, Period, midnight
from promptvc.analysis.reporting.slices import DAYS, Measure, Rates, Series, Slice, Times
from promptvc.analysis.reporting.traces import CALLS, USERS
from promptvc.feedback.query.facts import Cell, Facts, Labelled, Latency
from promptvc.feedback.query.selection import Query

SPAN = WEEKS * DAYS
LEAST_EVENTS = 130
"""Slices with fewer events in the year are not looked at: nothing could be said of them."""
MOST_VALUES = 20
"""Of each dimension of a prompt the most frequent so many."""
NEWCOMER = 4 * DAYS
"""What comes later than so many days after the year's start is held against what it took the place of."""
AT_ONCE = SPAN // 4
"""Days of latencies asked for at once: of a busy year they are the most rows by far."""
_SAYING = ("rating", "correction")

Days = dict[int, list[int]]
"""Day of the year -> [part, whole]."""


@dataclass(frozen=True, slots=True)
class Year:
    """What the facts say of the year that ends with a period.

    Attributes:
        cells: of the year, by day.
        latencies: by day, then by prompt: milliseconds -> number of calls.
        counted: how the calls of each prompt are counted: the kinds of the events that are one each.
        timed: the kinds of the events of each prompt that tell how long a call took.
        series: all that is looked at for problems; of ``whole`` ones ``dimension`` is empty.
        small: how many slices have too few events to be looked at.
    """

    start: date
    cells: Mapping[date, Sequence[Cell]]
    latencies: Mapping[date, Mapping[str, Mapping[float, int]]]
    counted: Mapping[str, tuple[str, ...]]
    timed: Mapping[str, tuple[str, ...]]
    series: Mapping[tuple[Measure, Slice], Series]
    small: int = 0

    def day(self, number: int) -> date:
        """The date of a day of the year."""
        return self.start + timedelta(days=number)

    def whole(self, measure: Measure, prompt: str) -> Series | None:
        """The series of all of a prompt's events."""
        return self.series.get((measure, Slice(prompt)))


def read_year(facts: Facts, period: Period, prompt: str | None = None) -> Year:
    """Ask ``facts`` about the year that ends with ``period``."""
    start, end = period.window
    year = Query(prompt=prompt, since=midnight(start), until=midnight(end))
    cells = facts.cells(year)
    gathered = _Gathered(start)
    counted = counted_by(cells)
    by_day: dict[date, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_day[cell.day].append(cell)
        gathered.cell(cell, counted)
    for found in facts.labelled("tag", replace(year, sources=USERS)):
        gathered.tag(found)
    for found in facts.labelled("issue", replace(year, kinds=("rating",), sources=USERS)):
        gathered.label("issue", found)
    for found in facts.labelled("error", replace(year, kinds=("error",))):
        gathered.label("error", found)
    for first in range(0, SPAN, AT_ONCE):
        span = [midnight(start + timedelta(days=day)) for day in (first, first + AT_ONCE)]
        for one in facts.latencies(replace(year, since=span[0], until=span[1])):
            gathered.latency(one)
    timed = {prompt: tuple(sorted(kinds)) for prompt, kinds in gathered.timed.items()}
    series = gathered.series()
    return Year(start, by_day, gathered.latencies, counted, timed, series, gathered.small)


def counted_by(cells: Iterable[Cell]) -> dict[str, tuple[str, ...]]:
    """How the calls of each prompt are counted: by ``usage``, or by ``success`` and ``error``, whichever are more.

    Not at all without either: errors alone do not say out of how many.
    """
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in cells:
        kinds[cell.prompt][cell.kind] += cell.tally.n
    return {prompt: _way(found) for prompt, found in kinds.items()}


def _way(kinds: Counter[str]) -> tuple[str, ...]:
    ended = sum(kinds[kind] for kind in CALLS) if kinds["success"] else 0
    if not ended and not kinds["usage"]:
        return ()
    return CALLS if ended > kinds["usage"] else ("usage",)


class _Gathered:
    """Series under construction."""

    def __init__(self, start: date) -> None:
        self.start = start
        self.days: dict[tuple[Measure, Slice], Days] = defaultdict(dict)
        self.times: dict[Slice, list[Counter[float]]] = defaultdict(lambda: [Counter() for _ in range(WEEKS)])
        self.latencies: dict[date, dict[str, Counter[float]]] = defaultdict(lambda: defaultdict(Counter))
        self.saying: dict[str, Days] = defaultdict(dict)
        self.running: dict[str, Days] = defaultdict(dict)
        self.timed: dict[str, set[str]] = defaultdict(set)
        self.small = 0

    def cell(self, cell: Cell, counted: Mapping[str, tuple[str, ...]]) -> None:
        day, tally = (cell.day - self.start).days, cell.tally
        dimensions = (
            ("version", cell.version),
            ("model", cell.model),
            ("framework", cell.framework),
            ("technique", cell.technique),
        )
        from_users = cell.source in USERS
        calls = counted.get(cell.prompt, ())
        correction = int(cell.kind == "correction")
        whole = cell.kind in (calls or _SAYING)
        if tally.timed:
            self.timed[cell.prompt].add(cell.kind)
        if cell.kind == "rating" and from_users:
            _add(self.saying[cell.prompt], day, 0, tally.n)
        if cell.kind in calls:
            _add(self.running[cell.prompt], day, 0, tally.n)
        for part in _slices(cell.prompt, dimensions):
            if tally.rated and from_users:
                _add(self.days["success", part], day, tally.rated - tally.positive, tally.rated)
            if cell.kind == "error" or cell.kind in calls:
                failed, called = cell.kind == "error", cell.kind in calls
                _add(self.days["errors", part], day, tally.n * failed, tally.n * called)
            if (correction or whole) and part.dimension in {"", "version"}:
                _add(self.days["corrections", part], day, tally.n * correction, tally.n * whole)

    def latency(self, one: Latency) -> None:
        self.latencies[one.day][one.prompt][one.milliseconds] += one.n
        week = (one.day - self.start).days // DAYS
        for part in _slices(one.prompt, (("version", one.version), ("model", one.model))):
            self.times[part][week][one.milliseconds] += one.n

    def tag(self, found: Labelled) -> None:
        if found.tally.rated:
            day, tally = (found.day - self.start).days, found.tally
            days = self.days["success", Slice(found.prompt, "tag", found.label)]
            _add(days, day, tally.rated - tally.positive, tally.rated)

    def label(self, measure: Measure, found: Labelled) -> None:
        days = self.days[measure, Slice(found.prompt, measure, found.label)]
        _add(days, (found.day - self.start).days, found.tally.n, 0)

    def series(self) -> dict[tuple[Measure, Slice], Series]:
        """What is worth looking at, in one order."""
        volume = {key: sum(max(pair) for pair in days.values()) for key, days in self.days.items()}
        volume |= {("latency", part): sum(map(Counter.total, weeks)) for part, weeks in self.times.items()}
        found: dict[tuple[Measure, Slice], Series] = {}
        for measure, part in _frequent(volume):
            series = self._one(measure, part)
            parent = found.get((measure, Slice(part.prompt)))
            self.small += volume[measure, part] < LEAST_EVENTS and bool(part.dimension)
            if series is None or (part.dimension and parent is not None and _same(series, parent)):
                continue
            if parent is not None and part.dimension in {"version", "model", "framework", "technique"}:
                series = _after(series, parent)
            found[measure, part] = series
        return found

    def _one(self, measure: Measure, part: Slice) -> Series | None:
        if measure == "latency":
            return Times(part, [dict(week) for week in self.times[part]])
        days = self.days[measure, part]
        bad = [days.get(day, (0, 0))[0] for day in range(SPAN)]
        if measure in {"issue", "error"}:
            of = (self.saying if measure == "issue" else self.running).get(part.prompt, {})
            whole = [of.get(day, (0, 0))[1] for day in range(SPAN)]
        else:
            whole = [days.get(day, (0, 0))[1] for day in range(SPAN)]
        if measure in {"errors", "error", "corrections"} and sum(bad) > sum(whole):
            return None  # not every call is counted
        return Rates(measure, part, bad, whole) if sum(whole) >= LEAST_EVENTS else None


def _add(days: Days, day: int, part: int, whole: int) -> None:
    there = days.setdefault(day, [0, 0])
    there[0] += part
    there[1] += whole


def _slices(prompt: str, dimensions: Iterable[tuple[str, object]]) -> Iterator[Slice]:
    yield Slice(prompt)
    for dimension, value in dimensions:
        if value is not None:
            yield Slice(prompt, dimension, str(value))


def _frequent(volume: Mapping[tuple[Measure, Slice], int]) -> list[tuple[Measure, Slice]]:
    """Whole prompts before their parts; of each dimension the most frequent values."""
    kept: Counter[tuple[Measure, str, str]] = Counter()
    chosen = []
    for measure, part in sorted(volume, key=lambda key: (key[0], -volume[key], key[1])):
        kind = (measure, part.prompt, part.dimension)
        kept[kind] += 1
        if volume[measure, part] and kept[kind] <= MOST_VALUES:
            chosen.append((measure, part))
    return sorted(chosen)


def _same(series: Series, parent: Series) -> bool:
    return series.n(0, SPAN) == parent.n(0, SPAN) and series.slice.dimension not in {"issue", "error"}


def _after(series: Series, parent: Series) -> Series:
    if isinstance(series, Rates) and isinstance(parent, Rates):
        return series.after(parent, NEWCOMER)
    if isinstance(series, Times) and isinstance(parent, Times):
        return series.after(parent, NEWCOMER)
    return series
