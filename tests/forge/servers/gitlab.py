"""GitLab on loopback, as docs.gitlab.com/api describes its REST API, version 4.

Merge requests and issues count apart. Checked: tokens and their kinds, rights (404 where one may not even look, 403
where one may not act), page sizes with links and ``X-Next-Page``, one open merge request of two branches (409),
drafts by their title, reviewers that are no members dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from tests.forge.servers.repository import Conflict
from tests.forge.servers.serving import Answer, ForgeServer, Problem, Routes, Seen
from tests.forge.servers.state import ADA, BOT, Account, Comment, Issue, Pull

P = r"/projects/(?P<project>[^/]+)"
I = r"(?P<number>\d+)"  # noqa: E741
WHEN = "2026-01-01T00:00:00.000Z"
_DRAFT = re.compile(r"\s*(\[draft\]|\(draft\)|draft:)\s*", re.IGNORECASE)


class GitLabServer(ForgeServer):
    """``most_reviewers`` 1: a free plan. ``BOT`` is the token of a CI job, with which almost nothing is allowed."""

    prefixes: ClassVar[tuple[str, ...]] = ("/api/v4",)
    one_count: ClassVar[bool] = False

    def __init__(self, bare: Path, name: str = "acme/prompts") -> None:
        super().__init__(bare, name)
        self.most_reviewers: int | None = None
        self.bot = self.hosted.add("project_1_bot", "write", BOT, kind="bot")

    @property
    def api(self) -> str:
        return f"{self.url}/api/v4"

    def environ(self, token: str = ADA) -> dict[str, str]:
        return {
            "GITLAB_CI": "true",
            "CI_SERVER_URL": self.url,
            "CI_API_V4_URL": self.api,
            "CI_PROJECT_PATH": self.hosted.name,
            "GITLAB_TOKEN": token,
        }

    def approve(self, number: int, login: str) -> None:
        """Somebody reviews, and stays a reviewer."""
        pull = self.hosted.pull(number)
        assert pull is not None
        pull.reviews.append((login, "APPROVED"))
        if login not in pull.reviewers:
            pull.reviewers.append(login)

    def merge_message(self, pull: Pull, how: str) -> str:
        if how == "squash":
            return pull.title
        where = f"See merge request {self.hosted.name}!{pull.number}"
        return f"Merge branch '{pull.head}' into '{pull.base}'\n\n{pull.title}\n\n{where}"

    # Before and after every request.

    def token_of(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("private-token") or headers.get("job-token") or super().token_of(headers)

    def authenticate(self, seen: Seen) -> Account | None:
        token = self.token_of(seen.headers)
        who = self.hosted.who(token)
        if token and who is None:
            raise Problem(401, {"message": "401 Unauthorized"})
        if "job-token" in seen.headers and not seen.path.endswith("/job"):
            raise Problem(401, {"message": "401 Unauthorized"})
        return who

    def decorate(self, seen: Seen, answer: Answer) -> None:
        answer.headers.setdefault("RateLimit-Limit", "2000")
        answer.headers.setdefault("RateLimit-Remaining", "1999")
        rows = answer.body
        if isinstance(rows, list):
            answer.headers["X-Per-Page"] = seen.params.get("per_page", "20")
            following = re.search(r"page=(\d+)>; rel=\"next\"", answer.headers.get("Link", ""))
            answer.headers["X-Next-Page"] = following[1] if following else ""

    def _enter(self, seen: Seen, who: Account | None, *, write: bool = False) -> None:
        stranger = who is None or who.rights == "none"
        project = seen.params["project"]
        if project not in {self.hosted.name, "1"} or (self.hosted.private and stranger):
            raise Problem(404, {"message": "404 Project Not Found"})
        if not write:
            return
        if who is None:
            raise Problem(401, {"message": "401 Unauthorized"})
        if who.rights != "write":
            raise Problem(403, {"message": "403 Forbidden"})

    def _talk(self, seen: Seen, who: Account | None) -> Account:
        self._enter(seen, who)
        if who is None:
            raise Problem(401, {"message": "401 Unauthorized"})
        return who

    def _found(self, seen: Seen) -> Pull:
        pull = self.hosted.pull(int(seen.params["number"]))
        if pull is None:
            raise Problem(404, {"message": "404 Not found"})
        return pull

    def _issue_of(self, seen: Seen) -> Issue:
        issue = self.hosted.issue(int(seen.params["number"]))
        if issue is None:
            raise Problem(404, {"message": "404 Not found"})
        return issue

    # Shapes.

    def _user(self, account: Account) -> dict[str, Any]:
        return {
            "id": account.id,
            "username": account.login,
            "name": account.login.title(),
            "state": "active",
            "web_url": f"{self.url}/{account.login}",
        }

    def _thing(self, issue: Issue) -> dict[str, Any]:
        where = "merge_requests" if isinstance(issue, Pull) else "issues"
        return {
            "id": issue.id,
            "iid": issue.number,
            "project_id": 1,
            "title": issue.title,
            "description": issue.body,
            "state": "opened" if issue.state == "open" else issue.state,
            "author": self._user(issue.author),
            "labels": list(issue.labels),
            "web_url": f"{self.url}/{self.hosted.name}/-/{where}/{issue.number}",
            "created_at": WHEN,
            "updated_at": WHEN,
        }

    def _pull(self, pull: Pull) -> dict[str, Any]:
        draft = _DRAFT.match(pull.title) is not None
        return self._thing(pull) | {
            "state": "merged" if pull.merged else "opened" if pull.state == "open" else "closed",
            "source_branch": pull.head,
            "target_branch": pull.base,
            "source_project_id": 1 if pull.fork is None else 99,
            "target_project_id": 1,
            "sha": pull.commit,
            "merge_commit_sha": pull.merge_commit,
            "draft": draft,
            "work_in_progress": draft,
            "reviewers": [self._user(self.hosted.accounts[login]) for login in pull.reviewers],
        }

    def _note(self, comment: Comment) -> dict[str, Any]:
        return {
            "id": comment.id,
            "body": comment.body,
            "author": self._user(comment.author),
            "system": False,
            "created_at": WHEN,
            "noteable_iid": comment.of,
        }

    # Routes.

    def get_user(self, seen: Seen, who: Account | None) -> Answer:
        if who is None:
            raise Problem(401, {"message": "401 Unauthorized"})
        return Answer(200, self._user(who))

    def list_users(self, seen: Seen, who: Account | None) -> Answer:
        name = seen.params.get("username", "").lower()
        found = [a for a in self.hosted.accounts.values() if a.login.lower() == name]
        return self.page(seen, [self._user(account) for account in found], default=20)

    def get_project(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        value = {
            "id": 1,
            "path_with_namespace": self.hosted.name,
            "default_branch": self.hosted.git.default(),
            "web_url": f"{self.url}/{self.hosted.name}",
            "visibility": "private" if self.hosted.private else "public",
        }
        return Answer(200, value)

    def list_pulls(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        rows = [
            value
            for value in map(self._pull, reversed(self.hosted.pulls))
            if seen.params.get("state", "all") in ("all", value["state"])
            and seen.params.get("source_branch") in (None, value["source_branch"])
            and seen.params.get("target_branch") in (None, value["target_branch"])
        ]
        return self.page(seen, rows, default=20)

    def open_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        assert who is not None
        body, git = seen.body, self.hosted.git
        head, base = str(body.get("source_branch", "")), str(body.get("target_branch", ""))
        self._check(body)
        if head == base:
            text = "You can't use same project/branch for source and target"
            raise Problem(409, {"message": {"validate_branches": [text]}})
        same = [
            p for p in self.hosted.pulls if (p.head, p.base, p.state, p.fork) == (head, base, "open", None)
        ]
        if same:
            text = f"Another open merge request already exists for this source branch: !{same[0].number}"
            raise Problem(409, {"message": [text]})
        if git.tip(head) is None or git.tip(base) is None:
            which = "source" if git.tip(head) is None else "target"
            raise Problem(400, {"message": {f"{which}_branch": ["does not exist"]}})
        pull = self.hosted.open_pull(head, base, body["title"], body.get("description") or "", who)
        pull.draft = _DRAFT.match(pull.title) is not None
        return Answer(201, self._pull(pull))

    def _check(self, body: dict[str, Any]) -> None:
        title = body.get("title")
        if title is not None and not title.strip():
            raise Problem(400, {"message": {"title": ["can't be blank"]}})
        if len(title or "") > 255:
            raise Problem(400, {"message": {"title": ["is too long (maximum is 255 characters)"]}})
        if len(body.get("description") or "") > 1_048_576:
            raise Problem(400, {"message": {"description": ["is too long (maximum is 1048576 characters)"]}})

    def get_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return Answer(200, self._pull(self._found(seen)))

    def edit_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        pull, body = self._found(seen), seen.body
        self._check(body)
        self._edit(pull, body)
        pull.draft = _DRAFT.match(pull.title) is not None
        if "reviewer_ids" in body:
            members = {a.id: a.login for a in self.hosted.accounts.values() if a.rights != "none"}
            pull.reviewers = [members[i] for i in body["reviewer_ids"] if i in members][: self.most_reviewers]
        return Answer(200, self._pull(pull))

    def _edit(self, thing: Issue, body: dict[str, Any]) -> None:
        thing.title = body.get("title", thing.title)
        thing.body = body.get("description", thing.body) or ""
        event = body.get("state_event")
        if event is not None and not (isinstance(thing, Pull) and thing.merged):
            thing.state = "closed" if event == "close" else "open"
        for label in filter(None, str(body.get("add_labels") or "").split(",")):
            self.hosted.labels.setdefault(label, "#ededed")
            if label not in thing.labels:
                thing.labels.append(label)
        if "labels" in body:
            thing.labels = list(filter(None, body["labels"].split(",")))

    def merge_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        pull, body = self._found(seen), seen.body or {}
        if pull.state != "open" or pull.draft:
            raise Problem(405, {"message": "405 Method Not Allowed"})
        if body.get("sha") not in (None, pull.commit):
            raise Problem(409, {"message": "SHA does not match HEAD of source branch: " + pull.commit})
        how: Literal["merge", "squash"] = "squash" if body.get("squash") else "merge"
        try:
            self.hosted.merge(pull, how, self.merge_message(pull, how))
        except Conflict:
            raise Problem(422, {"message": "Branch cannot be merged"}) from None
        return Answer(200, self._pull(pull))

    def list_notes(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        on = "pull" if seen.params["what"] == "merge_requests" else "issue"
        (self._found if on == "pull" else self._issue_of)(seen)
        said = self.hosted.said(int(seen.params["number"]), on)
        if seen.params.get("sort", "desc") == "desc":
            said.reverse()
        return self.page(seen, [self._note(comment) for comment in said], default=20)

    def add_note(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        on: Literal["pull", "issue"] = "pull" if seen.params["what"] == "merge_requests" else "issue"
        thing = (self._found if on == "pull" else self._issue_of)(seen)
        self._check_note(seen.body)
        return Answer(201, self._note(self.hosted.add_comment(thing.number, on, author, seen.body["body"])))

    def _check_note(self, body: dict[str, Any]) -> None:
        if len(body.get("body") or "") > 1_000_000:
            raise Problem(400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}})
        if not (body.get("body") or "").strip():
            raise Problem(400, {"message": '400 Bad request - Note {:note=>["can\'t be blank"]}'})

    def edit_note(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        comment = next((c for c in self.hosted.comments if c.id == int(seen.params["note"])), None)
        if comment is None or comment.of != int(seen.params["number"]):
            raise Problem(404, {"message": "404 Note Not Found"})
        if comment.author is not author:
            raise Problem(403, {"message": "403 Forbidden"})
        self._check_note(seen.body)
        comment.body, comment.edits = seen.body["body"], comment.edits + 1
        return Answer(200, self._note(comment))

    def list_issues(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        author = seen.params.get("author_id")
        rows = [
            self._thing(issue)
            for issue in self.hosted.issues
            if seen.params.get("state", "all") in ("all", "opened" if issue.state == "open" else "closed")
            and author in (None, str(issue.author.id))
        ]
        if seen.params.get("sort", "desc") == "desc":
            rows.reverse()
        return self.page(seen, rows, default=20)

    def open_issue(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        self._check(seen.body)
        issue = self.hosted.add_issue(seen.body["title"], seen.body.get("description") or "", author)
        return Answer(201, self._thing(issue))

    def get_issue(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return Answer(200, self._thing(self._issue_of(seen)))

    def edit_issue(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        issue = self._issue_of(seen)
        if issue.author is not author and author.rights != "write":
            raise Problem(403, {"message": "403 Forbidden"})
        self._check(seen.body)
        self._edit(issue, seen.body)
        return Answer(200, self._thing(issue))

    routes: ClassVar[Routes] = [
        ("GET", "/user", get_user),
        ("GET", "/users", list_users),
        ("GET", P, get_project),
        ("GET", f"{P}/merge_requests", list_pulls),
        ("POST", f"{P}/merge_requests", open_pull),
        ("GET", f"{P}/merge_requests/{I}", get_pull),
        ("PUT", f"{P}/merge_requests/{I}", edit_pull),
        ("PUT", f"{P}/merge_requests/{I}/merge", merge_pull),
        ("GET", f"{P}/(?P<what>merge_requests|issues)/{I}/notes", list_notes),
        ("POST", f"{P}/(?P<what>merge_requests|issues)/{I}/notes", add_note),
        ("PUT", rf"{P}/(?P<what>merge_requests|issues)/{I}/notes/(?P<note>\d+)", edit_note),
        ("GET", f"{P}/issues", list_issues),
        ("POST", f"{P}/issues", open_issue),
        ("GET", f"{P}/issues/{I}", get_issue),
        ("PUT", f"{P}/issues/{I}", edit_issue),
    ]
