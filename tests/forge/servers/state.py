"""What the three fake forges hold in common: people, pull requests, issues, comments, over one bare repository."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.forge.servers.repository import Bare

Rights = Literal["write", "read", "none"]

ADA = "token-of-ada-0123456789abcdef"
"""A person who may write; her login is ``ada``."""

BOT = "token-of-the-job-0123456789abcdef"
"""The token of a CI job. GitHub: of ``github-actions[bot]``, for which ``GET /user`` is refused."""

RITA = "token-of-rita-0123456789abcdef"
"""A person who may only read; her login is ``rita``."""

EVE = "token-of-eve-0123456789abcdef"
"""A person of another place; her login is ``eve``."""


@dataclass
class Account:
    """Who can be named, and with a token also act. ``kind`` ``bot``: an app, or the token of a CI job."""

    login: str
    id: int
    rights: Rights = "none"
    token: str | None = None
    kind: Literal["user", "bot"] = "user"


@dataclass
class Comment:
    """On a pull request or an issue ``of`` that number; ``on`` tells the two apart where their numbers overlap."""

    id: int
    of: int
    on: Literal["pull", "issue"]
    author: Account
    body: str
    edits: int = 0


@dataclass
class Issue:
    """``state``: ``open`` or ``closed``."""

    number: int
    id: int
    title: str
    body: str
    author: Account
    state: str = "open"
    labels: list[str] = field(default_factory=list)


@dataclass
class Pull(Issue):
    """``commit`` follows the branch while the pull request is open; ``merge_commit`` is what merging made.

    ``fork``: the ``owner/name`` whose branch ``head`` is; None for this repository.
    """

    head: str = ""
    base: str = ""
    commit: str = ""
    draft: bool = False
    merged: bool = False
    merge_commit: str | None = None
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    reviews: list[tuple[str, str]] = field(default_factory=list)
    fork: str | None = None


class Hosted:
    """One repository, ``owner/name``, as a forge hosts it. ``one_count``: issues and pull requests share numbers."""

    def __init__(self, bare: Path, name: str, *, one_count: bool = True) -> None:
        self.git = Bare(bare)
        self.name = name
        self.owner, self.short = name.rsplit("/", 1)
        self.private = False
        self.protected: set[str] = set()
        self.pulls: list[Pull] = []
        self.issues: list[Issue] = []
        self.comments: list[Comment] = []
        self.labels: dict[str, str] = {"bug": "d73a4a"}
        self.teams: set[str] = {"reviewers"}
        self.accounts: dict[str, Account] = {}
        self._ids = itertools.count(1001)
        self._numbers = itertools.count(1)
        self._pull_numbers = self._numbers if one_count else itertools.count(1)
        for login, rights, token in (
            ("ada", "write", ADA),
            ("rita", "read", RITA),
            ("eve", "none", EVE),
            ("bob", "write", None),
            ("carol", "write", None),
        ):
            self.add(login, rights, token)  # type: ignore[arg-type]

    def add(
        self,
        login: str,
        rights: Rights = "write",
        token: str | None = None,
        *,
        kind: Literal["user", "bot"] = "user",
        id: int | None = None,  # noqa: A002
    ) -> Account:
        """A new account; ``token`` lets it act."""
        account = Account(login, id or next(self._ids), rights, token, kind)
        self.accounts[login] = account
        return account

    def who(self, token: str | None) -> Account | None:
        """Whose token this is."""
        return next((one for one in self.accounts.values() if token and one.token == token), None)

    def refresh(self) -> None:
        """Bring pull requests up with the branches: tips move, heads vanish, merges done by hand are noticed."""
        for pull in self.pulls:
            if pull.state != "open" or pull.fork:
                continue
            tip, base = self.git.tip(pull.head), self.git.tip(pull.base)
            if tip is None or base is None:
                pull.state = "closed"
                continue
            if tip != pull.commit or base != tip:
                pull.commit = tip
            if self.git.is_ancestor(tip, base):
                pull.state, pull.merged, pull.merge_commit = "closed", True, base

    def open_pull(self, head: str, base: str, title: str, body: str, author: Account) -> Pull:
        """A new one; the caller has checked."""
        tip = self.git.tip(head)
        assert tip is not None
        pull = Pull(
            next(self._pull_numbers), next(self._ids), title, body, author, head=head, base=base, commit=tip
        )
        self.pulls.append(pull)
        return pull

    def add_issue(self, title: str, body: str, author: Account, labels: list[str] | None = None) -> Issue:
        """A new issue."""
        issue = Issue(next(self._numbers), next(self._ids), title, body, author, labels=list(labels or []))
        self.issues.append(issue)
        return issue

    def add_comment(self, of: int, on: Literal["pull", "issue"], author: Account, body: str) -> Comment:
        """A new comment."""
        comment = Comment(next(self._ids), of, on, author, body)
        self.comments.append(comment)
        return comment

    def pull(self, number: int) -> Pull | None:
        """By number."""
        return next((pull for pull in self.pulls if pull.number == number), None)

    def issue(self, number: int) -> Issue | None:
        """By number; pull requests are no issues here."""
        return next((issue for issue in self.issues if issue.number == number), None)

    def said(self, of: int, on: str) -> list[Comment]:
        """The comments of one pull request or issue, oldest first."""
        return [comment for comment in self.comments if (comment.of, comment.on) == (of, on)]

    def merge(self, pull: Pull, how: str, message: str) -> str:
        """Merge it in the bare repository; the new tip of its base.

        Raises:
            Conflict: it does not merge.
        """
        new = self.git.merge(pull.base, pull.commit, how, message)
        pull.state, pull.merged, pull.merge_commit = "closed", True, new
        return new
