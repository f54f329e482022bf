"""`feedback archive`: months of feedback leave git for Parquet files, are verified there, and come back."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.errors import InputError, NotFound, Usage
from promptvc.base.ids import derived_ulid
from promptvc.feedback.archive import MANIFEST, Part, dump_manifest, load_manifest
from promptvc.feedback.archive_parts import read_part, write_part
from promptvc.feedback.compaction import month_of
from promptvc.feedback.events import Event
from promptvc.feedback.retention import Term, is_due
from promptvc.feedback.segments import FOLDER, SEGMENT_BYTES, prompt_of, read_segments, seal_folder
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.git.plan import Build
from promptvc.workflows.archived import archived_parts, looked_for, root_of
from promptvc.workflows.gathering import contents_of, known_prompt
from promptvc.workflows.project import Project

_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])").fullmatch


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """What to archive, and where to.

    Attributes:
        before: the first month that stays, ``YYYY-MM``.
        to: a folder outside of git; it is made.
        name: the segments of one prompt; None: of all.
        branch: commit there instead of the current branch.
    """

    before: str
    to: Path
    name: str | None = None
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What went into the archive or came back; no ``commit`` when there was nothing to do.

    ``segments``: how many were removed, or written.
    """

    parts: tuple[Part, ...]
    segments: int
    commit: str | None = None
    branch: str | None = None

    @property
    def events(self) -> int:
        """How many events the parts hold; a rollup counts for as many as it stands for."""
        return sum(part.events for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """As `feedback archive --json` prints it."""
        return {
            "parts": [_told(part) for part in self.parts],
            "events": self.events,
            "segments": self.segments,
            "commit": self.commit,
            "branch": self.branch,
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """Each part, with what is wrong with its file; None where it is what was archived."""

    parts: tuple[tuple[Part, str | None], ...]

    @property
    def whole(self) -> bool:
        """Whether every part can be read here."""
        return all(reason is None for _, reason in self.parts)

    def to_json(self) -> dict[str, Any]:
        """As `feedback archive --verify --json` prints it."""
        return {"parts": [{**_told(part), "problem": reason} for part, reason in self.parts]}


def archive(project: Project, request: ArchiveRequest) -> Moved:
    """Move the months before ``request.before`` out of git: the files first, then one commit that lists them.

    Raises:
        Usage: no month, a folder that is git's or derived or that git could take up, or DuckDB is not installed.
        InputError: a segment has lines that are no events, an event with two contents, or texts whose term has
            passed: `feedback retain` does not reach into archived files.
        NotFound: there is neither such a prompt nor feedback on it.
        StorageError: the folder cannot be written.
    """
    before, to, name = _checked(request.before), request.to.absolute(), known_prompt(project, request.name)
    for derived in (project.state, project.repository.common_dir):
        if to.resolve().is_relative_to(derived.resolve()):
            raise Usage(f"{to} is in {derived}, which may be deleted", hint="--to a folder that is backed up")
    _refuse_tracked(project, to)
    term = Term.ending(project.clock(), project.settings.feedback.retain_days)
    parts: list[Part] = []
    gone: list[str] = []

    def build(tip: str | None) -> Plan | None:
        parts.clear()
        gone.clear()
        old = _old(project, tip, name, before)
        for (prompt, month), blobs in sorted(old.items()):
            events = _whole(dict(contents_of(project, blobs)))
            if not events:
                continue
            _refuse_texts(prompt, month, events, term)
            part, place = write_part(events, prompt, month, to)
            parts.append(_located(part, place, root_of(project)))
            gone.extend(blobs)
        if not parts:
            return None
        listed = load_manifest(project.at(tip, MANIFEST))
        new = {part.sha256: part for part in (*listed, *parts)}
        changes: dict[str, bytes | None] = {project.top(path): None for path in gone}
        changes[project.top(MANIFEST)] = dump_manifest(new.values())
        return Plan(changes, _message("Archive", parts, f"Before {before}, outside of git by digest."))

    return _committed(project, request.branch, build, parts, gone)


def restore(project: Project, month: str, *, name: str | None = None, branch: str | None = None) -> Moved:
    """Bring the archived parts of a month back into git; their files stay where they are.

    Raises:
        Usage: no month.
        NotFound: nothing of that month is archived, or a part of it cannot be read here.
    """
    _checked(month)
    parts: list[Part] = []
    made: list[str] = []

    def build(tip: str | None) -> Plan:
        listed = load_manifest(project.at(tip, MANIFEST))
        parts[:] = [part for part in listed if part.month == month and name in {None, part.prompt}]
        if not parts:
            raise NotFound(
                f"nothing of {month} is archived", hint="promptvc feedback archive --verify lists it"
            )
        found = looked_for(project, parts)
        for part, reason in found.absent:
            raise NotFound(f"{part.location}: {reason}", file=MANIFEST)
        changes: dict[str, bytes | None] = {}
        for part, place in found.here:
            changes |= {project.top(path): data for path, data in _segments(part, place).items()}
        made[:] = changes
        rest = [part for part in listed if part not in parts]
        changes[project.top(MANIFEST)] = dump_manifest(rest) if rest else None
        return Plan(changes, _message("Restore", parts, "From the archive, as it was."))

    return _committed(project, branch, build, parts, made)


def verify(project: Project) -> Verified:
    """Look at the file of every archived part.

    Raises:
        InvalidDocument: the manifest cannot be read.
    """
    found = archived_parts(project)
    looked = [*((part, None) for part, _ in found.here), *found.absent]
    return Verified(tuple(sorted(looked, key=lambda one: (one[0].prompt, one[0].month, one[0].sha256))))


def _checked(month: str) -> str:
    if not _MONTH(month):
        raise Usage(f"not a month: {month!r}", hint="such as 2025-01")
    return month


def _old(
    project: Project, tip: str | None, name: str | None, before: str
) -> dict[tuple[str, str], dict[str, str]]:
    """(prompt, month) -> path -> blob of the segments that are old enough."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for path, blob in project.tree(tip, FOLDER).items() if tip is not None else ():
        prompt, month = prompt_of(path), month_of(path) if prompt_of(path) else None
        if prompt is None or month is None or name not in {None, prompt}:
            continue
        if f"{month:%Y-%m}" < before:
            found.setdefault((prompt, f"{month:%Y-%m}"), {})[path] = blob
    return found


def _whole(files: Mapping[str, bytes]) -> Sequence[Event]:
    reading = read_segments(files)
    for file in (*(bad.file for bad in reading.problems), *(c.places[0][0] for c in reading.conflicts)):
        raise InputError(f"{file} holds what would be lost", hint="promptvc check says what", file=file)
    return reading.events


def _refuse_texts(prompt: str, month: str, events: Sequence[Event], term: Term) -> None:
    """Nobody would take them out of the file any more."""
    due = sum(is_due(event, term) for event in events)
    if due:
        noun = "event has texts" if due == 1 else "events have texts"
        raise InputError(
            f"{due:,} {noun} on {prompt} of {month} that are older than feedback.retain_days ({term.days})",
            hint="promptvc feedback retain takes them out; or keep them longer: feedback.retain_days in promptvc.yaml",
        )


def _refuse_tracked(project: Project, to: Path) -> None:
    """A folder in the working tree that git does not ignore: the next `git add` would take the files up."""
    top, place = project.repository.top, to.resolve()
    if top is None or not place.is_relative_to(top.resolve()):
        return
    inside = (place / "part.parquet").relative_to(top.resolve()).as_posix()
    # The one command that does not know literal paths; `./` keeps a path from being magic.
    asked = {"GIT_LITERAL_PATHSPECS": "0"}
    status, _, _ = project.repository.outcome("check-ignore", "-q", "--", f"./{inside}", env=asked)
    if status != 0:
        raise Usage(
            f"{to} is in the working tree, where git would take the files up",
            hint="--to a folder outside of it, or one that .gitignore names",
        )


def _located(part: Part, place: Path, root: Path) -> Part:
    relative = os.path.relpath(place.resolve(), root.resolve())
    return replace(part, location=Path(relative).as_posix())


def _segments(part: Part, place: Path) -> Mapping[str, bytes]:
    events = read_segments({part.location: b"".join(read_part(place))}).events
    month = month_of(f"{part.folder}/x.jsonl")
    assert month is not None  # the schema of the manifest
    ulid = derived_ulid(month, bytes.fromhex(part.sha256), 0)
    return seal_folder(part.folder, events, ulid=ulid, limit=SEGMENT_BYTES)


def _committed(
    project: Project, branch: str | None, build: Build, parts: list[Part], segments: list[str]
) -> Moved:
    options = CommitOptions(start=project.main_commit if branch else None)
    done = git_commit(project.repository, branch, build, options=options)
    if done is None:
        return Moved((), 0)
    maintain(project.repository)
    project.log.event("feedback.archived", parts=len(parts), commit=done.commit)
    return Moved(tuple(parts), len(segments), done.commit, done.branch)


def _message(verb: str, parts: Sequence[Part], body: str) -> str:
    months = sorted({part.month for part in parts})
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    events = sum(part.events for part in parts)
    return f"{verb} {events:,} event{'' if events == 1 else 's'} of {span}\n\n{body}"


def _told(part: Part) -> dict[str, Any]:
    keys = ("prompt", "month", "lines", "events", "bytes", "sha256", "location")
    return {key: getattr(part, key) for key in keys}
