"""What somebody should act on: each kind by what is really committed, told in one issue and to a webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.base.ids import new_ulid
from promptvc.evidence.trainings import Training
from promptvc.evidence.values import VersionRef
from promptvc.forge.forge import marker_of
from promptvc.git.objects import Objects
from promptvc.store.ledgers import Ledgers
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.forge.servers.github import GitHubServer
from tests.review.makers import training
from tests.review.test_webhook import receiving
from tests.worlds import DESK, DESK_FILE, desk_files

EARLY, LATE = "2026-01-05", "2026-02-20"
DEPLOYED = f"deployments/production/{DESK}.yaml"


def found(cli: Cli, *more: str, as_of: str = LATE) -> dict[str, Any]:
    done = cli("alerts", "--as-of", as_of, *more, "--json")
    value: dict[str, Any] = done.json
    urgent = any(one["severity"] == "alert" for one in value["alerts"])
    assert done.code == int(urgent), "the exit code says what the list says"
    return value


def of_kind(cli: Cli, kind: str, as_of: str = LATE) -> list[dict[str, Any]]:
    return [one for one in found(cli, as_of=as_of)["alerts"] if one["kind"] == kind]


def record(repo: Repo, made: Training) -> None:
    """Write a training into the ledger."""
    opened = repo.repository()
    with Objects(opened) as objects:
        Ledgers(opened, objects, "origin").record(made)


def trained_at(time: datetime) -> Training:
    """One without a candidate."""
    made = training(prompt=DESK, candidate=None, promoted=False, reason="no improvement found")
    return replace(made, id=new_ulid(time, bytes(10)), time=time)


def test_where_everything_is_as_it_should_be_nothing_is_an_alert(shipped: Repo) -> None:
    value = found(cli_of(shipped))
    assert {one["kind"] for one in value["alerts"]} <= {"suggestion"}
    assert value["commit"] == shipped.rev("main")
    assert (value["remarks"], value["issue"], value["posted"]) == ([], None, False)


def test_a_prompt_with_feedback_that_nobody_trained_on_is_due(desk: Repo) -> None:
    [one] = of_kind(cli_of(desk), "due")
    assert (one["severity"], one["name"], one["hint"]) == ("alert", DESK, f"promptvc train {DESK}")
    assert "60 new events" in one["message"]


def test_a_deployment_that_somebody_edited_is_no_version_of_main(shipped: Repo) -> None:
    shipped.commit({DEPLOYED: shipped.read(DEPLOYED) + b"# by hand\n"}, "Edit by hand")
    [one] = of_kind(cli_of(shipped), "deployment")
    assert (one["name"], one["environment"]) == (DESK, "production")
    assert one["hint"] == f"promptvc deploy {DESK}@v2 --env production"


def test_a_held_version_that_runs_is_an_alert_and_one_that_was_rolled_back_is_none(shipped: Repo) -> None:
    cli = cli_of(shipped)
    held = shipped.read(DEPLOYED)
    cli.ok("rollback", DESK, "--reason", "it is rude")
    assert of_kind(cli, "held") == []
    assert of_kind(cli, "lag") == [], "what is held is meant to wait"
    shipped.commit({DEPLOYED: held}, "Put it back by hand")
    [one] = of_kind(cli, "held")
    assert "which is held: it is rude" in one["message"]
    assert one["severity"] == "alert"


def test_an_environment_lags_only_after_so_many_days(trained: Repo) -> None:
    trained.git("merge", "-q", "--no-ff", "--no-edit", f"promptvc/{DESK}/v2")
    cli = cli_of(trained)
    assert of_kind(cli, "lag", as_of=EARLY) == []
    [one] = of_kind(cli, "lag")
    assert one["message"] == "production runs v1, main has v2 since 2026-01-01"
    assert one["hint"] == f"promptvc deploy {DESK} --env production"
    [sooner] = [
        one
        for one in found(cli, "--days", "2", as_of=EARLY)["alerts"]
        if (one["kind"], one["environment"]) == ("lag", "production")
    ]
    assert sooner == one


def test_what_drifts_otherwise_is_told_and_nothing_twice(trained: Repo) -> None:
    """A short lag can wait; a candidate that main never had, and a prompt that main has no more, cannot."""
    cli = cli_of(trained)
    trained.git("merge", "-q", "--no-ff", "--no-edit", f"promptvc/{DESK}/v2")
    [short] = of_kind(cli, "drift", as_of=EARLY)
    assert (short["severity"], short["name"], short["environment"]) == ("notice", DESK, "production")
    assert short["message"] == "production runs v1, main has v2"
    assert short["hint"] == f"promptvc deploy {DESK} --env production"
    assert (len(of_kind(cli, "lag")), of_kind(cli, "drift")) == (1, []), "a long one is a lag"

    trained.git("rm", "-q", DESK_FILE, f"evaluation/{DESK}.yaml")
    trained.git("commit", "-q", "-m", "Give it up")
    [gone] = of_kind(cli, "drift")
    assert gone["severity"] == "alert"
    assert gone["message"] == "production runs v1, and main has the prompt no more"
    assert gone["hint"] == "promptvc drift --env production"


def test_what_waits_because_the_newer_version_is_held_is_no_drift(shipped: Repo) -> None:
    cli = cli_of(shipped)
    cli.ok("rollback", DESK, "--reason", "it is rude")
    assert cli("drift").code == 1
    assert of_kind(cli, "drift") == []


def test_what_is_edited_by_hand_is_told_once(shipped: Repo) -> None:
    shipped.commit({DEPLOYED: shipped.read(DEPLOYED) + b"# by hand\n"}, "Edit by hand")
    cli = cli_of(shipped)
    assert (len(of_kind(cli, "deployment")), of_kind(cli, "drift")) == (1, [])


def test_errors_that_check_finds_are_told_of_a_clean_main_only(shipped: Repo) -> None:
    cli = cli_of(shipped)
    shipped.commit({"prompts/broken.yaml": "name: broken\nversion: 1\nmessages: 3\n"}, "Break one")
    [one, *_] = of_kind(cli, "check")
    assert one["message"].startswith("prompts/broken.yaml:")
    shipped.write({"prompts/other.yaml": "x"})
    value = found(cli)
    assert not [one for one in value["alerts"] if one["kind"] == "check"]
    assert value["remarks"] == ["what `check` finds: the checkout is not main, or has changes"]


def test_a_score_that_went_down_is_an_alert_until_something_better_is_measured(repo: Repo) -> None:
    repo.commit(desk_files(), "Start")
    cli = cli_of(repo)
    text = repo.read(DESK_FILE).decode()
    repo.write({DESK_FILE: text.replace("alpha, beta or gamma", "delta")})
    cli.ok("commit", DESK, "-m", "Route everything to delta")
    cli.json("evaluate", f"{DESK}@v2", "--baseline", "v1", "--save", codes=(0, 1))
    [one] = of_kind(cli, "score")
    assert one["message"] == "v2 is a regression against v1: -33.3 points"
    repo.write({DESK_FILE: text.replace("version: 1", "version: 2")})
    cli.ok("commit", DESK, "-m", "Go back")
    cli.json("evaluate", f"{DESK}@v3", "--baseline", "v2", "--save", codes=(0, 1))
    assert of_kind(cli, "score") == []


def test_without_a_comparison_two_intervals_that_are_apart_tell_of_a_fall(repo: Repo) -> None:
    """v1 answers everything right; runs of both, which nobody compared."""
    suite = "cases:\n" + "".join(f"  - vars: {{question: q{at}}}\n    expected: alpha\n" for at in range(40))
    repo.commit(desk_files(**{"evaluation/desk/route.yaml": suite}), "Start")
    text = repo.read(DESK_FILE).decode()
    repo.commit({DESK_FILE: text.replace("alpha, beta or gamma", "alpha")}, "Alpha")
    cli = cli_of(repo)
    cli.json("evaluate", f"{DESK}@v1", "--save", codes=(0, 1))
    repo.write({DESK_FILE: text.replace("alpha, beta or gamma", "delta")})
    cli.ok("commit", DESK, "-m", "Delta")
    cli.json("evaluate", f"{DESK}@v2", "--save", codes=(0, 1))
    scores = [one["message"] for one in of_kind(cli, "score")]
    assert scores == ["v2 scores 0.000, v1 scored 1.000"]


def test_a_training_that_failed_is_an_alert_until_one_comes_to_its_end(shipped: Repo) -> None:
    cli = cli_of(shipped)
    after = datetime(2027, 1, 1, tzinfo=UTC)  # the training that made v2
    failed = replace(trained_at(after), reason="failed: no key")
    record(shipped, failed)
    [one] = of_kind(cli, "training")
    assert (one["severity"], one["message"]) == (
        "alert",
        "training failed, last at 2027-01-01: failed: no key",
    )
    record(shipped, trained_at(datetime(2027, 1, 2, tzinfo=UTC)))
    assert [one["severity"] for one in of_kind(cli, "training")] == ["notice"]


def test_a_draft_that_waits_is_a_notice_first_and_an_alert_after_so_many_days(trained: Repo) -> None:
    cli = cli_of(trained)
    digest = trained.git("rev-parse", f"promptvc/{DESK}/v2:{DESK_FILE}")
    made = trained_at(datetime(2027, 1, 1, tzinfo=UTC))
    draft = replace(made, candidate=VersionRef(2, digest), verdict="inconclusive")
    record(trained, draft)
    [one] = of_kind(cli, "waiting", as_of=EARLY)
    assert (one["severity"], one["message"]) == (
        "notice",
        "v2 (a draft, inconclusive) waits since 2026-01-01",
    )
    [one] = of_kind(cli, "waiting")
    assert (one["severity"], one["hint"]) == ("alert", f"promptvc review {DESK}")


def test_the_same_commit_and_moment_give_the_same_answer(desk: Repo) -> None:
    cli = cli_of(desk)
    first = cli("alerts", "--as-of", LATE, "--json")
    (desk.path / ".promptvc").rename(desk.path.parent / "derived")
    again = cli("alerts", "--as-of", LATE, "--json")
    assert first.json["alerts"]
    assert again.out == first.out
    severities = [one["severity"] for one in first.json["alerts"]]
    assert severities == sorted(severities), "alerts come before notices"


def test_for_people_each_has_its_command(desk: Repo) -> None:
    text = cli_of(desk)("alerts", "--as-of", LATE, PROMPTVC_FORCE_TTY="100").out
    assert f"alert: due {DESK}: due for training:" in text
    assert f"  promptvc train {DESK}\n" in text


def test_a_moment_that_is_none_is_refused(desk: Repo) -> None:
    assert "--as-of yesterday is not a time" in cli_of(desk).fails(2, "alerts", "--as-of", "yesterday")


@pytest.fixture
def hosted(shipped: Repo, tmp_path: Path) -> Iterator[tuple[Repo, GitHubServer]]:
    """The desk with a remote on a forge of its own."""
    bare = tmp_path / "prompts.git"
    shipped.git("clone", "-q", "--bare", "--template=", str(shipped.path), str(bare))
    with GitHubServer(bare) as server:
        shipped.git("remote", "add", "origin", server.clone_url())
        yield shipped, server


def test_one_issue_is_opened_kept_and_closed(hosted: tuple[Repo, GitHubServer]) -> None:
    repo, server = hosted
    cli = Cli(repo.path, {**repo.environ, **server.environ()})
    issues = server.hosted.issues
    assert found(cli, "--issue")["issue"] is None
    assert issues == [], "what can wait opens none"

    good = repo.read(DEPLOYED)
    repo.commit({DEPLOYED: good + b"# by hand @octocat\n"}, "Edit by hand")
    told = found(cli, "--issue")
    [issue] = issues
    assert told["issue"]["number"] == issue.number
    assert told["issue"]["changed"] is True
    assert (issue.title, issue.state, issue.labels) == ("promptvc: 1 thing to act on", "open", ["promptvc"])
    assert "Deployments that are no version of main" in issue.body
    assert f"`promptvc deploy {DESK}@v2 --env production`" in issue.body
    assert marker_of(issue.body) == "alerts"

    assert found(cli, "--issue")["issue"]["changed"] is False, "the same facts write nothing"
    assert len(issues) == 1

    repo.commit({DEPLOYED: good}, "Put it back")
    assert found(cli, "--issue")["issue"]["number"] == issue.number
    assert (issues[0].state, len(issues)) == ("closed", 1)


def test_without_a_token_or_a_remote_the_issue_is_an_error(shipped: Repo) -> None:
    cli = cli_of(shipped)
    assert "there is no remote origin" in cli.fails(2, "alerts", "--issue")
    shipped.git("remote", "add", "origin", "https://github.com/acme/prompts.git")
    cli.fails(2, "alerts", "--issue")


def test_a_webhook_gets_the_alerts_as_they_were_printed(desk: Repo) -> None:
    with receiving() as receiver:
        more = {"PROMPTVC_WEBHOOK": receiver.url, "PROMPTVC_WEBHOOK_SECRET": "s"}
        done = cli_of(desk)("alerts", "--as-of", LATE, "--webhook", "--json", **more)
        [body] = receiver.bodies
        told = json.loads(body)
        assert done.code == 1
        assert done.json["posted"] is True
        assert told["alerts"] == done.json["alerts"]
        [due] = [one for one in told["alerts"] if one["severity"] == "alert"]
        assert told["text"].splitlines() == [
            "promptvc: 1 thing to act on",
            f"- `{DESK}: {due['message']}`",
            f"main is at {told['commit'][:12]}: promptvc alerts",
        ]
        assert told["commit"] == desk.rev("main")


def test_an_address_in_the_repository_is_not_used(desk: Repo) -> None:
    """A pull request could send what users say to its author."""
    with receiving() as receiver:
        desk.commit({".env": f"PROMPTVC_WEBHOOK={receiver.url}\n"}, "Name one")
        assert "PROMPTVC_WEBHOOK is not set" in cli_of(desk).fails(2, "alerts", "--webhook")
        assert receiver.bodies == []


def test_a_webhook_that_fails_is_could_not_finish(desk: Repo) -> None:
    with receiving([404]) as receiver:
        said = cli_of(desk).fails(3, "alerts", "--webhook", PROMPTVC_WEBHOOK=receiver.url)
    assert "did not take the alerts: HTTP 404" in said
    assert "secret-path" not in said


def test_the_alerts_are_printed_when_the_webhook_fails(desk: Repo) -> None:
    with receiving([404, 404]) as receiver:
        more = {"PROMPTVC_WEBHOOK": receiver.url}
        done = cli_of(desk)("alerts", "--as-of", LATE, "--webhook", **more)
        assert (done.code, "due for training" in done.out) == (3, True)
        assert "did not take the alerts" in done.err
        done = cli_of(desk)("alerts", "--as-of", LATE, "--webhook", "--json", **more)
        assert done.code == 3
        assert [one["kind"] for one in done.json["alerts"] if one["severity"] == "alert"] == ["due"]
        assert (done.json["posted"], done.json["error"]["kind"]) == (False, "unfinished")


def test_a_chat_is_told_of_three_and_of_how_many_more(desk: Repo) -> None:
    for name in ("a", "b", "c", "d"):
        lines = "messages:\n  - {role: user, content: '{{ x }}'}\n"
        text = f"name: {name}\nversion: 1\nvariables: {{x: {{required: true}}}}\n{lines}"
        desk.commit({f"prompts/{name}.yaml": f"{text}<!channel>`@here\n"}, name)
    with receiving() as receiver:
        cli_of(desk)("alerts", "--webhook", PROMPTVC_WEBHOOK=receiver.url)
        text = json.loads(receiver.bodies[0])["text"]
    first, *named, more, _ = text.splitlines()
    assert len(named) == 3
    assert first.split()[1] == str(3 + int(more.split()[2]))
    assert "<" not in text
    assert all(line.count("`") == 2 for line in named)


def test_what_can_wait_is_posted_to_nobody(shipped: Repo) -> None:
    with receiving() as receiver:
        value = cli_of(shipped).json("alerts", "--webhook", more={"PROMPTVC_WEBHOOK": receiver.url})
        assert value["alerts"]
        assert (value["posted"], receiver.bodies) == (False, [])


def test_nothing_is_posted_where_nothing_was_found(repo: Repo) -> None:
    repo.commit(desk_files(), "Start")
    with receiving() as receiver:
        value = cli_of(repo).json("alerts", "--webhook", more={"PROMPTVC_WEBHOOK": receiver.url})
        assert (value["alerts"], value["posted"], receiver.bodies) == ([], False, [])


def test_the_library_asks_as_of_a_moment_and_goes_on_with_its_own_clock(desk: Repo) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    with promptvc.open(desk.path, environ=desk.environ, clock=lambda: now) as library:
        told = library.alerts(as_of=datetime(2025, 1, 1, tzinfo=UTC))
        assert not [one for one in told.found if one.kind == "due"], "its feedback is of later"
        assert library.project.clock() == now
        assert [one.kind for one in library.alerts().found if one.severity == "alert"] == ["due"]


def test_the_keys_of_the_json_are_a_contract(desk: Repo) -> None:
    value = found(cli_of(desk))
    assert set(value) == {"commit", "alerts", "remarks", "issue", "posted"}
    assert set(value["alerts"][0]) == {"kind", "severity", "message", "name", "environment", "hint"}
