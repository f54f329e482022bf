"""`evaluate` with code in the suite: what it needs, what it finds, whose code never runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of

SUITE = """\
cases:
  - {id: passes, vars: {q: a}, assert: [{type: python, value: "file://checks/tone.py:polite"}]}
  - {id: fails, vars: {q: b}, assert: [{type: python, value: "len(output) > 100000"}]}
  - {id: errors, vars: {q: c}, assert: [{type: not-python, value: "1/0"}]}
"""
FILES = {
    "promptvc.yaml": "main: main\n",
    "prompts/desk.yaml": "name: desk\nversion: 1\nmodel: offline\nmessages: [{role: user, content: '{{ q }}'}]\n",
    "evaluation/desk.yaml": SUITE,
    "evaluation/checks/tone.py": "def polite(output, context):\n    return context['vars']['q'] == 'a'\n",
    ".gitignore": ".promptvc/\n",
}
CHANGED = "def polite(output, context):\n    return True\n"


@pytest.fixture
def desk(repo: Repo) -> Repo:
    repo.commit(FILES, "Start")
    return repo


@pytest.fixture
def cli(desk: Repo) -> Cli:
    return cli_of(desk)


def test_code_does_not_run_without_leave(cli: Cli, desk: Repo) -> None:
    witness = desk.path / "witness"
    desk.write({"evaluation/checks/tone.py": f"open({str(witness)!r}, 'w')\n{CHANGED}"})
    assert "--allow-code" in cli.fails(2, "evaluate", "desk")
    assert not witness.exists()


def test_code_decides_and_its_faults_are_errors_even_when_negated(cli: Cli) -> None:
    found = cli.json("evaluate", "desk", "--allow-code", codes=(1,))
    assert (found["passed"], found["failed"], found["errored"]) == (1, 1, 1)


def test_in_ci_code_that_is_not_merged_does_not_run(cli: Cli, desk: Repo) -> None:
    ci = {"CI": "true", "PROMPTVC_MAIN": "main"}
    assert cli.json("evaluate", "desk", "--allow-code", codes=(1,), more=ci)["passed"] == 1
    desk.git("switch", "-q", "-c", "side")
    desk.commit({"evaluation/checks/tone.py": CHANGED}, "Propose")
    said = cli.fails(1, "evaluate", "desk", "--allow-code", **ci)
    assert "evaluation/checks/tone.py is not what main has" in said
    assert "nothing but the checkout says so" in cli.fails(1, "evaluate", "desk", "--allow-code", CI="true")
    desk.commit({"promptvc.yaml": "main: side\n"}, "Name the branch itself")
    assert "the default branch is `main`" in cli.fails(1, "evaluate", "desk", "--allow-code", **ci)


def test_a_branch_s_own_suite_runs_once_it_is_merged(cli: Cli, desk: Repo) -> None:
    desk.git("switch", "-q", "-c", "side")
    desk.commit({"evaluation/checks/tone.py": CHANGED}, "Propose")
    desk.git("switch", "-q", "main")
    assert "main does not reach" in cli.fails(1, "evaluate", "desk@side", "--allow-code")
    desk.git("merge", "-q", "--ff-only", "side")
    assert cli.json("evaluate", "desk@side", "--allow-code", codes=(1,))["passed"] == 1


def test_for_a_fork_nothing_runs(cli: Cli, desk: Repo, tmp_path: Path) -> None:
    here, there = {"full_name": "acme/desk"}, {"full_name": "mallory/desk", "fork": True}
    event = {"repository": here, "pull_request": {"head": {"repo": there}, "base": {"repo": here}}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }
    said = cli.fails(1, "evaluate", "desk", "--allow-code", **variables)
    assert "never runs for a fork" in said
