"""What promptvc's commits carry: the next version number, where candidates live, one style of message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from promptvc.git.repo import Repository
from promptvc.git.trailers import with_trailers
from promptvc.prompts.names import path_of
from promptvc.store.versions import Resolver

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


def next_version(repository: Repository, resolver: Resolver, name: str) -> int:
    """One more than the highest number that is known to be taken.

    Taken are the numbers in the history of main and of the current branch, deleted prompts included, and those
    on every candidate branch, by its name and by its file. A shallow clone knows only its part of history; what
    it therefore takes twice is found by ``check`` on the merge result.
    """
    taken = [0]
    blobs = {
        change.blob
        for tip in dict.fromkeys(tip for tip in (resolver.main, resolver.head) if tip is not None)
        for change in resolver.history.changes(path_of(name), tip)
        if change.blob is not None
    }
    for candidate in candidates(repository, name):
        taken.append(candidate.number)
        found = resolver.objects.at(candidate.commit, resolver.place.folder + path_of(name))
        if found is not None:
            blobs.add(found[0])
    taken += [version for version in resolver.contents.versions(blobs).values() if version is not None]
    return max(taken) + 1


def message(
    verb: str,
    name: str,
    version: int,
    detail: str = "",
    *,
    body: str = "",
    notes: Mapping[str, str] | None = None,
) -> str:
    """The message of a commit about one version: ``Train support/triage v4: +9.5 points by few_shot``.

    Args:
        verb: ``Train``, ``Deploy``, ``Roll back``, ...
        notes: further trailers without their ``Promptvc-``: ``{"Approach": "few_shot"}``.
    """
    subject = f"{verb} {name} v{version}" + (f": {detail}" if detail else "")
    pairs = [("Promptvc-Prompt", name), ("Promptvc-Version", str(version))]
    pairs += [(f"Promptvc-{key}", value) for key, value in (notes or {}).items()]
    return with_trailers(subject, body, pairs)
