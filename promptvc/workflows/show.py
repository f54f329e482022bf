"""`show`: one version, and what a model would be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.render import render
from promptvc.store.versions import Version
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class Shown:
    """One version. ``messages`` are rendered when variables were given, else None.

    ``counted`` is where the number of a file that says none comes from: ``main``, ``branch`` or ``uncommitted``.
    """

    version: Version
    prompt: Prompt
    messages: tuple[Mapping[str, str], ...] | None
    counted: str | None = None

    @property
    def text(self) -> str:
        """The file as it is."""
        return self.version.data.decode("utf-8")

    def to_json(self) -> dict[str, Any]:
        """As `show --json` prints it."""
        return {
            "name": self.version.name,
            "version": self.version.version,
            "digest": self.version.digest,
            "commit": self.version.commit,
            "counted": self.counted,
            "prompt": self.prompt.to_json(),
            "messages": None if self.messages is None else [dict(message) for message in self.messages],
        }


def show(project: Project, reference: str, variables: Mapping[str, str] | None = None) -> Shown:
    """The version that ``reference`` means, rendered with ``variables`` if they are given."""
    version = project.resolver.resolve(reference)
    prompt = load_prompt(
        version.data, file=version.source, name=version.name, memo=project.memo, version=version.version
    )
    rendered = None
    if variables is not None:
        messages = render(prompt, variables)
        rendered = tuple({"role": message.role, "content": message.content} for message in messages)
    return Shown(version, prompt, rendered, project.resolver.foreign.counted(version.path, version.digest))
