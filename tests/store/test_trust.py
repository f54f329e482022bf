"""Whose code may run: with real git, and the variables and events of CI systems."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.errors import Refused
from promptvc.git.objects import Objects
from promptvc.store.trust import Facts, Main, Source, read_facts, require_trust
from tests.builders import Repo

SUITE = "evaluation/desk.yaml"
CODE = "evaluation/checks/tone.py"
NAMED = {"CI": "true", "PROMPTVC_MAIN": "main"}
FILES = {SUITE: "cases: []\n", CODE: "def get_assert(output, context):\n    return True\n"}
HERE = {"full_name": "acme/prompts", "fork": False, "default_branch": "main"}
THERE = {"full_name": "mallory/prompts", "fork": True}


class Desk:
    """A repository with a suite on main, and the question whether its code may run."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.merged = repo.commit(dict(FILES), "Start")

    def source(self, commit: str | None = None) -> Source:
        return Source(commit, {path: self.repo.read(path) for path in FILES})

    def facts(
        self,
        environ: Mapping[str, str],
        *,
        commit: str | None = None,
        allowed: bool = True,
        main: str = "main",
    ) -> Facts:
        repository = self.repo.repository()
        with Objects(repository) as objects:
            known = Main(main, repository.resolve(main))
            return read_facts(
                repository, objects, self.source(commit), known, allowed=allowed, environ=environ
            )

    def runs(self, environ: Mapping[str, str], **more: Any) -> str:
        """Why code does not run, empty where it does."""
        try:
            require_trust(self.facts(environ, **more))
        except Refused as no:
            return f"{no.message} ({no.hint})"
        return ""


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


def github(tmp_path: Path, name: str, event: Any) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(event if isinstance(event, str) else json.dumps(event))
    return {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path)}


def pull(head: Any, base: Any = HERE) -> dict[str, Any]:
    return {"repository": HERE, "pull_request": {"head": {"repo": head}, "base": {"repo": base}}}


def test_code_needs_leave_whoever_wrote_it(desk: Desk) -> None:
    assert "without leave" in desk.runs({}, allowed=False)
    assert "without leave" in desk.runs({}, allowed=False, commit=desk.merged)


def test_a_person_s_own_working_tree_is_their_word(desk: Desk) -> None:
    desk.repo.write({CODE: "def get_assert(output, context):\n    return False\n"})
    assert desk.runs({}) == ""
    assert desk.runs({"CI": "false"}) == ""


def test_a_commit_counts_once_main_reaches_it(desk: Desk) -> None:
    desk.repo.git("switch", "-q", "-c", "side")
    proposed = desk.repo.commit({CODE: "1\n"}, "Propose")
    assert desk.runs({}, commit=desk.merged) == ""
    assert "main does not reach" in desk.runs({}, commit=proposed)
    desk.repo.git("switch", "-q", "main")
    desk.repo.git("merge", "-q", "--no-ff", "--no-edit", "side")
    assert desk.runs({}, commit=proposed) == ""


def test_a_shallow_clone_says_so(desk: Desk, tmp_path: Path) -> None:
    desk.repo.git("branch", "old")
    desk.repo.commit({SUITE: "cases: [1]\n"}, "More")
    target = tmp_path / "shallow"
    desk.repo.git(
        "clone", "-q", "--depth", "1", "--no-single-branch", f"file://{desk.repo.path}", str(target)
    )
    clone = Repo(target, desk.repo.environ)
    repository = clone.repository()
    with Objects(repository) as objects:
        source = Source(desk.merged, {})
        facts = read_facts(
            repository, objects, source, Main("main", repository.resolve("main")), allowed=True, environ={}
        )
    with pytest.raises(Refused) as no:
        require_trust(facts)
    assert "git fetch --unshallow" in str(no.value.hint)


def test_in_ci_only_what_main_has_runs_from_the_working_tree(desk: Desk) -> None:
    assert desk.runs(NAMED) == ""
    desk.repo.git("switch", "-q", "-c", "side")
    desk.repo.commit({"prompts/desk.yaml": "changed\n"}, "A prompt may change")
    assert desk.runs(NAMED) == ""
    desk.repo.commit({CODE: "def get_assert(output, context):\n    return False\n"}, "Code may not")
    assert f"{CODE} is not what main has" in desk.runs(NAMED)
    desk.repo.commit({SUITE: "cases: [1]\n"}, "Nor the suite")
    assert "and 1 more" in desk.runs({"GITLAB_CI": "true", "CI_DEFAULT_BRANCH": "main"})


def test_in_ci_there_has_to_be_a_main(desk: Desk) -> None:
    assert "nothing says which branch is main" in desk.runs({"CI": "1"}, main="gone")


def test_a_pull_request_of_this_repository_is_like_any_branch(desk: Desk, tmp_path: Path) -> None:
    assert desk.runs(github(tmp_path, "pull_request", pull(HERE))) == ""


def test_in_ci_something_besides_the_checkout_has_to_name_main(desk: Desk) -> None:
    desk.repo.git("switch", "-q", "-c", "PR-12")
    own = desk.repo.commit({CODE: "1\n"}, "Propose")
    jenkins = {"CI": "true", "JENKINS_URL": "https://ci.example"}
    for main in ("main", "PR-12"):
        for commit in (None, own, desk.merged):
            said = desk.runs(jenkins, main=main, commit=commit)
            assert "nothing but the checkout says so" in said
            assert "set PROMPTVC_MAIN" in said
    assert "the default branch is `main`" in desk.runs(jenkins | {"PROMPTVC_MAIN": "main"}, main="PR-12")
    assert "is not what main has" in desk.runs(jenkins | {"PROMPTVC_MAIN": "main"})
    assert desk.runs(jenkins | {"PROMPTVC_MAIN": "main"}, commit=desk.merged) == ""


def test_what_the_forge_says_goes_before_the_variable(desk: Desk) -> None:
    environ = {"CI": "true", "CI_DEFAULT_BRANCH": "main", "PROMPTVC_MAIN": "side"}
    assert desk.runs(environ) == ""
    desk.repo.git("branch", "side")
    assert "the default branch is `main`" in desk.runs(environ, main="side")


@pytest.mark.parametrize(
    "variable", ["CI_REPO_DEFAULT_BRANCH", "DRONE_REPO_BRANCH", "BUILDKITE_PIPELINE_DEFAULT_BRANCH"]
)
def test_systems_that_name_the_default_branch(desk: Desk, variable: str) -> None:
    assert desk.runs({"CI": "true", variable: "main"}) == ""
    assert "the default branch is `trunk`" in desk.runs({"CI": "true", variable: "trunk"})


def test_a_clone_knows_which_branch_is_the_default(desk: Desk) -> None:
    desk.repo.git("update-ref", "refs/remotes/origin/main", "main")
    assert "nothing but the checkout" in desk.runs({"CI": "true"})
    desk.repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert desk.runs({"CI": "true"}) == ""


def test_a_local_main_that_the_pull_request_was_merged_into_is_not_main(desk: Desk) -> None:
    desk.repo.git("update-ref", "refs/remotes/origin/main", "main")
    own = desk.repo.commit({CODE: "1\n"}, "Merged for the test alone")
    assert "is not what main has" in desk.runs(NAMED)
    assert "main does not reach" in desk.runs(NAMED, commit=own)


def test_a_push_and_a_schedule_are_nobody_s_fork(desk: Desk, tmp_path: Path) -> None:
    assert desk.runs(github(tmp_path, "push", {"repository": HERE})) == ""
    schedule = github(tmp_path, "schedule", {"schedule": "0 0 * * *"})
    assert desk.runs(schedule | {"PROMPTVC_MAIN": "main"}) == ""


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("pull_request", pull(THERE)),
        ("pull_request", pull({"full_name": "mallory/prompts", "fork": False})),
        ("pull_request", pull({**HERE, "fork": True})),
        ("pull_request", pull(None)),
        ("pull_request", {"repository": HERE, "pull_request": {}}),
        ("pull_request_target", pull(HERE)),
        ("workflow_run", {"repository": HERE, "workflow_run": {"head_repository": THERE}}),
        ("pull_request", "not JSON"),
        ("pull_request", []),
    ],
)
def test_for_a_fork_nothing_runs_on_github(desk: Desk, tmp_path: Path, name: str, event: Any) -> None:
    environ = github(tmp_path, name, event)
    assert "never runs for a fork" in desk.runs(environ)
    assert "never runs for a fork" in desk.runs(environ, commit=desk.merged)
    assert "never runs for a fork" in desk.runs(environ | {"CI": "", "GITHUB_ACTIONS": "true"})


def test_github_without_an_event_is_not_trusted(desk: Desk) -> None:
    assert "never runs for a fork" in desk.runs({"GITHUB_ACTIONS": "true"})
    gone = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": "/nowhere/event.json"}
    assert "never runs for a fork" in desk.runs(gone)


@pytest.mark.parametrize(
    ("variables", "fork"),
    [
        ({"CI_PROJECT_ID": "7"}, False),
        ({"CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7"}, False),
        ({"CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8"}, True),
        # GitLab runs the pipeline of a fork's merge request in the fork.
        (
            {
                "CI_PROJECT_ID": "8",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8",
                "CI_MERGE_REQUEST_PROJECT_ID": "7",
            },
            True,
        ),
        ({"SYSTEM_PULLREQUEST_ISFORK": "True"}, True),
        ({"SYSTEM_PULLREQUEST_ISFORK": "False"}, False),
        ({"CIRCLE_PR_REPONAME": "prompts"}, True),
        ({"JENKINS_URL": "x", "CHANGE_ID": "12"}, False),
        ({"JENKINS_URL": "x", "CHANGE_ID": "12", "CHANGE_FORK": "stranger"}, True),
        ({"BUILDKITE_PULL_REQUEST": "false", "BUILDKITE_PULL_REQUEST_REPO": ""}, False),
        ({"BUILDKITE_PULL_REQUEST": "12", "BUILDKITE_PULL_REQUEST_REPO": ""}, True),
        ({"BUILDKITE_PULL_REQUEST_REPO": "https://github.com/stranger/x"}, True),
        (
            {
                "BUILDKITE_PULL_REQUEST": "12",
                "BUILDKITE_PULL_REQUEST_REPO": "git://github.com/acme/x.git",
                "BUILDKITE_REPO": "git@github.com:Acme/x.git",
            },
            False,
        ),
        (
            {
                "BUILDKITE_PULL_REQUEST_REPO": "https://github.com/stranger/x",
                "BUILDKITE_REPO": "git@github.com:acme/x.git",
            },
            True,
        ),
        ({"CI": "woodpecker", "CI_COMMIT_SOURCE_BRANCH": "", "CI_COMMIT_PULL_REQUEST": ""}, False),
        ({"CI": "woodpecker", "CI_COMMIT_SOURCE_BRANCH": "main", "CI_COMMIT_PULL_REQUEST": "3"}, True),
        ({"DRONE": "true", "DRONE_REPO": "acme/x", "DRONE_PULL_REQUEST": "3"}, True),
        ({"DRONE": "true", "DRONE_REPO": "acme/x"}, False),
        ({"TRAVIS_REPO_SLUG": "acme/x", "TRAVIS_PULL_REQUEST_SLUG": ""}, False),
        ({"TRAVIS_REPO_SLUG": "acme/x", "TRAVIS_PULL_REQUEST_SLUG": "stranger/x"}, True),
        ({"APPVEYOR_REPO_NAME": "acme/x", "APPVEYOR_PULL_REQUEST_HEAD_REPO_NAME": "stranger/x"}, True),
        ({"SEMAPHORE_GIT_REPO_SLUG": "acme/x", "SEMAPHORE_GIT_PR_SLUG": "acme/x"}, False),
        ({"SEMAPHORE_GIT_REPO_SLUG": "acme/x", "SEMAPHORE_GIT_PR_SLUG": "stranger/x"}, True),
    ],
)
def test_for_a_fork_nothing_runs_elsewhere(desk: Desk, variables: dict[str, str], fork: bool) -> None:
    said = desk.runs({**NAMED, **variables})
    assert said.startswith("code of a suite never runs for a fork" if fork else "")
    assert bool(said) is fork


def test_a_pull_request_cannot_name_its_own_main(desk: Desk, tmp_path: Path) -> None:
    desk.repo.git("switch", "-q", "-c", "side")
    own = desk.repo.commit({CODE: "1\n"}, "Propose")
    environ = github(tmp_path, "pull_request", pull(HERE))
    for found in (desk.runs(environ, main="side"), desk.runs(environ, main="side", commit=own)):
        assert "main is `side` here, and the default branch is `main`" in found
    gitlab = {"GITLAB_CI": "true", "CI_DEFAULT_BRANCH": "main"}
    assert "main is `side` here" in desk.runs(gitlab, main="side")


def test_the_prompt_root_may_be_a_folder(repo: Repo) -> None:
    repo.commit({f"ai/{path}": text for path, text in FILES.items()}, "Start")
    repository = repo.repository()
    files = {path: repo.read(f"ai/{path}") for path in FILES}
    with Objects(repository) as objects:
        main = Main("main", repository.resolve("main"), "ai/")
        facts = read_facts(repository, objects, Source(None, files), main, allowed=True, environ=NAMED)
        require_trust(facts)
        assert facts.changed == ()
