"""GitLab by python-gitlab, which has its home here. REST version 4; merge requests are called pull requests.

Its requests go through our session, which says no by Trouble before the library could retry or follow a redirect.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

import gitlab

from promptvc.forge.address import Address
from promptvc.forge.connection import Session
from promptvc.forge.dialect import Account, Comment, Issue, Thread
from promptvc.forge.forge import Asked, Kind, Pull, PullText
from promptvc.forge.line import Patience, Trouble
from promptvc.forge.text import is_draft_title, plain_title
from promptvc.forge.tokens import Token

PREFIX = "Draft: "
_STATES: dict[str, Literal["open", "closed", "merged"]] = {"closed": "closed", "merged": "merged"}


class GitLab:
    """:class:`promptvc.forge.dialect.Dialect` for GitLab."""

    kind: Kind = "gitlab"

    def __init__(self, address: Address, token: Token, patience: Patience) -> None:
        base = address.api.removesuffix("/api/v4")
        session = Session(address.api, {"PRIVATE-TOKEN": token.value}, patience.timeout_s)
        self._lab = gitlab.Gitlab(
            base, session=session, per_page=100, keep_base_url=True, user_agent="promptvc"
        )
        self._name = address.name
        self._project: Any = self._lab.projects.get(address.name, lazy=True)

    def default_branch(self) -> str:
        """The default branch."""
        with _troubles():
            return str(self._lab.projects.get(self._name).default_branch)

    def me(self) -> Account:
        """Whose token it is; of a project's own token its bot."""
        with _troubles():
            user = cast("dict[str, Any]", self._lab.http_get("/user"))
            return Account(int(user["id"]), str(user["username"]))

    def pulls(
        self, *, head: str | None = None, base: str | None = None, state: Literal["open", "all"]
    ) -> list[Pull]:
        """Merge requests, newest first."""
        more = {"source_branch": head, "target_branch": base}
        given = {key: value for key, value in more.items() if value}
        with _troubles():
            found = self._project.mergerequests.list(
                state="opened" if state == "open" else "all", get_all=True, **given
            )
            return [_pull(one) for one in found]

    def pull(self, number: int) -> Pull:
        """One by number."""
        with _troubles():
            return _pull(self._project.mergerequests.get(number))

    def open(self, head: str, base: str, text: PullText) -> Pull:
        """Open one."""
        value = {
            "source_branch": head,
            "target_branch": base,
            "title": _title(text.title, text.draft),
            "description": text.body,
        }
        with _troubles():
            return _pull(self._project.mergerequests.create(value))

    def write(self, number: int, heading: tuple[str, bool] | None, body: str | None) -> None:
        """Set title and draft, which is a part of the title, or the body, or both."""
        title = None if heading is None else _title(*heading)
        self._update(number, **_given(title=title, description=body))

    def close(self, number: int) -> None:
        """Close it."""
        self._update(number, state_event="close")

    def _update(self, number: int, **values: Any) -> dict[str, Any]:
        with _troubles():
            return cast("dict[str, Any]", self._project.mergerequests.update(number, values))

    def label(self, at: Thread, labels: Sequence[str]) -> None:
        """Add labels; GitLab makes those that it does not know."""
        with _troubles():
            manager = self._project.mergerequests if at.on == "pull" else self._project.issues
            manager.update(at.number, {"add_labels": ",".join(labels)})

    def asked(self, number: int) -> frozenset[str]:
        """Who is a reviewer: who has answered stays one."""
        with _troubles():
            reviewers = self._project.mergerequests.get(number).reviewers
            return frozenset(str(one["username"]).lower() for one in reviewers)

    def ask(self, number: int, users: Sequence[str], teams: Sequence[str]) -> Asked:
        """Ask them. GitLab drops silently whom it does not take, so its answer is read."""
        refused = [(team, "GitLab asks no groups for a review, only people") for team in teams]
        with _troubles():
            ids: dict[str, int] = {}
            for user in users:
                found = self._lab.users.list(username=user, get_all=True)
                if found:
                    ids[user] = int(found[0].id)
                else:
                    refused.append((user, "GitLab knows nobody of that name"))
            if not ids:
                return Asked((), tuple(refused))
            present = [int(one["id"]) for one in self._project.mergerequests.get(number).reviewers]
            answer = self._update(number, reviewer_ids=[*present, *ids.values()])
            taken = {int(one["id"]) for one in answer.get("reviewers") or ()}
        dropped = "not taken: no member of the project, or its plan allows one reviewer only"
        refused += [(user, dropped) for user, number_ in ids.items() if number_ not in taken]
        return Asked(tuple(user for user, number_ in ids.items() if number_ in taken), tuple(refused))

    def _notes(self, at: Thread) -> Any:
        manager = self._project.mergerequests if at.on == "pull" else self._project.issues
        return manager.get(at.number, lazy=True).notes

    def _comment(self, at: Thread, found: Any) -> Comment:
        where = "merge_requests" if at.on == "pull" else "issues"
        url = f"{self._lab.url}/{self._name}/-/{where}/{at.number}#note_{found.id}"
        return Comment(at, found.id, found.author["id"], found.body, url)

    def comments(self, at: Thread) -> list[Comment]:
        """All comments of people, oldest first; what GitLab notes itself is left out."""
        with _troubles():
            found = self._notes(at).list(sort="asc", order_by="created_at", get_all=True)
            return [self._comment(at, one) for one in found if not one.system]

    def say(self, at: Thread, body: str) -> Comment:
        """Comment."""
        with _troubles():
            return self._comment(at, self._notes(at).create({"body": body}))

    def edit_comment(self, comment: Comment, body: str) -> None:
        """Replace the body of a comment."""
        with _troubles():
            self._notes(comment.at).update(comment.id, {"body": body})

    def issues(self, author: Account) -> list[Issue]:
        """The open issues of an author, oldest first."""
        with _troubles():
            found = self._project.issues.list(state="opened", author_id=author.id, sort="asc", get_all=True)
            return [_issue(one) for one in found]

    def open_issue(self, title: str, body: str) -> Issue:
        """Open one."""
        with _troubles():
            return _issue(self._project.issues.create({"title": title, "description": body}))

    def edit_issue(self, number: int, title: str | None, body: str | None) -> None:
        """Replace title, body or both."""
        with _troubles():
            self._project.issues.update(number, _given(title=title, description=body))

    def close_issue(self, number: int) -> None:
        """Close it."""
        with _troubles():
            self._project.issues.update(number, {"state_event": "close"})


@contextlib.contextmanager
def _troubles() -> Iterator[None]:
    try:
        yield
    except gitlab.GitlabError as error:
        raise Trouble(error.response_code or 502, str(error.error_message)) from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Trouble(502, f"an answer that is not GitLab's: {error}") from None


def _title(title: str, draft: bool) -> str:  # noqa: FBT001 - a heading's two parts
    return (PREFIX if draft else "") + title


def _given(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value is not None}


def _pull(found: Any) -> Pull:
    return Pull(
        number=found.iid,
        url=found.web_url,
        title=plain_title(found.title),
        head=found.source_branch,
        base=found.target_branch,
        commit=found.sha or "",
        state=_STATES.get(found.state, "open"),  # `locked` is an open one that is being merged
        draft=bool(found.draft) or is_draft_title(found.title),
        body=found.description or "",
        labels=tuple(found.labels),
        fork=found.source_project_id != found.target_project_id,
        author=found.author["username"],
    )


def _issue(found: Any) -> Issue:
    labels = tuple(found.labels)
    return Issue(found.iid, found.author["id"], found.title, found.description or "", found.web_url, labels)
