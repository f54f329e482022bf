"""What holds of every workflow that comes with promptvc, whoever it is written for."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from promptvc import __version__
from promptvc.cli.main import COMMANDS
from promptvc.workflows.start_ci import CHECK, OWN, Place, rendered
from tests.ci.runner import load
from tests.commands import ROOT

USERS = Place("trunk", "a/b", "promptvc[github]==1.2.3")
FILES = {
    f"{kind}: {path}": text
    for kind, place in (("own", OWN), ("user", USERS))
    for path, text in rendered("github", place).items()
}
WORKFLOWS = {name: load(text) for name, text in FILES.items() if "action.yml" not in name}
JOBS = {f"{name} {key}": job for name, value in WORKFLOWS.items() for key, job in value["jobs"].items()}
KEYS = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"}


@pytest.mark.parametrize("path", rendered("github", OWN))
def test_this_repository_uses_its_own_templates(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == rendered("github", OWN)[path], "run `make workflows`"


@pytest.mark.parametrize("name", FILES)
def test_every_place_is_filled_and_every_action_pinned(name: str) -> None:
    text = FILES[name]
    assert "@@" not in text
    used = re.findall(
        r"uses: (\S+)(.*)", "\n".join(x for x in text.splitlines() if not x.lstrip().startswith("#"))
    )
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[a-z/-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), "the version stands beside the sha"
    versions = {action.partition("@")[0]: action for action, _ in used}
    assert len(versions) == len({action for action, _ in used}), "one sha for each action"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_rights_of_its_own(name: str) -> None:
    value = WORKFLOWS[name]
    assert value["permissions"] == {}
    assert "pull_request_target" not in value["on"]
    assert value["defaults"] == {"run": {"shell": "bash"}}, "which is with pipefail"
    assert "workflow_call" in value["on"]


@pytest.mark.parametrize("name", JOBS)
def test_no_job_has_keys_and_the_right_to_write(name: str) -> None:
    job = JOBS[name]
    keys = any(KEYS & set(step.get("env", {})) for step in job["steps"])
    writes = "write" in job["permissions"].values()
    assert not (keys and writes)
    environment = (job.get("environment") or {}).get("name")
    assert (environment == "promptvc") == keys, "the keys are in an environment of their own"
    assert "env" not in job, "no secret is seen by every step"
    secrets = "secrets." in str({k: v for k, v in job.items() if k != "steps"})
    assert not secrets
    assert job["timeout-minutes"] <= 350


@pytest.mark.parametrize("name", JOBS)
def test_a_token_is_left_in_a_clone_only_where_it_pushes(name: str) -> None:
    job = JOBS[name]
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            keeps = step["with"]["persist-credentials"]
            assert keeps is (job["permissions"].get("contents") == "write")


@pytest.mark.parametrize("name", JOBS)
def test_no_expression_is_text_of_a_script(name: str) -> None:
    """A branch may be called `$(curl evil)`: it reaches the shell as a variable, or not at all."""
    for step in JOBS[name]["steps"]:
        script = step.get("run", "")
        assert "${{" not in script
        assert "eval " not in script
        done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_required_check_is_never_filtered_and_never_waits_for_ever() -> None:
    for name, value in WORKFLOWS.items():
        if "promptvc-check" not in name:
            continue
        asked: dict[str, Any] = value["on"]
        assert set(asked) == {"pull_request", "merge_group", "workflow_call"}
        assert asked["pull_request"] is None, "no paths, no branches, no types"
        job = value["jobs"][CHECK]
        assert (job["name"], job["if"]) == (CHECK, "always()")
        assert set(job["needs"]) == set(value["jobs"]) - {CHECK}


def test_a_caller_of_our_own_workflows_names_what_is_installed() -> None:
    """There is no release: a default of ours would be whatever somebody registers under that name."""
    for name, value in WORKFLOWS.items():
        asked = value["on"]["workflow_call"]["inputs"]["install"]
        own = name.startswith("own")
        assert asked.get("required", False) is own, name
        assert asked.get("default") == (None if own else "promptvc[github]==1.2.3"), name
    assert not any(f"promptvc[github]=={__version__}" in FILES[name] for name in FILES)


def test_no_training_and_no_deployment_is_cancelled() -> None:
    for name, value in WORKFLOWS.items():
        if "train" in name or "deploy" in name:
            assert value["concurrency"]["queue"] == "max"
            assert value["concurrency"]["cancel-in-progress"] is False


def test_a_sub_folder_and_another_main_are_named_where_it_matters() -> None:
    train = WORKFLOWS["user: .github/workflows/promptvc-train.yml"]
    assert train["on"]["push"] == {"branches": ["trunk"], "paths": ["a/b/feedback/**"]}
    assert train["env"]["ROOT"] == "a/b"
    assert "promptvc[github]==1.2.3" in FILES["user: .github/workflows/promptvc-train.yml"]
    gitlab = rendered("gitlab", USERS)
    assert "a/b/feedback/**/*" in gitlab[".gitlab/promptvc.yml"]
    assert "@@" not in "".join(gitlab.values())


def test_every_command_that_a_workflow_calls_is_there() -> None:
    texts = [*FILES.values(), *rendered("gitlab", OWN).values()]
    called = {
        found for text in texts for found in re.findall(r'promptvc -C "\$\w+(?:/\$\w+)?" ([a-z]+)', text)
    }
    assert {"check", "evaluate", "train", "publish", "deploy", "rollback", "alerts", "forge"} <= called
    assert called <= set(COMMANDS)
