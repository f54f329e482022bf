"""What runs where: the state of the environments, and copies of what they run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import NotFound, Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.deployment.environments import FOLDER, deployments, environment_names
from promptvc.deployment.holds import hold_paths, load_hold
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import FOREIGN_SUFFIXES, nearest, path_of
from promptvc.store.listing import refuse_leaving
from promptvc.store.numbering import owning
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of `status`.

    Attributes:
        intact: False where the deployed bytes are not the version on main that their number stands for; None
            where a shallow clone cannot know.
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
    known = project.history.held(copies, commit) if commit else set()
    owners = owning(project.history, project.resolver.contents, known, commit) if commit else set()
    cut_off = commit is not None and project.history.cut_off(commit)
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
            intact=None if cut_off and copy not in known else copy in owners,
        )
        for one, copy in zip(found, copies, strict=True)
    )


def export(
    project: Project,
    directory: Path,
    environment: str | None = None,
    *,
    references: tuple[str, ...] = (),
    force: bool = False,
) -> tuple[str, ...]:
    """Write the latest versions on main, or what ``environment`` runs, as ``NAME.yaml`` below ``directory``.

    Args:
        references: ``NAME``, its latest, or ``NAME@REV``: only these, a file of GitHub's format under its own ending.
        force: replace files that are there and differ.

    Returns:
        The files written, from ``directory``.

    Raises:
        NotFound: nothing is deployed there, or there is no such prompt.
        Usage: a file would be replaced, or would land in a folder of the prompt root, or two would be one file.
            Nothing is written then.
    """
    files = _named(project, references, environment) if references else _all(project, environment)
    for path in files:
        refuse_leaving(directory, path)
        _refuse_own_folder(project, directory / path)
    differing = [path for path, data in files.items() if _differs(directory / path, data)]
    if differing and not force:
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        raise Usage(
            f"{directory / differing[0]}{more} would be replaced", hint="--force replaces what differs"
        )
    for path, data in files.items():
        write_atomic(directory / path, data)
    return tuple(files)


def _named(project: Project, references: tuple[str, ...], environment: str | None) -> dict[str, bytes]:
    """{file: content} of the versions that are named."""
    if environment is not None:
        raise Usage("--env and names do not go together", hint=f"write NAME@{environment}")
    files: dict[str, bytes] = {}
    for reference in references:
        version = project.resolver.resolve(reference if "@" in reference else f"{reference}@latest")
        path = f"{version.name}{_ending(version.path)}"
        if files.get(path, version.data) != version.data:
            raise Usage(
                f"two versions would be written to {path}", hint="export them to folders of their own"
            )
        files[path] = version.data
    return files


def _ending(path: str) -> str:
    return next((ending for ending in FOREIGN_SUFFIXES if path.endswith(ending)), ".yaml")


def _all(project: Project, environment: str | None) -> dict[str, bytes]:
    """{file: content} of every prompt."""
    commit = project.need_main()
    if environment is None:
        blobs = {name: digest for name, (_, digest) in project.resolver.tip_versions().items()}
    else:
        found = deployments(project.tree(commit, FOLDER))
        blobs = {one.name: one.digest for one in found if one.environment == environment}
        if not blobs:
            raise NotFound(f"nothing is deployed to {environment}", hint="see promptvc status")
    return {f"{name}.yaml": project.objects.blob(blob) for name, blob in sorted(blobs.items())}


def _refuse_own_folder(project: Project, target: Path) -> None:
    if project.root is None:
        return
    root, place = project.root.resolve(), target.resolve()
    for folder in (PROMPTS, "feedback", "evaluation", FOLDER):
        if place.is_relative_to(root / folder):
            raise Usage(
                f"{folder}/ of the prompt root is no place to export to", hint="name a folder of your own"
            )


def _differs(target: Path, data: bytes) -> bool:
    if target.is_dir():
        raise Usage(f"{target} is a folder", hint="name another folder to export to")
    with storage_errors(target):
        return target.exists() and target.read_bytes() != data
