"""A project: one prompt root in one repository, and the parts that every story needs, opened when first used."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path

from promptvc.base.config import FILE, Settings, load_settings
from promptvc.base.errors import NotFound, StorageError
from promptvc.base.files import storage_errors, write_atomic
from promptvc.base.log import Log, Silent
from promptvc.base.memo import Memo
from promptvc.git.objects import Objects
from promptvc.git.repo import Repository
from promptvc.prompts.names import foreign_name, name_of, nearest
from promptvc.store.foreign import lies_anywhere
from promptvc.store.forges import read_forge
from promptvc.store.history import History
from promptvc.store.listing import is_nested, refuse_outside
from promptvc.store.versions import Place, Resolver

STATE = ".promptvc"
BASE = "PROMPTVC_BASE"
"""The variable that names the revision whose settings and models count: in CI, the base of a pull request."""
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
        self.prefix = _prefix(repository, root)
        self.state = self._state()
        self.memo = Memo(self.state / "validated")
        self.environ = repository.environ

    def _state(self) -> Path:
        """``.promptvc/`` of the prompt root; a folder in the git directory where there is none to trust.

        What a commit brought there was made by somebody else, and could say anything about history and scores.
        """
        aside = self.repository.git_dir / "promptvc" / "state"
        if self.root is None:
            return aside
        state = self.root / STATE
        # A link would lead elsewhere; a folder with a repository of its own is a submodule, or was put there.
        strange = state.is_symlink() or (state / ".git").exists()
        head = self.repository.head().commit if state.is_dir() and not strange else None
        if strange or (head is not None and self.objects.has(head, self.prefix + STATE)):
            self.log.event("state.not_trusted", path=str(state))
            return aside
        _ignore(state)
        return state

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes and close the files that were kept for reading."""
        self.objects.close()
        if "history" in self.__dict__:
            self.history.close()

    @cached_property
    def base(self) -> str | None:
        """The commit that :data:`BASE` names, whose word counts instead of the checkout's; None where it names none.

        Raises:
            NotFound: there is no such revision here.
        """
        revision = self.environ.get(BASE)
        if not revision:
            return None
        commit = self.repository.resolve(revision)
        if commit is None:
            raise NotFound(
                f"there is no revision {revision}, which {BASE} names",
                hint="fetch it: actions/checkout with `fetch-depth: 0`, or git fetch origin",
            )
        return commit

    @cached_property
    def settings(self) -> Settings:
        """`promptvc.yaml` of the working tree, or of HEAD in a bare repository; of :attr:`base` where there is one."""
        data = self.read(FILE) if self.base is None else self.at(self.base, FILE)
        return load_settings(data, file=FILE, memo=self.memo)

    @cached_property
    def main(self) -> str | None:
        """The branch that versions and deployments are read from; None where nothing says which it is.

        That is a detached HEAD without a remote. What a CI system checks out is detached too, and its clone knows of no
        ``<remote>/HEAD``: there the forge's word counts.
        """
        if self.settings.main is not None:
            return self.settings.main
        remote = self.settings.remote
        if self.repository.remote_head(remote) is None:
            forge = read_forge(self.environ)
            known = forge.default and self.repository.resolve(f"refs/remotes/{remote}/{forge.default}")
            if forge.ci and known:
                return forge.default
        return self.repository.default_branch(remote)

    @cached_property
    def main_ref(self) -> str | None:
        """Main as a revision: the local branch, else the remote's; None where there is no main."""
        if self.main is None:
            return None
        if self.repository.resolve(f"refs/heads/{self.main}") is None:
            remote = f"{self.settings.remote}/{self.main}"
            if self.repository.resolve(f"refs/remotes/{remote}") is not None:
                return remote
            self._require_main()
        return self.main

    def _require_main(self) -> None:
        """A main that is named and does not exist is a slip of the pen, unless it is about to be born."""
        head = self.repository.head()
        if self.settings.main is not None and head.commit is not None and head.branch != self.settings.main:
            known = [ref.removeprefix("refs/heads/") for ref in self.repository.refs("refs/heads")]
            near = nearest(self.settings.main, known)
            hint = f"did you mean {near}?" if near else "write the name of a branch, or leave the key out"
            raise NotFound(
                f"there is no branch {self.settings.main}, which `main` names", hint=hint, file=FILE
            )

    @cached_property
    def anywhere(self) -> bool:
        """Whether a file of GitHub's format lies outside of ``prompts/``: all of the history is looked through then."""
        return self.root is not None and lies_anywhere(self.repository, self.root, self.prefix)

    @cached_property
    def history(self) -> History:
        """The history index."""
        return History(self.repository, self.state, self.prefix, anywhere=self.anywhere)

    @cached_property
    def resolver(self) -> Resolver:
        """The one resolver of references."""
        place = Place(self.main_ref, self.prefix, self.root, self.settings.remote, self.anywhere)
        return Resolver(self.repository, self.objects, self.history, place)

    @property
    def main_commit(self) -> str | None:
        """The tip of main; None when nothing is committed there."""
        return self.resolver.main

    def need_main(self) -> str:
        """The tip of main.

        Raises:
            NotFound: nothing is committed there.
        """
        if self.main_commit is None:
            if self.main is None:
                raise NotFound(
                    "HEAD is detached, and nothing says which branch is main",
                    hint=f"git switch to a branch, or say `main: NAME` in {FILE}",
                )
            hint = "commit the prompts first: git add -A && git commit"
            raise NotFound(f"nothing is committed on {self.main}", hint=hint)
        return self.main_commit

    def refresh(self) -> None:
        """Read anew where branches stand; for callers that live longer than one operation."""
        if "history" in self.__dict__:
            self.history.close()
        for name in ("base", "settings", "main", "main_ref", "anywhere", "history", "resolver"):
            self.__dict__.pop(name, None)

    def tree(self, commit: str, below: str) -> dict[str, str]:
        """{path from the prompt root: digest} of the files below the folder ``below`` in ``commit``."""
        found = self.objects.tree(commit, self.prefix + below)
        return {path.removeprefix(self.prefix): oid for path, oid in found.items()}

    def links(self, commit: str, below: str) -> list[str]:
        """The symbolic links among them, ``below`` itself where it is one; from the prompt root."""
        return [path.removeprefix(self.prefix) for path in self.objects.links(commit, self.prefix + below)]

    def at(self, commit: str | None, path: str) -> bytes | None:
        """The content of ``path`` (from the prompt root) in ``commit``; None when it is not there."""
        found = self.objects.at(commit, self.prefix + path) if commit else None
        return found[1] if found else None

    def read(self, path: str) -> bytes | None:
        """The content of ``path`` (from the prompt root) in the working tree; of HEAD in a bare repository.

        Raises:
            InputError: it is a symbolic link that leads out of the prompt root.
            StorageError: it is there and cannot be read.
        """
        if self.root is None:
            return self.at(self.repository.head().commit, path)
        place = self.root / path
        refuse_outside(self.root, place)
        with storage_errors(place):
            return place.read_bytes() if place.is_file() else None

    def files(self, commit: str | None = None) -> Tree:
        """The files below the prompt root: of the working tree, or of ``commit``."""
        return Tree(self, commit)

    def actor(self) -> str:
        """Who commits: ``Name <mail>``, as git is configured."""
        return self.repository.text("var", "GIT_COMMITTER_IDENT").rpartition(">")[0] + ">"

    def top(self, path: str) -> str:
        """``path`` from the repository's top, as git wants it."""
        return self.prefix + path


class Tree:
    """The files below a prompt root, of the working tree or of a commit. Paths are from the root."""

    def __init__(self, project: Project, commit: str | None) -> None:
        self._project = project
        self._commit = commit

    def read(self, path: str) -> bytes | None:
        """The content of a file; None when there is none.

        Raises:
            InputError: it is a symbolic link that leads out of the prompt root.
        """
        return self._project.read(path) if self._commit is None else self._project.at(self._commit, path)

    def list(self, folder: str) -> tuple[str, ...]:
        """The names in a folder, folders with a slash at the end, sorted."""
        project = self._project
        commit = self._commit
        if commit is None and project.root is None:
            commit = project.repository.head().commit
        if commit is None and project.root is not None:
            place = project.root / folder
            refuse_outside(project.root, place)
            with storage_errors(place):
                entries = list(place.iterdir()) if place.is_dir() else []
            return tuple(sorted(entry.name + ("/" * _is_folder(entry)) for entry in entries))
        below = f"{folder}/" if folder else ""
        names = {path.removeprefix(below).partition("/") for path in project.tree(commit or "", folder)}
        return tuple(sorted({first + slash for first, slash, _ in names}))


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
    for place in _upward(directory):
        if (place / FILE).is_file() or (place / "prompts").is_dir():
            prompts = place / "prompts"
            paths = [f"prompts/{path.relative_to(prompts).as_posix()}" for path in prompts.rglob("*.y*ml")]
            names = [name for name in (name_of(path) or foreign_name(path) for path in paths) if name]
            deployments = place / "deployments"
            found = [path.name for path in deployments.iterdir()] if deployments.is_dir() else []
            return sorted(names), sorted(found)
    return [], []


def _is_folder(place: Path) -> bool:
    """Links are not followed, as in a commit: two that lead to their own folder would never end."""
    return place.is_dir() and not place.is_symlink() and not is_nested(place)


def _root(directory: Path, repository: Repository) -> Path | None:
    if repository.top is None:
        return None
    top = repository.top.resolve()
    places = []
    for place in _upward(directory):
        places.append(place)
        if place == top:
            break
    for mark in (FILE, "prompts"):
        for place in places:
            if (place / mark).exists():
                return place
    if lies_anywhere(repository, top, ""):
        return top
    raise NotFound(
        f"there are no prompts in {repository.top}", hint="run `promptvc init` to make a place for them"
    )


def _upward(directory: Path) -> Iterator[Path]:
    here = directory.resolve()
    yield here
    yield from here.parents


def _ignore(state: Path) -> None:
    """Keep git from seeing what is derived, whatever the user's own `.gitignore` says."""
    mark = state / ".gitignore"
    if not mark.exists():
        with contextlib.suppress(StorageError):  # on a read-only disk nothing else is written there either
            write_atomic(mark, b"*\n", durable=False)


def _prefix(repository: Repository, root: Path | None) -> str:
    if root is None or repository.top is None:
        return ""
    relative = root.resolve().relative_to(repository.top.resolve()).as_posix()
    return "" if relative == "." else relative + "/"
