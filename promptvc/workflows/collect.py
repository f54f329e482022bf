"""Feedback: record it, commit it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.analysis.tags import remarks as tag_remarks
from promptvc.base.errors import InputError, InvalidDocument, NotFound, StorageError
from promptvc.feedback.events import Event, parse_event, stamped
from promptvc.feedback.options import kinds_of, shared_keys
from promptvc.feedback.spool import Batch, Spool
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.git.objects import blob_id
from promptvc.prompts.names import path_of
from promptvc.store.references import Reference, parse_reference
from promptvc.workflows.gathering import redactor_of
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Added:
    """What was recorded, how much of it was redacted, by category, and what else the caller should know."""

    ids: tuple[str, ...]
    redacted: dict[str, int]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was committed; no ``commit`` when there was nothing. ``torn``: lines of the spool that are no events."""

    events: int
    segments: tuple[str, ...]
    commit: str | None
    branch: str | None
    torn: int = 0
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `feedback commit --json` prints it."""
        return {
            "events": self.events,
            "segments": list(self.segments),
            "commit": self.commit,
            "branch": self.branch,
            "torn": self.torn,
        }


def add(project: Project, reference: str, values: Mapping[str, Any]) -> Added:
    """Record what one person or program said, as one event for each kind of thing that was said.

    What is said of a prompt whose file is broken, or is missing while main has it, is recorded all the same.

    Args:
        reference: the prompt, with a revision if it is not the working tree's.
        values: by the names of the command's options.

    Raises:
        Usage: nothing that makes an event, or a correction without its input.
        NotFound: no such prompt or revision.
    """
    wanted = parse_reference(reference)
    which, remarks = _said_of(project, wanted)
    shared, more = shared_keys(values)
    about = {"prompt": wanted.name, "source": "human", **which, **shared}
    redactor = redactor_of(project, named="user" in values)
    events, found = [], Counter[str]()
    for kind, content in kinds_of(values):
        raw, counts = redactor.event(stamped({**about, "kind": kind, **content}, now=project.clock()))
        events.append(parse_event(raw, file="feedback"))
        found += counts
    Spool.of(project.repository.common_dir, project.environ).append(events, durable=True)
    project.log.event("feedback.added", prompt=wanted.name, events=len(events))
    near = tag_remarks(values.get("tags", ()), project.settings.feedback.tags)
    return Added(tuple(event.id for event in events), dict(found), remarks + more + near)


def commit(project: Project, branch: str | None = None) -> Sealed:
    """Seal the spool into new segments and commit them.

    Killed at any moment, the next call commits the same segments under the same names, or finds them committed.
    """
    spool = Spool.of(project.repository.common_dir, project.environ)
    with spool.seal(now=project.clock(), rolled=project.settings.feedback.rollup) as batch:
        remarks = _lost(batch, spool.directory)
        if not batch.segments:
            batch.done()
            return Sealed(0, (), None, None, len(batch.torn), remarks)
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
    project.log.event("feedback.committed", events=len(batch.events), torn=len(batch.torn), commit=made)
    return Sealed(len(batch.events), tuple(sorted(batch.segments)), made, where, len(batch.torn), remarks)


def _said_of(project: Project, wanted: Reference) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The version and the digest that feedback is on, as far as they can be known, and a remark where they are not.

    Feedback is given once: a file that is broken just now is no reason to lose it.
    """
    if wanted.revision is not None:
        version = project.resolver.resolve(wanted)
        return {"version": version.version, "digest": version.digest}, ()
    path = path_of(wanted.name)
    try:
        version = project.resolver.working(wanted.name)
    except (InputError, StorageError) as error:
        fault = error
    else:
        return {"version": version.version, "digest": version.digest}, ()
    why = f"{path} is not in the working tree" if isinstance(fault, NotFound) else f"{fault}"
    committed = project.at(project.main_commit, path)
    if committed is not None:
        try:
            latest = project.resolver.latest(wanted.name)
        except InvalidDocument:
            latest = None
        if latest is not None:
            return {"version": latest.version, "digest": latest.digest}, (
                f"recorded on v{latest.version}, the latest on main: {why}",
            )
    there = _bytes(project, path) or committed
    if there is None and isinstance(fault, NotFound):
        raise fault
    digest = {} if there is None else {"digest": blob_id(there, project.repository.object_format)}
    return digest, (f"recorded without a version: {why}",)


def _bytes(project: Project, path: str) -> bytes | None:
    try:
        return project.read(path)
    except (InputError, StorageError):
        return None


def _lost(batch: Batch, directory: Path) -> tuple[str, ...]:
    """What was in the spool and is not in the segments as it was."""
    remarks = []
    if batch.torn:
        lines = "1 line" if len(batch.torn) == 1 else f"{len(batch.torn):,} lines"
        remarks.append(
            f"{lines} of the spool could not be read as events, set aside in {directory}/torn-*.txt"
        )
    for conflict in batch.conflicts:
        places = ", ".join(f"{file}:{line}" for file, line in conflict.places)
        remarks.append(f"the id {conflict.id} was spooled with two contents ({places}); one of them counts")
    return tuple(remarks)


def _message(events: Sequence[Event]) -> str:
    counts = Counter(event.prompt for event in events)
    noun = "event" if len(events) == 1 else "events"
    subject = f"Record {len(events)} {noun} on {', '.join(sorted(counts)[:3])}"
    more = len(counts) - 3
    return subject + (f" and {more} more" if more > 0 else "")
