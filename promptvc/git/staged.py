"""What the next `git commit` would bring: the contents in the index that HEAD has not."""

from __future__ import annotations

from pathlib import Path

from promptvc.git.repo import Repository

_GONE = "000000"
_INDEX = "GIT_INDEX_FILE"


def staged_blobs(repository: Repository, folder: str) -> dict[str, str]:
    """Path from the top -> blob id of every file below ``folder`` that is added or changed in the index.

    In a hook this is the index that git made for the commit, which `git commit -a` and `git commit FILE` do not keep.
    Unmerged files have no content yet, and are left out, as is everything before the first commit.
    """
    head = repository.head().commit
    if head is None or repository.top is None:
        return {}
    where = ("--", folder) if folder else ()
    arguments = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64", head, *where)
    code, out, _ = repository.outcome(*arguments, env=_of_the_hook(repository))
    if code:
        return {}
    fields = out.decode("utf-8", "surrogateescape").split("\0")
    found = {}
    for about, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, oid, status = about.removeprefix(":").split(" ")
        if mode != _GONE and status != "U":
            found[path] = oid
    return found


def _of_the_hook(repository: Repository) -> dict[str, str] | None:
    """The index that a hook is told to look at, if it is one of this repository."""
    named = repository.environ.get(_INDEX)
    if not named or repository.top is None:
        return None
    path = (repository.top / Path(named)).resolve()
    own = (repository.git_dir.resolve(), repository.common_dir.resolve())
    return {_INDEX: str(path)} if path.is_file() and any(path.is_relative_to(each) for each in own) else None
