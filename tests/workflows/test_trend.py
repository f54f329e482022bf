"""`evaluate trend`: versions, evidence and ratings of a real repository, and no run."""

from __future__ import annotations

import pytest

from promptvc.base.clock import parse_time
from promptvc.base.ids import new_ulid
from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.records import path, to_bytes
from promptvc.evidence.runs import CaseResult, RunRecord, Totals
from promptvc.evidence.values import Score, VersionRef
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_files

NOON = parse_time("2026-01-02T12:00:00Z")


def rewritten(version: int) -> str:
    return DESK_PROMPT.replace("version: 1", f"version: {version}").replace("one label", f"{version} labels")


@pytest.fixture
def history(repo: Repo) -> Repo:
    """Three versions: a run of the first, nothing about the second, a comparison of the third with the first."""
    repo.commit(desk_files(), "Start")
    first = repo.rev(f"HEAD:{DESK_FILE}")
    repo.commit({DESK_FILE: rewritten(2)}, "Two")
    repo.commit({DESK_FILE: rewritten(3)}, "Three")
    third = repo.rev(f"HEAD:{DESK_FILE}")
    run = RunRecord(
        new_ulid(NOON), DESK, 1, first, "5" * 64, "offline", NOON, NOON,
        (CaseResult("a", 1.0, True), CaseResult("b", 0.0, False)), Totals(0.5, 2, 1, 1, 0, latency_p50=7.0),
    )  # fmt: skip
    comparison = ComparisonRecord(
        new_ulid(NOON), NOON, DESK, VersionRef(3, third), VersionRef(1, first), "6" * 64, "offline",
        "improvement", "deploy", Score(0.5, 1.0, 0.5, 0.125, 0.75, 0.9, 2), 0.01, 0.05,
        pairs=(Pair("a", 1.0, 1.0, True, True), Pair("b", 0.0, 1.0, False, True)),
    )  # fmt: skip
    repo.commit({path(one): to_bytes(one) for one in (run, comparison)}, "Evidence")
    return repo


def test_versions_oldest_first_with_what_is_known_of_each(history: Repo) -> None:
    cli = cli_of(history)
    cli.ok("feedback", "add", f"{DESK}@v1", "--stars", "5")
    cli.ok("feedback", "add", f"{DESK}@v1", "--thumbs-down")
    cli.ok("feedback", "commit")
    head = history.rev("HEAD")
    found = cli.json("evaluate", "trend", DESK)
    assert history.rev("HEAD") == head
    assert [one["version"] for one in found["versions"]] == [1, 2, 3]
    first, second, third = found["versions"]
    assert (first["score"], first["passed"], first["n"], first["latency_p50"]) == (0.5, 1, 2, 7.0)
    assert first["rating"] == {"mean": 0.5, "n": 2}
    assert (second["score"], second["evidence"], second["comparison"]) == (None, None, None)
    assert (third["score"], third["changed"]) == (1.0, ["suite"])
    assert (third["comparison"]["against"], third["comparison"]["verdict"]) == (1, "improvement")
    assert (third["comparison"]["low"], third["comparison"]["level"]) == (0.125, 0.9)
    assert first["commit"] == history.git("rev-list", "HEAD", "--", DESK_FILE).splitlines()[-1]
    assert found["sparkline"] == "▅·|█"
    assert found["remarks"] == ["another suite from v3 on: scores before and after do not compare"]


def test_on_a_terminal_and_piped(history: Repo) -> None:
    cli = cli_of(history)
    shown = cli("evaluate", "trend", DESK, PROMPTVC_FORCE_TTY="120")
    assert shown.out.startswith(f"{DESK}  ▅·|█\n")
    assert "improvement" in shown.out
    assert "rating" not in shown.out
    assert "do not compare" in shown.err
    rows = [line.split("\t") for line in cli.ok("evaluate", "trend", DESK).splitlines()]
    assert [row[0] for row in rows] == ["v1", "v2", "v3"]
    assert {len(row) for row in rows} == {14}
    assert rows[2][6:9] == ["v1", "improvement", "+50.0"]


def test_no_evidence_no_prompt_no_revision(repo: Repo) -> None:
    repo.commit(desk_files(), "Start")
    cli = cli_of(repo)
    found = cli.json("evaluate", "trend", DESK)
    assert found["sparkline"] == "·"
    assert f"promptvc evaluate {DESK} --save" in found["remarks"][0]
    assert f"did you mean {DESK}" in cli.fails(2, "evaluate", "trend", "desk/rout")
    assert "over all versions" in cli.fails(2, "evaluate", "trend", f"{DESK}@v1")
