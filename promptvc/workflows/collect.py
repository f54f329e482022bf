"""Feedback: record it, import it, list it, count it, commit it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from promptvc.analysis.summary import summarize
from promptvc.base.clock import format_time, parse_time
from promptvc.base.errors import InvalidDocument, PromptvcError, Usage
from promptvc.base.jsonl import parse_json
from promptvc.feedback.events import Event, parse_event, stamped
from promptvc.feedback.ingest import ImportOptions, ImportReport
from promptvc.feedback.ingest import import_file as read_file
from promptvc.feedback.pseudonyms import find_key, make_key
from promptvc.feedback.query import Query, select
from promptvc.feedback.redact import Redactor
from promptvc.feedback.segments import FOLDER, Reading, prompt_of, read_segments
from promptvc.feedback.spool import Spool
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.store.references import parse_reference
from promptvc.workflows.project import Project

_SCORES = ("rating", "stars", "thumbs", "effectiveness", "issues", "comment")
_SHARED = ("input", "output", "tags", "notes", "session", "user")


@dataclass(frozen=True, slots=True)
class Added:
    """What was recorded, and how much of it was redacted, by category."""

    ids: tuple[str, ...]
    redacted: dict[str, int]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """A file to import. ``columns`` maps its columns to ours; ``prompt`` is for rows that name none."""

    file: Path
    prompt: str | None
    columns: Mapping[str, str]
    skip_bad: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. ``accepted`` is False when bad lines kept everything out."""

    report: ImportReport
    accepted: bool

    def to_json(self) -> dict[str, Any]:
        """As `feedback import --json` prints it."""
        return self.report.to_json()


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which events: all conditions must hold; times are text as a user writes them."""

    kind: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int | None = None
    spooled: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    """One event in a line."""

    time: str
    prompt: str
    kind: str
    score: str
    words: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was committed; no ``commit`` when there was nothing."""

    events: int
    segments: tuple[str, ...]
    commit: str | None
    branch: str | None

    def to_json(self) -> dict[str, Any]:
        """As `feedback commit --json` prints it."""
        return {
            "events": self.events,
            "segments": list(self.segments),
            "commit": self.commit,
            "branch": self.branch,
        }


def add(project: Project, reference: str, values: Mapping[str, Any]) -> Added:
    """Record what one person or program said, as one event for each kind of thing that was said.

    Args:
        reference: the prompt, with a revision if it is not the working tree's.
        values: by the names of the command's options.

    Raises:
        Usage: nothing that makes an event, or a correction without its input.
    """
    wanted = parse_reference(reference)
    version = project.resolver.resolve(wanted)
    about = {
        "prompt": version.name,
        "version": version.version,
        "digest": version.digest,
        "source": "human",
        **_shared(values),
    }
    redactor = _redactor(project, named="user" in values)
    events, found = [], Counter[str]()
    for kind, content in _kinds(values):
        raw, counts = redactor.event(stamped({**about, "kind": kind, **content}, now=project.clock()))
        events.append(parse_event(raw, file="feedback"))
        found += counts
    Spool.of(project.repository.common_dir, project.environ).append(events, durable=True)
    project.log.event("feedback.added", prompt=version.name, events=len(events))
    return Added(tuple(event.id for event in events), dict(found))


def import_file(project: Project, request: ImportRequest) -> Imported:
    """Import rows of a file into the spool. The same file again adds nothing.

    Raises:
        NotFound: no such file, or no such prompt.
        InvalidDocument: not a file of rows at all.
    """
    prompt = _known(project, request.prompt)
    keys = project.repository.common_dir / "promptvc" / "keys"
    redactor = Redactor(find_key(keys, project.environ) or (lambda: make_key(keys)))
    known = {event.id for event in _reading(project, None, spooled=True).events}
    options = ImportOptions(prompt=prompt, columns=request.columns, skip_bad=request.skip_bad)
    result = read_file(request.file, options, redactor=redactor, known=known)
    if result.events:
        Spool.of(project.repository.common_dir, project.environ).append(result.events, durable=True)
    project.log.event("feedback.imported", events=len(result.events), bad=len(result.report.rejected))
    return Imported(result.report, accepted=not result.stopped)


def list_events(project: Project, name: str | None, request: ListRequest) -> tuple[Event, ...]:
    """Committed events (of HEAD), oldest first, and with ``spooled`` the others too."""
    known = _known(project, name)
    reading = _reading(project, name, spooled=request.spooled)
    query = Query(
        prompt=known,
        kinds=(request.kind,) if request.kind else (),
        tags=(request.tag,) if request.tag else (),
        since=_time(request.since),
        until=_time(request.until),
    )
    found = sorted(select(reading.events, query), key=lambda event: (event.time, event.id))
    return tuple(found[-request.limit :] if request.limit else found)


def summary(project: Project, name: str | None) -> dict[str, Any]:
    """Counts and rates of committed and spooled events: `feedback summary --json`."""
    _known(project, name)
    reading = _reading(project, name, spooled=True)
    return summarize(reading.events, project.settings.feedback).to_json()


def brief(event: Event) -> Brief:
    """One event in a line, for a table."""
    score = event.score
    return Brief(
        time=format_time(event.time)[:16].replace("T", " "),
        prompt=event.prompt,
        kind=event.kind,
        score="" if score is None else f"{score:.2f}",
        words=_words(event),
    )


def commit(project: Project, branch: str | None = None) -> Sealed:
    """Seal the spool into new segments and commit them.

    Killed at any moment, the next call commits the same segments under the same names, or finds them committed.
    """
    spool = Spool.of(project.repository.common_dir, project.environ)
    with spool.seal(now=project.clock()) as batch:
        if not batch.segments:
            batch.done()
            return Sealed(0, (), None, None)
        paths = {project.top(path): data for path, data in batch.segments.items()}

        def build(tip: str | None) -> Plan | None:
            missing = {
                path: data for path, data in paths.items() if tip is None or not project.objects.at(tip, path)
            }
            if not missing:
                return None
            return Plan(dict(missing), _message(batch.events))

        options = CommitOptions(start=project.main_commit if branch else None)
        done = git_commit(project.repository, branch, build, options=options)
        batch.done()
    maintain(project.repository)
    head = project.repository.head()
    made = done.commit if done else head.commit
    where = done.branch if done else (branch or head.branch)
    project.log.event("feedback.committed", events=len(batch.events), commit=made)
    return Sealed(len(batch.events), tuple(sorted(batch.segments)), made, where)


def _shared(values: Mapping[str, Any]) -> dict[str, Any]:
    shared: dict[str, Any] = {key: values[key] for key in _SHARED if key in values}
    if "tags" in shared:
        shared["tags"] = list(shared["tags"])
    if "input" in shared:
        shared["input"] = _input(shared["input"])
    context = {key: values[key] for key in ("framework", "model") if key in values}
    return shared | ({"context": context} if context else {})


def _input(given: str) -> Any:
    """A JSON object of variables where it is one, else the text itself."""
    if given.lstrip().startswith("{"):
        try:
            value = parse_json(given, file="--input")
        except InvalidDocument:
            return given
        return value if isinstance(value, dict) else given
    return given


def _kinds(values: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The kinds of event that ``values`` make, with what is theirs alone."""
    found: list[tuple[str, dict[str, Any]]] = []
    if "corrected" in values:
        if "input" not in values:
            raise Usage("a correction needs its input", hint="add --input, what the answer was for")
        found.append(("correction", {"corrected": values["corrected"]}))
    scores = {key: values[key] for key in _SCORES if key in values}
    if "issues" in scores:
        scores["issues"] = list(scores["issues"])
    if set(scores) - {"comment"} or (scores and not found):
        found.append(("rating", scores))
    elif scores:
        found[0][1].update(scores)
    if "suggestion" in values:
        found.append(("suggestion", {"comment": values["suggestion"]}))
    if "error" in values:
        found.append(("error", {"error": {"message": values["error"]}}))
    if not found:
        raise Usage(
            "an input and an output alone say nothing",
            hint="add what is to be said of them: --stars, --thumbs-up, --corrected, --comment, ...",
        )
    return found


def _redactor(project: Project, *, named: bool) -> Redactor:
    keys = project.repository.common_dir / "promptvc" / "keys"
    key = find_key(keys, project.environ)
    return Redactor(make_key(keys) if key is None and named else key)


def _known(project: Project, name: str | None) -> str | None:
    """``name``, if there is such a prompt or feedback on one."""
    if name is None:
        return None
    wanted = parse_reference(name).name
    try:
        project.resolver.working(wanted)
    except PromptvcError:
        if not _segments(project, wanted):
            raise
    return wanted


def _segments(project: Project, name: str | None) -> dict[str, str]:
    """Path -> blob of the committed segments of HEAD, of one prompt or of all."""
    head = project.resolver.head
    if head is None:
        return {}
    folder = FOLDER if name is None else f"{FOLDER}/{name}"
    return {
        path: blob
        for path, blob in project.tree(head, folder).items()
        if prompt_of(path) is not None and name in {None, prompt_of(path)}
    }


def _reading(project: Project, name: str | None, *, spooled: bool) -> Reading:
    # The spool first: what is committed meanwhile is seen twice and told apart by its id, but never missed.
    waiting = Spool.of(project.repository.common_dir, project.environ).read().events if spooled else ()
    wanted = parse_reference(name).name if name else None
    blobs = _segments(project, wanted)
    committed = read_segments({path: project.objects.blob(blob) for path, blob in blobs.items()})
    known = {event.id for event in committed.events}
    fresh = [one for one in waiting if one.id not in known and wanted in {None, one.prompt}]
    return Reading((*committed.events, *fresh), committed.conflicts, committed.problems)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise Usage(f"not a time: {text!r}", hint="RFC 3339 or a date, such as 2026-11-20") from error


def _words(event: Event) -> str:
    if event.kind in {"correction", "demonstration"}:
        given = event.input
        asked = given if isinstance(given, str) else " | ".join(str(one) for one in (given or {}).values())
        return f"{asked} -> {event.corrected or event.output}"
    error = event.data.get("error")
    said = event.comment or (error.get("message") if isinstance(error, dict) else None)
    return str(said or event.output or event.data.get("name") or "")


def _message(events: Sequence[Event]) -> str:
    counts = Counter(event.prompt for event in events)
    noun = "event" if len(events) == 1 else "events"
    subject = f"Record {len(events)} {noun} on {', '.join(sorted(counts)[:3])}"
    more = len(counts) - 3
    return subject + (f" and {more} more" if more > 0 else "")
