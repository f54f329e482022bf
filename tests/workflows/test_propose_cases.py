"""`feedback to-cases`: what people said went wrong becomes cases that a person can accept, each once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, desk_files

SUITE = f"evaluation/{DESK}.yaml"
PROPOSED = f"evaluation/{DESK}.proposed.jsonl"
ASKED = "where is the parcel that I have ordered three weeks ago"
FILES = {SUITE: f"cases:\n- {{id: known, vars: {{question: {ASKED}}}, expected: alpha}}\n"}


def row(number: int, kind: str = "correction", **values: object) -> dict[str, object]:
    time = f"2026-01-01T10:{number:02d}:00Z"
    return {"time": time, "prompt": DESK, "kind": kind, "source": "human", **values}


ROWS = [
    row(1, input={"question": "is there a lift"}, output="alpha", corrected="beta", user="ana@example.org"),
    row(2, "rating", input={"question": "where can I park"}, output="gamma", stars=1, comment="no!"),
    row(3, "error", input={"question": "how late is it"}, error={"type": "Timeout"}),
    row(4, input={"question": ASKED + " already"}, output="alpha", corrected="beta"),
    row(5, input={"question": "Is there  a LIFT?"}, output="alpha", corrected="beta"),
    row(6, input={"question": "who are you"}, output="alpha", corrected="write to ada@example.org"),
    row(7, "suggestion", comment="be short"),
]


@pytest.fixture
def cli(repo: Repo, tmp_path: Path) -> Cli:
    repo.commit(desk_files(**FILES))
    cli = cli_of(repo)
    give(cli, tmp_path, ROWS)
    return cli


def give(cli: Cli, folder: Path, rows: list[dict[str, object]]) -> None:
    (folder / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    cli.ok("feedback", "import", str(folder / "rows.jsonl"))
    cli.ok("feedback", "commit")


def lines(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in place.read_text().splitlines()]


def test_corrections_errors_and_bad_outputs_are_proposed(repo: Repo, cli: Cli) -> None:
    done = cli.json("feedback", "to-cases", DESK)
    cases = lines(repo.path / PROPOSED)
    assert [case["vars"]["question"] for case in cases] == [
        "is there a lift",
        "where can I park",
        "how late is it",
    ]
    lift, park, late = cases
    assert lift["expected"] == "beta"
    assert lift["cluster"].startswith("u-")
    assert park["assert"] == [{"type": "not-equals", "value": "gamma"}]
    assert park["description"] == "no!"
    assert late["assert"] == [{"type": "regex", "value": r"\S"}]
    ids = {event["id"] for event in cli.json("feedback", "list", DESK)}
    assert all(set(case["metadata"]["because"]) <= ids for case in cases)
    assert done == {
        "proposed": 3,
        "skipped": {
            "hold redacted data where the answer stands": 1,
            "nearly another proposal": 1,
            "the suite asks it already, or nearly": 1,
        },
        "file": PROPOSED,
        "cases": [case["id"] for case in cases],
    }


def test_a_second_time_adds_nothing_and_changes_nothing(repo: Repo, cli: Cli, tmp_path: Path) -> None:
    cli.ok("feedback", "to-cases", DESK)
    before = (repo.path / PROPOSED).read_bytes()
    again = cli.json("feedback", "to-cases", DESK)
    assert again["proposed"] == 0
    assert again["skipped"]["proposed already, or nearly"] == 4
    assert (repo.path / PROPOSED).read_bytes() == before
    assert "nothing new to propose" in cli.ok("feedback", "to-cases", DESK)
    give(cli, tmp_path, [row(20, input={"question": "a new one"}, corrected="gamma")])
    assert cli.json("feedback", "to-cases", DESK)["proposed"] == 1
    assert (repo.path / PROPOSED).read_bytes().startswith(before)


def test_what_a_person_wrote_into_the_file_stays(repo: Repo, cli: Cli) -> None:
    mine = b'{"id": "mine", "vars": {"question": "where can I park"}, "expected": "beta"}'
    repo.write({PROPOSED: mine})
    cli.ok("feedback", "to-cases", DESK)
    data = (repo.path / PROPOSED).read_bytes()
    assert data.startswith(mine + b"\n")
    assert lines(repo.path / PROPOSED)[0]["id"] == "mine"
    assert len(data.splitlines()) == 3


def test_proposals_become_cases_when_the_suite_names_the_file(repo: Repo, cli: Cli) -> None:
    cli.ok("feedback", "to-cases", DESK)
    assert cli.json("evaluate", DESK, codes=(0, 1))["cases"] == 1, "no suite reads proposals by itself"
    repo.write({SUITE: FILES[SUITE] + "- route.proposed.jsonl\n"})
    assert cli.json("evaluate", DESK, codes=(0, 1))["cases"] == 4
    assert cli.json("feedback", "to-cases", DESK)["proposed"] == 0
    assert cli("check").code == 0


def test_another_file(repo: Repo, cli: Cli, tmp_path: Path) -> None:
    done = cli.json("feedback", "to-cases", DESK, "--output", str(tmp_path / "mine.jsonl"))
    assert done["proposed"] == len(lines(tmp_path / "mine.jsonl")) == 3
    assert not (repo.path / PROPOSED).exists()
    again = cli.json("feedback", "to-cases", DESK, "--output", str(tmp_path / "mine.jsonl"))
    assert again["proposed"] == 0


def test_without_a_suite_everything_is_new(repo: Repo, cli: Cli) -> None:
    repo.write({SUITE: None})
    assert cli.json("feedback", "to-cases", DESK)["proposed"] == 4


def test_spooled_events_are_told_of(cli: Cli) -> None:
    cli.ok("feedback", "add", DESK, "--input", "new", "--corrected", "beta")
    done = cli("feedback", "to-cases", DESK)
    assert "1 event is spooled" in done.err


def test_what_cannot_be_done(repo: Repo, cli: Cli, tmp_path: Path) -> None:
    assert "JSON Lines" in cli.fails(2, "feedback", "to-cases", DESK, "--output", str(tmp_path / "x.yaml"))
    assert "no revision" in cli.fails(2, "feedback", "to-cases", f"{DESK}@v1")
    assert "did you mean" in cli.fails(2, "feedback", "to-cases", "desk/rout")
    repo.write({PROPOSED: "{}\n{nonsense\n"})
    assert f"{PROPOSED}:1" in cli.fails(2, "feedback", "to-cases", DESK)
    repo.write({PROPOSED: '{"id": "a", "expected": "b"}\n{nonsense\n'})
    assert f"{PROPOSED}:2" in cli.fails(2, "feedback", "to-cases", DESK)
