"""The quarantine: rows that could not be events, each with its reason, until somebody looks at them.

A directory beside the spool, in git's common directory and never committed, with ``*.jsonl`` files. A line is
``{"time", "from", "line", "reason", "row"}``: when the row was refused; the file, or ``recorder``, that it came from;
its line there or null; why; and the row itself, redacted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.files import FileLock, storage_errors
from promptvc.base.jsonl import canonical_json

_LOCK = "rows.lock"
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

    def to_json(self) -> dict[str, Any]:
        """The object of its line."""
        return {
            "time": self.time,
            "from": self.origin,
            "line": self.line,
            "reason": self.reason,
            "row": dict(self.row),
        }


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
