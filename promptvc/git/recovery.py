"""What a killed process left behind: rolled forward when its ref had moved, else rolled back.

Index entries and files are brought forward only where they still are what the old commit says, and only where the
branch still has what the new one says; so replaying is safe at any time, and twice. Of the locks that are found only
our own are removed: an ``index.lock`` that is the journal's own file, a ref's lock that holds the journal's new id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import Busy, PromptvcError
from promptvc.base.files import FileLock
from promptvc.git.importer import Importer
from promptvc.git.journal import Pending, Record, all_pending
from promptvc.git.repo import Repository, operation_in_progress
from promptvc.git.worktree import WorktreeUpdate


@dataclass(frozen=True, slots=True)
class Recovered:
    """A commit that a process did not live to finish. ``forward``: it stands; otherwise it was taken back."""

    ref: str
    commit: str
    forward: bool


def lock_path(repository: Repository) -> Path:
    """The lock that commits take in turn, one for all worktrees."""
    return repository.common_dir / "promptvc" / "commit.lock"


def recover(repository: Repository, *, timeout_s: float = 30.0) -> list[Recovered]:
    """Finish or take back what dead processes left. Every ``commit`` does this first.

    Raises:
        Busy: a living process is committing.
        StorageError: the repository cannot be written.
    """
    if not any(True for _ in all_pending(repository)):
        return []
    with FileLock(lock_path(repository), timeout_s=timeout_s):
        return replay_all(repository)


def replay_all(repository: Repository) -> list[Recovered]:
    """The same, for a caller that holds the lock."""
    outcomes = (replay(repository, pending) for pending in all_pending(repository))
    return [outcome for outcome in outcomes if outcome is not None]


def replay(repository: Repository, pending: Pending) -> Recovered | None:
    """Settle one commit; None when it had not come to anything visible, or cannot be settled yet."""
    record = pending.read()
    if record is None:
        pending.remove()
        return None
    worktree = _open_worktree(repository, record)
    place = worktree or repository
    tip = read_ref(place, record.ref)
    _remove_ref_locks(place, record, tip)
    forward = tip is not None and (tip == record.new or _reaches(place, record.new, tip))
    if forward and worktree is not None and tip is not None:
        if operation_in_progress(worktree.git_dir):
            # Somebody merges on top of it: the index is theirs until they are done.
            pending.release(worktree.git_dir)
            return None
        try:
            _bring_forward(worktree, pending, record, tip)
        except Busy:
            return None  # a living `git add`, or a lock that is not ours to remove
    if worktree is not None:
        pending.release(worktree.git_dir)
    pending.remove()
    return Recovered(record.ref, record.new, forward)


def leftovers(repository: Repository) -> list[str]:
    """What a dead process may have left here, one sentence each; empty when all is well. Changes nothing."""
    found = [f"an unfinished commit in {pending.folder}" for pending in all_pending(repository)]
    locks = [repository.git_dir / "index.lock", repository.git_dir / "HEAD.lock"]
    locks += [
        repository.common_dir / "packed-refs.lock",
        *sorted((repository.common_dir / "refs").rglob("*.lock")),
    ]
    found += [f"{lock} is held by git, or was left by one that died" for lock in locks if lock.exists()]
    return found


def _bring_forward(worktree: Repository, pending: Pending, record: Record, tip: str) -> None:
    paths = [change.path for change in record.changes]
    present = _entries(worktree, tip, paths)
    current = [change for change in record.changes if present.get(change.path) == change.new]
    pending.clear_scratch()
    update = WorktreeUpdate(worktree, pending, {})
    update.prepare(current, strict=False)
    update.finish()


def _entries(repository: Repository, commit: str, paths: Sequence[str]) -> dict[str, object]:
    importer = Importer(repository)
    try:
        return dict(importer.entries(commit, paths))
    finally:
        importer.close()


def _reaches(repository: Repository, commit: str, tip: str) -> bool:
    """Whether ``commit`` is an ancestor; one whose objects were never stored is none."""
    return repository.outcome("merge-base", "--is-ancestor", commit, tip)[0] == 0


def _open_worktree(repository: Repository, record: Record) -> Repository | None:
    if record.worktree is None:
        return None
    if record.worktree == str(repository.top):
        return repository
    try:
        return Repository.discover(Path(record.worktree), repository.environ)
    except PromptvcError:
        return None  # the linked worktree was removed meanwhile


def read_ref(repository: Repository, ref: str) -> str | None:
    """The id that a ref holds; None when there is no such ref."""
    code, stdout, _ = repository.outcome("rev-parse", "--verify", "-q", ref)
    return stdout.decode("ascii").strip() if code == 0 else None


def _remove_ref_locks(place: Repository, record: Record, tip: str | None) -> None:
    """Remove the locks of an ``update-ref`` that was killed. Its process is gone: it held our lock as well."""
    folder = place.git_dir if record.ref == "HEAD" else place.common_dir
    lock = folder / f"{record.ref}.lock"
    ours = _read(lock) == record.new
    if ours:
        lock.unlink()
    # While a branch moves git locks the HEAD that names it as well, with an empty file.
    head = place.git_dir / "HEAD.lock"
    if _read(head) == "" and (ours or (tip == record.new and not lock.exists())):
        head.unlink()


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return None
