"""Every command's ``--json``: the keys of the command line's table, all of them, under these names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, desk_rows

SCORE = {"baseline", "candidate", "difference", "low", "high", "n"}
TRAINED = {
    "name",
    "approach",
    "baseline",
    "candidate",
    "branch",
    "commit",
    "promoted",
    "verdict",
    "recommendation",
    "score",
    "changes",
    "calls",
    "look",
    "reason",
}
SHIPPED = {"name", "environment", "version", "previous", "commit", "branch"}


def has(value: Any, *keys: str) -> Any:
    assert isinstance(value, dict)
    assert set(keys) <= set(value), set(keys) - set(value)
    return value


def test_init_new_and_demo_say_what_they_made(repo: Repo, tmp_path: Path) -> None:
    cli = cli_of(repo)
    assert "prompts/" in has(cli.json("init"), "created")["created"]
    assert cli.json("init") == {"created": []}
    assert has(cli.json("new", "a/b"), "created")["created"] == ["prompts/a/b.yaml"]


def test_list_and_status(shipped: Repo) -> None:
    cli = cli_of(shipped)
    (listed,) = cli.json("list")
    has(listed, "name", "version", "digest", "model", "tags", "environments")
    assert (listed["name"], listed["version"], listed["model"]) == (DESK, 2, "offline")
    assert listed["environments"] == {"production": 2}
    assert listed["tags"] == []
    (standing,) = cli.json("status")
    has(standing, "environment", "name", "version", "digest", "latest", "held", "intact")
    assert standing["digest"] == listed["digest"]
    assert (standing["version"], standing["latest"]) == (2, 2)
    assert (standing["held"], standing["intact"]) == ([], True)


def test_show(shipped: Repo) -> None:
    cli = cli_of(shipped)
    shown = has(cli.json("show", DESK), "name", "version", "digest", "commit", "prompt", "messages")
    assert (shown["commit"], shown["messages"]) == (None, None)
    assert shown["digest"] == shipped.git("hash-object", DESK_FILE)
    assert shown["prompt"]["messages"][1] == {"role": "user", "content": "{{ question }}"}
    first = cli.json("show", f"{DESK}@v1", "--var", "question=who?")
    assert first["commit"] == shipped.git("log", "--format=%H", "--diff-filter=A", "--", DESK_FILE)
    assert first["messages"][-1] == {"role": "user", "content": "who?"}


def test_log(shipped: Repo) -> None:
    entries = cli_of(shipped).json("log", DESK)
    keys = ("version", "digest", "commit", "time", "author", "subject", "approach", "verdict", "score")
    for entry in entries:
        has(entry, *keys)
    newest, oldest = entries
    assert (newest["version"], newest["approach"], newest["verdict"]) == (2, "few_shot", "improvement")
    assert newest["score"] == 1.0
    assert newest["commit"] == shipped.rev(f"promptvc/{DESK}/v2")
    assert oldest["version"] == 1
    assert oldest["approach"] is oldest["verdict"] is oldest["score"] is None
    assert oldest["time"].endswith("Z")
    assert oldest["author"] == "Ada Author"


def test_diff(shipped: Repo) -> None:
    cli = cli_of(shipped)
    difference = has(cli.json("diff", f"{DESK}@v1", "@v2"), "from", "to", "changes")
    for change in difference["changes"]:
        has(change, "path", "kind", "before", "after")
    kinds = {change["kind"] for change in difference["changes"]}
    assert kinds == {"added", "changed"}
    back = {change["kind"] for change in cli.json("diff", f"{DESK}@v2", "@v1")["changes"]}
    assert back == {"removed", "changed"}
    assert has(cli.json("diff", f"{DESK}@v1", "@v2", "--text"), "from", "to", "changes")


def test_commit(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: desk.read(DESK_FILE).replace(b"one label only", b"one label")})
    done = has(cli.json("commit", DESK, "-m", "Shorter"), "name", "version", "commit", "branch")
    assert done == {"name": DESK, "version": 2, "commit": desk.rev("HEAD"), "branch": "main"}


def test_check(desk: Repo) -> None:
    cli = cli_of(desk)
    assert cli.json("check") == {"problems": [], "disabled": []}
    desk.write({DESK_FILE: desk.read(DESK_FILE) + b"extra: 1\nversion: 9\n"})
    problems = cli.json("check", codes=(1,))["problems"]
    for problem in problems:
        has(problem, "rule", "severity", "file", "line", "message", "hint")
    assert problems[0]["file"] == DESK_FILE
    assert problems[0]["severity"] == "error"


def test_feedback(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    (added,) = has(cli.json("feedback", "add", DESK, "--stars", "2"), "ids")["ids"]
    assert len(added) == 26
    rows = tmp_path / "more.jsonl"
    rows.write_text(desk_rows(2, salt="more") + '{"kind": "rating"}\n')
    stopped = cli.json("feedback", "import", str(rows), codes=(2,))
    has(stopped, "read", "imported", "duplicates", "rejected", "redacted")
    assert stopped["imported"] == 0
    assert [set(one) for one in stopped["rejected"]] == [{"line", "reason"}]
    assert stopped["rejected"][0]["line"] == 7
    taken = cli.json("feedback", "import", str(rows), "--skip-bad")
    assert (taken["read"], taken["imported"], taken["duplicates"]) == (7, 6, 0)
    again = cli.json("feedback", "import", str(rows), "--skip-bad")
    assert (again["imported"], again["duplicates"]) == (0, 6)
    waiting = cli.json("feedback", "list", DESK, "--spooled")
    assert len(waiting) == 67
    assert len(cli.json("feedback", "list", DESK)) == 60
    for event in waiting:
        has(event, "id", "time", "prompt", "kind", "source")
    summary = cli.json("feedback", "summary", DESK)
    has(summary, "total", "by_kind", "rating_mean", "error_rate", "success_rate", "by_version")
    assert (summary["total"], summary["by_kind"]) == (67, {"correction": 66, "rating": 1})
    sealed = has(cli.json("feedback", "commit"), "events", "segments", "commit", "branch")
    assert (sealed["events"], sealed["commit"], sealed["branch"]) == (7, desk.rev("HEAD"), "main")
    assert all(desk.show(f"HEAD:{path}") for path in sealed["segments"])
    empty = cli.json("feedback", "commit")
    assert empty == {"events": 0, "segments": [], "commit": None, "branch": None, "torn": 0}


def test_train(desk: Repo) -> None:
    cli = cli_of(desk)
    done = has(cli.json("train", DESK), *TRAINED)
    has(done["score"], *SCORE)
    has(done["changes"], "rules", "examples")
    assert (done["baseline"], done["candidate"], done["branch"]) == (1, 2, f"promptvc/{DESK}/v2")
    assert done["commit"] == desk.rev(f"promptvc/{DESK}/v2")
    assert (done["promoted"], done["verdict"], done["recommendation"]) == (True, "improvement", "deploy")
    assert (done["look"], done["score"]["n"]) == (1, 45)
    dry = has(cli.json("train", DESK, "--dry-run"), *TRAINED)
    for key in ("candidate", "branch", "commit", "score", "verdict", "look"):
        assert dry[key] is None, key
    (row,) = cli.json("train", DESK, "--history")
    has(row, "id", "time", "approach", "look", "verdict", "candidate", "reason", "promoted", "calls")


def test_evaluate(shipped: Repo) -> None:
    cli = cli_of(shipped)
    alone = cli.json("evaluate", DESK)
    keys = ("name", "version", "score", "passed", "failed", "errored", "cases")
    has(alone, *keys, "comparison", "latency", "tokens", "cost")
    assert (alone["score"], alone["passed"], alone["failed"], alone["errored"]) == (1.0, 45, 0, 0)
    assert alone["comparison"] is None
    has(alone["latency"], "p50", "p95")
    both = cli.json("evaluate", DESK, "--baseline", "v1")
    compared = has(both["comparison"], "verdict", "recommendation", "difference", "low", "high", "n")
    assert (compared["verdict"], compared["n"]) == ("improvement", 45)
    assert len(has(compared, "fixed", "broken")["fixed"]) == 30
    assert compared["broken"] == []


def test_deploy_and_rollback(shipped: Repo) -> None:
    cli = cli_of(shipped)
    done = has(cli.json("rollback", DESK, "--reason", "complaints"), *SHIPPED)
    assert done == {
        "name": DESK,
        "environment": "production",
        "version": 1,
        "previous": 2,
        "commit": shipped.rev("HEAD"),
        "branch": "main",
        "pull": None,
    }
    staged = has(cli.json("deploy", f"{DESK}@v2", "--env", "staging"), *SHIPPED)
    assert (staged["version"], staged["previous"], staged["environment"]) == (2, None, "staging")


def test_export(shipped: Repo, tmp_path: Path) -> None:
    cli = cli_of(shipped)
    written = has(cli.json("export", str(tmp_path / "out")), "written")["written"]
    assert written == [f"{DESK}.yaml"]
    assert (tmp_path / "out" / f"{DESK}.yaml").read_bytes() == shipped.read(DESK_FILE)


def test_an_error_is_one_object_on_stdout(desk: Repo) -> None:
    cli = cli_of(desk)
    for arguments, kind, code in (
        (("show", "nothing"), "not_found", 2),
        (("shwo",), "usage", 2),
        (("show",), "usage", 2),
        (("show", DESK, "--vra", "a=b"), "usage", 2),
        (("deploy", DESK, "--force"), "usage", 2),
        (("commit", DESK, "-m", "x"), "refused", 1),
        (("train", DESK, "--max-calls", "5"), "budget", 3),
    ):
        done = cli(*arguments, "--json")
        assert done.code == code, (arguments, done)
        assert done.err == ""
        assert set(done.error) == {"kind", "message", "hint", "file", "line"}
        assert done.error["kind"] == kind
        assert cli("--json", *arguments).out == done.out


def test_json_is_one_line_when_piped_and_indented_on_a_terminal(desk: Repo) -> None:
    cli: Cli = cli_of(desk)
    piped, shown = cli("list", "--json").out, cli("list", "--json", PROMPTVC_FORCE_TTY="100").out
    assert piped.count("\n") == 1
    assert shown.count("\n") > 1
    assert json.loads(piped) == json.loads(shown)
