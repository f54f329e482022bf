"""Pages whose commands are run: their blocks, a shell with this promptvc on its PATH, a clone of the sample."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.builders import isolated_environ
from tests.worlds import SAMPLE

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?:<!-- (?P<mark>[a-z-]+) -->\n)?```(?P<language>[a-z]+)\n(?P<text>.*?)```", re.DOTALL)


def blocks(page: str) -> list[dict[str, str]]:
    """The fenced blocks of a page: mark (or None), language, text."""
    return [match.groupdict() for match in BLOCK.finditer((ROOT / page).read_text("utf-8"))]


def make_shell(folder: Path) -> dict[str, str]:
    """Variables of a shell that has this promptvc on its PATH and sees nothing of the machine's own settings."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "promptvc").write_text(f'#!/bin/sh\nexec {sys.executable} -m promptvc "$@"\n')
    (tools / "promptvc").chmod(0o755)
    (folder / "home").mkdir()
    environ = isolated_environ(folder / "home")
    return environ | {"PATH": f"{tools}:{environ['PATH']}", "PYTHONPATH": str(ROOT)}


def make_clone(folder: Path, environ: dict[str, str]) -> Path:
    """This repository's sample in a repository of its own, as a clone has it."""
    folder.mkdir()
    for part in SAMPLE:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            shutil.copy(source, folder / part)
    run("git init -q -b main && git add -A && git commit -q -m Start", folder, environ)
    return folder


def run(script: str, folder: Path, environ: dict[str, str]) -> str:
    """What the script prints; every line of it must succeed."""
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
