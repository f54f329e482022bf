"""`log`: the versions of a prompt, with what evidence says of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.base.clock import format_time
from promptvc.evidence.records import VersionKey
from promptvc.store.references import parse_reference
from promptvc.store.verdicts import newest, verdicts_of
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Logged:
    """One version in a prompt's history; the last three are None without evidence. ``score`` is 0..1."""

    version: int
    digest: str
    commit: str
    time: str
    author: str
    subject: str
    approach: str | None
    verdict: str | None
    score: float | None

    def to_json(self) -> dict[str, Any]:
        """As `log --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


def log(project: Project, name: str) -> tuple[Logged, ...]:
    """The versions of ``name``, newest first, with what evidence says of each."""
    reference = parse_reference(name)
    entries = project.resolver.log(reference.name, reference.revision)
    commits = project.resolver.head, project.main_commit
    evidence = newest(verdicts_of(project.resolver, reference.name, *commits))
    logged = []
    for entry in entries:
        found = evidence.get(VersionKey(reference.name, entry.version, entry.digest))
        logged.append(
            Logged(
                version=entry.version,
                digest=entry.digest,
                commit=entry.commit,
                time=format_time(entry.time),
                author=entry.author,
                subject=entry.subject,
                approach=found.approach if found else None,
                verdict=found.verdict if found else None,
                score=found.score.candidate if found and found.score else None,
            )
        )
    return tuple(logged)
