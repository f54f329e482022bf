"""Which prompts there are: in a commit, or in the working tree."""

from __future__ import annotations

import os
from pathlib import Path

from promptvc.base.errors import InputError, Usage
from promptvc.base.files import storage_errors
from promptvc.git.objects import Objects
from promptvc.prompts.names import FOLDER, is_foreign, name_of

_GIT = ".git"


def committed_prompts(objects: Objects, commit: str, prefix: str) -> dict[str, str]:
    """Name -> blob id of every prompt file in ``commit``; names are not checked.

    Args:
        prefix: the prompt root from the top of the repository, ``""`` or with a final slash.
    """
    found = {}
    for path, blob in objects.tree(commit, prefix + FOLDER).items():
        name = name_of(path[len(prefix) :])
        if name is not None:
            found[name] = blob
    return found


def working_prompts(root: Path) -> dict[str, Path]:
    """Name -> file of every prompt in the working tree below the prompt root, by name; names are not checked.

    Raises:
        InputError: one of them is a symbolic link that leads out of the prompt root.
    """
    found: dict[str, Path] = {}
    top = root / FOLDER
    if not top.is_dir():
        return found
    pending = [""]
    while pending:
        folder = pending.pop()
        with storage_errors(top / folder), os.scandir(top / folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not is_nested(Path(entry.path)):
                        pending.append(f"{folder}{entry.name}/")
                elif entry.name.endswith(".yaml") and not is_foreign(entry.name) and entry.is_file():
                    if entry.is_symlink():
                        refuse_outside(root, Path(entry.path))
                    found[(folder + entry.name).removesuffix(".yaml")] = Path(entry.path)
    return dict(sorted(found.items()))


def leads_out(root: Path, file: Path) -> bool:
    """Whether ``file`` is none of ours: see :func:`refuse_outside`."""
    return _way_out(root, file) is not None


def is_nested(folder: Path) -> bool:
    """Whether ``folder`` is a repository of its own, a submodule or not: what is in it is no commit of ours."""
    return os.path.lexists(folder / _GIT)


def refuse_outside(root: Path, file: Path) -> None:
    """
    Raises:
        InputError: ``file``, links followed, is not below ``root``, or is in a git folder, which holds tokens and
            hooks, or in a repository of its own: what is committed never makes us read or write other files.
    """
    way = _way_out(root, file)
    if way is not None:
        path = file.relative_to(root).as_posix()
        raise InputError(f"{path} {way}", hint="put the file itself there", file=path)


def refuse_leaving(directory: Path, path: str) -> None:
    """
    Raises:
        Usage: writing ``path`` below ``directory`` would follow a link out of it.
    """
    target = directory / path
    if not Path(os.path.realpath(target)).is_relative_to(os.path.realpath(directory)):
        raise Usage(f"{target} leads out of {directory} by a symbolic link", hint="remove the link")


def _way_out(root: Path, file: Path) -> str | None:
    place, top = Path(os.path.realpath(file)), Path(os.path.realpath(root))
    if not place.is_relative_to(top):
        return "is a symbolic link that leads out of the prompt root"
    parts = place.relative_to(top).parts
    if _GIT in (part.lower() for part in parts):
        return "is in git's own folder"
    folders = (top.joinpath(*parts[:count]) for count in range(1, len(parts)))
    return "is in a repository of its own" if any(map(is_nested, folders)) else None
