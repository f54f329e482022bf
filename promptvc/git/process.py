"""A running git process: started, talked to, and never left behind."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import GitError
from promptvc.git.failures import explain, missing_git


@dataclass(frozen=True, slots=True)
class Running:
    """``git ARGS`` under way. Several can be under way at once; each must be ended by ``result`` or ``outcome``."""

    args: Sequence[str]
    process: subprocess.Popen[bytes]

    def outcome(self, data: bytes | None = None) -> tuple[int, bytes, str]:
        """Exit status, stdout and stderr, after giving it ``data`` to read.

        On Ctrl-C git is asked to stop: killed, it would leave its locks behind.
        """
        with self.process:
            try:
                stdout, stderr = self.process.communicate(data or b"")
            except BaseException:
                self.stop()
                raise
        return self.process.returncode, stdout, stderr.decode("utf-8", "replace")

    def result(self, data: bytes | None = None, ok: Sequence[int] = (0,)) -> bytes:
        """What it printed.

        Raises:
            GitError, Busy, StorageError: its exit status is not in ``ok``; in git's own words.
        """
        code, stdout, stderr = self.outcome(data)
        if code not in ok:
            raise explain(self.args, code, stderr)
        return stdout

    def stop(self) -> None:
        """Ask it to stop, wait for it and close its pipes. What it was doing is undone by git itself."""
        self.process.terminate()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                if stream is not None:
                    stream.close()
            except BrokenPipeError:
                pass  # it died with our words unread
        self.process.wait()


def start(
    args: Sequence[str], folder: Path, env: Mapping[str, str], *, outlive: int | None = None
) -> Running:
    """Start ``git ARGS`` in ``folder``. With ``outlive``, the descriptor of a held lock, it survives us.

    Then it runs in a session of its own, so that what kills our process group does not kill it half-way, and it holds
    the lock until it has ended.

    Raises:
        GitError: there is no git, or no such folder.
    """
    pipe = subprocess.PIPE
    command = ["git", *args]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(env),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            pass_fds=() if outlive is None else (outlive,),
            start_new_session=outlive is not None,
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        if not folder.is_dir():
            raise GitError(f"{folder} is not a folder", file=str(folder)) from error
        raise missing_git() from error
    return Running(args, process)
