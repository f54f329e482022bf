"""GitLab's jobs, in their order, each in a clean clone, against a GitLab on loopback."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from promptvc.workflows.start_ci import Place, rendered
from tests.builders import Files, Repo
from tests.ci.conftest import ZONE, two_prompts
from tests.ci.gitlab import ZERO, Pipeline, Pipelines, Trigger, read
from tests.commands import CI, cli_of
from tests.forge.servers.gitlab import GitLabServer
from tests.forge.servers.state import ADA, RITA, Pull
from tests.servers import Request, Server, answer, failure
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, copy_of, desk_rows, desk_suite

KEY = "sk-of-the-environment"
TOKENS = {
    "promptvc-publish": {"PROMPTVC_FORGE_TOKEN": ADA},
    "promptvc-comment": {"PROMPTVC_COMMENT_TOKEN": RITA},
}
MODEL = DESK_PROMPT.replace("version: 1", "version: 2").replace("model: offline", "model: openai:one")
V2 = DESK_PROMPT.replace("version: 1", "version: 2").replace("only:", "only, nothing else:")
SUITE = f"evaluation/{DESK}.yaml"
THEFT = "import os, pathlib\npathlib.Path(os.environ['CI_PROJECT_ID'] + '-hijacked').touch()\n"
LABELS = {"a": "alpha", "b": "beta", "g": "gamma"}


@dataclass
class Lab:
    """``desk`` is Ada's clone; what she pushes is on ``server``."""

    desk: Repo
    bare: Repo
    server: GitLabServer
    ci: Pipelines

    def push(self, *files: Files, ref: str = "main") -> str:
        """Commit and push; what main was before."""
        before = self.bare.rev("main")
        for each in files:
            self.desk.commit(each, "Change")
        self.desk.git("push", "-q", "origin", ref)
        return before

    def pushed(self, before: str) -> Pipeline:
        return self.ci.run(Trigger("push", self.bare.rev("main"), before=before))

    def by_hand(self, what: str, **variables: str) -> Pipeline:
        given = {"PROMPTVC_SCHEDULE": what, **variables}
        return self.ci.run(Trigger("web", self.bare.rev("main"), variables=given))

    def propose(self, branch: str, files: Files) -> Pull:
        self.desk.git("switch", "-q", "-c", branch, "main")
        self.push(files, ref=branch)
        self.desk.git("switch", "-q", "main")
        pull = self.server.hosted.open_pull(branch, "main", branch, "", self.server.hosted.accounts["ada"])
        self.bare.git("update-ref", f"refs/merge-requests/{pull.number}/head", pull.commit)
        return pull

    def checked(self, pull: Pull, *only: str) -> Pipeline:
        return self.ci.run(Trigger("merge_request_event", pull.commit, None, merge_request=pull), only=only)

    def hijacked(self) -> list[Path]:
        return list(self.ci.folder.rglob("*-hijacked"))


@pytest.fixture
def lab(desk_template: Repo, tmp_path: Path) -> Iterator[Lab]:
    desk = copy_of(desk_template, tmp_path / "desk")
    cli_of(desk).ok(*CI, "gitlab")
    desk.git("add", "-A")
    desk.git("commit", "-q", "-m", "Let the forge work")
    bare = tmp_path / "prompts.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(desk.path), str(bare)], env=desk.environ, check=True)
    with GitLabServer(bare) as server:
        server.hosted.private = True
        desk.git("remote", "add", "origin", server.clone_url(ADA))
        desk.git("fetch", "-q", "origin")
        there = Repo(bare, desk.environ)
        yield Lab(desk, there, server, Pipelines(server, there, tmp_path / "jobs", desk.environ, TOKENS))


def having(pipeline: Pipeline, value: str) -> set[str]:
    return {
        name.removeprefix("promptvc ") for name, job in pipeline.jobs.items() if value in job.environ.values()
    }


@pytest.mark.parametrize("path", [".gitlab/promptvc.yml", ".gitlab/promptvc-train.yml"])
def test_no_job_has_keys_and_the_right_to_write(path: str) -> None:
    jobs = read(rendered("gitlab", Place("main", ".", "promptvc"))[path])
    for name, job in jobs.items():
        where = job.get("environment", {}).get("name")
        if name.startswith(".") or "trigger" in job:
            continue
        script = "\n".join([*job["before_script"], *job["script"]])
        pushes = re.search(r"git push|credential|--push|--pr\b|publish|--issue|feedback commit", script)
        assert not pushes or where == "promptvc-publish", name
        assert re.fullmatch(r"python:3\.\d+\.\d+", job["image"]), "a whole version"
        assert job["timeout"], name
        assert "python -c" not in script
        assert "python -m" not in script, "-P, or the checkout's pip.py runs"
        done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"


def test_a_merge_request_is_checked_and_evaluated_against_one_base_and_commented_once(lab: Lab) -> None:
    """Main moves between two shards, and the checkout has what would pass for pip, for json, and for a comment."""
    files = {DESK_FILE: V2, "pip.py": THEFT, "json.py": THEFT, "comment.md": "ours\n"}
    pull = lab.propose("wording", files)

    def move() -> None:
        lab.push({SUITE: desk_suite(5)})

    lab.ci.before = {"promptvc evaluate 2/2": move}
    done = lab.checked(pull).ok()
    assert done.results() == dict.fromkeys(("base", "check", "evaluate", "report"), "success")
    (comment,) = lab.server.comments
    assert (comment.author.login, comment.of) == ("rita", pull.number)
    assert comment.body.startswith("### ")
    assert "`desk/route` v2 against v1" in comment.body
    assert not lab.hijacked()
    assert "pip " in done.jobs["promptvc check"].log, "the shim has asked the real one"
    assert lab.ci.job(done, "promptvc report").result == "success"
    assert len(lab.server.comments) == 1


def test_keys_are_in_one_job_and_a_regression_fails_the_report(lab: Lab) -> None:
    lab.push({DESK_FILE: MODEL, SUITE: desk_suite(4)})
    lab.ci.variables = {**TOKENS, "promptvc": {"OPENAI_API_KEY": KEY}}

    def script(request: Request) -> Any:
        good = "badly" not in json.dumps(request.body)
        return answer(LABELS[request.text.split()[0][-1]] if good else "none of them")

    worse = MODEL.replace("version: 2", "version: 3").replace("only:", "badly:")
    with Server(script) as server:
        lab.ci.more = {"OPENAI_BASE_URL": server.url}
        done = lab.checked(lab.propose("worse", {DESK_FILE: worse}))
        assert {one.headers["authorization"] for one in server.requests} == {f"Bearer {KEY}"}
    assert done.results() == {
        "base": "success",
        "check": "success",
        "evaluate": "success",
        "report": "failed",
    }
    assert having(done, KEY) == {"evaluate"}
    assert having(done, ADA) == set()
    assert "regression" in lab.server.comments[0].body


def test_a_taken_number_fails_the_check_on_what_the_merge_makes(lab: Lab) -> None:
    pull = lab.propose("wording", {DESK_FILE: V2})
    lab.push(
        {
            DESK_FILE: DESK_PROMPT.replace("version: 1", "version: 2").replace(
                '"{{ question }}"', '"Q: {{ question }}"'
            )
        }
    )
    done = lab.checked(pull, "promptvc base", "promptvc check")
    assert done.jobs["promptvc check"].result == "failed"
    assert "version-reuse" in done.jobs["promptvc check"].log


def test_results_come_from_jobs_and_never_from_the_checkout(lab: Lab) -> None:
    done = lab.checked(lab.propose("forged", {DESK_FILE: V2, ".promptvc-out/shard-9.jsonl": "{}\n"}))
    assert done.results()["report"] == "skipped"
    assert "is for results" in done.jobs["promptvc evaluate"].log


def test_feedback_becomes_a_merge_request_and_its_merge_a_deployment(lab: Lab, tmp_path: Path) -> None:
    lab.ci.variables = {**TOKENS, "promptvc": {"ANTHROPIC_API_KEY": KEY}}
    before = lab.bare.rev("main")
    rows = tmp_path / "more.jsonl"
    rows.write_text(desk_rows(20, salt="more"))
    cli_of(lab.desk).ok("feedback", "import", str(rows))
    cli_of(lab.desk).ok("feedback", "commit")
    lab.push()
    done = lab.pushed(before).ok()
    assert done.results() == {"training": "success"}
    (child,) = done.children.values()
    assert having(child, KEY) == {"train"}
    assert having(child, ADA) == {"reserve", "publish"}
    (pull,) = lab.server.pulls
    assert (pull.head, pull.base, pull.author.login) == (f"promptvc/{DESK}/v2", "main", "ada")

    # The same look is not taken again: not by a retry, whatever becomes of it.
    ledger, tip = lab.bare.rev("promptvc/ledger"), pull.commit
    retried = lab.ci.job(child, "promptvc train")
    assert retried.result == "failed"
    assert "has ended already" in retried.log
    lab.ci.job(child, "promptvc publish")
    assert (lab.bare.rev("promptvc/ledger"), lab.server.pulls[0].commit) == (ledger, tip)

    before = lab.bare.rev("main")
    lab.server.merge(pull.number)
    assert lab.pushed(before).ok().results() == {"deploy": "success"}
    assert b"version: 2" in lab.bare.show(f"main:deployments/production/{DESK}.yaml")


def test_one_training_that_fails_keeps_no_other_back(lab: Lab, tmp_path: Path) -> None:
    """What came to its end is published and in the ledger; what failed is too, so that its look is not taken again."""
    before = lab.bare.rev("main")
    two_prompts(lab.desk, tmp_path)
    lab.push()
    lab.ci.variables = {**TOKENS, "promptvc": {"OPENAI_API_KEY": KEY}}
    with Server(lambda _: failure(401, "no such key")) as server:
        lab.ci.more = {"OPENAI_BASE_URL": server.url}
        done = lab.pushed(before)
    (child,) = done.children.values()
    assert child.results() == {"reserve": "success", "train": "failed", "publish": "success"}
    assert done.jobs["promptvc training"].result == "failed"
    assert [pull.head for pull in lab.server.pulls] == [f"promptvc/{DESK}/v2"]
    records = lab.bare.git("ls-tree", "-r", "--name-only", "promptvc/ledger", "trainings/")
    assert {f"trainings/{DESK}", f"trainings/{ZONE}"} <= {one.rpartition("/")[0] for one in records.split()}


def test_a_name_by_hand_is_only_a_name(lab: Lab) -> None:
    for name in ("$(touch 1-hijacked)", "--push", "a b"):
        done = lab.by_hand("train", PROMPTVC_NAME=name)
        (child,) = done.children.values()
        assert child.results() == {"reserve": "failed", "train": "skipped", "publish": "success"}
        assert "no name of a prompt" in child.jobs["promptvc reserve"].log
        assert lab.by_hand("deploy", PROMPTVC_NAME=name).results() == {"deploy": "failed"}
    assert lab.by_hand("deploy").results() == {"deploy": "failed"}
    assert not lab.hijacked()
    assert lab.server.pulls == []


def test_where_main_is_new_or_was_forced_everything_is_deployed(lab: Lab) -> None:
    """What was there before is not known: the prompt changed in a commit that is not the last."""
    lab.push({DESK_FILE: V2}, {"README.md": "hello\n"})
    for before in ("5" * 40, ZERO):
        trigger = Trigger("push", lab.bare.rev("main"), before=before)
        done = lab.ci.run(trigger, only=["promptvc deploy"]).ok()
        assert lab.bare.show(f"main:deployments/production/{DESK}.yaml") == V2.encode(), done
    assert "runs desk/route v2 already" in done.jobs["promptvc deploy"].log


def test_by_hand_a_version_goes_out_and_back_and_is_proposed_where_main_is_protected(lab: Lab) -> None:
    lab.push({DESK_FILE: V2})
    lab.by_hand("deploy", PROMPTVC_NAME=DESK, PROMPTVC_VERSION="v1").ok()
    lab.by_hand("deploy", PROMPTVC_NAME=DESK).ok()
    reason = 'worse"; touch 1-hijacked; $(touch 1-hijacked)'
    lab.by_hand("deploy", PROMPTVC_NAME=DESK, PROMPTVC_ROLLBACK=reason).ok()
    assert lab.bare.show(f"main:deployments/production/{DESK}.yaml") == DESK_PROMPT.encode()
    assert not lab.hijacked()

    lab.server.protect("main")
    tip = lab.bare.rev("main")
    where = {"PROMPTVC_NAME": DESK, "PROMPTVC_VERSION": "v1", "PROMPTVC_ENVIRONMENT": "staging"}
    assert lab.by_hand("deploy", **where).results() == {"deploy": "failed"}
    lab.by_hand("deploy", **where, PROMPTVC_DEPLOY="pr").ok()
    (pull,) = lab.server.pulls
    assert pull.base == "main"
    assert lab.bare.rev("main") == tip


QUICKER = """#!/bin/sh
while read old new ref; do
  [ "$ref" = refs/heads/main ] && [ ! -e quicker ] || continue
  touch quicker
  unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
  git update-ref refs/heads/main "$(git commit-tree "$old^{tree}" -p "$old" -m Quicker)"
done
"""


def hook(lab: Lab, name: str, text: str) -> None:
    place = lab.bare.path / "hooks" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)
    place.chmod(0o755)


def test_at_night_a_judge_scores_and_one_issue_says_what_is_wrong(lab: Lab) -> None:
    """Somebody pushes between its fetch and its push; then main is protected."""
    variables = {"PROMPTVC_JUDGE": "openai:judge", "PROMPTVC_JUDGE_LIMIT": "2"}
    lab.ci.variables = {**TOKENS, "*": variables, "promptvc": {"OPENAI_API_KEY": KEY}}
    lab.push({DESK_FILE: DESK_PROMPT.replace("only:", "alone:")})
    hook(lab, "pre-receive", QUICKER)
    before = lab.bare.rev("main")
    with Server(lambda _: answer(json.dumps({"reason": "fine", "score": 1}))) as server:
        lab.ci.more = {"OPENAI_BASE_URL": server.url}
        done = lab.by_hand("nightly").ok()
    assert done.results() == dict.fromkeys(("judge", "commit", "nightly"), "success")
    assert having(done, KEY) == {"judge"}
    assert "attempt 1 of 5" in done.jobs["promptvc commit"].log
    assert lab.bare.git("log", "-1", "--format=%s", "main^") == "Quicker"
    assert lab.bare.git("diff", "--name-only", "main^", "main").startswith(f"feedback/{DESK}/")
    assert "version-reuse" in done.jobs["promptvc nightly"].log
    assert [issue.state for issue in lab.server.issues] == ["open"]

    lab.bare.git("update-ref", "refs/heads/main", before)
    lab.server.protect("main")
    refused = lab.ci.job(done, "promptvc commit")
    assert refused.result == "failed"
    assert "set the variable PROMPTVC_DEPLOY to pr" in refused.log
    lab.bare.git("config", "receive.advertisePushOptions", "true")
    hook(lab, "post-receive", "#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION > options\n")
    variables["PROMPTVC_DEPLOY"] = "pr"
    proposed = lab.ci.job(done, "promptvc commit")
    assert proposed.result == "success", proposed.log
    options = (lab.bare.path / "options").read_text().splitlines()
    assert "GIT_PUSH_OPTION_0=merge_request.create" in options
    assert "GIT_PUSH_OPTION_1=merge_request.target=main" in options
    assert lab.bare.rev("main") == before
    changed = lab.bare.git("diff", "--name-only", "main", f"promptvc-events/{done.id}")
    assert changed.startswith(f"feedback/{DESK}/")


def test_weekly_says_no_where_something_is_below(lab: Lab) -> None:
    lab.push({DESK_FILE: MODEL, SUITE: desk_suite(2)})
    lab.ci.variables = {"promptvc": {"OPENAI_API_KEY": KEY}}
    with Server(lambda _: answer("none of them")) as server:
        lab.ci.more = {"OPENAI_BASE_URL": server.url}
        below = lab.by_hand("weekly")
    assert below.results() == {"weekly": "failed"}
    assert "exit code 1" in below.jobs["promptvc weekly"].log
    (folder,) = below.jobs["promptvc weekly"].artifacts
    assert list(folder.rglob("desk-route.md"))
