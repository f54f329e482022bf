"""Events as they are: list them, and count what they say."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.summary import summarize
from promptvc.base.clock import format_time
from promptvc.base.errors import Usage
from promptvc.feedback.events import Event
from promptvc.feedback.fields import KINDS
from promptvc.feedback.query.selection import Outcome, Query, select
from promptvc.workflows.gathering import (
    known_prompt,
    moment_of,
    open_facts,
    read_events,
    uncounted,
    unreadable,
)
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which events: all conditions must hold; times are text as a user writes them.

    Attributes:
        kind, source, version, tag, issue, error_type: what the event says, one of several kinds or sources;
            ``model``, ``framework`` and ``technique``: what its context says.
        outcome: ``good`` or ``bad`` by its score, or ``rated``: any score.
        limit: only the newest so many.
        spooled: also events that are not committed.
    """

    kind: str | tuple[str, ...] | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int | None = None
    spooled: bool = False
    source: str | tuple[str, ...] | None = None
    version: int | None = None
    model: str | None = None
    framework: str | None = None
    technique: str | None = None
    issue: str | None = None
    error_type: str | None = None
    outcome: Outcome | None = None

    def query(self, prompt: str | None) -> Query:
        """The same, as what events are asked.

        Raises:
            Usage: there is no such kind, or a time is none.
        """
        kinds = _several(self.kind)
        for kind in kinds:
            if kind not in KINDS:
                near = difflib.get_close_matches(kind.lower(), KINDS, n=1)
                hint = f"did you mean {near[0]}?" if near else f"the kinds are: {', '.join(KINDS)}"
                raise Usage(f"there is no kind of event {kind!r}", hint=hint)
        return Query(
            prompt=prompt,
            kinds=kinds,
            sources=_several(self.source),
            versions=() if self.version is None else (self.version,),
            tags=(self.tag,) if self.tag else (),
            since=moment_of(self.since),
            until=moment_of(self.until),
            model=self.model,
            framework=self.framework,
            technique=self.technique,
            issue=self.issue,
            error=self.error_type,
            outcome=self.outcome,
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """Events, oldest first, and what else the reader should know."""

    events: tuple[Event, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counting:
    """How many events, and what else the reader should know."""

    n: int
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts and rates, as `feedback summary --json` prints them, and what else the reader should know."""

    figures: dict[str, Any]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Brief:
    """One event in a line."""

    time: str
    prompt: str
    kind: str
    score: str
    words: str


def list_events(project: Project, name: str | None, request: ListRequest) -> tuple[Event, ...]:
    """Committed events (of HEAD), oldest first, and with ``spooled`` the others too."""
    return browse(project, name, request).events


def browse(project: Project, name: str | None, request: ListRequest) -> Listing:
    """As :func:`list_events`, with remarks on what could not be read and what is spooled only.

    Raises:
        Usage: there is no such kind, or a time is none.
        NotFound: there is neither such a prompt nor feedback on it.
    """
    query = request.query(known_prompt(project, name))
    bars = project.settings.feedback
    reading = read_events(project, name, spooled=request.spooled)
    found = sorted(select(reading.events, query, bars), key=lambda event: (event.time, event.id))
    remarks = unreadable(reading)
    if not found and not request.spooled:
        everything = read_events(project, name, spooled=True).events
        remarks += _spooled(sum(1 for _ in select(everything, query, bars)))
    return Listing(tuple(found[-request.limit :] if request.limit else found), remarks)


def count_events(project: Project, name: str | None, request: ListRequest) -> Counting:
    """How many events a list would have; a rollup counts for all that it stands for.

    Raises:
        Usage, NotFound: as :func:`browse`.
    """
    query = request.query(known_prompt(project, name))
    facts = open_facts(project, name, spooled=request.spooled)
    return Counting(facts.witnesses(query, limit=1).n, uncounted(project, name, facts))


def summary(project: Project, name: str | None) -> dict[str, Any]:
    """Counts and rates of committed and spooled events: `feedback summary --json`."""
    return tally(project, name).figures


def tally(project: Project, name: str | None) -> Tally:
    """As :func:`summary`, with remarks on what could not be read."""
    known_prompt(project, name)
    facts = open_facts(project, name, spooled=True)
    figures = summarize(facts.counts()).to_json()
    return Tally(figures, uncounted(project, name, facts))


def brief(event: Event) -> Brief:
    """One event in a line, for a table."""
    score = event.score
    return Brief(
        time=format_time(event.time)[:16].replace("T", " "),
        prompt=event.prompt,
        kind=event.kind,
        score="" if score is None else f"{score:.2f}",
        words=event.words,
    )


def _several(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) and given else tuple(given or ())


def _spooled(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        "1 event is spooled: --spooled shows it"
        if count == 1
        else f"{count:,} events are spooled: --spooled shows them",
    )
