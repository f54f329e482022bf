"""Archived months without a person: parts that are here are written anew, the others are told of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from promptvc.base.files import storage_errors
from promptvc.feedback.archive import MANIFEST, Part, dump_manifest, load_manifest, place_of
from promptvc.feedback.archive_parts import read_part, write_part
from promptvc.feedback.forgetting import Traces, without
from promptvc.feedback.segments import read_segments
from promptvc.workflows.archived import Archived, archived_parts, root_of
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Parts that were written anew: by the digest of the old one the new one, None where nothing is left of it."""

    parts: Mapping[str, Part | None] = field(default_factory=dict)
    old: tuple[Path, ...] = ()

    def manifest(self, data: bytes | None) -> bytes | None:
        """The manifest ``data`` with the new parts in the place of the old ones; None where no part is left."""
        parts = [self.parts.get(part.sha256, part) for part in load_manifest(data)]
        kept = [part for part in parts if part is not None]
        return dump_manifest(kept) if kept else None

    def finish(self) -> None:
        """Delete the old files; nothing that is committed names them any more."""
        for place in self.old:
            with storage_errors(place):
                place.unlink(missing_ok=True)


def archive_of(project: Project, commit: str | None) -> Archived:
    """The parts that the manifest of ``commit`` lists."""
    data = project.at(commit, MANIFEST) if commit is not None else None
    return Archived() if data is None else archived_parts(project, data=data)


def theirs(archived: Archived, traces: Traces) -> Iterator[tuple[Part, Path, int]]:
    """The parts that hold something of theirs, and how many lines of each go or change."""
    for part, place in archived.here:
        lines = without(b"".join(read_part(place)), traces)
        if lines.dropped or lines.changed:
            yield part, place, lines.dropped + lines.changed


def is_ours(project: Project, part: Part, place: Path) -> bool:
    """Whether the file that was read lies where the manifest says, so that a new one can lie beside it."""
    return place_of(part, root_of(project)) == place


def written_anew(project: Project, commit: str | None, traces: Traces) -> Rewritten:
    """Write the parts with something of theirs anew, each beside the old one, which stays until all is committed.

    Raises:
        StorageError: the disk is full or read-only.
    """
    parts: dict[str, Part | None] = {}
    old: list[Path] = []
    for part, place, _ in theirs(archive_of(project, commit), traces):
        if not is_ours(project, part, place):
            continue
        lines = without(b"".join(read_part(place)), traces)
        events = read_segments({part.name: lines.data}).events
        if events:
            new, made = write_part(events, part.prompt, part.month, place.parent)
            parts[part.sha256] = replace(new, location=_location(project, part, made))
        else:
            parts[part.sha256] = None
        old.append(place)
    return Rewritten(parts, tuple(old))


def _location(project: Project, part: Part, made: Path) -> str:
    """Where the new file is, written as for the old one."""
    if "://" in part.location:
        return made.resolve().as_uri()
    return Path(os.path.relpath(made.resolve(), root_of(project).resolve())).as_posix()
