"""Two branches brought together aside: which files change, what becomes of prompts, what is left to a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from promptvc.base.errors import InvalidDocument, Refused
from promptvc.deployment.environments import deployments
from promptvc.git.merge_tree import BASE, OURS, THEIRS, Aside, Stage, differences, merge_aside
from promptvc.git.objects import blob_id
from promptvc.prompts.edit import with_version
from promptvc.prompts.names import name_of, path_of
from promptvc.store.commits import next_version
from promptvc.store.contents import read_version
from promptvc.store.merging.conflict import ABSENT, Conflict
from promptvc.store.merging.merge import merge_prompts
from promptvc.store.numbering import owned_versions
from promptvc.workflows.brought import FileConflict, MergedPrompt, Result
from promptvc.workflows.project import Project

_REGULAR = {"100644", "100755"}
_NOTHING = "000000"
_ANEW = {"renumbered", "merged"}
_MOST_NAMED = 5
"""Prompts that one remark names."""


class Bringing:
    """The merge of two commits. Nothing is written.

    Attributes:
        changes: top-relative path -> what it shall hold, None: it is deleted.
        prompts: what became of each that the branch changed, by name.
        conflicts: what is left to a person; nothing is to be changed then.

    Raises:
        InputError: the two have no history in common.
        Refused: the branch changes links, submodules or programs.
    """

    def __init__(self, project: Project, ours: str, theirs: str) -> None:
        self.project = project
        self.ours, self.theirs = ours, theirs
        self.changes: dict[str, bytes | None] = {}
        self.prompts: list[MergedPrompt] = []
        self.conflicts: list[FileConflict] = []
        self._anew: list[tuple[str, int]] = []
        self._left: list[str] = []
        self._unsure: set[str] = set()
        aside = merge_aside(project.repository, ours, theirs, project.prefix)
        self._taken(aside)
        for path, stages in aside.unmerged.items():
            self._unmerged(path, stages)
        self.prompts.sort(key=lambda one: one.name)
        self._leave_copies()

    def remarks(self) -> Iterator[str]:
        """What to know about it, a line each: of many prompts one line."""
        for name, version in self._anew[:1] if len(self._anew) == 1 else ():
            yield (
                f"{name} v{version} is a text of its own: what was evaluated before does not speak of it "
                f"(promptvc evaluate {name} --save)"
            )
        if len(self._anew) > 1:
            named = _listed([f"{name} v{version}" for name, version in sorted(self._anew)])
            yield (
                f"{len(self._anew)} prompts are texts of their own now: {named}; what was evaluated before does not "
                "speak of them (promptvc evaluate NAME --save)"
            )
        yield from self._left
        if self._unsure:
            named = _listed(sorted(self._unsure))
            yield f"a shallow clone cannot tell whether these numbers are taken: {named} (git fetch --unshallow)"

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
            self._anew.append((name, version))
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
            self._anew.append((name, version))
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
                self._unsure.add(f"{name} v{version}")
            owner = owned_versions(project.history, project.resolver.contents, path_of(name), tip).get(
                version
            )
            if owner is not None:
                return owner.blob != digest
        return False

    def _leave_copies(self) -> None:
        """Deployments of a version whose number is another text here: what runs here stays.

        The branch's version has another number now, so that its copy would be of no version, and a deployment of the
        number would be of a text that nobody meant.
        """
        prefix = self.project.prefix
        digests = {path.removeprefix(prefix): "" for path in self.changes if path.startswith(prefix)}
        for one in deployments(digests):
            path = prefix + one.path
            data = self.changes[path]
            version = None if data is None else _number(data, path)
            if data is None or version is None or not self._is_taken(one.name, version, data):
                continue
            del self.changes[path]
            self._left.append(
                f"{one.path} is left as it is: v{version} of {one.name} is another text here than the one that the "
                f"branch deployed ({self._remedy(one.name, one.environment)})"
            )

    def _remedy(self, name: str, environment: str) -> str:
        """How the branch's words get to where it deployed them."""
        now = next((one.version for one in self.prompts if one.name == name and one.result in _ANEW), None)
        if now is None:
            return f"promptvc log {name} shows the versions that can be deployed"
        return f"its words are in v{now}: promptvc deploy {name}@v{now} --env {environment}"

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


def _listed(words: list[str]) -> str:
    """The first few, and how many more."""
    more = len(words) - _MOST_NAMED
    return ", ".join(words[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
