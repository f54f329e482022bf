"""`commit`: an edited prompt becomes its next version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import InputError, PromptvcError, Refused, Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.evaluation.cases.suite import check_variables, load_suite
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.git.repo import Repository
from promptvc.prompts.edit import with_version
from promptvc.prompts.lint.templates import template_remarks
from promptvc.prompts.marks import conflict_markers
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import path_of
from promptvc.store.commits import message, next_version
from promptvc.store.foreign import refuse_foreign
from promptvc.store.versions import Resolver, Version
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
    """The version that was made. ``remarks`` are what `check` would say about its text and its suite."""

    name: str
    version: int
    commit: str
    branch: str | None
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `commit --json` prints it."""
        return {"name": self.name, "version": self.version, "commit": self.commit, "branch": self.branch}


def commit(project: Project, request: CommitRequest) -> Authored:
    """Commit the working tree's file of a prompt, with the next version in it.

    The number is taken under the lock of the commit and put into the file first, so that the working tree and the
    commit are equal; if the commit fails the file gets its old bytes back.

    Raises:
        Refused: nothing was edited, the file carries a number that is not the next one, or somebody else changed
            the prompt on that branch meanwhile.
        InvalidDocument: the file is no valid prompt.
    """
    if project.root is None:
        raise Usage("a bare repository has no file to commit", hint="run it in a clone")
    if not request.message.strip():
        raise Usage("the message is empty", hint="say what changed: -m TEXT")
    working = project.resolver.working(request.name)
    refuse_foreign(working.path, working.name, "commit")
    prompt = load_prompt(working.data, file=working.path, name=working.name, memo=project.memo)
    _refuse_marks(working)
    branch = request.branch
    start = project.main_commit if branch is not None else None
    tip = project.resolver.head
    if branch is not None:
        tip = project.repository.resolve(f"refs/heads/{branch}") or start
    file = _WorkingFile(project, working, staged=_is_staged(project, request, working.path))
    numbers: list[int] = []
    seen = _digest(project, request.name, tip)

    def build(base: str | None) -> Plan:
        resolver = Resolver(project.repository, project.objects, project.history, project.resolver.place)
        if _digest(project, request.name, base) != seen:
            raise Refused(
                f"somebody else changed {request.name} on {branch or 'this branch'} meanwhile",
                hint=f"see what they did: promptvc diff {request.name} {request.name}@{branch or 'HEAD'}",
                file=working.path,
            )
        committed = resolver.at(request.name, base) if base is not None else None
        number = _number(resolver, request, working, committed, base)
        numbers[:] = [number]
        data = file.write(number)
        subject, _, body = request.message.strip().partition("\n")
        verb = "Edit" if committed is not None else "Add"
        text = message(verb, request.name, number, subject.strip(), body=body.strip())
        return Plan({project.top(working.path): data}, text)

    options = CommitOptions(start=start, no_verify=request.no_verify)
    try:
        done = git_commit(project.repository, branch, build, options=options)
        if not done.changed:
            raise _nothing(request)
    except PromptvcError:
        file.give_back()
        raise
    (number,) = numbers
    project.log.event("prompt.committed", name=request.name, version=number, commit=done.commit)
    maintain(project.repository)
    remarks = tuple(_remarks(project, prompt))
    return Authored(request.name, number, done.commit, done.branch, remarks)


class _WorkingFile:
    """The edited file, which gets its number before the commit and its old bytes back without one."""

    def __init__(self, project: Project, working: Version, *, staged: bool) -> None:
        assert project.root is not None
        self._repository = project.repository
        self._working = working
        self._staged = staged
        self._top_path = project.top(working.path)
        self._place = project.root / working.path
        self._now = working.data

    def write(self, number: int) -> bytes:
        """Put ``number`` into the edited bytes; what the file holds then."""
        working = self._working
        same = number == working.version
        self._put(working.data if same else with_version(working.data, number, file=working.path))
        return self._now

    def give_back(self) -> None:
        """Undo :meth:`write`; a file that was changed since is left alone. The first error is the one to report."""
        with suppress(PromptvcError):
            self._put(self._working.data)

    def _put(self, data: bytes) -> None:
        if data == self._now:
            return
        _replace(self._place, self._now, data)
        self._now = data
        if self._staged:
            # All of it was staged, so all of it stays staged: the commit is then what the index holds.
            self._repository.run("add", "--", self._top_path)


def _is_staged(project: Project, request: CommitRequest, path: str) -> bool:
    """Whether the index holds the working tree's bytes of ``path``, for the branch that is checked out here."""
    repository, top_path = project.repository, project.top(path)
    head = repository.head()
    if head.commit is None or request.branch not in {None, head.branch}:
        return False
    return _differs(repository, "diff-index", "--cached", head.commit, top_path) and not _differs(
        repository, "diff-files", top_path
    )


def _differs(repository: Repository, *arguments: str) -> bool:
    *command, path = arguments
    # With `-p` the contents are compared, and not only the times of change.
    options = ("-p", "--exit-code", "--no-ext-diff", "--no-textconv")
    code, _, _ = repository.outcome(command[0], *options, *command[1:], "--", path)
    return code == 1


def _digest(project: Project, name: str, commit: str | None) -> str | None:
    found = project.objects.at(commit, project.top(path_of(name))) if commit is not None else None
    return found[0] if found is not None else None


def _number(
    resolver: Resolver, request: CommitRequest, working: Version, committed: Version | None, tip: str | None
) -> int:
    """The number that the edited file gets."""
    if committed is not None and committed.digest == working.digest and not request.renumber:
        raise _nothing(request)
    following = next_version(resolver.repository, resolver, request.name, tip)
    written = working.version
    if request.renumber or written == following or (committed is not None and written == committed.version):
        return following
    if committed is None and written == 1:
        return following
    raise Refused(
        f"{request.name} says version {written}; the next one is {following}",
        hint=f"set it to {following}, or pass --renumber",
        file=working.path,
    )


def _refuse_marks(working: Version) -> None:
    marks = conflict_markers(working.data.decode())
    if marks:
        raise Refused(
            "the file has marks of a merge that was not resolved",
            hint="choose a side, and remove the marks",
            file=working.path,
            line=marks[0],
        )


def _nothing(request: CommitRequest) -> Refused:
    return Refused(f"{request.name} has no changes to commit", hint="edit its file first")


def _remarks(project: Project, prompt: Prompt) -> Iterator[str]:
    for one in template_remarks(prompt):
        yield f"{one.message} ({one.hint})" if one.hint else one.message
    path = f"evaluation/{prompt.name}.yaml"
    try:
        data = project.read(path)
        if data is not None:
            suite = load_suite(data, file=path, files=project.files())
            check_variables(suite, [one.name for one in prompt.variables if one.required])
    except InputError as error:
        yield f"{path}: {error.message}"


def _replace(place: Path, expected: bytes, data: bytes) -> None:
    """Write ``data`` if the file still holds ``expected``."""
    with storage_errors(place):
        current = place.read_bytes()
    if current != expected:
        raise InputError(f"{place.name} was changed meanwhile", hint="run the command again", file=str(place))
    write_atomic(place, data)
