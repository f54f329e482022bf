"""The prompts of main, as rows of other systems name them, or quote what they gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from promptvc.base.errors import InputError
from promptvc.feedback.importing.messages import Rendered
from promptvc.feedback.ingest import Found
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import path_of
from promptvc.prompts.recognize import Recogniser
from promptvc.workflows.project import Project

_MOST_NAMED = 4


class Prompts:
    """What :class:`promptvc.feedback.ingest.Finder` asks. All versions are read when the first text is quoted."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def knows(self, name: str) -> bool:
        """Whether there is a prompt of this name, on main or in the working tree."""
        return name in self._names

    def find(self, rendered: Rendered, name: str | None, meant: str | None) -> Found | None:
        """The prompt that gives ``rendered``; the version and the values where only one does.

        Where several prompts do it is the one that is ``meant``, or none that is known here.

        Raises:
            ValueError: several prompts do, and none is meant.
        """
        found = self._recogniser.find(rendered, name if name in self._names else None)
        names = sorted({one.prompt for one in found})
        if len(names) > 1 and meant is not None:
            found = self._recogniser.find(rendered, meant)
            names = [meant]
        if not found:
            return None
        if len(names) > 1:
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            said = ", ".join(names[:_MOST_NAMED])
            raise ValueError(f"its text is given by several prompts: {said}{more}; name the prompt")
        values = found[0].values if all(one.values == found[0].values for one in found) else None
        if len(found) > 1:
            return Found(names[0], input=values)
        return Found(names[0], found[0].version, found[0].digest, values)

    @cached_property
    def _names(self) -> frozenset[str]:
        project = self._project
        main = project.main_commit
        return frozenset((*project.resolver.names(), *(project.resolver.names(main) if main else ())))

    @cached_property
    def _recogniser(self) -> Recogniser:
        return Recogniser(self._versions())

    def _versions(self) -> Iterator[tuple[Prompt, str]]:
        project = self._project
        main = project.main_commit
        for name in project.resolver.names(main) if main else ():
            entries = project.resolver.log(name, main)
            contents = dict(project.objects.blobs([one.digest for one in entries]))
            for one in entries:
                try:
                    prompt = load_prompt(
                        contents[one.digest], file=path_of(name), memo=project.memo, version=one.version
                    )
                except InputError:
                    continue
                yield replace(prompt, name=name, version=one.version), one.digest
