"""Version numbers before they are committed: what is staged, what a merge left, what a hook of git is shown."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import ROOT, Cli, cli_of

PATH = "prompts/a/b.yaml"
PROMPT = """\
name: a/b
version: 1
messages:
- {role: user, content: "{{ m }}"}
variables: {m: {required: true}}
rules:
- text: First.
- text: Second.
"""
SECOND = PROMPT.replace("version: 1", "version: 2") + "- text: Third.\n"


def started(repo: Repo, prefix: str = "") -> Cli:
    files = {"promptvc.yaml": "main: main\n", ".gitignore": ".promptvc/\n", PATH: PROMPT}
    repo.commit({prefix + path: text for path, text in files.items()}, "v1")
    repo.commit({prefix + PATH: SECOND}, "v2")
    return cli_of(repo).at(repo.path / prefix)


def found(cli: Cli) -> list[tuple[str, str, str]]:
    problems = cli.json("check", codes=(0, 1))["problems"]
    return [(one["rule"], one["severity"], one["file"]) for one in problems]


REUSED = [("version-reuse", "error", PATH)]


@pytest.mark.parametrize("prefix", ["", "sub [1]/"])
def test_a_staged_edit_under_a_number_that_is_taken(repo: Repo, prefix: str) -> None:
    cli = started(repo, prefix)
    repo.write({prefix + PATH: SECOND.replace("First.", "Erste.")})
    assert found(cli) == []  # a draft: `commit` gives it its number
    repo.git("add", "-A")
    assert found(cli) == REUSED
    assert found(cli.at(repo.path / prefix)) == REUSED
    (problem,) = cli.json("check", codes=(1,))["problems"]
    assert "promptvc commit a/b" in problem["hint"]
    assert cli.json("check", "a/b", codes=(1,))["problems"]
    cli.ok("commit", "a/b", "-m", "Speak German")
    assert found(cli) == []
    assert "version: 3" in repo.read(prefix + PATH).decode()


def test_what_is_staged_with_a_number_of_its_own_or_is_an_older_version_is_none(repo: Repo) -> None:
    cli = started(repo)
    for text in (SECOND.replace("version: 2", "version: 3").replace("First.", "Erste."), PROMPT):
        repo.write({PATH: text})
        repo.git("add", "-A")
        assert found(cli) == []
    repo.git("rm", "-q", "--cached", PATH)
    assert found(cli) == []


def test_a_branch_may_write_its_version_in_several_commits(repo: Repo) -> None:
    cli = started(repo)
    repo.git("switch", "-q", "-c", "side")
    third = SECOND.replace("version: 2", "version: 3")
    repo.commit({PATH: third + "- text: Fourth.\n"}, "Begin")
    repo.write({PATH: third + "- text: Fifth.\n"})
    repo.git("add", "-A")
    assert found(cli) == []


def test_a_merge_that_is_not_committed(repo: Repo) -> None:
    cli = started(repo)
    repo.git("branch", "side", "main~1")
    repo.git("switch", "-q", "side")
    repo.commit({PATH: PROMPT.replace("version: 1", "version: 2").replace("First.", "Theirs.")}, "Theirs")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-commit", "side")
    assert found(cli) == REUSED
    (problem,) = cli.json("check", codes=(1,))["problems"]
    assert "`version: 3`" in problem["hint"]
    repo.write({PATH: repo.read(PATH).decode().replace("version: 2", "version: 3")})
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "Merge")
    assert found(cli) == []


@pytest.mark.parametrize("how", [("-a",), ("--", PATH), ()])
def test_in_a_hook_it_is_the_commit_that_counts(repo: Repo, how: tuple[str, ...]) -> None:
    started(repo)
    program = f"{shlex.quote(sys.executable)} -P -m promptvc"
    hook(repo, "pre-commit", f"PYTHONPATH={shlex.quote(str(ROOT))} {program} check")
    before = repo.rev("main")
    repo.write({PATH: SECOND.replace("First.", "Erste.")})
    if not how:
        repo.git("add", "-A")
    command = ["git", "commit", "-q", "-m", "Reuse it", *how]
    done = subprocess.run(
        command, cwd=repo.path, env=repo.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "takes version 2" in done.stdout + done.stderr
    assert repo.rev("main") == before
    cli_of(repo).ok("commit", "a/b", "-m", "Speak German")
    assert "version: 3" in repo.show(f"main:{PATH}").decode()


def hook(repo: Repo, name: str, line: str) -> None:
    path = repo.path / ".git/hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def test_a_shallow_clone_of_a_merge_cannot_say_that_all_is_well(repo: Repo, tmp_path: Path) -> None:
    started(repo)
    shallow = tmp_path / "shallow"
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", str(shallow))
    (problem,) = cli_of(repo).at(shallow).json("check", codes=(1,))["problems"]
    assert (problem["rule"], problem["severity"]) == ("version-reuse", "error")
    assert "unshallow" in problem["hint"]
