"""The journal of a commit under way: one folder that holds its record, its scratch files and its locks.

It lies in ``promptvc/pending/`` of git's common directory, on the file system of every index, so that each step is a
rename or a link. The record is written before the first visible step; whoever finds the folder later, under the
lock, can tell how far the commit came (see ``recovery.py``).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import Busy
from promptvc.base.files import storage_errors, write_atomic
from promptvc.git.objects import Entry
from promptvc.git.repo import Repository

_RECORD = "journal.json"


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit does to one path; ``old`` and ``new`` are None where it is absent."""

    path: str
    old: Entry | None
    new: Entry | None


@dataclass(frozen=True, slots=True)
class Record:
    """The ref that moves from ``old`` to ``new``, and the working tree to bring forward (None: not checked out)."""

    ref: str
    old: str | None
    new: str
    worktree: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """One folder of ``promptvc/pending/``."""

    folder: Path

    @property
    def lock(self) -> Path:
        """Linked to ``index.lock``: two names of one device and inode tell our lock from anybody else's."""
        return self.folder / "lock"

    @property
    def index(self) -> Path:
        """The scratch index."""
        return self.folder / "index"

    @property
    def files(self) -> Path:
        """Files for the working tree, written before anything moves."""
        return self.folder / "files"

    def write(self, record: Record) -> None:
        """Write the record, whole or not at all. A crash of the machine is git's to survive: no fsync."""
        data = json.dumps(asdict(record)).encode("ascii")
        write_atomic(self.folder / _RECORD, data, durable=False)

    def read(self) -> Record | None:
        """The record; None when the commit ended before it was written, so that nothing was visible yet."""
        try:
            value: dict[str, Any] = json.loads((self.folder / _RECORD).read_bytes())
            changes = tuple(
                Change(item["path"], _entry(item["old"]), _entry(item["new"]))
                for item in value.pop("changes")
            )
            return Record(**value, changes=changes)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def clear_scratch(self) -> None:
        """Forget half-made scratch files; the record and the lock stay."""
        for path in (self.index, self.index.with_name("index.lock")):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.files, ignore_errors=True)

    def take(self, git_dir: Path, *, patience_s: float = 1.0) -> None:
        """Take ``index.lock`` of a working tree, as git does.

        Git gives up at once where the lock is taken. Editors run ``git status`` all the time, and that takes it for
        some milliseconds: so we wait a little.

        Raises:
            Busy: git holds it for longer than ``patience_s`` seconds, for instance a ``git commit`` in an editor.
        """
        target = git_dir / "index.lock"
        deadline = time.monotonic() + patience_s
        with storage_errors(target):
            while not self.holds(git_dir):
                try:
                    self._link(target)
                except FileExistsError:
                    if time.monotonic() >= deadline:
                        raise Busy(
                            f"{target} exists: another git process is using the working tree",
                            hint="wait for it to end; if none is running, remove the file and try again",
                            file=str(target),
                        ) from None
                    time.sleep(0.01)

    def holds(self, git_dir: Path) -> bool:
        """Whether ``index.lock`` of that working tree is ours."""
        try:
            status = (git_dir / "index.lock").lstat()
            ours = self.lock.stat()
        except FileNotFoundError:
            return False
        known = {(ours.st_dev, ours.st_ino), self._noted()}
        return (status.st_dev, status.st_ino) in known

    def release(self, git_dir: Path) -> None:
        """Give ``index.lock`` back, if it is ours."""
        if self.holds(git_dir):
            (git_dir / "index.lock").unlink()

    def _link(self, target: Path) -> None:
        try:
            os.link(self.lock, target)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
                raise
            # A file system without hard links: the lock is a file of its own, and its inode is noted.
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            status = os.fstat(descriptor)
            os.close(descriptor)
            self.lock.write_text(f"{status.st_dev} {status.st_ino}")

    def _noted(self) -> tuple[int, int] | None:
        words = self.lock.read_text().split()
        return (int(words[0]), int(words[1])) if len(words) == 2 else None

    def remove(self) -> None:
        """Forget it. The record goes first: a folder without one says that nothing is left to do."""
        with storage_errors(self.folder):
            (self.folder / _RECORD).unlink(missing_ok=True)
            shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def new_pending(repository: Repository) -> Iterator[Pending]:
    """A new folder, with the file that becomes ``index.lock``; gone afterwards, unless a record is unsettled."""
    pending = Pending(pending_folder(repository) / f"{os.getpid()}-{os.urandom(6).hex()}")
    try:
        with storage_errors(pending.folder):
            pending.folder.mkdir(parents=True)
            pending.lock.touch(exist_ok=False)
        yield pending
    finally:
        if not (pending.folder / _RECORD).exists():
            shutil.rmtree(pending.folder, ignore_errors=True)


def pending_folder(repository: Repository) -> Path:
    """Where commits under way are kept, for all worktrees."""
    return repository.common_dir / "promptvc" / "pending"


def all_pending(repository: Repository) -> Iterator[Pending]:
    """Every commit that did not end. Under the lock, those are of processes that died."""
    folder = pending_folder(repository)
    if folder.is_dir():
        yield from (Pending(path) for path in sorted(folder.iterdir()))


def _entry(value: dict[str, str] | None) -> Entry | None:
    return Entry(**value) if value is not None else None
