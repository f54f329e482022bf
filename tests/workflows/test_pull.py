"""Pull requests for candidates: one each, repeatable, and nothing of what people wrote there is undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.builders import Repo
from tests.commands import Cli, Ran, cli_of
from tests.forge.servers.gitea import GiteaServer
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.gitlab import GitLabServer
from tests.forge.servers.serving import Fault, ForgeServer
from tests.forge.servers.state import BOT
from tests.worlds import DESK, DESK_FILE, copy_of

BRANCH = f"promptvc/{DESK}/v2"
RUNS = f"deployments/production/{DESK}.yaml"
SERVERS = {"github": GitHubServer, "gitlab": GitLabServer, "gitea": GiteaServer}


class Desk:
    """A clone of a forge's repository, whose candidate v2 waits on its branch."""

    def __init__(self, server: ForgeServer, repo: Repo) -> None:
        self.server, self.repo = server, repo
        self.cli = Cli(repo.path, {**repo.environ, **server.environ(BOT)})

    def pr(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
        return self.cli.json("pr", *(arguments or (DESK,)), codes=codes)

    def fetch(self) -> None:
        self.repo.git("fetch", "-q", "origin")

    def on_main(self, path: str) -> bytes | None:
        self.fetch()
        names = self.repo.git("ls-tree", "-r", "--name-only", "origin/main").splitlines()
        return self.repo.show(f"origin/main:{path}") if path in names else None


def opened(kind: str, template: Repo, folder: Path, files: dict[str, str] | None = None) -> Iterator[Desk]:
    repo = copy_of(template, folder / "clone")
    if files:
        repo.commit(dict(files), "Settings")
    bare = folder / "acme.git"
    repo.git("clone", "-q", "--bare", str(repo.path), str(bare))
    Repo(bare, repo.environ).git("branch", "-D", BRANCH)
    with SERVERS[kind](bare) as server:
        repo.git("remote", "add", "origin", server.clone_url(BOT))
        repo.git("fetch", "-q", "origin")
        yield Desk(server, repo)


@pytest.fixture(params=sorted(SERVERS))
def desk_at(request: pytest.FixtureRequest, trained_template: Repo, tmp_path: Path) -> Iterator[Desk]:
    yield from opened(request.param, trained_template, tmp_path)


@pytest.fixture
def hub(trained_template: Repo, tmp_path: Path) -> Iterator[Desk]:
    yield from opened("github", trained_template, tmp_path)


def test_a_candidate_gets_one_pull_request_with_a_report(desk_at: Desk) -> None:
    first = desk_at.pr()
    assert (first["version"], first["branch"], first["base"]) == (2, BRANCH, "main")
    assert (first["created"], first["state"], first["draft"]) == (True, "open", False)
    (pull,) = desk_at.server.pulls
    assert pull.title.startswith(f"{DESK} v2: ")
    (comment,) = desk_at.server.comments
    before = comment.body
    assert "improvement" in comment.body
    assert pull.labels == ["promptvc"]
    again = desk_at.pr()
    assert (again["created"], again["number"]) == (False, first["number"])
    assert len(desk_at.server.pulls) == 1
    assert [(one.body, one.edits) for one in desk_at.server.comments] == [(before, 0)]


def test_merging_it_makes_it_a_version_of_main(desk_at: Desk) -> None:
    number = desk_at.pr()["number"]
    desk_at.server.merge(number)
    assert desk_at.on_main(DESK_FILE) == desk_at.repo.show(f"{BRANCH}:{DESK_FILE}")
    desk_at.repo.git("merge", "-q", "--ff-only", "origin/main")
    assert "on main already" in desk_at.cli.fails(1, "pr", f"{DESK}@v2")


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_deployment_goes_along_however_it_is_merged(
    hub: Desk, how: Literal["merge", "squash", "rebase"]
) -> None:
    done = hub.pr(DESK, "--deploy", "production")
    assert done["deploys"] == ["production"]
    assert hub.on_main(RUNS) == hub.on_main(DESK_FILE) != hub.repo.show(f"{BRANCH}:{DESK_FILE}")
    hub.server.merge(done["number"], how)
    assert hub.on_main(RUNS) == hub.on_main(DESK_FILE) == hub.repo.show(f"{BRANCH}:{DESK_FILE}")
    hub.repo.git("merge", "-q", "--ff-only", "origin/main")
    (row,) = hub.cli.json("status")
    assert (row["environment"], row["version"], row["intact"]) == ("production", 2, True)
    assert hub.cli.json("check")["problems"] == []


def test_every_deployment_that_goes_along_is_named(hub: Desk) -> None:
    first = hub.pr(DESK, "--deploy", "staging")
    assert first["deploys"] == ["staging"]
    assert "made the environment staging" in " ".join(first["remarks"])
    assert hub.pr(DESK, "--deploy", "production")["deploys"] == ["production", "staging"]
    assert hub.pr()["deploys"] == ["production", "staging"]
    body = hub.server.pulls[0].body
    assert "lets `production`, `staging` run it" in body
    assert "did you mean production" in hub.cli.fails(2, "pr", DESK, "--deploy", "producton")


def test_a_label_that_is_none_is_refused_before_anything_is_done(hub: Desk) -> None:
    assert "no label" in hub.cli.fails(2, "pr", DESK, "--label", "a\nb")
    assert hub.server.pulls == []


def test_the_look_goes_along(hub: Desk) -> None:
    hub.pr()
    hub.fetch()
    assert hub.repo.rev("origin/promptvc/ledger") == hub.repo.rev("promptvc/ledger")


def test_a_deployment_that_a_gate_keeps_out_is_refused_before_anything_is_pushed(
    trained_template: Repo, tmp_path: Path
) -> None:
    rules = {"deployments/production/environment.yaml": "promotes_from: staging\n"}
    for hub in opened("github", trained_template, tmp_path, rules):
        assert "promotes from staging" in hub.cli.fails(1, "pr", DESK, "--deploy", "production")
        assert hub.server.pulls == []
        hub.fetch()
        assert f"origin/{BRANCH}" not in hub.repo.git("branch", "-r")


def test_the_settings_say_who_is_asked_and_what_goes_along(trained_template: Repo, tmp_path: Path) -> None:
    files = {
        "promptvc.yaml": "review: {labels: [prompts, learned], reviewers: [grace], deploy: production}\n",
        "CODEOWNERS": f"/{DESK_FILE} @ada\n/evaluation/ desk@example.org\n",
    }
    for hub in opened("github", trained_template, tmp_path, files):
        hub.server.hosted.add("grace", "write")
        done = hub.pr()
        assert done["deploys"] == ["production"]
        assert sorted(hub.server.pulls[0].labels) == ["learned", "prompts"]
        assert sorted(done["reviewers"]) == ["ada", "grace"]
        assert [one["reviewer"] for one in done["refused"]] == ["desk@example.org"]


def test_owners_are_those_of_main_not_of_the_change(hub: Desk) -> None:
    hub.repo.git("switch", "-q", BRANCH)
    hub.repo.commit({"CODEOWNERS": "* @ada\n"}, "Choose my own reviewer")
    hub.repo.git("switch", "-q", "main")
    assert hub.pr()["reviewers"] == []


@pytest.mark.parametrize("how", ["above", "instead", "long"])
def test_what_people_wrote_there_stays(desk_at: Desk, how: str) -> None:
    number = desk_at.pr()["number"]
    pull = desk_at.server.pulls[0]
    words = {
        "above": "Do not merge before Monday.\n\n" + pull.body,
        "instead": "My own words",
        "long": "x" * 65_400,
    }
    draft = {GitLabServer: "Draft: ", GiteaServer: "WIP: "}.get(type(desk_at.server), "")
    title = draft + "Ours now " + "t" * 239  # a character more than we would send
    pull.title, pull.body, pull.draft = title, words[how], True
    done = desk_at.pr()
    assert (done["number"], done["draft"]) == (number, True)
    assert (pull.title, pull.body, pull.draft) == (title, words[how], True)
    assert len(desk_at.server.comments) == 1


def test_what_nobody_touched_follows_the_candidate(desk_at: Desk) -> None:
    desk_at.pr()
    pull = desk_at.server.pulls[0]
    assert "No environment runs it" in pull.body
    desk_at.pr(DESK, "--deploy", "production")
    assert "lets `production` run it" in pull.body
    assert "No environment runs it" not in pull.body
    assert pull.body.count("<!-- promptvc:") == desk_at.server.comments[0].body.count("<!-- promptvc:") == 1


def test_one_that_was_closed_stays_closed(hub: Desk) -> None:
    hub.pr()
    hub.server.pulls[0].state = "closed"
    done = hub.pr(codes=(1,))
    assert (done["state"], done["created"]) == ("closed", False)
    assert "reopen" in done["remarks"][0]
    assert len(hub.server.pulls) == 1


def test_commits_of_others_on_the_branch_are_not_thrown_away(hub: Desk, tmp_path: Path) -> None:
    hub.pr()
    hub.repo.git("clone", "-q", "-b", BRANCH, hub.server.clone_url(BOT), str(tmp_path / "other"))
    other = Repo(tmp_path / "other", hub.repo.environ)
    theirs = other.commit({"README": "a remark\n"}, "Remark")
    other.git("push", "-q", "origin", BRANCH)
    hub.repo.git("switch", "-q", BRANCH)
    hub.repo.commit({"NOTES": "mine\n"}, "Mine")
    hub.repo.git("switch", "-q", "main")
    assert "other commits" in hub.cli.fails(1, "pr", DESK)
    hub.fetch()
    assert hub.repo.rev(f"origin/{BRANCH}") == theirs


def test_a_candidate_that_only_the_remote_has_is_proposed_too(hub: Desk) -> None:
    hub.repo.git("push", "-q", "origin", BRANCH)
    hub.repo.git("branch", "-D", BRANCH)
    assert hub.pr()["created"] is True


def test_a_branch_of_ones_own_is_proposed_as_a_draft_without_evidence(hub: Desk) -> None:
    hub.repo.git("switch", "-qc", "mine")
    text = hub.repo.read(DESK_FILE).decode() + "tags: [by-hand]\n"
    hub.repo.write({DESK_FILE: text})
    hub.cli.ok("commit", DESK, "-m", "By hand")
    hub.repo.git("switch", "-q", "main")
    done = hub.pr(DESK, "--branch", "mine")
    assert (done["branch"], done["draft"]) == ("mine", True)
    assert hub.pr(DESK, "--branch", "mine", "--ready")["number"] == done["number"]


def test_training_proposes_what_it_made(desk_template: Repo, tmp_path: Path) -> None:
    for hub in opened_plain(desk_template, tmp_path):
        done = hub.cli.json("train", DESK, "--pr")
        assert done["candidate"] == 2
        assert done["pull"]["number"] == hub.server.pulls[0].number
        nothing = hub.cli.json("train", DESK, "--pr")
        assert nothing["candidate"] in {None, 2}
        assert len(hub.server.pulls) == 1


def opened_plain(template: Repo, folder: Path) -> Iterator[Desk]:
    repo = copy_of(template, folder / "clone")
    bare = folder / "acme.git"
    repo.git("clone", "-q", "--bare", str(repo.path), str(bare))
    with GitHubServer(bare) as server:
        repo.git("remote", "add", "origin", server.clone_url(BOT))
        repo.git("fetch", "-q", "origin")
        yield Desk(server, repo)


def test_a_forge_that_cannot_be_reached_leaves_the_training_as_it_is(
    desk_template: Repo, tmp_path: Path
) -> None:
    for hub in opened_plain(desk_template, tmp_path):
        hub.server.inject(Fault(" /api/", status=501, times=1000))
        ran: Ran = hub.cli("train", DESK, "--pr")
        assert ran.code == 3
        assert re.search(r"^error: ", ran.err, re.MULTILINE)
        hub.server.faults.clear()
        assert hub.pr()["created"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("desk/rout",), "did you mean desk/route"),
        ((f"{DESK}@v9",), "v2"),
        ((DESK, "--branch", "main"), "main itself"),
        ((DESK, "--branch", "nobody"), "no branch"),
        ((DESK, "--deploy", "v3"), "version"),
    ],
)
def test_slips_get_one_clear_error(hub: Desk, arguments: tuple[str, ...], said: str) -> None:
    assert said in hub.cli.fails(2, "pr", *arguments)
    assert hub.server.pulls == []


def test_without_a_token_or_a_remote_the_error_says_what_to_do(hub: Desk, trained: Repo) -> None:
    bare = {key: value for key, value in hub.cli.environ.items() if "TOKEN" not in key}
    assert "GITHUB_TOKEN" in Cli(hub.repo.path, bare).fails(2, "pr", DESK)
    assert "remote" in cli_of(trained).fails(2, "pr", DESK)
