"""`init --ci`: what is written, what is left alone, and that nothing foreign gets into a workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptvc import __version__
from promptvc.workflows import start_ci
from promptvc.workflows.start_ci import SYSTEMS
from tests.builders import Repo
from tests.ci.runner import load
from tests.commands import CI, cli_of

CHECK = ".github/workflows/promptvc-check.yml"
ACTION = ".github/actions/promptvc/action.yml"


def test_it_is_written_once_and_says_what_is_left_to_do(repo: Repo) -> None:
    cli = cli_of(repo)
    first = cli.json(*CI, "github")
    assert {CHECK, ACTION, "promptvc.yaml"} <= set(first["created"])
    assert first["left"] == []
    assert any("require the check `promptvc`" in step for step in first["next"])
    second = cli.json(*CI, "github")
    assert (second["created"], second["left"]) == ([], [])
    assert "everything was there already" in cli.ok(*CI, "github")
    assert "'promptvc[github]==1.2.3'" in repo.read(CHECK).decode()


def test_what_was_edited_is_left_alone_and_what_is_not_ours_even_with_force(repo: Repo) -> None:
    cli = cli_of(repo)
    cli.ok(*CI, "github")
    edited = repo.read(CHECK) + b"# mine\n"
    repo.write({CHECK: edited, ACTION: "name: theirs\n"})
    left = {one["path"]: one["reason"] for one in cli.json(*CI, "github")["left"]}
    assert left == {
        CHECK: "it was edited, or is of another version: --force makes it anew",
        ACTION: "it is not promptvc's",
    }
    assert repo.read(CHECK) == edited
    forced = cli.json(*CI, "github", "--force")
    assert (forced["created"], [one["path"] for one in forced["left"]]) == ([CHECK], [ACTION])
    assert repo.read(ACTION) == b"name: theirs\n"


def test_gitlab_says_which_lines_to_add(repo: Repo) -> None:
    repo.write({".gitlab-ci.yml": "stages: [test]\n"})
    found = cli_of(repo).json(*CI, "gitlab")
    assert ".gitlab/promptvc.yml" in found["created"]
    assert "add to .gitlab-ci.yml the lines" in found["next"][0]
    assert repo.read(".gitlab-ci.yml") == b"stages: [test]\n"
    (repo.path / ".gitlab-ci.yml").unlink()
    again = cli_of(repo).json(*CI, "gitlab")
    assert "add to .gitlab-ci.yml, which is to be made, the lines" in again["next"][0]


def test_a_sub_folder_has_its_workflows_at_the_top(repo: Repo) -> None:
    (repo.path / "llm").mkdir()
    found = cli_of(repo).json(*CI, "github", "llm")
    assert CHECK in found["created"]
    assert load(repo.read(CHECK).decode())["env"]["ROOT"] == "llm"


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_a_release_nothing_is_installed_by_name(repo: Repo, system: str) -> None:
    """Anybody could register it, and would have the keys of every repository that these workflows run in."""
    repo.write({"prompts/a.yaml": "name: a\nmodel: openai:x\n"})
    said = cli_of(repo).fails(2, "init", "--ci", system)
    assert "no package index has a release" in said
    assert f"--install 'promptvc[{system},openai] @ git+https://HOST/OWNER/promptvc@SHA'" in said
    assert not (repo.path / "promptvc.yaml").exists(), "nothing was written"


def test_the_packages_of_the_providers_that_are_named_are_installed(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_ci, "RELEASED", True)
    repo.write(
        {"promptvc.yaml": "model: 'anthropic:claude'\n", "prompts/a.yaml": "name: a\nmodel: openai:x\n"}
    )
    cli_of(repo).ok("init", "--ci", "github")
    assert f"promptvc[github,anthropic,openai]=={__version__}" in repo.read(CHECK).decode()


def test_main_may_have_another_name(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "trunk")
    cli_of(repo).ok(*CI, "github")
    text = repo.read(".github/workflows/promptvc-train.yml").decode()
    assert load(text)["on"]["push"]["branches"] == ["trunk"]


@pytest.mark.parametrize(
    "spec",
    ["promptvc'; id", "promptvc${{ x }}", 'a"b', "a\nb", "--index-url=http://evil", "", "a\\b", "`id`"],
)
def test_what_pip_installs_is_a_requirement(repo: Repo, spec: str) -> None:
    said = cli_of(repo).fails(2, "init", "--ci", "github", f"--install={spec}")
    assert "requirement" in said
    assert not (repo.path / ".github").exists()


def test_a_requirement_may_be_an_address(repo: Repo) -> None:
    spec = "promptvc[github] @ git+https://host.example/acme/promptvc@0123abc#egg=promptvc"
    cli_of(repo).ok("init", "--ci", "github", "--install", spec)
    assert f"'{spec}'" in repo.read(CHECK).decode()


def test_options_that_need_ci(repo: Repo) -> None:
    assert "go with --ci" in cli_of(repo).fails(2, "init", "--force")


def test_no_link_leads_out_of_the_repository(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repo.path / ".github").symlink_to(tmp_path / "outside")
    cli_of(repo).fails(2, *CI, "github")
    assert list((tmp_path / "outside").iterdir()) == []
