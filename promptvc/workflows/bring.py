"""`merge BRANCH`: bring a branch into the current one, prompts by items, each with a version number of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptvc.base.errors import GitError, InvalidDocument, NotFound, Refused, Usage
from promptvc.git.commits import CommitOptions, Plan, commit, maintain
from promptvc.git.drivers import settings_for
from promptvc.git.merge_tree import (
    BASE,
    OURS,
    THEIRS,
    Aside,
    Stage,
    begin_merge,
    differences,
    dirty,
    merge_aside,
)
from promptvc.git.objects import blob_id
from promptvc.git.trailers import with_trailers
from promptvc.prompts.edit import with_version
from promptvc.prompts.names import name_of, nearest, path_of
from promptvc.store.commits import next_version
from promptvc.store.contents import read_version
from promptvc.store.merging.conflict import ABSENT, Conflict
from promptvc.store.merging.merge import merge_prompts
from promptvc.store.numbering import owned_versions
from promptvc.store.outline import FORMAT
from promptvc.workflows.project import Project

Result = Literal["ours", "theirs", "merged", "renumbered", "removed"]
_REGULAR = {"100644", "100755"}
_NOTHING = "000000"


@dataclass(frozen=True, slots=True)
class BringRequest:
    """What to merge: ``branch`` is any git revision.

    ``conflicts``: where there are any, leave them in the working tree, marked, as `git merge` does. ``interpreter``:
    the Python that git then calls for prompts.
    """

    branch: str
    message: str | None = None
    conflicts: bool = False
    interpreter: str = "python3"
    no_verify: bool = False


@dataclass(frozen=True, slots=True)
class MergedPrompt:
    """What became of one prompt. ``version`` is None where it was removed, or says no number."""

    name: str
    result: Result
    version: int | None

    def to_json(self) -> dict[str, Any]:
        """``{name, result, version}``."""
        return {"name": self.name, "result": self.result, "version": self.version}


@dataclass(frozen=True, slots=True)
class FileConflict:
    """A conflict and the file it is in, from the top of the repository."""

    file: str
    conflict: Conflict

    def to_json(self) -> dict[str, Any]:
        """``{file, path, reason, ours, theirs}``."""
        return {"file": self.file, **self.conflict.to_json()}


@dataclass(frozen=True, slots=True)
class Brought:
    """What a merge did. ``commit`` is None with conflicts; ``begun`` says that they are in the working tree.

    ``changed`` is False when the branch had nothing new.
    """

    branch: str
    into: str
    commit: str | None
    prompts: tuple[MergedPrompt, ...] = ()
    conflicts: tuple[FileConflict, ...] = ()
    remarks: tuple[str, ...] = ()
    changed: bool = True
    begun: bool = False

    def to_json(self) -> dict[str, Any]:
        """As `merge --json` prints it."""
        return {
            "branch": self.branch,
            "into": self.into,
            "commit": self.commit,
            "prompts": [one.to_json() for one in self.prompts],
            "conflicts": [one.to_json() for one in self.conflicts],
            "remarks": list(self.remarks),
        }


def bring(project: Project, request: BringRequest) -> Brought:
    """Merge a branch into the one that is checked out.

    The merge is made aside and committed with both parents. With conflicts nothing is touched.

    Raises:
        Usage: a bare repository, a detached HEAD, nothing committed yet.
        NotFound: there is no such branch.
        InputError: the two have no history in common.
        Refused: edited files are in the way, the branch changes links or submodules, or HEAD was moved meanwhile.
        GitError: a merge, rebase, cherry-pick or revert is under way; a hook refused.
    """
    repository = project.repository
    into, ours = _here(project)
    theirs = repository.resolve(request.branch)
    if theirs is None:
        known = [ref.removeprefix("refs/heads/") for ref in repository.refs("refs/heads")]
        near = nearest(request.branch, known)
        hint = f"did you mean {near}?" if near else "git branch -a lists them"
        raise NotFound(f"there is no branch {request.branch}", hint=hint)
    if repository.is_ancestor(theirs, ours):
        return Brought(request.branch, into, ours, changed=False)
    merge = _Merge(project, ours, theirs)
    conflicts = tuple(merge.conflicts)
    if conflicts:
        if request.conflicts:
            driver = {one.key: one.value for one in settings_for(request.interpreter, FORMAT)}
            begin_merge(repository, theirs, project.prefix, driver["merge.promptvc.driver"])
        prompts = tuple(merge.prompts)
        return Brought(request.branch, into, None, prompts, conflicts, begun=request.conflicts)
    in_the_way = sorted(merge.changes.keys() & dirty(repository))
    if in_the_way:
        raise Refused(
            f"{in_the_way[0]} is not as it was committed, and the merge changes it",
            hint="commit it, or put it aside: git stash",
            file=in_the_way[0],
        )
    if not merge.changes:
        return Brought(request.branch, into, ours, tuple(merge.prompts), changed=False)

    def build(tip: str | None) -> Plan:
        if tip != ours:
            raise Refused(f"{into} was moved meanwhile", hint="run the command again")
        subject = request.message or f"Merge {request.branch}"
        return Plan(merge.changes, with_trailers(*_parts(subject, merge.prompts), []), merged=theirs)

    done = commit(repository, None, build, options=CommitOptions(no_verify=request.no_verify))
    project.log.event("branch.merged", branch=request.branch, commit=done.commit)
    maintain(repository)
    remarks = [*merge.remarks, *(f"{path} was edited meanwhile and left as it is" for path in done.kept)]
    return Brought(request.branch, into, done.commit, tuple(merge.prompts), remarks=tuple(remarks))


def _here(project: Project) -> tuple[str, str]:
    """The current branch and its tip."""
    if project.root is None:
        raise Usage("a bare repository has no branch checked out", hint="run it in a clone")
    operation = project.repository.in_progress()
    if operation:
        raise GitError(
            f"a {operation} is in progress", hint=f"finish it, or `git {operation} --abort`, then try again"
        )
    head = project.repository.head()
    if head.branch is None:
        raise Usage("HEAD is detached: there is no branch to merge into", hint="git switch BRANCH")
    if head.commit is None:
        raise Usage(f"nothing is committed on {head.branch} yet", hint="git switch the branch itself")
    return head.branch, head.commit


def _parts(subject: str, prompts: Iterable[MergedPrompt]) -> tuple[str, str]:
    first, _, body = subject.strip().partition("\n")
    lines = [
        f"{one.name} v{one.version}: {one.result}"
        for one in prompts
        if one.result in {"merged", "renumbered"}
    ]
    return first, "\n\n".join(part for part in (body.strip(), "\n".join(lines)) if part)


class _Merge:
    """The merge of two commits, made aside: what it changes, what became of prompts, what is left to a person."""

    def __init__(self, project: Project, ours: str, theirs: str) -> None:
        self.project = project
        self.ours, self.theirs = ours, theirs
        self.changes: dict[str, bytes | None] = {}
        self.prompts: list[MergedPrompt] = []
        self.conflicts: list[FileConflict] = []
        self.remarks: list[str] = []
        aside = merge_aside(project.repository, ours, theirs, project.prefix)
        self._taken(aside)
        for path, stages in aside.unmerged.items():
            self._unmerged(path, stages)
        self.prompts.sort(key=lambda one: one.name)

    def _taken(self, aside: Aside) -> None:
        """What git has merged: files that only they changed, and other files."""
        for one in differences(self.project.repository, self.ours, aside.tree):
            if one.path in aside.unmerged:
                continue
            if one.after.mode == _NOTHING and one.before.mode in _REGULAR:
                self.changes[one.path] = None
            elif (
                one.after.mode in _REGULAR
                and one.before.mode in {_NOTHING, one.after.mode}
                and (one.before.mode != _NOTHING or one.after.mode == "100644")
            ):
                self.changes[one.path] = self.project.objects.blob(one.after.oid)
            else:
                raise Refused(
                    f"the branch changes {one.path}, which is a link, a submodule or a program",
                    hint="`promptvc git install` once, then `git merge`",
                    file=one.path,
                )
            name = self._name(one.path)
            if name is not None:
                self._prompt_taken(name, one.path, self.changes[one.path])

    def _prompt_taken(self, name: str, path: str, data: bytes | None) -> None:
        """A prompt as they have it; its number may be taken here all the same."""
        if data is None:
            self.prompts.append(MergedPrompt(name, "removed", None))
            return
        version = _number(data, path)
        result: Result = "theirs"
        if version is not None and self._is_taken(name, version, data):
            version, result = self._next(name), "renumbered"
            self.changes[path] = with_version(data, version, file=path)
            self._remark(name, version)
        self.prompts.append(MergedPrompt(name, result, version))

    def _unmerged(self, path: str, stages: Mapping[int, Stage]) -> None:
        name = self._name(path)
        regular = all(stage.mode in _REGULAR for stage in stages.values())
        if name is None or not regular or OURS not in stages or THEIRS not in stages:
            self.conflicts.append(FileConflict(path, _whole(stages)))
            return
        objects = self.project.objects
        base = objects.blob(stages[BASE].oid) if BASE in stages else None
        ours, theirs = objects.blob(stages[OURS].oid), objects.blob(stages[THEIRS].oid)
        merged = merge_prompts(base, ours, theirs, file=path)
        self.conflicts += [FileConflict(path, one) for one in merged.conflicts]
        if not merged.conflicts:
            self._prompt_merged(name, path, merged.data, (ours, theirs))

    def _prompt_merged(self, name: str, path: str, data: bytes, sides: tuple[bytes, bytes]) -> None:
        version = _number(data, path)
        result: Result = "ours" if data == sides[0] else "theirs" if data == sides[1] else "merged"
        if version is not None and (result == "merged" or self._is_taken(name, version, data)):
            numbers = {_number(side, path) for side in sides}
            result = "renumbered" if len(numbers) == 1 or result != "merged" else "merged"
            version = self._next(name)
            data = with_version(data, version, file=path)
            self._remark(name, version)
        if data != sides[0]:
            self.changes[path] = data
        self.prompts.append(MergedPrompt(name, result, version))

    def _next(self, name: str) -> int:
        return next_version(self.project.repository, self.project.resolver, name, self.theirs)

    def _is_taken(self, name: str, version: int, data: bytes) -> bool:
        """Whether another content has that number on main, or in the history of the branch that is merged into."""
        project = self.project
        digest = blob_id(data, project.repository.object_format)
        for tip in dict.fromkeys((project.main_commit, self.ours)):
            if tip is None:
                continue
            if project.history.cut_off(tip):
                self.remarks.append(f"a shallow clone cannot tell whether v{version} of {name} is taken")
            owner = owned_versions(project.history, project.resolver.contents, path_of(name), tip).get(
                version
            )
            if owner is not None:
                return owner.blob != digest
        return False

    def _remark(self, name: str, version: int) -> None:
        self.remarks.append(
            f"{name} v{version} is a text of its own: what was evaluated before does not speak of it "
            f"(promptvc evaluate {name} --save)"
        )

    def _name(self, path: str) -> str | None:
        prefix = self.project.prefix
        return name_of(path.removeprefix(prefix)) if path.startswith(prefix) else None


def _number(data: bytes, path: str) -> int | None:
    try:
        return read_version(data, file=path)
    except InvalidDocument:
        return None


def _whole(stages: Mapping[int, Stage]) -> Conflict:
    """A file that is for a person to merge."""
    if OURS in stages and THEIRS in stages:
        reason = "both sides changed it" if BASE in stages else "both sides added it, differently"
    elif OURS in stages:
        reason = "we changed what they removed" if BASE in stages else "it is in the way of theirs"
    elif THEIRS in stages:
        reason = "they changed what we removed" if BASE in stages else "it is in the way of ours"
    else:
        reason = "both sides moved it, differently"
    return Conflict((), reason, ABSENT, ABSENT, ABSENT)
