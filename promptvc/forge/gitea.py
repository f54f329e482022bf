"""Gitea and Forgejo (Codeberg) by their REST API, version 1. No client library: none is kept well enough.

The API is GitHub's of old in most places; what differs stands where it differs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import quote

from promptvc.forge.address import Address
from promptvc.forge.connection import Session
from promptvc.forge.dialect import Account, Comment, Issue, Thread
from promptvc.forge.forge import Asked, Kind, Pull, PullText
from promptvc.forge.line import Patience, Trouble
from promptvc.forge.text import is_draft_title, plain_title
from promptvc.forge.tokens import Token

PREFIX = "WIP: "
"""The first of the server's WORK_IN_PROGRESS_PREFIXES, unless its owner changed them."""

COLOUR = "#5319e7"
_PAGE = 50
"""What servers allow by default (MAX_RESPONSE_ITEMS)."""

_RUNNER = Account(-2, "actions")
"""The account of a job's token has this id on every server, and cannot be asked for."""


class Gitea:
    """:class:`promptvc.forge.dialect.Dialect` for Gitea and Forgejo."""

    kind: Kind = "gitea"

    def __init__(self, address: Address, token: Token, patience: Patience) -> None:
        headers = {"Authorization": f"token {token.value}", "User-Agent": "promptvc"}
        self._session = Session(address.api, headers, patience.timeout_s)
        self._api = address.api
        self._name = address.name
        self._job = token.variable == "GITHUB_TOKEN"

    def _at(self, path: str = "") -> str:
        return f"{self._api}/repos/{quote(self._name)}{path}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._session.call(method, self._at(path), body)

    def default_branch(self) -> str:
        """The default branch."""
        with _troubles():
            return str(self._call("GET", "")["default_branch"])

    def me(self) -> Account:
        """Whose token it is; a token needs the scope ``read:user`` for that."""
        with _troubles():
            try:
                user = self._session.call("GET", f"{self._api}/user")
            except Trouble as trouble:
                if self._job and trouble.status in {401, 403, 404}:
                    return _RUNNER
                raise
            return Account(int(user["id"]), str(user["login"]))

    def pulls(
        self, *, head: str | None = None, base: str | None = None, state: Literal["open", "all"]
    ) -> list[Pull]:
        """Pull requests, newest first. The API filters by state alone."""
        with _troubles():
            found = [_pull(one) for one in self._session.pages(self._at("/pulls"), state="open", limit=_PAGE)]
            chosen = _chosen(found, head, base)
            if state == "all" and not chosen:
                closed = self._session.pages(self._at("/pulls"), state="closed", limit=_PAGE)
                chosen = _chosen([_pull(one) for one in closed], head, base)
            return sorted(chosen, key=lambda pull: -pull.number)

    def pull(self, number: int) -> Pull:
        """One by number."""
        with _troubles():
            return _pull(self._call("GET", f"/pulls/{number}"))

    def open(self, head: str, base: str, text: PullText) -> Pull:
        """Open one."""
        value = {"head": head, "base": base, "title": _title(text.title, text.draft), "body": text.body}
        with _troubles():
            try:
                return _pull(self._call("POST", "/pulls", value))
            except Trouble as trouble:
                # Forgejo has been seen to miss a branch for a moment after its push.
                raise Trouble(
                    trouble.status, trouble.message, trouble.headers, soon=trouble.status == 404
                ) from None

    def write(self, number: int, heading: tuple[str, bool] | None, body: str | None) -> None:
        """Set title and draft, which is a part of the title, or the body, or both."""
        title = None if heading is None else _title(*heading)
        with _troubles():
            self._call("PATCH", f"/pulls/{number}", _given(title=title, body=body))

    def close(self, number: int) -> None:
        """Close it."""
        with _troubles():
            self._call("PATCH", f"/pulls/{number}", {"state": "closed"})

    def label(self, at: Thread, labels: Sequence[str]) -> None:
        """Add labels by their ids, making those that the repository does not know."""
        with _troubles():
            known = {
                str(label["name"]).lower(): int(label["id"])
                for label in self._session.pages(self._at("/labels"), limit=_PAGE)
            }
            ids = []
            for name in labels:
                found = known.get(name.lower())
                if found is None:
                    found = int(self._call("POST", "/labels", {"name": name, "color": COLOUR})["id"])
                ids.append(found)
            self._call("POST", f"/issues/{at.number}/labels", {"labels": ids})

    def asked(self, number: int) -> frozenset[str]:
        """Who was asked for a review or gave one: Gitea keeps both as reviews."""
        with _troubles():
            reviews = list(self._session.pages(self._at(f"/pulls/{number}/reviews"), limit=_PAGE))
            users = {str(one["user"]["login"]).lower() for one in reviews if one.get("user")}
            return frozenset(
                users | {f"@{str(one['team']['name']).lower()}" for one in reviews if one.get("team")}
            )

    def ask(self, number: int, users: Sequence[str], teams: Sequence[str]) -> Asked:
        """Ask them: Gitea takes all or none."""
        owner = self._name.split("/", maxsplit=1)[0]
        strange = [team for team in teams if "/" in team and team.split("/")[0].lower() != owner.lower()]
        near = [team for team in teams if team not in strange]
        refused = tuple((team, f"not a team of {owner}") for team in strange)
        if users or near:
            names = [team.rpartition("/")[2] for team in near]
            value = {"reviewers": list(users), "team_reviewers": names}
            with _troubles():
                self._call("POST", f"/pulls/{number}/requested_reviewers", value)
        return Asked((*users, *near), refused)

    def comments(self, at: Thread) -> list[Comment]:
        """All comments, oldest first."""
        with _troubles():
            found = self._session.pages(self._at(f"/issues/{at.number}/comments"))
            return [_comment(at, one) for one in found]

    def say(self, at: Thread, body: str) -> Comment:
        """Comment."""
        with _troubles():
            return _comment(at, self._call("POST", f"/issues/{at.number}/comments", {"body": body}))

    def edit_comment(self, comment: Comment, body: str) -> None:
        """Replace the body of a comment."""
        with _troubles():
            self._call("PATCH", f"/issues/comments/{comment.id}", {"body": body})

    def issues(self, author: Account) -> list[Issue]:
        """The open issues of an author, oldest first."""
        more: dict[str, str | int] = {"type": "issues", "state": "open", "limit": _PAGE}
        if author.id > 0:
            more["created_by"] = author.login
        with _troubles():
            found = [
                _issue(one)
                for one in self._session.pages(self._at("/issues"), **more)
                if not one.get("pull_request")
            ]
            return sorted(found, key=lambda issue: issue.number)

    def open_issue(self, title: str, body: str) -> Issue:
        """Open one."""
        with _troubles():
            return _issue(self._call("POST", "/issues", {"title": title, "body": body}))

    def edit_issue(self, number: int, title: str | None, body: str | None) -> None:
        """Replace title, body or both."""
        with _troubles():
            self._call("PATCH", f"/issues/{number}", _given(title=title, body=body))

    def close_issue(self, number: int) -> None:
        """Close it."""
        with _troubles():
            self._call("PATCH", f"/issues/{number}", {"state": "closed"})


@contextlib.contextmanager
def _troubles() -> Iterator[None]:
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Trouble(502, f"an answer that is not Gitea's: {error}") from None


def _chosen(pulls: Sequence[Pull], head: str | None, base: str | None) -> list[Pull]:
    return [
        pull
        for pull in pulls
        if head in (None, pull.head) and base in (None, pull.base) and not (head and pull.fork)
    ]


def _title(title: str, draft: bool) -> str:  # noqa: FBT001 - a heading's two parts
    return (PREFIX if draft else "") + title


def _given(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value is not None}


def _pull(found: dict[str, Any]) -> Pull:
    state: Literal["open", "closed", "merged"] = "open"
    if found["state"] != "open":
        state = "merged" if found.get("merged") else "closed"
    head, base = found["head"], found["base"]
    return Pull(
        number=found["number"],
        url=found["html_url"],
        title=plain_title(found["title"]),
        head=head["ref"],
        base=base["ref"],
        commit=head["sha"],
        state=state,
        draft=bool(found.get("draft")) or is_draft_title(found["title"]),  # `draft` came with Gitea 1.22
        body=found.get("body") or "",
        labels=tuple(label["name"] for label in found.get("labels") or ()),
        fork=head.get("repo_id") != base.get("repo_id"),
        author=found["user"]["login"],
    )


def _comment(at: Thread, found: dict[str, Any]) -> Comment:
    return Comment(at, found["id"], found["user"]["id"], found.get("body") or "", found["html_url"])


def _issue(found: dict[str, Any]) -> Issue:
    labels = tuple(label["name"] for label in found.get("labels") or ())
    return Issue(
        found["number"],
        found["user"]["id"],
        found["title"],
        found.get("body") or "",
        found["html_url"],
        labels,
    )
