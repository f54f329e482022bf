"""Shell completion: the scripts, what they ask for, and TAB in a real bash."""

from __future__ import annotations

import os
import pty
import select
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo
from tests.commands import ROOT, Cli, cli_of
from tests.worlds import DESK


def complete(cli: Cli, *words: str) -> list[str]:
    """What the shell is told for the last word."""
    more = {
        "COMP_WORDS": " ".join(["promptvc", *words]),
        "COMP_CWORD": str(len(words)),
        "_PROMPTVC_COMPLETE": "bash_complete",
    }
    done = cli.process(more=more)
    assert done.err == ""
    return [line.removeprefix("plain,") for line in done.out.splitlines() if line]


def test_commands_names_and_revisions(shipped: Repo, tmp_path: Path) -> None:
    cli = cli_of(shipped)
    assert complete(cli, "de") == ["demo", "deploy"]
    assert {"add", "import", "list", "summary", "commit", "to-cases"} < set(complete(cli, "feedback", ""))
    assert complete(cli, "show", "de") == [DESK]
    assert complete(cli, "deploy", f"{DESK}@") == [f"{DESK}@latest", f"{DESK}@production"]
    assert complete(cli, "train", DESK, "--appr") == ["--approach"]


def test_names_of_the_repository_that_c_names(shipped: Repo, tmp_path: Path) -> None:
    elsewhere = cli_of(shipped).at(tmp_path)
    assert complete(elsewhere, "show", "de") == []
    assert complete(elsewhere, "-C", str(shipped.path), "show", "de") == [DESK]
    assert complete(elsewhere, "show", "-C", str(shipped.path), "de") == [DESK]
    assert complete(elsewhere, "-C", str(shipped.path.parent), "show", "-C", shipped.path.name, "") == [DESK]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(desk: Repo, shell: str) -> None:
    cli = cli_of(desk)
    script = cli.ok("completion", shell)
    assert f"_PROMPTVC_COMPLETE={shell}_complete" in script
    assert cli.json("completion", shell)["script"] + "\n" == script
    assert "is not one of" in cli.fails(2, "completion", "csh")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash on this machine")
def test_tab_in_bash(shipped: Repo, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "promptvc"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m promptvc "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environ = shipped.environ | {"PATH": f"{program.parent}:{shipped.environ['PATH']}", "TERM": "dumb"}
    with bash(shipped.path, environ) as (write, read_until):
        write('eval "$(promptvc completion bash)"; echo now re""ady\n')
        read_until("now ready")
        write("promptvc show desk/ro\t")
        read_until("desk/route ")
        write("\x15promptvc show desk/route@prod\t")
        read_until("desk/route@production")


@contextmanager
def bash(
    where: Path, environ: dict[str, str]
) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """An interactive bash on a terminal of its own."""
    master, slave = pty.openpty()
    ends: dict[str, Any] = {"stdin": slave, "stdout": slave, "stderr": slave}
    command = ["bash", "--norc", "--noprofile", "-i"]
    child = subprocess.Popen(command, cwd=where, env=environ, start_new_session=True, **ends)
    os.close(slave)
    seen = bytearray()

    def write(text: str) -> None:
        os.write(master, text.encode())

    def read_until(text: str) -> None:
        while text.encode() not in seen:
            ready, _, _ = select.select([master], [], [], 30)
            assert ready, f"waited for {text!r}, saw {bytes(seen)!r}"
            seen.extend(os.read(master, 4096))
        seen.clear()

    try:
        yield write, read_until
    finally:
        child.kill()
        child.wait(30)
        os.close(master)
