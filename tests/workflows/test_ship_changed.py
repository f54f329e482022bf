"""Deploying what a merge brought: each prompt by itself, pushed or proposed, whatever others push meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptvc.forge.text import checked_text
from promptvc.workflows import landing
from promptvc.workflows.project import Project
from promptvc.workflows.shipping import Shipment, Shipped, put
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.state import BOT

ROOT = "0" * 40


def prompt(name: str, version: int, words: str = "Answer.") -> str:
    return (
        f"name: {name}\nversion: {version}\nmodel: offline\nmessages:\n  - {{role: user, content: {words}}}\n"
    )


class Fleet:
    """A forge's repository with two prompts, a desk that writes to it, and a clone as CI makes one: detached."""

    def __init__(self, folder: Path, repo: Repo) -> None:
        self.folder, self.desk = folder, repo
        repo.commit({"prompts/one.yaml": prompt("one", 1), "prompts/two.yaml": prompt("two", 1)}, "Start")
        self.remote = Repo(folder / "acme.git", repo.environ)
        repo.git("clone", "-q", "--bare", str(repo.path), str(self.remote.path))
        repo.git("remote", "add", "origin", str(self.remote.path))

    def push(self, files: dict[str, str | bytes | None]) -> tuple[str, str]:
        """What main was before and after."""
        before = self.desk.rev("HEAD")
        self.desk.git("pull", "-q", "--rebase", "origin", "main")
        self.desk.commit(files, "Edit")
        self.desk.git("push", "-q", "origin", "HEAD:main")
        return before, self.desk.rev("HEAD")

    def runner(self, commit: str, url: str | None = None) -> Cli:
        path = self.folder / f"runner-{len(list(self.folder.iterdir()))}"
        self.desk.git("init", "-q", str(path))
        repo = Repo(path, self.desk.environ)
        repo.git("remote", "add", "origin", url or str(self.remote.path))
        repo.git("fetch", "-q", "origin")
        repo.git("checkout", "-q", "--detach", commit)
        event = self.folder / "event.json"
        event.write_text('{"repository": {"default_branch": "main", "full_name": "acme/prompts"}}')
        return Cli(
            path, {**repo.environ, "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}
        )

    def runs(self, name: str, environment: str = "production") -> bytes | None:
        path = f"deployments/{environment}/{name}.yaml"
        names = self.remote.git("ls-tree", "-r", "--name-only", "main").splitlines()
        return self.remote.show(f"main:{path}") if path in names else None


@pytest.fixture
def fleet(tmp_path: Path, repo: Repo) -> Fleet:
    return Fleet(tmp_path, repo)


def test_what_a_merge_changed_is_deployed_and_pushed(fleet: Fleet) -> None:
    before, after = fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    done = fleet.runner(after).json("deploy", "--changed-since", before, "--push")
    assert [(one["name"], one["version"], one["changed"]) for one in done["deployed"]] == [("one", 2, True)]
    assert done["refused"] == []
    assert fleet.runs("one") == prompt("one", 2, "Answer well.").encode()
    assert fleet.runs("two") is None


def test_a_second_run_changes_nothing(fleet: Fleet) -> None:
    before, after = fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    fleet.runner(after).ok("deploy", "--changed-since", before, "--push")
    tip = fleet.remote.rev("main")
    again = fleet.runner(after).json("deploy", "--changed-since", before, "--push")
    assert [one["changed"] for one in again["deployed"]] == [False]
    assert fleet.remote.rev("main") == tip


def test_everything_is_new_at_the_first_push(fleet: Fleet) -> None:
    done = fleet.runner(fleet.desk.rev("HEAD")).json("deploy", "--changed-since", ROOT, "--push")
    assert [one["name"] for one in done["deployed"]] == ["one", "two"]


def test_a_run_that_comes_late_deploys_what_main_has_by_then(fleet: Fleet) -> None:
    before, after = fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    fleet.push({"prompts/one.yaml": prompt("one", 3, "Answer better.")})
    done = fleet.runner(after).json("deploy", "--changed-since", before, "--push")
    assert [one["version"] for one in done["deployed"]] == [3]
    assert fleet.runs("one") == prompt("one", 3, "Answer better.").encode()


def test_what_others_push_meanwhile_stays(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    runner = fleet.runner(after)
    raced: list[tuple[str, str]] = []

    def put_and_race(project: Project, shipment: Shipment) -> Shipped:
        done = put(project, shipment)
        if not raced:
            raced.append(fleet.push({"README": "meanwhile\n"}))
        return done

    monkeypatch.setattr("promptvc.workflows.ship_changed.put", put_and_race)
    runner.ok("deploy", "--changed-since", before, "--push")
    assert raced
    assert fleet.remote.show("main:README") == b"meanwhile\n"
    assert fleet.runs("one") == prompt("one", 2, "Answer well.").encode()
    assert fleet.remote.git("log", "--format=%s", "main").splitlines()[0].startswith("Deploy one v2")


def test_a_gate_keeps_one_prompt_out_and_no_other(fleet: Fleet) -> None:
    fleet.push({"deployments/staging/environment.yaml": "promotes_from: testing\n"})
    fleet.push({"deployments/testing/one.yaml": prompt("one", 1)})
    done = fleet.runner(fleet.desk.rev("HEAD")).json(
        "deploy", "--changed-since", ROOT, "--env", "staging", "--push", codes=(1,)
    )
    assert [one["name"] for one in done["deployed"]] == ["one"]
    assert [(one["name"], "promotes from testing" in one["reason"]) for one in done["refused"]] == [
        ("two", True)
    ]
    assert fleet.runs("two", "staging") is None


@pytest.fixture
def forge(fleet: Fleet) -> Iterator[GitHubServer]:
    with GitHubServer(fleet.remote.path) as server:
        server.protect("main")
        yield server


def test_a_protected_main_gets_a_pull_request(fleet: Fleet, forge: GitHubServer) -> None:
    url, root = forge.clone_url(BOT), fleet.desk.rev("HEAD")
    runner = fleet.runner(root, url)
    runner = Cli(runner.where, {**runner.environ, **forge.environ(BOT)})
    assert runner("deploy", "--changed-since", ROOT, "--push").code == 3
    assert fleet.runs("one") is None
    runner = Cli(fleet.runner(root, url).where, runner.environ)
    done = runner.json("deploy", "--changed-since", ROOT, "--pr")
    (pull,) = forge.pulls
    assert (done["pull"]["number"], pull.head) == (pull.number, "promptvc-deploy/production")
    again = Cli(fleet.runner(root, url).where, runner.environ).json("deploy", "--changed-since", ROOT, "--pr")
    assert again["pull"]["number"] == pull.number
    assert len(forge.pulls) == 1
    forge.merge(pull.number)
    assert fleet.runs("one") == prompt("one", 1).encode()


def test_slips_get_one_clear_error(fleet: Fleet) -> None:
    cli = cli_of(fleet.desk)
    assert "no revision" in cli.fails(2, "deploy", "--changed-since", "nowhere")
    assert "does not go with" in cli.fails(2, "deploy", "one", "--changed-since", ROOT)
    assert "--push" in cli.fails(2, "deploy", "--changed-since", ROOT, "--push", "--pr")
    assert "--push" in cli.fails(2, "deploy", "one", "--push", "--pr")
    assert "--branch" in cli.fails(2, "deploy", "one", "--push", "--branch", "x")
    assert "NAME" in cli.fails(2, "deploy")
    assert "does not go with --reason" in cli.fails(2, "deploy", "--changed-since", ROOT, "--reason", "x")


def test_one_prompt_is_deployed_and_taken_back_on_the_remote(fleet: Fleet) -> None:
    before, after = fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    for command, version in ((("deploy", "one@v1"), 1), (("deploy", "one"), 2), (("rollback", "one"), 1)):
        reason = ("--reason", "complaints") if command[0] == "rollback" else ()
        done = fleet.runner(after).json(*command, "--push", *reason)
        assert (done["version"], done["pull"]) == (version, None)
        assert f"version: {version}\n".encode() in (fleet.runs("one") or b"")
    assert fleet.remote.git("ls-tree", "--name-only", "main", "deployments/production/holds/one/") != ""
    assert before != after


def test_a_deployment_that_waits_to_be_merged_is_in_the_next_proposal(
    fleet: Fleet, forge: GitHubServer
) -> None:
    url, root = forge.clone_url(BOT), fleet.desk.rev("HEAD")
    environ = {**fleet.runner(root, url).environ, **forge.environ(BOT)}

    def runner(commit: str) -> Cli:
        return Cli(fleet.runner(commit, url).where, environ)

    runner(root).ok("deploy", "--changed-since", ROOT, "--pr")
    forge.protect()
    before, after = fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    done = runner(after).json("deploy", "--changed-since", before, "--pr")
    assert [(one["name"], one["version"]) for one in done["deployed"]] == [("one", 2), ("two", 1)]
    (pull,) = forge.pulls
    forge.merge(pull.number)
    assert fleet.runs("two") == prompt("two", 1).encode()
    again = runner(after).json("deploy", "two", "--pr")
    assert again["pull"] is None
    own = runner(after).json("rollback", "one", "--to", "v1", "--reason", "complaints", "--pr")
    assert own["pull"]["number"] == pull.number + 1
    assert forge.pulls[-1].head == "promptvc-deploy-production/one"


BRANCH = "promptvc-deploy/production"


class Proposing:
    """`deploy --changed-since … --pr` by jobs of their own, each in a new clone."""

    def __init__(self, fleet: Fleet, forge: GitHubServer) -> None:
        self.fleet, self.forge = fleet, forge
        forge.protect()

    def job(self, commit: str | None = None) -> Cli:
        url = self.forge.clone_url(BOT)
        runner = self.fleet.runner(commit or self.fleet.remote.rev("main"), url)
        return Cli(runner.where, {**runner.environ, **self.forge.environ(BOT)})

    def propose(self, since: str = ROOT, *, job: Cli | None = None) -> dict[str, Any]:
        done: dict[str, Any] = (job or self.job()).json("deploy", "--changed-since", since, "--pr")
        return done

    def refused(self, since: str = ROOT, *, job: Cli | None = None) -> str:
        return (job or self.job()).fails(1, "deploy", "--changed-since", since, "--pr")

    def clone(self, name: str = "person") -> Repo:
        """A person's clone, on the branch of the pull request."""
        path = self.fleet.folder / name
        self.fleet.desk.git("clone", "-q", "-b", BRANCH, str(self.fleet.remote.path), str(path))
        return Repo(path, self.fleet.desk.environ)


@pytest.fixture
def proposing(fleet: Fleet, forge: GitHubServer) -> Proposing:
    return Proposing(fleet, forge)


def test_what_people_wrote_on_a_proposal_stays(proposing: Proposing) -> None:
    proposing.propose()
    (pull,) = proposing.forge.pulls
    assert pull.title == "Let production run one v1, two v1"
    pull.title, pull.body, pull.draft = "Wait " + "t" * 245, "Not before Monday.\n\n" + pull.body, True
    theirs = (pull.title, pull.body, pull.draft)
    before, _ = proposing.fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    proposing.propose(before)
    (pull,) = proposing.forge.pulls
    assert (pull.title, pull.body, pull.draft) == theirs


def test_a_proposal_that_nobody_touched_says_what_it_has_by_now(proposing: Proposing) -> None:
    proposing.propose()
    before, _ = proposing.fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    proposing.propose(before)
    (pull,) = proposing.forge.pulls
    assert pull.title == "Let production run one v2, two v1"
    assert "`one` in `production`: v2\n" in pull.body


def test_a_commit_of_a_person_on_the_branch_is_not_thrown_away(proposing: Proposing) -> None:
    proposing.propose()
    person = proposing.clone()
    theirs = person.commit({"deployments/production/NOTES": "mine\n"}, "Remark")
    person.git("push", "-q", "origin", BRANCH)
    before, _ = proposing.fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    said = proposing.refused(before)
    assert "did not make" in said
    assert f"{theirs[:12]} Remark" in said
    assert proposing.fleet.remote.rev(BRANCH) == theirs


def test_an_edit_of_our_own_commit_is_a_persons(proposing: Proposing) -> None:
    """The trailers are ours still; what it deploys is no version."""
    proposing.propose()
    person = proposing.clone()
    person.write({"deployments/production/two.yaml": prompt("two", 1, "Mine.")})
    person.git("commit", "-q", "-a", "--amend", "--no-edit")
    person.git("push", "-q", "--force", "origin", BRANCH)
    assert "did not make" in proposing.refused()
    assert b"Mine." in proposing.fleet.remote.show(f"{BRANCH}:deployments/production/two.yaml")


def test_commits_that_were_never_pushed_are_not_thrown_away_either(proposing: Proposing) -> None:
    job = proposing.job()
    proposing.propose(job=job)
    repo = Repo(job.where, proposing.fleet.desk.environ)
    repo.git("switch", "-q", BRANCH)
    mine = repo.commit({"NOTES": "mine\n"}, "Not pushed yet")
    repo.git("switch", "-q", "--detach", "origin/main")
    assert "Not pushed yet" in proposing.refused(job=job)
    assert repo.rev(BRANCH) == mine


def test_what_a_button_of_the_forge_does_to_the_branch_is_no_persons_work(proposing: Proposing) -> None:
    """It merges main into it, or rebases it."""
    proposing.propose()
    proposing.fleet.push({"README": "more\n"})
    person = proposing.clone()
    person.git("merge", "-q", "-m", "Update", "origin/main")
    person.git("push", "-q", "origin", BRANCH)
    proposing.propose()
    proposing.fleet.push({"README": "even more\n"})
    again = proposing.clone("again")
    again.git("rebase", "-q", "origin/main")
    again.git("push", "-q", "--force", "origin", BRANCH)
    proposing.propose()
    assert len(proposing.forge.pulls) == 1


def test_a_merge_with_something_of_its_own_is_a_persons(proposing: Proposing) -> None:
    proposing.propose()
    proposing.fleet.push({"README": "more\n"})
    person = proposing.clone()
    person.git("merge", "-q", "--no-commit", "origin/main")
    person.commit({"NOTES": "mine\n"}, "Update")
    person.git("push", "-q", "origin", BRANCH)
    assert "did not make" in proposing.refused()


@pytest.mark.parametrize("deleted", [False, True])
def test_a_proposal_that_was_closed_stays_closed(proposing: Proposing, *, deleted: bool) -> None:
    proposing.propose()
    (pull,) = proposing.forge.pulls
    pull.state, pull.body = "closed", "No.\n\n" + pull.body
    tip = proposing.fleet.remote.rev(BRANCH)
    if deleted:
        proposing.fleet.remote.git("branch", "-D", BRANCH)
    job = proposing.job()
    for _ in range(2):
        said = proposing.refused(job=job)
        assert f"#{pull.number} proposed just that, and was closed" in said
        assert "reopen it" in said
    assert len(proposing.forge.pulls) == 1
    assert Repo(job.where, proposing.fleet.desk.environ).git("branch", "--list", BRANCH) == ""
    if not deleted:
        assert proposing.fleet.remote.rev(BRANCH) == tip


def test_after_a_closed_one_only_what_is_new_is_proposed(proposing: Proposing) -> None:
    proposing.propose()
    proposing.forge.pulls[0].state = "closed"
    before, _ = proposing.fleet.push({"prompts/one.yaml": prompt("one", 2, "Answer well.")})
    done = proposing.propose(before)
    assert [(one["name"], one["version"]) for one in done["deployed"]] == [("one", 2)]
    first, second = proposing.forge.pulls
    assert (first.state, second.state, second.title) == ("closed", "open", "Let production run one v2")


def test_a_merged_one_makes_room_for_the_next(proposing: Proposing) -> None:
    proposing.propose()
    proposing.forge.merge(proposing.forge.pulls[0].number, "squash")
    before, _ = proposing.fleet.push({"prompts/two.yaml": prompt("two", 2, "Answer well.")})
    done = proposing.propose(before)
    assert [(one["name"], one["version"]) for one in done["deployed"]] == [("two", 2)]
    assert [pull.state for pull in proposing.forge.pulls] == ["closed", "open"]


def test_a_large_proposal_fits() -> None:
    names = [f"team-{'x' * 170}/{at}" for at in range(400)]
    news = [Shipped(name, "production", 2, 1, "c" * 40, "main") for name in names]
    text = landing._text("deploy/production", news)
    assert re.search(r"^\d+ more deployments not shown here", text.body, re.MULTILINE)
    assert checked_text(text).title == text.title
    assert len(text.title) <= 247


def test_a_desk_that_is_only_behind_is_brought_forward(fleet: Fleet, tmp_path: Path) -> None:
    fleet.desk.git("clone", "-q", str(fleet.remote.path), str(tmp_path / "behind"))
    behind = Repo(tmp_path / "behind", fleet.desk.environ)
    fleet.push({"README": "x"})
    behind.write({"notes": "mine"})
    cli_of(behind).ok("deploy", "one", "--push")
    assert fleet.runs("one") == prompt("one", 1).encode()
    assert behind.read("README") == b"x"
    assert behind.status() == ["?? notes"]


@pytest.mark.parametrize("how", ["commit", "file"])
def test_a_desk_with_work_in_the_way_is_told_to_pull(fleet: Fleet, tmp_path: Path, how: str) -> None:
    fleet.desk.git("clone", "-q", str(fleet.remote.path), str(tmp_path / "behind"))
    behind = Repo(tmp_path / "behind", fleet.desk.environ)
    fleet.push({"README": "x"})
    if how == "commit":
        behind.commit({"own": "y"})
    else:
        behind.write({"README": "mine"})
    before = behind.git("for-each-ref", "refs/heads")
    assert "git pull" in cli_of(behind).fails(1, "deploy", "--changed-since", ROOT, "--push")
    assert behind.git("for-each-ref", "refs/heads") == before
    assert how == "commit" or behind.read("README") == b"mine"
