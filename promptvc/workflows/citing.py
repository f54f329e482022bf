"""The events that prompts and records cite, out of committed segments."""

from __future__ import annotations

from collections.abc import Collection

from promptvc.feedback.cited import read_cited
from promptvc.feedback.events import Event
from promptvc.feedback.segments import FOLDER, prompt_of
from promptvc.workflows.project import Project


def cited(project: Project, name: str, ids: Collection[str], *commits: str | None) -> dict[str, Event]:
    """Of the events ``ids`` those that any of ``commits`` has, by id; what was forgotten or archived is not there."""
    blobs: dict[str, str] = {}
    for commit in sorted({one for one in commits if one is not None}) if ids else ():
        blobs |= project.tree(commit, f"{FOLDER}/{name}")
    mine = {path: blob for path, blob in blobs.items() if prompt_of(path) == name}
    return read_cited({path: project.objects.blob(blob) for path, blob in mine.items()}, ids)
