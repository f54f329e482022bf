"""The user's own hooks around a commit: ``pre-commit`` where the branch is checked out, ``commit-msg`` always."""

from __future__ import annotations

import os
from pathlib import Path

from promptvc.base.errors import GitError
from promptvc.base.files import storage_errors
from promptvc.git.environment import kept_environment
from promptvc.git.journal import Pending
from promptvc.git.preferences import Preferences
from promptvc.git.process import start
from promptvc.git.repo import Repository


def has_hook(repository: Repository, preferences: Preferences, name: str) -> bool:
    """Whether git would run a hook of this name."""
    configured = preferences.values.get("core.hookspath")
    if configured is None:
        folder = repository.common_dir / "hooks"
    elif configured.startswith("~/"):
        folder = Path(repository.environ.get("HOME", "/")) / configured[2:]
    else:
        folder = repository.folder / configured
    return os.access(folder / name, os.X_OK)


def run_pre_commit(worktree: Repository, pending: Pending, commit: str) -> None:
    """Run ``pre-commit`` on an index that holds exactly the new commit.

    Raises:
        GitError: the hook refused, or changed what is to be committed: a version is committed as it was made.
    """
    index = pending.folder / "hook-index"
    env = {"GIT_INDEX_FILE": str(index)}
    worktree.run("read-tree", commit, env=env)
    _run(worktree, "pre-commit", env, ())
    tree, expected = worktree.run("write-tree", env=env), worktree.run("rev-parse", f"{commit}^{{tree}}")
    if tree != expected:
        raise GitError(
            "the pre-commit hook changed what is to be committed",
            hint="exclude the files of promptvc from that hook; nothing was moved",
        )


def run_commit_msg(repository: Repository, pending: Pending, message: str) -> str:
    """Run ``commit-msg``; the message, perhaps edited by the hook.

    Raises:
        GitError: the hook refused.
    """
    file = pending.folder / "COMMIT_EDITMSG"
    with storage_errors(file):
        file.write_bytes(message.encode("utf-8", "surrogateescape"))
    _run(repository, "commit-msg", {}, (str(file),))
    return file.read_bytes().decode("utf-8", "surrogateescape")


def _run(repository: Repository, name: str, env: dict[str, str], args: tuple[str, ...]) -> None:
    # The hook sees the user's own environment and language, as under `git commit`; it has no editor and no terminal.
    variables = kept_environment(repository.environ) | repository.location | env | {"GIT_EDITOR": ":"}
    command = ("hook", "run", "--ignore-missing", name, *(("--", *args) if args else ()))
    code, stdout, stderr = start(command, repository.folder, variables).outcome()
    if code:
        said = (stdout.decode("utf-8", "replace") + stderr).strip().splitlines()
        raise GitError(
            f"the {name} hook refused: {' / '.join(said[-3:]) or f'exit status {code}'}",
            hint="do what the hook asks for; nothing was moved",
        )
