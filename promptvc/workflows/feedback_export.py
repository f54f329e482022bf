"""`feedback export`: events as a file; with a person, all that is theirs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.errors import NotFound, Usage
from promptvc.base.files import storage_errors, write_parts
from promptvc.base.outputs import write_output
from promptvc.feedback.archive import MANIFEST
from promptvc.feedback.archive_parts import read_part
from promptvc.feedback.events import Event
from promptvc.feedback.exporting import columns_of, csv_lines
from promptvc.feedback.forgetting import linked, names_in
from promptvc.feedback.query.duck import DuckFacts
from promptvc.feedback.query.parquet_writing import write_parquet
from promptvc.feedback.query.selection import Query, select
from promptvc.feedback.segments import FOLDER, read_segments
from promptvc.feedback.spool import Spool
from promptvc.workflows.archived import archived_parts
from promptvc.workflows.forget_plan import names_of
from promptvc.workflows.gathering import known_prompt, moment_of, segments_of
from promptvc.workflows.project import Project

FORMATS = ("jsonl", "csv", "parquet", "tables")


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export: committed events of HEAD, and with ``spooled`` the others too.

    Attributes:
        user: only what names this person, under whatever pseudonym.
    """

    format: str = "jsonl"
    prompt: str | None = None
    user: str | None = None
    since: str | None = None
    until: str | None = None
    spooled: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """How many events were written, and what a reader has to know."""

    events: int
    file: str | None
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `feedback export --json` prints it."""
        return {"events": self.events, "file": self.file, "remarks": list(self.remarks)}


def export(
    project: Project, request: ExportRequest, place: Path | None, out: Callable[[bytes], Any]
) -> Exported:
    """Write the events to ``place``, or piece by piece to ``out``; by prompt, month and id.

    Memory grows with what one prompt got in a month, not with all.

    Raises:
        NotFound: there is neither such a prompt nor feedback on it, or no folder for the file.
        Usage: Parquet without a file, or a time that is none.
        StorageError: the file cannot be written; it is as it was.
    """
    if request.format == "parquet" and place is None:
        raise Usage("Parquet is not written to the terminal", hint="-o FILE.parquet")
    if request.format == "tables" and (place is None or (place.exists() and not place.is_dir())):
        raise Usage("tables are written to a folder, a file for each", hint="-o DIR")
    if place is not None and not place.parent.is_dir():
        raise NotFound(f"there is no folder {place.parent}", hint="make it first")
    if request.user is not None and not request.user.strip():
        raise Usage("nobody is named", hint="--user U: as the program called them, or u-...")
    query = Query(
        prompt=known_prompt(project, request.prompt),
        since=moment_of(request.since),
        until=moment_of(request.until),
    )
    source = _Source(project, request, query)
    counted = _Counted(source.events)
    if request.format == "parquet":
        assert place is not None
        write_parquet((event.line() for event in counted()), place)
    elif request.format == "tables":
        assert place is not None
        _write_tables(counted(), place)
    else:
        lines: Iterable[bytes]
        if request.format == "csv":
            lines = csv_lines(counted(), columns_of(source.events()))
        else:
            lines = (event.line() for event in counted())
        if place is not None:
            write_output(place, lines)
        else:
            for line in lines:
                out(line)
    project.log.event("feedback.exported", events=counted.count, format=request.format)
    return Exported(counted.count, None if place is None else str(place), source.remarks)


def _write_tables(events: Iterable[Event], folder: Path) -> None:
    """The tables that Spark or a warehouse answers questions from (:mod:`promptvc.feedback.query.tables`)."""
    with tempfile.TemporaryDirectory(prefix="promptvc-") as scratch, storage_errors(folder):
        lines = Path(scratch) / "lines.jsonl"
        write_parts(lines, (event.line() for event in events), durable=False)
        with DuckFacts([lines]) as facts:
            facts.write_tables(folder)


class _Counted:
    """Events that are counted as they pass."""

    def __init__(self, events: Callable[[], Iterator[Event]]) -> None:
        self._events = events
        self.count = 0

    def __call__(self) -> Iterator[Event]:
        for event in self._events():
            self.count += 1
            yield event


class _Source:
    """The events of a request, read a folder at a time, as often as they are asked for."""

    def __init__(self, project: Project, request: ExportRequest, query: Query) -> None:
        self._project = project
        self._query = query
        self._folders: dict[str, dict[str, str]] = {}
        for path, blob in segments_of(project, query.prompt).items():
            self._folders.setdefault(path.rpartition("/")[0], {})[path] = blob
        archived = archived_parts(project, query.prompt)
        self.remarks = archived.remarks()
        self._parts: dict[str, list[Path]] = {}
        for part, file in archived.here:
            self._parts.setdefault(part.folder, []).append(file)
        self._waiting: dict[str, list[Event]] = {}
        if request.spooled:
            for event in Spool.of(project.repository.common_dir, project.environ).read().events:
                self._waiting.setdefault(f"{FOLDER}/{event.prompt}/{event.time:%Y/%m}", []).append(event)
        self._names: frozenset[str] | None = None
        if request.user is not None:
            # An earlier name of the person may stand in events that the query does not ask for.
            everywhere = (
                self if query.prompt is None else _Source(project, replace(request, user=None), Query())
            )
            self._names = linked(everywhere.files, names_of(project, request.user))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """(path, content) of every file; what is spooled is one for each folder."""
        for folder in sorted(self._folders.keys() | self._parts.keys() | self._waiting.keys()):
            yield from self._in(folder).items()

    def events(self) -> Iterator[Event]:
        """The events, each once."""
        for folder in sorted(self._folders.keys() | self._parts.keys() | self._waiting.keys()):
            for event in select(read_segments(self._in(folder)).events, self._query):
                rollup = event.data.get("rollup")
                units = rollup.get("units", {}) if rollup is not None else {}
                if self._names is None or (names_in(event.data) | units.keys()) & self._names:
                    yield event if self._names is None or not units else _own(event, self._names)

    def _in(self, folder: str) -> dict[str, bytes]:
        blobs = self._folders.get(folder, {})
        read = self._project.objects.blobs(blobs.values())
        files = {path: data for path, (_, data) in zip(blobs, read, strict=True)}
        files |= {f"{MANIFEST}#{one.name}": b"".join(read_part(one)) for one in self._parts.get(folder, ())}
        waiting = self._waiting.get(folder)
        return files if waiting is None else files | {"spool": b"".join(event.line() for event in waiting)}


def _own(event: Event, names: frozenset[str]) -> Event:
    """A rollup with no units but the person's: the others are other people."""
    rollup = event.data["rollup"]
    units = {unit: count for unit, count in rollup["units"].items() if unit in names}
    return replace(event, data={**event.data, "rollup": {**rollup, "units": units}})
