"""What a forge does in the bare repository that it hosts: tips, merges, and serving it over smart HTTP."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.builders import CLOCK

_PROTECT = """#!/bin/sh
# Refuses a direct push to a protected branch; merging happens aside of hooks.
case " $FORGE_PROTECTED " in
*" ${1#refs/heads/} "*) echo "error: GH006: Protected branch update failed for $1." >&2; exit 1;;
esac
"""


class Conflict(Exception):
    """The two sides do not merge."""


class Bare:
    """A bare repository on disk; every call looks at it anew."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Forge",
            "GIT_AUTHOR_EMAIL": "forge@example.org",
            "GIT_COMMITTER_NAME": "Forge",
            "GIT_COMMITTER_EMAIL": "forge@example.org",
            "GIT_AUTHOR_DATE": CLOCK,
            "GIT_COMMITTER_DATE": CLOCK,
        }

    def git(self, *args: str, ok: tuple[int, ...] = (0,), input: bytes = b"") -> str:  # noqa: A002
        """What git prints, stripped."""
        done = self._run(args, input)
        assert done.returncode in ok, f"git {args}: {done.stderr.decode('utf-8', 'replace')}"
        return done.stdout.decode("utf-8", "replace").strip()

    def _run(self, args: tuple[str, ...], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", *args], cwd=self.path, env=self.environ, input=data, capture_output=True, check=False
        )

    def tip(self, branch: str) -> str | None:
        """The commit of a branch; None without it."""
        return self.git("rev-parse", "--verify", "-q", f"refs/heads/{branch}", ok=(0, 1)) or None

    def default(self) -> str:
        """The branch that HEAD names."""
        return self.git("symbolic-ref", "--short", "HEAD")

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether ``older`` is reachable from ``newer``."""
        return self._run(("merge-base", "--is-ancestor", older, newer)).returncode == 0

    def ahead(self, base: str, head: str) -> int:
        """How many commits of ``head`` are not in ``base``."""
        return int(self.git("rev-list", "--count", f"{base}..{head}"))

    def merged_tree(self, base: str, head: str) -> str:
        """The tree of the merge.

        Raises:
            Conflict: there is none.
        """
        done = self._run(("merge-tree", "--write-tree", "--no-messages", base, head))
        if done.returncode != 0:
            raise Conflict
        return done.stdout.decode().split("\n", 1)[0].strip()

    def merge(self, base_branch: str, head: str, how: str, message: str) -> str:
        """Merge ``head`` (a commit) into a branch by ``merge``, ``squash`` or ``rebase``; the new tip."""
        base = self.tip(base_branch)
        assert base is not None
        if how == "rebase":
            new = self._rebased(base, head)
        else:
            tree = self.merged_tree(base, head)
            parents = ["-p", base, *(["-p", head] if how == "merge" else [])]
            new = self.git("commit-tree", tree, *parents, "-F", "-", input=message.encode())
        self.git("update-ref", f"refs/heads/{base_branch}", new, base)
        return new

    def _rebased(self, base: str, head: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            place = str(Path(folder) / "work")
            self.git("worktree", "add", "-q", "--detach", place, head)
            try:
                if self._run(("-C", place, "rebase", "-q", base)).returncode != 0:
                    raise Conflict
                return self.git("-C", place, "rev-parse", "HEAD")
            finally:
                self.git("worktree", "remove", "--force", place)

    def delete(self, branch: str) -> None:
        """Delete a branch, as the button after a merge does."""
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def protect(self, branches: set[str]) -> None:
        """Make direct pushes to ``branches`` fail."""
        hook = self.path / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_PROTECT)
        hook.chmod(0o755)
        self.environ["FORGE_PROTECTED"] = " ".join(sorted(branches))

    def serve(
        self, method: str, tail: str, query: str, headers: Mapping[str, str], body: bytes, user: str | None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request of smart HTTP by ``git http-backend`` (git-http-backend(1)): status, headers, body."""
        environ = self.environ | {
            "GIT_PROJECT_ROOT": str(self.path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{self.path.name}/{tail}",
            "REQUEST_METHOD": method,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        if user is not None:
            environ["REMOTE_USER"] = user
        done = subprocess.run(
            ["git", "http-backend"], env=environ, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        found = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
        status = int(found.pop("Status", "200").split()[0])
        return status, found, content
