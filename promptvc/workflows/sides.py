"""What main and every environment have of each prompt: what the stories share that hold them against each other."""

from __future__ import annotations

from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.deployment.environments import FOLDER, deployments, environment_names
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import nearest
from promptvc.workflows.project import Project

LATEST = "latest"


class Sides:
    """What main and every environment have.

    Attributes:
        environments: their names, sorted.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        commit = project.main_commit
        tree = project.tree(commit, FOLDER) if commit is not None else {}
        self.environments = environment_names(tree)
        self._running: dict[str, dict[str, str]] = {name: {} for name in self.environments}
        for one in deployments(tree):
            self._running[one.environment][one.name] = one.digest
        self._latest = {name: digest for name, (_, digest) in project.resolver.tip_versions().items()}
        self._read: dict[str, Prompt | InvalidDocument] = {}

    def require(self, side: str) -> None:
        """
        Raises:
            NotFound: ``side`` is neither an environment nor ``latest``.
        """
        if side != LATEST and side not in self._running:
            near = nearest(side, [*self.environments, LATEST])
            hint = f"did you mean {near}?" if near else "promptvc status shows the environments there are"
            raise NotFound(f"there is no environment {side}", hint=hint)

    def of(self, side: str) -> dict[str, str]:
        """Name -> digest of what a side has."""
        return self._latest if side == LATEST else self._running[side]

    def prompt(self, name: str, blob: str) -> Prompt | InvalidDocument:
        """A content as a prompt, or why it is none. Each is read once."""
        if blob not in self._read:
            data = self._project.objects.blob(blob)
            try:
                self._read[blob] = load_prompt(data, file=f"{name}@{blob[:12]}", memo=self._project.memo)
            except InvalidDocument as error:
                self._read[blob] = error
        return self._read[blob]
