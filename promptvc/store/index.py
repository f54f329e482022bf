"""The file of the history index: SQLite under ``.promptvc/``, opened, checked, thrown away when it is broken.

Everything in it is derived. Whatever is wrong with the file (deleted, corrupt, read-only, disk full, locked for
long, of another schema or repository) costs the time of building the index again, in the file or in memory,
and never an answer.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

SCHEMA_VERSION = 2

_FILE = "index.sqlite"
_LOCK = "index.lock"
_PATIENCE_S = 5.0
_OPTIONS: dict[str, Any] = {"timeout": 120.0, "isolation_level": None, "check_same_thread": False}

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE commits (
    n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, parents BLOB NOT NULL, generation INTEGER NOT NULL,
    time INTEGER NOT NULL, author TEXT NOT NULL, subject TEXT NOT NULL);
CREATE TABLE heads (n INTEGER PRIMARY KEY);
CREATE TABLE paths (p INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE changes (p INTEGER NOT NULL, n INTEGER NOT NULL, blob BLOB, PRIMARY KEY (p, n)) WITHOUT ROWID;
CREATE TABLE reach (n INTEGER PRIMARY KEY, every BLOB NOT NULL, first BLOB NOT NULL);
CREATE TABLE versions (blob BLOB PRIMARY KEY, version INTEGER) WITHOUT ROWID;
CREATE TABLE summaries (blob BLOB PRIMARY KEY, summary TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE wordings (blob BLOB PRIMARY KEY, rules BLOB, examples BLOB, messages BLOB) WITHOUT ROWID;
CREATE TABLE verdicts (blob BLOB PRIMARY KEY, verdict TEXT) WITHOUT ROWID;
"""


class Index:
    """One open index. Not for use from several threads at once.

    While it is open it holds a shared ``flock``; only who gets the exclusive one may throw the file away, so that
    no process ever reads another's write-ahead log with its own database file.

    Attributes:
        connection: in autocommit mode; see :meth:`transaction`.
        in_memory: nothing is kept on disk.
    """

    def __init__(self, directory: Path | None, identity: str) -> None:
        """
        Args:
            directory: where the file is kept, made when needed; None: in memory.
            identity: what the content depends on besides the commits; another identity empties the index.
        """
        self._directory = directory
        self._identity = f"{SCHEMA_VERSION} {identity}"
        self._lock: int | None = None
        self.in_memory = False
        self.connection = self._open()

    def guarded(self, work: Callable[[], T]) -> T:
        """What ``work`` returns. When the file fails it, it is run again on a rebuilt file, then in memory."""
        for recover in (self._rebuild, self._leave_disk):
            try:
                return work()
            except sqlite3.OperationalError:
                # Locked for long, read-only, disk full, deleted under us: not ours to repair.
                self._leave_disk()
            except sqlite3.DatabaseError:
                recover()
        return work()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: waits for other writers, ends with a commit, or with nothing done."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file and give up the lock."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()
        self._unlock()

    def __del__(self) -> None:
        if hasattr(self, "connection"):
            self.close()

    def _open(self) -> sqlite3.Connection:
        if self._directory is None:
            return self._memory()
        deadline = time.monotonic() + _PATIENCE_S
        try:
            self._make_directory(self._directory)
            while time.monotonic() < deadline:
                connection = self._connect(self._directory) or self._create(self._directory)
                if connection is not None:
                    return connection
                time.sleep(0.01)
        except (OSError, sqlite3.Error):
            self._unlock()
        return self._memory()

    def _connect(self, directory: Path) -> sqlite3.Connection | None:
        """The file as it is, when it is whole and ours."""
        if not self._locked(directory, fcntl.LOCK_SH) or not (directory / _FILE).exists():
            return None
        connection: sqlite3.Connection = sqlite3.connect(directory / _FILE, **_OPTIONS)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            row = connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
        except sqlite3.DatabaseError:
            row = None
        if row is not None and row[0] == self._identity:
            return connection
        connection.close()
        return None

    def _create(self, directory: Path) -> sqlite3.Connection | None:
        """A new file in place of what is there; None when somebody else is using that."""
        self._unlock()
        if not self._locked(directory, fcntl.LOCK_EX):
            return None
        for suffix in ("", "-wal", "-shm", "-journal"):
            (directory / (_FILE + suffix)).unlink(missing_ok=True)
        connection: sqlite3.Connection = sqlite3.connect(directory / _FILE, **_OPTIONS)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._fill(connection)
        except sqlite3.Error:
            connection.close()
            raise
        assert self._lock is not None
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        return connection

    def _memory(self) -> sqlite3.Connection:
        self.in_memory = True
        connection: sqlite3.Connection = sqlite3.connect(":memory:", **_OPTIONS)
        self._fill(connection)
        return connection

    def _fill(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('identity', ?)", (self._identity,))
        connection.execute("COMMIT")

    def _rebuild(self) -> None:
        if self._directory is None or self.in_memory:
            self._leave_disk()
            return
        self.connection.close()
        try:
            created = self._create(self._directory)
        except (OSError, sqlite3.Error):
            created = None
        if created is None:
            self._unlock()
        self.connection = created or self._memory()

    def _leave_disk(self) -> None:
        self.close()
        self.connection = self._memory()

    def _locked(self, directory: Path, kind: int) -> bool:
        """Whether the lock was had at once: holders of the exclusive one keep it for milliseconds only."""
        if self._lock is None:
            self._lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._lock, kind | fcntl.LOCK_NB)
        except OSError as error:
            self._unlock()
            if error.errno in {errno.EWOULDBLOCK, errno.EAGAIN}:
                return False
            raise
        return True

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @staticmethod
    def _make_directory(directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        ignore = directory / ".gitignore"
        if not ignore.exists():
            # Derived files are nobody's to commit, also where the user's .gitignore does not say so.
            ignore.write_text("*\n")
