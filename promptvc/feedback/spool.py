"""The spool: events that are written and not yet committed. No event that was acknowledged is ever lost.

A directory with these files::

    current.jsonl                  what writers append to
    imported.jsonl                 the same for what was imported from files
    batch-<ulid>.jsonl             rotated away by a sealer, until its commit has succeeded
    batch-<ulid>-imported.jsonl    the same for imports
    torn-<ulid>.txt                lines that were no events, set aside when their batch was committed
    seal.lock                      held by the one sealer

**What is imported is apart**, since it is never rolled up. A file can be imported on two branches, and another one that
shares rows with it: as events these are told apart by their ids when both are merged, as sums they could not be. What
is recorded live has an id of its own in one spool only.

**Writers** open ``current.jsonl``, take its ``flock`` and look whether the name still leads to the file that
they hold; if a sealer was faster, they open again. Then all lines of a call go out in one write with O_APPEND. A
writer that was killed, or met a full disk, cannot hurt a neighbour: a short write is cut back by the writer
itself, and a torn last line that it left behind is ended by the next writer and reported when reading.

**A sealer** takes ``seal.lock``, then the same ``flock``, and renames ``current.jsonl`` to ``batch-<ulid>.jsonl``
(``imported.jsonl`` likewise, with a lock and a ULID of its own):
from then on the batch does not change, and neither do the name and the bytes of its segments. It commits them, and
only then removes the batch. Killed in between, the batch is found by the next sealer, which makes the very same
segments: a path that the branch has already is the mark that the commit had succeeded.

Readers that want committed and spooled events read the spool first: what is committed meanwhile is then seen
twice, and told apart by its id, but never missed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from promptvc.base.errors import InvalidDocument
from promptvc.base.files import FileLock, fsync_directory, storage_errors, write_atomic
from promptvc.base.ids import derived_ulid, is_ulid, new_ulid, ulid_time
from promptvc.feedback.events import MAX_EVENT_BYTES, Event
from promptvc.feedback.segments import Conflict, Problem, Reading, read_segments, seal

_CURRENT = "current.jsonl"
_IMPORTED = "imported.jsonl"
_LOCK = "seal.lock"
_BATCH = "batch-"
_RAW = "-imported"
_TORN = "torn-"
_SYNC = getattr(os, "fdatasync", os.fsync)  # macOS has none; the size of a file counts as its data


@dataclass(frozen=True, slots=True)
class Batch:
    """What a sealer holds: segments to commit, and :meth:`done` for when they are."""

    segments: Mapping[str, bytes]
    events: tuple[Event, ...]
    conflicts: tuple[Conflict, ...]
    torn: tuple[Problem, ...]
    _files: tuple[Path, ...]

    def done(self) -> None:
        """The segments are committed: set torn lines aside and remove the batch from the spool."""
        for path in self._files:
            lines = [problem.raw for problem in self.torn if problem.file == path.name]
            if lines:
                write_atomic(path.with_name(f"{_TORN}{_ulid(path)}.txt"), b"\n".join(lines) + b"\n")
            with storage_errors(path):
                path.unlink(missing_ok=True)
        if self._files:
            with storage_errors(self._files[0].parent):
                fsync_directory(self._files[0].parent)


class Spool:
    """Events in ``directory``, which is made when the first one is appended."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._current = directory / _CURRENT
        self._imported = directory / _IMPORTED

    @classmethod
    def of(cls, common_dir: Path, environ: Mapping[str, str]) -> Spool:
        """The spool of a repository: in git's common directory, or where ``PROMPTVC_SPOOL`` says."""
        given = environ.get("PROMPTVC_SPOOL")
        return cls(Path(given) if given else common_dir / "promptvc" / "spool")

    def append(self, events: Sequence[Event], *, durable: bool = False) -> None:
        """Write ``events`` together: when this returns, they survive the death of this process.

        Args:
            durable: they also survive the loss of power.

        Raises:
            InvalidDocument: an event is larger than a mebibyte; none was written.
            StorageError: the disk is full or read-only; none was written.
        """
        self._write(self._current, [_checked(event) for event in events], durable=durable)

    def append_lines(self, lines: Sequence[bytes], *, durable: bool = False) -> None:
        """The same for imported events: lines that were checked before, each with its newline. None is rolled up."""
        self._write(self._imported, lines, durable=durable)

    def _write(self, path: Path, lines: Sequence[bytes], *, durable: bool) -> None:
        data = b"".join(lines)
        if not data:
            return
        with storage_errors(path):
            self.directory.mkdir(parents=True, exist_ok=True)
            descriptor = _open_locked(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, fcntl.LOCK_EX)
            assert descriptor is not None
            try:
                try:
                    fresh = _append(descriptor, data)
                finally:
                    # Closing alone would not free it where a child was forked meanwhile, which has the file open too.
                    fcntl.flock(descriptor, fcntl.LOCK_UN)
                if durable:
                    _SYNC(descriptor)
                    if fresh:
                        fsync_directory(self.directory)
            finally:
                os.close(descriptor)

    def read(self) -> Reading:
        """Every event in the spool, once; its ``problems`` are the torn lines."""
        return read_segments(self._contents())

    def contents(self) -> dict[str, bytes]:
        """The files as they are, by name: lines of events, with whatever else came to stand in them."""
        return self._contents()

    def set_aside(self) -> tuple[Path, ...]:
        """Files with torn lines of batches that are committed; for people to look at and remove."""
        return tuple(sorted(self.directory.glob(f"{_TORN}*.txt")))

    @contextlib.contextmanager
    def seal(
        self,
        *,
        now: datetime,
        random: bytes | None = None,
        timeout_s: float = 30.0,
        rolled: Collection[str] = (),
    ) -> Iterator[Batch]:
        """Hold everything spooled so far as segments; what is not :meth:`Batch.done` comes again next time.

        Args:
            now: gives the segments their name, with ``random`` (10 bytes; from the system when not given).
            rolled: the kinds that become hourly rollups, unless they were imported.

        Raises:
            Busy: another sealer did not end within ``timeout_s`` seconds.
            StorageError: the disk is full or read-only.
        """
        if not self.directory.exists():
            yield Batch({}, (), (), (), ())
            return
        with FileLock(self.directory / _LOCK, timeout_s=timeout_s):
            with storage_errors(self._current):
                self._rotate(new_ulid(now, random))
            yield self._batch(rolled)

    def rewrite(
        self,
        change: Callable[[bytes], bytes],
        *,
        now: datetime,
        random: bytes | None = None,
        timeout_s: float = 30.0,
    ) -> int:
        """Put the content of every file through ``change``, what was set aside included; how many are others now.

        Writers are not held up: what they append meanwhile is in a new file, and is not looked at. Each file is as it
        was or as it shall be, whenever the process is killed.

        Args:
            change: from the lines of a file to those that stay; a file without any is removed.
            now, random: name what was not rotated yet, as for :meth:`seal`.

        Raises:
            Busy: a sealer did not end within ``timeout_s`` seconds.
            StorageError: the disk is full or read-only.
        """
        if not self.directory.exists():
            return 0
        changed = 0
        with FileLock(self.directory / _LOCK, timeout_s=timeout_s):
            with storage_errors(self._current):
                self._rotate(new_ulid(now, random))
            for path in (*self._batches(), *self.set_aside()):
                with storage_errors(path):
                    before = path.read_bytes()
                    after = change(before)
                    if after == before:
                        continue
                    changed += 1
                    if not after:
                        path.unlink()
                        fsync_directory(self.directory)
                if after:
                    write_atomic(path, after)
        return changed

    def _rotate(self, ulid: str) -> None:
        # Each has a name of its own: segments of both go to the same folders.
        other = derived_ulid(ulid_time(ulid), f"{ulid}{_RAW}".encode(), 0)
        for path, name in (
            (self._current, f"{_BATCH}{ulid}.jsonl"),
            (self._imported, f"{_BATCH}{other}{_RAW}.jsonl"),
        ):
            descriptor = _open_locked(path, os.O_RDONLY, fcntl.LOCK_EX)
            if descriptor is None:
                continue
            try:
                if os.fstat(descriptor).st_size:
                    os.fsync(descriptor)
                    path.rename(self.directory / name)
                    fsync_directory(self.directory)
            finally:
                os.close(descriptor)

    def _batch(self, rolled: Collection[str]) -> Batch:
        segments: dict[str, bytes] = {}
        contents: dict[str, bytes] = {}
        paths = self._batches()
        for path in paths:
            with storage_errors(path):
                contents[path.name] = path.read_bytes()
            events = read_segments({path.name: contents[path.name]}).events
            kinds = () if path.stem.endswith(_RAW) else rolled
            segments |= seal(events, ulid=_ulid(path), rolled=kinds)
        reading = read_segments(contents)
        return Batch(segments, reading.events, reading.conflicts, reading.problems, paths)

    def _batches(self) -> tuple[Path, ...]:
        found = self.directory.glob(f"{_BATCH}*.jsonl")
        return tuple(sorted(path for path in found if is_ulid(_ulid(path))))

    def _contents(self) -> dict[str, bytes]:
        """All files, by name. The locks on those that writers append to keep them from being rotated meanwhile."""
        contents: dict[str, bytes] = {}
        with storage_errors(self.directory), contextlib.ExitStack() as held:
            open_files = []
            for path in (self._current, self._imported):
                descriptor = _open_locked(path, os.O_RDONLY, fcntl.LOCK_SH)
                if descriptor is not None:
                    held.callback(os.close, descriptor)
                    open_files.append(path)
            for path in self._batches():
                # Removed since it was listed: committed.
                with contextlib.suppress(FileNotFoundError):
                    contents[path.name] = path.read_bytes()
            for path in open_files:
                contents[path.name] = path.read_bytes()
        return contents


def _ulid(path: Path) -> str:
    """What a batch is called by."""
    return path.stem.removeprefix(_BATCH).removesuffix(_RAW)


def _open_locked(path: Path, flags: int, operation: int) -> int | None:
    """A file that writers append to, locked; ``None`` when there is none and ``flags`` do not make one."""
    while True:
        try:
            descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, operation)
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _checked(event: Event) -> bytes:
    line = event.line()
    if len(line) > MAX_EVENT_BYTES:
        raise InvalidDocument(
            f"the event {event.id} has {len(line):,} bytes; at most {MAX_EVENT_BYTES:,} are kept",
            hint="shorten its input, output or context",
        )
    return line


def _append(descriptor: int, data: bytes) -> bool:
    """Append ``data`` after a whole line, all of it or nothing; tells whether the file was empty."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    written = 0
    try:
        while written < len(data):
            written += os.write(descriptor, data[written:] if written else data)
    except BaseException:
        os.ftruncate(descriptor, size)
        raise
    return size == 0


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether ``path`` still leads to the open file."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
