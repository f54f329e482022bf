"""Archived feedback as far as it can be read here: shared by what reads events."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.memo import Memo
from promptvc.feedback.archive import MANIFEST, Part, load_manifest, place_of, trouble_with
from promptvc.feedback.archive_parts import read_part
from promptvc.workflows.project import Project

FOLDER = "PROMPTVC_ARCHIVE"
"""The variable that names a folder where parts are looked for first, by their file names."""


@dataclass(frozen=True, slots=True)
class Archived:
    """Parts of an archive: those that can be read, each with its file, and the others, each with the reason."""

    here: tuple[tuple[Part, Path], ...] = ()
    absent: tuple[tuple[Part, str], ...] = ()

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """What stands for a path, and the lines, of each part that can be read; one is held at a time."""
        for part, place in self.here:
            yield f"{MANIFEST}#{part.name}", b"".join(read_part(place))

    @property
    def lines(self) -> int:
        """Lines that cannot be read here."""
        return sum(part.lines for part, _ in self.absent)

    def remarks(self) -> tuple[str, ...]:
        """What is missing, for people: a line for each part."""
        return tuple(
            f"{part.events:,} archived events on {part.prompt} of {part.month} do not count: {reason}"
            for part, reason in self.absent
        )


def archived_parts(project: Project, name: str | None = None, *, data: bytes | None = None) -> Archived:
    """The archived parts of one prompt, or of all, by the manifest of HEAD, or by ``data``.

    Raises:
        InvalidDocument: the manifest cannot be read.
    """
    if data is None:
        head = project.resolver.head
        data = project.at(head, MANIFEST) if head is not None else None
    if data is None:
        return Archived()
    parts = [part for part in load_manifest(data, memo=project.memo) if name in {None, part.prompt}]
    return looked_for(project, parts)


def looked_for(project: Project, parts: list[Part]) -> Archived:
    """Where each of ``parts`` is, and whether it is what was archived."""
    given = project.environ.get(FOLDER)
    beside = Path(given) if given else None
    memo = Memo(project.state / "archive")
    here, absent = [], []
    for part in parts:
        place = place_of(part, root_of(project), beside)
        reason = trouble_with(part, place, memo)
        if reason is None and importlib.util.find_spec("duckdb") is None:
            reason = "reading Parquet needs DuckDB: pip install 'promptvc[analytics]'"
        if reason is not None or place is None:
            absent.append((part, reason or "it is not there"))
        else:
            here.append((part, place))
    return Archived(tuple(here), tuple(absent))


def root_of(project: Project) -> Path:
    """What the paths of a manifest are from: the prompt root, or a bare repository."""
    return project.root or project.repository.git_dir
