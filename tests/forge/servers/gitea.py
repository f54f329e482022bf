"""Gitea and Forgejo on loopback, as the swagger document of Gitea 1.22 describes their API, version 1.

Checked: rights, at most 50 a page, labels by their ids, one open pull request of two branches (409), drafts by their
title, reviewers all or none (422, 404), comments without pages. As there, pull requests are filtered by state alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar, Literal

from tests.forge.servers.repository import Conflict
from tests.forge.servers.serving import Answer, ForgeServer, Problem, Routes, Seen
from tests.forge.servers.state import ADA, BOT, Account, Comment, Issue, Pull

R = r"/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)"
N = r"(?P<number>\d+)"
WHEN = "2026-01-01T00:00:00Z"
_DRAFT = re.compile(r"(wip:|\[wip\])", re.IGNORECASE)


class GiteaServer(ForgeServer):
    """``BOT`` is the token of a job: its account has the id -2, and ``GET /user`` is refused."""

    prefixes: ClassVar[tuple[str, ...]] = ("/api/v1",)
    most_a_page: ClassVar[int] = 50

    def __init__(self, bare: Path, name: str = "acme/prompts") -> None:
        super().__init__(bare, name)
        self.bot = self.hosted.add("gitea-actions", "write", BOT, kind="bot", id=-2)

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    def environ(self, token: str = ADA) -> dict[str, str]:
        name = "GITHUB_TOKEN" if token == BOT else "GITEA_TOKEN"
        return {
            "GITEA_ACTIONS": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_API_URL": self.api,
            "GITHUB_REPOSITORY": self.hosted.name,
            name: token,
        }

    def approve(self, number: int, login: str) -> None:
        """Somebody reviews."""
        pull = self.hosted.pull(number)
        assert pull is not None
        pull.reviews.append((login, "APPROVED"))
        if login in pull.reviewers:
            pull.reviewers.remove(login)

    def merge_message(self, pull: Pull, how: str) -> str:
        if how == "squash":
            return f"{pull.title} (#{pull.number})"
        return f"Merge pull request '{pull.title}' (#{pull.number}) from {pull.head} into {pull.base}"

    def _enter(self, seen: Seen, who: Account | None, *, write: bool = False) -> None:
        here = f"{seen.params['owner']}/{seen.params['repo']}".lower() == self.hosted.name.lower()
        stranger = who is None or who.rights == "none"
        if not here or (self.hosted.private and stranger):
            raise Problem(404, {"message": "The target couldn't be found.", "errors": []})
        if not write:
            return
        if who is None:
            raise Problem(401, {"message": "token is required"})
        if who.rights != "write":
            raise Problem(403, {"message": "user should have a permission to write to a repo"})

    def _talk(self, seen: Seen, who: Account | None) -> Account:
        self._enter(seen, who)
        if who is None:
            raise Problem(401, {"message": "token is required"})
        return who

    def _found(self, seen: Seen) -> Pull:
        pull = self.hosted.pull(int(seen.params["number"]))
        if pull is None:
            raise Problem(404, {"message": "The target couldn't be found."})
        return pull

    def _thing(self, seen: Seen) -> Pull | Issue:
        number = int(seen.params["number"])
        found = self.hosted.pull(number) or self.hosted.issue(number)
        if found is None:
            raise Problem(404, {"message": "The target couldn't be found."})
        return found

    # Shapes.

    def _user(self, account: Account) -> dict[str, Any]:
        return {"id": account.id, "login": account.login, "username": account.login, "email": ""}

    def _label(self, name: str) -> dict[str, Any]:
        at = list(self.hosted.labels).index(name) + 1
        return {"id": at, "name": name, "color": self.hosted.labels[name].lstrip("#")}

    def _issue(self, issue: Issue) -> dict[str, Any]:
        where = "pulls" if isinstance(issue, Pull) else "issues"
        return {
            "id": issue.id,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "user": self._user(issue.author),
            "labels": [self._label(name) for name in issue.labels],
            "html_url": f"{self.url}/{self.hosted.name}/{where}/{issue.number}",
            "url": f"{self.api}/repos/{self.hosted.name}/issues/{issue.number}",
            "pull_request": {"merged": issue.merged} if isinstance(issue, Pull) else None,
            "created_at": WHEN,
        }

    def _pull(self, pull: Pull) -> dict[str, Any]:
        value = self._issue(pull)
        del value["pull_request"]
        return value | {
            "draft": _DRAFT.match(pull.title) is not None,
            "merged": pull.merged,
            "merge_commit_sha": pull.merge_commit,
            "head": {
                "label": pull.head,
                "ref": pull.head,
                "sha": pull.commit,
                "repo_id": 1 if pull.fork is None else 99,
            },
            "base": {
                "label": pull.base,
                "ref": pull.base,
                "sha": self.hosted.git.tip(pull.base),
                "repo_id": 1,
            },
            "requested_reviewers": [self._user(self.hosted.accounts[login]) for login in pull.reviewers],
        }

    def _comment(self, comment: Comment) -> dict[str, Any]:
        where = "pulls" if comment.on == "pull" else "issues"
        return {
            "id": comment.id,
            "body": comment.body,
            "user": self._user(comment.author),
            "html_url": f"{self.url}/{self.hosted.name}/{where}/{comment.of}#issuecomment-{comment.id}",
            "created_at": WHEN,
        }

    def _rows(self, seen: Seen, rows: list[Any]) -> Answer:
        answer = self.page(seen, rows, default=30, key="limit")
        answer.headers["X-Total-Count"] = str(len(rows))
        return answer

    # Routes.

    def get_user(self, seen: Seen, who: Account | None) -> Answer:
        if who is None or who.kind == "bot":
            raise Problem(401, {"message": "token is required"})
        return Answer(200, self._user(who))

    def get_repository(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return Answer(
            200, {"id": 1, "full_name": self.hosted.name, "default_branch": self.hosted.git.default()}
        )

    def list_pulls(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        state = seen.params.get("state", "open")
        rows = [self._pull(p) for p in reversed(self.hosted.pulls) if state in ("all", p.state)]
        return self._rows(seen, rows)

    def open_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        assert who is not None
        body, git = seen.body, self.hosted.git
        head, base = str(body.get("head", "")), str(body.get("base", ""))
        self._check(body)
        if head == base:
            text = "Invalid PullRequest: There are no changes between the head and the base"
            raise Problem(422, {"message": text})
        if git.tip(head) is None or git.tip(base) is None:
            raise Problem(404, {"message": "The target couldn't be found."})
        same = [
            p for p in self.hosted.pulls if (p.head, p.base, p.state, p.fork) == (head, base, "open", None)
        ]
        if same:
            text = (
                f"pull request already exists for these targets [id: {same[0].id}, issue_id: {same[0].number}, "
                f"head_repo_id: 1, base_repo_id: 1, head_branch: {head}, base_branch: {base}]"
            )
            raise Problem(409, {"message": text})
        pull = self.hosted.open_pull(head, base, body["title"], body.get("body") or "", who)
        pull.draft = _DRAFT.match(pull.title) is not None
        return Answer(201, self._pull(pull))

    def _check(self, body: dict[str, Any]) -> None:
        if "title" in body and not str(body["title"]).strip():
            raise Problem(422, {"message": "[Title]: Required"})
        if len(body.get("title") or "") > 255:
            raise Problem(422, {"message": "[Title]: MaxSize 255"})

    def get_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return Answer(200, self._pull(self._found(seen)))

    def edit_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        pull, body = self._found(seen), seen.body
        self._check(body)
        if "state" in body and pull.merged:
            raise Problem(412, {"message": "cannot change state of this pull request, it was already merged"})
        pull.title = body.get("title", pull.title)
        pull.body = body.get("body", pull.body) or ""
        pull.state = body.get("state", pull.state)
        pull.draft = _DRAFT.match(pull.title) is not None
        return Answer(201, self._pull(pull))

    def merge_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        pull, body = self._found(seen), seen.body or {}
        if pull.state != "open" or pull.draft:
            raise Problem(405, {"message": "Please try again later"})
        if body.get("head_commit_id") not in (None, "", pull.commit):
            raise Problem(409, {"message": "head out of date"})
        how: Literal["merge", "squash", "rebase"] = body.get("Do", "merge")
        try:
            self.hosted.merge(pull, how, self.merge_message(pull, how))
        except Conflict:
            raise Problem(405, {"message": "Please try again later"}) from None
        return Answer(200, None)

    def list_labels(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return self._rows(seen, [self._label(name) for name in self.hosted.labels])

    def make_label(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        if not re.fullmatch(r"#?[0-9a-fA-F]{6}", seen.body.get("color", "")):
            raise Problem(422, {"message": "color must be a hex code"})
        self.hosted.labels.setdefault(seen.body["name"], seen.body["color"])
        return Answer(201, self._label(seen.body["name"]))

    def add_labels(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        thing, names = self._thing(seen), list(self.hosted.labels)
        for number in seen.body["labels"]:
            if not isinstance(number, int) or not 1 <= number <= len(names):
                raise Problem(422, {"message": "label does not exist"})
            if names[number - 1] not in thing.labels:
                thing.labels.append(names[number - 1])
        return Answer(200, [self._label(name) for name in thing.labels])

    def list_reviews(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        pull = self._found(seen)
        rows: list[dict[str, Any]] = [
            {"user": self._user(self.hosted.accounts[login]), "team": None, "state": state}
            for login, state in [*pull.reviews, *((login, "REQUEST_REVIEW") for login in pull.reviewers)]
        ]
        rows += [{"user": None, "team": {"name": team}, "state": "REQUEST_REVIEW"} for team in pull.teams]
        return self._rows(seen, rows)

    def ask(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        pull, body = self._found(seen), seen.body
        users, teams = body.get("reviewers") or [], body.get("team_reviewers") or []
        for user in users:
            account = self.hosted.accounts.get(user)
            if account is None:
                raise Problem(404, {"message": f"user does not exist [uid: 0, name: {user}]"})
            if account.rights == "none":
                raise Problem(422, {"message": "Reviewer can't read"})
            if account is pull.author:
                raise Problem(422, {"message": "poster of pr can't be reviewer"})
        for team in teams:
            if team not in self.hosted.teams:
                raise Problem(404, {"message": f"team does not exist [org_id 2, team_id 0, name: {team}]"})
        pull.reviewers += [user for user in users if user not in pull.reviewers]
        pull.teams += [team for team in teams if team not in pull.teams]
        return Answer(201, [])

    def list_comments(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        thing = self._thing(seen)
        on = "pull" if isinstance(thing, Pull) else "issue"
        return Answer(200, [self._comment(comment) for comment in self.hosted.said(thing.number, on)])

    def add_comment(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        thing = self._thing(seen)
        on: Literal["pull", "issue"] = "pull" if isinstance(thing, Pull) else "issue"
        return Answer(
            201, self._comment(self.hosted.add_comment(thing.number, on, author, seen.body["body"]))
        )

    def edit_comment(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        comment = next((c for c in self.hosted.comments if c.id == int(seen.params["number"])), None)
        if comment is None:
            raise Problem(404, {"message": "The target couldn't be found."})
        if comment.author is not author and author.rights != "write":
            raise Problem(403, {"message": "user should have permission to edit comment"})
        comment.body, comment.edits = seen.body["body"], comment.edits + 1
        return Answer(200, self._comment(comment))

    def list_issues(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        state, by = seen.params.get("state", "open"), seen.params.get("created_by")
        kind = seen.params.get("type")
        everything: list[Issue] = sorted([*self.hosted.issues, *self.hosted.pulls], key=lambda i: -i.number)
        rows = [
            self._issue(issue)
            for issue in everything
            if state in ("all", issue.state)
            and by in (None, issue.author.login)
            and kind in (None, "pulls" if isinstance(issue, Pull) else "issues")
        ]
        return self._rows(seen, rows)

    def open_issue(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        self._check(seen.body)
        return Answer(
            201, self._issue(self.hosted.add_issue(seen.body["title"], seen.body.get("body") or "", author))
        )

    def get_issue(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return Answer(200, self._issue(self._thing(seen)))

    def edit_issue(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        thing = self._thing(seen)
        if thing.author is not author and author.rights != "write":
            raise Problem(403, {"message": "user should have permission to edit"})
        self._check(seen.body)
        thing.title = seen.body.get("title", thing.title)
        thing.body = seen.body.get("body", thing.body) or ""
        thing.state = seen.body.get("state", thing.state)
        return Answer(201, self._issue(thing))

    routes: ClassVar[Routes] = [
        ("GET", "/user", get_user),
        ("GET", R, get_repository),
        ("GET", f"{R}/pulls", list_pulls),
        ("POST", f"{R}/pulls", open_pull),
        ("GET", f"{R}/pulls/{N}", get_pull),
        ("PATCH", f"{R}/pulls/{N}", edit_pull),
        ("POST", f"{R}/pulls/{N}/merge", merge_pull),
        ("POST", f"{R}/pulls/{N}/requested_reviewers", ask),
        ("GET", f"{R}/pulls/{N}/reviews", list_reviews),
        ("GET", f"{R}/labels", list_labels),
        ("POST", f"{R}/labels", make_label),
        ("POST", f"{R}/issues/{N}/labels", add_labels),
        ("GET", f"{R}/issues/{N}/comments", list_comments),
        ("POST", f"{R}/issues/{N}/comments", add_comment),
        ("PATCH", f"{R}/issues/comments/{N}", edit_comment),
        ("GET", f"{R}/issues", list_issues),
        ("POST", f"{R}/issues", open_issue),
        ("GET", f"{R}/issues/{N}", get_issue),
        ("PATCH", f"{R}/issues/{N}", edit_issue),
    ]
