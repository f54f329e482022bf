"""Commits on any branch, checked out or not, without losing or taking anybody's work.

Objects are built aside, the ref is moved by compare-and-swap, a lock keeps our own processes in turn and a journal
survives crashes. See ``docs/design/git.md`` for the reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import overload

from promptvc.base.errors import Busy, NotFound
from promptvc.base.files import FileLock
from promptvc.git.draft import Draft
from promptvc.git.importer import Importer
from promptvc.git.journal import new_pending
from promptvc.git.plan import Build, CommitOptions, Committed, Plan
from promptvc.git.preferences import begin_preferences, read_preferences
from promptvc.git.publish import publish, record_of
from promptvc.git.recovery import Recovered, leftovers, lock_path, recover, replay_all
from promptvc.git.repo import Repository
from promptvc.git.target import begin_target, read_target, refuse_while_in_progress, target_ref

__all__ = [
    "CommitOptions",
    "Committed",
    "Plan",
    "Recovered",
    "commit",
    "leftovers",
    "maintain",
    "recover",
]
_DEFAULTS = CommitOptions()


@overload
def commit(
    repository: Repository,
    branch: str | None,
    build: Callable[[str | None], Plan],
    *,
    options: CommitOptions = ...,
) -> Committed: ...


@overload
def commit(
    repository: Repository, branch: str | None, build: Build, *, options: CommitOptions = ...
) -> Committed | None: ...


def commit(
    repository: Repository, branch: str | None, build: Build, *, options: CommitOptions = _DEFAULTS
) -> Committed | None:
    """Commit what ``build`` plans to ``branch``; None is HEAD, on a branch, detached or unborn.

    ``build`` is called under the lock with the commit to build on (None: there is none), and again with the new one
    when the branch was moved meanwhile. It returns None to commit nothing; so does this function then.

    Raises:
        GitError: git refuses: a merge in progress, other changes staged, no identity, a hook. Nothing was moved.
        Busy: another process holds the lock or the index. Nothing was moved.
        StorageError: the disk is full or read-only. Nothing was moved.
        InputError: no name of a branch, no path for a tree, an empty message.
    """
    ref = target_ref(repository, branch)
    with FileLock(lock_path(repository), timeout_s=options.timeout_s) as lock:
        replay_all(repository)
        for _ in range(options.attempts):
            lost, committed = _attempt(repository, ref, build, options, lock)
            if not lost:
                return committed
    raise Busy(
        f"{ref} was moved by other tools {options.attempts} times in a row",
        hint="wait for them to end, then try again",
    )


def maintain(repository: Repository) -> None:
    """Let git tidy up if it finds that worth while (``git maintenance run --auto``); failing changes nothing."""
    repository.outcome("maintenance", "run", "--auto", "--quiet")


def _attempt(
    repository: Repository, ref: str, build: Build, options: CommitOptions, lock: FileLock
) -> tuple[bool, Committed | None]:
    """One attempt; whether the ref was lost to somebody else, and otherwise what was committed."""
    with ExitStack() as stack:
        # Three processes at once: none needs another's answer.
        asked_preferences = begin_preferences(repository)
        stack.callback(asked_preferences.stop)
        asked_target = begin_target(repository, ref)
        stack.callback(asked_target.stop)
        importer = Importer(repository)
        stack.callback(importer.close)
        target = read_target(repository, ref, asked_target)
        refuse_while_in_progress(target, repository)
        base = target.tip or _start(repository, options)
        plan = build(base)
        if plan is None:
            return False, None
        people = read_preferences(repository, asked_preferences).with_people(options.author, options.now)
        pending = stack.enter_context(new_pending(repository))
        draft = Draft(repository, target, base, people, options, pending, importer)
        changes, contents, converted = draft.changes(plan)
        # A merge that changes no file is one all the same: without it what was settled would come up again.
        if not changes and plan.merged is None and base is not None:
            return False, Committed(base, target.branch, target.tip, changed=False)
        new = draft.write(plan.message, contents, plan.merged)
        # What git converts, git checks out.
        files = {
            path: data for path, data in plan.changes.items() if data is not None and path not in converted
        }
        kept = publish(draft, record_of(target, new, changes), files, plan.message, lock)
    if kept is None:
        return True, None
    return False, Committed(new, target.branch, target.tip, kept)


def _start(repository: Repository, options: CommitOptions) -> str | None:
    if options.start is None:
        return None
    found = repository.resolve(options.start)
    if found is None:
        raise NotFound(f"there is no revision {options.start} to start a branch from")
    return found
