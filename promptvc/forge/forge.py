"""What promptvc asks of a forge, whichever it is: pull requests, comments, issues. Values are frozen, calls repeatable.

What promptvc writes there ends in a mark (:mod:`promptvc.forge.marks`): by it, and by who wrote it, it is found again,
and by the digest in it one sees whether a person has changed it since. What people wrote stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from promptvc.forge.marks import marked, marker_of

__all__ = [
    "KINDS",
    "MOST_COMMENT",
    "Asked",
    "Forge",
    "Kind",
    "Note",
    "Pull",
    "PullText",
    "marked",
    "marker_of",
]

Kind = Literal["github", "gitlab", "gitea"]
KINDS: tuple[Kind, ...] = ("github", "gitlab", "gitea")

MOST_COMMENT = 65_000
"""Bytes of a body without its mark. GitHub refuses more than 65,536 characters, the others more than that; a mark
takes at most :data:`promptvc.forge.marks.MOST_MARK`, so that what is rendered to this limit always fits."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request (GitLab: merge request).

    Attributes:
        number: within its repository (GitLab: ``iid``).
        title: without the words by which a forge marks a draft (``Draft:``, ``WIP:``, ``[draft]``).
        head, base: branch names, without ``refs/heads/``.
        commit: full id of the tip of ``head`` as the forge has it.
        state: ``open``, ``closed`` or ``merged``.
        fork: whether the head is in another repository.
        author: the login that opened it.
    """

    number: int
    url: str
    title: str
    head: str
    base: str
    commit: str
    state: Literal["open", "closed", "merged"]
    draft: bool
    body: str = ""
    labels: tuple[str, ...] = ()
    fork: bool = False
    author: str = ""


@dataclass(frozen=True, slots=True)
class PullText:
    """What a pull request is to say.

    Attributes:
        body: Markdown of at most :data:`MOST_COMMENT` bytes.
        marker: the body gets its mark. Of a pull request that is there already, only what is still promptvc's own is
            brought up: a title, a body, ready or draft that a person made stays. None: all is set as given.
    """

    title: str
    body: str
    draft: bool = False
    marker: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A comment, or an issue, that promptvc keeps: ``changed`` is False where it said the same already,
    ``made`` whether it was not there before.

    ``number`` is that of the issue, or of the pull request that the comment is on.
    """

    number: int
    url: str
    changed: bool = True
    made: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a review was asked of, and who could not be: each with the forge's reason."""

    reviewers: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


class Forge(Protocol):
    """One repository on one forge, as one token sees it.

    Every call may raise ``Unfinished`` (the forge cannot be reached, fails after its retries, limits us for too long),
    ``Refused`` (it says no: no right, a rule of the branch), ``NotFound`` (no such repository, number or branch),
    ``InputError`` (the token is missing or bad). A token is in no message.
    """

    kind: Kind

    @property
    def name(self) -> str:
        """``owner/repository`` (GitLab: with all groups)."""
        ...

    def default_branch(self) -> str:
        """The branch that the forge calls its default."""
        ...

    def find_pull(self, head: str, base: str) -> Pull | None:
        """The pull request of this repository's branch ``head`` onto ``base``: the open one, else the newest other."""
        ...

    def open_pulls(self, prefix: str = "") -> tuple[Pull, ...]:
        """The open pull requests whose head is a branch of this repository that begins with ``prefix``, by number."""
        ...

    def open_pull(self, head: str, base: str, text: PullText) -> Pull:
        """Open one; if there is an open one already, by whomever it was opened meanwhile, that one, updated."""
        ...

    def update_pull(self, number: int, text: PullText) -> Pull:
        """Set title, body and draft where they differ; with a marker only what nobody has changed."""
        ...

    def close_pull(self, number: int) -> Pull:
        """Close it, unmerged; closed is fine."""
        ...

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Add labels to a pull request; those that the repository does not know are made. Others stay."""
        ...

    def ask(self, number: int, users: Sequence[str], teams: Sequence[str] = ()) -> Asked:
        """Ask for reviews. The author, and who was asked or has answered already, are left out silently."""
        ...

    def comment(self, number: int, marker: str, body: str) -> Note:
        """Keep one comment of ours with ``marker`` on a pull request: the first that nobody changed, else a new one."""
        ...

    def keep_issue(self, marker: str, title: str, body: str, labels: Sequence[str] = ()) -> Note:
        """Keep one open issue of ours with ``marker``: updated, else made.

        Once a person has changed its text, that stays, and ours is kept in a comment below it.
        """
        ...

    def close_issue(self, marker: str, body: str) -> Note | None:
        """Close the open issue with ``marker``, ``body`` being its last word; None if none is open."""
        ...
