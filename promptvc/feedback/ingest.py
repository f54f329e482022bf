"""Importing feedback from a file: twice is once, and a bad line stops everything unless it is to be skipped.

An event that brings no ULID of its own gets one from its time, its content after redaction, and how many rows just
like it came before it in the file. So a second import of the same file adds nothing, and two equal ratings in one
file are two. (Content is taken after redaction: an id that hashed what was redacted could be used to guess it.)

A row without a time is dated by the file (``ImportOptions.time``, by default when the file was last changed),
and its id does not depend on that: its time part is zero. An id of another kind is kept as ``external_id``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, Usage
from promptvc.base.files import storage_errors
from promptvc.base.ids import derived_ulid
from promptvc.base.jsonl import canonical_json
from promptvc.feedback.columns import check_columns, extra_keys, infer_kind, to_event
from promptvc.feedback.events import MAX_EVENT_BYTES, Event, parse_event
from promptvc.feedback.redact import Redactor
from promptvc.feedback.rows import BadRow, Row, read_rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Mapping[str, Event] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is read. ``prompt``, ``source`` and ``time`` are for rows that do not say."""

    prompt: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    skip_bad: bool = False
    source: str = "human"
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Rows read, events imported, rows that were known already, rows refused, findings redacted by category.

    ``extra`` names the columns that no key of an event takes: kept in the event as they are, and not understood.
    """

    read: int
    imported: int
    duplicates: int
    rejected: tuple[BadRow, ...]
    redacted: Mapping[str, int]
    extra: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that `feedback import --json` prints."""
        return {
            "read": self.read,
            "imported": self.imported,
            "duplicates": self.duplicates,
            "rejected": [{"line": row.line, "reason": row.reason} for row in self.rejected],
            "redacted": dict(self.redacted),
            "extra": list(self.extra),
        }


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Events to append to the spool, and the report. ``stopped``: a bad row, and so no event at all."""

    events: tuple[Event, ...]
    report: ImportReport
    stopped: bool


def import_file(
    path: Path, options: ImportOptions, *, redactor: Redactor, known: Mapping[str, Event] = _NOTHING
) -> ImportResult:
    """Read ``path`` (JSON Lines or CSV) into redacted events. Nothing is written.

    Args:
        known: by id, the events that are there already, committed or spooled. A row with the id of one of them
            and other content is a bad row.

    Raises:
        NotFound, InvalidDocument, StorageError: the file as a whole cannot be read.
        Usage: a row names a user, and the redactor has no key; a mapped column is not in the CSV file, or what
            it is mapped to is no key of an event.
    """
    check_columns(options.columns)
    time = options.time
    rows = read_rows(path)
    if time is None and path.is_file():
        with storage_errors(path):
            time = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return import_rows(rows, options, time=time or _EPOCH, redactor=redactor, known=known)


def import_rows(
    rows: Iterable[Row | BadRow],
    options: ImportOptions,
    *,
    time: datetime,
    redactor: Redactor,
    known: Mapping[str, Event] = _NOTHING,
) -> ImportResult:
    """As :func:`import_file`, for rows that come from elsewhere; ``time`` dates rows that have none."""
    check_columns(options.columns)
    run = _Run(options, format_time(time), redactor, known)
    for row in rows:
        run.read += 1
        if isinstance(row, BadRow):
            run.rejected.append(row)
            continue
        try:
            run.take(row)
        except Usage:
            raise
        except (ValueError, InputError) as error:
            reason = error.message if isinstance(error, InputError) else str(error)
            run.rejected.append(BadRow(row.line, reason))
    return run.result()


class _Run:
    def __init__(
        self, options: ImportOptions, time: str, redactor: Redactor, known: Mapping[str, Event]
    ) -> None:
        self.read = 0
        self.rejected: list[BadRow] = []
        self._options = options
        self._time = time
        self._redactor = redactor
        self._known = known
        self._events: dict[str, tuple[int, Event]] = {}
        self._duplicates = 0
        self._redacted: Counter[str] = Counter()
        self._extra: set[str] = set()
        self._equal: Counter[bytes] = Counter()

    def take(self, row: Row) -> None:
        """Make an event of ``row``; ValueError or InputError when it is none."""
        if not row.typed and (missing := self._options.columns.keys() - row.values.keys()):
            raise Usage(
                f"the file has no column {min(missing)!r}", hint=f"its columns are: {', '.join(row.values)}"
            )
        value = self._completed(to_event(row.values, self._options.columns, typed=row.typed))
        clean, found = self._redactor.event(value)
        if "id" not in clean:
            clean["id"] = self._derived_id(clean)
        self._extra |= extra_keys(clean)
        there = self._known.get(clean["id"])
        # A row without a time was dated by its file then, and the file may have been touched since.
        clean.setdefault("time", self._time if there is None else there.data["time"])
        event = parse_event(clean)
        if there is not None:
            if there.line() != event.line():
                raise ValueError(f"the id {event.id} is known with other content")
            self._duplicates += 1
        elif event.id in self._events:
            line, other = self._events[event.id]
            if other.line() != event.line():
                raise ValueError(f"the id {event.id} is on line {line} with other content")
            self._duplicates += 1
        else:
            if (size := len(event.line())) > MAX_EVENT_BYTES:
                raise ValueError(f"an event of {size:,} bytes; at most {MAX_EVENT_BYTES:,} are kept")
            self._events[event.id] = row.line, event
            self._redacted += found

    def _completed(self, value: dict[str, Any]) -> dict[str, Any]:
        if "prompt" not in value:
            if self._options.prompt is None:
                raise ValueError("no prompt; pass --prompt NAME or --map COLUMN=prompt")
            value["prompt"] = self._options.prompt
        value.setdefault("source", self._options.source)
        if "kind" not in value:
            kind = infer_kind(value)
            if kind is None:
                raise ValueError("no kind, and no column that tells it: map columns to keys such as 'rating'")
            value["kind"] = kind
        return value

    def _derived_id(self, clean: Mapping[str, Any]) -> str:
        content = canonical_json(clean)
        digest = hashlib.sha256(content).digest()
        ordinal = self._equal[digest]
        self._equal[digest] += 1
        time = datetime.fromisoformat(clean["time"]) if "time" in clean else _EPOCH
        return derived_ulid(time, content, ordinal)

    def result(self) -> ImportResult:
        stopped = bool(self.rejected) and not self._options.skip_bad
        events = () if stopped else tuple(event for _, event in self._events.values())
        redacted = {} if stopped else dict(sorted(self._redacted.items()))
        report = ImportReport(
            self.read,
            len(events),
            self._duplicates,
            tuple(self.rejected),
            redacted,
            tuple(sorted(self._extra)),
        )
        return ImportResult(events, report, stopped)
