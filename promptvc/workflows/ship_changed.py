"""`deploy --changed-since`: what a merge brought to main goes to an environment, a commit for each prompt.

With ``push`` main itself moves on, by compare-and-swap: what others pushed meanwhile is fetched, and every gate asked
again. With ``propose`` the commits go to a branch and a pull request, for a main that takes no pushes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import GitError, NotFound, Refused, Usage
from promptvc.forge.forge import PullText, marked
from promptvc.forge.opening import open_forge
from promptvc.git.refs import delete_branch
from promptvc.git.remotes import Result, fetch, push
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import check_environment, name_of
from promptvc.workflows.project import Project
from promptvc.workflows.shipping import Shipment, Shipped, put

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ChangedRequest:
    """Deploy what has changed on main since the revision ``since``; forty zeroes are the time before everything."""

    since: str
    environment: str | None = None
    push: bool = False
    propose: bool = False


@dataclass(frozen=True, slots=True)
class ShippedAll:
    """What became of each prompt that changed.

    Attributes:
        refused: (prompt, why, what to do).
        branch: where the commits are.
        pull: number and address of the pull request; None without one.
    """

    environment: str
    shipped: tuple[Shipped, ...] = ()
    refused: tuple[tuple[str, str, str | None], ...] = ()
    branch: str | None = None
    pull: tuple[int, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """As `deploy --changed-since --json` prints it."""
        return {
            "environment": self.environment,
            "deployed": [one.to_json() | {"changed": one.changed} for one in self.shipped],
            "refused": [{"name": name, "reason": why, "hint": hint} for name, why, hint in self.refused],
            "branch": self.branch,
            "pull": None if self.pull is None else {"number": self.pull[0], "url": self.pull[1]},
        }


def deploy_changed(project: Project, request: ChangedRequest) -> ShippedAll:
    """Deploy the latest version of every prompt whose file differs between ``since`` and main.

    A closed gate keeps that prompt out, and no other.

    Raises:
        NotFound: no such revision; no remote.
        GitError, Unfinished: main cannot be pushed, or the forge not be reached; nothing is half deployed.
    """
    if request.push and request.propose:
        raise Usage("--push does not go with --pr", hint="push to main, or propose")
    return _Shipping(project, request).outcome()


class _Shipping:
    def __init__(self, project: Project, request: ChangedRequest) -> None:
        self.project, self.request = project, request
        self.remote = project.settings.remote
        self.environment = check_environment(request.environment or project.settings.default_environment)
        if project.main is None:
            raise NotFound("nothing says which branch is main", hint="say `main: NAME` in promptvc.yaml")
        self.main: str = project.main

    def outcome(self) -> ShippedAll:
        if self.request.propose:
            return self._proposed()
        if not self.request.push:
            return self._shipped(self.main)
        repository, ref = self.project.repository, f"refs/heads/{self.main}"
        ours = repository.resolve(ref)
        for _ in range(_ATTEMPTS):
            there = self._fetch()
            if ours is not None and there is not None and not repository.is_ancestor(there, ours):
                raise Refused(
                    f"{self.main} here is not what {self.remote} has",
                    hint=f"git switch {self.main} && git pull",
                )
            done = self._shipped(self.main)
            tip = repository.resolve(ref)
            if tip is None or tip == there or not any(one.changed for one in done.shipped):
                return done
            pushed = push(repository, self.remote, ref, expect=there or "")
            if pushed.ok:
                return done
            if ours is not None or pushed.result is not Result.REJECTED:
                break
            # The branch is ours: it began at what the remote had. What others pushed since then comes first.
            delete_branch(repository, self.main, tip)
        raise GitError(f"cannot push {self.main} to {self.remote}: {pushed.reason}", hint=pushed.hint)

    def _fetch(self) -> str | None:
        """The tip of the remote's main, now."""
        repository, tracking = self.project.repository, f"refs/remotes/{self.remote}/{self.main}"
        done = fetch(repository, self.remote, f"+refs/heads/{self.main}:{tracking}")
        if not done.ok:
            raise GitError(f"cannot fetch {self.main} from {self.remote}: {done.reason}", hint=done.hint)
        self.project.refresh()
        return repository.resolve(tracking)

    def _shipped(self, branch: str) -> ShippedAll:
        shipped: list[Shipped] = []
        refused: list[tuple[str, str, str | None]] = []
        for name in self._changed():
            self.project.refresh()
            version = self.project.resolver.latest(name)
            if version is None:
                continue
            shipment = Shipment(
                version, self.environment, branch, reason=f"merged into {self.main}", new_environment=True
            )
            try:
                shipped.append(put(self.project, shipment))
            except Refused as error:
                refused.append((name, str(error), error.hint))
        return ShippedAll(self.environment, tuple(shipped), tuple(refused), branch)

    def _changed(self) -> list[str]:
        """The prompts of main that ``since`` had not, or not with these bytes."""
        project, since = self.project, self.request.since
        before: dict[str, str] = {}
        if set(since) != {"0"}:
            commit = project.repository.resolve(since)
            if commit is None:
                raise NotFound(
                    f"there is no revision {since}", hint="a shallow clone lacks it: git fetch --unshallow"
                )
            before = project.tree(commit, PROMPTS)
        now = project.tree(project.need_main(), PROMPTS)
        names = (name_of(path) for path, blob in now.items() if before.get(path) != blob)
        return sorted(name for name in names if name is not None)

    def _proposed(self) -> ShippedAll:
        """The same on a branch that begins at main, and a pull request for it."""
        project, repository = self.project, self.project.repository
        url = repository.remote_url(self.remote)
        if url is None:
            raise NotFound(f"there is no remote {self.remote}", hint="git remote add")
        self._fetch()
        branch = f"promptvc-deploy/{self.environment}"
        stale = repository.resolve(f"refs/heads/{branch}")
        if stale is not None:
            delete_branch(repository, branch, stale)
        tracking = f"refs/remotes/{self.remote}/{branch}"
        seen = fetch(repository, self.remote, f"+refs/heads/{branch}:{tracking}")
        there = None if seen.result is Result.ABSENT else repository.resolve(tracking)
        done = self._shipped(branch)
        news = [one for one in done.shipped if one.changed]
        if not news:
            return done
        pushed = push(repository, self.remote, f"refs/heads/{branch}", expect=there or "")
        if not pushed.ok:
            raise GitError(f"cannot push {branch} to {self.remote}: {pushed.reason}", hint=pushed.hint)
        forge = open_forge(url, project.environ, kind=project.settings.review.forge)
        title = f"Deploy to {self.environment}: {', '.join(f'{one.name} v{one.version}' for one in news)}"
        rows = [f"- `{one.name}` {_step(one)}" for one in news]
        body = f"Merging this lets `{self.environment}` run:\n\n" + "\n".join(rows) + "\n"
        text = PullText(title[:200], marked(body, f"deploy/{self.environment}"))
        found = forge.find_pull(branch, self.main)
        is_open = found is not None and found.state == "open"
        pull = (
            forge.update_pull(found.number, text)
            if found is not None and is_open
            else forge.open_pull(branch, self.main, text)
        )
        forge.label(pull.number, project.settings.review.labels)
        return ShippedAll(done.environment, done.shipped, done.refused, branch, (pull.number, pull.url))


def _step(one: Shipped) -> str:
    return f"v{one.version}" if one.previous is None else f"v{one.previous} -> v{one.version}"
