"""`commit`: an edited prompt becomes its next version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import InputError, PromptvcError, Refused, Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.prompts.edit import with_version
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import path_of
from promptvc.store.commits import message, next_version
from promptvc.workflows.project import Project


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """What to commit: the working tree's file of ``name``."""

    name: str
    message: str
    renumber: bool = False
    branch: str | None = None
    no_verify: bool = False


@dataclass(frozen=True, slots=True)
class Authored:
    """The version that was made."""

    name: str
    version: int
    commit: str
    branch: str | None

    def to_json(self) -> dict[str, Any]:
        """As `commit --json` prints it."""
        return {"name": self.name, "version": self.version, "commit": self.commit, "branch": self.branch}


def commit(project: Project, request: CommitRequest) -> Authored:
    """Commit the working tree's file of a prompt, with the next version in it.

    The number is put into the file first, so that the working tree and the commit are equal; if the commit fails the
    file gets its old bytes back.

    Raises:
        Refused: nothing was edited, or the file carries a number that is not the next one.
        InvalidDocument: the file is no valid prompt.
    """
    if project.root is None:
        raise Usage("a bare repository has no file to commit", hint="run it in a clone")
    if not request.message.strip():
        raise Usage("the message is empty", hint="say what changed: -m TEXT")
    working = project.resolver.working(request.name)
    load_prompt(working.data, file=working.path, name=working.name, memo=project.memo)
    head = project.repository.head() if request.branch is None else None
    tip = head.commit if head else project.repository.resolve(f"refs/heads/{request.branch}")
    committed = project.resolver.at(request.name, tip) if tip else None
    number = _number(project, request, working.version, committed)
    data = (
        working.data if number == working.version else with_version(working.data, number, file=working.path)
    )
    place = project.root / working.path
    _replace(place, working.data, data)
    try:
        return _commit(project, request, data, number)
    except PromptvcError:
        _replace(place, data, working.data)
        raise


def _number(project: Project, request: CommitRequest, written: int, committed: Any) -> int:
    """The number that the edited file gets."""
    working = project.resolver.working(request.name)
    if committed is not None and committed.digest == working.digest and not request.renumber:
        raise Refused(f"{request.name} has no changes to commit", hint="edit its file first")
    following = next_version(project.repository, project.resolver, request.name)
    if request.renumber or written == following or (committed is not None and written == committed.version):
        return following
    if committed is None and written == 1:
        return following
    raise Refused(
        f"{request.name} says version {written}; the next one is {following}",
        hint=f"set it to {following}, or pass --renumber",
        file=working.path,
    )


def _commit(project: Project, request: CommitRequest, data: bytes, number: int) -> Authored:
    path = project.top(path_of(request.name))
    subject, _, body = request.message.strip().partition("\n")
    text = message("Edit", request.name, number, subject.strip(), body=body.strip())
    plan = Plan({path: data}, text)
    options = CommitOptions(
        start=project.main_commit if request.branch else None, no_verify=request.no_verify
    )
    done = git_commit(project.repository, request.branch, lambda _tip: plan, options=options)
    if not done.changed:
        raise Refused(f"{request.name} has no changes to commit", hint="edit its file first")
    project.log.event("prompt.committed", name=request.name, version=number, commit=done.commit)
    maintain(project.repository)
    return Authored(request.name, number, done.commit, done.branch)


def _replace(place: Path, expected: bytes, data: bytes) -> None:
    """Write ``data`` if the file still holds ``expected``."""
    if expected == data:
        return
    with storage_errors(place):
        current = place.read_bytes()
    if current != expected:
        raise InputError(f"{place.name} was changed meanwhile", hint="run the command again", file=str(place))
    write_atomic(place, data)
