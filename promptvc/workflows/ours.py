"""The files of ours in a prompt root: found once, each read once. Links and nested repositories never are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from promptvc.base.config import FILE
from promptvc.base.files import storage_errors
from promptvc.base.findings import Problem
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.feedback.segments import FOLDER as FEEDBACK
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import is_foreign
from promptvc.store.listing import is_nested
from promptvc.training.exporting.curation import FOLDER as DATASETS
from promptvc.workflows.project import Project

FOLDERS = (PROMPTS, FEEDBACK, "evaluation", DEPLOYMENTS, DATASETS)
_YAML_ONLY = (f"{PROMPTS}/", f"{DEPLOYMENTS}/")


class Ours:
    """The files of the working tree; of HEAD in a bare repository.

    Attributes:
        paths: from the prompt root, sorted.
        links: symbolic links that stand where such a file may; ``nested``: folders with a repository of their own.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self.links: list[str] = []
        self.nested: list[str] = []
        self.paths = tuple(sorted(self._found()))
        self._there = frozenset(self.paths)
        self._data: dict[str, bytes] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._there

    def read(self, path: str) -> bytes:
        """The content of one of :attr:`paths`; that of a YAML file is kept."""
        data = self._data.get(path)
        if data is None:
            data = self._read(path)
            if path.endswith(".yaml"):
                self._data[path] = data
        return data

    def _read(self, path: str) -> bytes:
        if self._project.root is not None:
            place = self._project.root / path
            with storage_errors(place):
                return place.read_bytes()
        data = self._project.read(path)
        assert data is not None, f"{path} was there a moment ago"
        return data

    def problems(self) -> Iterator[Problem]:
        """Links, nested repositories, and files that nothing reads because of how they end."""
        hint = "put the file itself there, or remove it"
        for path in sorted(self.links):
            message = (
                "a symbolic link: git keeps the path that it names, and no version has the text that is there"
            )
            yield Problem("link", "error", path, None, message, hint)
        for path in sorted(self.nested):
            message = "a repository of its own: nothing in it is read"
            yield Problem("nested", "error", path, None, message, hint)
        for path in self.paths:
            if path.endswith(".yml") and path.startswith(_YAML_ONLY) and not is_foreign(path):
                yield unread(path)

    def _found(self) -> Iterator[str]:
        root = self._project.root
        if root is None:
            yield from self._committed()
            return
        for folder in FOLDERS:
            yield from self._below(root, folder)
        for path in (FILE, *self._project.resolver.foreign.files):
            if path == FILE or not path.startswith(tuple(f"{folder}/" for folder in FOLDERS)):
                yield from self._one(root, path)

    def _committed(self) -> Iterator[str]:
        head = self._project.resolver.head
        for folder in (*FOLDERS, FILE) if head is not None else ():
            assert head is not None
            self.links += self._project.links(head, folder)
            if folder == FILE:
                found = [FILE] if self._project.read(FILE) is not None else []
            else:
                found = [*self._project.tree(head, folder)]
            yield from (path for path in found if path not in self.links)

    def _below(self, root: Path, folder: str) -> Iterator[str]:
        top = root / folder
        if top.is_symlink():
            self.links.append(folder)
        pending = [folder] if top.is_dir() and not top.is_symlink() else []
        while pending:
            here = pending.pop()
            with storage_errors(root / here), os.scandir(root / here) as entries:
                for entry in entries:
                    path = f"{here}/{entry.name}"
                    if entry.is_symlink():
                        self.links.append(path)
                    elif entry.is_dir(follow_symlinks=False):
                        (self.nested if is_nested(Path(entry.path)) else pending).append(path)
                    elif entry.is_file(follow_symlinks=False):
                        yield path

    def _one(self, root: Path, path: str) -> Iterator[str]:
        place = root / path
        if any(each.is_symlink() for each in (place, *_between(root, place))):
            self.links.append(path)
        elif place.is_file():
            yield path


def unread(path: str) -> Problem:
    """The finding about a file that ends in ``.yml`` where ``.yaml`` is read."""
    message = "nothing reads this file: those of promptvc end in .yaml"
    hint = f"rename it to {path.removesuffix('.yml')}.yaml, or put it elsewhere"
    return Problem("name", "warning", path, None, message, hint)


def _between(root: Path, place: Path) -> Iterator[Path]:
    """The folders below ``root`` around ``place``."""
    yield from (root / each for each in list(place.relative_to(root).parents)[:-1])
