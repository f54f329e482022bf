"""Completions on disk, found by everything that can change them.

One SQLite file in WAL mode, because it is the one store that several processes may write at once, that is
whole after kill -9, and that opens in constant time whatever it holds. A row is found by the SHA-256 of the
request and carries a checksum of its own, so a damaged row is a miss. A damaged file is put away and begun
anew; a disk that cannot be written leaves the run without a cache and one ``warning``. Nothing here is
knowledge: the folder may be deleted.

Errors are never stored: only a :class:`Completion` can be.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from promptvc.base.clock import utc_now
from promptvc.base.errors import Unfinished
from promptvc.base.files import FileLock
from promptvc.base.jsonl import canonical_json
from promptvc.models.messages import ChatMessage, Completion

# The number is the format's: another promptvc with another format uses another file, and neither disturbs
# the other.
FILE = "completions-1.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, stored INTEGER NOT NULL,
    checksum INTEGER NOT NULL, payload BLOB NOT NULL
)
"""
_READ = "SELECT stored, checksum, payload FROM completions WHERE key = ?"
_READ_MANY = "SELECT key, stored, checksum, payload FROM completions WHERE key IN ({})"
_WRITE = "INSERT OR REPLACE INTO completions (key, stored, checksum, payload) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM completions WHERE key = ?"
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Keys:
    """Makes cache keys for the requests of one model.

    ``model`` is ``provider:name``; ``location`` is the endpoint, because two servers may give one name to
    two models. The key is the SHA-256 of the canonical JSON of those and the parameters, then each message's
    role and text, then the repeat; every part is preceded by its length, so no two requests share a
    serialisation. The state after all messages but the last is kept, since the cases of a suite differ in
    little else.
    """

    def __init__(self, model: str, location: str | None = None) -> None:
        self._prefix = _sized(canonical_json({"model": model, "location": location}))
        self._head: tuple[ChatMessage, ...] | None = None
        self._given = ""
        self._state = hashlib.sha256()

    def key(self, messages: Sequence[ChatMessage], parameters: Mapping[str, Any], repeat: int) -> bytes:
        """32 bytes."""
        head = tuple(messages[:-1])
        given = repr(parameters)  # tells 1 from 1.0 as JSON does, at a quarter of the price
        if given != self._given:
            self._given, self._head = given, None
        if head != self._head:
            packed = canonical_json(dict(parameters))
            state = hashlib.sha256(self._prefix + _sized(packed))
            for message in head:
                state.update(_message(message))
            self._head, self._state = head, state
        state = self._state.copy()
        for message in messages[-1:]:
            state.update(_message(message))
        state.update(b"#%d" % repeat)
        return state.digest()


def _message(message: ChatMessage) -> bytes:
    return _sized(message.role.encode()) + _sized(message.content.encode("utf-8", "surrogatepass"))


def _sized(data: bytes) -> bytes:
    return b"%d:" % len(data) + data


class Cache:
    """Completions by key, in ``directory``. Never raises for the disk: :attr:`warning` says what is wrong.

    ``clock`` stamps rows, for runs that accept only what was stored since they began. Calls may come from two
    threads: one that reads, one that writes.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.path = directory / FILE
        self.warning: str | None = None
        self._clock = clock
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._mended = False
        try:
            self._open()
        except (sqlite3.Error, OSError, Unfinished) as error:
            self._fault(error, None)

    def get(self, key: bytes, *, since: datetime | None = None) -> Completion | None:
        """The completion stored under ``key``, at ``since`` or later; None when there is none."""
        with self._reading:
            reader = self._reader
            if reader is None:
                return None
            try:
                row = reader.execute(_READ, (key,)).fetchone()
            except (sqlite3.Error, OSError) as caught:
                error: Exception | None = caught
            else:
                error = None
        if error is not None:
            self._fault(error, reader)
            return None
        if row is None or (since is not None and row[0] < _milliseconds(since)):
            return None
        return _unpack(key, row[1], row[2])

    def get_many(self, keys: Sequence[bytes], *, since: datetime | None = None) -> dict[bytes, Completion]:
        """What is stored of ``keys``, at most some hundreds, at ``since`` or later: one question for all of them."""
        with self._reading:
            reader = self._reader
            if reader is None:
                return {}
            try:
                question = _READ_MANY.format(",".join("?" * len(keys)))
                rows = reader.execute(question, keys).fetchall()
            except (sqlite3.Error, OSError) as caught:
                error: Exception | None = caught
            else:
                error = None
        if error is not None:
            self._fault(error, reader)
            return {}
        oldest = _milliseconds(since) if since is not None else 0
        found = ((key, _unpack(key, row[0], row[1])) for key, stored, *row in rows if stored >= oldest)
        return {key: completion for key, completion in found if completion is not None}

    def put_many(self, rows: Sequence[tuple[bytes, Completion]]) -> None:
        """Store ``rows`` in one transaction; they are on the disk (fsync) when this returns."""
        stored = _milliseconds(self._clock())
        packed = []
        for key, completion in rows:
            payload = _pack(completion)
            packed.append((key, stored, zlib.crc32(payload, zlib.crc32(key)), payload))
        # Twice: when the file was damaged it has been begun anew, and these rows were paid for and belong in
        # it.
        for _ in range(2):
            with self._writing:
                writer = self._writer
                if writer is None:
                    return
                try:
                    _execute(writer, _WRITE, packed)
                except (sqlite3.Error, OSError) as caught:
                    error = caught
                else:
                    return
            self._fault(error, writer)

    def forget(self, keys: Sequence[bytes]) -> None:
        """Delete what is stored under ``keys``."""
        with self._writing:
            writer = self._writer
            if writer is None or not keys:
                return
            try:
                _execute(writer, _FORGET, [(key,) for key in keys])
            except (sqlite3.Error, OSError) as caught:
                error = caught
            else:
                return
        self._fault(error, writer)

    def close(self) -> None:
        """Close the file; the cache answers nothing afterwards."""
        with self._writing, self._reading:
            self._close()

    def _close(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
        self._reader = self._writer = None

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._identity = self._seen()
        self._writer = self._connect()
        if self._writer.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            # Two processes that switch a new file at once do not wait for one another in SQLite.
            with self._alone():
                self._writer.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit survives a power cut as well, which is what "durable before it counts" takes.
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.execute(_SCHEMA)
        self._reader = self._connect()
        # Keys are random: with SQLite's usual 2 MB most look-ups among 100,000 rows read a page anew.
        self._reader.execute("PRAGMA cache_size = -32768")
        self._reader.execute(_READ, (b"",)).fetchone()
        self._identity = self._seen()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=10.0, isolation_level=None, check_same_thread=False)

    def _alone(self) -> FileLock:
        return FileLock(self.path.with_suffix(".lock"), timeout_s=10.0)

    def _seen(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return (found.st_dev, found.st_ino)

    def _fault(self, error: Exception, used: sqlite3.Connection | None) -> None:
        """Mend a damaged file, once; otherwise go on without a cache and say so.

        ``used`` failed; when it is no longer the connection in use, the other thread has been here already.
        """
        with self._writing, self._reading:
            if used is not None and used is not self._reader and used is not self._writer:
                return
            self._close()
            damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
            if damaged and not self._mended:
                self._mended = True
                try:
                    self._begin_anew()
                except (sqlite3.Error, OSError, Unfinished) as second:
                    error = second
                else:
                    return
            self._close()
            self.warning = f"running without the completion cache: {self.path}: {error}"

    def _begin_anew(self) -> None:
        with self._alone():
            # Another process may have mended it first: its new file is not the damaged one.
            if self._identity is not None and self._seen() == self._identity:
                for suffix in ("", "-wal", "-shm"):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self._open()


def _execute(writer: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """One transaction: all of it or nothing."""
    writer.execute("BEGIN IMMEDIATE")
    try:
        writer.executemany(statement, rows)
        writer.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            writer.execute("ROLLBACK")
        raise


def _pack(completion: Completion) -> bytes:
    fields = (
        completion.text,
        completion.tokens_in,
        completion.tokens_out,
        completion.cost,
        completion.latency_ms,
        completion.finish_reason,
    )
    return json.dumps(fields, separators=(",", ":")).encode()


def _unpack(key: bytes, checksum: int, payload: bytes) -> Completion | None:
    if zlib.crc32(payload, zlib.crc32(key)) != checksum:
        return None
    text, tokens_in, tokens_out, cost, latency_ms, finish_reason = json.loads(payload.decode("ascii"))
    return Completion(text, tokens_in, tokens_out, cost, latency_ms, finish_reason, cached=True)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
