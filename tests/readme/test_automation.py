"""The guide to automation: its commands run on the sample, its tables are what the workflows have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from promptvc.base.config import Settings, load_settings
from promptvc.workflows.start_ci import CHECK, OWN, rendered
from tests.ci.runner import load
from tests.readme.shells import (
    ROOT,
    blocks,
    dead_links,
    hosted,
    make_clone,
    make_shell,
    run,
    table,
    unknown_options,
)

PAGE = "docs/automation.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
BLOCKS = blocks(PAGE)
COMMANDS = {one["mark"]: one["text"] for one in BLOCKS if one["mark"]}
DOCUMENTS = [one["text"] for one in BLOCKS if one["language"] == "yaml"]
WRITTEN = rendered("github", OWN)
WORKFLOWS = {
    re.sub(r".*promptvc-|\.yml$", "", path): text for path, text in WRITTEN.items() if "workflows" in path
}
CODE = re.compile(r"`([^`]+)`")


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return make_shell(tmp_path)


@pytest.fixture
def clone(tmp_path: Path, shell: dict[str, str]) -> Path:
    return make_clone(tmp_path / "clone", shell)


def test_setting_up(clone: Path, shell: dict[str, str]) -> None:
    printed = run(COMMANDS["init"], clone, shell)
    assert "created .github/workflows/promptvc-check.yml" in printed
    assert "everything was there already" in printed
    assert run("git status --porcelain", clone, shell) == run("git status --porcelain -- .git*", clone, shell)


def test_three_jobs(clone: Path, shell: dict[str, str]) -> None:
    with hosted(clone, shell) as (server, environ):
        reserve, train, publish = COMMANDS["jobs"].splitlines()
        assert "of support/triage, due by suggestions" in run(reserve, clone, environ)
        assert run("git ls-remote origin 'refs/heads/promptvc/*'", clone, environ).count("ledger") == 1
        run(train, clone, environ)
        assert "refs/heads/promptvc/support" not in run("git for-each-ref", clone, environ)
        assert "opened #1: support/triage v2" in run(publish, clone, environ)
        assert "updated #1: support/triage v2" in run(publish, clone, environ)
        assert len(server.pulls) == 1


def test_what_a_pull_request_would_ask(clone: Path, shell: dict[str, str]) -> None:
    run("echo 'evaluation: {success: 0.3}' >> promptvc.yaml && git commit -qam Bar", clone, shell)
    text = (clone / "prompts/support/triage.yaml").read_text()
    (clone / "prompts/support/triage.yaml").write_text(text.replace("version: 1\n", "version: 2\n", 1))
    run("git commit -qam Change", clone, shell)
    printed = run(COMMANDS["plan"], clone, shell)
    assert printed.count("support/triage") >= 2
    assert "equivalent" in printed


def test_the_tables_are_what_the_workflows_have() -> None:
    assert [CODE.findall(row[0])[0] for row in table(TEXT, "workflows")] == sorted(
        WORKFLOWS, key=["check", "comment", "train", "deploy", "nightly", "weekly"].index
    )
    for name, _, said in table(TEXT, "workflows"):
        jobs = load(WORKFLOWS[CODE.findall(name)[0]])["jobs"]
        for job in jobs:
            assert job in said, (name, job)
    everything = "".join(WORKFLOWS.values())
    secrets = {name for row in table(TEXT, "secrets") for name in CODE.findall(row[0])}
    assert secrets == set(re.findall(r"secrets\.([A-Z_]+)", everything))
    variables = {CODE.findall(row[0])[0] for row in table(TEXT, "variables")}
    assert variables == set(re.findall(r"vars\.([A-Z_]+)", everything))
    for name, default, _ in table(TEXT, "variables"):
        for written in set(re.findall(rf"vars\.{CODE.findall(name)[0]} \|\| '([^']+)'", everything)):
            assert written in default.replace(",", ""), name
    environments = {CODE.findall(row[1])[0] for row in table(TEXT, "secrets")}
    assert all(re.search(rf"name: {one}$", everything, re.MULTILINE) for one in environments)
    inputs = yaml.safe_load(WRITTEN["action.yml"])["inputs"]
    assert [CODE.findall(row[0])[0] for row in table(TEXT, "inputs")] == list(inputs)
    assert f"`{CHECK}`. It always reports" in TEXT


def test_the_documents_are_read() -> None:
    settings, workflow, include = DOCUMENTS
    assert load_settings(settings.encode(), file=PAGE).models.allow == ("openai:gpt-4.1*", "offline")
    step = load(workflow)["jobs"]["look"]["steps"][1]
    assert set(step["with"]) <= set(yaml.safe_load(WRITTEN["action.yml"])["inputs"])
    assert load(include)["include"][0]["local"] in rendered("gitlab", OWN).keys() | {".gitlab/promptvc.yml"}
    pinned = load(workflow)["jobs"]["look"]["steps"][0]["uses"]
    assert pinned in WORKFLOWS["check"]
    assert f"lie {Settings().training.triggers.hours:g} hours" in TEXT


def test_every_command_is_run_and_what_the_page_names_exists() -> None:
    assert set(COMMANDS) == {"init", "plan", "jobs"}
    assert not [one for one in BLOCKS if one["language"] == "sh" and not one["mark"]]
    assert unknown_options(TEXT) == []


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
