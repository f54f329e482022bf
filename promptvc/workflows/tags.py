"""`feedback tags`: the tags that events carry, by dimension, and those that are probably one."""

from __future__ import annotations

from typing import Any

from promptvc.analysis.tags import count, twins
from promptvc.feedback.query.selection import Query
from promptvc.workflows.answered import answered
from promptvc.workflows.gathering import known_prompt, open_facts, uncounted
from promptvc.workflows.project import Project


def tags(project: Project, name: str | None = None, *, spooled: bool = False) -> dict[str, Any]:
    """The object that `feedback tags --json` prints.

    Raises:
        NotFound: no such prompt.
    """
    known = known_prompt(project, name)
    answer: dict[str, Any] = answered(
        project,
        {"of": "tags", "name": known},
        lambda: _counted(project, known, spooled=spooled),
        spooled=spooled,
    )
    return answer


def _counted(project: Project, name: str | None, *, spooled: bool) -> dict[str, Any]:
    facts = open_facts(project, name, spooled=spooled)
    vocabulary = project.settings.feedback.tags
    found = count(facts.labelled("tag", Query(prompt=name)), vocabulary)
    words = [word for words in vocabulary.values() for word in words]
    near = twins({one.tag: one.events for one in found if one.events}, words)
    return {
        "name": name,
        "tags": [one.to_json() for one in found],
        "twins": [{**one.to_json(), "text": one.text} for one in near],
        "remarks": list(uncounted(project, name, facts)),
    }
