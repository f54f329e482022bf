"""`log --graph`: the versions of a prompt, its waiting candidates, and which was made from which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptvc.base.clock import format_time
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.deployment.environments import deployments
from promptvc.evidence.records import VersionKey
from promptvc.prompts.names import path_of
from promptvc.store.candidates import candidates
from promptvc.store.descent import Descent
from promptvc.store.foreign import refuse_foreign
from promptvc.store.graph import Drawn, draw
from promptvc.store.references import parse_reference
from promptvc.store.verdicts import newest, verdicts_of
from promptvc.store.versions import LogEntry
from promptvc.workflows.logged import Logged, as_logged
from promptvc.workflows.moves import Holding, Move, Moves
from promptvc.workflows.project import Project

IMPROVEMENT = "improvement"


@dataclass(frozen=True, slots=True)
class Merged:
    """The merge that brought a version to main."""

    commit: str
    time: str
    author: str

    def to_json(self) -> dict[str, str]:
        """As `log --graph --json` prints it."""
        return {"commit": self.commit, "time": self.time, "author": self.author}


@dataclass(frozen=True, slots=True)
class Node:
    """One version in the graph.

    Attributes:
        parents: the numbers of the versions that it was made from; ``made_from``: their digests.
        branch: where it is: main, the current branch, or a candidate's branch.
        on_main: False for a candidate that waits, and for what only the current branch has.
        owns_number: False for a content of a branch whose number is another content's: what it brought has another
            number since it was merged.
        draft: a candidate that waits and whose evidence shows no improvement.
        environments: those that run it now.
        held: the holds on it that are in force; ``moves``: the rollbacks to it and away from it, newest first.
        merged: how it came to main, where that was a merge.
    """

    logged: Logged
    parents: tuple[int, ...]
    made_from: tuple[str, ...]
    branch: str | None
    on_main: bool
    owns_number: bool
    draft: bool
    environments: tuple[str, ...]
    held: tuple[Holding, ...]
    moves: tuple[Move, ...]
    merged: Merged | None

    def to_json(self) -> dict[str, Any]:
        """As `log --graph --json` prints it: what `log --json` does, and more."""
        return self.logged.to_json() | {
            "parents": list(self.parents),
            "branch": self.branch,
            "on_main": self.on_main,
            "owns_number": self.owns_number,
            "draft": self.draft,
            "environments": list(self.environments),
            "held": [one.to_json() for one in self.held],
            "rollbacks": [one.to_json() for one in self.moves],
            "merged": self.merged.to_json() if self.merged else None,
        }


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of a prompt, children before their parents, and how each is drawn."""

    nodes: tuple[Node, ...]

    def drawn(self) -> Iterator[tuple[Node, Drawn]]:
        """Each node with what stands in front of its lines."""
        lanes = draw([(one.logged.digest, one.made_from) for one in self.nodes])
        return zip(self.nodes, lanes, strict=True)

    def to_json(self) -> list[dict[str, Any]]:
        """As `log --graph --json` prints it."""
        return [node.to_json() for node in self.nodes]


def graph(project: Project, name: str) -> Graph:
    """The versions of ``name`` with the candidates that wait on branches, or those of ``NAME@REV`` alone.

    Raises:
        NotFound: no such prompt or revision; a shallow clone, which cannot know.
    """
    reference = parse_reference(name)
    drawing = _Drawing(project, reference.name, reference.revision)
    return Graph(tuple(drawing.nodes()))


class _Drawing:
    """What is known of one prompt while its graph is made."""

    def __init__(self, project: Project, name: str, revision: str | None) -> None:
        self.project = project
        self.name = name
        resolver = project.resolver
        refuse_foreign(resolver.lying(name), name, "log --graph")
        self.entries = {entry.digest: entry for entry in resolver.log(name, revision)}
        self.branches = self._branches() if revision is None else {}
        tips = [resolver.main, resolver.head, *(commit for _, commit in self.branches.values())]
        if revision is not None:
            tips.append(project.repository.resolve(revision))
        self.tips = [tip for tip in dict.fromkeys(tips) if tip is not None]
        self.descent = Descent(resolver, name, self.tips)
        self.waiting = {blob for blob in self.branches if blob not in self.entries}
        for blob in self.waiting:
            self.entries[blob] = self._candidate(blob)
        self.strangers = self._strangers()
        self.entries |= self.strangers
        self.merges = self._merges()

    def nodes(self) -> Iterator[Node]:
        """Every version, the newest first, children before their parents."""
        found = verdicts_of(self.project.resolver, self.name, *self.tips)
        verdicts, moves = newest(found), Moves(self.project)
        rollbacks = [move for move in moves.of(self.name) if move.kind == "rollback"]
        holds = [hold for hold in moves.holds(self.name) if hold.lifted is None]
        running = self._running()
        for blob in sorted(self.entries, key=self._order, reverse=True):
            entry = self.entries[blob]
            verdict = verdicts.get(VersionKey(self.name, entry.version, blob))
            made_from = self.descent.parents(blob, self.entries.keys())
            yield Node(
                logged=as_logged(entry, verdict),
                parents=tuple(self.entries[parent].version for parent in made_from),
                made_from=made_from,
                branch=self._branch(blob),
                on_main=entry.on_main,
                owns_number=blob not in self.strangers,
                draft=blob in self.waiting and (verdict is None or verdict.verdict != IMPROVEMENT),
                environments=tuple(name for name, digest in running.items() if digest == blob),
                held=tuple(hold for hold in holds if hold.digest == blob),
                moves=tuple(
                    move
                    for move in rollbacks
                    if move.digest == blob or (move.previous == entry.version and blob not in self.strangers)
                ),
                merged=self.merges.get(blob),
            )

    def _order(self, blob: str) -> tuple[int, datetime, int, str]:
        """Ancestors before descendants; of what is as far from the beginning the older, then the lower number."""
        change = self.descent.changes[blob]
        return change.generation, change.time, self.entries[blob].version, blob

    def _branches(self) -> dict[str, tuple[str, str]]:
        """Content -> (branch, commit) of every candidate branch; a local one before a remote's."""
        found: dict[str, tuple[str, str]] = {}
        for one in candidates(self.project.repository, self.name):
            blob = self.project.objects.at(one.commit, self.project.top(path_of(self.name)))
            if blob is not None and self.project.resolver.contents.version(blob[0]) is not None:
                short = one.ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
                found.setdefault(blob[0], (short, one.commit))
        return found

    def _strangers(self) -> dict[str, LogEntry]:
        """Contents that do not own their number, the last that each branch had with it: another was there first."""
        numbers = self.project.resolver.contents.versions(self.descent.changes)
        taken = {entry.version for entry in self.entries.values()}
        # What was edited further under the same number was no version yet.
        drafts = {
            parent
            for blob, number in numbers.items()
            for parent in self.descent.parents(blob, numbers.keys())
            if numbers[parent] == number
        }
        main = self.project.main_commit
        changes = self.project.history.changes(path_of(self.name), main) if main is not None else []
        on_main = {change.blob for change in changes}
        return {
            blob: self._entry(blob, number, on_main=blob in on_main)
            for blob, number in numbers.items()
            if number is not None and number in taken and blob not in drafts and blob not in self.entries
        }

    def _candidate(self, blob: str) -> LogEntry:
        number = self.project.resolver.contents.version(blob)
        assert number is not None
        return self._entry(blob, number, on_main=False)

    def _entry(self, blob: str, number: int, *, on_main: bool) -> LogEntry:
        change = self.descent.changes[blob]
        return LogEntry(
            number, blob, change.commit, change.time, change.author, change.subject, on_main=on_main
        )

    def _branch(self, blob: str) -> str | None:
        if self.entries[blob].on_main:
            return self.project.main
        return self.branches[blob][0] if blob in self.branches else self.project.repository.head().branch

    def _running(self) -> Mapping[str, str]:
        """Environment -> digest of the copy that it runs, as main has it."""
        main = self.project.main_commit
        copies = deployments(self.project.tree(main, DEPLOYMENTS)) if main is not None else []
        return {one.environment: one.digest for one in copies if one.name == self.name}

    def _merges(self) -> dict[str, Merged]:
        """Content -> the commit on main's first-parent chain that brought it, where another one wrote it."""
        main = self.project.main_commit
        chain = (
            self.project.history.changes(path_of(self.name), main, first_parent=True)
            if main is not None
            else []
        )
        first = {change.blob: change for change in chain if change.blob is not None}
        return {
            blob: Merged(change.commit, format_time(change.time), change.author)
            for blob, change in first.items()
            if blob in self.entries and change.commit != self.entries[blob].commit
        }
