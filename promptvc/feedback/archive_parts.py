"""Parts of the archive as files: Parquet with the columns of `feedback/query/tables.py` and the line itself."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from promptvc.base.clock import format_time
from promptvc.base.errors import InvalidDocument, StorageError
from promptvc.base.files import fsync_directory, storage_errors
from promptvc.feedback.archive import Part, digest_of
from promptvc.feedback.events import MAX_EVENT_BYTES, Event
from promptvc.feedback.query.duck import DuckFacts, connect, errors_of_engine
from promptvc.feedback.query.parquet import refuse_swollen

_READ = "SELECT CAST(line AS VARCHAR) FROM read_parquet(?, hive_partitioning=false)"
# Four times what an event may have.
_WRITE = """
    COPY (SELECT events.*, lines.line FROM read_parquet(?, hive_partitioning=false) AS events JOIN
        (SELECT json->>'$.id' AS id, CAST(json AS VARCHAR) AS line FROM read_json_objects(?,
            format='newline_delimited', hive_partitioning=false, maximum_object_size=4194304)) AS lines USING (id)
        ORDER BY id) TO ? (FORMAT parquet, COMPRESSION zstd)"""


def write_part(events: Sequence[Event], prompt: str, month: str, folder: Path) -> tuple[Part, Path]:
    """Write the events of a prompt's month into ``folder``; the part's location is the file's name only.

    Args:
        events: at least one, each there once.
        month: ``YYYY-MM``.

    Raises:
        Usage: DuckDB is not installed.
        StorageError: the disk is full or read-only, or what was written cannot be read back as it was.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as scratch:
        place = Path(scratch)
        lines = place / "lines.jsonl"
        with storage_errors(lines), lines.open("wb") as stream:
            stream.writelines(event.line() for event in events)
        with DuckFacts([lines]) as facts:
            facts.write_tables(place)
        made = place / "part.parquet"
        connection = connect(place)
        try:
            connection.execute("SET preserve_insertion_order = true")
            read = [glob.escape(str(path)) for path in (place / "events.parquet", lines)]
            connection.execute(_WRITE, [*read, str(made)])
        finally:
            connection.close()
        if list(read_part(made)) != [event.line() for event in sorted(events, key=lambda one: one.id)]:
            raise StorageError(f"what DuckDB wrote of {prompt} {month} is not what went in")
        digest = digest_of(made)
        target = folder / f"{prompt.replace('/', '--')}-{month}-{digest[:12]}.parquet"
        with storage_errors(target):
            size = made.stat().st_size
            made.rename(target)
            fsync_directory(folder)
    times = [event.time for event in events]
    part = Part(
        prompt=prompt,
        month=month,
        start=format_time(min(times)),
        end=format_time(max(times)),
        lines=len(events),
        events=sum(event.count for event in events),
        bytes=size,
        sha256=digest,
        location=target.name,
    )
    return part, target


def read_part(place: Path) -> Iterator[bytes]:
    """The lines of a part, each with its newline, in the order of the events' ids.

    Raises:
        Usage: DuckDB is not installed.
        InvalidDocument: it is no part of an archive, whatever the manifest says.
    """
    with tempfile.TemporaryDirectory(prefix="promptvc-") as scratch:
        connection = connect(Path(scratch))
        try:
            connection.execute("SET preserve_insertion_order = true")
            # The parameter is a pattern, and folders named `line=...` would be columns: only this file was digested.
            wanted = glob.escape(str(place.absolute()))
            refuse_swollen(connection, wanted, file=str(place))
            result = connection.execute(_READ, [wanted])
            # One after the other: of what is alike a small file can hold more than there is memory.
            while row := result.fetchone():
                if row[0] is None or len(row[0]) > 4 * MAX_EVENT_BYTES:
                    raise InvalidDocument("it holds what is no event", file=str(place))
                yield row[0].encode() + b"\n"
        except errors_of_engine() as error:
            first = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise InvalidDocument(f"not a part of an archive: {first}", file=str(place)) from error
        finally:
            connection.close()
