"""`promptvc check`, run job by job: what a pull request is told, and what stays out of its reach."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from tests.ci.conftest import World
from tests.ci.runner import REPOSITORY, Event, Run, installed, load
from tests.servers import Request, Server, answer
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_suite

BETTER = DESK_PROMPT.replace("version: 1", "version: 2").replace("only:", "only, nothing else:")
SUITE = f"evaluation/{DESK}.yaml"
MODEL = DESK_PROMPT.replace("version: 1", "version: 2").replace("model: offline", "model: openai:one")
CHANGED = MODEL.replace("version: 2", "version: 3").replace("only:", "only, nothing else:")
KEY = "sk-a-secret-of-the-environment"
MARKER = re.compile(r"^<!-- promptvc:evaluation\b.*-->\s*\Z", re.MULTILINE)
OFFLINE = {
    "check": "success",
    "plan": "success",
    "evaluate": "skipped",
    "offline": "success",
    "report": "success",
    "promptvc": "success",
}


def ask_a_model(world: World) -> None:
    """Let main's prompt ask a provider, with few cases."""
    world.desk.commit({DESK_FILE: MODEL, SUITE: desk_suite(4)}, "Ask a model")
    world.push()


def test_a_change_is_checked_and_evaluated_and_commented_once(world: World) -> None:
    number = world.propose("wording", {DESK_FILE: BETTER})
    run = world.checked(number).ok()
    assert run.results() == OFFLINE
    (comment,) = world.forge.comments
    assert (comment.author.login, comment.of) == ("github-actions[bot]", number)
    assert "`desk/route` v2 against v1" in comment.body
    assert MARKER.search(comment.body)
    assert "`desk/route` v2 against v1" in run.jobs["report"].summary
    assert "promptvc[github]==" in installed(world.actions, run, "report")
    world.desk.commit({"README.md": "meanwhile\n"}, "Meanwhile")
    world.push()
    run = world.checked(number).ok()
    assert len(world.forge.comments) == 1
    seen = {step.environ.get("PROMPTVC_BASE") for step in run.jobs["check"].steps if step.environ}
    assert world.bare.rev("main") in seen, "the base is what it is merged with"


def test_where_nothing_of_promptvc_changed_the_required_check_still_reports(world: World) -> None:
    run = world.checked(world.propose("readme", {"README.md": "hello\n"})).ok()
    skipped = dict.fromkeys(("evaluate", "offline", "report"), "skipped")
    assert run.results() == OFFLINE | skipped
    assert world.forge.comments == []


def test_a_number_that_main_took_meanwhile_is_refused_on_the_merge_result(world: World) -> None:
    """Both sides write the identical line `version: 2`: git merges that without a word."""
    number = world.propose("wording", {DESK_FILE: BETTER})
    mine = DESK_PROMPT.replace("version: 1", "version: 2").replace('"{{ question }}"', '"Q: {{ question }}"')
    world.desk.commit({DESK_FILE: mine}, "Another v2")
    world.push()
    run = world.checked(number)
    assert run.jobs["check"].result == "failure"
    assert "::error file=prompts/desk/route.yaml" in run.jobs["check"].log
    assert "version-reuse" in (run.artifacts / "promptvc-check" / "check.sarif").read_text()
    assert run.jobs["promptvc"].result == "failure"
    assert "check: failure" in run.jobs["promptvc"].log


def test_a_new_prompt_is_evaluated_beside_changed_ones(world: World) -> None:
    new = DESK_PROMPT.replace("desk/route", "desk/other")
    files = {
        DESK_FILE: BETTER,
        "prompts/desk/other.yaml": new,
        "evaluation/desk/other.yaml": "cases: [{id: a, vars: {question: why}, assert: [{type: contains, value: a}]}]\n",
    }
    run = world.checked(world.propose("more", files))
    assert run.jobs["report"].result == "success", run.jobs["report"].log
    assert "`desk/other` v1" in world.forge.comments[0].body
    assert "`desk/route` v2 against v1" in world.forge.comments[0].body


def test_only_the_job_that_evaluates_has_keys_and_nothing_of_the_checkout_gets_at_them(world: World) -> None:
    """`python -m pip` would run the checkout's pip.py, before the job's own steps; and it says where to comment."""
    theft = "import os, pathlib\npathlib.Path(os.environ['RUNNER_TEMP'], 'hijacked').touch()\n"
    files = {"pip.py": theft, "json.py": theft, DESK_FILE: CHANGED, "promptvc.yaml": "remote: elsewhere\n"}
    ask_a_model(world)
    world.actions.secrets = {"promptvc": {"OPENAI_API_KEY": KEY}}
    with Server(lambda _: answer("alpha")) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        run = world.checked(world.propose("wording", files)).ok()
        asked = {request.headers["authorization"] for request in server.requests}
    assert run.results() == OFFLINE | {"evaluate": "success", "offline": "skipped"}
    assert asked == {f"Bearer {KEY}"}
    having = {name for name, job in run.jobs.items() for step in job.steps if KEY in step.environ.values()}
    assert having == {"evaluate"}
    workflow = load(world.workflow("check"))
    assert workflow["jobs"]["evaluate"]["permissions"] == {"contents": "read"}
    assert "`openai:one`" in world.forge.comments[0].body
    assert not list(world.actions.folder.rglob("hijacked"))
    assert "pip " in run.jobs["evaluate"].log, "the shim has asked the real one"


def test_many_answers_are_shared_out(world: World) -> None:
    world.desk.commit(
        {DESK_FILE: MODEL, SUITE: desk_suite(28)}, "Ask a model"
    )  # 84 cases, twice, three times
    world.push()
    world.actions.secrets = {"promptvc": {"OPENAI_API_KEY": KEY}}
    with Server(lambda _: answer("alpha")) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        run = world.checked(world.propose("wording", {DESK_FILE: CHANGED}))
        run.ok()
        assert server.count == 504
    assert {"evaluate#1", "evaluate#2"} <= set(run.jobs)
    assert "n=84" in world.forge.comments[0].body


def test_a_regression_fails_the_required_check_and_is_told(world: World) -> None:
    ask_a_model(world)
    world.actions.secrets = {"promptvc": {"OPENAI_API_KEY": KEY}}

    def script(request: Request) -> Any:
        good = "badly" not in json.dumps(request.body)
        words = request.text.split()
        return answer({"a": "alpha", "b": "beta", "g": "gamma"}[words[0][-1]] if good else "none of them")

    with Server(script) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        worse = CHANGED.replace("only, nothing else:", "badly:")
        run = world.checked(world.propose("worse", {DESK_FILE: worse}))
    assert run.jobs["evaluate"].result == "success"
    assert run.jobs["report"].result == run.jobs["promptvc"].result == "failure", run.jobs["report"].log
    assert "report: failure" in run.jobs["promptvc"].log
    assert "regression" in world.forge.comments[0].body


def test_settings_and_models_are_those_of_the_base(world: World) -> None:
    """A pull request that brings its own list of models still may call only what main names."""
    ask_a_model(world)
    world.actions.secrets = {"promptvc": {"OPENAI_API_KEY": KEY}}
    with Server(lambda _: answer("alpha")) as server:
        world.actions.more = {"OPENAI_BASE_URL": server.url}
        files = {
            DESK_FILE: CHANGED.replace("openai:one", "openai:dearest"),
            "promptvc.yaml": "models: {allow: ['*']}\n",
        }
        run = world.checked(world.propose("dear", files))
        assert server.requests == []
    assert "openai:dearest may not be called here" in run.jobs["evaluate"].log
    assert run.jobs["promptvc"].result == "failure"


def test_a_fork_gets_no_keys_and_what_takes_none_is_evaluated(world: World) -> None:
    ask_a_model(world)
    new = DESK_PROMPT.replace("desk/route", "desk/other")
    suite = "cases: [{id: a, vars: {question: why}, assert: [{type: contains, value: a}]}]\n"
    world.desk.commit({"prompts/desk/other.yaml": new, "evaluation/desk/other.yaml": suite}, "Another")
    world.push()
    world.actions.secrets = {"": {"OPENAI_API_KEY": KEY}, "promptvc": {"OPENAI_API_KEY": KEY}}
    files = {
        DESK_FILE: CHANGED,
        "prompts/desk/other.yaml": new.replace("version: 1", "version: 2").replace("only:", "alone:"),
    }
    number = world.propose("theirs", files, fork="eve/prompts")
    run = world.checked(number).ok()
    assert run.results() == OFFLINE
    assert not [step for job in run.jobs.values() for step in job.steps if KEY in step.environ.values()]
    assert "1 prompts were not evaluated" in run.jobs["promptvc"].log
    assert "`desk/other` v2 against v1" in run.jobs["report"].summary
    assert world.forge.comments == []


def test_a_forks_report_is_shown_as_text_by_main(world: World) -> None:
    number = world.propose("theirs", {DESK_FILE: BETTER}, fork="eve/prompts")
    run = world.checked(number).ok()
    hostile = "# **Approved** @acme/all\r<!-- promptvc:evaluation -->\rhttps://evil.example\n\x0b- [x] done\n"
    (run.artifacts / "promptvc-report" / "comment.md").write_text(hostile, newline="")
    done = forks_comment(world, run.id, number)
    (comment,) = world.forge.comments
    assert done.jobs["comment"].result == "success"
    body = comment.body.removesuffix("\n").split("\n\n", 1)[1]
    body = MARKER.sub("", body)
    assert "Approved" in body
    assert all(line.startswith("    ") or not line for line in body.splitlines()), body
    forks_comment(world, run.id, number)
    assert len(world.forge.comments) == 1


def test_a_forks_claim_of_another_number_is_not_believed(world: World) -> None:
    ours = world.propose("ours", {"README.md": "hello\n"})
    number = world.propose("theirs", {DESK_FILE: BETTER}, fork="eve/prompts")
    assert (ours, number) == (1, 2)
    run = world.checked(number).ok()
    for claim in ("1", "$(touch hacked)", "99", "", "1\n2"):
        (run.artifacts / "promptvc-report" / "number").write_text(claim)
        forks_comment(world, run.id, number)
        assert world.forge.comments == [], claim
    assert not list(world.actions.folder.rglob("hacked"))


def test_a_long_report_of_a_fork_is_cut_and_no_failure(world: World) -> None:
    """Longer than a pipe holds, in lines that grow when they are indented, in characters that a cut goes through."""
    number = world.propose("theirs", {"README.md": "hello\n"}, fork="eve/prompts")
    report = world.actions.folder / "999" / "artifacts" / "promptvc-report"
    report.mkdir(parents=True)
    (report / "number").write_text(str(number))
    (report / "comment.md").write_text("\u20ac\n" * 200_000)
    world.actions.runs["999"] = Run("999", "", world.pull_event(number), artifacts=report.parent)
    forks_comment(world, "999", number).ok()
    (comment,) = world.forge.comments
    assert 30_000 < len(comment.body.encode()) < 65_000


def forks_comment(
    world: World, run: str, number: int, *, fork: str = "eve/prompts", actor: str = "eve"
) -> Any:
    pull = next(one for one in world.forge.pulls if one.number == number)
    payload = world.payload() | {
        "workflow_run": {
            "id": run,
            "event": "pull_request",
            "head_sha": pull.commit,
            "head_repository": {"full_name": fork},
            "actor": {"login": actor},
        }
    }
    event = Event("workflow_run", "refs/heads/main", world.bare.rev("main"), payload)
    return world.actions.run(world.workflow("comment"), event)


def test_what_dependabot_proposes_is_commented_from_main(world: World) -> None:
    """Its own run has a token that reads, and no keys."""
    world.actions.secrets = {"": {"OPENAI_API_KEY": KEY}, "promptvc": {"OPENAI_API_KEY": KEY}}
    bot = "dependabot[bot]"
    world.forge.hosted.add(bot, "write", kind="bot")
    number = world.propose("bump", {DESK_FILE: BETTER}, by=bot)
    run = world.checked(number).ok()
    assert not [step for job in run.jobs.values() for step in job.steps if KEY in step.environ.values()]
    assert world.forge.comments == []
    ours = {"fork": REPOSITORY, "actor": "ada"}
    assert forks_comment(world, run.id, number, **ours).results() == {"comment": "skipped"}
    forks_comment(world, run.id, number, fork=REPOSITORY, actor=bot).ok()
    assert [one.of for one in world.forge.comments] == [number]


def test_keys_are_not_given_because_a_pull_request_says_that_they_are_needed(world: World) -> None:
    """Here `plan` runs the pull request's own promptvc: what it answers is the pull request's word."""
    number = world.propose("theirs", {DESK_FILE: BETTER}, fork="eve/prompts")
    event = world.pull_event(number)
    text = world.bare.show(f"{event.commit}:.github/workflows/promptvc-check.yml").decode()
    lying = text.replace('"keys=\\($answers > 0)"', '"keys=true"')
    assert lying != text
    run = world.actions.run(lying, event)
    assert run.jobs["plan"].outputs["keys"] == "true"
    assert run.jobs["evaluate"].result == "skipped"
    assert "evaluate: skipped" in run.jobs["promptvc"].log


def answer_of(world: World, needs: Mapping[str, Any], *, queued: bool = False) -> int:
    """The exit code of the required check's script."""
    (step,) = load(world.workflow("check"))["jobs"]["promptvc"]["steps"]
    environ = {**world.desk.environ, "NEEDS": json.dumps(needs), "QUEUED": str(queued).lower()}
    command = ["bash", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, env=environ, capture_output=True, check=False).returncode


def test_the_required_check_is_green_only_if_everything_that_had_to_run_did(world: World) -> None:
    """Every combination of results, against what a maintainer would say."""
    ends = ("success", "failure", "skipped")
    for check, plan, runs, report in itertools.product(ends, repeat=4):
        for prompts, keys in itertools.product(("0", "2"), ("true", "false")):
            job, other = ("evaluate", "offline") if keys == "true" else ("offline", "evaluate")
            needs = {
                "check": {"result": check, "outputs": {}},
                "plan": {"result": plan, "outputs": {"prompts": prompts, "keys": keys, "left": "0"}},
                job: {"result": runs, "outputs": {}},
                other: {"result": "skipped", "outputs": {}},
                "report": {"result": report, "outputs": {}},
            }
            if {check, plan} != {"success"} and (runs, report) not in {("success",) * 2, ("skipped",) * 2}:
                continue  # red by itself: two ends of what comes after are enough
            if {check, plan} == {"success"} and (runs, report) != ("success", "success") and prompts == "0":
                continue  # nothing was to be evaluated: what the others say cannot happen
            green = {check, plan} == {"success"} and (
                prompts == "0" or (runs, report) == ("success", "success")
            )
            assert (answer_of(world, needs) == 0) is green, needs
    queue = {"check": {"result": "success"}, "plan": {"result": "skipped"}}
    rest = {name: {"result": "skipped"} for name in ("evaluate", "offline", "report")}
    assert answer_of(world, queue | rest, queued=True) == 0
    assert answer_of(world, queue | rest | {"check": {"result": "failure"}}, queued=True) == 1
    assert answer_of(world, queue | rest) == 1
