"""What promptvc's commits carry: the next version number, and one style of message."""

from __future__ import annotations

from collections.abc import Mapping

from promptvc.git.repo import Repository
from promptvc.git.trailers import with_trailers
from promptvc.prompts.names import path_of
from promptvc.store.candidates import candidates
from promptvc.store.versions import Resolver


def next_version(repository: Repository, resolver: Resolver, name: str, tip: str | None = None) -> int:
    """One more than the highest number that is known to be taken.

    Taken are the numbers in the history of main, of main as it was last fetched, of the current branch and of
    ``tip`` (a commit), deleted prompts included, and those on every candidate branch, by its name and by its file.
    A shallow clone knows only its part of history; what it therefore takes twice is found by ``check`` on the merge
    result.
    """
    taken = [0]
    blobs = {
        change.blob
        for commit in dict.fromkeys((resolver.main, resolver.fetched_main, resolver.head, tip))
        if commit is not None
        for change in resolver.history.changes(path_of(name), commit)
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
    place: str = "",
    body: str = "",
    notes: Mapping[str, str] | None = None,
) -> str:
    """The message of a commit about one version: ``Train support/triage v4: +9.5 points by few_shot``.

    Args:
        verb: ``Train``, ``Deploy``, ``Roll back to``, ...
        place: such as ``to production``.
        notes: further trailers without their ``Promptvc-``: ``{"Approach": "few_shot"}``.
    """
    subject = f"{verb} {name} v{version}" + (f" {place}" if place else "") + (f": {detail}" if detail else "")
    pairs = [("Promptvc-Prompt", name), ("Promptvc-Version", str(version))]
    pairs += [(f"Promptvc-{key}", value) for key, value in (notes or {}).items()]
    return with_trailers(subject, body, pairs)
