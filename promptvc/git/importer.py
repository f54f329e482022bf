"""A ``git fast-import`` kept open: it answers what a tree holds, then writes blobs, trees and one commit.

The commit is put on a temporary ref that the same stream takes back, so that no ref is ever left: the branch is
moved later, by compare-and-swap. (fast-import itself can only tell fast-forwards, and would undo a reset.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from promptvc.base.errors import GitError
from promptvc.git.failures import explain
from promptvc.git.objects import Entry
from promptvc.git.preferences import Preferences
from promptvc.git.process import Running
from promptvc.git.repo import Repository

_TEMPORARY = b"refs/promptvc/temporary"
_BATCH = 100  # questions sent before their answers are read; both fit into a pipe


@dataclass(frozen=True, slots=True)
class Content:
    """What a path shall hold: ``mode`` and either ``data`` or the id of a blob that is stored already."""

    mode: str
    data: bytes | None = None
    oid: str | None = None


class Importer:
    """One fast-import session. ``close`` ends it, whatever came of it."""

    def __init__(self, repository: Repository) -> None:
        self._running: Running = repository.begin("fast-import", "--quiet", "--date-format=raw")

    def entries(self, commit: str, paths: Sequence[str]) -> dict[str, Entry]:
        """What ``commit`` has at each path: files, links, folders and submodules; absent paths are left out."""
        found: dict[str, Entry] = {}
        for first in range(0, len(paths), _BATCH):
            batch = paths[first : first + _BATCH]
            self._send(b"".join(b"ls %s %s\n" % (commit.encode(), quoted(path)) for path in batch))
            for path in batch:
                line = self._line()
                if not line.startswith(b"missing "):
                    mode, _, oid = line.partition(b"\t")[0].decode("ascii").split(" ")
                    found[path] = Entry(mode.lstrip("0"), oid)
        return found

    def blob(self, oid: str) -> bytes:
        """The content of a blob."""
        self._send(b"cat-blob %s\n" % oid.encode())
        header = self._line().split()
        if len(header) != 3 or header[1] != b"blob":
            raise self._failed()
        size = int(header[2])
        stdout = self._running.process.stdout
        assert stdout is not None
        return stdout.read(size + 1)[:size]

    def commit(
        self,
        message: str,
        contents: Mapping[str, Content | None],
        parents: Sequence[str],
        preferences: Preferences,
    ) -> tuple[str, str]:
        """A commit on the first of ``parents`` with these paths changed (None deletes); its id and its tree's.

        The ids are known before the objects are: those can be read only after ``finish``.
        """
        self._send(b"".join(_stream(message, contents, parents, preferences)))
        commit = self._line().strip().decode("ascii")
        tree = self._line().split()[2].decode("ascii")
        process = self._running.process
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        return commit, tree

    def finish(self) -> None:
        """Wait until the objects are stored.

        Raises:
            GitError, StorageError: they are not.
        """
        if self._running.process.returncode is None:
            self._running.result()

    def close(self) -> None:
        """End a session that has nothing to write, or no more. Not by a signal: that would leave a pack half made."""
        if self._running.process.returncode is None:
            self._running.outcome()

    def _send(self, data: bytes) -> None:
        stdin = self._running.process.stdin
        assert stdin is not None
        try:
            stdin.write(data)
            stdin.flush()
        except BrokenPipeError as error:
            raise self._failed() from error

    def _line(self) -> bytes:
        stdout = self._running.process.stdout
        assert stdout is not None
        line = stdout.readline()
        if not line.endswith(b"\n"):
            raise self._failed()
        return line

    def _failed(self) -> Exception:
        process = self._running.process
        process.terminate()
        stderr = process.stderr.read().decode("utf-8", "replace") if process.stderr else ""
        self._running.stop()
        if not stderr.strip():
            return GitError(f"git fast-import ended with status {process.returncode}")
        return explain(self._running.args, process.returncode, stderr)


def quoted(path: str) -> bytes:
    """A path as fast-import reads it: in double quotes, so that any byte can stand in it."""
    raw = path.encode("utf-8", "surrogateescape")
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def _stream(
    message: str, contents: Mapping[str, Content | None], parents: Sequence[str], preferences: Preferences
) -> Iterable[bytes]:
    text = message.encode("utf-8", "surrogateescape")
    yield b"commit %s\nmark :1\n" % _TEMPORARY
    yield b"author %s\ncommitter %s\n" % (preferences.author.line, preferences.committer.line)
    yield b"data %d\n%s\n" % (len(text), text)
    for word, parent in zip((b"from", b"merge"), parents, strict=False):
        yield b"%s %s\n" % (word, parent.encode())
    for path, content in contents.items():
        if content is None:
            yield b"D %s\n" % quoted(path)
        elif content.oid is not None:
            yield b"M %s %s %s\n" % (content.mode.encode(), content.oid.encode(), quoted(path))
        else:
            data = content.data or b""
            yield b"M %s inline %s\ndata %d\n%s\n" % (content.mode.encode(), quoted(path), len(data), data)
    yield b'\nget-mark :1\nls :1 ""\nreset %s\n\n' % _TEMPORARY
