"""The workflows that promptvc writes: nothing foreign in a script, and never keys and a right to write in one job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo, isolated_environ
from tests.ci.runner import load
from tests.commands import CI, ROOT, cli_of
from tests.safety.canaries import orderly
from tests.worlds import desk_files

HERE = sorted([*ROOT.glob(".github/workflows/*.yml"), ROOT / "action.yml"])
MODEL_KEYS = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"}
FOREIGN = re.compile(
    r"github\.event\.(pull_request|issue|comment|review|head_commit|commits|workflow_run)|github\.head_ref|github\.ref_name"
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """A repository that `promptvc init --ci` wrote the workflows of both systems into."""
    repo = Repo.create(tmp_path_factory.mktemp("written") / "repo", isolated_environ(home))
    repo.commit(desk_files())
    for system in ("github", "gitlab"):
        cli_of(repo).ok(*CI, system)
    return repo.path


def github_files(written: Path) -> list[Path]:
    found = sorted(written.glob(".github/**/*.yml"))
    assert len(found) == 7, found
    return [*HERE, *found]


def jobs(written: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in github_files(written):
        for key, job in load(path.read_text()).get("jobs", {}).items():
            yield f"{path}: {key}", job


def steps(written: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in github_files(written):
        value = load(path.read_text())
        for step in value.get("runs", {}).get("steps", ()):
            yield str(path), step
    for where, job in jobs(written):
        for step in job.get("steps", ()):
            yield where, step


def test_no_expression_stands_in_a_script(written: Path) -> None:
    """A value reaches a shell as a variable, never as text of the script."""
    scripts = [(where, step["run"]) for where, step in steps(written) if "run" in step]
    assert len(scripts) > 20
    for where, script in scripts:
        assert "${{" not in script, where
        assert not re.search(r"\beval\b|\bsource\b|bash -c|sh -c", script), where


def test_no_expression_of_foreign_text_stands_where_it_is_obeyed(written: Path) -> None:
    """Titles, bodies and branch names of a pull request: not in a variable either, but for what is compared."""
    for where, step in steps(written):
        for name, value in (step.get("env") or {}).items():
            assert not re.search(
                r"github\.(event\.)?.*\.?(title|body|message|head_ref|ref_name|label|name)\b", str(value)
            ) or "==" in str(value), (
                where,
                name,
            )
        for value in (step.get("with") or {}).values():
            for found in FOREIGN.findall(str(value)):
                assert found in {"pull_request", "workflow_run"}, where
                assert re.search(r"base\.sha|workflow_run\.id", str(value)), where


def test_nothing_runs_for_a_fork_with_the_rights_of_the_base(written: Path) -> None:
    for path in github_files(written):
        value = load(path.read_text())
        if "jobs" not in value:
            continue
        triggers = value["on"]
        names = {triggers} if isinstance(triggers, str) else set(triggers)
        assert not names & {"pull_request_target", "issue_comment", "issues", "discussion"}, path
        if "workflow_run" in names:
            text = path.read_text()
            assert "head_branch" not in text
            checkouts = [
                step
                for job in value["jobs"].values()
                for step in job["steps"]
                if "checkout" in step.get("uses", "")
            ]
            assert checkouts
            assert all("default_branch" in step["with"]["ref"] for step in checkouts), path


def test_every_job_has_the_least_permissions(written: Path) -> None:
    for path in github_files(written):
        value = load(path.read_text())
        if "jobs" in value:
            assert value["permissions"] == {}, path
    for where, job in jobs(written):
        assert isinstance(job["permissions"], dict), where
        assert set(job["permissions"]) <= {"contents", "pull-requests", "issues", "actions", "id-token"}, (
            where
        )
        assert "timeout-minutes" in job, where


def test_keys_and_a_right_to_write_are_never_in_one_job(written: Path) -> None:
    keyed, writing = 0, 0
    for where, job in jobs(written):
        text = str(job)
        keys = set(re.findall(r"secrets\.([A-Z_]+)", text))
        writes = "write" in job["permissions"].values()
        keyed += bool(keys & MODEL_KEYS)
        writing += writes
        assert not (keys & MODEL_KEYS and writes), where
        if keys & MODEL_KEYS:
            assert "environment" in job, where
            assert "create-github-app-token" not in text, where
            assert not re.search(r"github\.token|GITHUB_TOKEN", text), where
    assert keyed >= 3
    assert writing >= 4


def test_a_checkout_keeps_its_token_only_where_something_is_pushed(written: Path) -> None:
    for where, job in jobs(written):
        for step in job.get("steps", ()):
            if "actions/checkout" in step.get("uses", ""):
                kept = step["with"]["persist-credentials"]
                assert kept == "false" or kept is False or job["permissions"].get("contents") == "write", (
                    where
                )
                assert "submodules" not in step["with"], where


def test_actions_are_pinned_by_their_commit(written: Path) -> None:
    used = [(where, step["uses"]) for where, step in steps(written) if "uses" in step]
    assert len(used) > 20
    for where, name in used:
        assert name.startswith("./") or re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", name), (where, name)


def test_jobs_with_keys_install_what_the_base_says(written: Path) -> None:
    """Not what a pull request has: its promptvc would get the keys."""
    for where, job in jobs(written):
        if not MODEL_KEYS & set(re.findall(r"secrets\.([A-Z_]+)", str(job))):
            continue
        for step in job["steps"]:
            if "pip install" in step.get("run", ""):
                spec = step["env"]["SPEC"]
                if "'.[" in spec:
                    assert "check" not in where.rsplit("/", 1)[-1], (where, spec)


def test_gitlab_keeps_keys_from_merge_requests_and_forks(written: Path) -> None:
    text = (written / ".gitlab/promptvc.yml").read_text()
    assert "$[[" not in re.sub(r"(?m)^spec:.*?^---", "", text, flags=re.DOTALL)
    assert not re.search(r"\beval\b|bash -c", text)
    assert "CI_MERGE_REQUEST_TITLE" not in text
    assert "CI_COMMIT_MESSAGE" not in text
    assert "CI_COMMIT_REF_NAME" not in text


@pytest.mark.parametrize(
    "spec",
    [
        "x; touch pwned",
        "$(touch pwned)",
        "a\nrun: touch pwned",
        '"; touch pwned; "',
        "${{ secrets.X }}",
        "--index-url=http://evil",
    ],
)
def test_what_is_installed_cannot_break_out_of_the_workflow(repo: Repo, spec: str) -> None:
    repo.commit(desk_files())
    ran = orderly(cli_of(repo)("init", "--ci", "github", "--install", spec))
    if ran.code:
        assert not (repo.path / ".github/workflows/promptvc-check.yml").exists()
        return
    for path in repo.path.glob(".github/workflows/*.yml"):
        for job in load(path.read_text())["jobs"].values():
            for step in job.get("steps", ()):
                assert "pwned" not in step.get("run", "")


@pytest.mark.parametrize(
    "folder", ["a b", "$(touch pwned)", "a'b", 'a"b', "${{ github.token }}", "a;b", "a\nb", "-x"]
)
def test_the_folder_of_the_prompts_cannot_either(repo: Repo, folder: str) -> None:
    repo.commit({f"{folder}/{path}": text for path, text in desk_files().items() if path != ".gitignore"})
    ran = orderly(cli_of(repo).at(repo.path / folder)(*CI, "github"))
    if ran.code:
        return
    for path in repo.path.glob(".github/workflows/*.yml"):
        value = load(path.read_text())
        assert set(value) <= {"name", "on", "permissions", "concurrency", "env", "defaults", "jobs"}, path
        assert value["env"]["ROOT"] == folder
        assert "${{" not in value["env"]["ROOT"]
