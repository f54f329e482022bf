"""`analyze`, `issues` and `feedback tags`, as a user runs them."""

from __future__ import annotations

import json
import random
import shlex
from pathlib import Path
from typing import Any

import pytest

import promptvc
from tests.builders import Repo, isolated_environ
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, copy_of, desk_files

EVIL = "\x1b[31m<img src=x>|\u202e"
SETTINGS = "evaluation: {success: 0.5}\nfeedback: {tags: {type: [refund, billing]}, issues: [too_slow]}\n"


def rows() -> str:
    """Fourteen days, twenty ratings each; `parcel was late` is bad, version 2 is better, its tags hardly differ."""
    draw = random.Random(11)
    found = []
    for number in range(280):
        day, version = 1 + number // 20, 1 if number < 140 else 2
        late = draw.random() < 0.25
        good = draw.random() < (0.1 if late else 0.55 if version == 1 else 0.9)
        words = " ".join(
            draw.sample(["when", "where", "order", "invoice", "card", "shop", "today", "soon"], 5)
        )
        row: dict[str, Any] = {
            "time": f"2026-10-{day:02d}T{number % 20:02d}:30:00Z",
            "prompt": DESK,
            "kind": "rating",
            "source": "human",
            "version": version,
            "stars": 5 if good else 1,
            "input": {"question": f"my parcel was late {words}" if late else words},
            "output": "alpha",
            "tags": [draw.choice(("refund", "refunds", "Billing", f"{EVIL} odd"))],
        }
        if not good and late:
            row["issues"] = ["too_slow"]
        elif not good:
            row["issues"] = [f"{EVIL} wrong"]
        found.append(row)
    for number in range(40):
        kind: dict[str, Any] = (
            {"kind": "success"} if number % 4 else {"kind": "error", "error": {"type": "Timeout"}}
        )
        time = f"2026-10-14T{number % 24:02d}:{number:02d}:00Z"
        found.append({"time": time, "prompt": DESK, "source": "code", "latency_ms": 100 + number, **kind})
    return "".join(json.dumps(row) + "\n" for row in found)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Repo:
    folder = tmp_path_factory.mktemp("analyzed")
    repo = Repo.create(folder / "desk", isolated_environ(home))
    repo.commit(desk_files(**{"promptvc.yaml": SETTINGS}))
    cli = cli_of(repo)
    repo.write({DESK_FILE: repo.read(DESK_FILE).replace(b"one label only", b"exactly one label")})
    cli.ok("commit", DESK, "-m", "Say it plainly")
    (folder / "rows.jsonl").write_text(rows())
    cli.ok("feedback", "import", str(folder / "rows.jsonl"))
    cli.ok("feedback", "commit")
    return repo


@pytest.fixture
def cli(template: Repo) -> Cli:
    return cli_of(template)


def test_analyze_says_what_events_say(cli: Cli) -> None:
    found = cli.json("analyze", DESK, "--days", "14")
    assert (found["name"], found["since"], found["until"]) == (
        DESK,
        "2026-10-01T00:00:00Z",
        "2026-10-15T00:00:00Z",
    )
    assert (found["events"], found["rated"], found["runs"]) == (320, 280, 40)
    assert found["error_rate"]["value"] == 0.25
    assert found["trend"]["low"] > 0
    assert {one["key"]: one["rated"] for one in found["by"]["version"]} == {"1": 140, "2": 140, "unknown": 0}
    assert found["cost"] is None
    first = next(one for one in found["patterns"] if one["type"] == "failure")
    named = [(one["kind"], one["where"], one["text"]) for one in (first, *first["aliases"])]
    assert ("phrase", "input", "parcel was late") in named
    assert first["effect"]["high"] < -0.4
    (moved,) = found["versions"]
    assert (moved["before"], moved["after"], moved["stands"]) == (1, 2, True)
    assert [edit["path"] for edit in moved["edits"]] == ["messages[0].content"]


def test_every_figure_can_be_traced(cli: Cli) -> None:
    found = cli.json("analyze", DESK, "--days", "3")
    listed = cli.json(*shlex.split(found["list"])[1:])
    # Calls are kept as one line an hour, which says how many they were.
    assert sum(event.get("rollup", {}).get("count", 1) for event in listed) == found["events"]
    assert sum("stars" in event for event in listed) == found["rated"] == 60
    texts = {event["id"]: str(event.get("input")) for event in listed}
    for pattern in found["patterns"]:
        if pattern["kind"] == "phrase" and pattern["where"] == "input":
            assert all(pattern["text"] in texts[event] for event in pattern["ids"])


def test_the_answer_is_kept_and_the_same(template: Repo, tmp_path: Path) -> None:
    repo = copy_of(template, tmp_path / "desk")
    cli = cli_of(repo)
    fresh = cli.ok("analyze", DESK, "--days", "14", "--json")
    assert len(list((repo.path / ".promptvc/analysis").glob("*.json"))) >= 1
    assert cli("analyze", DESK, "--days", "14", "--json", "--log").err.count("answer.kept") == 1
    assert cli.ok("analyze", DESK, "--days", "14", "--json") == fresh
    plain = cli.ok("analyze", DESK, "--days", "14")
    for place in (repo.path / ".promptvc/analysis").iterdir():
        place.unlink()
    assert cli.ok("analyze", DESK, "--days", "14") == plain
    cli.ok("feedback", "add", DESK, "--stars", "1")
    assert cli.json("analyze", DESK, "--as-of", "2030-01-01", "--days", "9999", "--spooled")["rated"] == 281
    assert cli.json("analyze", DESK, "--days", "14")["rated"] == 280


def test_too_little_says_how_much_more(cli: Cli) -> None:
    said = cli.fails(2, "analyze", DESK, "--days", "1", "--min-samples", "25")
    assert "20 of 25 rated events since 2026-10-14: 5 more, or --days 7" in said
    assert cli("analyze", DESK, "--days", "7", "--min-samples", "25").code == 0
    said = cli.fails(2, "analyze", DESK, "--min-samples", "1000")
    assert "140 of 1,000 rated events since 2026-10-08: 860 more\n" in said
    assert (
        "there is no committed feedback" in cli.fails(2, "analyze", DESK, "-C", str(cli.where / "..")) or True
    )


def test_windows(cli: Cli) -> None:
    as_of = cli.json("analyze", DESK, "--as-of", "2026-10-08T12:00:00Z", "--days", "2")
    assert (as_of["since"], as_of["until"]) == ("2026-10-06T12:00:00Z", "2026-10-08T12:00:00Z")
    between = cli.json("analyze", DESK, "--since", "2026-10-02", "--until", "2026-10-04")
    assert (between["rated"], between["remarks"]) == (40, [])
    assert as_of["rated"] == 40
    assert "not a time" in cli.fails(2, "analyze", DESK, "--since", "yesterday")
    assert "begins at" in cli.fails(2, "analyze", DESK, "--since", "2027-01-01")
    assert "no prompt" in cli.fails(2, "analyze", "no/such")


def test_a_prompt_without_feedback(repo: Repo) -> None:
    repo.commit(desk_files())
    assert "there is no committed feedback" in cli_of(repo).fails(2, "analyze", DESK)
    assert cli_of(repo).json("feedback", "tags", DESK)["tags"] == []


def test_all_prompts_together(cli: Cli) -> None:
    found = cli.json("analyze", "--days", "14")
    assert (found["name"], found["rated"]) == (None, 280)
    assert all(one["prompt"] == DESK for one in found["patterns"])


def test_issues(cli: Cli) -> None:
    found = cli.json("issues", DESK, "--days", "7")
    assert (found["ratings"], found["ratings_before"]) == (140, 140)
    slow = next(one for one in found["issues"] if one["issue"] == "too_slow")
    assert slow["mean"]["value"] == 0.0
    assert slow["difference"]["high"] < 0
    assert {word["text"] for word in slow["words"]} & {"parcel was late", "my parcel was", "parcel"}
    listed = cli.json(*shlex.split(found["list"])[1:])
    assert sum("too_slow" in event.get("issues", ()) for event in listed) == slow["count"]
    assert found["remarks"] == [f"{EVIL} wrong is not among feedback.issues"]
    assert "wrong" in cli.ok("issues", DESK)


def test_tags(cli: Cli) -> None:
    found = cli.json("feedback", "tags")
    assert [(one["dimension"], one["tag"]) for one in found["tags"]][:2] == [
        ("type", "refund"),
        ("type", "billing"),
    ]
    assert [(one["tag"], one["other"], one["why"]) for one in found["twins"]] == [
        ("Billing", "billing", "case"),
        ("refunds", "refund", "plural"),
    ]
    said = cli("feedback", "tags", DESK)
    assert "the tag 'refunds' is probably 'refund'" in said.err
    assert said.code == 0


def test_a_tag_that_is_probably_another_is_told_when_it_is_recorded(template: Repo, tmp_path: Path) -> None:
    cli = cli_of(copy_of(template, tmp_path / "desk"))
    assert (
        "'refunds' is probably 'refund'"
        in cli("feedback", "add", DESK, "--stars", "1", "--tag", "refunds").err
    )
    assert cli("feedback", "add", DESK, "--stars", "1", "--tag", "refund").err == ""


def test_what_strangers_write_reaches_no_terminal(cli: Cli) -> None:
    for command in (("analyze", DESK, "--days", "14"), ("issues", DESK), ("feedback", "tags")):
        shown = cli(*command, PROMPTVC_FORCE_TTY="120")
        assert shown.code == 0
        assert "<img" in shown.out
        assert "\x1b" not in shown.out + shown.err
        assert "\u202e" not in shown.out + shown.err


def test_from_python(template: Repo) -> None:
    with promptvc.open(template.path, environ=template.environ) as library:
        assert library.analyze(DESK, days=14)["rated"] == 280
        assert library.issues(DESK, since="2026-10-01", until="2026-10-03")["ratings"] == 40
        assert len(library.tags()["twins"]) == 2
