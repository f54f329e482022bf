"""What only GitLab or only Gitea does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvc.base.errors import InputError
from promptvc.forge.forge import PullText, marked
from promptvc.forge.opening import open_forge
from tests.forge.conftest import Naps
from tests.forge.servers.gitea import GiteaServer
from tests.forge.servers.gitlab import GitLabServer
from tests.forge.servers.serving import Fault
from tests.forge.servers.state import ADA, BOT

TEXT = PullText("A better prompt", "Why.")


@pytest.fixture
def lab(bare: Path) -> Iterator[GitLabServer]:
    with GitLabServer(bare, "acme/team/tools/prompts") as running:
        yield running


@pytest.fixture
def tea(bare: Path) -> Iterator[GiteaServer]:
    with GiteaServer(bare) as running:
        yield running


def test_groups_in_groups(lab: GitLabServer, naps: Naps) -> None:
    forge = open_forge(lab.clone_url(), lab.environ(), patience=naps.patience())
    assert forge.name == "acme/team/tools/prompts"
    pull = forge.open_pull("topic", "main", TEXT)
    note = forge.comment(pull.number, "mark", "x")
    assert note.url == f"{lab.url}/acme/team/tools/prompts/-/merge_requests/1#note_{lab.comments[0].id}"


def test_issues_and_merge_requests_of_one_number(lab: GitLabServer, naps: Naps) -> None:
    forge = open_forge(lab.clone_url(), lab.environ(), patience=naps.patience())
    forge.open_pull("topic", "main", TEXT)
    assert forge.keep_issue("mark", "title", "x").number == 1
    forge.comment(1, "mark", "on the merge request")
    forge.close_issue("mark", "on the issue")
    assert [comment.on for comment in lab.comments] == ["pull", "issue"]


def test_a_plan_with_one_reviewer(lab: GitLabServer, naps: Naps) -> None:
    lab.most_reviewers = 1
    forge = open_forge(lab.clone_url(), lab.environ(), patience=naps.patience())
    forge.open_pull("topic", "main", TEXT)
    asked = forge.ask(1, ["bob", "carol", "eve"])
    assert asked.reviewers == ("bob",)
    assert {name for name, _ in asked.refused} == {"carol", "eve"}


def test_the_token_of_a_job_says_what_it_cannot(lab: GitLabServer) -> None:
    environ = lab.environ() | {"GITLAB_TOKEN": "", "CI_JOB_TOKEN": BOT}
    with pytest.raises(InputError, match="CI_JOB_TOKEN may read") as caught:
        open_forge(lab.clone_url(), environ)
    assert "GITLAB_TOKEN" in str(caught.value.hint)


def test_the_token_of_a_job_of_gitea(tea: GiteaServer, naps: Naps) -> None:
    """`GET /user` is refused to it; its account has the id -2 everywhere."""
    forge = open_forge(tea.clone_url(), tea.environ(BOT), patience=naps.patience())
    forge.open_pull("topic", "main", TEXT)
    theirs = tea.comment_as("ada", 1, marked("x", "mark"))
    issue = tea.issue_as("ada", "theirs", marked("x", "mark"))
    forge.comment(1, "mark", "first")
    forge.comment(1, "mark", "second")
    forge.keep_issue("mark", "title", "x")
    forge.keep_issue("mark", "title", "y")
    assert (theirs.edits, issue.title, len(tea.comments), len(tea.issues)) == (0, "theirs", 2, 2)


@pytest.mark.parametrize("kind", ["gitlab", "gitea"])
def test_pages_behind_a_proxy(kind: str, bare: Path, naps: Naps) -> None:
    """The links name what the forge believes to be called; the token stays where it was sent."""
    server = GitLabServer(bare) if kind == "gitlab" else GiteaServer(bare)
    with server:
        server.origin = "https://internal.example"
        forge = open_forge(server.clone_url(), server.environ(ADA), patience=naps.patience())
        for at in range(120):
            server.hosted.open_pull("other", f"base{at}", "t", "b", server.hosted.accounts["ada"])
            server.hosted.git.git("branch", f"base{at}", "main")
        assert len(forge.open_pulls()) == 120


def test_a_branch_that_is_noticed_late(tea: GiteaServer, naps: Naps) -> None:
    forge = open_forge(tea.clone_url(), tea.environ(ADA), patience=naps.patience())
    tea.inject(Fault("POST .*/pulls$", 404, {"message": "The target couldn't be found.", "errors": []}))
    assert forge.open_pull("topic", "main", TEXT).number == 1
    assert naps.slept == [1.0]


def test_below_a_path(tea: GiteaServer, bare: Path, naps: Naps) -> None:
    """An installation below a path of its host is recognised, and asked there."""
    url = tea.clone_url().replace("/acme/", "/code/acme/")
    environ = {"GITEA_SERVER_URL": tea.url + "/code", "GITEA_TOKEN": ADA}
    forge = open_forge(url, environ, patience=naps.patience())
    assert forge.name == "acme/prompts"
    with pytest.raises(InputError):  # our server is not below one
        forge.default_branch()
    assert tea.requests[-1].path == "/code/api/v1/repos/acme/prompts"
