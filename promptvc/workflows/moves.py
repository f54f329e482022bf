"""What environments did with the versions of a prompt: deployments, rollbacks and holds, out of main's history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from promptvc.base.clock import format_time
from promptvc.base.errors import InvalidDocument
from promptvc.deployment.environments import FOLDER, deployments
from promptvc.deployment.holds import Hold, hold_paths, load_hold
from promptvc.git.trailers import first_trailer, parse_trailers, without_trailers
from promptvc.store.history import Change
from promptvc.workflows.project import Project

_ROLLBACK = "Roll back to "


@dataclass(frozen=True, slots=True)
class Move:
    """An environment began to run something else.

    Attributes:
        kind: ``removal`` where it runs the prompt no more; ``version`` and ``digest`` are None then.
        previous: what it ran before; None at first.
        commit, time: when main had it; ``author`` and ``reason`` of who wrote it, also on a branch.
        held: the version that a rollback held.
    """

    environment: str
    kind: Literal["deploy", "rollback", "removal"]
    version: int | None
    digest: str | None
    previous: int | None
    commit: str
    time: str
    author: str
    reason: str
    held: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As `changelog --json` and `log --graph --json` print it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Holding:
    """A hold that an environment has or had; ``lifted`` is when its file was deleted, None while it holds."""

    environment: str
    version: int
    digest: str
    reason: str
    by: str
    time: str
    lifted: str | None

    def to_json(self) -> dict[str, Any]:
        """As `changelog --json` and `log --graph --json` print it."""
        return {name: getattr(self, name) for name in self.__slots__}


class Moves:
    """The moves and holds of every prompt on main. The history is looked through once for all of them."""

    def __init__(self, project: Project) -> None:
        """
        Raises:
            NotFound: a shallow clone, which cannot know.
        """
        self.project = project
        self.main = project.main_commit
        if self.main is not None:
            project.history.require_whole(self.main, "what environments ran")

    def of(self, name: str) -> tuple[Move, ...]:
        """The moves of a prompt, newest first."""
        found: list[tuple[Change, Move]] = []
        for environment, path in self._copies.get(name, ()):
            found += self._of_file(name, environment, path)
        found.sort(key=lambda pair: pair[0].order, reverse=True)
        return tuple(move for _, move in found)

    def holds(self, name: str) -> tuple[Holding, ...]:
        """The holds of a prompt, those that were lifted too, newest first."""
        found = [one for path in self._holds.get(name, ()) for one in self._of_hold(path)]
        return tuple(sorted(found, key=lambda one: (one.time, one.environment, one.version), reverse=True))

    def _of_file(self, name: str, environment: str, path: str) -> Iterator[tuple[Change, Move]]:
        assert self.main is not None
        history, contents = self.project.history, self.project.resolver.contents
        chain = history.changes(path, self.main, first_parent=True)
        every = history.changes(path, self.main) if chain else []
        on_chain = {change.commit for change in chain}
        before: str | None = None
        for change in reversed(chain):
            if change.blob == before:
                continue
            previous = contents.version(before) if before is not None else None
            wrote, commit = change, self.project.objects.commit(change.commit)
            if len(commit.parents) > 1:
                wrote = _writer(change, [one for one in every if one.commit not in on_chain])
                commit = self.project.objects.commit(wrote.commit)
            trailers = parse_trailers(commit.message)
            number = first_trailer(trailers, "Promptvc-Held") if change.blob is not None else None
            kind: Literal["deploy", "rollback", "removal"] = "removal" if change.blob is None else "deploy"
            if number is not None or (
                change.blob is not None and commit.subject.startswith(_ROLLBACK + name)
            ):
                kind = "rollback"
            yield (
                change,
                Move(
                    environment=environment,
                    kind=kind,
                    version=contents.version(change.blob) if change.blob is not None else None,
                    digest=change.blob,
                    previous=previous,
                    commit=change.commit,
                    time=format_time(change.time),
                    author=wrote.author,
                    reason=without_trailers(commit.message),
                    held=previous if number is not None else None,
                ),
            )
            before = change.blob

    def _of_hold(self, path: str) -> Iterator[Holding]:
        """Each time that a hold was put there; a file that is no hold any more is for `check` to name."""
        assert self.main is not None
        lifted: str | None = None
        newer: str | None = None
        for change in self.project.history.changes(path, self.main, first_parent=True):
            if change.blob is None:
                lifted, newer = format_time(change.time), None
                continue
            hold = self._hold(path, change.blob)
            if hold is not None and newer is None:
                when = hold.time or format_time(change.time)
                yield Holding(hold.environment, hold.version, hold.digest, hold.reason, hold.by, when, lifted)
            newer = change.blob

    def _hold(self, path: str, blob: str) -> Hold | None:
        try:
            return load_hold(path, self.project.objects.blob(blob), memo=self.project.memo)
        except InvalidDocument:
            return None

    @cached_property
    def _files(self) -> Sequence[str]:
        return self.project.history.changed_files(FOLDER, self.main) if self.main is not None else ()

    @cached_property
    def _copies(self) -> dict[str, list[tuple[str, str]]]:
        """Name -> (environment, path) of every copy that there ever was."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for one in deployments(dict.fromkeys(self._files, "")):
            found[one.name].append((one.environment, one.path))
        return found

    @cached_property
    def _holds(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in hold_paths(self._files):
            found["/".join(path.split("/")[3:-1])].append(path)
        return found


def _writer(change: Change, aside: Sequence[Change]) -> Change:
    """The change that a merge brought: the newest on a side branch with that content that is older; else itself."""
    same = [one for one in aside if one.blob == change.blob and one.generation < change.generation]
    return max(same, key=lambda one: one.order, default=change)
