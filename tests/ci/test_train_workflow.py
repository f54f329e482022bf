"""`promptvc train`, job by job: feedback that is pushed becomes one pull request, and none is lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ci.conftest import World
from tests.ci.runner import Event, load
from tests.commands import cli_of
from tests.worlds import DESK, copy_of, desk_rows

SETTINGS = "evaluation: {success: 0.5}\ntraining: {triggers: {hours: 0}}\n"
BRANCH = f"promptvc/{DESK}/v2"


def say_more(world: World, tmp_path: Path, salt: str) -> str:
    """Somebody pushes feedback from a clone of their own; main before it."""
    before = world.bare.rev("main")
    clone = copy_of(world.desk, tmp_path / f"clone-{salt}")
    clone.git("pull", "-q", "origin", "main")
    rows = tmp_path / f"{salt}.jsonl"
    rows.write_text(desk_rows(20, salt=salt))
    cli = cli_of(clone)
    cli.ok("feedback", "import", str(rows))
    cli.ok("feedback", "commit")
    clone.git("push", "-q", "origin", "main")
    return before


def test_feedback_becomes_one_pull_request_with_the_report(world: World, tmp_path: Path) -> None:
    run = world.pushed("train", say_more(world, tmp_path, "first")).ok()
    assert run.results() == dict.fromkeys(("reserve", "train", "publish"), "success")
    (pull,) = world.forge.pulls
    assert (pull.head, pull.base, pull.state) == (BRANCH, "main", "open")
    assert "improvement" in pull.title
    assert "improvement" in run.jobs["publish"].summary or "v2" in run.jobs["publish"].summary
    assert "`desk/route`" in "".join([pull.body, *(one.body for one in world.forge.comments)])
    again = world.pushed("train").ok()
    assert again.results() == {"reserve": "success", "train": "skipped", "publish": "skipped"}
    assert len(world.forge.pulls) == 1


def test_the_jobs_that_write_have_no_keys_and_the_one_with_keys_does_not_write(world: World) -> None:
    keys = {"OPENAI_API_KEY": "sk-one", "ANTHROPIC_API_KEY": "sk-two"}
    world.actions.secrets = {"promptvc": keys, "promptvc-publish": {"PROMPTVC_APP_KEY": "pem"}}
    run = world.pushed("train").ok()
    having = {
        name
        for name, job in run.jobs.items()
        for step in job.steps
        if set(keys.values()) & set(step.environ.values())
    }
    assert having == {"train"}
    jobs = load(world.workflow("train"))["jobs"]
    assert jobs["train"]["permissions"] == {"contents": "read"}


def test_feedback_that_comes_while_another_training_runs_is_not_lost(world: World, tmp_path: Path) -> None:
    """The queue keeps the second run; even if it did not, the next one would find what is due."""

    def meanwhile() -> None:
        say_more(world, tmp_path, "second")

    world.desk.commit({"promptvc.yaml": SETTINGS}, "Train as often as there is something to learn")
    world.push()
    world.actions.before = {"train": meanwhile}
    first = world.pushed("train").ok()
    world.actions.before = {}
    assert first.jobs["train"].result == "success"
    (pull,) = world.forge.pulls
    world.forge.merge(pull.number)
    second = world.pushed("train")
    assert second.ok().jobs["train"].result == "success"
    assert load(world.workflow("train"))["concurrency"] == {
        "group": "promptvc-train",
        "cancel-in-progress": False,
        "queue": "max",
    }


def test_by_hand_one_prompt_is_trained_and_a_name_is_only_a_name(world: World) -> None:
    world.by_hand("train", name=DESK, approach="few_shot").ok()
    assert [pull.head for pull in world.forge.pulls] == [BRANCH]
    for name in ("$(touch hacked)", "--push", "a b", "../x", "'; id"):
        run = world.by_hand("train", name=name)
        assert run.results() == {"reserve": "failure", "train": "skipped", "publish": "skipped"}
        assert "no name of a prompt" in run.jobs["reserve"].log
    assert not list(world.actions.folder.rglob("hacked"))


def test_with_an_app_pull_requests_are_its_own(world: World) -> None:
    world.actions.secrets = {"promptvc-publish": {"PROMPTVC_APP_KEY": "pem"}}
    world.actions.variables = {"PROMPTVC_APP_ID": "12"}
    world.pushed("train").ok()
    assert [pull.author.login for pull in world.forge.pulls] == ["ada"]


def test_a_training_that_is_killed_leaves_nothing_but_its_look(world: World) -> None:
    broken = world.workflow("train").replace("train --reserved", "train --reserved-not")
    event = Event("push", "refs/heads/main", world.bare.rev("main"), world.payload())
    run = world.actions.run(broken, event)
    assert run.results() == {"reserve": "success", "train": "failure", "publish": "success"}
    assert world.forge.pulls == []
    assert world.bare.rev("promptvc/ledger")


@pytest.mark.parametrize("merge", ["merge", "squash"])
def test_merging_what_training_proposed_is_green_before_and_deploys_after(world: World, merge: str) -> None:
    world.pushed("train").ok()
    (pull,) = world.forge.pulls
    world.checked(pull.number).ok()
    before = world.bare.rev("main")
    world.forge.merge(pull.number, merge)  # type: ignore[arg-type]
    world.pushed("deploy", before).ok()
    assert world.bare.show(f"main:deployments/production/{DESK}.yaml") == world.bare.show(
        f"main:prompts/{DESK}.yaml"
    )
    assert b"version: 2" in world.bare.show(f"main:deployments/production/{DESK}.yaml")
