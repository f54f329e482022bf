"""`stats`: what each prompt did, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptvc.analysis.patterns.mining import mine
from promptvc.analysis.ranking.evidence import Evidence
from promptvc.analysis.ranking.measures import measures
from promptvc.analysis.ranking.recommend import events_of
from promptvc.base.clock import format_time
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.selection import Query
from promptvc.workflows.answered import answered
from promptvc.workflows.gathering import known_prompt
from promptvc.workflows.indexed import committed
from promptvc.workflows.project import Project
from promptvc.workflows.ranked import USERS, Lazily, known

EDITION = 2
MOST_SAID = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt: its plain figures as an object, and its evidence."""

    figures: Mapping[str, Any]
    evidence: Evidence

    def to_json(self) -> dict[str, Any]:
        """As `stats --json` prints it."""
        told = self.evidence.to_json()
        return {
            "name": told["name"],
            "version": told["version"],
            **self.figures,
            "relevance": told["relevance"],
            "estimate": told["success"],
            "averages": told["averages"],
            "list": events_of(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class Statistics:
    """All prompts, those with the most events first, their totals, and what else the reader should know.

    ``patterns``: what separates good events from bad, strongest first, as objects; None where nobody asked.
    """

    as_of: str | None
    adapted: bool
    reason: str | None
    totals: Mapping[str, Any]
    prompts: tuple[Row, ...]
    patterns: Sequence[Mapping[str, Any]] | None
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `stats --json` prints it."""
        value = {
            "as_of": self.as_of,
            "adapted": self.adapted,
            "reason": self.reason,
            "totals": dict(self.totals),
            "prompts": [one.to_json() for one in self.prompts],
            "remarks": list(self.remarks),
        }
        return value if self.patterns is None else value | {"patterns": list(self.patterns)}


def stats(
    project: Project, name: str | None = None, as_of: str | None = None, *, patterns: bool = False
) -> Statistics:
    """What the prompts of HEAD did, or one of them.

    Args:
        patterns: also look for what separates good events from bad, in the newest 100,000 that have a score.

    Raises:
        NotFound: nothing is committed, or there is no such prompt.
    """
    wanted = known_prompt(project, name)
    prompts = committed(project)
    facts = Lazily(project)
    found = known(project, prompts, as_of, facts)
    until = found.until
    question = {"of": "stats", "edition": EDITION, "name": wanted}
    question["until"] = None if until is None else format_time(until)
    query = Query(prompt=wanted, until=until)
    told = answered(project, question, lambda: _figures(facts(), query))
    rows = tuple(
        Row(told["prompts"].get(one.name, told["none"]), one)
        for one in found.prompts.values()
        if wanted in {None, one.name}
    )
    ordered = sorted(rows, key=lambda row: (-row.figures["events"], row.evidence.name))
    remarks = list(found.remarks)
    if found.reason is not None:
        remarks.append(f"plain shares, nothing adapted: {found.reason}")
    separating = None
    if patterns:
        asked = question | {"of": "stats patterns"}
        separating = answered(project, asked, lambda: _patterns(facts(), query))
    return Statistics(
        found.as_of, found.adapted, found.reason, told["totals"], tuple(ordered), separating, tuple(remarks)
    )


def _figures(facts: Facts, query: Query) -> dict[str, Any]:
    whole, each = measures(facts.cells(query), facts.latencies(query))
    nothing, _ = measures((), ())
    return {
        "totals": whole.to_json(),
        "prompts": {name: one.to_json() for name, one in each.items()},
        "none": nothing.to_json(),
    }


def _patterns(facts: Facts, query: Query) -> list[dict[str, Any]]:
    said = facts.said(replace(query, sources=USERS, outcome="rated"), limit=MOST_SAID)
    return [one.to_json() for one in mine(said).patterns]
