"""Readable builders for real repositories: ``Repo`` turns ``{path: text}`` into commits."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from promptvc.git.repo import Repository

CLOCK = "1767225600 +0000"  # 2026-01-01T00:00:00Z
_CONFIG = """
[user]
\tname = Ada Author
\temail = ada@example.org
[init]
\tdefaultBranch = main
[gc]
\tauto = 0
[maintenance]
\tauto = false
[protocol "file"]
\tallow = always
"""

Files = Mapping[str, str | bytes | None]


def isolated_environ(home: Path) -> dict[str, str]:
    """Variables that see nothing of this machine but PATH: own HOME, fixed author and clock."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "gitconfig"
    if not config.exists():
        config.write_text(_CONFIG)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": CLOCK,
        "GIT_COMMITTER_DATE": CLOCK,
    }


@dataclass
class Repo:
    """A repository in a temporary folder, driven by the git command itself."""

    path: Path
    environ: dict[str, str] = field(repr=False)

    @classmethod
    def create(
        cls, path: Path, environ: Mapping[str, str], *, object_format: str = "sha1", bare: bool = False
    ) -> Repo:
        """An empty repository on the unborn branch ``main``; copied from a template after the first."""
        kind = f"template-{object_format}{'-bare' if bare else ''}"
        template = Path(environ["HOME"]) / kind
        if not template.exists():
            options = ["--bare"] if bare else []
            init = ["init", "-q", "-b", "main", "--template=", f"--object-format={object_format}"]
            _run([*init, *options, str(template)], template.parent, environ)
        shutil.copytree(template, path)
        return cls(path, dict(environ))

    def git(self, *args: str, input: str | bytes | None = None, ok: Sequence[int] = (0,)) -> str:  # noqa: A002
        """What ``git ARGS`` prints, without the last line break. A status not in ``ok`` fails the test."""
        return _run(args, self.path, self.environ, input=input, ok=ok)

    def write(self, files: Files) -> None:
        """Put files into the working tree; ``None`` deletes."""
        for name, content in files.items():
            target = self.path / name
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Files, message: str = "change") -> str:
        """Write the files, stage exactly them and commit; the commit's id."""
        self.write(files)
        if files:
            self.git("add", "-A", "--", *files)
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.rev("HEAD")

    def rev(self, name: str) -> str:
        """The full id of a revision."""
        return self.git("rev-parse", "--verify", name)

    def show(self, spec: str) -> bytes:
        """The content of ``REV:PATH``."""
        command = ["git", "cat-file", "blob", spec]
        return subprocess.run(
            command, cwd=self.path, env=self.environ, check=True, capture_output=True
        ).stdout

    def read(self, path: str) -> bytes:
        """The content of a file in the working tree."""
        return (self.path / path).read_bytes()

    def status(self) -> list[str]:
        """``git status`` as lines of ``XY path``, sorted; every untracked file on its own."""
        listing = self.git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
        return sorted(line for line in listing.split("\0") if line)

    def repository(self, start: str = ".") -> Repository:
        """The repository as promptvc opens it."""
        return Repository.discover(self.path / start, self.environ)


def _run(
    args: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    *,
    input: str | bytes | None = None,  # noqa: A002
    ok: Sequence[int] = (0,),
) -> str:
    data = input.encode() if isinstance(input, str) else input
    result = subprocess.run(
        ["git", *args], cwd=folder, env=dict(environ), input=data or b"", capture_output=True, check=False
    )
    assert result.returncode in ok, f"git {' '.join(args)}: {result.stderr.decode('utf-8', 'replace')}"
    return result.stdout.decode("utf-8", "surrogateescape").rstrip("\n")
