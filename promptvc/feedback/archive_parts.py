"""Parts of the archive as files: Parquet with the columns of `feedback/query/tables.py` and the line itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from promptvc.base.clock import format_time
from promptvc.base.errors import StorageError
from promptvc.base.files import fsync_directory, storage_errors
from promptvc.feedback.archive import Part, digest_of
from promptvc.feedback.events import Event
from promptvc.feedback.query.duck import DuckFacts, connect

_MANY = 10_000
# Four times what an event may have.
_WRITE = """
    COPY (SELECT events.*, lines.line FROM read_parquet(?) AS events JOIN
        (SELECT json->>'$.id' AS id, CAST(json AS VARCHAR) AS line FROM read_json_objects(?,
            format='newline_delimited', maximum_object_size=4194304)) AS lines USING (id)
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
            connection.execute(_WRITE, [str(place / "events.parquet"), str(lines), str(made)])
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
    """
    with tempfile.TemporaryDirectory(prefix="promptvc-") as scratch:
        connection = connect(Path(scratch))
        try:
            connection.execute("SET preserve_insertion_order = true")
            result = connection.execute("SELECT line FROM read_parquet(?)", [str(place)])
            while rows := result.fetchmany(_MANY):
                for (line,) in rows:
                    yield line.encode() + b"\n"
        finally:
            connection.close()
