"""What runs where: the state of the environments, and copies of what they run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import NotFound
from promptvc.base.files import write_atomic
from promptvc.deployment.environments import FOLDER, deployments, environment_names
from promptvc.deployment.holds import hold_paths, load_hold
from promptvc.prompts.names import nearest, path_of
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of `status`.

    Attributes:
        intact: False where the deployed bytes are no version of main's history; None where a shallow clone
            cannot know.
    """

    environment: str
    name: str
    version: int | None
    digest: str
    latest: int | None
    held: tuple[int, ...]
    intact: bool | None

    def to_json(self) -> dict[str, Any]:
        """As `status --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__} | {"held": list(self.held)}


def status(project: Project, environment: str | None = None) -> tuple[Standing, ...]:
    """What every environment runs, as main has it."""
    commit = project.main_commit
    tree = project.tree(commit, FOLDER) if commit else {}
    if environment is not None and environment not in environment_names(tree):
        near = nearest(environment, environment_names(tree))
        hint = f"did you mean {near}?" if near else "promptvc status shows the environments there are"
        raise NotFound(f"there is no environment {environment}", hint=hint)
    found = [one for one in deployments(tree) if environment in (None, one.environment)]
    holds = [
        load_hold(path, project.objects.blob(tree[path]), memo=project.memo) for path in hold_paths(tree)
    ]
    versions = project.resolver.contents.versions(one.digest for one in found)
    latest = project.resolver.tip_versions()
    copies = [(path_of(one.name), one.digest) for one in found]
    on_main = project.history.held(copies, commit) if commit else set()
    otherwise = None if commit and project.history.cut_off(commit) else False
    return tuple(
        Standing(
            environment=one.environment,
            name=one.name,
            version=versions[one.digest],
            digest=one.digest,
            latest=latest.get(one.name, (None, ""))[0],
            held=tuple(
                sorted(h.version for h in holds if (h.environment, h.name) == (one.environment, one.name))
            ),
            intact=(path_of(one.name), one.digest) in on_main or otherwise,
        )
        for one in found
    )


def export(project: Project, directory: Path, environment: str | None = None) -> tuple[str, ...]:
    """Write the latest versions on main, or what ``environment`` runs, as ``NAME.yaml`` below ``directory``.

    Returns:
        The files written, from ``directory``.
    """
    commit = project.need_main()
    if environment is None:
        blobs = {name: digest for name, (_, digest) in project.resolver.tip_versions().items()}
    else:
        found = deployments(project.tree(commit, FOLDER))
        blobs = {one.name: one.digest for one in found if one.environment == environment}
        if not blobs:
            raise NotFound(f"nothing is deployed to {environment}", hint="see promptvc status")
    for name, blob in sorted(blobs.items()):
        write_atomic(directory / f"{name}.yaml", project.objects.blob(blob))
    return tuple(f"{name}.yaml" for name in sorted(blobs))
