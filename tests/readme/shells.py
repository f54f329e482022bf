"""Pages whose commands are run: their blocks, a shell with this promptvc on its PATH, a clone of the sample."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from promptvc.cli.main import promptvc
from tests.builders import isolated_environ
from tests.commands import Cli
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.state import BOT
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


def inside(script: str, folder: Path, environ: dict[str, str]) -> str:
    """What the commands of promptvc in the script print, run one after the other in this process, which is cheaper.

    Of the shell there are comments, quotes, lines that go on, ``> FILE`` and ``|| true``.
    """
    cli, printed = Cli(folder, environ), ""
    for line in script.replace("\\\n", " ").splitlines():
        name, *words = shlex.split(line, comments=True) or [""]
        if not name:
            continue
        assert name == "promptvc", line
        forgiving = words[-2:] == ["||", "true"]
        words = words[:-2] if forgiving else words
        file = folder / words[-1] if words[-2:-1] == [">"] else None
        done = cli(*(words[:-2] if file else words))
        assert forgiving or done.code == 0, f"{line}: {done}"
        if file:
            file.write_text(done.out, "utf-8")
        printed += done.out if file is None else ""
    return printed


@contextlib.contextmanager
def hosted(clone: Path, environ: dict[str, str]) -> Iterator[tuple[GitHubServer, dict[str, str]]]:
    """The clone's repository on a GitHub of this machine, as its ``origin``; the shell then has the token of a job."""
    bare = clone.parent / "hosted.git"
    run(f"git clone -q --bare '{clone}' '{bare}'", clone, environ)
    with GitHubServer(bare) as server:
        run(f"git remote add origin '{server.clone_url(BOT)}' && git fetch -q origin", clone, environ)
        yield server, environ | server.environ(BOT)


def table(text: str, mark: str) -> list[list[str]]:
    """The rows below the head of the table that follows ``<!-- MARK -->``."""
    part = text.split(f"<!-- {mark} -->\n", 1)[1].split("\n\n", 1)[0]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in part.splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in cells]


def dead_links(page: str) -> list[str]:
    """Links of ``page`` to files, or to headings, that are not there."""
    text, folder = (ROOT / page).read_text("utf-8"), (ROOT / page).parent
    found = []
    for target in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        if file.startswith("https://"):
            continue
        place = folder / file if file else ROOT / page
        if not place.exists() or (anchor and anchor not in _headings(place.read_text("utf-8"))):
            found.append(target)
    return found


def _headings(text: str) -> set[str]:
    titles = [line.lstrip("#").strip().lower() for line in text.splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


def unknown_options(text: str) -> list[str]:
    """Commands of promptvc in ``text`` with an option, or a subcommand, that the program has not."""
    return [line for line in _commands(text) if not _is_known(line)]


def _commands(text: str) -> Iterable[str]:
    return (line.strip() for line in re.findall(r"promptvc ((?:-C \S+ )?[a-z-]+[^`\n#&|;]*)", text))


def _is_known(line: str) -> bool:
    words = [word.strip("'\"(),.") for word in re.sub(r"^-C \S+ ", "", line).split()]
    context = click.Context(promptvc)
    command: click.Command | None = promptvc.get_command(context, words[0])
    if command is None:
        return not re.fullmatch(r"[a-z]+ .*--.*", line)  # prose: `promptvc is ...`
    flags = _flags(command)
    if isinstance(command, click.Group):
        inner = command.get_command(context, words[1]) if len(words) > 1 else None
        default = command.get_command(context, "run")
        for one in (inner, default if inner is None else None):
            flags |= _flags(one) if one is not None else set()
    return {word.partition("=")[0] for word in words if word.startswith("--")} <= flags


def _flags(command: click.Command) -> set[str]:
    return {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)} | {
        "--help",
        "--json",
    }
