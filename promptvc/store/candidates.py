"""Candidates: proposed next versions, each on a branch of its own, ``promptvc/<name>/v<N>``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from promptvc.git.repo import Repository

_CANDIDATE = re.compile(r"(?:refs/heads|refs/remotes/[^/]+)/promptvc/(?P<name>.+)/v(?P<number>[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate branch of a prompt, local or remote-tracking: its full ref, its number and its commit."""

    ref: str
    number: int
    commit: str


def candidate_branch(name: str, number: int) -> str:
    """The branch that a candidate version is committed to."""
    return f"promptvc/{name}/v{number}"


def candidates(repository: Repository, name: str) -> list[Candidate]:
    """Every known candidate branch of a prompt, by number; local ones before remote-tracking ones."""
    found = []
    for ref, commit in {**repository.refs("refs/heads/promptvc"), **repository.refs("refs/remotes")}.items():
        parts = _CANDIDATE.fullmatch(ref)
        if parts is not None and parts["name"] == name:
            found.append(Candidate(ref, int(parts["number"]), commit))
    return sorted(found, key=lambda candidate: (candidate.number, candidate.ref))
