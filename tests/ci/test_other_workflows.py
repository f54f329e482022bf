"""`promptvc deploy`, `nightly` and `weekly`, job by job."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ci.conftest import World
from tests.ci.runner import Event
from tests.commands import cli_of
from tests.servers import Request, Server, answer
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_suite

V2 = DESK_PROMPT.replace("version: 1", "version: 2").replace("only:", "only, nothing else:")
DEPLOYED = f"main:deployments/production/{DESK}.yaml"
KEY = "sk-a-secret"
VERDICT = json.dumps({"reason": "fine", "score": 1})


def deployed(world: World) -> bytes:
    return world.bare.show(DEPLOYED)


def test_what_lands_on_main_is_deployed_and_nothing_twice(world: World) -> None:
    before = world.bare.rev("main")
    world.desk.commit({DESK_FILE: V2}, "v2")
    world.push()
    run = world.pushed("deploy", before).ok()
    assert deployed(world) == V2.encode()
    tip = world.bare.rev("main")
    assert world.bare.git("log", "-1", "--format=%an", "main") == "github-actions[bot]"
    assert "production" in run.jobs["deploy"].summary
    world.pushed("deploy", before).ok()
    assert world.bare.rev("main") == tip


@pytest.mark.parametrize("before", ["0" * 40, "5" * 40])
def test_where_main_is_new_or_was_forced_everything_is_deployed(world: World, before: str) -> None:
    """What was there before is not known: the prompt changed in a commit that is not the last."""
    world.desk.commit({DESK_FILE: V2}, "v2")
    world.desk.commit({"README.md": "hello\n"}, "Something else")
    world.push()
    world.pushed("deploy", before).ok()
    assert deployed(world) == V2.encode()


def test_a_main_of_one_commit_is_deployed(world: World) -> None:
    tree = world.desk.git("rev-parse", "HEAD^{tree}")
    world.desk.git("reset", "-q", "--hard", world.desk.git("commit-tree", tree, "-m", "All of it"))
    world.push("+main")
    world.pushed("deploy", "0" * 40).ok()
    assert deployed(world) == DESK_PROMPT.encode()


def test_by_hand_a_version_goes_out_and_back(world: World) -> None:
    world.desk.commit({DESK_FILE: V2}, "v2")
    world.push()
    world.by_hand("deploy", name=DESK, version="v1").ok()
    world.by_hand("deploy", name=DESK).ok()
    assert deployed(world) == V2.encode()
    reason = 'worse"; touch hacked; $(touch hacked) --force'
    world.by_hand("deploy", name=DESK, rollback=reason).ok()
    assert deployed(world) == DESK_PROMPT.encode()
    assert reason in world.bare.git("log", "-1", "--format=%B", "main") + str(
        world.bare.show(f"main:deployments/production/holds/{DESK}/v2.yaml")
    ).replace("\\", "")
    assert not list(world.actions.folder.rglob("hacked"))


@pytest.mark.parametrize(
    "inputs",
    [
        {"name": "../../x"},
        {"name": DESK, "version": "v1 --force"},
        {"name": DESK, "environment": "../main"},
        {"name": "--help"},
    ],
)
def test_what_is_asked_for_by_hand_is_a_name_and_a_number(world: World, inputs: dict[str, str]) -> None:
    run = world.by_hand("deploy", **inputs)
    assert run.results() == {"deploy": "failure"}
    assert "exit code 2" in run.jobs["deploy"].log


def test_only_main_is_deployed_from(world: World) -> None:
    world.desk.git("push", "-q", "origin", "main:elsewhere")
    event = Event("workflow_dispatch", "refs/heads/elsewhere", world.bare.rev("main"), world.payload())
    assert world.actions.run(world.workflow("deploy"), event).results() == {"deploy": "skipped"}


def test_where_main_takes_no_pushes_the_deployment_is_proposed(world: World) -> None:
    before = world.bare.rev("main")
    world.desk.commit({DESK_FILE: V2}, "v2")
    world.push()
    world.forge.protect("main")
    refused = world.pushed("deploy", before)
    assert refused.results() == {"deploy": "failure"}
    world.actions.variables = {"PROMPTVC_DEPLOY": "pr"}
    world.pushed("deploy", before).ok()
    (pull,) = world.forge.pulls
    world.forge.merge(pull.number)
    assert deployed(world) == V2.encode()
    world.by_hand("deploy", name=DESK, version="v1").ok()
    back = world.forge.pulls[-1]
    assert (back.number, back.head) == (
        pull.number + 1,
        f"promptvc-deploy-production/{DESK.replace('/', '.')}",
    )
    world.by_hand("deploy", name=DESK, rollback="complaints", version="v1").ok()
    assert len(world.forge.pulls) == 2


def test_nightly_tells_in_one_issue_and_does_not_fail_for_it(world: World) -> None:
    world.desk.commit({DESK_FILE: DESK_PROMPT.replace("only:", "alone:")}, "Take the number again")
    world.push()
    run = world.pushed("nightly").ok()
    assert run.results() == {"look": "success", "judge": "skipped", "commit": "skipped", "tell": "success"}
    assert "version-reuse" in run.jobs["look"].summary
    assert all(line.startswith("    ") or not line for line in run.jobs["look"].summary.splitlines())
    (issue,) = world.forge.issues
    assert issue.state == "open"
    world.pushed("nightly").ok()
    assert len(world.forge.issues) == 1


def judged(world: World) -> None:
    """Let a judge score logged answers at night."""
    world.actions.variables = {"PROMPTVC_JUDGE": "openai:judge", "PROMPTVC_JUDGE_LIMIT": "2"}
    world.actions.secrets = {"promptvc": {"OPENAI_API_KEY": KEY}}


def test_what_a_judge_says_is_committed_by_a_job_without_keys_although_others_push(world: World) -> None:
    judged(world)

    hook = world.bare.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    # The first push to main comes too late: somebody was quicker.
    hook.write_text(
        """#!/bin/sh
while read old new ref; do
  [ "$ref" = refs/heads/main ] && [ ! -e quicker ] || continue
  touch quicker
  unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
  git update-ref refs/heads/main "$(git commit-tree "$old^{tree}" -p "$old" -m Quicker)"
done
"""
    )
    hook.chmod(0o755)
    with Server(lambda _: answer(VERDICT)) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        run = world.pushed("nightly").ok()
    assert run.results() == dict.fromkeys(("look", "judge", "commit", "tell"), "success")
    having = {name for name, job in run.jobs.items() for step in job.steps if KEY in step.environ.values()}
    assert having == {"judge"}
    assert (world.bare.path / "quicker").exists()
    assert "attempt 1 of 5" in run.jobs["commit"].log
    assert world.bare.git("log", "-1", "--format=%s", "main^") == "Quicker"
    changed = world.bare.git("diff", "--name-only", "main^", "main")
    assert changed.startswith(f"feedback/{DESK}/")
    assert b"llm_judge" in world.bare.show(f"main:{changed}")


def test_where_main_takes_no_pushes_what_a_judge_says_is_proposed(world: World) -> None:
    judged(world)
    world.forge.protect("main")
    with Server(lambda _: answer(VERDICT)) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        refused = world.pushed("nightly")
        assert refused.jobs["commit"].result == "failure"
        assert "set the variable PROMPTVC_DEPLOY to pr" in refused.jobs["commit"].log
        world.actions.variables = {**world.actions.variables, "PROMPTVC_DEPLOY": "pr"}
        world.actions.again(refused, failed=True).ok()
    (pull,) = world.forge.pulls
    assert (pull.head, pull.base) == (f"promptvc-events/{refused.id}.2", "main")
    world.forge.merge(pull.number)
    assert b"llm_judge" in b"".join(
        world.bare.show(f"main:{path}")
        for path in world.bare.git("ls-tree", "-r", "--name-only", "main", f"feedback/{DESK}/").split()
    )


def test_weekly_holds_everything_against_its_baseline_and_keeps_one_issue(world: World) -> None:
    world.desk.commit(
        {
            DESK_FILE: V2.replace("model: offline", "model: openai:one"),
            f"evaluation/{DESK}.yaml": desk_suite(2),
        },
        "v2",
    )
    world.push()
    world.actions.secrets = {"promptvc": {"OPENAI_API_KEY": KEY}}
    labels = {"a": "alpha", "b": "beta", "g": "gamma"}
    right = {"now": False}

    def script(request: Request) -> Any:
        return answer(labels[request.text.split()[0][-1]] if right["now"] else "none of them")

    with Server(script) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        below = world.pushed("weekly").ok()
        assert below.jobs["evaluate"].outputs == {"answer": "1"}
        assert f"`{DESK}`" in below.jobs["evaluate"].summary
        (issue,) = world.forge.issues
        assert (issue.state, issue.title) == ("open", "Prompts below their baseline")
        assert f"`{DESK}`" in issue.body
        right["now"] = True
        world.pushed("weekly").ok()
    assert world.forge.issues[0].state == "closed"
    assert len(world.forge.issues) == 1
    assert list((world.actions.folder / "caches").iterdir())


def test_weekly_reports_on_feedback_and_tells_when_it_is_worse(world: World) -> None:
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    lines = []
    for week, stars in ((-14, 5), (-7, 1)):
        for number in range(60):
            moment = monday + timedelta(days=week + number % 7, seconds=number)
            about = {"prompt": DESK, "kind": "rating", "source": "human", "version": 1, "stars": stars}
            lines.append(json.dumps({**about, "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}))
    rows = world.desk.path.parent / "rows.jsonl"
    rows.write_text("\n".join(lines))
    cli = cli_of(world.desk)
    cli.ok("feedback", "import", str(rows))
    cli.ok("feedback", "commit")
    world.push()
    run = world.pushed("weekly").ok()
    assert ("open", "The success rate is down") in [(one.state, one.title) for one in world.forge.issues]
    assert "Weekly report" in run.jobs["report"].summary


def test_nightly_takes_the_texts_out_of_old_events_where_it_is_told_to(world: World) -> None:
    event = {"prompt": DESK, "kind": "suggestion", "source": "human", "comment": "be shorter please"}
    rows = world.desk.path.parent / "rows.jsonl"
    rows.write_text(json.dumps({**event, "time": "2020-01-01T10:00:00Z"}))
    cli = cli_of(world.desk)
    cli.ok("feedback", "import", str(rows))
    cli.ok("feedback", "commit")
    world.push()
    world.actions.variables = {"PROMPTVC_RETAIN": "true"}
    run = world.pushed("nightly").ok()
    assert run.results() == {"look": "success", "judge": "skipped", "commit": "success", "tell": "success"}
    files = world.bare.git("ls-tree", "-r", "--name-only", "main", "feedback").split()
    kept = b"".join(world.bare.show(f"main:{path}") for path in files)
    assert b"be shorter please" not in kept
    assert b"2020-01-01T10:00:00Z" in kept


def test_answers_of_main_are_taken_on_pull_requests_and_nothing_is_stored_there(world: World) -> None:
    base = {
        DESK_FILE: V2.replace("model: offline", "model: openai:one"),
        f"evaluation/{DESK}.yaml": desk_suite(2),
    }
    world.desk.commit(base, "v2")
    world.push()
    world.actions.secrets = {"promptvc": {"OPENAI_API_KEY": KEY}}
    changed = (
        str(base[DESK_FILE]).replace("version: 2", "version: 3").replace("only, nothing", "alone, nothing")
    )
    with Server(lambda _: answer("alpha")) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        world.pushed("weekly").ok()
        caches = set((world.actions.folder / "caches").iterdir())
        before = server.count
        world.checked(world.propose("wording", {DESK_FILE: changed})).ok()
        assert server.count - before == 6 * 3, "the candidate's answers alone"
    assert set((world.actions.folder / "caches").iterdir()) == caches
