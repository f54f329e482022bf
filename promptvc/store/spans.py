"""A stretch of a prompt's history: the versions from one to another, the oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.base.errors import NotFound, Usage
from promptvc.store.references import parse_reference
from promptvc.store.versions import LogEntry, Resolver


def versions_between(resolver: Resolver, name: str, first: str | None, last: str | None) -> list[LogEntry]:
    """The versions of ``name`` from ``first`` to ``last``, both of them too; by default the oldest and the newest.

    Args:
        first, last: a revision of the prompt, as ``v1``, ``@v1``, or ``NAME@v1``.

    Raises:
        NotFound: no such prompt or revision, one that is in no history, or a shallow clone, which cannot know.
        Usage: ``first`` is not older than ``last``.
    """
    entries = resolver.log(name)[::-1]
    if not entries:
        raise NotFound(f"no version of {name} is committed", hint=f"promptvc commit {name} -m TEXT")
    start = 0 if first is None else _position(resolver, name, entries, first)
    end = len(entries) - 1 if last is None else _position(resolver, name, entries, last)
    if start >= end and first is not None:
        raise Usage(
            f"v{entries[start].version} of {name} is not older than v{entries[end].version}",
            hint=f"promptvc log {name} shows their order",
        )
    return entries[start : end + 1]


def _position(resolver: Resolver, name: str, entries: Sequence[LogEntry], given: str) -> int:
    revision = given.removeprefix(f"{name}@").removeprefix("@")
    version = resolver.resolve(parse_reference(f"{name}@{revision}"))
    for at, entry in enumerate(entries):
        if entry.digest == version.digest:
            return at
    raise NotFound(
        f"what {name} says in {given} is no version in its history",
        hint=f"promptvc log {name} shows them",
    )
