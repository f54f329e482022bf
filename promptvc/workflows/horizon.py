"""Up to when events count where nobody says so: one wrong clock must not move every window to where nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from promptvc.feedback.query.elsewhere import ELSEWHERE
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.selection import Query
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Horizon:
    """The newest event that counts.

    Attributes:
        newest: its time; None without any.
        until: events from then on do not count; None: all do.
        remarks: how many do not, for people.
    """

    newest: datetime | None
    until: datetime | None = None
    remarks: tuple[str, ...] = ()


def horizon(project: Project, facts: Facts, prompt: str | None = None, *, spooled: bool = False) -> Horizon:
    """What of ``facts`` lies before the end of the day after HEAD's, in UTC.

    Where most events lie after that, it is the commit whose clock was wrong, and all count.
    """
    day = _today(project, spooled=spooled)
    if day is None or day > date.max - timedelta(days=2):
        return Horizon(facts.witnesses(Query(prompt=prompt), limit=1).newest)
    end = datetime.combine(day + timedelta(days=2), time(), UTC)
    late = facts.witnesses(Query(prompt=prompt, since=end), limit=1)
    there = facts.witnesses(Query(prompt=prompt, until=end), limit=1)
    if late.n > there.n:
        return Horizon(late.newest)
    if not late.n or late.newest is None:
        return Horizon(there.newest)
    said = "1 event lies" if late.n == 1 else f"{late.n:,} events lie"
    counts = "it does not count" if late.n == 1 else "they do not count"
    newest = "" if late.n == 1 else "the newest "
    last = end.date() - timedelta(days=1)
    return Horizon(there.newest, end, (f"{said} after {last}, {newest}on {late.newest.date()}: {counts}",))


def day_of_head(project: Project) -> date | None:
    """The day that HEAD was committed on, in UTC; None without a commit."""
    head = project.resolver.head
    return None if head is None else project.objects.commit(head).committed.astimezone(UTC).date()


def _today(project: Project, *, spooled: bool) -> date | None:
    """The day by which events are from the future: HEAD's, of what is in no commit the clock's."""
    day = day_of_head(project)
    if not spooled and project.settings.analytics.backend not in ELSEWHERE:
        return day
    now = project.clock().astimezone(UTC).date()
    return now if day is None else max(day, now)
