"""The entries of an index, read and written by git itself; which of them a commit may bring forward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import GitError
from promptvc.git.journal import Change
from promptvc.git.objects import Entry, blob_id
from promptvc.git.repo import Repository

_ARGUMENTS = 200  # more paths than this, and the whole index is listed: arguments have a limit


@dataclass(frozen=True, slots=True)
class Staged:
    """An index entry. ``skipped``: outside a sparse checkout. ``unmerged``: left by a merge."""

    entry: Entry
    skipped: bool
    unmerged: bool


def read_index(worktree: Repository, index: Path, paths: Sequence[str]) -> dict[str, Staged]:
    """The entries of ``paths`` in the index file ``index``."""
    names = [*paths] if len(paths) <= _ARGUMENTS else []
    listing = worktree.run(
        "ls-files", "-s", "-t", "-z", "--full-name", "--", *names, env={"GIT_INDEX_FILE": str(index)}
    )
    found: dict[str, Staged] = {}
    wanted = set(paths)
    for line in listing.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        words, _, path = line.partition("\t")
        tag, mode, oid, stage = words.split(" ")
        if path in wanted:
            found[path] = Staged(Entry(mode, oid), skipped=tag == "S", unmerged=stage != "0")
    return found


def may_advance(change: Change, staged: Staged | None, object_format: str) -> bool:
    """Whether the index holds, for this path, nothing but what the old or the new commit holds."""
    if staged is None:
        return change.old is None or change.new is None
    if staged.unmerged:
        return False
    if change.old is None and staged.entry.oid == blob_id(b"", object_format):
        return True  # `git add -N`: announced, nothing staged
    return staged.entry in {change.old, change.new}


def refuse_staged(change: Change, staged: Staged | None) -> GitError:
    """The error for a path that is staged as something else."""
    if staged is not None and staged.unmerged:
        return GitError(
            f"{change.path} is unmerged",
            hint="resolve the conflict first; nothing was moved",
            file=change.path,
        )
    return GitError(
        f"{change.path} has other changes staged",
        hint=f"commit them, or `git restore --staged {change.path}`; nothing was moved",
        file=change.path,
    )


def write_index(
    worktree: Repository, index: Path, changes: Iterable[Change], staged: Mapping[str, Staged]
) -> None:
    """Bring the entries in the index file ``index`` to the new commit; sparse ones stay sparse."""
    env = {"GIT_INDEX_FILE": str(index)}
    lines = []
    skipped = []
    for change in changes:
        if change.new is None:
            lines.append(f"0 {worktree.null_id}\t{change.path}\0")
            continue
        lines.append(f"{change.new.mode} {change.new.oid}\t{change.path}\0")
        if change.path in staged and staged[change.path].skipped:
            skipped.append(change.path + "\0")
    worktree.run("update-index", "-z", "--index-info", input=_raw(lines), env=env)
    if skipped:
        worktree.run("update-index", "--skip-worktree", "-z", "--stdin", input=_raw(skipped), env=env)


def refresh_index(worktree: Repository, index: Path, paths: Iterable[str]) -> None:
    """Note the present state of files that hold what the index says, so that nobody has to read them again."""
    names = [path + "\0" for path in paths]
    if names:
        # The status is of no interest: an entry that is not refreshed only costs `git status` a look at the file.
        worktree.begin(
            "add",
            "--refresh",
            "--pathspec-from-file=-",
            "--pathspec-file-nul",
            env={"GIT_INDEX_FILE": str(index)},
        ).outcome(_raw(names))


def _raw(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode("utf-8", "surrogateescape")
