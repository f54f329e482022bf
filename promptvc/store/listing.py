"""Which prompts there are: in a commit, or in the working tree."""

from __future__ import annotations

import os
from pathlib import Path

from promptvc.base.files import storage_errors
from promptvc.git.objects import Objects
from promptvc.prompts.names import FOLDER, name_of


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
    """Name -> file of every prompt in the working tree below the prompt root, by name; names are not checked."""
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
                elif entry.name.endswith(".yaml") and entry.is_file():
                    found[(folder + entry.name).removesuffix(".yaml")] = Path(entry.path)
    return dict(sorted(found.items()))
