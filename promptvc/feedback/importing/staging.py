"""The stage: rows of one file as events, on their way to the spool. A file of SQLite that outlives a killed import.

Memory does not grow with the imported file: events, their ids and how often each content came are on disk. All that
is known after some rows is written in one transaction with their number, so whoever comes back goes on behind them
and ends with the same as if nothing had happened. The order of things protects against writing anything twice:

1. ``reading``: rows become events here, and nowhere else.
2. ``meeting``: events that are there already are told apart, while whoever imports holds the lock.
3. ``writing``: which events are new is settled and kept here; they go to the spool in their order. Who comes back in
   this phase meets its own events there again, and writes the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from promptvc.base.errors import StorageError
from promptvc.base.ids import derived_ulid
from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.feedback.events import MAX_EVENT_BYTES, parse_event
from promptvc.feedback.rows import BadRow

NEW, KNOWN, REFUSED, WRITTEN = range(4)
READING, WRITING = "reading", "writing"
_EVERY = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY, id TEXT UNIQUE, line INTEGER, undated INTEGER, found TEXT,
    data BLOB, fate INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS equals (digest BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS former (id TEXT, n INTEGER, data BLOB);
CREATE INDEX IF NOT EXISTS former_id ON former (id);
CREATE TEMP TABLE IF NOT EXISTS prints (place TEXT, print BLOB, n INTEGER);
CREATE INDEX IF NOT EXISTS temp.prints_place ON prints (place);
CREATE TABLE IF NOT EXISTS bad (n INTEGER PRIMARY KEY, line INTEGER, reason TEXT, content TEXT);
"""


@dataclass(frozen=True, slots=True)
class Made:
    """An event out of a row: redacted, perhaps without an id and a time; ``former`` is it under earlier keys."""

    line: int
    clean: dict[str, Any]
    found: Counter[str]
    former: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Staged:
    """One event on the stage."""

    n: int
    id: str
    line: int
    undated: bool
    data: bytes


class Stage:
    """A stage in ``path``, or in memory; one process at a time."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._rows = self.rows = 0
        self._duplicates = 0
        self.extra: set[str] = set()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._open()

    def _open(self) -> None:
        try:
            self._connect()
        except sqlite3.DatabaseError:
            # Half of a file, as after a loss of power: begin again, which costs time only.
            self.discard()
            self._connect()

    def _connect(self) -> None:
        self._connection = sqlite3.connect(
            ":memory:" if self._path is None else self._path, isolation_level=None
        )
        run = self._connection.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA cache_size = -16000")
        self._connection.executescript(_TABLES)
        state = dict(run("SELECT name, value FROM state").fetchall())
        self.rows = self._rows = int(state.get("rows", 0))
        self._duplicates = int(state.get("duplicates", 0))
        self.extra = set(json.loads(state.get("extra", "[]")))
        self.phase = state.get("phase", READING)
        run("BEGIN")

    # -- reading -------------------------------------------------------------------------------------------------

    def add(self, made: Made, time: str) -> None:
        """Take an event up; ``time`` is for one that has none.

        Raises:
            ValueError: it is too large, or its id came with other content.
            InvalidDocument: it is no event.
        """
        clean = made.clean
        undated = "time" not in clean
        if named := "id" in clean:
            key = clean["id"]
        else:
            key = clean["id"] = self._derived(clean)
        if undated:
            clean["time"] = time
        event = parse_event(clean)
        data = event.line()
        if len(data) > MAX_EVENT_BYTES:
            raise ValueError(f"an event of {len(data):,} bytes; at most {MAX_EVENT_BYTES:,} are kept")
        found = json.dumps(made.found) if made.found else None
        values = (key, made.line, undated, found, data)
        cursor = self._execute(
            "INSERT OR IGNORE INTO events (id, line, undated, found, data) VALUES (?, ?, ?, ?, ?)", values
        )
        if cursor.rowcount:
            for one in made.former:
                self._add_former(one, time, cursor.lastrowid, named=named)
            return
        line, other = self._execute("SELECT line, data FROM events WHERE id = ?", (key,)).fetchone()
        if bytes(other) != data:
            raise ValueError(f"the id {key} is on line {line} with other content")
        self._duplicates += 1

    def _add_former(self, clean: dict[str, Any], time: str, n: int | None, *, named: bool) -> None:
        content = {key: value for key, value in clean.items() if named or key != "id"}
        content.setdefault("id", None if named else self._derived(content))
        content.setdefault("time", time)
        self._execute("INSERT INTO former VALUES (?, ?, ?)", (content["id"], n, parse_event(content).line()))

    def _derived(self, clean: Mapping[str, Any]) -> str:
        content = canonical_json(clean)
        digest = hashlib.sha256(content).digest()[:16]
        query = "INSERT INTO equals VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET n = n + 1 RETURNING n"
        ordinal = self._execute(query, (digest,)).fetchone()[0] - 1
        time = datetime.fromisoformat(clean["time"]) if "time" in clean else _EPOCH
        return derived_ulid(time, content, ordinal)

    def refuse(self, bad: BadRow) -> None:
        """Remember a bad row; its content is redacted."""
        content = None if bad.content is None else json.dumps(bad.content)
        self._execute(
            "INSERT INTO bad (line, reason, content) VALUES (?, ?, ?)", (bad.line, bad.reason, content)
        )

    def passed(self) -> None:
        """A row is done with."""
        self.rows += 1
        if self.rows - self._rows >= _EVERY:
            self.keep()

    def keep(self, phase: str | None = None) -> None:
        """Write down how far it is; from here a killed import goes on."""
        self.phase = phase or self.phase
        state = {
            "rows": str(self.rows),
            "duplicates": str(self._duplicates),
            "extra": json.dumps(sorted(self.extra)),
            "phase": self.phase,
        }
        with _errors(self._path):
            self._connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", state.items())
            self._connection.execute("COMMIT")
            self._connection.execute("BEGIN")
        self._rows = self.rows

    # -- meeting -------------------------------------------------------------------------------------------------

    def staged(self, ids: Sequence[str]) -> Iterator[tuple[str, Staged, bytes | None]]:
        """Events whose id is among ``ids``; with their content under an earlier key where the id is of that."""
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            places = ",".join("?" * len(part))
            query = f"SELECT n, id, line, undated, data FROM events WHERE id IN ({places})"  # noqa: S608 - marks only
            for n, key, line, undated, data in self._execute(query, part).fetchall():
                yield key, Staged(n, key, line, bool(undated), bytes(data)), None
            columns = "f.id, f.data, e.n, e.id, e.line, e.undated, e.data"
            joined = "former f JOIN events e ON e.n = f.n"
            query = f"SELECT {columns} FROM {joined} WHERE f.id IN ({places})"  # noqa: S608 - the same
            for former, before, n, key, line, undated, data in self._execute(query, part).fetchall():
                yield former, Staged(n, key, line, bool(undated), bytes(data)), bytes(before)

    def settle(self, n: int, fate: int) -> None:
        """Say what becomes of an event. What is known somewhere stays known."""
        self._execute("UPDATE events SET fate = ? WHERE n = ? AND fate IN (?, ?)", (fate, n, NEW, REFUSED))

    def of_kinds(self, kinds: Sequence[str]) -> Iterator[Staged]:
        """New events that may be of one of ``kinds``."""
        tokens = [f'"kind":"{kind}"'.encode() for kind in kinds]
        wanted = " OR ".join("instr(data, ?)" for _ in tokens)
        query = f"SELECT n, id, line, undated, data FROM events WHERE fate = {NEW} AND ({wanted})"  # noqa: S608 - marks only
        for n, key, line, undated, data in self._execute(query, tokens):
            yield Staged(n, key, line, bool(undated), bytes(data))

    def note_print(self, place: str, fingerprint: bytes, n: int) -> None:
        """Remember the fingerprint of an event that a rollup of ``place`` may count."""
        self._execute("INSERT INTO prints VALUES (?, ?, ?)", (place, fingerprint, n))

    def prints(self, place: str) -> dict[bytes, int]:
        """The fingerprints that were noted for ``place``."""
        query = "SELECT print, n FROM prints WHERE place = ?"
        return {bytes(found): n for found, n in self._execute(query, (place,))}

    # -- results -------------------------------------------------------------------------------------------------

    def new_lines(self, many: int) -> Iterator[list[bytes]]:
        """The lines that are new and not yet written, in their order, ``many`` at a time."""
        after = 0
        query = "SELECT n, data FROM events WHERE fate = ? AND n > ? ORDER BY n LIMIT ?"
        while rows := self._execute(query, (NEW, after, many)).fetchall():
            after = rows[-1][0]
            yield [bytes(data) for _, data in rows]

    def count(self, *fates: int) -> int:
        """How many events have one of these fates."""
        marks = ",".join("?" * len(fates))
        query = f"SELECT count(*) FROM events WHERE fate IN ({marks})"  # noqa: S608 - marks only
        return int(self._execute(query, fates).fetchone()[0])

    @property
    def duplicates(self) -> int:
        """Rows that were there already: in the file, or before it."""
        return self._duplicates + self.count(KNOWN)

    def redacted(self) -> dict[str, int]:
        """Findings in the events that are new, by category."""
        total: Counter[str] = Counter()
        query = "SELECT found FROM events WHERE found IS NOT NULL AND fate IN (?, ?)"
        for (found,) in self._execute(query, (NEW, WRITTEN)):
            total.update(json.loads(found))
        return dict(sorted(total.items()))

    def bad_rows(self) -> Iterator[BadRow]:
        """The rows that were refused, by their line; of an event that is known with other content, the event."""
        query = f"""SELECT line, reason, content FROM (
            SELECT line, n, reason, content FROM bad UNION ALL
            SELECT line, n, 'the id ' || id || ' is known with other content', CAST(data AS TEXT)
            FROM events WHERE fate = {REFUSED}) ORDER BY line, n"""  # noqa: S608 - a number of ours
        for line, reason, content in self._execute(query):
            value = None if content is None else parse_json(content, file="<stage>")
            yield BadRow(line, reason, value)

    def close(self) -> None:
        """Keep what there is, and close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        self._connection.close()

    def discard(self) -> None:
        """Close it and delete the file."""
        self.close()
        if self._path is not None:
            for end in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    def _execute(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        with _errors(self._path):
            return self._connection.execute(query, values)


@contextlib.contextmanager
def _errors(path: Path | None) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageError(
            f"the stage of the import cannot be written: {error}",
            hint="run the command again",
            file=str(path),
        ) from error
