"""Importing feedback: twice is once, and a bad row stops everything unless it is to be skipped.

An event that brings no ULID of its own gets one from its time, its content after redaction, and how many rows just
like it came before it in the file. So a second import of the same file adds nothing, and two equal ratings in one
file are two. (Content is taken after redaction: an id that hashed what was redacted could be used to guess it.)

A row without a time is dated by the file (``ImportOptions.time``, by default when the file was last changed),
and its id does not depend on that: its time part is zero. An id of another kind is kept as ``external_id``.

A row without the name of a prompt is told by the finished text that went to the model, where it has that: the prompt
and version whose template gives the text, with the values that give it as ``input``. That hangs on what main holds: so
the id of such a row is made of the row as it came, with the text, redacted, and what the text tells does not make
another event of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, Usage
from promptvc.base.files import storage_errors
from promptvc.base.jsonl import parse_json
from promptvc.feedback.columns import RENDERED, check_columns, extra_keys, infer_kind, to_event
from promptvc.feedback.events import Event, parse_event, refuse_future
from promptvc.feedback.importing.meeting import Meeting
from promptvc.feedback.importing.messages import Rendered, question_of, rendered_of
from promptvc.feedback.importing.staging import NEW, REFUSED, WRITTEN, Stage
from promptvc.feedback.importing.waiting import Made
from promptvc.feedback.recording.place import SAID
from promptvc.feedback.redact import NEVER, Redactor
from promptvc.feedback.rows import BadRow, Row, read_rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*)*")
_RECOGNISED = ("prompt", "version", "digest", "input")
_NOTHING: Mapping[str, Event] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Found:
    """The prompt that gives a finished text; a version and values only where there is one answer."""

    prompt: str
    version: int | None = None
    digest: str | None = None
    input: Mapping[str, str] | None = None


class Finder(Protocol):
    """Knows the prompts of a repository."""

    def knows(self, name: str) -> bool:
        """Whether there is a prompt of this name."""
        ...

    def find(self, rendered: Rendered, name: str | None, meant: str | None) -> Found | None:
        """The prompt whose template gives ``rendered``, of all or only of ``name``; of several only ``meant``.

        Raises:
            ValueError: several do, and none is meant.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How rows are read. ``prompt``, ``source`` and ``time`` are for rows that do not say.

    Without a ``source`` the kind tells it, as in a recorder. What is dated more than a day after ``now`` is a bad row.
    """

    prompt: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    skip_bad: bool = False
    source: str | None = "human"
    time: datetime | None = None
    finder: Finder | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Rows read, events imported, rows that were known already, rows refused, findings redacted by category.

    ``extra`` names the columns that no key of an event takes: kept in the event as they are, and not understood.
    ``quarantined``: how many of the refused rows are kept for another try.
    """

    read: int
    imported: int
    duplicates: int
    rejected: tuple[BadRow, ...]
    redacted: Mapping[str, int]
    extra: tuple[str, ...] = ()
    quarantined: int = 0

    def to_json(self) -> dict[str, Any]:
        """The object that `feedback import --json` prints."""
        return {
            "read": self.read,
            "imported": self.imported,
            "duplicates": self.duplicates,
            "rejected": [{"line": row.line, "reason": row.reason} for row in self.rejected],
            "redacted": dict(self.redacted),
            "extra": list(self.extra),
            "quarantined": self.quarantined,
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
    """Read ``path`` (JSON Lines or CSV) into redacted events, in memory. Nothing is written.

    Args:
        known: by id, the events that are there already, committed or spooled. A row with the id of one of them
            and other content is a bad row.

    Raises:
        NotFound, InvalidDocument, StorageError: the file as a whole cannot be read.
        Usage: a row names a user, and the redactor has no key; a mapped column is not in the CSV file, or what
            it is mapped to is no key of an event.
    """
    check_columns(options.columns)
    stage = Stage()
    try:
        stage_rows(stage, read_rows(path), Converter(options, redactor), default_time(path, options))
        meeting = Meeting(stage)
        meeting.look(b"".join(event.line() for event in known.values()))
        report = report_of(stage, skip_bad=options.skip_bad)
        stopped = bool(report.rejected) and not options.skip_bad
        lines = [] if stopped else [line for part in stage.new_lines(1000) for line in part]
        events = tuple(parse_event(parse_json(line, file="<stage>")) for line in lines)
    finally:
        stage.close()
    return ImportResult(events, report, stopped)


def default_time(path: Path, options: ImportOptions) -> str:
    """The time of rows that have none."""
    time = options.time
    if time is None and path.is_file():
        with storage_errors(path):
            time = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return format_time(time or _EPOCH)


def stage_rows(stage: Stage, rows: Iterable[Row | BadRow], converter: Converter, time: str) -> None:
    """Take ``rows`` to the stage, those behind which it stopped before.

    Args:
        time: of rows that have none, as in events.

    Raises:
        Usage: as :func:`import_file`.
    """
    for number, row in enumerate(rows, 1):
        if number <= stage.rows:
            continue
        take_row(stage, row, converter, time)
        stage.passed()
    stage.keep()


def take_row(stage: Stage, row: Row | BadRow, converter: Converter, time: str) -> None:
    """One row to the stage: as an event, or as a bad row with its reason and its redacted content."""
    if isinstance(row, BadRow):
        stage.refuse(BadRow(row.line, row.reason, converter.kept(row.content)))
        return
    try:
        made = converter.convert(row)
        stage.extra |= extra_keys(made.clean)
        stage.add(made, time)
    except Usage:
        raise
    except (ValueError, InputError) as error:
        reason = error.message if isinstance(error, InputError) else str(error)
        stage.refuse(BadRow(row.line, reason, converter.kept(row.values, row=row)))


def report_of(stage: Stage, *, skip_bad: bool, quarantined: int = 0) -> ImportReport:
    """What is on the stage, after everything that is known was met."""
    rejected = tuple(stage.bad_rows())
    stopped = bool(rejected) and not skip_bad
    return ImportReport(
        stage.rows,
        0 if stopped else stage.count(NEW, WRITTEN),
        stage.duplicates,
        rejected,
        {} if stopped else stage.redacted(),
        tuple(sorted(stage.extra)),
        quarantined,
    )


def has_bad(stage: Stage) -> bool:
    """Whether a row was refused."""
    return stage.count(REFUSED) > 0 or next(stage.bad_rows(), None) is not None


class Converter:
    """Makes an event of a row."""

    def __init__(self, options: ImportOptions, redactor: Redactor) -> None:
        self._options = options
        self._redactor = redactor

    def convert(self, row: Row) -> Made:
        """The event, redacted, perhaps without an id and a time.

        Raises:
            ValueError, InputError: it is none, and why.
            Usage: no key for a person's pseudonym; a CSV file lacks a mapped column.
        """
        columns = self._options.columns
        if not row.typed and (missing := columns.keys() - row.values.keys()):
            raise Usage(
                f"the file has no column {min(missing)!r}", hint=f"its columns are: {', '.join(row.values)}"
            )
        value = to_event(row.values, columns, typed=row.typed)
        if self._options.now is not None:
            refuse_future(value, now=self._options.now)
        own = self._unrecognised(value, loose=row.loose)
        value = self._completed(value, loose=row.loose)
        clean, found = self._redactor.event(value)
        people = "user" in value or "reviewer" in value
        former = list(self._redactor.before(value, clean)) if people else []
        # In a tool an id is of one score; in somebody's table it may be of a request, or begin anew every year.
        theirs = clean.get("external_id") if row.loose else None
        if own is None:
            return Made(row.line, clean, found, tuple((one, None) for one in former), theirs)
        basis, _ = self._redactor.event(own)
        both = zip(former, self._redactor.before(own, basis) if people else (), strict=True)
        given = tuple(key for key in _RECOGNISED if key not in own)
        return Made(row.line, clean, found, tuple(both), theirs, basis, given)

    def kept(self, content: Any, *, row: Row | None = None) -> Any:
        """What may be kept of a bad row: its values or its text, redacted."""
        if content is None:
            return None
        columns = self._options.columns
        values = content if isinstance(content, dict) else {"text": content}
        people = {theirs: ours for theirs, ours in columns.items() if ours in {"user", "reviewer"}}
        try:
            clean, _ = self._redactor.event({key: item for key, item in values.items() if key not in people})
            for theirs, ours in people.items():
                if isinstance(values.get(theirs), str) and values[theirs]:
                    clean[theirs] = self._redactor.event({ours: values[theirs]})[0][ours]
            # In a bad row a column that names itself an id or a prompt may hold anything.
            for key in NEVER.intersection(clean):
                if isinstance(clean[key], str):
                    clean[key] = self._redactor.event({"text": clean[key]})[0]["text"]
        except (InputError, ValueError):
            return None
        if row is None:
            return clean
        return {"values": clean, "typed": row.typed, "loose": row.loose}

    def _unrecognised(self, value: Mapping[str, Any], *, loose: bool) -> dict[str, Any] | None:
        """The row as it is whatever main holds; None where nothing of the event hangs on that."""
        name = value.get("prompt")
        told = isinstance(name, str) and (loose or not _NAME.fullmatch(name))
        if self._options.finder is None or not (told or rendered_of(value.get(RENDERED))):
            return None
        own = {**value, "source": value.get("source", self._options.source)}
        if told:
            # Under its own name the redactor would take it for a name of ours.
            own[RENDERED] = [own.get(RENDERED), own.pop("prompt")]
        return own

    def _completed(self, value: dict[str, Any], *, loose: bool) -> dict[str, Any]:
        value = self._with_prompt(value, loose=loose)
        if "kind" not in value:
            kind = infer_kind(value)
            if kind is None:
                raise ValueError("no kind, and no column that tells it: map columns to keys such as 'rating'")
            if kind == "correction" and "input" not in value and "rating" in value:
                kind = "rating"
            value["kind"] = kind
        value.setdefault("source", self._options.source or ("human" if value["kind"] in SAID else "code"))
        return value

    def _with_prompt(self, value: dict[str, Any], *, loose: bool) -> dict[str, Any]:
        finder, name = self._options.finder, value.get("prompt")
        rendered = rendered_of(value.pop(RENDERED, None))
        if finder is not None and isinstance(name, str):
            if not _NAME.fullmatch(name):
                # What a column of this name holds in many a system: the text that went to the model.
                rendered, name = rendered or rendered_of(name), None
            elif loose and not finder.knows(name):
                name = None
            if name is None:
                del value["prompt"]
        if (
            rendered is not None
            and finder is not None
            and not (name and "input" in value and "version" in value)
        ):
            self._recognise(value, rendered, finder)
        if "prompt" not in value:
            if self._options.prompt is None:
                told = " no version on main gives its text;" if rendered is not None else ""
                raise ValueError(f"no prompt;{told} pass --prompt NAME or --map COLUMN=prompt")
            value["prompt"] = self._options.prompt
        if rendered is not None and "input" not in value:
            value["input"] = question_of(rendered)
        return value

    def _recognise(self, value: dict[str, Any], rendered: Rendered, finder: Finder) -> None:
        found = finder.find(rendered, value.get("prompt"), self._options.prompt)
        if found is None:
            return
        value["prompt"] = found.prompt
        if "version" not in value and found.version is not None:
            value |= {"version": found.version, "digest": found.digest}
        if found.input:
            value["input"] = dict(found.input)
