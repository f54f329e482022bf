"""Every command's ``--json``, for those that bring a candidate to its reviewers, merge it and look after what runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from promptvc.base.rules import RULES
from tests.builders import Repo
from tests.cli.test_json import has
from tests.commands import CI, Cli, cli_of
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.state import BOT
from tests.worlds import DESK, DESK_FILE

BRANCH = f"promptvc/{DESK}/v2"
ITEM = {"path", "kind", "number", "text", "version", "commit", "author", "time", "approach", "because"}
SIDE = {"version", "digest", "score", "cost", "latency_ms", "tokens"}
PROPOSED = {
    "name",
    "version",
    "branch",
    "base",
    "number",
    "url",
    "created",
    "state",
    "draft",
    "deploys",
    "labels",
    "reviewers",
    "refused",
    "comment",
    "remarks",
}


def only(value: Any, keys: set[str]) -> Any:
    assert set(has(value, *keys)) == keys, set(value) - keys
    return value


def test_blame(shipped: Repo) -> None:
    items = cli_of(shipped).json("blame", DESK)
    for item in items:
        only(item, ITEM)
    learned = [item for item in items if item["kind"] == "example"]
    assert {(item["version"], item["approach"]) for item in learned} == {(2, "few_shot")}
    assert [item["path"] for item in learned] == [f"examples[{at}]" for at in range(len(learned))]
    assert all(item["because"] for item in learned)
    told = cli_of(shipped).json("blame", DESK, "--events")
    for event in (event for item in told for event in item["events"]):
        only(event, {"id", "gone", "words", "event"})


def test_the_graph(trained: Repo) -> None:
    entries = cli_of(trained).json("log", DESK, "--graph")
    more = (
        "parents",
        "branch",
        "on_main",
        "owns_number",
        "draft",
        "environments",
        "held",
        "rollbacks",
        "merged",
    )
    for entry in entries:
        has(entry, "version", "digest", "commit", "time", "author", "subject", "verdict", "score", *more)
    assert [(entry["version"], entry["parents"], entry["on_main"]) for entry in entries] == [
        (2, [1], False),
        (1, [], True),
    ]
    assert entries[0]["branch"] == BRANCH


def test_review(trained: Repo) -> None:
    told = cli_of(trained).json("review", DESK)
    keys = (
        "headline",
        "name",
        "version",
        "verdict",
        "recommendation",
        "draft",
        "provisional",
        "score",
        "cases",
    )
    has(told, *keys, "branch", "on_main", "current", "commit", "author", "subject", "approach", "models")
    has(told, "baseline", "candidate", "latency", "changes", "fixed", "broken", "comparison", "training")
    assert told["remarks"] == []
    for side in (told["baseline"], told["candidate"]):
        only(side, SIDE)
    for change in told["changes"]:
        has(change, "path", "kind", "before", "after", "events")
        for event in change["events"]:
            only(event, {"id", "kind", "user", "time", "words"})
    for case in told["fixed"]:
        only(case, {"case", "baseline", "candidate", "question", "before", "after"})
    assert (told["version"], told["verdict"], len(told["fixed"])) == (2, "improvement", 30)


def test_alerts(trained: Repo) -> None:
    found = cli_of(trained).json("alerts", "--as-of", "2026-03-01", codes=(1,))
    only(found, {"commit", "alerts", "remarks", "issue", "posted"})
    assert (found["commit"], found["issue"], found["posted"]) == (trained.rev("main"), None, False)
    for alert in found["alerts"]:
        only(alert, {"kind", "severity", "message", "name", "environment", "hint"})
    assert "waiting" in {alert["kind"] for alert in found["alerts"]}


def test_changelog(shipped: Repo) -> None:
    cli = cli_of(shipped)
    one = only(cli.json("changelog", DESK), {"name", "versions"})
    keys = ("version", "digest", "commit", "time", "author", "subject", "on_main", "previous", "approach")
    for version in one["versions"]:
        has(version, *keys, "verdict", "score", "changes", "events", "happenings")
    assert [version["version"] for version in one["versions"]] == [2, 1]
    assert cli.json("changelog") == {"prompts": [one]}


def test_drift(trained: Repo, tmp_path: Path) -> None:
    cli = cli_of(trained)
    trained.git("merge", "-q", "--no-edit", BRANCH)
    found = only(cli.json("drift", codes=(1,)), {"drift", "against", "prompts"})
    keys = (
        "name",
        "place",
        "version",
        "digest",
        "expected",
        "expected_digest",
        "nearest",
        "problem",
        "states",
    )
    for prompt in found["prompts"]:
        only(prompt, {*keys, "behind", "changes", "holds"})
    assert [prompt["states"] for prompt in found["prompts"]] == [["behind"]]
    only(found["prompts"][0]["behind"], {"versions", "days"})
    cli.ok("export", str(tmp_path / "app"))
    there = cli.json("drift", "--against", str(tmp_path / "app"))
    assert (there["drift"], there["against"]) == (False, "latest")


def test_what_differs_between_environments(trained: Repo) -> None:
    cli = cli_of(trained)
    trained.git("merge", "-q", "--no-edit", BRANCH)
    keys = {"name", "from", "to", "before", "after", "count", "changes", "problem"}
    (standing,) = cli.json("status", "--diff")
    for difference in standing["differences"]:
        only(difference, keys)
    (found,) = cli.json("diff", "--env", "production", "latest")
    assert only(found, keys) == standing["differences"][0]


def test_merge(trained: Repo) -> None:
    cli = cli_of(trained)
    keys = {"branch", "into", "commit", "prompts", "conflicts", "remarks"}
    done = only(cli.json("merge", BRANCH), keys)
    assert (done["branch"], done["into"], done["commit"]) == (BRANCH, "main", trained.rev("HEAD"))
    assert done["prompts"] == [{"name": DESK, "result": "theirs", "version": 2}]
    text = trained.read(DESK_FILE)
    trained.git("switch", "-q", "-c", "side")
    trained.commit({DESK_FILE: text.replace(b"one label only", b"one word only")}, "Theirs")
    trained.git("switch", "-q", "main")
    trained.commit({DESK_FILE: text.replace(b"one label only", b"a label only")}, "Ours")
    refused = only(cli.json("merge", "side", codes=(1,)), keys)
    assert refused["commit"] is None
    (conflict,) = refused["conflicts"]
    only(conflict, {"file", "path", "reason", "ours", "theirs"})
    assert conflict["file"] == DESK_FILE


def test_git_install(desk: Repo) -> None:
    done = only(cli_of(desk).json("git", "install"), {"settings", "files", "by_lines"})
    assert done["files"] == [".gitattributes"]
    assert "merge.promptvc.driver" in done["settings"]


def test_check_as_a_linter(desk: Repo) -> None:
    cli = cli_of(desk)
    listed = only(cli.json("check", "--list-rules"), {"rules"})["rules"]
    assert [rule["id"] for rule in listed] == list(RULES)
    for rule in listed:
        only(rule, {"id", "severity", "summary", "reason", "fixable", "ignorable"})
    desk.write({DESK_FILE: b"\xef\xbb\xbf" + desk.read(DESK_FILE)})
    finding = {"rule", "severity", "file", "line", "column", "message", "hint", "fixable"}
    (problem,) = only(cli.json("check"), {"problems", "disabled"})["problems"]
    only(problem, finding)
    (fixed,) = only(cli.json("check", "--fix"), {"problems", "disabled", "fixed"})["fixed"]
    only(fixed, finding)


def test_import_and_convert(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    place = tmp_path / "translate.md"
    place.write_text("Translate: {{ text }}\n")
    done = only(cli.json("import", "text", str(place)), {"created", "cases", "dropped"})
    assert done["created"] == ["prompts/translate.yaml"]
    converted = only(cli.json("convert", DESK, "prompty"), {"name", "version", "format", "files", "dropped"})
    assert (converted["name"], converted["version"], converted["format"]) == (DESK, 1, "prompty")
    assert list(converted["files"]) == [f"{DESK}.prompty"]
    for loss in converted["dropped"]:
        has(loss, "path", "what", "why")
    out = only(
        cli.json("export", str(tmp_path / "out"), "--format", "langchain", DESK), {"written", "dropped"}
    )
    assert out["written"] == [f"{DESK}.json"]


def test_init_for_ci(repo: Repo) -> None:
    done = only(cli_of(repo).json(*CI, "gitlab"), {"created", "left", "next"})
    assert ".gitlab/promptvc.yml" in done["created"]


def test_plan(desk: Repo) -> None:
    (prompt,) = only(cli_of(desk).json("evaluate", DESK, "--plan"), {"prompts"})["prompts"]
    only(prompt, {"name", "models", "providers", "cases", "answers", "baseline", "code", "left_out"})


@pytest.mark.parametrize("jobs", [1, 3])
def test_pull_requests_comments_and_publishing(desk: Repo, tmp_path: Path, jobs: int) -> None:
    bare = tmp_path / "acme.git"
    desk.git("clone", "-q", "--bare", str(desk.path), str(bare))
    with GitHubServer(bare) as server:
        desk.git("remote", "add", "origin", server.clone_url(BOT))
        cli = Cli(desk.path, desk.environ | server.environ(BOT))
        if jobs == 3:
            reserved, parcels = str(tmp_path / "reserved.json"), str(tmp_path / "parcels")
            run = ("--run-id", "7.1")
            reservation = cli.json("train", DESK, "--reserve", reserved, *run)
            only(reservation, {"record", "format", "run", "main", "trainings"})
            only(reservation["trainings"][0], {"id", "prompt", "trigger", "models", "look"})
            (trained,) = cli.json("train", "--reserved", reserved, *run, "--parcel", parcels)
            assert trained["parcel"].endswith(".parcel.json")
            (published,) = cli.json("publish", parcels, "--reserved", reserved, "--pr")
            keys = {"training", "name", "reason", "version", "branch", "commit", "verdict", "promoted"}
            only(published, {*keys, "again", "merged", "error", "pull"})
            pull = published["pull"]
        else:
            pull = cli.json("train", DESK, "--pr")["pull"]
        only(pull, PROPOSED)
        assert (pull["created"], pull["state"], pull["labels"]) == (True, "open", ["promptvc"])
        assert only(cli.json("pr", DESK), PROPOSED) == pull | {"created": False}
        (tmp_path / "note.md").write_text("Look.\n")
        note = cli.json("forge", "comment", str(pull["number"]), str(tmp_path / "note.md"), "--marker", "n")
        only(note, {"number", "url", "changed", "made"})
        server.merge(pull["number"])
        desk.git("fetch", "-q", "origin")
        desk.git("merge", "-q", "--ff-only", "origin/main")
        shipped = cli.json("deploy", "--changed-since", "HEAD~1", "--push")
        only(shipped, {"environment", "deployed", "refused", "pull"})
        assert [(one["name"], one["version"]) for one in shipped["deployed"]] == [(DESK, 2)]
