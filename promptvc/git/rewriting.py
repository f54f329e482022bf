"""Rewriting history: contents, paths and messages of every commit that a ref reaches. The home of git-filter-repo.

git-filter-repo (https://github.com/newren/git-filter-repo, the extra ``forget``) streams all history through itself and
keeps authors, dates, merges and tags. It is told which blob becomes which; the new ones are stored before. It runs as a
process of its own: it reads the environment and the folder that it stands in, which a library must not touch.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from promptvc.base.errors import GitError, InputError, Refused
from promptvc.base.files import storage_errors
from promptvc.git.objects import blob_id
from promptvc.git.repo import Repository

LIBRARY = "git_filter_repo"
INSTALL = "pip install 'promptvc[forget]'"
_OPTIONS = (
    "--force",
    "--partial",
    "--quiet",
    "--replace-refs",
    "delete-no-add",
    "--prune-degenerate",
    "never",
)
_STALE = ("ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "filter-repo")
_TAKEN = "this needs a clone with nothing else under way"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What becomes of history.

    Attributes:
        blobs: old id -> new id, which is stored already; None where a file goes.
        paths: old -> new name of a file, from the top.
        messages: id of a commit or an annotated tag -> its new message.
    """

    blobs: Mapping[str, str | None]
    paths: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)


def refuse_unfit(repository: Repository) -> None:
    """Find what stands in the way of rewriting before anything is done.

    Raises:
        Refused: the clone is shallow, partial, borrows objects, has several working trees, a stash, changes that are
            not committed, or packs that are kept; or ids are not SHA-1.
        InputError: git-filter-repo is not installed.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        raise InputError("rewriting history needs git-filter-repo", hint=INSTALL)
    objects = repository.common_dir / "objects"
    status = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
    reasons: tuple[tuple[object, str, str], ...] = (
        (repository.object_format != "sha1", "git-filter-repo reads only ids of SHA-1", "rewrite it by other means"),
        (repository.is_shallow, "this clone is shallow: it has not all of history", "git fetch --unshallow"),
        (
            repository.config("extensions.partialClone"),
            "this clone is partial: it has not all contents",
            "clone it without --filter",
        ),
        (
            (objects / "info" / "alternates").is_file(),
            "this clone borrows objects from another, which would keep them",
            "git repack -a -d && rm .git/objects/info/alternates",
        ),
        (next((objects / "pack").glob("*.keep"), None), "a pack is marked to be kept", "remove objects/pack/*.keep"),
        (repository.in_progress(), f"a {repository.in_progress()} is in progress", "finish or abort it"),
        (
            repository.text("worktree", "list", "--porcelain").count("worktree ") > 1,
            "there are several working trees",
            "git worktree remove the others",
        ),
        (repository.refs("refs/stash"), "there is a stash", "commit or drop it: git stash list"),
        (repository.head().branch is None, "HEAD is detached", "git switch to a branch"),
        (repository.text(*status), "there are changes that are not committed", "commit or undo them"),
    )  # fmt: skip
    for wrong, message, hint in reasons:
        if wrong:
            raise Refused(f"history is not rewritten: {message}", hint=f"{hint}; {_TAKEN}")


def reachable(repository: Repository) -> Iterator[tuple[str, str]]:
    """(id, path) of every file and folder that a ref reaches, from the top; of several paths of a content one."""
    listing = repository.run("rev-list", "--objects", "--all")
    for line in listing.decode("utf-8", "surrogateescape").splitlines():
        oid, _, path = line.partition(" ")
        if path:
            yield oid, path


def store(repository: Repository, contents: Iterable[bytes]) -> list[str]:
    """Store blobs, all by one process; their ids, in order. They are not reached by anything yet."""
    running = repository.begin("fast-import", "--quiet", "--force")
    stream = running.process.stdin
    assert stream is not None
    oids = []
    try:
        for data in contents:
            stream.write(b"blob\ndata %d\n" % len(data) + data + b"\n")
            oids.append(blob_id(data, repository.object_format))
    except BrokenPipeError:
        pass
    except BaseException:
        running.stop()
        raise
    running.result()
    return oids


def messages(repository: Repository) -> Iterator[tuple[str, str]]:
    """(id, message) of every commit and annotated tag that a ref reaches."""
    listing = repository.run("log", "--all", "-z", "--format=%H%n%B", "--encoding=UTF-8")
    tags = repository.run(
        "for-each-ref", "--format=%(objecttype) %(objectname)%0a%(contents)%00", "refs/tags"
    )
    pieces = [*listing.split(b"\0")]
    pieces += [one.strip(b"\n")[4:] for one in tags.split(b"\0") if one.strip(b"\n").startswith(b"tag ")]
    for piece in pieces:
        oid, _, message = piece.decode("utf-8", "surrogateescape").partition("\n")
        if oid:
            yield oid.strip(), message


def rewrite(repository: Repository, plan: Rewrite, scratch: Path) -> None:
    """Rewrite all refs, then let go of everything that they do not reach: reflogs, and the objects themselves.

    Args:
        scratch: a file that may be written; it is removed again.

    Raises:
        GitError: git-filter-repo or git failed, in its words; or an old content is there still.
    """
    value = {"blobs": dict(plan.blobs), "paths": dict(plan.paths), "messages": dict(plan.messages)}
    with storage_errors(scratch):
        scratch.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(json.dumps(value), encoding="ascii")
    try:
        _run(repository, scratch)
    finally:
        scratch.unlink(missing_ok=True)
        _remove_stale(repository)
    repository.run("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repository.run("gc", "--quiet", "--prune=now")
    kept = still_there(repository, plan.blobs.keys() - set(plan.blobs.values()))
    if kept:
        raise GitError(
            f"{len(kept):,} old contents are in the object store still, such as {kept[0]}",
            hint="another process may hold them; end it, then: git reflog expire --expire=now --all && "
            "git gc --prune=now",
        )


def still_there(repository: Repository, oids: Iterable[str]) -> list[str]:
    """Which of the objects this clone has."""
    asked = sorted(oids)
    if not asked:
        return []
    answers = repository.run("cat-file", "--batch-check", input="".join(f"{oid}\n" for oid in asked).encode())
    return [
        oid
        for oid, line in zip(asked, answers.decode("ascii").splitlines(), strict=True)
        if not line.endswith(" missing")
    ]


def _run(repository: Repository, scratch: Path) -> None:
    # -P: a module that a commit put beside us is none of ours.
    command = [sys.executable, "-P", "-m", "promptvc.git.rewriting", str(scratch)]
    # Where promptvc is used from a checkout, its process is no further from it than we are.
    path = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with Popen(
        command, cwd=repository.folder, env=repository.env | path, stdin=PIPE, stdout=PIPE, stderr=PIPE
    ) as process:
        try:
            _, stderr = process.communicate(b"")
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        words = stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise GitError(
            f"git-filter-repo failed: {words[-1]}", hint="git fsck; refs are moved at its end only"
        )


def _remove_stale(repository: Repository) -> None:
    """What names old commits, or remembers a run of git-filter-repo."""
    for name in _STALE:
        place = repository.git_dir / name
        with storage_errors(place):
            for path in sorted(place.rglob("*"), reverse=True) if place.is_dir() else ():
                path.rmdir() if path.is_dir() else path.unlink()
            if place.is_dir():
                place.rmdir()
            else:
                place.unlink(missing_ok=True)


def main(file: str) -> None:
    """What the process of its own does: run git-filter-repo over the repository that it stands in."""
    import git_filter_repo

    value: dict[str, Any] = json.loads(Path(file).read_text(encoding="ascii"))
    blobs = {old.encode(): new and new.encode() for old, new in value["blobs"].items()}
    paths = {_bytes(old): _bytes(new) for old, new in value["paths"].items()}
    messages = {oid.encode(): _bytes(text) for oid, text in value["messages"].items()}

    def commit(found: Any, _: Any) -> None:
        for change in found.file_changes:
            if change.type == b"M" and change.blob_id in blobs:
                change.blob_id = blobs[change.blob_id]
                if change.blob_id is None:
                    change.type, change.mode = b"D", None
            change.filename = paths.get(change.filename, change.filename)
        found.message = messages.get(found.original_id, found.message)

    def tag(found: Any, _: Any) -> None:
        found.message = messages.get(found.original_id, found.message)

    options = git_filter_repo.FilteringOptions.parse_args(list(_OPTIONS))
    git_filter_repo.RepoFilter(options, commit_callback=commit, tag_callback=tag).run()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


if __name__ == "__main__":
    main(sys.argv[1])
