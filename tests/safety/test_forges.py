"""What others wrote on a forge: their comments stay theirs, and a change does not choose who reviews it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import Cli
from tests.forge.servers.gitea import GiteaServer
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.gitlab import GitLabServer
from tests.forge.servers.serving import ForgeServer
from tests.forge.servers.state import BOT
from tests.safety.canaries import orderly
from tests.worlds import DESK, copy_of

BRANCH = f"promptvc/{DESK}/v2"


@pytest.fixture(params=[GitHubServer, GitLabServer, GiteaServer])
def hub(
    request: pytest.FixtureRequest, trained_template: Repo, tmp_path: Path
) -> Iterator[tuple[ForgeServer, Cli, Repo]]:
    """A clone whose candidate waits, and whose CODEOWNERS is carol."""
    repo = copy_of(trained_template, tmp_path / "clone")
    repo.commit({"CODEOWNERS": "* @carol\n"}, "Owners")
    bare = tmp_path / "acme.git"
    repo.git("clone", "-q", "--bare", str(repo.path), str(bare))
    Repo(bare, repo.environ).git("branch", "-D", BRANCH)
    with request.param(bare) as server:
        repo.git("remote", "add", "origin", server.clone_url(BOT))
        repo.git("fetch", "-q", "origin")
        yield server, Cli(repo.path, {**repo.environ, **server.environ(BOT)}), repo


def test_a_comment_of_somebody_else_with_our_marker_is_left_alone(
    hub: tuple[ForgeServer, Cli, Repo], tmp_path: Path
) -> None:
    server, cli, _ = hub
    cli.ok("pr", DESK)
    (ours,) = server.comments
    (pull,) = server.pulls
    server.comments.remove(ours)
    eve = server.hosted.accounts["eve"]
    theirs = server.hosted.add_comment(
        pull.number, "pull", eve, ours.body.replace("improvement", "APPROVED BY EVE")
    )
    cli.ok("pr", DESK)
    assert theirs.edits == 0
    assert "APPROVED BY EVE" in theirs.body
    (fresh,) = [comment for comment in server.comments if comment is not theirs]
    assert fresh.author.login != "eve"
    assert "APPROVED" not in fresh.body


def test_an_issue_of_somebody_else_with_our_marker_is_left_alone(
    hub: tuple[ForgeServer, Cli, Repo], tmp_path: Path
) -> None:
    server, cli, _ = hub
    (tmp_path / "i.md").write_text("Look\n")
    arguments = ("forge", "issue", str(tmp_path / "i.md"), "--marker", "alerts", "--title", "Look")
    cli.ok(*arguments)
    (ours,) = server.issues
    body = ours.body
    server.issues.remove(ours)
    theirs = server.hosted.add_issue(
        "Look", body.replace("Look", "Nothing to see"), server.hosted.accounts["eve"]
    )
    cli.ok(*arguments)
    assert theirs.body == body.replace("Look", "Nothing to see")
    assert theirs.state == "open"
    assert len(server.issues) == 2


def test_a_change_does_not_choose_its_own_reviewers(hub: tuple[ForgeServer, Cli, Repo]) -> None:
    """The candidate's branch names eve and bob as owners; who is asked is carol, as main says."""
    server, cli, repo = hub
    repo.git("switch", "-q", BRANCH)
    repo.commit({"CODEOWNERS": "* @eve\n", ".github/CODEOWNERS": "* @bob\n"}, "Take over")
    repo.git("switch", "-q", "main")
    orderly(cli("pr", DESK))
    for pull in server.pulls:
        assert set(pull.reviewers) <= {"carol"}
        assert pull.reviewers or isinstance(server, GiteaServer), "Gitea asks by itself, from the base"


def test_a_pull_request_of_a_fork_with_the_same_branch_name_is_not_taken_over(
    hub: tuple[ForgeServer, Cli, Repo],
) -> None:
    server, cli, repo = hub
    repo.git("push", "-q", "origin", f"main:refs/heads/{BRANCH}")
    eve = server.hosted.accounts["eve"]
    theirs = server.hosted.open_pull(BRANCH, "main", "Mine", "evil", eve)
    theirs.fork = "eve/prompts"
    repo.git("push", "-q", "origin", f":refs/heads/{BRANCH}")
    cli.ok("pr", DESK)
    assert (theirs.title, theirs.body) == ("Mine", "evil")
    ours = [pull for pull in server.hosted.pulls if pull is not theirs]
    assert len(ours) == 1
