"""Taking feedback in from files: once, however often it is tried and wherever it was killed; and the quarantine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from promptvc.base.clock import format_time
from promptvc.base.errors import InputError, InvalidDocument, NotFound, Usage
from promptvc.base.files import FileLock, storage_errors
from promptvc.base.jsonl import canonical_json
from promptvc.feedback.columns import check_columns
from promptvc.feedback.importing.formats import (
    FORMATS,
    JOINED,
    How,
    check_file,
    format_of,
    is_tool,
    open_rows,
)
from promptvc.feedback.importing.meeting import Meeting
from promptvc.feedback.importing.staging import WRITING, Stage
from promptvc.feedback.ingest import (
    Converter,
    ImportOptions,
    ImportReport,
    default_time,
    has_bad,
    report_of,
    stage_rows,
    take_row,
)
from promptvc.feedback.quarantine import LOST, RECORDER, Quarantine, Quarantined
from promptvc.feedback.rows import BadRow, Row
from promptvc.feedback.spool import Spool
from promptvc.store.references import parse_reference
from promptvc.workflows.archived import archived_parts
from promptvc.workflows.gathering import contents_of, keys_of, known_prompt, redactor_of, segments_of
from promptvc.workflows.project import Project
from promptvc.workflows.quoted import Prompts

__all__ = [  # beside the stories: what the edges name of the floors below
    "FORMATS",
    "ImportRequest",
    "Imported",
    "Quarantined",
    "Retried",
    "clear",
    "import_file",
    "quarantined",
    "retry",
]

_FORM = 2  # of what is on a stage: another number begins anew
_SAYING = ("rendered", "input", "output")
_TOGETHER = 2000
_LASTS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """A file to import.

    Attributes:
        prompt: for rows that name none, and that no template gives.
        columns: maps its columns, or the names of a tool's scores, to ours.
        format: one of :data:`FORMATS`; told by the file when there is none.
        table: of a database.
        beside: a file with the traces or runs that the scores are about.
    """

    file: Path
    prompt: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    skip_bad: bool = False
    format: str | None = None
    table: str | None = None
    beside: Path | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, and what else the caller should know.

    ``accepted`` is False when bad rows kept everything out.
    """

    report: ImportReport
    accepted: bool
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `feedback import --json` prints it."""
        return self.report.to_json()


@dataclass(frozen=True, slots=True)
class Retried:
    """What another try did with the quarantine: rows tried, events imported, rows that stay."""

    read: int
    imported: int
    duplicates: int
    left: tuple[Quarantined, ...]

    def to_json(self) -> dict[str, Any]:
        """As `feedback quarantine --retry --json` prints it."""
        rows = [one.to_json() for one in self.left]
        return {"read": self.read, "imported": self.imported, "duplicates": self.duplicates, "rows": rows}


def import_file(project: Project, request: ImportRequest) -> Imported:
    """Import rows of a file into the spool. The same file again adds nothing; killed, the next call goes on.

    Raises:
        NotFound: no such file, or no such prompt.
        InputError: a folder, a device or a pipe.
        InvalidDocument: not a file of rows at all, or not of the format that was named.
        Usage: a column is mapped to what is no key of an event, or there is no such format.
        Busy: another import is under way.
    """
    if request.format is not None and request.format not in FORMATS:
        raise Usage(f"there is no format {request.format!r}", hint=f"the formats are: {', '.join(FORMATS)}")
    check_columns(request.columns)
    for path in (request.file, request.beside):
        if path is not None:
            check_file(path, "a file")
    prompt = known_prompt(project, request.prompt)
    how = How(request.format, request.table, request.beside, request.columns)
    name = request.format or format_of(request.file)
    mine = {} if is_tool(name) else request.columns
    now = project.clock()
    options = ImportOptions(prompt, mine, request.skip_bad, finder=Prompts(project), now=now)
    time = default_time(request.file, options)
    place = _place(project)
    with FileLock(place / "import.lock"):
        _forget_old(place, now)
        stage = Stage(place / f"{_key(project, request, name, time)}.sqlite")
        try:
            converter = Converter(options, redactor_of(project, named=True))
            rows = _Bare(open_rows(request.file, how))
            stage_rows(stage, rows, converter, time)
            remarks = (*_meet(project, stage), *rows.remarks(name, request.beside))
            refused = has_bad(stage)
            if refused and not request.skip_bad:
                return Imported(report_of(stage, skip_bad=False), accepted=False, remarks=remarks)
            kept = _quarantine(project, stage, request, name, time) if refused else 0
            _write(project, stage)
            report = report_of(stage, skip_bad=True, quarantined=kept)
        except (InputError, InvalidDocument):
            stage.discard()
            raise
        else:
            stage.discard()
        finally:
            stage.close()
    project.log.event("feedback.imported", events=report.imported, bad=len(report.rejected))
    return Imported(report, accepted=True, remarks=remarks)


def quarantined(project: Project) -> tuple[Quarantined, ...]:
    """The rows that could not be events, in the order in which they came."""
    return tuple(_quarantine_of(project).entries())


def clear(project: Project) -> int:
    """Throw the rows of the quarantine away; how many they were."""
    return _quarantine_of(project).clear()


def retry(project: Project, prompt: str | None, columns: Mapping[str, str]) -> Retried:
    """Try the rows of the quarantine again, as they were asked for or by what is given now. What succeeds leaves it.

    Raises:
        NotFound: no such prompt.
        Usage: a column is mapped to what is no key of an event.
        Busy: another import is under way.
    """
    check_columns(columns)
    known = known_prompt(project, prompt)
    prompts, redactor = Prompts(project), redactor_of(project, named=True)
    quarantine = _quarantine_of(project)
    with FileLock(_place(project) / "import.lock"):
        entries = list(quarantine.entries())
        # Rows are numbered by their place here: two files may have refused the same line.
        stage = Stage()
        try:
            for number, entry in enumerate(entries, 1):
                asked = entry.asked or {}
                options = ImportOptions(
                    known or asked.get("prompt"),
                    dict(asked.get("columns") or {}) | dict(columns),
                    source=None if entry.origin == RECORDER else "human",
                    finder=prompts,
                    now=project.clock(),
                )
                converter = Converter(_narrowed(options, entry), redactor)
                row = _recorded(project, entry, number) if entry.origin == RECORDER else _row(entry, number)
                take_row(stage, row, converter, asked.get("time") or entry.time)
                stage.passed()
            stage.keep()
            _meet(project, stage)
            bad = {row.line: row.reason for row in stage.bad_rows()}
            _write(project, stage)
            report = report_of(stage, skip_bad=True)
        finally:
            stage.close()
        left = tuple(replace(entry, reason=bad[n]) for n, entry in enumerate(entries, 1) if n in bad)
        quarantine.replace({entry.key: None for entry in entries} | {entry.key: entry for entry in left})
    project.log.event("feedback.retried", events=report.imported, bad=len(left))
    return Retried(len(entries), report.imported, report.duplicates, left)


class _Bare:
    """Rows that are counted as they pass, where they say neither what went in nor what came out."""

    def __init__(self, rows: Iterable[Row | BadRow]) -> None:
        self._rows = rows
        self._count = 0

    def __iter__(self) -> Iterator[Row | BadRow]:
        for row in self._rows:
            if isinstance(row, Row) and row.values.keys().isdisjoint(_SAYING):
                self._count += 1
            yield row

    def remarks(self, name: str, beside: Path | None) -> Iterator[str]:
        """What to do about a tool's scores alone: without their texts hardly anything can be learnt of them."""
        if not self._count or name not in JOINED:
            return
        scores = "1 score has" if self._count == 1 else f"{self._count:,} scores have"
        traces = "runs" if name == "langsmith" else "traces"
        if beside is None:
            more = f"--with FILE brings their {traces}; import them so from the beginning"
        else:
            more = f"{beside.name} does not have their {traces}"
        yield f"{scores} no input and output: {more}"


def _place(project: Project) -> Path:
    return project.repository.common_dir / "promptvc" / "imports"


def _forget_old(place: Path, now: datetime) -> None:
    """Delete stages that nobody came back to."""
    for path in place.glob("*.sqlite*"):
        if now.timestamp() - path.stat().st_mtime > _LASTS.total_seconds():
            path.unlink(missing_ok=True)


def _quarantine_of(project: Project) -> Quarantine:
    return Quarantine.of(project.repository.common_dir)


def _key(project: Project, request: ImportRequest, name: str, time: str) -> str:
    """Names the stage: the same for the same file, read the same way, redacted the same way."""
    ring = keys_of(project)
    asked = {
        "form": _FORM,
        "files": [_digest(path) for path in (request.file, request.beside) if path is not None],
        "format": name,
        "table": request.table,
        "prompt": request.prompt,
        "columns": dict(request.columns),
        "time": time,
        "main": project.main_commit,
        # A first key is made on the way: what was staged before a kill has its pseudonyms.
        "keys": [key.id for key in ring.keys] if ring and len(ring.keys) > 1 else [],
        "redaction": repr(project.settings.feedback.redaction),
    }
    return hashlib.sha256(canonical_json(asked)).hexdigest()[:40]


def _digest(path: Path) -> str:
    """SHA-256 of a file, and of what SQLite has written beside it."""
    digest = hashlib.sha256()
    for file in (path, path.with_name(path.name + "-wal")):
        if file.is_file():
            with storage_errors(file), file.open("rb") as stream:
                while part := stream.read(1024 * 1024):
                    digest.update(part)
        elif file == path:
            raise NotFound(f"no such file: {path}")
    return digest.hexdigest()


def _meet(project: Project, stage: Stage) -> tuple[str, ...]:
    """Find what is there already, and tell what could not be looked at.

    The spool first: what is committed meanwhile is met there again.
    """
    meeting = Meeting(stage)
    for data in _spool(project).contents().values():
        meeting.look(data)
    for _, data in contents_of(project, segments_of(project, None)):
        meeting.look(data)
    archived = archived_parts(project)
    for _, data in archived.contents():
        meeting.look(data)
    return tuple(f"{remark}; rows that are among them would come in again" for remark in archived.remarks())


def _write(project: Project, stage: Stage) -> None:
    stage.keep(WRITING)
    spool = _spool(project)
    for lines in stage.new_lines(_TOGETHER):
        spool.append_lines(lines, durable=True)


def _spool(project: Project) -> Spool:
    return Spool.of(project.repository.common_dir, project.environ)


def _quarantine(project: Project, stage: Stage, request: ImportRequest, name: str, time: str) -> int:
    asked: dict[str, Any] = {"format": name, "time": time}
    if request.prompt is not None:
        asked["prompt"] = request.prompt
    if request.columns and not is_tool(name):
        asked["columns"] = dict(request.columns)
    now = format_time(project.clock())
    rows = (_refused(row, request.file.name, now, asked) for row in stage.bad_rows())
    return _quarantine_of(project).add(rows)


def _refused(row: BadRow, file: str, now: str, asked: Mapping[str, Any]) -> Quarantined:
    content = row.content if isinstance(row.content, dict) else {}
    if set(content) == {"values", "typed", "loose"}:
        how = {"typed": content["typed"], "loose": content["loose"]}
        return Quarantined(now, file, row.line, row.reason, content["values"], {**asked, **how})
    return Quarantined(now, file, row.line, row.reason, content, asked)


def _row(entry: Quarantined, number: int) -> Row | BadRow:
    asked = entry.asked or {}
    if "format" in asked and "typed" not in asked and set(entry.row) <= {"text"}:
        return BadRow(number, entry.reason, dict(entry.row))
    return Row(number, dict(entry.row), bool(asked.get("typed", True)), bool(asked.get("loose")))


def _recorded(project: Project, entry: Quarantined, number: int) -> Row | BadRow:
    """A row of the recorder, which takes no event of a prompt that is not there; neither does another try."""
    if (entry.asked or {}).get(LOST):
        return BadRow(number, entry.reason, dict(entry.row))
    values = dict(entry.row)
    try:
        wanted = parse_reference(str(values.get("prompt", "")))
        found = project.resolver.resolve(wanted)
    except InputError as error:
        return BadRow(number, error.message, dict(entry.row))
    values["prompt"] = wanted.name
    if not values.keys() & {"version", "digest"}:
        values |= {"version": found.version, "digest": found.digest}
    return Row(number, values, typed=True)


def _narrowed(options: ImportOptions, entry: Quarantined) -> ImportOptions:
    """Without the columns that this row, of another file perhaps, does not have."""
    columns = {theirs: ours for theirs, ours in options.columns.items() if theirs in entry.row}
    return replace(options, columns=columns)
