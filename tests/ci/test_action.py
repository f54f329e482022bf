"""The composite action: its steps run here as GitHub runs them, with inputs as variables."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from promptvc.workflows.start_ci import OWN, Place, rendered
from tests.builders import Repo
from tests.ci.expressions import Scope, fill
from tests.ci.runner import load
from tests.ci.shims import shims
from tests.commands import ROOT, Ran

USER = rendered("github", Place("main", ".", "promptvc[github]==1.2.3"))[
    ".github/actions/promptvc/action.yml"
]


def act(repo: Repo, text: str, **given: str) -> tuple[Ran, dict[str, str], str]:
    """Run both scripts of the action in ``repo``: how the last ended, its outputs, the summary."""
    action = load(text)
    inputs: dict[str, Any] = {key: one["default"] for key, one in action["inputs"].items()}
    assert set(given) <= set(inputs)
    scope = Scope({"inputs": inputs | given, "github": {"action_path": "/where/it/lies"}})
    temp = repo.path.parent / "temp"
    temp.mkdir(exist_ok=True)
    place = temp / "bin"
    path = f"{place if place.exists() else shims(place)}:{repo.environ['PATH']}"
    files = {f"GITHUB_{key}": str(temp / key) for key in ("OUTPUT", "STEP_SUMMARY")}
    for file in files.values():
        Path(file).write_bytes(b"")
    done = Ran(0, "", "")
    for step in action["runs"]["steps"][1:]:
        environ = {key: fill(value, scope) for key, value in step["env"].items()}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=repo.path,
            env={
                **repo.environ,
                **files,
                "RUNNER_TEMP": str(temp),
                "PYTHONPATH": str(ROOT),
                "PATH": path,
                **environ,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        done = Ran(ran.returncode, ran.stdout, ran.stderr)
        if ran.returncode:
            break
    outputs = dict(line.split("=", 1) for line in Path(files["GITHUB_OUTPUT"]).read_text().splitlines())
    return done, outputs, Path(files["GITHUB_STEP_SUMMARY"]).read_text()


def test_it_runs_a_command_and_shows_what_it_said(desk: Repo) -> None:
    done, outputs, summary = act(desk, USER, command="list", extras="openai,github")
    assert (done.code, outputs) == (0, {"code": "0"})
    assert "    desk/route" in summary
    assert (desk.path.parent / "temp" / "installed").read_text().split()[-2:] == [
        "promptvc[github]==1.2.3",
        "promptvc[openai,github]",
    ]


def test_of_this_repository_it_installs_itself(desk: Repo) -> None:
    act(desk, rendered("github", OWN)["action.yml"], command="list")
    assert (desk.path.parent / "temp" / "installed").read_text().split()[-1] == "/where/it/lies"


@pytest.mark.parametrize(("allow", "code"), [("0", 1), ("1", 0)])
def test_no_is_a_failure_unless_it_may_pass(desk: Repo, allow: str, code: int) -> None:
    desk.write({"prompts/desk/bad.yaml": "name: other\n"})
    done, outputs, summary = act(desk, USER, command="check", allow=allow)
    assert (done.code, outputs["code"]) == (code, "1")
    assert "prompts/desk/bad.yaml" in summary


@pytest.mark.parametrize(
    "command", ["list; touch hacked", "list $(touch hacked)", "list && touch hacked", "list `id`"]
)
def test_no_shell_reads_the_command(desk: Repo, command: str) -> None:
    done, _, _ = act(desk, USER, command=command)
    assert done.code == 2
    assert not (desk.path / "hacked").exists()


def test_a_report_of_the_command_is_the_summary_and_no_more_than_there_is_room_for(desk: Repo) -> None:
    desk.write({"report.md": "# ours\n" + "x" * 2_000_000})
    _, _, summary = act(desk, USER, command="list", report="report.md")
    assert summary.startswith("# ours\n")
    assert len(summary) <= 1024 * 1024


def test_a_report_lies_where_the_command_ran(desk: Repo) -> None:
    desk.write({"report.md": "# elsewhere\n", "sub/report.md": "# ours\n"})
    _, _, summary = act(desk, USER, command="--version", directory="sub", report="report.md")
    assert summary == "# ours\n"


def test_much_that_is_printed_is_cut_and_no_failure(desk: Repo) -> None:
    """More than a pipe holds, and than a summary takes."""
    desk.write({f"prompts/desk/bad{at}.yaml": "name: other\n" * 20 for at in range(4)})
    desk.write({"long.txt": "a\n" * 600_000})
    act(desk, USER, command="list")  # makes the folder of the shims
    (desk.path.parent / "temp" / "bin" / "promptvc").write_text("#!/bin/sh\ncat long.txt\n")
    done, outputs, summary = act(desk, USER, command="anything")
    assert (done.code, outputs) == (0, {"code": "0"})
    assert len(summary) <= 1024 * 1024
    assert summary.startswith("    a\n")


def test_nothing_in_the_checkout_passes_for_pip(desk: Repo) -> None:
    desk.write({"pip.py": "open('hijacked', 'w')\n"})
    act(desk, USER, command="list")
    assert not (desk.path / "hijacked").exists()


def test_extras_are_words(desk: Repo) -> None:
    done, _, _ = act(desk, USER, command="list", extras="openai] --index-url=http://evil [x")
    assert done.code == 2
    assert not (desk.path.parent / "temp" / "installed").exists()
