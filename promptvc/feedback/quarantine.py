"""The quarantine: rows that could not be events, each with its reason, until somebody looks at them.

A directory beside the spool, in git's common directory and never committed, with ``*.jsonl`` files. A line is
``{"time", "from", "line", "reason", "row"}``: when the row was refused; the file, or ``recorder``, that it came from;
its line there or null; why; and the row itself, redacted. A row of an imported file says in ``asked`` how it was
read, so that it can be tried again, and one of a recorder that some of it is ``lost``: too large, too deep, or no value
of JSON; such a row stays until it is cleared. One row of a file is there once, however often it was refused.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import InvalidDocument
from promptvc.base.files import FileLock, storage_errors, write_atomic
from promptvc.base.jsonl import canonical_json, parse_json

RECORDER, LOST = "recorder", "lost"
_LOCK = "rows.lock"
_TOGETHER = 200
# A program that errs in every row would fill the disk: what comes when there is so much is only counted.
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One refused row. ``row`` is redacted and holds JSON values only; ``line`` counts from 1."""

    time: str
    origin: str
    line: int | None
    reason: str
    row: Mapping[str, Any]
    asked: Mapping[str, Any] | None = None

    @property
    def key(self) -> bytes:
        """The same for the same row of the same place, whenever it was refused."""
        return hashlib.sha256(canonical_json([self.origin, self.line, self.row])).digest()

    def to_json(self) -> dict[str, Any]:
        """The object of its line."""
        found = {
            "time": self.time,
            "from": self.origin,
            "line": self.line,
            "reason": self.reason,
            "row": dict(self.row),
        }
        return found if self.asked is None else found | {"asked": dict(self.asked)}


class Quarantine:
    """Refused rows in ``directory``, which is made when the first one comes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def of(cls, common_dir: Path) -> Quarantine:
        """The quarantine of a repository."""
        return cls(common_dir / "promptvc" / "quarantine")

    def lock(self) -> FileLock:
        """What whoever writes or takes rows holds meanwhile."""
        return FileLock(self.directory / _LOCK)

    def append(self, rows: Sequence[Quarantined], *, file: str = "recorder.jsonl") -> int:
        """Write ``rows`` to the end of ``file``; how many were kept: none where there are 64 MiB of them.

        Raises:
            StorageError: the disk is full or read-only; at most a part of the last line was written.
            Busy: another process held the lock for 30 s.
        """
        data = b"".join(canonical_json(row.to_json()) + b"\n" for row in rows)
        path = self.directory / file
        with storage_errors(path):
            self.directory.mkdir(parents=True, exist_ok=True)
        with self.lock(), storage_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as stream:
                size = os.fstat(descriptor).st_size
                if size + len(data) > MOST_BYTES:
                    return 0
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    data = b"\n" + data
                stream.write(data)
        return len(rows)

    def add(self, rows: Iterable[Quarantined], *, file: str = "imports.jsonl") -> int:
        """Append those of ``rows`` that are not there yet; how many of all are there now.

        Raises:
            StorageError, Busy: as :meth:`append`.
        """
        known = {entry.key for entry in self.entries()}
        kept, batch = 0, list[Quarantined]()
        for row in rows:
            if row.key in known:
                kept += 1
                continue
            known.add(row.key)
            batch.append(row)
            if len(batch) == _TOGETHER:
                kept += self.append(batch, file=file)
                batch = []
        return kept + (self.append(batch, file=file) if batch else 0)

    def entries(self) -> Iterator[Quarantined]:
        """Every row, by file and in the order in which they came; torn lines are left out."""
        for path in sorted(self.directory.glob("*.jsonl")):
            with storage_errors(path), path.open("rb") as stream:
                for line in stream:
                    entry = _entry(line)
                    if entry is not None:
                        yield entry

    def replace(self, kept: Mapping[bytes, Quarantined | None]) -> None:
        """Take rows out, by :attr:`Quarantined.key`, or put others in their place; those that are not named stay.

        Raises:
            StorageError: the disk is full or read-only.
        """
        with self.lock():
            for path in sorted(self.directory.glob("*.jsonl")):
                with storage_errors(path):
                    lines = path.read_bytes().splitlines(keepends=True)
                result = [line for line in (_replaced(line, kept) for line in lines) if line]
                if not result:
                    path.unlink()
                elif result != lines:
                    write_atomic(path, b"".join(result))

    def clear(self) -> int:
        """Take everything out; how many rows there were."""
        count = sum(1 for _ in self.entries())
        with self.lock():
            for path in self.directory.glob("*.jsonl"):
                path.unlink(missing_ok=True)
        return count


def _replaced(line: bytes, kept: Mapping[bytes, Quarantined | None]) -> bytes:
    entry = _entry(line)
    if entry is None or entry.key not in kept:
        return line
    other = kept[entry.key]
    return b"" if other is None else canonical_json(other.to_json()) + b"\n"


def _entry(line: bytes) -> Quarantined | None:
    try:
        value = parse_json(line.rstrip(b"\r\n"), file="<quarantine>")
        row, asked = value["row"], value.get("asked")
        if not isinstance(row, dict) or not isinstance(asked, dict | None):
            return None
        number = value["line"]
        line_ = int(number) if number is not None else None
        return Quarantined(str(value["time"]), str(value["from"]), line_, str(value["reason"]), row, asked)
    except (InvalidDocument, KeyError, TypeError, ValueError, AttributeError):
        return None
