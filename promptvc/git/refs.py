"""Branches: listed, created and deleted by compare-and-swap."""

from __future__ import annotations

from promptvc.base.errors import GitError, NotFound, Refused
from promptvc.git.failures import explain
from promptvc.git.repo import Repository
from promptvc.git.target import branch_ref

_CANDIDATES = "refs/heads/promptvc/"


def branches(repository: Repository, prefix: str = "") -> dict[str, str]:
    """Branch -> commit id of the local branches below ``prefix`` (``promptvc/``; ``""`` is all of them)."""
    listed = repository.refs(f"refs/heads/{prefix}")
    return {name.removeprefix("refs/heads/"): oid for name, oid in listed.items()}


def candidate_branches(repository: Repository, remote: str | None = None) -> dict[str, str]:
    """Full ref -> commit id of every ``promptvc/*`` branch here, and of those that ``remote`` is known to have."""
    found = repository.refs(_CANDIDATES)
    return found | (repository.refs(f"refs/remotes/{remote}/promptvc/") if remote else {})


def create_branch(repository: Repository, name: str, commit: str) -> None:
    """Create a branch at a commit id.

    Raises:
        Refused: there is one of that name already.
        GitError: git could not; a branch ``a`` excludes a branch ``a/b``.
    """
    ref = branch_ref(name)
    if not _swap(repository, ref, commit, repository.null_id, f"promptvc: created from {commit}"):
        raise Refused(f"branch {name} exists already", hint=f"delete it first: git branch -D {name}")


def delete_branch(repository: Repository, name: str, expected: str) -> None:
    """Delete a branch that is still at the commit id ``expected``.

    Raises:
        NotFound: there is no such branch.
        Refused: it has moved, or is checked out.
    """
    ref = branch_ref(name)
    listing = repository.text("for-each-ref", "--format=%(objectname) %(worktreepath)", ref)
    oid, _, worktree = listing.partition(" ")
    if not oid:
        raise NotFound(f"there is no branch {name}")
    if worktree:
        raise Refused(
            f"branch {name} is checked out in {worktree}", hint="switch to another branch there first"
        )
    code, _, stderr = repository.outcome("update-ref", "-d", ref, expected)
    if code:
        if repository.resolve(ref) != expected:
            raise Refused(
                f"branch {name} has moved: it is at {oid}, not {expected}", hint="look at what is new there"
            )
        raise explain(("update-ref",), code, stderr)


def move_branch(repository: Repository, name: str, commit: str, expected: str) -> None:
    """Move a branch that is checked out nowhere from ``expected`` to ``commit``.

    Raises:
        Refused: it is not at ``expected``, or is checked out.
    """
    ref = branch_ref(name)
    worktree = repository.text("for-each-ref", "--format=%(worktreepath)", ref)
    if worktree:
        raise Refused(f"branch {name} is checked out in {worktree}", hint="run `git pull` there")
    if not _swap(repository, ref, commit, expected, f"promptvc: moved to {commit}"):
        raise Refused(f"branch {name} is not at {expected} any more", hint="look at what is new there")


def _swap(repository: Repository, ref: str, new: str, old: str, message: str) -> bool:
    code, _, stderr = repository.outcome("update-ref", "--create-reflog", "-m", message, ref, new, old)
    if code == 0:
        return True
    if (repository.resolve(ref) or repository.null_id) != old:
        return False
    error = explain(("update-ref",), code, stderr)
    raise (
        GitError(error.message, hint="a branch cannot be a folder of another")
        if "exists" in stderr
        else error
    )
