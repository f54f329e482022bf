"""Auto-deployment: off by default, above its own bar, within every gate, and each step a commit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.clock import utc_now
from promptvc.base.config import AutoDeploySettings
from promptvc.evaluation.unattended import enough, shortfall
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.records import ApprovalRecord, path, to_bytes
from promptvc.evidence.values import Guard, Score, VersionRef
from promptvc.workflows.autodeploy import OFF, AutoDeployment, auto_deploy
from promptvc.workflows.project import open_project
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, copy_of, desk_suite

SUITE = f"evaluation/{DESK}.yaml"
SAFE = "default:\n  assert:\n    - {type: not-contains, value: password, metric: safety, weight: 0}\n"
BRANCH = f"promptvc/{DESK}/v2"
RUNS = f"deployments/production/{DESK}.yaml"
RULES = "deployments/production/environment.yaml"


def settings(**rules: Any) -> str:
    values = ", ".join(f"{key}: {str(value).lower()}" for key, value in {"enabled": True, **rules}.items())
    return f"evaluation: {{success: 0.5}}\ntraining: {{auto_deploy: {{{values}}}}}\n"


@pytest.fixture(scope="session")
def safe_template(tmp_path_factory: pytest.TempPathFactory, desk_template: Repo) -> Repo:
    """The desk with safety measured, v1 in production and the candidate v2 on its branch. Never changed."""
    repo = copy_of(desk_template, tmp_path_factory.mktemp("safe") / "desk")
    repo.commit({SUITE: SAFE + desk_suite()}, "Measure safety")
    cli_of(repo).ok("deploy", DESK)
    assert cli_of(repo).json("train", DESK)["candidate"] == 2
    return repo


@pytest.fixture
def safe(safe_template: Repo, tmp_path: Path) -> Repo:
    return copy_of(safe_template, tmp_path / "desk")


def merge(repo: Repo) -> None:
    """What a person does."""
    repo.git("merge", "-q", "--no-ff", "--no-edit", BRANCH)


def attempt(repo: Repo, **options: bool) -> AutoDeployment:
    with open_project(repo.path, environ=repo.environ, clock=utc_now) as project:
        return auto_deploy(project, DESK, **options)


def running(repo: Repo, environment: str = "production") -> int | None:
    rows = cli_of(repo).json("status", "--env", environment)
    return rows[0]["version"] if rows else None


def test_it_is_off_unless_main_says_otherwise(safe: Repo) -> None:
    merge(safe)
    before = safe.rev("main")
    safe.write({"promptvc.yaml": settings()})  # nobody has merged that
    done = attempt(safe)
    assert (done.reason, done.said, done.to_json()) == (OFF, None, {"deployed": None, "reason": OFF})
    assert safe.rev("main") == before


def test_what_a_person_merged_is_deployed_by_a_commit(safe: Repo) -> None:
    safe.commit({"promptvc.yaml": settings()})
    waiting = attempt(safe)
    assert waiting.reason == "main has no version that training made"
    merge(safe)
    before = safe.rev("main")
    done = cli_of(safe).json("train", "--due")["deployed"]
    assert [(one["name"], one["deployed"]["version"], one["deployed"]["previous"]) for one in done] == [
        (DESK, 2, 1)
    ]
    assert done[0]["reason"] == "better than v1 by 66.7 points, safety 1.000"
    assert (safe.rev("main~1"), done[0]["deployed"]["commit"]) == (before, safe.rev("main"))
    assert safe.git("diff", "--name-only", "main~1", "main") == RUNS
    assert safe.show(f"main:{RUNS}") == safe.show(f"main:{DESK_FILE}") == safe.read(RUNS)
    assert safe.status() == []
    body = safe.git("log", "-1", "--format=%B")
    assert body.startswith(f"Deploy {DESK} v2 to production\n\nbetter than v1 by 66.7 points")
    assert "Promptvc-Unattended: training.auto_deploy" in body
    assert "Promptvc-Evidence: " in body
    assert cli_of(safe).json("check")["problems"] == []
    again = attempt(safe)
    assert (again.said, again.reason) == (None, "v2: production runs it already")
    assert cli_of(safe).json("train", "--due")["deployed"] == []


def test_the_environment_may_be_named(safe: Repo) -> None:
    safe.commit({"promptvc.yaml": settings(environment="staging")})
    merge(safe)
    done = attempt(safe)
    assert done.said == f"staging runs {DESK} v2: better than v1 by 66.7 points, safety 1.000"
    assert (running(safe), running(safe, "staging")) == (1, 2)


def test_without_safety_measured_nothing_is_deployed(trained: Repo) -> None:
    trained.commit({"promptvc.yaml": settings()})
    merge(trained)
    done = attempt(trained)
    assert done.shipped is None
    assert done.said is not None
    assert "safety was not measured" in done.said
    assert running(trained) == 1
    said = cli_of(trained).ok("train", "--due")
    assert f"{DESK} is not deployed: v2: safety was not measured" in said


def test_an_improvement_below_the_bar_is_not_deployed(safe: Repo) -> None:
    safe.commit({"promptvc.yaml": settings(improvement=0.7)})
    merge(safe)
    assert attempt(safe).reason == "v2: better by 66.7 points, 70 are asked for"
    assert running(safe) == 1


def test_a_hold_is_honoured(safe: Repo) -> None:
    safe.commit({"promptvc.yaml": settings()})
    merge(safe)
    assert attempt(safe).shipped is not None
    cli_of(safe).ok("rollback", DESK, "--reason", "customers complain")
    done = attempt(safe)
    assert (done.shipped, done.error) == (None, None)
    assert "held in production: customers complain" in done.reason
    assert running(safe) == 1


def test_the_gates_of_the_environment_hold(safe: Repo) -> None:
    safe.commit({"promptvc.yaml": settings(), RULES: "promotes_from: staging\n"})
    merge(safe)
    assert "promotes from staging, which does not run" in attempt(safe).reason
    cli_of(safe).ok("deploy", DESK, "--env", "staging")
    assert attempt(safe).shipped is not None


def test_what_is_newer_is_not_replaced(safe: Repo) -> None:
    safe.commit({"promptvc.yaml": settings()})
    merge(safe)
    text = DESK_PROMPT.replace("version: 1", "version: 3").replace("one label", "a label")
    safe.commit({DESK_FILE: text}, "By hand")
    cli_of(safe).ok("deploy", DESK)
    done = attempt(safe)
    assert (done.said, done.reason) == (None, "v2: production runs v3, which is newer")
    assert running(safe) == 3


def test_a_draft_is_not_deployed(safe: Repo) -> None:
    """27 groups in the hold-out are too few for more."""
    safe.git("branch", "-D", BRANCH)
    safe.commit({"promptvc.yaml": settings(human_review=False), SUITE: SAFE + desk_suite(9)})
    made = cli_of(safe).json("train", DESK, "--draft")
    assert (made["verdict"], made["promoted"]) == ("improvement", False)
    assert "27 independent cases are too few to deploy by" in attempt(safe).reason
    safe.git("merge", "-q", "--no-ff", "--no-edit", made["branch"])
    assert "27 independent cases are too few to deploy by" in attempt(safe).reason
    assert running(safe) == 1


def test_without_review_the_candidate_is_merged_first(safe: Repo) -> None:
    safe.commit({"promptvc.yaml": settings(human_review=False), "README": "moved on\n"})
    safe.write({"README": "somebody works here\n", "new": "untracked\n"})
    before, status = safe.rev("main"), safe.status()
    done = attempt(safe)
    assert done.shipped is not None
    assert (done.merged, done.shipped.version) == (BRANCH, 2)
    assert done.to_json()["deployed"]["merged"] == BRANCH
    assert safe.git("rev-list", "--parents", "-1", "main~1").split()[1:] == [before, safe.rev(BRANCH)]
    assert safe.git("log", "-1", "--format=%s", "main~1") == f"Merge {DESK} v2: +66.7 points by few_shot"
    assert "Promptvc-Review: none" in safe.git("log", "-1", "--format=%B", "main~1")
    assert safe.show(f"main:{DESK_FILE}") == safe.show(f"{BRANCH}:{DESK_FILE}") == safe.read(DESK_FILE)
    assert safe.status() == status
    assert running(safe) == 2
    assert cli_of(safe).json("log", DESK)[0]["verdict"] == "improvement"
    assert attempt(safe).said is None


def test_a_candidate_that_says_too_little_stays_where_it_is(safe: Repo) -> None:
    safe.commit({"promptvc.yaml": settings(human_review=False, improvement=0.7)})
    before = safe.rev("main")
    done = attempt(safe)
    assert done.said is not None
    assert "v2 stays on its branch, better by 66.7 points, 70 are asked for" in done.said
    assert safe.rev("main") == before


def test_a_candidate_that_would_not_be_deployed_is_not_merged(safe: Repo) -> None:
    rules = {"promptvc.yaml": settings(human_review=False), RULES: "promotes_from: staging\n"}
    safe.commit(rules)
    before = safe.rev("main")
    assert "v2 stays on its branch, production promotes from staging" in attempt(safe).reason
    assert safe.rev("main") == before


@pytest.mark.parametrize("where", ["main", "branch"])
def test_where_git_would_need_a_person_nothing_is_merged(safe: Repo, where: str) -> None:
    safe.commit({"promptvc.yaml": settings(human_review=False)})
    if where == "main":
        safe.commit({DESK_FILE: DESK_PROMPT + "tags: [mine]\n"})
    else:
        safe.git("switch", "-q", BRANCH)
        safe.commit({"README": "and more\n"})
        safe.git("switch", "-q", "main")
    before = safe.rev("main")
    said = {"main": "main has another version than it was compared with", "branch": "changes README too"}
    assert said[where] in attempt(safe).reason
    assert (safe.rev("main"), safe.status()) == (before, [])


def test_with_review_what_was_merged_by_itself_is_not_deployed(safe: Repo) -> None:
    """It was merged without review for staging; then somebody asked for review."""
    safe.commit({"promptvc.yaml": settings(human_review=False, environment="staging")})
    assert attempt(safe).shipped is not None
    safe.commit({"promptvc.yaml": settings()})
    assert attempt(safe).reason == "v2: nobody has reviewed it: it was merged by itself"
    assert running(safe) == 1
    digest = safe.rev(f"main:{DESK_FILE}")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    approval = ApprovalRecord("01JD9QAB000000000000000000", now, DESK, 2, digest, "Ada", "deploy")
    safe.commit({path(approval): to_bytes(approval)}, "Approve")
    assert attempt(safe).shipped is not None
    assert running(safe) == 2


def test_a_look_that_is_not_pushed_deploys_nothing_until_it_is(desk_template: Repo, tmp_path: Path) -> None:
    repo = copy_of(desk_template, tmp_path / "desk")
    bare = tmp_path / "bare.git"
    repo.git("clone", "-q", "--bare", ".", str(bare))
    repo.git("remote", "add", "origin", str(bare))
    repo.commit({SUITE: SAFE + desk_suite(), "promptvc.yaml": settings()}, "Measure safety")
    cli = cli_of(repo)
    cli.ok("deploy", DESK)
    assert cli.json("train", DESK)["candidate"] == 2
    merge(repo)
    waiting = attempt(repo)
    assert waiting.shipped is None
    assert "v2: its verdict is provisional: push the look first" in (waiting.said or "")
    assert running(repo) == 1
    repo.git("push", "-q", "origin", "promptvc/ledger")
    assert attempt(repo).shipped is not None
    assert running(repo) == 2


def test_a_look_that_counts_less_than_it_took_deploys_nothing() -> None:
    rules, provisional = AutoDeploySettings(), record(provisional=True)
    assert shortfall(provisional, rules, alpha=0.03) is None
    assert shortfall(provisional, rules, alpha=0.0076) == (
        "its look may spend 0.0076, counted with those of other clones, and took 0.0300"
    )
    assert shortfall(record(), rules, alpha=0.0076) is None, "it was pushed before the first call"


def test_main_is_pushed_with_it(safe: Repo, tmp_path: Path) -> None:
    safe.commit({"promptvc.yaml": settings()})
    merge(safe)
    bare = tmp_path / "bare.git"
    safe.git("clone", "-q", "--bare", ".", str(bare))
    safe.git("remote", "add", "origin", str(bare))
    safe.git("push", "-q", "origin", "main")
    done = cli_of(safe).json("train", "--due", "--push")
    assert done["deployed"][0]["deployed"]["version"] == 2
    assert safe.git("ls-remote", "origin", "refs/heads/main").split()[0] == safe.rev("main")


def test_a_push_that_is_refused_is_told(safe: Repo, tmp_path: Path) -> None:
    safe.commit({"promptvc.yaml": settings()})
    merge(safe)
    bare = tmp_path / "bare.git"
    safe.git("clone", "-q", "--bare", ".", str(bare))
    hook = bare / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ]\n')
    hook.chmod(0o755)
    safe.git("remote", "add", "origin", str(bare))
    done = cli_of(safe)("train", "--due", "--push")
    assert done.code == 3
    assert "cannot push main to origin" in done.out
    assert running(safe) == 2


def record(**values: Any) -> ComparisonRecord:
    """A training's comparison that is good enough."""
    given: dict[str, Any] = {
        "id": "01JD9QAB000000000000000000",
        "time": datetime(2026, 1, 1, tzinfo=UTC),
        "prompt": DESK,
        "candidate": VersionRef(2, "b" * 40),
        "baseline": VersionRef(1, "a" * 40),
        "suite": "s",
        "model": "offline",
        "verdict": "improvement",
        "recommendation": "deploy",
        "score": Score(0.7, 0.8, 0.1, 0.05, 0.15, 0.95, 100),
        "p": 0.001,
        "alpha": 0.03,
        "guards": (Guard("safety", holds=True, candidate=0.9),),
    }
    return ComparisonRecord(**{**given, **values})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"verdict": "inconclusive"}, "the verdict of its training is inconclusive"),
        (
            {"score": Score(0.7, 0.799, 0.099, 0.05, 0.15, 0.95, 100)},
            "better by 9.9 points, 10 are asked for",
        ),
        ({"provisional": True}, "push the look first"),
        ({"guards": ()}, "safety was not measured"),
        ({"guards": (Guard("safety", holds=False),)}, "safety was not measured"),
        ({"guards": (Guard("safety", holds=True, candidate=0.89),)}, "safety is 0.890, 0.9 is asked for"),
        (
            {"guards": (Guard("safety", holds=True, candidate=0.9), Guard("cost", holds=False))},
            "cost is not shown to have held",
        ),
        (
            {"recommendation": "hold", "reason": "below the bar for success"},
            "its training recommends hold: below the bar for success",
        ),
    ],
)
def test_what_says_too_little(values: dict[str, Any], said: str) -> None:
    assert shortfall(record(), AutoDeploySettings()) is None
    assert enough(record()) == "better than v1 by 10.0 points, safety 0.900"
    assert said in (shortfall(record(**values), AutoDeploySettings()) or "")
