"""An open repository, and the present state of it."""

from __future__ import annotations

from promptvc.workflows.project import Project


class Opened:
    """What every part of the library stands on."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def _fresh(self) -> Project:
        """The project, with branches and settings read anew: the last operation may have moved them."""
        self.project.refresh()
        return self.project
