"""The ref that a commit goes to, its tip, and the working tree in which it is checked out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import GitError, InputError
from promptvc.git.process import Running
from promptvc.git.repo import Repository, operation_in_progress

# git check-ref-format, as one expression: no process for a name that is almost always plain.
_BAD_NAME = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.$|/$|^/|^-|^@$|(?:^|/)\.|\.lock(?:/|$)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Target:
    """``ref`` is ``refs/heads/...`` or ``HEAD`` (detached); ``worktree`` where it is checked out, if anywhere."""

    ref: str
    tip: str | None
    worktree: Repository | None

    @property
    def branch(self) -> str | None:
        """The branch without ``refs/heads/``; None for a detached HEAD."""
        return self.ref.removeprefix("refs/heads/") if self.ref != "HEAD" else None


def branch_ref(name: str) -> str:
    """``refs/heads/NAME``.

    Raises:
        InputError: git does not allow such a branch.
    """
    if not name or _BAD_NAME.search(name):
        raise InputError(f"{name!r} cannot be the name of a branch", hint="see `git help check-ref-format`")
    return f"refs/heads/{name}"


def target_ref(repository: Repository, branch: str | None) -> str:
    """The ref that commits to ``branch`` go to; None is HEAD, detached or not."""
    if branch is not None:
        return branch_ref(branch)
    return repository.symbolic_ref("HEAD") or "HEAD"


def begin_target(repository: Repository, ref: str) -> Running:
    """Ask git where ``ref`` is; ``read_target`` takes the answer."""
    if ref == "HEAD":
        return repository.begin("rev-parse", "--verify", "-q", "HEAD^{commit}")
    return repository.begin("for-each-ref", "--format=%(objectname) %(refname) %(worktreepath)", ref)


def read_target(repository: Repository, ref: str, running: Running) -> Target:
    """What git answered, with the working tree opened.

    Raises:
        GitError: the working tree cannot take a commit now.
    """
    if ref == "HEAD":
        tip = running.result().decode("ascii").strip()
        return Target(ref, tip, _usable(repository, ref))
    answer = running.result().decode("utf-8", "surrogateescape")
    # A worktree's path can hold a line break; the first words cannot.
    oid, _, rest = answer.rstrip("\n").partition(" ")
    name, _, path = rest.partition(" ")
    if name != ref:
        return Target(ref, None, _usable(_unborn_worktree(repository, ref), ref))
    return Target(ref, oid, _usable(_open_worktree(repository, path) if path else None, ref))


def refuse_while_in_progress(target: Target, repository: Repository) -> None:
    """A merge, rebase, cherry-pick or revert owns the branch until it is done.

    Raises:
        GitError: one is under way where the branch is checked out, or a rebase of the branch elsewhere.
    """
    if target.worktree is not None:
        operation = operation_in_progress(target.worktree.git_dir)
        if operation:
            raise _in_progress(operation, str(target.worktree.top))
    if target.ref == "HEAD":
        return
    # During a rebase HEAD is detached, and the branch is moved at the end: a commit made meanwhile would be lost.
    linked = repository.common_dir / "worktrees"
    folders = [repository.common_dir, *(sorted(linked.iterdir()) if linked.is_dir() else [])]
    for folder in folders:
        for kind in ("rebase-merge", "rebase-apply"):
            name = folder / kind / "head-name"
            if name.is_file() and name.read_text("utf-8", "surrogateescape").strip() == target.ref:
                raise _in_progress("rebase", f"branch {target.branch}")


def _in_progress(operation: str, where: str) -> GitError:
    return GitError(
        f"a {operation} is in progress in {where}",
        hint=f"finish it, or `git {operation} --abort`, then try again",
    )


def _usable(worktree: Repository | None, ref: str) -> Repository | None:
    if worktree is None or worktree.bare:
        return None
    if worktree.top is None:
        raise GitError(
            f"{ref} is checked out by {worktree.git_dir}, whose working tree is not known",
            hint="run from inside the working tree",
        )
    return worktree


def _open_worktree(repository: Repository, path: str) -> Repository | None:
    """The worktree at the path that for-each-ref printed; for a submodule that path is its git directory."""
    if path == str(repository.top):
        return repository
    if path == str(repository.common_dir) and repository.git_dir == repository.common_dir:
        return repository
    folder = Path(path)
    # A worktree whose folder was removed without `git worktree remove` has nothing to bring forward.
    return Repository.discover(folder, repository.environ) if folder.is_dir() else None


def _unborn_worktree(repository: Repository, ref: str) -> Repository | None:
    """The worktree whose HEAD is the branch ``ref`` that has no commit yet."""
    if repository.symbolic_ref("HEAD") == ref:
        return repository
    if not (repository.common_dir / "worktrees").is_dir():
        return None
    listing = repository.run("worktree", "list", "--porcelain", "-z").decode("utf-8", "surrogateescape")
    for block in listing.split("\0\0"):
        fields = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
        if fields.get("branch") == ref:
            return _open_worktree(repository, fields["worktree"])
    return None
