"""The facts by DuckDB, which reads the lines itself: for more events than plain Python reads in a moment.

The home of DuckDB, an extra (``promptvc[analytics]``). The answers are those of
:class:`promptvc.feedback.query.plain.PlainFacts`, to the last bit. DuckDB reads canonical lines of valid events as
Python does. What it cannot read makes Python read the whole file and write its good lines anew; where one id comes
twice, Python chooses the content that wins. Both are rare, and both are then told apart before anything is counted.
(What DuckDB takes and Python refuses, such as a number in quotes, `promptvc check` reports.)
"""

from __future__ import annotations

import glob
import importlib.util
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from promptvc.base.config import FeedbackSettings
from promptvc.base.errors import Usage
from promptvc.feedback.events import MAX_EVENT_BYTES, THRESHOLDS, Event
from promptvc.feedback.query import rows
from promptvc.feedback.query.answering import EVERYTHING, Answering
from promptvc.feedback.query.facts import Count
from promptvc.feedback.query.selection import Query
from promptvc.feedback.query.statements import Statement, Statements
from promptvc.feedback.query.tables import table_name
from promptvc.feedback.segments import read_lines, read_segments

PREFIX = "events"
MEMORY = "600MB"
INSTALL = "pip install 'promptvc[analytics]', or set `analytics: {backend: python}`"

_SCAN = (
    "read_json(?, format='newline_delimited', ignore_errors=true, hive_partitioning=false, "
    f"maximum_object_size={4 * MAX_EVENT_BYTES}"
)
_ROLLUP = (
    "STRUCT(count BIGINT, latency_us BIGINT, latency MAP(VARCHAR, BIGINT), "
    "tokens STRUCT(input BIGINT, output BIGINT, count BIGINT), cost STRUCT(micro BIGINT, count BIGINT))"
)
_SCORE = (
    "CASE WHEN kind = 'annotation' THEN NULL "  # a review is no rating by a user
    "WHEN effectiveness IS NOT NULL THEN effectiveness WHEN rating IS NOT NULL THEN rating "
    "WHEN stars IS NOT NULL THEN (stars - 1) / 4 WHEN thumbs = 'up' THEN 1.0 WHEN thumbs = 'down' THEN 0.0 END"
)
_COUNT = "CASE WHEN rollup IS NULL THEN 1 ELSE CAST(rollup->>'$.count' AS BIGINT) END"
_COLUMNS = {
    "events": {
        **dict.fromkeys(("id", "prompt", "kind", "source", "thumbs", '"user"'), "VARCHAR"),
        "time": "TIMESTAMP",
        "version": "INTEGER",
        **dict.fromkeys(("rating", "effectiveness", "stars"), "DOUBLE"),
        "context": "STRUCT(model VARCHAR, framework VARCHAR, technique VARCHAR)",
        "rollup": "JSON",
    },
    "amounts": {
        "id": "VARCHAR",
        **dict.fromkeys(("latency_ms", "cost"), "DOUBLE"),
        "tokens": "STRUCT(input BIGINT, output BIGINT)",
        "rollup": _ROLLUP,
    },
    "labels": {
        "id": "VARCHAR",
        "tags": "VARCHAR[]",
        "issues": "VARCHAR[]",
        "error": "STRUCT(type VARCHAR, message VARCHAR)",
        "scores": "MAP(VARCHAR, DOUBLE)",
    },
    "latencies": {"id": "VARCHAR", "latency_ms": "DOUBLE", "rollup": _ROLLUP},
    "texts": {
        **dict.fromkeys(("id", "output", "corrected", "comment"), "VARCHAR"),
        **dict.fromkeys(("input", "tags", "issues"), "JSON"),
    },
    "choices": {
        **dict.fromkeys(("id", "kind", "session", "selected"), "VARCHAR"),
        **dict.fromkeys(("input", "options"), "JSON"),
    },
}
_ALWAYS = ("id", "time", "prompt", "kind", "source")
_WHOLE_US = "CAST(FLOOR(latency_ms * 1000) AS BIGINT)"
_MAKE = {
    "events": f"""
        SELECT id, time, prompt, version, kind, source,
            NULLIF(context.model, '') AS model, NULLIF(context.framework, '') AS framework,
            NULLIF(context.technique, '') AS technique, "user" AS person, {_SCORE} AS score, {_COUNT} AS n
        FROM scanned""",
    "amounts": """
        SELECT id,
            CASE WHEN rollup IS NOT NULL THEN COALESCE(LIST_SUM(MAP_VALUES(rollup.latency)), 0)
                WHEN latency_ms IS NOT NULL THEN 1 ELSE 0 END AS timed,
            CASE WHEN rollup IS NOT NULL THEN COALESCE(rollup.latency_us, 0)
                ELSE COALESCE(CAST(FLOOR(latency_ms * 1000) AS BIGINT), 0) END AS latency,
            CASE WHEN rollup IS NOT NULL THEN COALESCE(rollup.tokens.count, 0)
                WHEN tokens IS NOT NULL THEN 1 ELSE 0 END AS metered,
            CASE WHEN rollup IS NOT NULL THEN COALESCE(rollup.tokens.input, 0)
                ELSE COALESCE(tokens.input, 0) END AS tokens_in,
            CASE WHEN rollup IS NOT NULL THEN COALESCE(rollup.tokens.output, 0)
                ELSE COALESCE(tokens.output, 0) END AS tokens_out,
            CASE WHEN rollup IS NOT NULL THEN COALESCE(rollup.cost.count, 0)
                WHEN cost IS NOT NULL THEN 1 ELSE 0 END AS priced,
            CASE WHEN rollup IS NOT NULL THEN COALESCE(rollup.cost.micro, 0)
                WHEN cost > 1e12 THEN 1000000000000000000
                ELSE COALESCE(CAST(FLOOR(cost * 1000000 + 0.5) AS BIGINT), 0) END AS cost
        FROM scanned
        WHERE latency_ms IS NOT NULL OR tokens IS NOT NULL OR cost IS NOT NULL OR rollup IS NOT NULL""",
    "labels": """
        SELECT id, 'tag' AS what, UNNEST(LIST_DISTINCT(tags)) AS label, CAST(NULL AS DOUBLE) AS score FROM scanned
        UNION ALL SELECT id, 'issue', UNNEST(LIST_DISTINCT(issues)), NULL FROM scanned
        UNION ALL SELECT id, 'error', LEFT(COALESCE(NULLIF(error.type, ''), NULLIF(error.message, '')), 80), NULL
            FROM scanned WHERE COALESCE(NULLIF(error.type, ''), NULLIF(error.message, '')) IS NOT NULL
        UNION ALL SELECT id, 'dimension', entry.key, entry.value
            FROM (SELECT id, UNNEST(MAP_ENTRIES(scores)) AS entry FROM scanned)""",
    "latencies": f"""
        SELECT id, CAST(SUBSTR(CAST({_WHOLE_US} AS VARCHAR), 1, 2)
            || REPEAT('0', GREATEST(LENGTH(CAST({_WHOLE_US} AS VARCHAR)) - 2, 0)) AS BIGINT) AS lowest, 1 AS n
        FROM scanned WHERE rollup IS NULL AND latency_ms IS NOT NULL
        UNION ALL SELECT id, CAST(entry.key AS BIGINT), entry.value
            FROM (SELECT id, UNNEST(MAP_ENTRIES(rollup.latency)) AS entry FROM scanned WHERE rollup IS NOT NULL)""",
    "texts": "SELECT id, input, output, corrected, comment, tags, issues FROM scanned",
    "choices": "SELECT id, session, input, options, selected FROM scanned WHERE kind = 'selection'",
}


class DuckFacts(Answering):
    """Answers over files of canonical lines. Close it, or use it in a ``with``.

    Args:
        files: JSON Lines of events, in any order, each event in them once or more often.
        unread: lines that were found to be missing, or no events, before.
        scratch: a folder of its own, where some of the files may lie; removed by :meth:`close`, or with the object.

    Raises:
        Usage: DuckDB is not installed.
    """

    engine = "duckdb"

    def __init__(
        self,
        files: Sequence[Path],
        thresholds: FeedbackSettings = THRESHOLDS,
        *,
        unread: int = 0,
        scratch: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self._scratch = scratch or tempfile.TemporaryDirectory(prefix="promptvc-")
        self._connection = connect(Path(self._scratch.name))
        self._finalizer = weakref.finalize(self, _release, self._connection, self._scratch)
        # The engine takes them for patterns: what stands for others in one is put in brackets.
        self._files = [glob.escape(str(path)) for path in files]
        super().__init__(Statements(PREFIX, thresholds))
        self._made: set[str] = set()
        self._unread = unread
        self._chosen: str | None = None

    def __enter__(self) -> DuckFacts:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back memory and scratch files; the end of the object does it, too."""
        self._finalizer()

    @property
    def unread(self) -> int:
        """Lines that are no events."""
        self._need("events")
        return self._unread

    def counts(self, query: Query = EVERYTHING) -> list[Count]:
        """As :meth:`Facts.counts`."""
        if "events" not in self._made and query == EVERYTHING and self._files:
            found = self._count_at_once()
            if found is not None:
                return rows.counts(found)
        return super().counts(query)

    def write_tables(self, folder: Path) -> None:
        """Every table as ``<name>.parquet`` in ``folder``: what Spark or a warehouse loads."""
        folder.mkdir(parents=True, exist_ok=True)
        for table in _MAKE:
            self._need(table)
            name = table_name(PREFIX, table)
            self._connection.execute(f"COPY {name} TO ? (FORMAT parquet)", [str(folder / f"{name}.parquet")])

    def _ask(self, statement: Statement) -> list[tuple[Any, ...]]:
        for table in statement.tables:
            self._need(table)
        found: list[tuple[Any, ...]] = self._connection.execute(
            statement.sql, list(statement.parameters)
        ).fetchall()
        return found

    def _count_at_once(self) -> list[tuple[Any, ...]] | None:
        """The counts by a table of little else; None where a line is broken or an id comes twice."""
        columns = {
            name: kind for name, kind in _COLUMNS["events"].items() if name not in {"context", '"user"'}
        }
        whole = " AND ".join(f"{name} IS NOT NULL" for name in _ALWAYS)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {PREFIX} AS SELECT HASH(id) AS id, {whole} AS whole, version, kind, source, "
            f"{_SCORE} AS score, {_COUNT} AS n FROM {_SCAN}, {_typed(columns)})",
            [self._files],
        )
        sql = f"SELECT COUNT(*) = COUNT(DISTINCT id) AND BOOL_AND(whole) FROM {PREFIX}"
        if self._connection.execute(sql).fetchall()[0][0] is False:
            return None
        statement = self._statements.counts(EVERYTHING)
        found: list[tuple[Any, ...]] = self._connection.execute(
            statement.sql, list(statement.parameters)
        ).fetchall()
        return found

    def _need(self, table: str) -> None:
        """Make a table when it is first asked for; the events first, by which the lines are put in order."""
        if table in self._made:
            return
        if table != "events":
            self._need("events")
        elif self._files:
            self._make("events")
            self._read_anew()
            self._choose_contents()
        self._made.add(table)
        if table != "events" or not self._files:
            self._make(table)

    def _make(self, table: str) -> None:
        scan = f"SELECT * FROM {_SCAN}, {_typed(_COLUMNS[table])})"
        if not self._files:
            named = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in _COLUMNS[table].items())
            source, parameters = f"SELECT {named} LIMIT 0", []
        elif self._chosen is None:
            source, parameters = scan, [self._files]
        else:
            once = f"{scan} WHERE id NOT IN (SELECT id FROM twice)"
            among = "id IN (SELECT id FROM twice) AND id NOT IN (SELECT id FROM contested)"
            same = f"{scan.replace('SELECT *', 'SELECT DISTINCT ON (id) *', 1)} WHERE {among}"
            source = f"{once} UNION ALL {same} UNION ALL {scan}"
            parameters = [self._files, self._files, [self._chosen]]
        sql = f"CREATE OR REPLACE TEMP TABLE {table_name(PREFIX, table)} AS WITH scanned AS ({source}) {_MAKE[table]}"
        self._connection.execute(sql, parameters)

    def _read_anew(self) -> None:
        """Files with lines that DuckDB cannot read are read by Python and written anew."""
        broken = " OR ".join(f"{column} IS NULL" for column in _ALWAYS)
        if not self._connection.execute(f"SELECT COUNT(*) FROM events WHERE {broken}").fetchall()[0][0]:
            return
        columns = {name: _COLUMNS["events"][name] for name in _ALWAYS}
        sql = f"SELECT DISTINCT filename FROM {_SCAN}, filename=true, {_typed(columns)}) WHERE {broken}"
        bad = {glob.escape(row[0]): row[0] for row in self._connection.execute(sql, [self._files]).fetchall()}
        self._files = [self._mended(bad[file]) if file in bad else file for file in self._files]
        self._make("events")

    def _mended(self, file: str) -> str:
        place = Path(self._scratch.name) / f"mended-{len(list(Path(self._scratch.name).iterdir()))}.jsonl"
        with place.open("wb") as stream:
            for _, found in read_lines(Path(file).read_bytes(), file=file):
                if isinstance(found, Event):
                    stream.write(found.line())
                else:
                    self._unread += 1
        return glob.escape(str(place))

    def _choose_contents(self) -> None:
        """Of an id that comes more than once, the content that wins is chosen by who wrote the rule."""
        counts = self._connection.execute("SELECT COUNT(*), COUNT(DISTINCT HASH(id)) FROM events").fetchall()
        if counts[0][0] == counts[0][1]:
            return
        self._connection.execute(
            "CREATE TEMP TABLE twice AS SELECT id FROM events GROUP BY id HAVING COUNT(*) > 1"
        )
        # Most often the same line came by two ways: only ids with two contents are a question.
        lines = (
            "SELECT json->>'$.id' AS id, CAST(json AS VARCHAR) AS line FROM read_json_objects(?, "
            f"format='newline_delimited', maximum_object_size={4 * MAX_EVENT_BYTES})"
        )
        self._connection.execute(
            f"CREATE TEMP TABLE contested AS SELECT id FROM ({lines}) WHERE id IN (SELECT id FROM twice) "
            "GROUP BY id HAVING COUNT(DISTINCT HASH(line)) > 1",
            [self._files],
        )
        sql = f"SELECT DISTINCT line FROM ({lines}) WHERE id IN (SELECT id FROM contested)"
        found = [row[0] for row in self._connection.execute(sql, [self._files]).fetchall()]
        reading = read_segments({"contested": "\n".join(found).encode()})
        place = Path(self._scratch.name) / "chosen.jsonl"
        place.write_bytes(b"".join(event.line() for event in reading.events))
        self._chosen = glob.escape(str(place))
        self._make("events")


def _release(connection: Any, scratch: tempfile.TemporaryDirectory[str]) -> None:
    connection.close()
    scratch.cleanup()


def _typed(columns: Mapping[str, str]) -> str:
    """The columns that a scan reads, as its argument."""
    named = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    return f"columns={{{named}}}"


def is_installed() -> bool:
    """Whether DuckDB is there."""
    return importlib.util.find_spec("duckdb") is not None


def connect(scratch: Path) -> Any:
    """DuckDB in memory, with what it cannot hold there in ``scratch``; it never loads anything from elsewhere.

    Raises:
        Usage: it is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise Usage("DuckDB is not installed", hint=INSTALL) from error
    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "temp_directory": str(scratch),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def errors_of_engine() -> type[Exception]:
    """What DuckDB raises; to be asked where it is there."""
    import duckdb

    found: type[Exception] = duckdb.Error
    return found
