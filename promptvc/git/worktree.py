"""Bringing a working tree and its index forward to a new commit, without touching anybody's work.

``prepare`` does all that can fail for want of space or because of what is staged; ``finish``, after the ref has
moved, only renames. Both work on copies in the journal's folder, while ``index.lock`` keeps git out.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.files import storage_errors
from promptvc.git.index import may_advance, read_index, refresh_index, refuse_staged, write_index
from promptvc.git.journal import Change, Pending
from promptvc.git.objects import blob_id
from promptvc.git.repo import Repository

Signature = tuple[int, int, int, int] | None  # None: there is no such file


@dataclass(frozen=True, slots=True)
class Forward:
    """A file to be replaced by ``source`` (None: deleted), if it is still the one of ``signature``."""

    path: str
    source: Path | None
    signature: Signature


class WorktreeUpdate:
    """One update of one working tree, in two steps around the moving of the ref.

    ``contents`` are the new files byte for byte; paths not in it are checked out by git, with its conversions.
    """

    def __init__(self, worktree: Repository, pending: Pending, contents: Mapping[str, bytes]) -> None:
        assert worktree.top is not None
        self.worktree = worktree
        self.top = worktree.top
        self.pending = pending
        self.contents = contents
        self.kept: list[str] = []
        self._forward: list[Forward] = []
        self._current: list[str] = []

    def prepare(self, changes: Sequence[Change], *, strict: bool) -> None:
        """Take the lock, write the new index and the new files aside.

        ``strict`` refuses paths that are staged as something else; otherwise they are left alone.

        Raises:
            GitError: something else is staged.
            Busy: git holds the index.
            StorageError: the disk is full or read-only.
        """
        self.pending.take(self.worktree.git_dir)
        with storage_errors(self.pending.folder):
            if (self.worktree.git_dir / "index").exists():
                shutil.copyfile(self.worktree.git_dir / "index", self.pending.index)
            staged = read_index(self.worktree, self.pending.index, [change.path for change in changes])
            advancing = []
            for change in changes:
                if may_advance(change, staged.get(change.path), self.worktree.object_format):
                    advancing.append(change)
                elif strict:
                    raise refuse_staged(change, staged.get(change.path))
            if advancing:
                write_index(self.worktree, self.pending.index, advancing, staged)
            self._choose(advancing, staged)

    def finish(self) -> tuple[str, ...]:
        """Put files and index in place and give the lock back; the paths left as they were, with other edits."""
        for forward in self._forward:
            try:
                moved = self._move(forward)
            except OSError:
                moved = False
            if not moved:
                self.kept.append(forward.path)
            elif forward.source is not None:
                self._current.append(forward.path)
        refresh_index(self.worktree, self.pending.index, self._current)
        with storage_errors(self.worktree.git_dir / "index"):
            if self.pending.index.exists():
                self.pending.index.replace(self.worktree.git_dir / "index")
            self.pending.release(self.worktree.git_dir)
        return tuple(sorted(self.kept))

    def _choose(self, changes: Sequence[Change], staged: Mapping[str, object]) -> None:
        """Sort the paths by what is on disk: old (to be replaced), new already, or somebody's work."""
        signatures = {change.path: self._signature(change.path) for change in changes}
        ids = self._disk_ids([path for path, signature in signatures.items() if signature])
        to_write: list[Change] = []
        for change in changes:
            signature = signatures[change.path]
            on_disk = ids.get(change.path)
            known = change.path in staged
            if signature is None and self._clear_way(change.path):
                # Absent: either it never was here, or the user deleted it and did not say so to git.
                if change.old is None and change.new is not None and not known:
                    to_write.append(change)
            elif change.new is not None and on_disk == change.new.oid:
                self._current.append(change.path)
            elif change.old is not None and on_disk == change.old.oid and change.new is None:
                self._forward.append(Forward(change.path, None, signature))
            elif change.old is not None and on_disk == change.old.oid:
                to_write.append(change)
            else:
                self.kept.append(change.path)
        sources = self._sources(to_write)
        self._forward += [
            Forward(change.path, sources[change.path], signatures[change.path]) for change in to_write
        ]

    def _sources(self, changes: Sequence[Change]) -> dict[str, Path]:
        """Write the new files aside, with the permissions that they shall have."""
        self.pending.files.mkdir(exist_ok=True)
        checked_out = [change.path for change in changes if change.path not in self.contents]
        sources = {path: self.pending.files / "git" / path for path in checked_out}
        if checked_out:
            self.worktree.run(
                "checkout-index",
                "-f",
                "-z",
                "--stdin",
                f"--prefix={self.pending.files}/git/",
                input="".join(path + "\0" for path in checked_out).encode("utf-8", "surrogateescape"),
                env={"GIT_INDEX_FILE": str(self.pending.index)},
            )
        for number, change in enumerate(changes):
            assert change.new is not None
            if change.path in self.contents:
                sources[change.path] = self.pending.files / str(number)
                mode = 0o777 if change.new.mode == "100755" else 0o666  # the umask takes its part
                descriptor = os.open(sources[change.path], os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(self.contents[change.path])
            if change.old is not None and change.old.mode == change.new.mode:
                permissions = stat.S_IMODE((self.top / change.path).stat().st_mode)
                sources[change.path].chmod(permissions)
        return sources

    def _move(self, forward: Forward) -> bool:
        target = self.top / forward.path
        if self._signature(forward.path) != forward.signature or not self._clear_way(forward.path):
            return False  # somebody wrote it since we looked
        if forward.source is None:
            target.unlink()
            self._prune(target.parent)
            return True
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            forward.source.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # The working tree is on another file system than the repository.
            beside = target.with_name(f".{target.name}.{self.pending.folder.name}.tmp")
            shutil.copy(forward.source, beside)
            beside.replace(target)
        return True

    def _prune(self, folder: Path) -> None:
        """Remove folders that a deletion left empty, as git does."""
        while folder != self.top:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def _signature(self, path: str) -> Signature:
        try:
            status = (self.top / path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode

    def _clear_way(self, path: str) -> bool:
        """Whether every folder on the way is a real one or absent: writing through a link could leave the tree."""
        for parent in list(Path(path).parents)[:-1]:
            try:
                mode = (self.top / parent).lstat().st_mode
            except (FileNotFoundError, NotADirectoryError):
                continue
            if not stat.S_ISDIR(mode):
                return False
        return True

    def _disk_ids(self, paths: Collection[str]) -> dict[str, str]:
        """Blob id of each regular file as git would store it; anything else has none."""
        regular = [path for path in paths if self._clear_way(path) and _is_file(self.top / path)]
        plain = [path for path in regular if path in self.contents]
        ids = {path: blob_id((self.top / path).read_bytes(), self.worktree.object_format) for path in plain}
        converted = [path for path in regular if path not in self.contents]
        for first in range(0, len(converted), 200):
            batch = converted[first : first + 200]
            answer = self.worktree.run("hash-object", "--", *batch).decode("ascii").split()
            ids |= dict(zip(batch, answer, strict=True))
        return ids


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)
