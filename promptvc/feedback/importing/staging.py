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
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.errors import StorageError
from promptvc.base.jsonl import parse_json
from promptvc.base.plain import encodable
from promptvc.feedback.events import MAX_EVENT_BYTES
from promptvc.feedback.importing.waiting import Made, Waiting
from promptvc.feedback.rows import BadRow

NEW, KNOWN, REFUSED, WRITTEN, OTHERWISE = range(5)
"""What becomes of an event; ``OTHERWISE``: what a tool calls by its id is known, and was read another way."""
READING, WRITING = "reading", "writing"
_OTHERWISE = (
    "known under another mapping: the tool's id of it is there with other content, read with another --map, --with "
    "or --prompt, or changed since"
)
_EVERY = 2000
_TOGETHER = 500
_STAGED = "e.n, e.id, e.line, e.undated, e.given, e.data"
_TABLES = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY, id TEXT UNIQUE, line INTEGER, undated INTEGER, given TEXT,
    found TEXT, data BLOB, fate INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS equals (digest BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS former (id TEXT, n INTEGER, data BLOB);
CREATE INDEX IF NOT EXISTS former_id ON former (id);
CREATE TEMP TABLE IF NOT EXISTS prints (place TEXT, print BLOB, n INTEGER);
CREATE INDEX IF NOT EXISTS temp.prints_place ON prints (place, print);
CREATE TABLE IF NOT EXISTS theirs (id TEXT, n INTEGER);
CREATE INDEX IF NOT EXISTS theirs_id ON theirs (id);
CREATE TABLE IF NOT EXISTS bad (n INTEGER PRIMARY KEY, line INTEGER, reason TEXT, content TEXT);
"""


@dataclass(frozen=True, slots=True)
class Staged:
    """One event on the stage."""

    n: int
    id: str
    line: int
    undated: bool
    given: tuple[str, ...]
    data: bytes

    @classmethod
    def of(cls, n: int, key: str, line: int, undated: int, given: str, data: bytes) -> Staged:
        """From the columns of :data:`_STAGED`."""
        return cls(n, key, line, bool(undated), tuple(given.split()), bytes(data))


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
        self._last = run("SELECT coalesce(max(n), 0) FROM events").fetchone()[0]
        self._any_former = run("SELECT 1 FROM former LIMIT 1").fetchone() is not None
        self.any_theirs = run("SELECT 1 FROM theirs LIMIT 1").fetchone() is not None
        self._waiting: list[Waiting] = []
        run("BEGIN")

    # -- reading -------------------------------------------------------------------------------------------------

    def add(self, made: Made, time: str) -> None:
        """Take an event up; ``time`` is for one that has none.

        Raises:
            ValueError: it is too large.
            InvalidDocument: it is no event.
        """
        waiting = Waiting.of(made, time)
        if waiting.size > MAX_EVENT_BYTES:
            raise ValueError(f"an event of {waiting.size:,} bytes; at most {MAX_EVENT_BYTES:,} are kept")
        self._waiting.append(waiting)
        self._waiting += (
            Waiting.of(replace(made, clean=clean, basis=basis, found=Counter()), time, former=waiting)
            for clean, basis in made.former
        )

    def _store(self) -> None:
        """Give the events that wait their ids, and write them: many at a time, which is what makes it fast."""
        waiting, self._waiting = self._waiting, []
        counts = self._counts([one.digest for one in waiting if one.digest])
        lines: dict[str, tuple[int, bytes]] = {}
        events: list[tuple[Any, ...]] = []
        former: list[tuple[Any, ...]] = []
        theirs: list[tuple[str, int]] = []
        numbers: dict[int, int] = {}
        for one in waiting:
            if one.digest:
                one.name(counts[one.digest])
                counts[one.digest] += 1
        for part in _parts([one.id for one in waiting if one.former is None]):
            query = f"SELECT id, line, data FROM events WHERE id IN ({_marks(part)})"  # noqa: S608 - marks only
            lines |= {key: (line, bytes(data)) for key, line, data in self._execute(query, part)}
        for one in waiting:
            if one.former is not None:
                if (n := numbers.get(id(one.former))) is not None:
                    former.append((one.id, n, one.data))
                continue
            known = lines.setdefault(one.id, (one.line, one.data))
            if known[1] is one.data:
                self._last += 1
                numbers[id(one)] = self._last
                events.append((self._last, one.id, one.line, one.undated, one.given, one.found, one.data))
                if one.theirs is not None:
                    theirs.append((one.theirs, self._last))
            elif known[1] == one.data:
                self._duplicates += 1
            else:
                reason = f"the id {one.id} is on line {known[0]} with other content"
                self.refuse(BadRow(one.line, reason, parse_json(one.data, file="<stage>")))
        columns = "n, id, line, undated, given, found, data"
        self._many(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", events)  # noqa: S608 - ours
        self._many("INSERT INTO former VALUES (?, ?, ?)", former)
        self._any_former = self._any_former or bool(former)
        self._many("INSERT INTO theirs VALUES (?, ?)", theirs)
        self.any_theirs = self.any_theirs or bool(theirs)
        self._many("INSERT OR REPLACE INTO equals VALUES (?, ?)", list(counts.items()))

    def _counts(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """How often each content came before."""
        counts = dict.fromkeys(digests, 0)
        for part in _parts(list(counts)):
            query = f"SELECT digest, n FROM equals WHERE digest IN ({_marks(part)})"  # noqa: S608 - marks only
            counts |= {bytes(digest): n for digest, n in self._execute(query, part)}
        return counts

    def refuse(self, bad: BadRow) -> None:
        """Remember a bad row; its content is redacted."""
        content = None if bad.content is None else json.dumps(bad.content)
        self._execute(
            "INSERT INTO bad (line, reason, content) VALUES (?, ?, ?)",
            (bad.line, encodable(bad.reason), content),
        )

    def passed(self) -> None:
        """A row is done with."""
        self.rows += 1
        if self.rows - self._rows >= _EVERY:
            self.keep()

    def keep(self, phase: str | None = None) -> None:
        """Write down how far it is; from here a killed import goes on."""
        self._store()
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
        for part in _parts(ids):
            places = _marks(part)
            query = f"SELECT {_STAGED} FROM events e WHERE id IN ({places})"  # noqa: S608 - marks only
            for row in self._execute(query, part).fetchall():
                yield row[1], Staged.of(*row), None
            if not self._any_former:
                continue
            joined = "former f JOIN events e ON e.n = f.n"
            query = f"SELECT f.id, f.data, {_STAGED} FROM {joined} WHERE f.id IN ({places})"  # noqa: S608 - the same
            for former, before, *row in self._execute(query, part).fetchall():
                yield former, Staged.of(*row), bytes(before)

    def named(self, theirs: Sequence[str]) -> Iterator[tuple[str, Staged]]:
        """Events that a tool calls by one of ``theirs``."""
        for part in _parts(theirs):
            columns = f"t.id, {_STAGED}"
            query = (
                f"SELECT {columns} FROM theirs t JOIN events e ON e.n = t.n WHERE t.id IN ({_marks(part)})"  # noqa: S608 - marks only
            )
            for own, *row in self._execute(query, part).fetchall():
                yield own, Staged.of(*row)

    def settle(self, n: int, fate: int) -> None:
        """Say what becomes of an event. What is known somewhere stays known."""
        self._execute(
            "UPDATE events SET fate = ? WHERE n = ? AND fate IN (?, ?, ?)",
            (fate, n, NEW, REFUSED, OTHERWISE),
        )

    def of_kinds(self, kinds: Sequence[str]) -> Iterator[Staged]:
        """New events that may be of one of ``kinds``."""
        tokens = [f'"kind":"{kind}"'.encode() for kind in kinds]
        wanted = " OR ".join("instr(data, ?)" for _ in tokens)
        query = f"SELECT {_STAGED} FROM events e WHERE fate = {NEW} AND ({wanted})"  # noqa: S608 - marks only
        for row in self._execute(query, tokens):
            yield Staged.of(*row)

    def note_print(self, place: str, fingerprint: bytes, n: int) -> None:
        """Remember the fingerprint of an event that a rollup of ``place`` may count."""
        self._execute("INSERT INTO prints VALUES (?, ?, ?)", (place, fingerprint, n))

    def with_prints(self, place: str, wanted: Sequence[bytes]) -> Iterator[int]:
        """The events that were noted for ``place`` and whose fingerprint is among ``wanted``."""
        for part in _parts(wanted):
            query = f"SELECT n FROM prints WHERE place = ? AND print IN ({_marks(part)})"  # noqa: S608 - marks only
            yield from (n for (n,) in self._execute(query, (place, *part)).fetchall())

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
        query = f"SELECT count(*) FROM events WHERE fate IN ({_marks(fates)})"  # noqa: S608 - marks only
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
            FROM events WHERE fate = {REFUSED} UNION ALL
            SELECT line, n, NULL, CAST(data AS TEXT) FROM events WHERE fate = {OTHERWISE}
            ) ORDER BY line, n"""  # noqa: S608 - numbers of ours
        for line, reason, content in self._execute(query):
            value = None if content is None else parse_json(content, file="<stage>")
            if reason is None:
                # Told alike for all, which are shown as one; and kept as what a tool exported, to be met again.
                yield BadRow(line, _OTHERWISE, {"values": value, "typed": True, "loose": True})
            else:
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

    def _many(self, query: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with _errors(self._path):
            self._connection.executemany(query, rows)

    def _execute(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        with _errors(self._path):
            return self._connection.execute(query, values)


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many values at a time as one statement takes."""
    for start in range(0, len(values), _TOGETHER):
        yield values[start : start + _TOGETHER]


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


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
