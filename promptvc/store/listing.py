"""Which prompts there are: in a commit, or in the working tree."""

from __future__ import annotations

import os
from pathlib import Path

from promptvc.base.errors import InputError
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
                    pending.append(f"{folder}{entry.name}/")
                elif entry.name.endswith(".yaml") and not is_foreign(entry.name) and entry.is_file():
                    if entry.is_symlink():
                        refuse_outside(root, Path(entry.path))
                    found[(folder + entry.name).removesuffix(".yaml")] = Path(entry.path)
    return dict(sorted(found.items()))


def leads_out(root: Path, file: Path) -> bool:
    """Whether ``file`` is not below ``root``, links followed, or in a git folder: that holds tokens and hooks."""
    place, top = Path(os.path.realpath(file)), Path(os.path.realpath(root))
    return not place.is_relative_to(top) or _GIT in (part.lower() for part in place.relative_to(top).parts)


def refuse_outside(root: Path, file: Path) -> None:
    """
    Raises:
        InputError: ``file`` leads out of ``root``: what is committed never makes us read other files.
    """
    if leads_out(root, file):
        path = file.relative_to(root).as_posix()
        raise InputError(
            f"{path} is a symbolic link that leads out of the prompt root, or into git's own folder",
            hint="put the file itself there, or remove the link",
            file=path,
        )
