"""The window of time that a question is about, and how much of the feedback lies in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, NotFound, Usage
from promptvc.feedback.query.facts import Cell, Facts
from promptvc.feedback.query.selection import Query
from promptvc.workflows.gathering import moment_of, uncounted
from promptvc.workflows.horizon import horizon
from promptvc.workflows.project import Project

_LADDER = (7, 14, 30, 60, 90, 180, 365)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which window: times as a user writes them.

    Attributes:
        days: how long it is, where ``since`` does not say when it begins.
        since, until: its beginning, inclusive, and its end, exclusive.
        as_of: what came at or after this time does not count; None: everything that is committed counts.
    """

    days: int
    since: str | None = None
    until: str | None = None
    as_of: str | None = None

    def question(self) -> dict[str, Any]:
        """As part of a question whose answer is kept."""
        return {"days": self.days, "since": self.since, "until": self.until, "as_of": self.as_of}


@dataclass(frozen=True, slots=True)
class Span:
    """A window of time with all the cells of its prompts, those before it, too.

    Where nothing says when it ends, that is the end of the day of the newest event, in UTC: windows of whole days can
    be compared, and the same commit has the same one. Events from the future are not the newest
    (:mod:`promptvc.workflows.horizon`).

    Attributes:
        remarks: what does not count, for people.
    """

    prompt: str | None
    since: datetime
    until: datetime
    every: Sequence[Cell]
    remarks: tuple[str, ...] = ()

    @property
    def query(self) -> Query:
        """The events of the window."""
        return Query(prompt=self.prompt, since=self.since, until=self.until)

    @property
    def before(self) -> Query:
        """Those of the window before it, which is as long."""
        return Query(prompt=self.prompt, since=self.since - (self.until - self.since), until=self.since)

    def cells(self, facts: Facts, query: Query) -> Sequence[Cell]:
        """The cells of ``query``, a window of this prompt; of whole days without asking once more."""
        since, until = query.since, query.until
        if since is None or until is None or not (_is_midnight(since) and _is_midnight(until)):
            return facts.cells(query)
        return [cell for cell in self.every if since.date() <= cell.day < until.date()]

    def days_for(self, wanted: int, counts: Mapping[date, int]) -> int | None:
        """The days, a round number, that have ``wanted`` of what ``counts`` counts by day; None: all are too few."""
        last = (self.until - timedelta(microseconds=1)).date()
        found = 0
        for day in sorted((day for day in counts if day <= last), reverse=True):
            found += counts[day]
            if found >= wanted:
                exact = (last - day).days + 1
                return next((days for days in _LADDER if days >= exact), exact)
        return None

    @property
    def options(self) -> tuple[str, ...]:
        """What ``promptvc feedback list`` needs to list the events of the window."""
        named = () if self.prompt is None else (self.prompt,)
        return (*named, "--since", format_time(self.since), "--until", format_time(self.until))


def span(project: Project, facts: Facts, prompt: str | None, asked: Asked, *, spooled: bool = False) -> Span:
    """The window that ``asked`` means.

    Raises:
        NotFound: there are no events.
        Usage: a time is none, or the window ends before it begins.
    """
    since, until, as_of = (moment_of(text) for text in (asked.since, asked.until, asked.as_of))
    every = facts.cells(Query(prompt=prompt))
    remarks = uncounted(project, prompt, facts)
    if not every:
        where = "" if prompt is None else f" on {prompt}"
        raise NotFound(
            f"there is no committed feedback{where}{''.join(f'; {one}' for one in remarks)}",
            hint="promptvc feedback add or import records some, and feedback commit commits it;"
            " --spooled counts what is not committed",
        )
    ends = [one for one in (until, as_of) if one is not None]
    newest = max(cell.day for cell in every)
    if not ends:
        known = horizon(project, facts, prompt, spooled=spooled)
        newest = newest if known.newest is None else known.newest.date()
        remarks += known.remarks
    try:
        end = min(ends) if ends else _midnight(newest + timedelta(days=1))
        start = since or end - timedelta(days=asked.days)
        _ = start - (end - start)
    except OverflowError as error:
        raise InputError("the window begins before the year 1", hint="fewer --days") from error
    if start >= end:
        raise Usage(f"the window begins at {format_time(start)} and ends at {format_time(end)}")
    return Span(prompt, start, end, every, remarks)


def rated_days(cells: Iterable[Cell], sources: Sequence[str]) -> dict[date, int]:
    """How many events of these sources have a score, by day."""
    found: dict[date, int] = {}
    for cell in cells:
        if cell.source in sources and cell.tally.rated:
            found[cell.day] = found.get(cell.day, 0) + cell.tally.rated
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _is_midnight(moment: datetime) -> bool:
    return moment == _midnight(moment.date())
