"""Files of GitHub's format, ``.prompt.yml``, used as they lie: where they are, what they are called, their versions.

They are looked for everywhere below the prompt root, whatever else is there: no file can switch others off.
Their names come from their paths (:func:`promptvc.prompts.names.foreign_name`); a file of ours with the same name wins.
A file says no version: its different contents on main's chain of first parents are counted from 1, then those that only
the current branch has. What is not committed yet is one more.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from promptvc.base.errors import InputError, Usage
from promptvc.base.files import storage_errors
from promptvc.git.objects import Objects, blob_id
from promptvc.git.repo import Repository
from promptvc.prompts.names import FOLDER, foreign_name, is_foreign
from promptvc.store.history import History
from promptvc.store.listing import is_nested, refuse_outside
from promptvc.store.numbering import Owned, counted_versions


@dataclass(frozen=True, slots=True)
class Where:
    """Where such files lie.

    Attributes:
        folder: the prompt root from the top of the repository, empty or with a final slash.
        root: the prompt root in the working tree; None in a bare repository.
        anywhere: some lie outside of ``prompts/``; where none does, only that folder of a commit is looked through.
    """

    folder: str
    root: Path | None
    anywhere: bool


class Foreign:
    """The files of one prompt root, by name.

    Args:
        tips: the commits that main and HEAD stand at, main first.
    """

    def __init__(
        self,
        repository: Repository,
        objects: Objects,
        history: History,
        where: Where,
        tips: Callable[[], tuple[str, ...]],
    ) -> None:
        self._repository = repository
        self._objects = objects
        self._history = history
        self._where = where
        self._tips = tips
        self._committed: dict[str, dict[str, tuple[str, str]]] = {}
        self._numbers: dict[str, dict[str, Owned]] = {}

    @cached_property
    def files(self) -> tuple[str, ...]:
        """All such files of the working tree, from the prompt root, sorted; those of impossible names too."""
        return tuple(working_files(self._repository, self._where))

    @cached_property
    def working(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> its files in the working tree, from the prompt root; more than one is a mistake."""
        return _named(self.files)

    def names(self) -> list[str]:
        """The names in the working tree (in main's newest commit in a bare repository), sorted."""
        if self._where.root is not None:
            return sorted(self.working)
        return sorted({name for tip in self._tips()[:1] for name in self.committed(tip)})

    def committed(self, commit: str) -> Mapping[str, tuple[str, str]]:
        """Name -> (path from the prompt root, blob) in ``commit``; of several files of a name the first."""
        if commit not in self._committed:
            where = self._where
            tree = (
                self._everywhere(commit)
                if where.anywhere
                else self._objects.tree(commit, where.folder + FOLDER)
            )
            below = {path[len(where.folder) :]: blob for path, blob in tree.items() if is_foreign(path)}
            found = {name: paths[0] for name, paths in _named(below).items()}
            self._committed[commit] = {name: (path, below[path]) for name, path in found.items()}
        return self._committed[commit]

    def _everywhere(self, commit: str) -> dict[str, str]:
        """Path -> blob of the files below the prompt root; by git itself, since a repository may have very many."""
        folder = [self._where.folder] if self._where.folder else []
        listing = self._repository.run("ls-tree", "-r", "-z", "--full-tree", commit, *folder)
        found = {}
        for line in listing.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, blob = about.decode("ascii").split(" ")
            if mode.startswith("100"):
                found[path.decode("utf-8", "surrogateescape")] = blob
        return found

    def path(self, name: str) -> str | None:
        """The file that ``name`` stands for: of the working tree, else of main or HEAD; None where there is none.

        Raises:
            InputError: two files of the working tree have that name.
        """
        here = self.working.get(name, ()) if self._where.root is not None else ()
        if len(here) > 1:
            raise InputError(
                f"{here[0]} and {here[1]} have one name: {name}", hint="rename one of them", file=here[1]
            )
        if here:
            return here[0]
        found = (self.committed(tip).get(name) for tip in self._tips())
        return next((one[0] for one in found if one is not None), None)

    def content(self, name: str) -> tuple[str, str, bytes]:
        """Path, digest and bytes of one of :meth:`names`; of several files of a name the first.

        Raises:
            InputError: it is a symbolic link that leads out of the prompt root.
        """
        root = self._where.root
        if root is None:
            path, blob = self.committed(self._tips()[0])[name]
            return path, blob, self._objects.blob(blob)
        path = self.working[name][0]
        refuse_outside(root, root / path)
        with storage_errors(root / path):
            data = (root / path).read_bytes()
        return path, blob_id(data, self._repository.object_format), data

    def versions(self, path: str) -> Mapping[str, Owned]:
        """Content -> its number and the commit that brought it, in the order of the numbers.

        Raises:
            NotFound: a shallow clone that cannot know.
        """
        if path not in self._numbers:
            tips = self._tips()
            for tip in tips:
                self._history.require_whole(tip, f"the versions of {path}, which are counted")
            found = counted_versions(self._history, path, tips)
            self._numbers[path] = {owned.blob: owned for owned in found}
        return self._numbers[path]

    def counted(self, path: str, blob: str) -> str | None:
        """Where the number of a content comes from: ``main``, the current ``branch``, or ``uncommitted``.

        None for a file of promptvc's own, which says its number itself.
        """
        if not is_foreign(path):
            return None
        if blob not in self.versions(path):
            return "uncommitted"
        on_main = counted_versions(self._history, path, self._tips()[:1])
        return "main" if any(one.blob == blob for one in on_main) else "branch"

    def number(self, path: str, blob: str) -> int:
        """The number of a content: one more than the highest where neither main nor HEAD ever had it."""
        known = self.versions(path)
        owner = known.get(blob)
        return len(known) + 1 if owner is None else owner.version


def working_files(repository: Repository, where: Where) -> list[str]:
    """Paths from the prompt root of such files in the working tree, sorted; without those that git ignores."""
    if where.root is None:
        return []
    if not where.anywhere:
        return sorted(path for path in _below(where.root, FOLDER) if is_foreign(path))
    listing = repository.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = {path.decode("utf-8", "surrogateescape") for path in listing.split(b"\0")}
    cut = len(where.folder)
    found = {path[cut:] for path in paths if path.startswith(where.folder) and is_foreign(path)}
    return sorted(path for path in found if (where.root / path).is_file())


def lies_anywhere(repository: Repository, root: Path, folder: str) -> bool:
    """Whether such a file lies outside of ``prompts/``, so that all of a commit has to be looked through."""
    every = working_files(repository, Where(folder, root, anywhere=True))
    return any(not path.startswith(f"{FOLDER}/") for path in every)


def refuse_foreign(path: str | None, name: str, what: str) -> None:
    """
    Args:
        what: the command that writes prompts, or goes by their items.

    Raises:
        Usage: the file at ``path``, which ``name`` stands for, is of GitHub's format, which is only read.
    """
    if path is not None and is_foreign(path):
        raise Usage(
            f"{what} takes a prompt of promptvc's own, and {path} is of GitHub's format, which is only read",
            hint=f"convert it first: {converted(path, name)}",
        )


def converted(path: str, name: str) -> str:
    """The command that makes a prompt of promptvc's own of the file at ``path``."""
    return f"promptvc import prompt-yml {shlex.quote(path.rpartition(':')[2])} --name {name}"


def _named(paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(paths):
        name = foreign_name(path)
        if name is not None:
            found[name] = (*found.get(name, ()), path)
    return found


def _below(root: Path, folder: str) -> Iterator[str]:
    """Files below ``folder``, from the prompt root; links to folders are not followed."""
    pending = [folder] if (root / folder).is_dir() else []
    while pending:
        here = pending.pop()
        with storage_errors(root / here), os.scandir(root / here) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if is_nested(Path(entry.path)):
                        continue
                    pending.append(f"{here}/{entry.name}")
                elif entry.is_file():
                    yield f"{here}/{entry.name}"
