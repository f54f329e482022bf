"""What people say of a prompt: its committed events, and what stands beside the scores because of them."""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.analysis.calibration import calibrations
from promptvc.analysis.ratings import ratings
from promptvc.evaluation.reports.report import Calibration, Rating
from promptvc.feedback.events import Event
from promptvc.feedback.segments import FOLDER, prompt_of, read_segments
from promptvc.workflows.citing import cited
from promptvc.workflows.heeding import heeded
from promptvc.workflows.project import Project

__all__ = ["Voices", "cited", "events_of", "voices"]


def events_of(project: Project, name: str) -> tuple[Event, ...]:
    """The committed events of a prompt, as HEAD has them."""
    head = project.resolver.head
    return () if head is None else events_at(project, name, head)


def events_at(project: Project, name: str, commit: str) -> tuple[Event, ...]:
    """The events of a prompt that ``commit`` has."""
    blobs = project.tree(commit, f"{FOLDER}/{name}")
    mine = {path: blob for path, blob in blobs.items() if prompt_of(path) == name}
    return read_segments({path: project.objects.blob(blob) for path, blob in mine.items()}).events


@dataclass(frozen=True, slots=True)
class Voices:
    """What people say, to stand beside the scores."""

    calibrations: tuple[Calibration, ...]
    ratings: tuple[Rating, ...]


def voices(project: Project, name: str) -> Voices:
    """How far judges agree with people, and how users rate each version: folds over the committed events."""
    events = events_of(project, name)
    return Voices(
        calibrations=tuple(
            Calibration(**{key: getattr(found, key) for key in Calibration.__slots__})
            for found in calibrations(heeded(project, events))
        ),
        ratings=tuple(Rating(found.version, found.mean, found.n) for found in ratings(events)),
    )
