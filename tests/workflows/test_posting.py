"""`promptvc forge`: one comment and one issue of a marker, from files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvc.forge.forge import marked
from promptvc.store.forges import read_forge
from tests.builders import Repo
from tests.commands import Cli
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.gitlab import GitLabServer
from tests.forge.servers.state import ADA, BOT


@pytest.fixture
def hub(repo: Repo, tmp_path: Path) -> Iterator[GitHubServer]:
    """The repository's remote, with pull request 1."""
    bare = Repo.create(tmp_path / "bare.git", repo.environ, bare=True)
    repo.commit({"promptvc.yaml": ""}, "Start")
    with GitHubServer(bare.path) as running:
        # A real push over HTTP, with a token.
        repo.git("push", "-q", running.clone_url(ADA), "main", "main:topic")
        repo.git("remote", "add", "origin", running.clone_url())
        repo.commit({"a.txt": "more\n"}, "More")
        repo.git("push", "-q", running.clone_url(ADA), "HEAD:topic")
        running.hosted.open_pull("topic", "main", "t", "b", running.hosted.accounts["ada"])
        yield running


@pytest.fixture
def cli(repo: Repo, hub: GitHubServer) -> Cli:
    (repo.path / "report.md").write_text("# Report\n\n| a | b |\n")
    return Cli(repo.path, repo.environ | hub.environ(BOT))


def at(repo: Repo, name: str = "report.md") -> str:
    return str(repo.path / name)


def test_a_comment_is_kept(cli: Cli, repo: Repo, hub: GitHubServer) -> None:
    first = cli.json("forge", "comment", "1", at(repo), "--marker", "report")
    assert set(first) == {"number", "url", "changed", "made"}
    assert (first["number"], first["changed"], first["made"]) == (1, True, True)
    again = cli.json("forge", "comment", "1", at(repo), "--marker", "report")
    assert again == first | {"changed": False, "made": False}
    (repo.path / "report.md").write_text("# Another\n")
    assert cli.json("forge", "comment", "1", at(repo), "--marker", "report") == first | {"made": False}
    (comment,) = hub.comments
    assert comment.body == marked("# Another", "report")
    assert comment.author.login == "github-actions[bot]"
    assert first["url"] in cli.ok("forge", "comment", "1", at(repo), "--marker", "report")
    assert cli("forge", "comment", "1", at(repo), "--marker", "other").err.strip() == "made"


def test_an_issue_is_kept_and_closed(cli: Cli, repo: Repo, hub: GitHubServer) -> None:
    kept = cli.json("forge", "issue", at(repo), "--marker", "alerts", "--title", "Look", "--label", "alert")
    assert (kept["number"], kept["changed"]) == (2, True)
    assert hub.issues[0].labels == ["alert"]
    closed = cli.json("forge", "issue", "--close", "--marker", "alerts")
    assert closed == kept | {"made": False}
    assert cli.json("forge", "issue", "--close", "--marker", "alerts") == {
        "number": None,
        "url": None,
        "changed": False,
        "made": False,
    }
    assert "no issue is open" in cli.ok("forge", "issue", "--close", "--marker", "alerts", at(repo))


def test_standard_input(repo: Repo, hub: GitHubServer) -> None:
    cli = Cli(repo.path, repo.environ | hub.environ(BOT))
    with cli.start("forge", "comment", "1", "-", "--marker", "m", stdin=subprocess.PIPE) as process:
        _, err = process.communicate("é piped\n".encode(), timeout=60)
    assert process.returncode == 0, err
    assert hub.comments[0].body.startswith("é piped\n")


def test_ci_says_which_pull_request(cli: Cli, repo: Repo, hub: GitHubServer, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(hub.event(1)))
    more = {"GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": "pull_request"}
    assert cli.json("forge", "comment", at(repo), "--marker", "m", more=more)["number"] == 1
    assert "which pull request" in cli.fails(2, "forge", "comment", at(repo), "--marker", "m")


@pytest.mark.parametrize(
    ("event", "environ", "number"),
    [
        ({"number": 7, "pull_request": {"number": 7}}, {}, 7),
        ({"issue": {"number": 8, "pull_request": {"url": "x"}}}, {}, 8),
        ({"issue": {"number": 8}}, {}, None),
        ({"workflow_run": {"pull_requests": [{"number": 9}]}}, {}, 9),
        ({"workflow_run": {"pull_requests": [{"number": 9}, {"number": 10}]}}, {}, None),
        ({"pull_request": {"number": "7; rm"}}, {}, None),
        ({"pull_request": {"number": -7}}, {}, None),
        ({}, {"CI_MERGE_REQUEST_IID": "11"}, 11),
        ({}, {"CI_COMMIT_PULL_REQUEST": "12"}, 12),
        ({}, {"DRONE_PULL_REQUEST": "false"}, None),
        ({}, {}, None),
    ],
)
def test_the_number_of_the_pull_request(
    tmp_path: Path, event: dict[str, object], environ: dict[str, str], number: int | None
) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    assert read_forge({"GITHUB_EVENT_PATH": str(path), **environ}).pull == number


def test_what_cannot_be_posted(cli: Cli, repo: Repo, hub: GitHubServer) -> None:
    (repo.path / "long.md").write_text("x" * 65_001)
    (repo.path / "latin.md").write_bytes(b"caf\xe9")
    mark = ("--marker", "m")
    assert "longer than" in cli.fails(2, "forge", "comment", "1", at(repo, "long.md"), *mark)
    assert "not UTF-8" in cli.fails(2, "forge", "comment", "1", at(repo, "latin.md"), *mark)
    repo.write({"empty.md": " \n"})
    assert "it is empty" in cli.fails(2, "forge", "comment", "1", at(repo, "empty.md"), *mark)
    assert "no such file" in cli.fails(2, "forge", "comment", "1", at(repo, "none.md"), *mark)
    assert "not the number" in cli.fails(2, "forge", "comment", "x", at(repo), *mark)
    assert "one file" in cli.fails(2, "forge", "comment", "1", at(repo), "y", *mark)
    assert "no marker" in cli.fails(2, "forge", "comment", "1", at(repo), "--marker", "A--")
    assert "needs FILE" in cli.fails(2, "forge", "issue", at(repo), *mark)
    assert "goes without" in cli.fails(2, "forge", "issue", "--close", "--title", "x", *mark)
    assert "no remote up" in cli.fails(2, "forge", "comment", "1", at(repo), *mark, "--remote", "up")
    assert "no token" in cli.fails(2, "forge", "comment", "1", at(repo), *mark, GITHUB_TOKEN="")
    assert "no such thing" in cli.fails(2, "forge", "comment", "99", at(repo), *mark)
    assert cli("forge", "comment", "1", str(repo.path), *mark).code == 3
    assert hub.comments == []
    hub.bot.rights = "read"
    assert "not accessible" in cli.fails(1, "forge", "comment", "1", at(repo), *mark)


def test_a_merge_request(repo: Repo, tmp_path: Path) -> None:
    bare = Repo.create(tmp_path / "lab.git", repo.environ, bare=True)
    repo.commit({"promptvc.yaml": ""}, "Start")
    with GitLabServer(bare.path, "acme/team/prompts") as lab:
        repo.git("remote", "add", "up", lab.clone_url(ADA))
        repo.git("push", "-q", "up", "main", "main:topic")
        repo.commit({"a.txt": "more\n"}, "More")
        repo.git("push", "-q", "up", "HEAD:topic")
        lab.hosted.open_pull("topic", "main", "t", "b", lab.hosted.accounts["ada"])
        (repo.path / "report.md").write_text("Report\n")
        cli = Cli(repo.path, repo.environ | lab.environ() | {"CI_MERGE_REQUEST_IID": "1"})
        posted = cli.json("forge", "comment", at(repo), "--marker", "m", "--remote", "up")
        assert posted["url"] == f"{lab.url}/acme/team/prompts/-/merge_requests/1#note_{lab.comments[0].id}"


def test_a_missing_library_is_one_clear_error(repo: Repo, hub: GitHubServer, tmp_path: Path) -> None:
    """Its import fails as where it is not installed."""
    blocked = tmp_path / "blocked" / "github"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text(
        "raise ModuleNotFoundError('No module named github', name='github')\n"
    )
    (repo.path / "report.md").write_text("x")
    cli = Cli(repo.path, repo.environ | hub.environ(BOT))
    path = f"{blocked.parent}:{Path(__file__).resolve().parents[2]}"
    ran = cli.process("forge", "comment", "1", "report.md", "--marker", "m", more={"PYTHONPATH": path})
    assert ran.code == 2
    assert (
        ran.err
        == "error: PyGithub is not installed, and github needs it\nhint: pip install 'promptvc[github]'\n"
    )
