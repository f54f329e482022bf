"""Run promptvc as a user does: in this process with everything captured, or as a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from promptvc.cli.main import run
from tests.builders import Repo

ROOT = Path(__file__).resolve().parents[1]
CI = ("init", "--install", "promptvc[github]==1.2.3", "--ci")
"""`init --ci` with what is to be installed: no index has a release."""


@dataclass(frozen=True)
class Ran:
    """What a command did: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The ``error`` of a command run with ``--json``."""
        value: dict[str, Any] = json.loads(self.out)["error"]
        return value


@dataclass(frozen=True)
class Cli:
    """``cli("show", "a/b")`` runs in ``where``; ``check=True`` fails the test unless it exits with 0."""

    where: Path
    environ: Mapping[str, str] = field(repr=False)

    def at(self, where: Path) -> Cli:
        """The same user, somewhere else."""
        return replace(self, where=where)

    def __call__(self, *arguments: str, **more: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        environ = dict(self.environ) | more
        with (
            mock.patch.dict(os.environ, environ, clear=True),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                run(["-C", str(self.where), *arguments])
            except SystemExit as end:
                code = end.code
        assert isinstance(code, int)
        return Ran(code, out.getvalue(), err.getvalue())

    def ok(self, *arguments: str, **more: str) -> str:
        """What a command prints that has to succeed."""
        done = self(*arguments, **more)
        assert done.code == 0, f"promptvc {' '.join(arguments)}: {done}"
        return done.out

    def json(
        self, *arguments: str, codes: tuple[int, ...] = (0,), more: Mapping[str, str] | None = None
    ) -> Any:
        """The value that a command prints with ``--json``."""
        done = self(*arguments, "--json", **(more or {}))
        assert done.code in codes, f"promptvc {' '.join(arguments)}: {done}"
        return done.json

    def fails(self, code: int, *arguments: str, **more: str) -> str:
        """The error of a command that has to fail with ``code``: one ``error:`` line, a hint or none, no traceback."""
        done = self(*arguments, **more)
        assert done.code == code, done
        lines = done.err.splitlines()
        assert lines, done
        assert [line for line in lines if line.startswith("error: ")] == lines[:1], done.err
        assert all(line.startswith("hint: ") for line in lines[1:]), done.err
        return done.err

    def start(self, *arguments: str, **popen: Any) -> subprocess.Popen[bytes]:
        """A process of its own, with pipes."""
        more: Mapping[str, str] = popen.pop("more", {})
        environ = dict(self.environ) | {"PYTHONPATH": str(ROOT), **more}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-m", "promptvc", *arguments]
        return subprocess.Popen(command, cwd=self.where, env=environ, **{**pipes, **popen})

    def process(self, *arguments: str, **popen: Any) -> Ran:
        """The same, run to its end."""
        with self.start(*arguments, **popen) as process:
            out, err = process.communicate(timeout=120)
        return Ran(process.returncode, (out or b"").decode(), (err or b"").decode())


def cli_of(repo: Repo) -> Cli:
    return Cli(repo.path, repo.environ)


def events_in(text: str) -> Iterator[dict[str, Any]]:
    """The structured logs on stderr of a command run with ``--log``."""
    for line in text.splitlines():
        if line.startswith("{"):
            yield json.loads(line)
