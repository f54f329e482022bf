"""The history index: which commit changed which file, for every commit reachable from the tips asked about.

Built in one pass, extended by what is new, keyed by commit id, so that another branch or a force push is just
another walk. The index never decides an answer: without it the same walk is made in memory.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from promptvc.base.errors import NotFound
from promptvc.git.repo import Repository
from promptvc.prompts.names import FOREIGN_SUFFIXES
from promptvc.store.index import Index
from promptvc.store.reach import Reach, pack_parents, reach, store
from promptvc.store.walk import Walked, walk

FOLDERS = ("prompts", "deployments", "evaluation")


@dataclass(frozen=True, slots=True)
class Change:
    """One commit changed one file, against its first parent.

    Attributes:
        blob: the new content; None when the file was deleted.
        time: the author's.
        generation: 1 for a root, one more than the highest parent's for others: sorts by ancestry and is the
            same in every clone.
    """

    commit: str
    blob: str | None
    time: datetime
    author: str
    subject: str
    generation: int

    @property
    def order(self) -> tuple[int, datetime, str]:
        """Oldest first: ancestors before descendants; unrelated commits by time, then id."""
        return self.generation, self.time, self.commit


class History:
    """Changes below the prompt root. Not for use from several threads at once; close it, or use ``with``."""

    def __init__(
        self, repository: Repository, directory: Path | None, prefix: str = "", *, anywhere: bool = False
    ) -> None:
        """
        Args:
            directory: ``.promptvc`` of the prompt root; None keeps the index in memory.
            prefix: the prompt root below the top of the repository, ``""`` or ``sub/folder``.
            anywhere: changes of files of GitHub's format are wanted wherever they lie below the prompt root.
        """
        self._repository = repository
        self._directory = directory
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._anywhere = anywhere
        self._index: Index | None = None
        self._cut: tuple[str, ...] = ()
        self._memo: tuple[sqlite3.Connection, dict[str, Reach]] | None = None

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the index's file."""
        if self._index is not None:
            self._index.close()
            self._index = None
            self._memo = None

    @property
    def index(self) -> Index:
        """The index, opened; opened anew after a fetch that made a shallow history deeper."""
        cut = self._boundary()
        if self._index is not None and cut != self._cut:
            self.close()
        if self._index is None:
            self._cut = cut
            shallow = hashlib.sha256("\n".join(cut).encode()).hexdigest() if cut else "whole"
            identity = (
                f"{self._repository.object_format} {shallow} {self._prefix}{':anywhere' * self._anywhere}"
            )
            self._index = Index(self._directory, identity)
        return self._index

    def update(self, tips: Iterable[str]) -> None:
        """Make every commit reachable from ``tips`` (commit ids) known. What is known already costs nothing."""
        wanted = tuple(tips)
        self.index.guarded(lambda: self._update(wanted))

    def changes(self, path: str, tip: str, *, first_parent: bool = False) -> list[Change]:
        """Changes of the file ``path`` (from the prompt root) in the history of ``tip``, newest first.

        Args:
            first_parent: only commits on the chain of first parents; a merge then stands for all it brought.

        Raises:
            NotFound: ``tip`` is no commit here.
        """
        return self.index.guarded(lambda: self._changes(path, tip, first_parent=first_parent))

    def held(self, files: Iterable[tuple[str, str]], tip: str) -> set[tuple[str, str]]:
        """Of (path from the prompt root, blob): those that some commit in the history of ``tip`` brought.

        Where that history is cut off (:meth:`cut_off`), one that is missing may still be older than the cut.
        """
        wanted = tuple(files)
        return self.index.guarded(lambda: self._held(wanted, tip))

    def perhaps_numbered(
        self, numbers: Iterable[tuple[str, int]], tip: str
    ) -> dict[tuple[str, int], set[str]]:
        """(path, version) -> the contents of that file, in the history of ``tip``, that may have that number.

        Left out are those whose number is remembered in the index and is another one.
        """
        wanted = tuple(numbers)
        return self.index.guarded(lambda: self._perhaps_numbered(wanted, tip))

    def changed_files(self, folder: str, tip: str) -> list[str]:
        """Every file (from the prompt root) below ``folder`` that the history of ``tip`` ever had, sorted."""
        return self.index.guarded(lambda: self._changed_files(folder, tip))

    def cut_off(self, tip: str) -> bool:
        """Whether the history of ``tip`` ends in a shallow clone's boundary, so that older commits are unknown."""
        index = self.index
        return bool(self._cut) and index.guarded(lambda: self._cut_off(tip))

    def require_whole(self, tip: str, what: str) -> None:
        """
        Raises:
            NotFound: the history of ``tip`` is cut off, so that ``what`` cannot be known.
        """
        if self.cut_off(tip):
            raise NotFound(
                f"this shallow clone cannot know {what}: its history is cut off",
                hint="fetch the whole history: git fetch --unshallow",
            )

    def _update(self, tips: tuple[str, ...]) -> None:
        assert self._index is not None
        if all(self._number(tip) is not None for tip in tips):
            return
        with self._index.transaction() as connection:
            # Another process may have done it while we waited for the lock.
            missing = [tip for tip in dict.fromkeys(tips) if self._number(tip) is None]
            if not missing:
                return
            heads = connection.execute("SELECT id FROM commits JOIN heads USING (n)")
            known = [bytes(row[0]).hex() for row in heads]
            folders = [self._prefix + folder for folder in FOLDERS]
            suffixes = FOREIGN_SUFFIXES if self._anywhere else ()
            walked = walk(self._repository, missing, known, folders, suffixes=suffixes)
            _Writer(connection).write(walked)
            for tip in missing:
                number = self._number(tip)
                if number is None:
                    raise NotFound(f"there is no commit {tip} in this repository")
                store(connection, number, reach(connection, number))

    def _changes(self, path: str, tip: str, *, first_parent: bool) -> list[Change]:
        reached = self._reach(tip)
        rows = self._connection.execute(
            "SELECT n, id, blob, time, author, subject, generation FROM paths JOIN changes USING (p)"
            " JOIN commits USING (n) WHERE path = ?",
            (_raw(self._prefix + path),),
        )
        has = reached.has_first if first_parent else reached.has
        found = [
            Change(
                commit=row[1].hex(),
                blob=row[2].hex() if row[2] is not None else None,
                time=datetime.fromtimestamp(row[3], UTC),
                author=row[4],
                subject=row[5],
                generation=row[6],
            )
            for row in rows
            if has(row[0])
        ]
        found.sort(key=lambda change: change.order, reverse=True)
        return found

    def _held(self, files: tuple[tuple[str, str], ...], tip: str) -> set[tuple[str, str]]:
        reached = self._reach(tip)
        query = "SELECT n FROM paths JOIN changes USING (p) WHERE path = ? AND blob = ?"
        found = set()
        for path, blob in files:
            rows = self._connection.execute(query, (_raw(self._prefix + path), bytes.fromhex(blob)))
            if any(reached.has(n) for (n,) in rows):
                found.add((path, blob))
        return found

    def _perhaps_numbered(
        self, numbers: tuple[tuple[str, int], ...], tip: str
    ) -> dict[tuple[str, int], set[str]]:
        reached = self._reach(tip)
        query = (
            "SELECT n, changes.blob FROM paths JOIN changes USING (p) LEFT JOIN versions USING (blob)"
            " WHERE path = ? AND changes.blob IS NOT NULL AND (version = ? OR versions.blob IS NULL)"
        )
        return {
            (path, version): {
                blob.hex()
                for n, blob in self._connection.execute(query, (_raw(self._prefix + path), version))
                if reached.has(n)
            }
            for path, version in numbers
        }

    def _changed_files(self, folder: str, tip: str) -> list[str]:
        reached = self._reach(tip)
        start = _raw(f"{self._prefix}{folder.strip('/')}/")
        rows = self._connection.execute(
            "SELECT path, n FROM paths JOIN changes USING (p) WHERE path >= ? AND path < ?",
            (start, start[:-1] + b"0"),  # "0" follows "/"
        )
        names = {path for path, n in rows if reached.has(n)}
        cut = len(self._prefix)
        return sorted(bytes(name).decode("utf-8", "surrogateescape")[cut:] for name in names)

    def _cut_off(self, tip: str) -> bool:
        reached = self._reach(tip)
        numbers = (self._number(commit) for commit in self._cut)
        return any(n is not None and reached.has(n) for n in numbers)

    def _reach(self, tip: str) -> Reach:
        self._update((tip,))
        if self._memo is None or self._memo[0] is not self._connection:
            self._memo = (self._connection, {})
        memo = self._memo[1]
        if tip not in memo:
            number = self._number(tip)
            assert number is not None
            memo[tip] = reach(self._connection, number)
        return memo[tip]

    def _number(self, commit: str) -> int | None:
        row = self._connection.execute(
            "SELECT n FROM commits WHERE id = ?", (bytes.fromhex(commit),)
        ).fetchone()
        return row[0] if row is not None else None

    @property
    def _connection(self) -> sqlite3.Connection:
        assert self._index is not None
        return self._index.connection

    def _boundary(self) -> tuple[str, ...]:
        try:
            text = (self._repository.common_dir / "shallow").read_text("ascii")
        except FileNotFoundError:
            return ()
        return tuple(sorted(text.split()))


class _Writer:
    """Puts walked commits into the tables, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._next = self._after("SELECT max(n) FROM commits")
        self._next_path = self._after("SELECT max(p) FROM paths")
        self._commits: dict[str, tuple[int, int]] = {}
        self._paths: dict[bytes, int] = {}

    def write(self, commits: Iterable[Walked]) -> None:
        """Insert them all; parents come first."""
        heads: set[int] = set()
        parents_of_new: set[int] = set()
        for commit in commits:
            parents = [self._known(parent) for parent in commit.parents]
            numbers = [parent[0] for parent in parents if parent is not None]
            generation = 1 + max((parent[1] for parent in parents if parent is not None), default=0)
            n = self._next
            self._next += 1
            self._commits[commit.id] = (n, generation)
            self._connection.execute(
                "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    n,
                    bytes.fromhex(commit.id),
                    pack_parents(numbers),
                    generation,
                    commit.time,
                    commit.author,
                    commit.subject,
                ),
            )
            self._write_changes(n, commit.changes)
            parents_of_new.update(numbers)
            heads.add(n)
        self._connection.executemany("DELETE FROM heads WHERE n = ?", ((n,) for n in parents_of_new))
        self._connection.executemany("INSERT INTO heads VALUES (?)", ((n,) for n in heads - parents_of_new))

    def _write_changes(self, n: int, changes: Iterable[tuple[bytes, str | None]]) -> None:
        self._connection.executemany(
            "INSERT INTO changes VALUES (?, ?, ?)",
            (
                (self._path(path), n, bytes.fromhex(blob) if blob is not None else None)
                for path, blob in changes
            ),
        )

    def _known(self, commit: str) -> tuple[int, int] | None:
        if commit not in self._commits:
            row = self._connection.execute(
                "SELECT n, generation FROM commits WHERE id = ?", (bytes.fromhex(commit),)
            ).fetchone()
            if row is None:
                return None
            self._commits[commit] = row
        return self._commits[commit]

    def _path(self, path: bytes) -> int:
        if path not in self._paths:
            row = self._connection.execute("SELECT p FROM paths WHERE path = ?", (path,)).fetchone()
            if row is None:
                self._connection.execute("INSERT INTO paths VALUES (?, ?)", (self._next_path, path))
                row = (self._next_path,)
                self._next_path += 1
            self._paths[path] = row[0]
        return self._paths[path]

    def _after(self, query: str) -> int:
        (highest,) = self._connection.execute(query).fetchone()
        return 0 if highest is None else int(highest) + 1


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
