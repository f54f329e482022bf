"""GitHub and GitHub Enterprise Server by PyGithub, which has its home here. REST version 2022-11-28.

GraphQL is used for the two things that REST cannot do: telling whose token it is (``GET /user`` is refused to the
token of a job and of an app, ``viewer`` answers for all), and turning a draft on and off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import github
from github.PullRequest import PullRequest
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass

from promptvc.forge.address import Address
from promptvc.forge.connection import bound, broken
from promptvc.forge.dialect import Account, Comment, Issue, Thread
from promptvc.forge.forge import Asked, Kind, Pull, PullText
from promptvc.forge.github_answers import PREFIX, comment_of, issue_of, login_of, pull_of
from promptvc.forge.line import Patience, Trouble
from promptvc.forge.tokens import Token

COLOUR = "5319e7"
_NO_DRAFTS = "draft pull requests are not supported"


class _Secure(HTTPSRequestsConnectionClass):
    """PyGithub's own connection, whose answers are bounded."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        bound(self.session)


class _Plain(HTTPRequestsConnectionClass):
    """The same, to this machine."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        bound(self.session)


class GitHub:
    """:class:`promptvc.forge.dialect.Dialect` for GitHub."""

    kind: Kind = "github"

    def __init__(self, address: Address, token: Token, patience: Patience) -> None:
        self._owner = address.name.split("/", maxsplit=1)[0]
        # No retries and no pauses of its own: they are made by the line, whose clock is given.
        self._hub = github.Github(
            auth=github.Auth.Token(token.value),
            base_url=address.api,
            timeout=patience.timeout_s,
            user_agent="promptvc",
            per_page=100,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,  # or every change would read first what it changes
        )
        # What it offers for this holds for the whole process.
        connection = _Secure if address.api.startswith("https:") else _Plain
        self._hub.requester._Requester__connectionClass = connection  # type: ignore[attr-defined]  # noqa: SLF001
        self._repository = self._hub.get_repo(address.name)

    def default_branch(self) -> str:
        """The default branch."""
        with _troubles():
            return self._repository.default_branch

    def me(self) -> Account:
        """Whose token it is: ``github-actions[bot]`` for that of a job, ``name[bot]`` for that of an app."""
        with _troubles():
            _, answer = self._hub.requester.graphql_query("query { viewer { login databaseId } }", {})
            viewer = answer["data"]["viewer"]
            return Account(int(viewer["databaseId"]), str(viewer["login"]))

    def pulls(
        self, *, head: str | None = None, base: str | None = None, state: Literal["open", "all"]
    ) -> list[Pull]:
        """Pull requests, newest first."""
        more: dict[str, str] = {"base": base} if base else {}
        if head:
            more["head"] = f"{self._owner}:{head}"  # without the owner GitHub ignores the filter
        with _troubles():
            return [pull_of(found) for found in self._repository.get_pulls(state=state, **more)]

    def pull(self, number: int) -> Pull:
        """One by number."""
        with _troubles():
            return pull_of(self._repository.get_pull(number))

    def open(self, head: str, base: str, text: PullText) -> Pull:
        """Open one; with a title that says draft where GitHub has no drafts."""
        try:
            return self._open(head, base, text.title, text)
        except Trouble as trouble:
            if not text.draft or _NO_DRAFTS not in trouble.message.lower():
                raise
        return self._open(head, base, PREFIX + text.title, replace(text, draft=False))

    def _open(self, head: str, base: str, title: str, text: PullText) -> Pull:
        try:
            with _troubles():
                made = self._repository.create_pull(base, head, title=title, body=text.body, draft=text.draft)
                return pull_of(made)
        except Trouble as trouble:
            # A branch may be unknown for a moment after its push.
            soon = trouble.status == 422 and "head invalid" in trouble.message
            raise Trouble(trouble.status, trouble.message, trouble.headers, soon=soon) from None

    def write(self, number: int, heading: tuple[str, bool] | None, body: str | None) -> None:
        """Set title and draft, or the body, or both."""
        changed: dict[str, Any] = {} if body is None else {"body": body}
        with _troubles():
            pull = self._repository.get_pull(number)
            if heading is not None:
                title, draft = heading
                if draft and not pull.draft and not self._set_draft(pull, draft=True):
                    title = PREFIX + title
                if not draft and pull.draft:
                    self._set_draft(pull, draft=False)
                if pull.title != title:
                    changed["title"] = title
            if changed:
                pull.edit(**changed)

    def _set_draft(self, pull: PullRequest, *, draft: bool) -> bool:
        """Turn it on or off; False where the repository has no drafts."""
        if pull.state != "open":
            return True
        if draft and pull.title.startswith(PREFIX):
            return False  # it was refused before
        try:
            if draft:
                pull.convert_to_draft()
            else:
                pull.mark_ready_for_review()
        except github.GithubException as error:
            if draft and _NO_DRAFTS in _words(error).lower():
                return False
            raise
        return True

    def close(self, number: int) -> None:
        """Close it."""
        with _troubles():
            self._repository.get_pull(number).edit(state="closed")

    def label(self, at: Thread, labels: Sequence[str]) -> None:
        """Add labels, making those that the repository does not know."""
        with _troubles():
            known = {label.name.lower() for label in self._repository.get_labels()}
            for label in labels:
                if label.lower() not in known:
                    self._make_label(label)
            self._repository.get_issue(at.number).add_to_labels(*labels)

    def _make_label(self, label: str) -> None:
        try:
            self._repository.create_label(label, COLOUR)
        except github.GithubException as error:
            if error.status != 422 or "already_exists" not in _words(error):
                raise

    def asked(self, number: int) -> frozenset[str]:
        """Who was asked for a review or gave one; teams by their slug after ``@``."""
        with _troubles():
            pull = self._repository.get_pull(number)
            users, teams = pull.get_review_requests()
            found = {user.login.lower() for user in users} | {f"@{team.slug.lower()}" for team in teams}
            return frozenset(found | {login_of(review).lower() for review in pull.get_reviews()})

    def ask(self, number: int, users: Sequence[str], teams: Sequence[str]) -> Asked:
        """Ask them: GitHub takes all or none."""
        strange = [
            team for team in teams if "/" in team and team.split("/")[0].lower() != self._owner.lower()
        ]
        near = [team for team in teams if team not in strange]
        refused = tuple((team, f"not a team of {self._owner}") for team in strange)
        if users or near:
            with _troubles():
                self._repository.get_pull(number).create_review_request(
                    reviewers=list(users), team_reviewers=[team.rpartition("/")[2] for team in near]
                )
        return Asked((*users, *near), refused)

    def comments(self, at: Thread) -> list[Comment]:
        """All comments, oldest first."""
        with _troubles():
            return [comment_of(at, one) for one in self._repository.get_issue(at.number).get_comments()]

    def say(self, at: Thread, body: str) -> Comment:
        """Comment."""
        with _troubles():
            return comment_of(at, self._repository.get_issue(at.number).create_comment(body))

    def edit_comment(self, comment: Comment, body: str) -> None:
        """Replace the body of a comment."""
        with _troubles():
            self._repository.get_issue(comment.at.number).get_comment(comment.id).edit(body)

    def issues(self, author: Account) -> list[Issue]:
        """The open issues of an author, oldest first."""
        with _troubles():
            found = self._repository.get_issues(
                state="open",
                direction="asc",
                creator=author.login,  # type: ignore[arg-type]  # a login will do
            )
            return [issue_of(one) for one in found if one.pull_request is None]

    def open_issue(self, title: str, body: str) -> Issue:
        """Open one."""
        with _troubles():
            return issue_of(self._repository.create_issue(title, body))

    def edit_issue(self, number: int, title: str | None, body: str | None) -> None:
        """Replace title, body or both."""
        given: dict[str, Any] = {"title": title, "body": body}
        with _troubles():
            issue = self._repository.get_issue(number)
            issue.edit(**{key: value for key, value in given.items() if value is not None})

    def close_issue(self, number: int) -> None:
        """Close it."""
        with _troubles():
            self._repository.get_issue(number).edit(state="closed")


@contextlib.contextmanager
def _troubles() -> Iterator[None]:
    try:
        with broken():
            yield
    except github.GithubException as error:
        raise Trouble(error.status, _words(error), error.headers) from None
    except (AssertionError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise Trouble(502, f"an answer that is not GitHub's: {error}") from None


def _words(error: github.GithubException) -> str:
    """What GitHub says: its message, and those of the single errors."""
    data = error.data if isinstance(error.data, dict) else {}
    parts = [str(data.get("message") or error.message or "")]
    for one in data.get("errors") or ():
        value: Any = one if isinstance(one, dict) else {"message": one}
        parts += [str(value[key]) for key in ("field", "code", "message", "type") if value.get(key)]
    return " ".join(part for part in parts if part)
