"""GitHub on loopback, as its REST and GraphQL references describe it (docs.github.com/rest, version 2022-11-28).

It listens as GitHub Enterprise Server does (``/api/v3``, ``/api/graphql``) and, for ``gh`` on a unix socket, as
api.github.com does (no prefix). Checked: authentication, rights (404 where one may not even look, 403 where one may
not act), page sizes and links, lengths, one open pull request of a head and base, drafts by GraphQL alone.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from pathlib import Path
from typing import Any, ClassVar, Literal

from tests.forge.servers.repository import Conflict
from tests.forge.servers.serving import Answer, ForgeServer, Problem, Routes, Seen
from tests.forge.servers.state import ADA, BOT, Account, Comment, Issue, Pull

R = r"/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)"
N = r"(?P<number>\d+)"
WHEN = "2026-01-01T00:00:00Z"


def invalid(resource: str, message: str, *, field: str | None = None, code: str = "custom") -> Problem:
    """422 as GitHub words it."""
    error = {"resource": resource, "code": code, "message": message} | ({"field": field} if field else {})
    return Problem(422, {"message": "Validation Failed", "errors": [error], "status": "422"})


class GitHubServer(ForgeServer):
    """``drafts`` False: a private repository of a free plan. ``actions_may_open`` False: the setting that forbids it.

    ``left`` requests remain until ``reset_at`` (seconds since 1970); ``left`` None: unlimited. ``slug`` and
    ``bot`` are those of the app whose token is ``BOT``.
    """

    prefixes: ClassVar[tuple[str, ...]] = ("/api/v3", "/api", "")

    def __init__(self, bare: Path, name: str = "acme/prompts") -> None:
        super().__init__(bare, name)
        self.drafts = True
        self.actions_may_open = True
        self.left: int | None = None
        self.reset_at = int(time.time()) + 3600
        self.bot = self.hosted.add("github-actions[bot]", "write", BOT, kind="bot", id=41898282)
        self._serial = itertools.count(1)

    @property
    def api(self) -> str:
        return f"{self.url}/api/v3"

    def environ(self, token: str = BOT) -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_API_URL": self.api,
            "GITHUB_REPOSITORY": self.hosted.name,
            "GITHUB_TOKEN": token,
        }

    def approve(self, number: int, login: str) -> None:
        """Somebody reviews."""
        pull = self.hosted.pull(number)
        assert pull is not None
        pull.reviews.append((login, "APPROVED"))
        if login in pull.reviewers:
            pull.reviewers.remove(login)

    def event(self, number: int, action: str = "opened") -> dict[str, Any]:
        """The payload of a ``pull_request`` event, as in the file that GITHUB_EVENT_PATH names."""
        pull = next(pull for pull in self.pulls if pull.number == number)
        return {
            "action": action,
            "number": number,
            "pull_request": self._pull(pull),
            "repository": self._repository(),
        }

    # Before and after every request.

    def authenticate(self, seen: Seen) -> Account | None:
        if self.left is not None:
            if self.left == 0 and "rate_limit" not in seen.path:
                raise Problem(403, {"message": "API rate limit exceeded for user ID 1. (see the docs)"})
            self.left = max(self.left - 1, 0)
        if not seen.headers.get("user-agent"):
            raise Problem(403, {"message": "Request forbidden by administrative rules."})
        return super().authenticate(seen)

    def decorate(self, seen: Seen, answer: Answer) -> None:
        left = 4999 if self.left is None else self.left
        answer.headers |= {
            "X-GitHub-Request-Id": f"F00D:{next(self._serial):04X}",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(self.reset_at),
            "X-RateLimit-Used": str(5000 - left),
            "X-RateLimit-Resource": "core",
        }

    def _enter(self, seen: Seen, who: Account | None, *, write: bool = False) -> None:
        """Whether ``who`` may look, or write, here."""
        here = f"{seen.params['owner']}/{seen.params['repo']}".lower() == self.hosted.name.lower()
        stranger = who is None or who.rights == "none"
        if not here or (self.hosted.private and stranger):
            raise Problem(404, {"message": "Not Found", "status": "404"})
        if not write:
            return
        if who is None:
            raise Problem(401, {"message": "Requires authentication"})
        if who.rights != "write":
            kind = "integration" if who.kind == "bot" else "personal access token"
            raise Problem(403, {"message": f"Resource not accessible by {kind}"})

    def _talk(self, seen: Seen, who: Account | None) -> Account:
        """Whoever may look may talk; an app needs the right to write."""
        self._enter(seen, who, write=who is not None and who.kind == "bot")
        if who is None:
            raise Problem(401, {"message": "Requires authentication"})
        return who

    def _found(self, seen: Seen) -> Pull:
        pull = self.hosted.pull(int(seen.params["number"]))
        if pull is None:
            raise Problem(404, {"message": "Not Found", "status": "404"})
        return pull

    def _thing(self, seen: Seen) -> Pull | Issue:
        number = int(seen.params["number"])
        found = self.hosted.pull(number) or self.hosted.issue(number)
        if found is None:
            raise Problem(404, {"message": "Not Found", "status": "404"})
        return found

    # Shapes.

    def _user(self, account: Account) -> dict[str, Any]:
        return {
            "login": account.login,
            "id": account.id,
            "node_id": f"U_{account.id}",
            "type": "Bot" if account.kind == "bot" else "User",
            "html_url": f"{self.url}/{account.login}",
            "url": f"{self.api}/users/{account.login}",
            "site_admin": False,
        }

    def _repository(self) -> dict[str, Any]:
        hosted = self.hosted
        return {
            "id": 1,
            "node_id": "R_1",
            "name": hosted.short,
            "full_name": hosted.name,
            "private": hosted.private,
            "fork": False,
            "owner": {"login": hosted.owner, "id": 2, "type": "Organization"},
            "html_url": f"{self.url}/{hosted.name}",
            "url": f"{self.api}/repos/{hosted.name}",
            "clone_url": self.clone_url(),
            "default_branch": hosted.git.default(),
            "allow_squash_merge": True,
            "allow_merge_commit": True,
            "allow_rebase_merge": True,
        }

    def _label(self, name: str) -> dict[str, Any]:
        return {
            "id": 7,
            "node_id": f"L_{name}",
            "name": name,
            "color": self.hosted.labels.get(name, "ededed"),
        }

    def _issue(self, issue: Issue) -> dict[str, Any]:
        where = "pull" if isinstance(issue, Pull) else "issues"
        value = {
            "id": issue.id,
            "node_id": f"I_{issue.id}",
            "number": issue.number,
            "url": f"{self.api}/repos/{self.hosted.name}/issues/{issue.number}",
            "html_url": f"{self.url}/{self.hosted.name}/{where}/{issue.number}",
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "user": self._user(issue.author),
            "labels": [self._label(name) for name in issue.labels],
            "comments": len(self.hosted.said(issue.number, "pull" if isinstance(issue, Pull) else "issue")),
            "created_at": WHEN,
            "updated_at": WHEN,
        }
        if isinstance(issue, Pull):
            value["pull_request"] = {"url": f"{self.api}/repos/{self.hosted.name}/pulls/{issue.number}"}
        return value

    def _pull(self, pull: Pull) -> dict[str, Any]:
        value = self._issue(pull)
        del value["pull_request"]
        home = self._repository()
        theirs = home if pull.fork is None else {**home, "full_name": pull.fork, "fork": True}
        owner = (pull.fork or self.hosted.name).split("/", maxsplit=1)[0]
        return value | {
            "node_id": f"PR_{pull.id}",
            "url": f"{self.api}/repos/{self.hosted.name}/pulls/{pull.number}",
            "draft": pull.draft,
            "merged": pull.merged,
            "merged_at": WHEN if pull.merged else None,
            "merge_commit_sha": pull.merge_commit,
            "head": {"label": f"{owner}:{pull.head}", "ref": pull.head, "sha": pull.commit, "repo": theirs},
            "base": {
                "label": f"{self.hosted.owner}:{pull.base}",
                "ref": pull.base,
                "sha": self.hosted.git.tip(pull.base) or pull.commit,
                "repo": home,
            },
            "requested_reviewers": [self._user(self.hosted.accounts[login]) for login in pull.reviewers],
            "requested_teams": [{"id": 3, "name": team, "slug": team} for team in pull.teams],
            "mergeable": None,
        }

    def _comment(self, comment: Comment) -> dict[str, Any]:
        return {
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "url": f"{self.api}/repos/{self.hosted.name}/issues/comments/{comment.id}",
            "html_url": f"{self.url}/{self.hosted.name}/issues/{comment.of}#issuecomment-{comment.id}",
            "issue_url": f"{self.api}/repos/{self.hosted.name}/issues/{comment.of}",
            "body": comment.body,
            "user": self._user(comment.author),
            "created_at": WHEN,
            "updated_at": WHEN,
        }

    # Routes.

    def get_user(self, seen: Seen, who: Account | None) -> Answer:
        if who is None:
            raise Problem(401, {"message": "Requires authentication"})
        if who.kind == "bot":
            raise Problem(403, {"message": "Resource not accessible by integration"})
        return Answer(200, self._user(who))

    def get_repository(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return Answer(200, self._repository())

    def list_pulls(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        state, base = seen.params.get("state", "open"), seen.params.get("base")
        owner, colon, head = seen.params.get("head", "").partition(":")
        rows = [
            self._pull(pull)
            for pull in reversed(self.hosted.pulls)
            if state in ("all", pull.state)
            and base in (None, "", pull.base)
            # Without an owner GitHub ignores the filter.
            and (
                not colon
                or (owner.lower(), head)
                == ((pull.fork or self.hosted.name).split("/", maxsplit=1)[0].lower(), pull.head)
            )
        ]
        if seen.params.get("direction") == "asc":
            rows.reverse()
        return self.page(seen, rows, default=30)

    def open_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        assert who is not None
        if who.kind == "bot" and not self.actions_may_open:
            text = "GitHub Actions is not permitted to create or approve pull requests."
            raise Problem(403, {"message": text})
        body, git = seen.body, self.hosted.git
        head, base = str(body.get("head", "")).rpartition(":")[2], str(body.get("base", ""))
        for field, branch in (("head", head), ("base", base)):
            if not branch or git.tip(branch) is None:
                raise invalid("PullRequest", f"{field} is invalid", field=field, code="invalid")
        self._check(body, "PullRequest")
        if git.ahead(base, head) == 0:
            raise invalid("PullRequest", f"No commits between {base} and {head}")
        if any((p.head, p.base, p.state, p.fork) == (head, base, "open", None) for p in self.hosted.pulls):
            raise invalid("PullRequest", f"A pull request already exists for {self.hosted.owner}:{head}.")
        if body.get("draft") and not self.drafts:
            raise Problem(422, {"message": "Draft pull requests are not supported in this repository."})
        pull = self.hosted.open_pull(head, base, body["title"], body.get("body") or "", who)
        pull.draft = bool(body.get("draft"))
        return Answer(201, self._pull(pull))

    def _check(self, body: dict[str, Any], resource: str) -> None:
        if "title" in body and not str(body["title"]).strip():
            raise invalid(resource, "title can't be blank", field="title", code="missing_field")
        for field, most in (("title", 256), ("body", 65536)):
            if len(body.get(field) or "") > most:
                text = f"{field} is too long (maximum is {most} characters)"
                raise invalid(resource, text, field=field)

    def get_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return Answer(200, self._pull(self._found(seen)))

    def edit_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        pull, body = self._found(seen), seen.body
        self._check(body, "PullRequest")
        if body.get("state") == "open" and pull.merged:
            raise invalid("PullRequest", "state cannot be changed. The pull request cannot be reopened.")
        pull.title = body.get("title", pull.title)
        pull.body = body.get("body", pull.body) or ""
        pull.state = body.get("state", pull.state)
        return Answer(200, self._pull(pull))  # `draft` is not for this call: GitHub ignores it

    def merge_pull(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        pull, body = self._found(seen), seen.body or {}
        if pull.state != "open" or pull.draft:
            what = "Pull Request is still a draft" if pull.draft else "Pull Request is not mergeable"
            raise Problem(405, {"message": what})
        if body.get("sha") not in (None, pull.commit):
            raise Problem(409, {"message": "Head branch was modified. Review and try the merge again."})
        how: Literal["merge", "squash", "rebase"] = body.get("merge_method", "merge")
        message = self.merge_message(pull, how)
        if body.get("commit_title"):
            message = "\n\n".join(filter(None, (body["commit_title"], body.get("commit_message"))))
        try:
            new = self.hosted.merge(pull, how, message)
        except Conflict:
            raise Problem(405, {"message": "Pull Request is not mergeable"}) from None
        return Answer(200, {"sha": new, "merged": True, "message": "Pull Request successfully merged"})

    def list_labels(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return self.page(seen, [self._label(name) for name in self.hosted.labels], default=30)

    def make_label(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        name = seen.body["name"]
        if name.lower() in {known.lower() for known in self.hosted.labels}:
            raise invalid("Label", "already exists", field="name", code="already_exists")
        self.hosted.labels[name] = seen.body.get("color", "ededed")
        return Answer(201, self._label(name))

    def get_label(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        known = {label.lower(): label for label in self.hosted.labels}
        if seen.params["name"].lower() not in known:
            raise Problem(404, {"message": "Not Found", "status": "404"})
        return Answer(200, self._label(known[seen.params["name"].lower()]))

    def add_labels(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        thing = self._thing(seen)
        wanted = seen.body["labels"] if isinstance(seen.body, dict) else seen.body
        for name in wanted:
            self.hosted.labels.setdefault(name, "ededed")  # so does GitHub
            if name not in thing.labels:
                thing.labels.append(name)
        return Answer(200, [self._label(name) for name in thing.labels])

    def labels_of(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return self.page(seen, [self._label(name) for name in self._thing(seen).labels], default=30)

    def list_requested(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        value = self._pull(self._found(seen))
        return Answer(200, {"users": value["requested_reviewers"], "teams": value["requested_teams"]})

    def ask(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who, write=True)
        pull, body = self._found(seen), seen.body
        users, teams = body.get("reviewers", []), body.get("team_reviewers", [])
        known = {account.login for account in self.hosted.accounts.values() if account.rights != "none"}
        if pull.author.login in users:
            raise Problem(422, {"message": "Review cannot be requested from pull request author."})
        if not set(users) <= known or not set(teams) <= self.hosted.teams:
            text = (
                "Reviews may only be requested from collaborators. One or more of the users or teams you "
                f"specified is not a collaborator of the {self.hosted.name} repository."
            )
            raise Problem(422, {"message": text})
        pull.reviewers += [user for user in users if user not in pull.reviewers]
        pull.teams += [team for team in teams if team not in pull.teams]
        return Answer(201, self._pull(pull))

    def list_reviews(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        rows = [
            {"id": at, "user": self._user(self.hosted.accounts[login]), "state": state, "body": ""}
            for at, (login, state) in enumerate(self._found(seen).reviews, 1)
        ]
        return self.page(seen, rows, default=30)

    def list_comments(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        thing = self._thing(seen)
        on = "pull" if isinstance(thing, Pull) else "issue"
        return self.page(seen, [self._comment(c) for c in self.hosted.said(thing.number, on)], default=30)

    def add_comment(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        thing = self._thing(seen)
        self._check_comment(seen.body)
        on: Literal["pull", "issue"] = "pull" if isinstance(thing, Pull) else "issue"
        return Answer(
            201, self._comment(self.hosted.add_comment(thing.number, on, author, seen.body["body"]))
        )

    def _check_comment(self, body: dict[str, Any]) -> None:
        if len(body.get("body", "")) > 65536:
            text = "Body is too long (maximum is 65536 characters)"
            raise invalid("IssueComment", text, field="data", code="unprocessable")

    def edit_comment(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        comment = next((c for c in self.hosted.comments if c.id == int(seen.params["number"])), None)
        if comment is None:
            raise Problem(404, {"message": "Not Found", "status": "404"})
        if comment.author is not author and author.rights != "write":
            raise Problem(403, {"message": "Must have admin rights to Repository."})
        self._check_comment(seen.body)
        comment.body, comment.edits = seen.body["body"], comment.edits + 1
        return Answer(200, self._comment(comment))

    def list_issues(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        state, creator = seen.params.get("state", "open"), seen.params.get("creator")
        labels = set(filter(None, seen.params.get("labels", "").split(",")))
        everything: list[Issue] = sorted(
            [*self.hosted.issues, *self.hosted.pulls], key=lambda issue: -issue.number
        )
        rows = [
            self._issue(issue)
            for issue in everything
            if state in ("all", issue.state)
            and creator in (None, issue.author.login)
            and labels <= set(issue.labels)
        ]
        return self.page(seen, rows, default=30)

    def open_issue(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        self._check(seen.body, "Issue")
        labels = seen.body.get("labels", []) if author.rights == "write" else []  # dropped silently
        for name in labels:
            self.hosted.labels.setdefault(name, "ededed")
        issue = self.hosted.add_issue(seen.body["title"], seen.body.get("body") or "", author, labels)
        return Answer(201, self._issue(issue))

    def get_issue(self, seen: Seen, who: Account | None) -> Answer:
        self._enter(seen, who)
        return Answer(200, self._issue(self._thing(seen)))

    def edit_issue(self, seen: Seen, who: Account | None) -> Answer:
        author = self._talk(seen, who)
        thing = self._thing(seen)
        if thing.author is not author and author.rights != "write":
            raise Problem(403, {"message": "Must have admin rights to Repository."})
        self._check(seen.body, "Issue")
        thing.title = seen.body.get("title", thing.title)
        thing.body = seen.body.get("body", thing.body) or ""
        thing.state = seen.body.get("state", thing.state)
        if "labels" in seen.body and author.rights == "write":
            thing.labels = list(seen.body["labels"])
        return Answer(200, self._issue(thing))

    def graphql(self, seen: Seen, who: Account | None) -> Answer:
        """The three things of GraphQL that REST does not have; errors come with status 200."""
        if who is None:
            raise Problem(401, {"message": "This endpoint requires you to be authenticated."})
        query = str(seen.body.get("query", ""))
        given = json.dumps(seen.body.get("variables") or {}) + query
        if "viewer" in query:
            login = {"login": who.login, "databaseId": who.id, "id": f"U_{who.id}"}
            return Answer(200, {"data": {"viewer": login}})
        name = re.search(r"\b(markPullRequestReadyForReview|convertPullRequestToDraft)\b", query)
        node = re.search(r"PR_(\d+)", given)
        pull = next((p for p in self.hosted.pulls if node and p.id == int(node[1])), None)
        if name is None or pull is None:
            return self._graphql_error("NOT_FOUND", "Could not resolve to a node with the global id")
        if who.rights != "write":
            return self._graphql_error("FORBIDDEN", "Resource not accessible by integration")
        if name[1].startswith("convert") and not self.drafts:
            text = "Draft pull requests are not supported in this repository."
            return self._graphql_error("UNPROCESSABLE", text)
        if pull.state != "open":
            return self._graphql_error("UNPROCESSABLE", "Pull request is not open")
        pull.draft = name[1].startswith("convert")
        value = {"id": f"PR_{pull.id}", "isDraft": pull.draft, "number": pull.number}
        return Answer(200, {"data": {name[1]: {"pullRequest": value, "clientMutationId": None}}})

    def _graphql_error(self, kind: str, message: str) -> Answer:
        return Answer(200, {"data": None, "errors": [{"type": kind, "message": message, "path": []}]})

    routes: ClassVar[Routes] = [
        ("GET", "/user", get_user),
        ("POST", "/graphql", graphql),
        ("GET", R, get_repository),
        ("GET", f"{R}/pulls", list_pulls),
        ("POST", f"{R}/pulls", open_pull),
        ("GET", f"{R}/pulls/{N}", get_pull),
        ("PATCH", f"{R}/pulls/{N}", edit_pull),
        ("PUT", f"{R}/pulls/{N}/merge", merge_pull),
        ("GET", f"{R}/pulls/{N}/requested_reviewers", list_requested),
        ("POST", f"{R}/pulls/{N}/requested_reviewers", ask),
        ("GET", f"{R}/pulls/{N}/reviews", list_reviews),
        ("GET", f"{R}/labels", list_labels),
        ("POST", f"{R}/labels", make_label),
        ("GET", f"{R}/labels/(?P<name>[^/]+)", get_label),
        ("GET", f"{R}/issues/{N}/labels", labels_of),
        ("POST", f"{R}/issues/{N}/labels", add_labels),
        ("GET", f"{R}/issues/{N}/comments", list_comments),
        ("POST", f"{R}/issues/{N}/comments", add_comment),
        ("PATCH", f"{R}/issues/comments/{N}", edit_comment),
        ("GET", f"{R}/issues", list_issues),
        ("POST", f"{R}/issues", open_issue),
        ("GET", f"{R}/issues/{N}", get_issue),
        ("PATCH", f"{R}/issues/{N}", edit_issue),
    ]


__all__ = ["ADA", "BOT", "GitHubServer"]
