"""`analyze`: what users' events say of a window of time, and what separates good answers from bad ones in it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.figures import USERS, Material, daily, grouped, trend, whole
from promptvc.analysis.patterns.mining import mine
from promptvc.analysis.patterns.versions import Edit, Step, shifts, steps
from promptvc.analysis.rates import optional
from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, InvalidDocument, StorageError
from promptvc.feedback.query.selection import Query
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import is_foreign
from promptvc.store.diff import Change, diff_prompts
from promptvc.store.references import Reference
from promptvc.workflows.answered import answered
from promptvc.workflows.gathering import known_prompt, open_facts
from promptvc.workflows.project import Project
from promptvc.workflows.span import Asked, Span, rated_days, span

MOST_SAID = 100_000
"""Scored events that patterns are looked for in, the newest."""

_EDITS = 20
_TEXT = 200


_WEEK = Asked(7)


@dataclass(frozen=True, slots=True)
class AnalyzeRequest:
    """What to analyze.

    Attributes:
        min_samples: with fewer rated events the answer is an error, and a pattern needs as many.
        spooled: whether events that are not committed count.
    """

    name: str | None = None
    window: Asked = _WEEK
    min_samples: int = 5
    spooled: bool = False


def analyze(project: Project, request: AnalyzeRequest) -> dict[str, Any]:
    """The object that `analyze --json` prints.

    Raises:
        NotFound: no such prompt, or no feedback on it.
        Usage: a time is none.
        InputError: too few rated events; the message says how many more are needed.
    """
    name = known_prompt(project, request.name)
    question = {
        "of": "analyze",
        "name": name,
        "min_samples": request.min_samples,
        **request.window.question(),
    }
    answer: dict[str, Any] = answered(
        project, question, lambda: _analysis(project, name, request), spooled=request.spooled
    )
    return answer


def _analysis(project: Project, name: str | None, request: AnalyzeRequest) -> dict[str, Any]:
    facts = open_facts(project, name, spooled=request.spooled)
    where = span(project, facts, name, request.window, spooled=request.spooled)
    cells = where.cells(facts, where.query)
    _require(where, sum(rated_days(cells, USERS).values()), request.min_samples)
    of_users = _narrowed(where.query, sources=USERS)
    material = Material(
        cells,
        facts.latencies(where.query),
        facts.labelled("tag", of_users),
        facts.labelled("tag", _narrowed(of_users, kinds=("error",))),
        facts.labelled("tag", _narrowed(of_users, kinds=("success",))),
    )
    all_ = whole(material)
    # One more than is looked at would not be told apart from exactly so many; the figures know how many there are.
    said = [
        one for one in facts.said(_narrowed(of_users, rated=True), limit=MOST_SAID) if one.score is not None
    ]
    mined = mine(said, request.min_samples)
    edits = {step: _edits(project, step) for step in steps(said, request.min_samples)}
    moved = shifts(said, request.min_samples, edits)
    return {
        "name": name,
        "since": format_time(where.since),
        "until": format_time(where.until),
        "min_samples": request.min_samples,
        **{key: value for key, value in all_.to_json().items() if key != "key"},
        "trend": optional(trend(daily(cells))),
        "by": {by: [one.to_json() for one in found] for by, found in grouped(material).items()},
        "patterns": [one.to_json() for one in mined.patterns],
        "versions": [one.to_json() for one in moved],
        "looked_at": mined.events,
        "tested": mined.tested,
        "found": mined.found,
        "list": shlex.join(("promptvc", "feedback", "list", *where.options)),
        "remarks": _remarks(where, all_.rated, mined.events),
    }


def _require(where: Span, rated: int, least: int) -> None:
    if rated >= least:
        return
    days = where.days_for(least, rated_days(where.every, USERS))
    missing = f"{least - rated:,} more"
    raise InputError(
        f"{rated:,} of {least:,} rated {'event' if least == 1 else 'events'} since"
        f" {format_time(where.since)[:10]}: {missing}{'' if days is None else f', or --days {days}'}",
        hint="promptvc feedback add and import record ratings; --min-samples asks for fewer"
        if days is None
        else f"ask with --days {days}, or with fewer --min-samples",
    )


def _narrowed(
    query: Query, *, sources: tuple[str, ...] = (), kinds: tuple[str, ...] = (), rated: bool = False
) -> Query:
    return Query(
        prompt=query.prompt,
        since=query.since,
        until=query.until,
        sources=sources or query.sources,
        kinds=kinds or query.kinds,
        outcome="rated" if rated else None,
    )


def _remarks(where: Span, rated: int, looked_at: int) -> list[str]:
    remarks = list(where.remarks)
    if looked_at < rated:
        remarks.append(f"patterns are those of the newest {looked_at:,} of {rated:,} rated events")
    return remarks


def _edits(project: Project, step: Step) -> tuple[Edit, ...] | None:
    """What was edited between two versions; None where one of them is not known here, or cannot be read."""
    name, *numbers = step
    try:
        before, after = (_version(project, name, number) for number in numbers)
    except (InputError, InvalidDocument, StorageError):
        return None
    changes = [change for change in diff_prompts(before, after) if change.path != "version"]
    return tuple(_edit(change) for change in changes[:_EDITS])


def _version(project: Project, name: str, number: int) -> Prompt:
    version = project.resolver.resolve(Reference(name, f"v{number}"))
    # A file of GitHub's format says neither name nor version: both are of its path and its history.
    given = version.name if is_foreign(version.path) else None
    return load_prompt(
        version.data, file=version.source, name=given, memo=project.memo, version=version.version
    )


def _edit(change: Change) -> Edit:
    value = change.before if change.after is None else change.after
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        value = value["text"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return Edit(change.path, change.kind, " ".join(text.split())[:_TEXT])
