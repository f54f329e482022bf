"""`log`: the versions of a prompt, with what evidence says of each."""

from __future__ import annotations

from promptvc.evidence.records import VersionKey
from promptvc.store.references import parse_reference
from promptvc.store.verdicts import newest, verdicts_of
from promptvc.workflows.logged import Logged, as_logged
from promptvc.workflows.project import Project

__all__ = ["Logged", "log", "remark"]


def remark(project: Project, name: str) -> str | None:
    """Where the numbers come from, where a file does not say them."""
    path = project.resolver.lying(parse_reference(name).name)
    if path is None:
        return None
    return f"{path} says no version: its contents on main are counted, then those that only this branch has"


def log(project: Project, name: str) -> tuple[Logged, ...]:
    """The versions of ``name``, newest first, with what evidence says of each."""
    reference = parse_reference(name)
    entries = project.resolver.log(reference.name, reference.revision)
    commits = project.resolver.head, project.main_commit
    evidence = newest(verdicts_of(project.resolver, reference.name, *commits))
    return tuple(
        as_logged(entry, evidence.get(VersionKey(reference.name, entry.version, entry.digest)))
        for entry in entries
    )
