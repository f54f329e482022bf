"""What each kind of forge has to know: single questions and single changes, in its own words.

What is made of them (find before create, update what is ours, ask again) is the same for all: :mod:`remote`. Every
call may raise :class:`promptvc.forge.line.Trouble`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from promptvc.forge.forge import Asked, Kind, Pull, PullText


@dataclass(frozen=True, slots=True)
class Thread:
    """What is talked about: a pull request or an issue. On GitLab both may have the same number."""

    on: Literal["pull", "issue"]
    number: int


@dataclass(frozen=True, slots=True)
class Comment:
    """``id`` is the forge's; ``author`` the id of an account, which unlike its login nobody else can have."""

    at: Thread
    id: int
    author: int
    body: str
    url: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue, open or not; ``author`` as of a comment."""

    number: int
    author: int
    title: str
    body: str
    url: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token it is."""

    id: int
    login: str


class Dialect(Protocol):
    """One repository on one forge. Lists are whole: pages are the dialect's business."""

    kind: Kind

    def default_branch(self) -> str:
        """The default branch."""
        ...

    def me(self) -> Account:
        """Whose token it is."""
        ...

    def pulls(
        self, *, head: str | None = None, base: str | None = None, state: Literal["open", "all"]
    ) -> list[Pull]:
        """Pull requests, newest first, of this repository's branches and of forks."""
        ...

    def pull(self, number: int) -> Pull:
        """One by number."""
        ...

    def open(self, head: str, base: str, text: PullText) -> Pull:
        """Open one."""
        ...

    def write(self, number: int, heading: tuple[str, bool] | None, body: str | None) -> None:
        """Set title and draft, which are one on most forges, or the body, or both; None stays as it is."""
        ...

    def close(self, number: int) -> None:
        """Close it."""
        ...

    def label(self, at: Thread, labels: Sequence[str]) -> None:
        """Add labels, making those that the repository does not know."""
        ...

    def asked(self, number: int) -> frozenset[str]:
        """Who was asked for a review or gave one, in small letters; teams by their slug after ``@``."""
        ...

    def ask(self, number: int, users: Sequence[str], teams: Sequence[str]) -> Asked:
        """Ask them; Trouble where the forge refuses them together."""
        ...

    def comments(self, at: Thread) -> list[Comment]:
        """All comments, oldest first."""
        ...

    def say(self, at: Thread, body: str) -> Comment:
        """Comment."""
        ...

    def edit_comment(self, comment: Comment, body: str) -> None:
        """Replace the body of a comment."""
        ...

    def issues(self, author: Account) -> list[Issue]:
        """The open issues of an author, oldest first; no pull requests."""
        ...

    def open_issue(self, title: str, body: str) -> Issue:
        """Open one."""
        ...

    def edit_issue(self, number: int, title: str | None, body: str | None) -> None:
        """Replace title, body or both; None stays as it is."""
        ...

    def close_issue(self, number: int) -> None:
        """Close it."""
        ...
