"""Which annotations count, by the settings: for every story that learns from people's reviews."""

from __future__ import annotations

from collections.abc import Iterable

from promptvc.feedback.events import Event
from promptvc.feedback.panel import Panel
from promptvc.workflows.gathering import keys_of
from promptvc.workflows.project import Project


def panel_of(project: Project) -> Panel:
    """Experts and adjudicators of the settings."""
    return Panel.of(project.settings.feedback.experts, project.settings.annotation)


def heeded(project: Project, events: Iterable[Event]) -> tuple[Event, ...]:
    """``events`` without the reviews of people who are no experts, or whom an adjudicator outranks.

    Raises:
        Usage: the settings name people, and this clone has no key to know their reviews by.
    """
    panel = panel_of(project)
    return tuple(panel.heeded(events, keys_of(project))) if panel else tuple(events)
