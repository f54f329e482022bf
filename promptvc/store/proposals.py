"""Proposing a candidate: its content on a branch of its own, numbered, and the same content only once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from promptvc.base.errors import GitError, Refused
from promptvc.git.commits import CommitOptions, Plan, commit
from promptvc.git.objects import blob_id
from promptvc.git.refs import create_branch, delete_branch
from promptvc.git.remotes import Transfer, fetch, push
from promptvc.git.repo import Repository
from promptvc.prompts.edit import with_version
from promptvc.prompts.names import path_of
from promptvc.store.candidates import Candidate, candidate_branch, candidates
from promptvc.store.commits import next_version
from promptvc.store.versions import Resolver, Version


@dataclass(frozen=True, slots=True)
class Proposed:
    """A candidate on its branch; ``again`` when the same content was proposed before."""

    version: int
    digest: str
    branch: str
    commit: str
    again: bool = False


Describe = Callable[[int, str], tuple[Mapping[str, bytes], str]]
"""Given version and digest: the files (from the top) that go with the prompt, and the message."""


def propose(resolver: Resolver, baseline: Version, unnumbered: bytes, describe: Describe) -> Proposed:
    """Commit a candidate that starts from main; from the baseline's commit where main has another version by now.

    Else merging would undo that version without a word.

    Args:
        unnumbered: its content, with the number of ``baseline`` in it.

    Raises:
        GitError, Busy, StorageError: nothing was moved.
    """
    while True:
        known = _known(resolver, baseline, unnumbered)
        if known is not None:
            return known
        try:
            return _propose(resolver, baseline, unnumbered, describe)
        except _Taken:
            continue  # another process was faster with this number: the next one is free, or was a moment ago


class _Taken(GitError):
    """The branch was made meanwhile."""


def _propose(resolver: Resolver, baseline: Version, unnumbered: bytes, describe: Describe) -> Proposed:
    repository, start = resolver.repository, _start(resolver, baseline)
    path = path_of(baseline.name)
    number = next_version(repository, resolver, baseline.name)
    if _known(resolver, baseline, unnumbered) is not None:
        # Another process made the same between the first look and the count: its number is below this one.
        raise _Taken("the same candidate was made meanwhile", hint="run the command again")
    data = with_version(unnumbered, number, file=path)
    digest = blob_id(data, repository.object_format)
    branch = candidate_branch(baseline.name, number)
    files, message = describe(number, digest)

    def build(tip: str | None) -> Plan:
        if tip != start:
            raise _Taken(f"the branch {branch} was made meanwhile", hint="run the command again")
        return Plan({resolver.place.folder + path: data, **files}, message)

    # The branch is nobody's working place: hooks that look at one have no business here.
    done = commit(repository, branch, build, options=CommitOptions(start=start, no_verify=True))
    return Proposed(number, digest, branch, done.commit)


def _start(resolver: Resolver, baseline: Version) -> str | None:
    latest = resolver.latest(baseline.name)
    same = latest is None or latest.digest == baseline.digest or baseline.commit is None
    return resolver.main if same else baseline.commit


def publish(
    resolver: Resolver, baseline: Version, unnumbered: bytes, describe: Describe, remote: str
) -> tuple[Proposed, Transfer]:
    """:func:`propose`, and push the branch: under a later number if another clone took the number meanwhile.

    Returns:
        The candidate, and how its push ended; the candidate is there whatever the remote said.

    Raises:
        GitError, Busy, StorageError: as from :func:`propose`.
    """
    repository = resolver.repository
    for _ in range(5):
        _fetch(repository, baseline.name, remote)
        made = propose(resolver, baseline, unnumbered, describe)
        theirs = f"refs/remotes/{remote}/{made.branch}"
        done = push(repository, remote, f"refs/heads/{made.branch}")
        if done.ok or made.again:
            return made, done
        _fetch(repository, baseline.name, remote)
        if repository.resolve(theirs) in {None, made.commit}:
            return made, done
        delete_branch(repository, made.branch, made.commit)
    return made, done


def _fetch(repository: Repository, name: str, remote: str) -> None:
    """Learn which numbers the remote's candidates have; where it cannot be reached the push will say so."""
    branches = f"{candidate_branch(name, 0).removesuffix('0')}*"
    fetch(repository, remote, f"+refs/heads/{branches}:refs/remotes/{remote}/{branches}")


def waiting(resolver: Resolver, baseline: Version, unnumbered: bytes | None) -> list[str]:
    """Branches of other candidates that were not merged yet: newer than ``baseline``, and not ``unnumbered``."""
    found: dict[int, str] = {}
    for one in candidates(resolver.repository, baseline.name):
        if one.number > baseline.version and _content(resolver, baseline, one) not in {None, unnumbered}:
            found.setdefault(one.number, one.ref.removeprefix("refs/heads/").removeprefix("refs/remotes/"))
    return [branch for _, branch in sorted(found.items())]


def _content(resolver: Resolver, baseline: Version, one: Candidate) -> bytes | None:
    """A candidate's content with the number of ``baseline`` in it; None where its branch has no such prompt."""
    path = path_of(baseline.name)
    found = resolver.objects.at(one.commit, resolver.place.folder + path)
    return None if found is None else with_version(found[1], baseline.version, file=path)


def _known(resolver: Resolver, baseline: Version, unnumbered: bytes) -> Proposed | None:
    """The candidate that differs from ``unnumbered`` in nothing but its number; its branch is here then."""
    repository = resolver.repository
    for one in candidates(repository, baseline.name):
        if _content(resolver, baseline, one) != unnumbered:
            continue
        branch = candidate_branch(baseline.name, one.number)
        if repository.resolve(f"refs/heads/{branch}") is None:
            with suppress(Refused):  # another process may be faster
                create_branch(repository, branch, one.commit)  # only a remote had it
        if repository.resolve(f"refs/heads/{branch}") != one.commit:
            continue
        found = resolver.objects.at(one.commit, resolver.place.folder + path_of(baseline.name))
        assert found is not None
        return Proposed(one.number, found[0], branch, one.commit, again=True)
    return None
