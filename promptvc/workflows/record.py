"""Recording out of a running application: the recorder of a repository."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from promptvc.base.clock import utc_now
from promptvc.base.errors import InputError, NotFound, Unfinished
from promptvc.feedback.quarantine import Quarantine
from promptvc.feedback.recording.place import Place
from promptvc.feedback.recording.recorder import BaseRecorder
from promptvc.feedback.redact import Redactor
from promptvc.feedback.spool import Spool
from promptvc.prompts.names import path_of
from promptvc.store.references import Reference, parse_reference
from promptvc.workflows.gathering import redactor_of
from promptvc.workflows.project import Project, open_project

_MOST_KNOWN = 10_000


class Recorder(BaseRecorder):
    """Takes events of an application: microseconds for the caller, and never an exception::

        recorder = promptvc.Recorder.open("/srv/app", quiet=True)
        recorder.add("support/triage", thumbs="up", input=question, output=answer, latency_ms=412)

    One for the whole process is enough. See :class:`promptvc.feedback.recording.recorder.BaseRecorder`.
    """

    @classmethod
    def open(
        cls,
        path: str | Path = ".",
        *,
        quiet: bool = False,
        environ: Mapping[str, str] | None = None,
        bound: int = 10_000,
        wait_s: float = 0.25,
        clock: Callable[[], datetime] = utc_now,
    ) -> Self:
        """The recorder of the repository around ``path``.

        Args:
            quiet: raise nothing, whatever is there: events wait in memory, the repository is looked for again and
                again, and :meth:`stats` tells what is wrong.
            environ: variables for git and promptvc; the process's own when None.
            bound, wait_s, clock: as for :class:`BaseRecorder`.

        Raises:
            NotFound: there is no repository, or no prompts in it; not when ``quiet``.
            GitError: git is missing or too old; not when ``quiet``.
        """
        values = dict(os.environ if environ is None else environ)

        def opening() -> Place:
            with open_project(Path(path), environ=values, clock=clock) as project:
                return _place(project)

        if not quiet:
            opening()
        return cls(opening, bound=bound, wait_s=wait_s, clock=clock)


def _place(project: Project) -> Place:
    keeping = _Kept(project)
    return Place(
        spool=Spool.of(project.repository.common_dir, project.environ),
        quarantine=Quarantine.of(project.repository.common_dir),
        redactor=lambda: keeping.redactor(named=False),
        naming=lambda: keeping.redactor(named=True),
        name=lambda reference: parse_reference(reference).name,
        about=keeping.about,
        refresh=keeping.refresh,
    )


class _Kept:
    """What a project says, kept until it is refreshed: an application records the same few prompts all day."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._redactors: dict[bool, Redactor] = {}
        self._known: dict[str, tuple[object, Mapping[str, Any] | InputError]] = {}

    def refresh(self) -> None:
        self._project.refresh()
        self._redactors.clear()
        self._known.clear()

    def redactor(self, *, named: bool) -> Redactor:
        if named not in self._redactors:
            self._redactors[named] = redactor_of(self._project, named=named)
        return self._redactors[named]

    def about(self, reference: str) -> Mapping[str, Any]:
        """``prompt``, ``version`` and ``digest``; of the working tree's file as it is at this moment."""
        wanted = parse_reference(reference)
        mark = self._mark(wanted)
        known = self._known.get(reference)
        if known is None or known[0] != mark:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[reference] = (mark, self._found(wanted))
        found = known[1]
        if isinstance(found, InputError):
            raise found.with_traceback(None)
        return found

    def _mark(self, wanted: Reference) -> object:
        """What changes when the file does; None where there is no such file."""
        if wanted.revision is None and self._project.root is not None:
            with contextlib.suppress(OSError):
                there = (self._project.root / path_of(wanted.name)).stat()
                return there.st_mtime_ns, there.st_size, there.st_ino
        return None

    def _found(self, wanted: Reference) -> Mapping[str, Any] | InputError:
        """What is known about a prompt. What was said of one whose file is broken just now is recorded all the same."""
        with self._reading() as resolver:
            try:
                version = resolver.resolve(wanted)
            except NotFound as error:
                try:
                    latest = resolver.latest(wanted.name) if wanted.revision is None else None
                except (InputError, Unfinished):
                    return {"prompt": wanted.name}
                if latest is None:
                    return error
                version = latest
            except (InputError, Unfinished):
                return {"prompt": wanted.name}
        return {"prompt": wanted.name, "version": version.version, "digest": version.digest}

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:
        """The resolver; no process of git stays behind in the application."""
        try:
            yield self._project.resolver
        finally:
            self._project.close()
