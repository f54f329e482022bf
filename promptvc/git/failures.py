"""What git said when it failed, turned into one of our errors with a hint."""

from __future__ import annotations

import re
from collections.abc import Sequence

from promptvc.base.errors import Busy, GitError, NotFound, PromptvcError, StorageError

MINIMUM = (2, 38)
_LOCK = re.compile(r"[Uu]nable to create '?(?P<path>.+?\.lock)'?: File exists")
_STORAGE = (
    (
        "No space left on device",
        "the disk is full: free some space and run the command again; nothing was moved",
    ),
    ("Disk quota exceeded", "the disk quota is used up: free some space and run the command again"),
    ("Read-only file system", "the file system is read-only: use a writable clone"),
    ("Permission denied", "check who owns the repository and the permissions of its folders"),
    ("insufficient permission", "check who owns the repository and the permissions of its folders"),
)


def explain(args: Sequence[str], code: int, stderr: str) -> PromptvcError:
    """The error for ``git ARGS`` that ended with ``code`` and wrote ``stderr``."""
    said = _said(stderr) or f"exit status {code}"
    verb = next((arg for arg in args if not arg.startswith("-")), "git")
    lock = _LOCK.search(stderr)
    if lock:
        return Busy(
            f"git {verb}: {lock['path']} is held by another git process",
            hint="wait for it to end; if none is running, remove the file and try again",
            file=lock["path"],
        )
    for words, hint in _STORAGE:
        if words in stderr:
            return StorageError(f"git {verb}: {said}", hint=hint)
    return GitError(f"git {verb}: {said}")


def explain_discovery(start: str, code: int, stderr: str) -> PromptvcError:
    """The error when no repository could be opened at ``start``."""
    if "dubious ownership" in stderr or "unsafe repository" in stderr:
        return GitError(
            f"git does not trust the repository at {start}: somebody else owns it",
            hint=_safe_directory_line(stderr) or "git config --global --add safe.directory FOLDER",
        )
    if "safe.bareRepository" in stderr:
        return GitError(
            f"git refuses the bare repository at {start}: safe.bareRepository is 'explicit'",
            hint="run in a clone with a working tree, or relax safe.bareRepository",
        )
    if "not a git repository" in stderr:
        return NotFound(f"there is no git repository at {start}", hint="run `git init` first")
    return explain(("rev-parse",), code, stderr)


def too_old(version: tuple[int, int]) -> GitError:
    """The error for a git that lacks what we need."""
    wanted = ".".join(map(str, MINIMUM))
    return GitError(f"git {version[0]}.{version[1]} is too old: {wanted} is needed", hint="upgrade git")


def missing_git() -> GitError:
    """The error when there is no git on PATH."""
    return GitError("git is not installed, or not on PATH", hint="install git 2.38 or newer")


def _said(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    return telling[0].removeprefix("fatal: ").removeprefix("error: ") if telling else ""


def _safe_directory_line(stderr: str) -> str | None:
    return next((line.strip() for line in stderr.splitlines() if "--add safe.directory" in line), None)
