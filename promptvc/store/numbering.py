"""Which content owns which version number in the history of a branch.

On the chain of first parents the first content with a number owns it: that is what main ran first, whatever was
merged or edited later. Numbers that only ever stood on merged side branches belong to the last content they had
there. The commit named for a version is the one that first brought its bytes, so that a merged version is
credited to who wrote it, not to who merged it. A version edited several times before it reached main is one
version, with the content that reached main.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promptvc.store.contents import Contents
from promptvc.store.history import Change, History


@dataclass(frozen=True, slots=True)
class Owned:
    """A version number and the content that owns it. ``change`` is the commit that brought the content."""

    version: int
    blob: str
    change: Change


@dataclass(frozen=True, slots=True)
class Reuse:
    """A number with two contents on the chain of first parents: ``owner`` was first, ``change`` took it again."""

    version: int
    owner: str
    change: Change


def owned_versions(history: History, contents: Contents, path: str, tip: str) -> dict[int, Owned]:
    """Version -> owner in the history of ``tip``, for the file ``path`` (from the prompt root).

    The history must not be cut off: see :meth:`History.require_whole`.
    """
    every = history.changes(path, tip)
    origins = _origins(every)
    versions = contents.versions(origins)
    owners: dict[int, str] = {}
    for change in reversed(history.changes(path, tip, first_parent=True)):
        version = versions[change.blob] if change.blob is not None else None
        if version is not None and change.blob is not None:
            owners.setdefault(version, change.blob)
    for change in every:
        version = versions[change.blob] if change.blob is not None else None
        if version is not None and change.blob is not None:
            owners.setdefault(version, change.blob)
    return {version: Owned(version, blob, origins[blob]) for version, blob in owners.items()}


def counted_versions(history: History, path: str, tips: Iterable[str]) -> list[Owned]:
    """The versions of a file that says none: its contents, counted as the chains of first parents of ``tips`` had them.

    The first tip comes first, oldest content first; what a later tip has besides is counted on. The histories must not
    be cut off.
    """
    found: dict[str, Owned] = {}
    for tip in tips:
        origins = _origins(history.changes(path, tip))
        for change in reversed(history.changes(path, tip, first_parent=True)):
            if change.blob is not None and change.blob not in found:
                found[change.blob] = Owned(len(found) + 1, change.blob, origins[change.blob])
    return list(found.values())


def owning(
    history: History, contents: Contents, files: Iterable[tuple[str, str]], tip: str
) -> set[tuple[str, str]]:
    """Of (path from the prompt root, content): those that own their version number in the history of ``tip``.

    Where that history is cut off, the part of it that is there decides.
    """
    there = history.held(set(files), tip)
    numbers = contents.versions(blob for _, blob in there)
    numbered = {(path, blob): version for path, blob in there if (version := numbers[blob]) is not None}
    rivals = history.perhaps_numbered({(path, version) for (path, _), version in numbered.items()}, tip)
    versions = contents.versions(blob for blobs in rivals.values() for blob in blobs)

    def owns(path: str, blob: str, version: int) -> bool:
        if sum(versions[other] == version for other in rivals[path, version]) == 1:
            return True
        return owned_versions(history, contents, path, tip)[version].blob == blob

    return {(path, blob) for (path, blob), version in numbered.items() if owns(path, blob, version)}


def reused_versions(history: History, contents: Contents, path: str, tip: str) -> list[Reuse]:
    """Every time that the chain of first parents gave a number to a second content, oldest first."""
    changes = history.changes(path, tip, first_parent=True)
    versions = contents.versions(change.blob for change in changes if change.blob is not None)
    owners: dict[int, str] = {}
    found: dict[tuple[int, str], Reuse] = {}
    for change in reversed(changes):
        version = versions[change.blob] if change.blob is not None else None
        if version is None or change.blob is None:
            continue
        owner = owners.setdefault(version, change.blob)
        if owner != change.blob:
            found.setdefault((version, change.blob), Reuse(version, owner, change))
    return list(found.values())


def _origins(changes: Iterable[Change]) -> dict[str, Change]:
    """Content -> the oldest change that brought it. ``changes`` come newest first."""
    return {change.blob: change for change in changes if change.blob is not None}
