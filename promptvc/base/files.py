"""Files that are whole or absent: atomic writes, locks between processes, errors in our own words."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from promptvc.base.errors import Busy, StorageError

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run the command again; nothing was half written",
    errno.EDQUOT: "the disk quota is used up: free some space and run the command again",
    errno.EROFS: "the file system is read-only: use a writable clone",
    errno.EACCES: "check the permissions of the folder",
    errno.EPERM: "check the permissions of the folder",
}


@contextlib.contextmanager
def storage_errors(path: Path | str) -> Iterator[None]:
    """Turn an ``OSError`` about ``path`` into a :class:`StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = _HINTS.get(error.errno or 0)
        raise StorageError(f"cannot be used: {reason}", hint=hint, file=str(path)) from error


def fsync_directory(directory: Path) -> None:
    """Make a rename inside ``directory`` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path`` so that a reader, or a crash, sees the old content or the new, never a part.

    Raises:
        StorageError: disk full, read-only, no permission; ``path`` is as it was.
    """
    write_parts(path, (data,), durable=durable)


def write_parts(path: Path, parts: Iterable[bytes], *, durable: bool = True) -> None:
    """The same for content that comes in parts and need not fit into memory; what ``parts`` raises leaves no file.

    Raises:
        StorageError: as :func:`write_atomic`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as stream:
                if path.exists():
                    os.fchmod(stream.fileno(), path.stat().st_mode & 0o7777)
                for part in parts:
                    stream.write(part)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if durable:
            fsync_directory(path.parent)


class FileLock:
    """A lock between processes (``flock``): fair enough, freed by the kernel when its holder dies.

    Raises:
        Busy: not free within ``timeout_s`` seconds.
        StorageError: the lock file cannot be made.
    """

    def __init__(self, path: Path, *, timeout_s: float = 30.0) -> None:
        self.path = path
        self.timeout_s = timeout_s
        self._descriptor: int | None = None

    def __enter__(self) -> FileLock:
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._wait(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def fileno(self) -> int:
        """The descriptor that holds the lock. A child that inherits it keeps the lock until it ends too."""
        assert self._descriptor is not None
        return self._descriptor

    def _wait(self, descriptor: int) -> None:
        deadline = time.monotonic() + self.timeout_s
        pause = 0.0005
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Busy(
                        f"another process holds {self.path}",
                        hint="wait for the other promptvc command to end, then try again",
                        file=str(self.path),
                    ) from None
                time.sleep(pause)
                pause = min(pause * 1.5, 0.02)
            else:
                return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
