"""GitHub on loopback, with the tokens of jobs: what each may is what its `permissions:` say."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.forge.servers.github import GitHubServer
from tests.forge.servers.serving import Answer, Problem, Seen
from tests.forge.servers.state import BOT, Account

_WRITES = {"POST", "PATCH", "PUT", "DELETE"}
_NEEDS = (
    (r".*/graphql", ("pull-requests",)),
    (r".*/pulls(/.*)?", ("pull-requests",)),
    (r".*/issues/\d+/(comments|labels)", ("issues", "pull-requests")),
    (r".*/issues/comments/\d+", ("issues", "pull-requests")),
    (r".*/issues(/\d+)?", ("issues",)),
    (r".*/labels(/.*)?", ("issues", "pull-requests")),
)


class JobForge(GitHubServer):
    """``grant`` makes a token of a job. All of them are of ``github-actions[bot]``."""

    scopes: dict[str, Mapping[str, str]]
    _asking: str | None = None

    def grant(self, name: str, permissions: Mapping[str, str]) -> str:
        """A token that may what ``permissions`` say, and nothing else."""
        self.__dict__.setdefault("scopes", {})
        token = f"job-token-{len(self.scopes)}-{name}"
        self.scopes[token] = permissions
        return token

    def token_of(self, headers: Mapping[str, str]) -> str | None:
        token = super().token_of(headers)
        self._asking = token
        return BOT if token in self.__dict__.get("scopes", {}) else token

    def _allowed(self, *permissions: str) -> bool:
        scope = self.__dict__.get("scopes", {}).get(self._asking)
        return scope is None or any(scope.get(one) == "write" for one in permissions)

    def _git(self, seen: Seen) -> Answer | None:
        self.token_of(seen.headers)
        writes = "receive-pack" in f"{seen.path} {seen.query}"
        if seen.path.startswith(f"/{self.hosted.name}") and writes and not self._allowed("contents"):
            return Answer(403, b"remote: Write access to repository not granted.\n")
        return super()._git(seen)

    def _route(self, seen: Seen, who: Account | None) -> Answer:
        asks = seen.path.endswith("/graphql") and "mutation" not in str(seen.body)
        if seen.method in _WRITES and not asks:
            needed = next((names for pattern, names in _NEEDS if re.fullmatch(pattern, seen.path)), ())
            if not self._allowed(*needed):
                raise Problem(403, {"message": "Resource not accessible by integration"})
        return super()._route(seen, who)
