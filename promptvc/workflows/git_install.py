"""`git install`: git compares and merges the prompts of this clone by what they say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import Usage
from promptvc.git.drivers import (
    add_attributes,
    install_settings,
    remove_attributes,
    remove_settings,
    settings_for,
)
from promptvc.store.listing import refuse_outside
from promptvc.store.outline import FORMAT
from promptvc.workflows.project import Project

FILE = ".gitattributes"


@dataclass(frozen=True, slots=True)
class Installed:
    """What was written or taken out: keys of git's configuration, and the attributes' file where it changed.

    ``by_lines``: prompts of GitHub's format in the working tree, which git goes on to compare and merge by lines.
    """

    settings: tuple[str, ...]
    files: tuple[str, ...]
    by_lines: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `git install --json` prints it."""
        return {"settings": list(self.settings), "files": list(self.files), "by_lines": list(self.by_lines)}


def install(project: Project, interpreter: str, *, force: bool = False) -> Installed:
    """Set up git for the prompts of this clone. Safe to repeat; it also mends the path of a moved interpreter.

    Args:
        interpreter: the Python that git calls.
        force: also in place of drivers of the same name that call something else.

    Raises:
        Refused: there are such drivers.
    """
    folder = _folder(project)
    keys = install_settings(project.repository, settings_for(interpreter, FORMAT), force=force)
    return Installed(tuple(keys), (FILE,) if add_attributes(folder) else (), project.resolver.foreign.files)


def uninstall(project: Project, *, force: bool = False) -> Installed:
    """Take out what :func:`install` wrote.

    Raises:
        Refused: the drivers call something else.
    """
    folder = _folder(project)
    keys = remove_settings(project.repository, force=force)
    return Installed(tuple(keys), (FILE,) if remove_attributes(folder) else ())


def _folder(project: Project) -> Path:
    if project.root is None:
        raise Usage("a bare repository has no files to set git up for", hint="run it in a clone")
    refuse_outside(project.root, project.root / FILE)
    return project.root
