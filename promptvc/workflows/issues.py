"""`issues`: the reported issues of a prompt, ranked."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import Any

from promptvc.analysis.figures import USERS
from promptvc.analysis.issues import Period, rank
from promptvc.base.clock import format_time
from promptvc.feedback.query.facts import Facts
from promptvc.feedback.query.selection import Query
from promptvc.workflows.answered import answered
from promptvc.workflows.gathering import known_prompt, open_facts
from promptvc.workflows.project import Project
from promptvc.workflows.span import Asked, Span, span

_KIND = ("rating",)
_MONTH = Asked(30)


@dataclass(frozen=True, slots=True)
class IssuesRequest:
    """Of which prompt, in which window; ``spooled``: whether events that are not committed count."""

    name: str
    window: Asked = _MONTH
    spooled: bool = False


def issues(project: Project, request: IssuesRequest) -> dict[str, Any]:
    """The object that `issues --json` prints: ratings that report issues, by issue.

    Raises:
        NotFound: no such prompt, or no feedback on it.
        Usage: a time is none.
    """
    name = known_prompt(project, request.name)
    question = {"of": "issues", "name": name, **request.window.question()}
    answer: dict[str, Any] = answered(
        project, question, lambda: _ranking(project, name, request), spooled=request.spooled
    )
    return answer


def _ranking(project: Project, name: str | None, request: IssuesRequest) -> dict[str, Any]:
    facts = open_facts(project, name, spooled=request.spooled)
    where = span(project, facts, name, request.window, spooled=request.spooled)
    now, before = (_period(facts, where, query) for query in (where.query, where.before))
    said = [one for one in facts.said(_ratings(where.query)) if one.kind == "rating"]
    found = rank(now, before, said)
    vocabulary = project.settings.feedback.issues
    strange = [one.issue for one in found if vocabulary and one.issue not in vocabulary]
    return {
        "name": name,
        "since": format_time(where.since),
        "until": format_time(where.until),
        "ratings": now.whole.n,
        "rated": now.whole.rated,
        "ratings_before": before.whole.n,
        "issues": [one.to_json() for one in found],
        "list": shlex.join(("promptvc", "feedback", "list", *where.options, "--kind", "rating")),
        "remarks": [*where.remarks, *(f"{issue} is not among feedback.issues" for issue in strange)],
    }


def _ratings(query: Query) -> Query:
    return replace(query, kinds=_KIND, sources=USERS)


def _period(facts: Facts, where: Span, query: Query) -> Period:
    cells = [cell for cell in where.cells(facts, query) if cell.kind in _KIND]
    return Period(cells, facts.labelled("issue", _ratings(query)))
