"""`list`: which prompts there are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.deployment.environments import deployments
from promptvc.git.objects import blob_id
from promptvc.prompts.formats.github.documents import prompt_document
from promptvc.store.listing import working_prompts
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of `list`. ``environments`` maps each that runs the prompt to the version it runs.

    ``counted`` is where the number of a file of GitHub's format, which says none, comes from: ``main``, ``branch`` or
    ``uncommitted``; None for a prompt of promptvc's own.
    """

    name: str
    version: int | None
    digest: str
    model: str | None
    tags: tuple[str, ...]
    environments: Mapping[str, int | None]
    counted: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `list --json` prints it."""
        return {
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "model": self.model,
            "tags": list(self.tags),
            "environments": dict(self.environments),
            "counted": self.counted,
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
    own = [
        Listed(
            name=name,
            version=summaries[digest].version,
            digest=digest,
            model=summaries[digest].model or project.settings.model,
            tags=summaries[digest].tags,
            environments=runs.get(name, {}),
        )
        for name, digest in digests.items()
    ]
    lying = [_lying(project, name) for name in resolver.foreign.names() if name not in digests]
    return tuple(sorted((*own, *lying), key=lambda one: one.name) if lying else own)


def _lying(project: Project, name: str) -> Listed:
    """A prompt in a file of GitHub's format, in whatever state that is."""
    resolver = project.resolver
    path, digest, data = resolver.foreign.content(name)
    model = version = counted = None
    with suppress(InvalidDocument):
        model = prompt_document(load_yaml(data, file=path), name, 1, memo=project.memo).value.get("model")
    with suppress(NotFound):  # a shallow clone cannot count
        version, counted = resolver.foreign.number(path, digest), resolver.foreign.counted(path, digest)
    return Listed(name, version, digest, model or project.settings.model, (), {}, counted)


def _runs(project: Project) -> dict[str, dict[str, int | None]]:
    """Prompt -> environment -> version, as main has it."""
    commit = project.main_commit
    found = deployments(project.tree(commit, DEPLOYMENTS)) if commit else []
    versions = project.resolver.contents.versions(one.digest for one in found)
    runs: dict[str, dict[str, int | None]] = {}
    for one in found:
        runs.setdefault(one.name, {})[one.environment] = versions[one.digest]
    return runs
