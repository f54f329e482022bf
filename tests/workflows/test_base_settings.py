"""A base that the environment names: its settings, judges and models count, whatever is checked out."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptvc.base.clock import utc_now
from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.workflows.project import BASE, Project, open_project
from promptvc.workflows.suites import place_of
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Server
from tests.worlds import DESK, DESK_FILE, desk_files

PROMPT = "name: a\nversion: 1\nmodel: {}\nmessages:\n  - {{role: user, content: Hello}}\n"


def project_of(repo: Repo, base: str | None) -> Project:
    environ = repo.environ | ({BASE: base} if base is not None else {})
    return open_project(repo.path, environ=environ, clock=utc_now)


def test_settings_are_those_of_the_base(repo: Repo) -> None:
    base = repo.commit(
        {"promptvc.yaml": "evaluation: {margin: 0.01}\n", "prompts/a.yaml": PROMPT.format("offline")}
    )
    repo.commit({"promptvc.yaml": "evaluation: {margin: 0.9}\nmodels: {prices: {}}\n"})
    repo.write({"promptvc.yaml": "evaluation: {margin: 0.8}\n"})
    for named, margin in ((None, 0.8), (base, 0.01), ("HEAD", 0.9)):
        with project_of(repo, named) as project:
            assert project.settings.evaluation.margin == margin


def test_a_base_without_settings_has_the_defaults(repo: Repo) -> None:
    base = repo.commit({"prompts/a.yaml": PROMPT.format("offline")})
    repo.write({"promptvc.yaml": "no settings at all"})
    with project_of(repo, base) as project:
        assert project.settings.evaluation.margin == 0.05
    with project_of(repo, None) as project, pytest.raises(InvalidDocument):
        _ = project.settings


@pytest.mark.parametrize("revision", ["nowhere", "--help", "0" * 40])
def test_a_base_that_is_not_here_is_an_error(repo: Repo, revision: str) -> None:
    repo.commit({"prompts/a.yaml": PROMPT.format("offline")})
    with project_of(repo, revision) as project, pytest.raises(NotFound) as caught:
        _ = project.settings
    assert BASE in str(caught.value)
    assert "fetch" in (caught.value.hint or "")


def test_only_models_that_the_base_names_may_be_called(repo: Repo) -> None:
    base = repo.commit(
        {
            "promptvc.yaml": "evaluation: {judge: 'openai:judge[1]'}\n",
            "prompts/a.yaml": PROMPT.format("openai:small"),
        }
    )
    with project_of(repo, base) as project:
        allowed = place_of(project).settings.models.allow
    assert allowed is not None
    assert set(allowed) == {"openai:small", "openai:judge[[]1]", "lexical"}
    with project_of(repo, None) as project:
        assert place_of(project).settings.models.allow is None


def test_a_list_of_the_base_is_taken_as_it_is(repo: Repo) -> None:
    base = repo.commit(
        {"promptvc.yaml": "models: {allow: ['openai:*']}\n", "prompts/a.yaml": PROMPT.format("x:y")}
    )
    with project_of(repo, base) as project:
        assert place_of(project).settings.models.allow == ("openai:*",)


def test_a_pull_request_spends_no_key_on_a_model_of_its_own(repo: Repo) -> None:
    """A real server stands where the provider would: it is not asked."""
    repo.commit(desk_files())
    text = repo.read(DESK_FILE).decode()
    with Server() as server:
        repo.commit(
            {
                DESK_FILE: text.replace("model: offline", "model: openai:dear").replace(
                    "version: 1", "version: 2"
                )
            }
        )
        environ = {**repo.environ, **server.environ()}
        said = Cli(repo.path, {**environ, BASE: "HEAD~1"}).fails(2, "evaluate", DESK)
        assert "openai:dear" in said
        assert "models.allow" in said
        assert server.requests == []
        Cli(repo.path, environ)("evaluate", DESK, "--max-calls", "200")
        assert server.requests


def test_a_judge_prompt_is_that_of_the_base(repo: Repo) -> None:
    files = desk_files()
    judge = (Path(__file__).parents[2] / "promptvc/judges/llm-rubric.yaml").read_text("utf-8")
    own = judge.replace("name: judge/llm-rubric", "name: judges/ours")
    base = repo.commit(
        {
            **files,
            "prompts/judges/ours.yaml": own,
            "promptvc.yaml": "evaluation: {judges: {llm-rubric: judges/ours}}\n",
        }
    )
    repo.commit({"prompts/judges/ours.yaml": own.replace("version: 1", "version: 2")})
    with project_of(repo, base) as project:
        ours = place_of(project).judges["llm-rubric"]
    with project_of(repo, None) as project:
        theirs = place_of(project).judges["llm-rubric"]
    assert ours != theirs


def detached(repo: Repo, path: Path, branch: str) -> Repo:
    """A clone as a CI system makes one: at a commit, with a remote that was added by hand."""
    repo.commit({"prompts/a.yaml": PROMPT.format("offline")})
    repo.git("branch", "-m", branch)
    clone = Repo(path, repo.environ)
    repo.git("init", "-q", str(clone.path))
    clone.git("remote", "add", "origin", str(repo.path))
    clone.git("fetch", "-q", "origin")
    clone.git("checkout", "-q", "--detach", f"origin/{branch}")
    return clone


def test_ci_knows_main_from_the_forge_on_a_detached_checkout(repo: Repo, tmp_path: Path) -> None:
    clone = detached(repo, tmp_path / "runner", "trunk")
    assert "main" in cli_of(clone).fails(2, "deploy", "a")
    event = tmp_path / "event.json"
    event.write_text('{"repository": {"default_branch": "trunk"}}')
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}
    with open_project(clone.path, environ=clone.environ | actions, clock=utc_now) as project:
        assert project.main == "trunk"
        assert project.main_commit == repo.rev("trunk")


@pytest.mark.parametrize("branch", ["main", "master"])
def test_a_branch_of_ones_own_is_not_main_where_the_remote_has_one(
    repo: Repo, tmp_path: Path, branch: str
) -> None:
    clone = detached(repo, tmp_path / "clone", branch)
    clone.git("switch", "-qc", "mine")
    with project_of(clone, None) as project:
        assert project.main == branch
    repo.git("branch", "master" if branch == "main" else "main")
    clone.git("fetch", "-q", "origin")
    with project_of(clone, None) as project:
        assert project.main == "mine"
