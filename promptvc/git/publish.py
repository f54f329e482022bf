"""Moving the ref to a finished commit: journal, working tree prepared, compare-and-swap, working tree finished."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from promptvc.base.errors import GitError, PromptvcError
from promptvc.base.files import FileLock
from promptvc.git.draft import Draft
from promptvc.git.failures import explain
from promptvc.git.journal import Change, Pending, Record
from promptvc.git.recovery import read_ref, replay
from promptvc.git.repo import Repository
from promptvc.git.target import Target
from promptvc.git.worktree import WorktreeUpdate


def publish(
    draft: Draft, record: Record, contents: Mapping[str, bytes], message: str, lock: FileLock
) -> tuple[str, ...] | None:
    """Move the draft's target to ``record.new``; the paths left with other edits. None: somebody else moved the ref.

    ``contents`` are the files that need no conversion. Whatever goes wrong, the journal is settled: nothing moved,
    or everything did.

    Raises:
        GitError, Busy, StorageError: nothing was moved.
    """
    repository, pending, worktree = draft.repository, draft.pending, draft.target.worktree
    update = None
    try:
        pending.write(record)
        if worktree is not None:
            update = WorktreeUpdate(worktree, pending, contents)
            update.prepare(record.changes, strict=True)
        draft.importer.finish()
        if not swap_ref(worktree or repository, record, message, lock):
            _settle(repository, pending)
            return None
        kept = update.finish() if update is not None else ()
    except BaseException as error:
        _settle(repository, pending)
        # Whoever moved the branch has moved its index too: what looks staged is a commit that we have not seen.
        if isinstance(error, GitError) and read_ref(worktree or repository, record.ref) not in {
            record.old,
            record.new,
        }:
            return None
        raise
    pending.remove()
    return kept


def swap_ref(repository: Repository, record: Record, message: str, lock: FileLock) -> bool:
    """``update-ref`` from the old id to the new one; False when the ref is not at the old one any more.

    Killed half-way it would leave locks that nobody could tell from a living git's. So it outlives us, and holds our
    lock meanwhile: nobody settles the journal before it has ended.

    Raises:
        GitError, Busy, StorageError: git could not, and the ref is where it was.
    """
    subject = message.partition("\n")[0]
    options = ["--create-reflog", "-m", f"promptvc: {subject}"]
    if record.ref == "HEAD":
        options.append("--no-deref")
    args = ("update-ref", *options, record.ref, record.new, record.old or repository.null_id)
    code, _, stderr = repository.begin(*args, outlive=lock.fileno()).outcome()
    if code == 0:
        return True
    if read_ref(repository, record.ref) != record.old:
        return False
    raise explain(args, code, stderr)


def record_of(target: Target, new: str, changes: Sequence[Change]) -> Record:
    """What the journal notes about this commit."""
    top = str(target.worktree.top) if target.worktree is not None else None
    return Record(target.ref, target.tip, new, top, tuple(changes))


def _settle(repository: Repository, pending: Pending) -> None:
    # The first error is the one to report; a journal that cannot be settled now stays for the next command.
    with contextlib.suppress(PromptvcError):
        replay(repository, pending)
