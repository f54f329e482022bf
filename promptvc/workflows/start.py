"""`init`: the folders, settings and attributes that a prompt repository has. Safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from promptvc.base.config import FILE
from promptvc.base.errors import Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.git.drivers import ATTRIBUTES as DRIVEN
from promptvc.git.repo import Repository
from promptvc.store.listing import refuse_outside

FOLDERS = ("prompts", "feedback", "evaluation", "deployments")
ATTRIBUTES = {
    # Digests are of bytes: no checkout may change a line end in what is copied, deployed or cited.
    "prompts/**": "-text",
    "deployments/**": "-text",
    "evaluation/**": "-text",
    "feedback/**": "-text",
}
SETTINGS = """\
# Settings of promptvc; every key is optional, and these are the defaults.
# main: main                        # the branch that versions and deployments are read from
# default_environment: production
# model: offline                    # provider:model for prompts that name none
# evaluation: {margin: 0.05, success: 0.8, safety: 0.9, improvement: 0.05}
# training: {max_examples: 32, max_tokens: 4000, max_calls: 20000, min_gain: 0.02}
"""


def init(directory: Path, *, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Make ``directory``, inside a git repository, a prompt root. What is there already is left as it is.

    Returns:
        What was made or added to, from ``directory``; empty the second time.

    Raises:
        NotFound: ``directory`` is in no git repository.
        Usage: that is bare.
        InputError: a link leads out of ``directory``.
        StorageError: it cannot be written.
    """
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    if Repository.discover(directory, environ).top is None:
        raise Usage(f"{directory} is a bare repository: it has no files", hint="run it in a clone")
    for path in (*FOLDERS, FILE, ".gitattributes", ".gitignore"):
        refuse_outside(directory, directory / path)
    created = []
    for folder in FOLDERS:
        if not (directory / folder).is_dir():
            with storage_errors(directory / folder):
                (directory / folder).mkdir()
            created.append(folder + "/")
    if not (directory / FILE).exists():
        write_atomic(directory / FILE, SETTINGS.encode())
        created.append(FILE)
    # Without the drivers of `promptvc git install` git does with prompts as it always does.
    lines = [*(f"{key} {value}" for key, value in ATTRIBUTES.items()), *DRIVEN]
    if _add_lines(directory / ".gitattributes", lines):
        created.append(".gitattributes")
    if _add_lines(directory / ".gitignore", [".promptvc/"]):
        created.append(".gitignore")
    return tuple(created)


def _add_lines(path: Path, lines: list[str]) -> bool:
    """Append those of ``lines`` that ``path`` has not; whether there were any."""
    with storage_errors(path):
        before = path.read_bytes() if path.exists() else b""
    present = set(before.decode("utf-8", "replace").split("\n"))
    missing = [line for line in lines if line not in present]
    if not missing:
        return False
    gap = b"" if not before or before.endswith(b"\n") else b"\n"
    write_atomic(path, before + gap + "".join(line + "\n" for line in missing).encode())
    return True
