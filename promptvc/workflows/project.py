"""A project: one prompt root in one repository, and the parts that every story needs, opened when first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path

from promptvc.base.config import FILE, Settings, load_settings
from promptvc.base.errors import NotFound
from promptvc.base.files import storage_errors
from promptvc.base.log import Log, Silent
from promptvc.base.memo import Memo
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.git.objects import Objects
from promptvc.git.repo import Repository

STATE = ".promptvc"
Progress = Callable[[str], Callable[[int, int], None]]
"""Given a label, what to call with (done, total)."""


def silent(label: str) -> Callable[[int, int], None]:  # noqa: ARG001 - the signature of Progress
    """A progress that shows nothing."""
    return lambda done, total: None  # noqa: ARG005


class Project:
    """What the stories work with. Close it, or use it in a ``with``.

    Attributes:
        root: the folder that holds ``prompts/``; None in a bare repository.
        prefix: the root from the repository's top, with a final slash; empty at the top.
        state: the folder of what is derived and may be deleted.
    """

    def __init__(
        self,
        repository: Repository,
        root: Path | None,
        *,
        clock: Callable[[], datetime],
        log: Log,
    ) -> None:
        self.repository = repository
        self.root = root
        self.clock = clock
        self.log = log
        self.objects = Objects(repository)
        self.state = root / STATE if root is not None else repository.common_dir / "promptvc" / "state"
        self.memo = Memo(self.state / "validated")
        self.prefix = _prefix(repository, root)
        self.environ = repository.environ

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes that were kept for reading."""
        self.objects.close()

    @cached_property
    def settings(self) -> Settings:
        """`promptvc.yaml` of the working tree, or of HEAD in a bare repository."""
        return load_settings(self.read(FILE), file=FILE, memo=self.memo)

    @cached_property
    def main(self) -> str | None:
        """The branch that versions and deployments are read from; None on a detached HEAD without a remote."""
        return self.settings.main or self.repository.default_branch(self.settings.remote)

    @cached_property
    def main_commit(self) -> str | None:
        """The tip of main, the local branch before the remote's; None when nothing is committed there."""
        if self.main is None:
            return self.repository.head().commit
        remote = f"refs/remotes/{self.settings.remote}/{self.main}"
        return self.repository.resolve(f"refs/heads/{self.main}") or self.repository.resolve(remote)

    @cached_property
    def on_main(self) -> Mapping[str, str]:
        """{path from the prompt root: digest} of the deployments on main's tip."""
        return self.tree(self.main_commit, DEPLOYMENTS) if self.main_commit else {}

    def tree(self, commit: str, folder: str) -> dict[str, str]:
        """{path from the prompt root: digest} of the files below ``folder`` in ``commit``."""
        found = self.objects.tree(commit, self.prefix + folder)
        return {path.removeprefix(self.prefix): oid for path, oid in found.items()}

    def at(self, commit: str | None, path: str) -> bytes | None:
        """The content of ``path`` (from the prompt root) in ``commit``; None when it is not there."""
        found = self.objects.at(commit, self.prefix + path) if commit else None
        return found[1] if found else None

    def read(self, path: str) -> bytes | None:
        """The content of ``path`` (from the prompt root) in the working tree; of HEAD in a bare repository.

        Raises:
            StorageError: it is there and cannot be read.
        """
        if self.root is None:
            return self.at(self.repository.head().commit, path)
        place = self.root / path
        with storage_errors(place):
            return place.read_bytes() if place.is_file() else None

    def top(self, path: str) -> str:
        """``path`` from the repository's top, as git wants it."""
        return self.prefix + path


def open_project(
    directory: Path,
    *,
    environ: Mapping[str, str],
    clock: Callable[[], datetime],
    log: Log | None = None,
) -> Project:
    """The project around ``directory``: the nearest folder above with `promptvc.yaml`, else with ``prompts/``.

    Raises:
        NotFound: no repository, or no prompts in it.
        GitError: git is missing or too old.
    """
    if not directory.is_dir():
        raise NotFound(f"{directory} is not a folder")
    repository = Repository.discover(directory, environ)
    root = _root(directory, repository)
    return Project(repository, root, clock=clock, log=log or Silent())


def names_nearby(directory: Path) -> tuple[list[str], list[str]]:
    """Names of prompts and environments in the files around ``directory``, for completion: no git, no errors."""
    for folder in _upward(directory):
        if (folder / FILE).is_file() or (folder / "prompts").is_dir():
            prompts = folder / "prompts"
            names = [path.relative_to(prompts).with_suffix("").as_posix() for path in prompts.rglob("*.yaml")]
            deployments = folder / DEPLOYMENTS
            found = [path.name for path in deployments.iterdir()] if deployments.is_dir() else []
            return sorted(names), sorted(found)
    return [], []


def _root(directory: Path, repository: Repository) -> Path | None:
    if repository.top is None:
        return None
    top = repository.top.resolve()
    folders = []
    for folder in _upward(directory):
        folders.append(folder)
        if folder == top:
            break
    for mark in (FILE, "prompts"):
        for folder in folders:
            if (folder / mark).exists():
                return folder
    raise NotFound(
        f"there are no prompts in {repository.top}", hint="run `promptvc init` to make a place for them"
    )


def _upward(directory: Path) -> Iterator[Path]:
    here = directory.resolve()
    yield here
    yield from here.parents


def _prefix(repository: Repository, root: Path | None) -> str:
    if root is None or repository.top is None:
        return ""
    relative = root.resolve().relative_to(repository.top.resolve()).as_posix()
    return "" if relative == "." else relative + "/"
