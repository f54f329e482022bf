"""One version in a prompt's history with what evidence says of it: what `log` and its graph share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.base.clock import format_time
from promptvc.store.verdicts import Verdict
from promptvc.store.versions import LogEntry


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


def as_logged(entry: LogEntry, verdict: Verdict | None) -> Logged:
    """A version with what evidence says of it."""
    return Logged(
        version=entry.version,
        digest=entry.digest,
        commit=entry.commit,
        time=format_time(entry.time),
        author=entry.author,
        subject=entry.subject,
        approach=verdict.approach if verdict else None,
        verdict=verdict.verdict if verdict else None,
        score=verdict.score.candidate if verdict and verdict.score else None,
    )
