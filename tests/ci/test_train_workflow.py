"""`promptvc train`, job by job: feedback that is pushed becomes one pull request, and none is lost on the way."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.ci.conftest import World, two_prompts
from tests.ci.runner import Event, load
from tests.commands import cli_of
from tests.servers import Request, Server, answer
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


def test_feedback_becomes_one_pull_request_and_no_job_has_keys_and_the_right_to_write(
    world: World, tmp_path: Path
) -> None:
    keys = {"OPENAI_API_KEY": "sk-one", "ANTHROPIC_API_KEY": "sk-two"}
    world.actions.secrets = {"promptvc": keys, "promptvc-publish": {"PROMPTVC_APP_KEY": "pem"}}
    run = world.pushed("train", say_more(world, tmp_path, "first")).ok()
    assert run.results() == dict.fromkeys(("reserve", "train", "publish"), "success")
    (pull,) = world.forge.pulls
    assert (pull.head, pull.base, pull.state) == (BRANCH, "main", "open")
    assert "improvement" in pull.title
    assert "improvement" in run.jobs["publish"].summary or "v2" in run.jobs["publish"].summary
    assert "`desk/route`" in "".join([pull.body, *(one.body for one in world.forge.comments)])
    having = {
        name
        for name, job in run.jobs.items()
        for step in job.steps
        if set(keys.values()) & set(step.environ.values())
    }
    assert having == {"train"}
    jobs = load(world.workflow("train"))["jobs"]
    assert jobs["train"]["permissions"] == {"contents": "read"}
    again = world.pushed("train").ok()
    assert again.results() == {"reserve": "success", "train": "skipped", "publish": "skipped"}
    assert len(world.forge.pulls) == 1


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
    """Every environment whose job uses it has to have its key, those that are deployed to too."""
    world.actions.secrets = {"promptvc-publish": {"PROMPTVC_APP_KEY": "pem"}}
    world.actions.variables = {"PROMPTVC_APP_ID": "12"}
    world.pushed("train").ok()
    assert [pull.author.login for pull in world.forge.pulls] == ["ada"]
    assert "private-key" in world.by_hand("deploy", name=DESK).jobs["deploy"].log
    world.actions.secrets = {"production": {"PROMPTVC_APP_KEY": "pem"}}
    world.by_hand("deploy", name=DESK).ok()


@pytest.mark.parametrize("ended", ["step", "job"])
def test_what_came_to_its_end_is_published_although_the_time_of_another_training_is_over(
    world: World, tmp_path: Path, ended: str
) -> None:
    two_prompts(world.desk, tmp_path)
    world.push()
    world.actions.secrets = {"promptvc": {"OPENAI_API_KEY": "sk-one"}}
    over, asked = threading.Event(), threading.Event()

    def script(_: Request) -> Any:
        over.set()
        asked.wait(60)
        return answer("alpha")

    event = Event("push", "refs/heads/main", world.bare.rev("main"), world.payload())
    text = world.workflow("train")
    assert "timeout-minutes: 330" in text
    if ended == "job":
        text = text.replace("timeout-minutes: 330", "# no limit of its own")
    with Server(script) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        world.actions.over = {"Train": over}
        run = world.actions.run(text, event)
        asked.set()
    assert over.is_set()
    how = {"step": "failure", "job": "cancelled"}[ended]
    assert run.results() == {"reserve": "success", "train": how, "publish": "success"}
    assert [pull.head for pull in world.forge.pulls] == [BRANCH]
    if ended == "job":
        return
    looks = world.bare.git("ls-tree", "-r", "--name-only", "promptvc/ledger", "looks/")
    world.actions.over = {}
    again = world.actions.again(run, failed=True)
    assert again.results() == {"reserve": "success", "train": "failure", "publish": "success"}
    assert "run all jobs again" in again.jobs["train"].log
    assert len(world.forge.pulls) == 1
    assert world.bare.git("ls-tree", "-r", "--name-only", "promptvc/ledger", "looks/") == looks


def test_a_failed_training_is_tried_again_by_all_jobs(world: World) -> None:
    good = world.workflow("train")
    broken = good.replace("train --reserved", "train --reserved-not")
    event = Event("push", "refs/heads/main", world.bare.rev("main"), world.payload())
    run = world.actions.run(broken, event)
    assert run.results() == {"reserve": "success", "train": "failure", "publish": "success"}
    assert world.forge.pulls == []
    assert world.bare.rev("promptvc/ledger")
    run.text = good
    world.actions.again(run).ok()
    assert [pull.head for pull in world.forge.pulls] == [BRANCH]


def test_a_reservation_that_another_job_has_replaced_is_not_believed(world: World) -> None:
    def replace() -> None:
        (run,) = world.actions.runs.values()
        place = run.artifacts / "promptvc-reserved" / "reserved.json"
        place.write_text(place.read_text() + "\n")

    world.actions.before = {"publish": replace}
    run = world.pushed("train")
    assert run.results() == {"reserve": "success", "train": "success", "publish": "failure"}
    assert world.forge.pulls == []


@pytest.mark.parametrize("merge", ["merge", "squash"])
def test_merging_what_training_proposed_is_green_before_and_deploys_after(world: World, merge: str) -> None:
    world.pushed("train").ok()
    (pull,) = world.forge.pulls
    if merge == "merge":  # what is checked is the same for both
        world.checked(pull.number).ok()
    before = world.bare.rev("main")
    world.forge.merge(pull.number, merge)  # type: ignore[arg-type]
    world.pushed("deploy", before).ok()
    assert world.bare.show(f"main:deployments/production/{DESK}.yaml") == world.bare.show(
        f"main:prompts/{DESK}.yaml"
    )
    assert b"version: 2" in world.bare.show(f"main:deployments/production/{DESK}.yaml")
