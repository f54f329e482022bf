"""`list`: which prompts there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.deployment.environments import deployments
from promptvc.git.objects import blob_id
from promptvc.store.listing import working_prompts
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of `list`. ``environments`` maps each that runs the prompt to the version it runs."""

    name: str
    version: int | None
    digest: str
    model: str | None
    tags: tuple[str, ...]
    environments: Mapping[str, int | None]

    def to_json(self) -> dict[str, Any]:
        """As `list --json` prints it."""
        return {
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "model": self.model,
            "tags": list(self.tags),
            "environments": dict(self.environments),
        }


def list_prompts(project: Project) -> tuple[Listed, ...]:
    """The prompts of the working tree (of main in a bare repository), by name."""
    resolver = project.resolver
    if project.root is None:
        digests = {name: digest for name, (_, digest) in resolver.tip_versions().items()}
        content: dict[str, bytes] = {}
    else:
        files = {name: path.read_bytes() for name, path in working_prompts(project.root).items()}
        algorithm = project.repository.object_format
        digests = {name: blob_id(data, algorithm) for name, data in files.items()}
        content = {digests[name]: data for name, data in files.items()}
    summaries = resolver.contents.summaries(digests.values(), content.__getitem__ if content else None)
    runs = _runs(project)
    return tuple(
        Listed(
            name=name,
            version=summaries[digest].version,
            digest=digest,
            model=summaries[digest].model or project.settings.model,
            tags=summaries[digest].tags,
            environments=runs.get(name, {}),
        )
        for name, digest in digests.items()
    )


def _runs(project: Project) -> dict[str, dict[str, int | None]]:
    """Prompt -> environment -> version, as main has it."""
    commit = project.main_commit
    found = deployments(project.tree(commit, DEPLOYMENTS)) if commit else []
    versions = project.resolver.contents.versions(one.digest for one in found)
    runs: dict[str, dict[str, int | None]] = {}
    for one in found:
        runs.setdefault(one.name, {})[one.environment] = versions[one.digest]
    return runs
