"""`deploy --changed-since`: what a merge brought to main goes to an environment, a commit for each prompt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from promptvc.base.errors import NotFound, Refused
from promptvc.deployment.environments import FOLDER, deployed_path, deployments
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import check_environment, name_of
from promptvc.workflows.landing import Landing, Proposed, land
from promptvc.workflows.project import Project
from promptvc.workflows.shipping import Shipment, Shipped, put


@dataclass(frozen=True, slots=True)
class ChangedRequest:
    """Deploy what has changed on main since the revision ``since``; forty zeroes are the time before everything."""

    since: str
    environment: str | None = None
    landing: Landing = field(default_factory=Landing)


@dataclass(frozen=True, slots=True)
class ShippedAll:
    """What became of each prompt that changed.

    Attributes:
        refused: (prompt, why, what to do).
        pull: that proposes it; None without one.
    """

    environment: str
    shipped: tuple[Shipped, ...] = ()
    refused: tuple[tuple[str, str, str | None], ...] = ()
    pull: Proposed | None = None

    def to_json(self) -> dict[str, Any]:
        """As `deploy --changed-since --json` prints it."""
        return {
            "environment": self.environment,
            "deployed": [one.to_json() | {"changed": one.changed} for one in self.shipped],
            "refused": [{"name": name, "reason": why, "hint": hint} for name, why, hint in self.refused],
            "pull": None if self.pull is None else self.pull.to_json(),
        }


def deploy_changed(project: Project, request: ChangedRequest) -> ShippedAll:
    """Deploy the latest version of every prompt whose file differs between ``since`` and main.

    A closed gate keeps that prompt out, and no other.

    Raises:
        NotFound: no such revision; no remote.
        GitError, Unfinished: main cannot be pushed, or the forge not be reached; nothing is half deployed.
    """
    environment = check_environment(request.environment or project.settings.default_environment)

    def ship(branch: str | None, before: str | None) -> ShippedAll:
        names = {*_changed(project, request.since), *_proposed(project, environment, before)}
        return _ship(project, sorted(names), environment, branch or project.main)

    done, pull = land(project, request.landing, f"deploy/{environment}", ship, lambda all_: all_.shipped)
    return ShippedAll(environment, done.shipped, done.refused, pull)


def _ship(project: Project, names: list[str], environment: str, branch: str | None) -> ShippedAll:
    shipped: list[Shipped] = []
    refused: list[tuple[str, str, str | None]] = []
    for name in names:
        project.refresh()
        version = project.resolver.latest(name)
        if version is None:
            continue
        reason = f"merged into {project.main}"
        shipment = Shipment(version, environment, branch, reason=reason, new_environment=True)
        try:
            shipped.append(put(project, shipment))
        except Refused as error:
            refused.append((name, str(error), error.hint))
    return ShippedAll(environment, tuple(shipped), tuple(refused))


def _proposed(project: Project, environment: str, commit: str | None) -> list[str]:
    """The prompts that an earlier proposal, whose tip is ``commit``, deploys and main does not."""
    if commit is None:
        return []
    folder = f"{FOLDER}/{environment}"
    now = project.tree(project.need_main(), folder)
    then = deployments(project.tree(commit, folder))
    return [one.name for one in then if now.get(deployed_path(environment, one.name)) != one.digest]


def _changed(project: Project, since: str) -> list[str]:
    """The prompts of main that ``since`` had not, or not with these bytes."""
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
    return [name for name in names if name is not None]
