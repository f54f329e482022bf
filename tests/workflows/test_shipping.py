"""Deployment: gates, force, rules of environments, rollback and holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

RULES = "deployments/production/environment.yaml"


def edited(repo: Repo, text: str, version: int) -> str:
    """Commit a human edit as the next version."""
    repo.write({DESK_FILE: DESK_PROMPT.replace("one label only", text)})
    cli = cli_of(repo)
    done = cli.json("commit", DESK, "-m", text, "--renumber")
    assert done["version"] == version
    return str(done["commit"])


def shut(cli: Cli, *arguments: str) -> str:
    """A gate is closed: exit 1, and with --force the same goes through and is recorded."""
    said = cli.fails(1, *arguments)
    assert "--force" in said
    return said


def test_only_what_is_on_main_is_deployed(trained: Repo) -> None:
    cli = cli_of(trained)
    assert "main" in shut(cli, "deploy", f"{DESK}@v2")
    assert "main" in shut(cli, "deploy", f"{DESK}@promptvc/{DESK}/v2")
    trained.write({DESK_FILE: DESK_PROMPT.replace("one label", "a label")})
    assert cli("deploy", DESK).out == f"production runs {DESK} v1 already\n"


def test_force_needs_a_reason_and_keeps_it(trained: Repo) -> None:
    cli = cli_of(trained)
    before = trained.rev("HEAD")
    for more in ((), ("--reason", "  ")):
        assert "--reason" in cli.fails(2, "deploy", f"{DESK}@v2", "--force", *more)
    assert trained.rev("HEAD") == before
    done = cli("deploy", f"{DESK}@v2", "--force", "--reason", "a fire drill")
    assert done.code == 0
    assert "passed over" in done.err
    body = trained.git("log", "-1", "--format=%B")
    assert "a fire drill" in body
    assert "Promptvc-Forced-By: Ada Author <ada@example.org>" in body
    assert "Promptvc-Forced: " in body
    problems = cli.json("check", codes=(1,))["problems"]
    assert [problem["rule"] for problem in problems] == ["deployment"]


def test_a_regression_is_not_deployed(shipped: Repo) -> None:
    cli = cli_of(shipped)
    edited(shipped, "nothing but delta", 3)
    compared = cli.json("evaluate", DESK, "--baseline", "v2", "--save", codes=(1,))
    assert compared["comparison"]["verdict"] == "regression"
    assert compared["commit"] == shipped.rev("HEAD")
    assert "regression" in shut(cli, "deploy", DESK)
    assert cli.json("log", DESK)[0]["verdict"] == "regression"


def test_an_environment_may_require_evidence_and_a_score(shipped: Repo) -> None:
    cli = cli_of(shipped)
    edited(shipped, "precisely one label", 3)
    shipped.commit({RULES: "requires: evidence\n"}, "Rules")
    assert "evaluate" in shut(cli, "deploy", DESK)
    cli.json("evaluate", DESK, "--save", codes=(0, 1))
    shipped.commit({RULES: "requires: evidence\ngates: {minimum_score: 0.9}\n"}, "Rules")
    assert "0.9" in shut(cli, "deploy", DESK)
    assert cli.json("deploy", f"{DESK}@v2")["version"] == 2
    shipped.commit({RULES: "requires: evidence\ngates: {minimum_score: 0.2}\n"}, "Rules")
    assert cli.json("deploy", DESK)["version"] == 3


def test_an_environment_may_promote_from_another(shipped: Repo) -> None:
    cli = cli_of(shipped)
    shipped.commit({RULES: "promotes_from: staging\n"}, "Rules")
    assert "staging" in shut(cli, "deploy", f"{DESK}@v1")
    assert cli.json("deploy", f"{DESK}@v1", "--env", "staging")["version"] == 1
    assert cli.json("deploy", f"{DESK}@v1")["version"] == 1
    assert cli.json("deploy", f"{DESK}@staging", "--env", "eu")["version"] == 1


def test_rules_that_cannot_be_read_close_the_gate(shipped: Repo) -> None:
    shipped.commit({RULES: "requires: evidence\npromotes_form: staging\n"}, "Rules")
    cli = cli_of(shipped)
    assert f"{RULES}:2" in cli.fails(2, "deploy", f"{DESK}@v1")
    assert cli.json("check", codes=(1,))["problems"][0]["rule"] == "environment"


def test_deploying_to_another_branch_leaves_this_one(shipped: Repo) -> None:
    cli = cli_of(shipped)
    main, status = shipped.rev("main"), shipped.status()
    done = cli.json("deploy", f"{DESK}@v1", "--branch", "rollout/one")
    assert done["branch"] == "rollout/one"
    assert done["commit"] == shipped.rev("rollout/one")
    assert shipped.rev("rollout/one~1") == main == shipped.rev("main")
    assert shipped.status() == status
    assert cli.json("status")[0]["version"] == 2


def test_a_hold_counts_on_every_branch(shipped: Repo) -> None:
    cli = cli_of(shipped)
    cli.ok("rollback", DESK, "--reason", "bad")
    assert "held" in shut(cli, "deploy", f"{DESK}@v2", "--branch", "elsewhere")
    assert "held" in shut(cli, "deploy", f"{DESK}@latest")
    assert cli.json("deploy", f"{DESK}@v2", "--env", "staging")["version"] == 2
    done = cli.json("deploy", f"{DESK}@v2", "--force", "--reason", "mended elsewhere")
    assert done["version"] == 2
    rules = {problem["rule"] for problem in cli.json("check", codes=(1,))["problems"]}
    assert rules == {"hold-ignored"}


def test_rollback_goes_to_what_ran_before_and_never_to_what_is_held(shipped: Repo) -> None:
    cli = cli_of(shipped)
    edited(shipped, "precisely one label", 3)
    cli.ok("deploy", DESK)
    assert cli.json("rollback", DESK, "--reason", "worse")["version"] == 2
    assert cli.json("rollback", DESK, "--reason", "worse still")["version"] == 1
    said = cli.fails(1, "rollback", DESK, "--reason", "all bad")
    assert "--to" in said
    assert "held" in cli.fails(1, "rollback", DESK, "--to", "v3", "--reason", "x")
    assert "already" in cli.fails(1, "rollback", DESK, "--to", "v1", "--reason", "x")
    (standing,) = cli.json("status")
    assert standing["held"] == [2, 3]
    assert cli.json("check")["problems"] == []


def test_rollback_to_a_version_by_name(shipped: Repo) -> None:
    cli = cli_of(shipped)
    assert "main" in _not_merged(shipped, cli)
    for to in ("v1", "@v1", f"{DESK}@v1", "1"):
        repeated = cli.json("rollback", DESK, "--to", to, "--reason", "x")
        assert (repeated["version"], repeated["previous"]) == (1, 2)
        shipped.commit({f"deployments/production/holds/{DESK}/v2.yaml": None}, "Lift")
        cli.ok("deploy", f"{DESK}@v2")


def _not_merged(repo: Repo, cli: Cli) -> str:
    repo.git("checkout", "-q", "-b", "side")
    repo.commit({DESK_FILE: DESK_PROMPT.replace("version: 1", "version: 3").replace("one label", "a label")})
    repo.git("checkout", "-q", "main")
    return cli.fails(1, "rollback", DESK, "--to", "side", "--reason", "x")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("rollback", DESK, "--reason", " "), 2, "reason"),
        (("rollback", f"{DESK}@v1", "--reason", "x"), 2, "--to"),
        (("rollback", "desk/rout", "--reason", "x"), 2, "did you mean desk/route?"),
        (("rollback", DESK, "--env", "prod", "--reason", "x"), 2, "--env production"),
        (("rollback", DESK, "--to", "v7", "--reason", "x"), 2, "there is v2, v1"),
        (("deploy", "desk/rout"), 2, "did you mean desk/route?"),
        (("deploy", f"{DESK}@v7"), 2, "there is v2, v1, latest, production"),
        (("deploy", f"{DESK}@no-such-branch"), 2, "there is v2, v1, latest, production"),
        (("deploy", DESK, "--env", "latest"), 2, "latest"),
        (("deploy", DESK, "--env", "v3"), 2, "v3"),
        (("deploy", DESK, "--env", "../up"), 2, "../up"),
        (("deploy", "../../etc/passwd"), 2, "cannot name a prompt"),
        (("deploy", DESK, "--branch", "no..good"), 2, "no..good"),
        (("status", "--env", "prodction"), 2, "did you mean production?"),
        (("export", "out", "--env", "staging"), 2, "nothing is deployed to staging"),
    ],
)
def test_what_cannot_be_shipped(shipped: Repo, arguments: tuple[str, ...], code: int, words: str) -> None:
    before = shipped.git("for-each-ref")
    assert words in cli_of(shipped).fails(code, *arguments)
    assert shipped.git("for-each-ref") == before
    assert shipped.status() == []


def test_an_environment_that_looks_like_another_is_made_only_when_asked_for(shipped: Repo) -> None:
    cli = cli_of(shipped)
    said = cli.fails(2, "deploy", DESK, "--env", "productoin")
    assert "there is no environment productoin; did you mean production?" in said
    for arguments in (("productoin", "--new-env"), ("eu",)):
        done = cli("deploy", DESK, "--env", *arguments)
        assert (done.code, "made the environment" in done.err) == (0, True)
        again = cli("deploy", f"{DESK}@v1", "--env", arguments[0])
        assert (again.code, "made the environment" in again.err) == (0, False)


def reused(repo: Repo) -> str:
    """Version 2 has two contents on main; the digest of the one that does not own it."""
    text = repo.read(DESK_FILE).decode().replace("one label", "a label")
    repo.commit({DESK_FILE: text}, "No new number")
    return repo.rev(f"HEAD:{DESK_FILE}")


def test_only_the_content_that_owns_its_number_is_deployed(shipped: Repo) -> None:
    cli = cli_of(shipped)
    reused(shipped)
    said = shut(cli, "deploy", DESK)
    assert f"{DESK} v2 has two contents; this is not the one that owns it" in said
    assert f"promptvc commit {DESK} --renumber -m TEXT" in said
    assert "two contents" in cli.fails(1, "rollback", DESK, "--to", "latest", "--reason", "x")
    assert cli.json("status")[0]["intact"] is True
    cli.ok("deploy", DESK, "--force", "--reason", "x")
    assert cli.json("status")[0]["intact"] is False
    found = {one["rule"]: one for one in cli.json("check", codes=(1,))["problems"]}
    assert set(found) == {"deployment", "version-reuse"}
    assert f"promptvc log {DESK} --graph" in found["deployment"]["hint"]
    assert cli.json("rollback", DESK, "--reason", "x")["version"] == 2
    assert cli.json("status")[0]["held"] == []
    cli.ok("commit", DESK, "--renumber", "-m", "Its own")
    assert cli.json("deploy", DESK)["version"] == 3
    assert cli.json("check")["problems"] == []


def test_a_draft_on_a_merged_branch_is_no_version(desk: Repo) -> None:
    desk.git("checkout", "-q", "-b", "side")
    for words in ("a draft", "the final"):
        text = DESK_PROMPT.replace("version: 1", "version: 2").replace("one label", words)
        desk.commit({DESK_FILE: text})
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "side")
    cli = cli_of(desk)
    assert "two contents" in shut(cli, "deploy", f"{DESK}@side~1")
    assert cli.json("deploy", f"{DESK}@v2")["version"] == 2


def test_a_rollback_from_a_file_edited_by_hand_holds_nothing(shipped: Repo) -> None:
    path = f"deployments/production/{DESK}.yaml"
    shipped.commit({path: shipped.read(path) + b"# by hand\n"})
    cli = cli_of(shipped)
    (problem,) = cli.json("check", codes=(1,))["problems"]
    assert problem["hint"] == f"promptvc deploy {DESK}@v2 --env production"
    done = cli("rollback", DESK, "--reason", "who did that?")
    assert "edited by hand" in done.err
    assert cli.json("status")[0] | {"digest": ""} == {
        "environment": "production", "name": DESK, "version": 2, "digest": "", "latest": 2, "held": [],
        "intact": True,
    }  # fmt: skip
    assert cli.json("check")["problems"] == []
    assert cli.json("rollback", DESK, "--reason", "bad")["version"] == 1  # never to what was edited by hand
    assert cli.json("check")["problems"] == []


def test_a_commit_elsewhere_than_on_main_runs_nothing_yet(shipped: Repo) -> None:
    cli = cli_of(shipped)
    cli.ok("deploy", DESK, "--env", "staging")
    said = cli.ok("deploy", f"{DESK}@v1", "--env", "staging", "--branch", "rollout/one")
    assert said.startswith(f"staging will run {DESK} v1 (was v2) once rollout/one is on main\n")
    assert "already on rollout/one" in cli.ok(
        "deploy", f"{DESK}@v1", "--env", "staging", "--branch", "rollout/one"
    )
    shipped.commit({"promptvc.yaml": "main: main\nevaluation: {success: 0.5}\n"})
    shipped.git("checkout", "-q", "--detach")
    said = cli.ok("rollback", DESK, "--env", "staging", "--to", "v1", "--reason", "x")
    assert said.startswith(f"staging will run {DESK} v1 (was v2) once this commit is on main\n")
    shipped.git("checkout", "-q", "main")
    assert cli.ok("deploy", f"{DESK}@v1", "--env", "staging").startswith(f"staging runs {DESK} v1 (was v2)\n")


def test_rules_that_are_not_on_main_are_remarked_on(shipped: Repo) -> None:
    shipped.write({RULES: "requires: evidence\n"})
    done = cli_of(shipped)("deploy", f"{DESK}@v1")
    assert done.code == 0
    assert f"{RULES} differs from the one on main" in done.err


def test_exporting_replaces_nothing_unasked(shipped: Repo, tmp_path: Path) -> None:
    cli = cli_of(shipped)
    out = tmp_path / "out"
    (out / "desk").mkdir(parents=True)
    (out / "desk/route.yaml").write_text("mine")
    shipped.commit({"prompts/a.yaml": DESK_PROMPT.replace("name: desk/route", "name: a")})
    assert "route.yaml would be replaced" in cli.fails(2, "export", str(out))
    assert [path.name for path in out.iterdir()] == ["desk"]
    cli.ok("export", str(out), "--force")
    assert (out / "desk/route.yaml").read_bytes() == shipped.read(DESK_FILE)
    cli.ok("export", str(out))
    for place in ("prompts", "feedback/x", "evaluation", "deployments/production", "prompts/../prompts"):
        assert "no place to export to" in cli.fails(2, "export", place, "--force")
    assert shipped.status() == []


def test_a_hand_edited_deployment_is_not_intact(shipped: Repo) -> None:
    path = f"deployments/production/{DESK}.yaml"
    shipped.commit({path: shipped.read(path) + b"# by hand\n"})
    cli = cli_of(shipped)
    assert cli.json("status")[0]["intact"] is False
    assert "no version on main" in cli.ok("status")
    (problem,) = cli.json("check", codes=(1,))["problems"]
    assert (problem["rule"], problem["file"]) == ("deployment", path)
    assert cli.json("deploy", DESK)["version"] == 2
    assert cli.json("check")["problems"] == []


def test_a_shallow_clone_says_what_it_cannot_know(shipped: Repo, tmp_path: Path) -> None:
    cli_of(shipped).ok("deploy", f"{DESK}@v1", "--env", "staging")
    shipped.git("clone", "-q", "--depth", "1", f"file://{shipped.path}", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow", shipped.environ)
    cli = cli_of(shallow)
    unshallow = "git fetch --unshallow"
    for arguments in (
        ("log", DESK),
        ("show", f"{DESK}@v1"),
        ("deploy", f"{DESK}@v1"),
        ("deploy", f"{DESK}@staging"),
        ("rollback", DESK, "--reason", "x", "--to", "v1"),
    ):
        assert unshallow in cli.fails(2, *arguments), arguments
    said = cli.fails(2, "rollback", DESK, "--reason", "x")
    assert "--to" in said
    assert unshallow in said
    by_environment = {row["environment"]: row["intact"] for row in cli.json("status")}
    assert by_environment == {"production": True, "staging": None}
    found = cli.json("check", codes=(1,))["problems"]
    assert {(one["rule"], one["severity"]) for one in found} == {
        ("version-reuse", "error"),
        ("deployment", "warning"),
    }
    assert cli.json("show", f"{DESK}@staging")["version"] == 1
    assert cli.json("rollback", DESK, "--reason", "x", "--to", "staging")["version"] == 1
    shallow.git("fetch", "-q", "--unshallow")
    assert cli.json("rollback", DESK, "--env", "staging", "--to", "v2", "--reason", "x")["version"] == 2
    assert len(cli.json("log", DESK)) == 2
    assert all(row["intact"] for row in cli.json("status"))
