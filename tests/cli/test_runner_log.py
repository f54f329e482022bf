"""In a CI runner's log nothing that strangers wrote is a command."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from promptvc.cli.runner_log import RunnerLog, inert, is_log
from promptvc.cli.ui import Ui
from tests.builders import Repo
from tests.commands import cli_of

ACTIONS = {"GITHUB_ACTIONS": "true"}
HOSTILE = "::stop-commands::x"


def commands(log: str) -> list[str]:
    """Lines that the runner of GitHub Actions obeys."""
    return [line for line in log.splitlines() if line.strip().startswith("::") or "##[" in line]


@given(st.text(alphabet=":#[ \t\r\n\u2028\x0bab", max_size=30))
@example("  ::error::x")
@example("a\n\t::error::x\r::b")
@example("a##[error]b")
def test_no_text_is_a_command(text: str) -> None:
    assert commands(inert(text)) == []
    assert inert(text).replace("\u2060", "") == text


@given(st.text(max_size=30))
def test_other_text_stays_as_it_is(text: str) -> None:
    if "::" not in text and "##[" not in text:
        assert inert(text) == text


def test_json_is_inert_and_keeps_its_value() -> None:
    out = io.StringIO()
    Ui(out=RunnerLog(out), err=out, as_json=True).json({"a": "##[error]x\n::b"})
    assert commands(out.getvalue()) == []
    assert json.loads(out.getvalue()) == {"a": "##[error]x\n::b"}


def test_our_own_commands_are_obeyed() -> None:
    out = io.StringIO()
    Ui(out=RunnerLog(out), err=out).command("::error::ours")
    assert commands(out.getvalue()) == ["::error::ours"]


def test_what_goes_to_a_file_is_left_as_it_is(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        assert not is_log(file, ACTIONS)
    assert not is_log(sys.stdout, {})
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert is_log(process.stdin, ACTIONS)
        process.stdin.close()


@pytest.mark.parametrize("as_json", [False, True])
def test_feedback_and_prompts_command_no_runner(repo: Repo, as_json: bool) -> None:
    text = f"|-\n      {HOSTILE}\n      a ##[add-mask]b"
    repo.commit(
        {"prompts/a.yaml": f"name: a\nversion: 1\nmessages:\n  - role: user\n    content: {text}\n"}, HOSTILE
    )
    cli = cli_of(repo)
    cli.ok("feedback", "add", "a", "--comment", f"{HOSTILE}\n##[error]y")
    more = ["--json"] if as_json else []
    for command in (["show", "a"], ["log", "a"], ["feedback", "list", "a"], ["check"], ["show", HOSTILE]):
        with cli.start(*command, *more, more=ACTIONS) as process:
            out, err = process.communicate(timeout=60)
        assert commands(out.decode()) == []
        assert commands(err.decode()) == []
