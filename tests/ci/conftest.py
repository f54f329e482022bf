"""A repository on a private forge, with the workflows that `promptvc init --ci github` writes, and what runs them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Files, Repo
from tests.ci.forge import JobForge
from tests.ci.runner import REPOSITORY, Actions, Event, Run, load
from tests.commands import CI, Cli, cli_of
from tests.forge.servers.state import ADA
from tests.worlds import DESK, DESK_PROMPT, copy_of, desk_rows, desk_suite

ZONE = "desk/zone"


def two_prompts(desk: Repo, tmp_path: Path) -> None:
    """Beside the desk's prompt one that asks a model; both are due. Committed, not pushed."""
    prompt = DESK_PROMPT.replace(DESK, ZONE).replace("model: offline", "model: openai:one")
    desk.commit({f"prompts/{ZONE}.yaml": prompt, f"evaluation/{ZONE}.yaml": desk_suite()}, "Another")
    rows = tmp_path / "zone.jsonl"
    rows.write_text(desk_rows(20).replace(DESK, ZONE))
    cli_of(desk).ok("feedback", "import", str(rows))
    cli_of(desk).ok("feedback", "commit")


@dataclass
class World:
    """``desk`` is Ada's clone; what she pushes is on ``forge``, where ``actions`` run the workflows of main."""

    desk: Repo
    bare: Repo
    forge: JobForge
    actions: Actions

    @property
    def cli(self) -> Cli:
        return cli_of(self.desk)

    def push(self, *refs: str) -> None:
        self.desk.git("push", "-q", "origin", *(refs or ("main",)))

    def workflow(self, name: str) -> str:
        """As main has it."""
        return self.bare.show(f"main:.github/workflows/promptvc-{name}.yml").decode()

    def payload(self) -> dict[str, Any]:
        """What every event says."""
        return {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}

    def pushed(self, workflow: str, before: str | None = None) -> Run:
        """Run a workflow of main for a push."""
        payload = self.payload() | ({"before": before} if before else {})
        event = Event("push", "refs/heads/main", self.bare.rev("main"), payload)
        return self.actions.run(self.workflow(workflow), event)

    def by_hand(self, workflow: str, **inputs: str) -> Run:
        """Run a workflow of main by hand; what is not given has its default."""
        text = self.workflow(workflow)
        asked = load(text)["on"]["workflow_dispatch"] or {}
        defaults = {key: one.get("default", "") for key, one in asked.get("inputs", {}).items()}
        assert set(inputs) <= set(defaults), inputs
        event = Event(
            "workflow_dispatch", "refs/heads/main", self.bare.rev("main"), self.payload(), defaults | inputs
        )
        return self.actions.run(text, event)

    def propose(self, branch: str, files: Files, *, fork: str | None = None, by: str = "ada") -> int:
        """A pull request; its number. ``fork``: of Eve's."""
        self.desk.git("switch", "-q", "-c", branch, "main")
        self.desk.commit(files, f"Change by {branch}")
        self.push(branch)
        self.desk.git("switch", "-q", "main")
        author = self.forge.hosted.accounts[by if fork is None else "eve"]
        pull = self.forge.hosted.open_pull(branch, "main", branch, "", author)
        pull.fork = fork
        return pull.number

    def pull_event(self, number: int) -> Event:
        """As GitHub makes it: the merge result is a commit of its own."""
        pull = next(one for one in self.forge.pulls if one.number == number)
        base, git = self.bare.rev("main"), self.forge.hosted.git
        tree = git.merged_tree(base, pull.commit)
        commit = git.git("commit-tree", tree, "-p", base, "-p", pull.commit, "-m", "Merge")
        git.git("update-ref", f"refs/pull/{number}/merge", commit)
        payload = self.forge.event(number)
        payload["sender"] = payload["pull_request"]["user"]
        return Event("pull_request", f"refs/pull/{number}/merge", commit, payload)

    def checked(self, number: int) -> Run:
        """Run the check of a pull request, by the workflow that its merge result has."""
        event = self.pull_event(number)
        text = self.bare.show(f"{event.commit}:.github/workflows/promptvc-check.yml").decode()
        return self.actions.run(text, event)


@pytest.fixture
def world(desk_template: Repo, tmp_path: Path) -> Iterator[World]:
    desk = copy_of(desk_template, tmp_path / "desk")
    cli_of(desk).ok(*CI, "github")
    desk.git("add", "-A")
    desk.git("commit", "-q", "-m", "Let the forge work")
    bare = tmp_path / "prompts.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(desk.path), str(bare)], env=desk.environ, check=True)
    with JobForge(bare, REPOSITORY) as forge:
        forge.hosted.private = True
        desk.git("remote", "add", "origin", forge.clone_url(ADA))
        desk.git("fetch", "-q", "origin")
        actions = Actions(forge, tmp_path / "runs", desk.environ)
        yield World(desk, Repo(bare, desk.environ), forge, actions)
