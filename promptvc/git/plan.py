"""What to commit, how, and what came of it: values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What a commit shall change: top-relative posix path -> new content, None deletes; and its message.

    A file keeps its executable bit. Symbolic links and submodules are refused, as is a file in a folder's place.
    ``merged`` is the id of a commit that becomes the second parent: what it brings has to be among the changes. Then
    there is a commit also when nothing changes.
    """

    changes: Mapping[str, bytes | None]
    message: str
    merged: str | None = None


Build = Callable[[str | None], Plan | None]


@dataclass(frozen=True, slots=True)
class CommitOptions:
    """How to commit.

    ``start``: the revision where a new branch begins; without it a new branch has no history.
    ``author``: ``Name <mail>`` in place of the configured one. ``now``: the date of author and committer.
    ``sign``: in place of ``commit.gpgsign``. ``no_verify``: without the user's hooks.
    ``timeout_s``: how long to wait for another process of ours. ``attempts``: how often to build, when other tools
    move the branch meanwhile.
    """

    start: str | None = None
    author: str | None = None
    now: datetime | None = None
    sign: bool | None = None
    no_verify: bool = False
    timeout_s: float = 30.0
    attempts: int = 50


@dataclass(frozen=True, slots=True)
class Committed:
    """The commit that the branch is at now, and where it was before (None: nowhere).

    ``changed`` is False when there was nothing to commit: ``commit`` is then the one that was there. ``branch`` is
    None for a detached HEAD. ``kept`` are paths whose file was left as it was because it held other edits.
    """

    commit: str
    branch: str | None
    previous: str | None
    kept: tuple[str, ...] = ()
    changed: bool = True
